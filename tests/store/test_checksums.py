"""The digest above a configuration's text."""

import hashlib

import pytest

from mnistlab.store.checksums import refuse_wrong_checksum, with_checksum
from mnistlab.support.errors import UsageError

TEXT = "seed: 0\n"
DIGEST = hashlib.sha256(TEXT.encode()).hexdigest()
LINES = {
    "this version": with_checksum(""),
    "earlier versions": f"# sha256 of what stands below: {DIGEST}\n",
}


@pytest.mark.parametrize("line", LINES)
def test_a_changed_text_does_not_pass_the_line_of_any_version(tmp_path, line):
    first = LINES[line].partition(":")[0]
    path = tmp_path / "config.yaml"

    path.write_text(f"{first}: {DIGEST}\n{TEXT}")
    refuse_wrong_checksum(path)

    path.write_text(f"{first}: {DIGEST}\n{TEXT}training: {{}}\n")
    with pytest.raises(UsageError, match="is damaged, or was edited"):
        refuse_wrong_checksum(path)
