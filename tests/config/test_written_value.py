"""A learning rate that is written into a file: only its characters change."""

import os

import pytest

from mnistlab.config import load_run_config
from mnistlab.config.written_value import with_learning_rate, write_learning_rate
from mnistlab.support.errors import UsageError

EDITS = {
    "a number with a comment": (
        "optimizer:\n  type: sgd   # plain\n  lr: 0.1     # the rate\n  momentum: 0.9\n",
        "optimizer:\n  type: sgd   # plain\n  lr: 0.025   # the rate\n  momentum: 0.9\n",
    ),
    "a shorter number": ("optimizer:\n  lr: 0.0001 # c\n", "optimizer:\n  lr: 0.025  # c\n"),
    "a longer number": ("optimizer:\n  lr: 1 # c\n", "optimizer:\n  lr: 0.025 # c\n"),
    "in braces": (
        "optimizer: {lr: 0.1, momentum: 0.9}\n",
        "optimizer: {lr: 0.025, momentum: 0.9}\n",
    ),
    "in braces, without": (
        "optimizer: {type: adam}  # c\n",
        "optimizer: {type: adam, lr: 0.025}  # c\n",
    ),
    "empty braces": ("optimizer: {}\n", "optimizer: {lr: 0.025}\n"),
    "a bare name": (
        "optimizer: adam  # c\nseed: 3\n",
        "optimizer: {type: adam, lr: 0.025} # c\nseed: 3\n",
    ),
    "behind the type": (
        "optimizer:\n  type: adam  # c\n\n  # next\n  beta1: 0.8\nseed: 3\n",
        "optimizer:\n  type: adam  # c\n  lr: 0.025\n\n  # next\n  beta1: 0.8\nseed: 3\n",
    ),
    "without a type": (
        "optimizer:\n  momentum: 0.9  # c\n\n# the seed\nseed: 3\n",
        "optimizer:\n  momentum: 0.9  # c\n  lr: 0.025\n\n# the seed\nseed: 3\n",
    ),
    "no section": (
        "model:\n  hidden:\n  - 8\n  - 6\n\n# the end",
        "model:\n  hidden:\n  - 8\n  - 6\noptimizer: {lr: 0.025}\n\n# the end",
    ),
    "no line end": ("seed: 3", "seed: 3\noptimizer: {lr: 0.025}\n"),
    "a document's end": ("---\nseed: 3\n...\n", "---\nseed: 3\noptimizer: {lr: 0.025}\n...\n"),
    "all in braces": ("{seed: 3}\n", "{seed: 3, optimizer: {lr: 0.025}}\n"),
    "line ends of Windows": (
        "seed: 3\r\noptimizer:\r\n  type: sgd\r\n",
        "seed: 3\r\noptimizer:\r\n  type: sgd\r\n  lr: 0.025\r\n",
    ),
    "a byte order mark": ("\ufeffoptimizer: {lr: 1}\n", "\ufeffoptimizer: {lr: 0.025}\n"),
    "a text with an umlaut": ("# ü\noptimizer: {lr: 1}\n", "# ü\noptimizer: {lr: 0.025}\n"),
    "an anchor that nothing uses twice": (
        "optimizer: &o\n  type: sgd\n",
        "optimizer: &o\n  type: sgd\n  lr: 0.025\n",
    ),
}


def write(path, text):
    path.write_bytes(text.encode())
    return load_run_config(path)


@pytest.mark.parametrize(("before", "after"), EDITS.values(), ids=EDITS)
def test_only_the_rate_changes(tmp_path, before, after):
    path = tmp_path / "a.yaml"
    config = write(path, before)
    write_learning_rate(path, 0.025, config)
    assert path.read_bytes().decode() == after
    assert load_run_config(path).optimizer.lr == 0.025
    assert with_learning_rate(after, 0.025) == after


@pytest.mark.parametrize(
    "text",
    [
        "optimizer: {lr: &x 0.1}\ninit: {type: normal, std: *x}\n",
        "init: {type: normal, std: &x 0.1}\noptimizer: {lr: *x}\n",
        "init: {type: normal, std: &x 0.1}\noptimizer:\n  lr: *x\n",
    ],
)
def test_a_value_that_another_key_shares_is_left_alone(tmp_path, text):
    path = tmp_path / "a.yaml"
    config = write(path, text)
    with pytest.raises(UsageError, match="shares the value with another key"):
        write_learning_rate(path, 0.025, config)
    assert path.read_text(encoding="utf-8") == text


def test_a_file_that_has_changed_meanwhile_is_left_alone(tmp_path):
    path = tmp_path / "a.yaml"
    config = write(path, "optimizer: {lr: 0.1}\n")
    for text in ("optimizer: {lr: 0.2}\n", "optimizer: {lr: 0.1\n", "- 1\n"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match="it has changed since it was read"):
            write_learning_rate(path, 0.025, config)
        assert path.read_text(encoding="utf-8") == text


def test_a_file_with_a_base_gets_the_rate_and_the_base_stays(tmp_path):
    base, path = tmp_path / "base.yaml", tmp_path / "a.yaml"
    base.write_text("optimizer: {type: adam, lr: 0.5}\n", encoding="utf-8")
    config = write(path, "base: base.yaml\nseed: 3\n")
    write_learning_rate(path, 0.025, config)
    assert path.read_text(encoding="utf-8").endswith("seed: 3\noptimizer: {lr: 0.025}\n")
    assert base.read_text(encoding="utf-8") == "optimizer: {type: adam, lr: 0.5}\n"
    assert load_run_config(path).optimizer.type == "adam"


def test_permissions_stay_and_a_link_stays_a_link(tmp_path):
    path, link = tmp_path / "a.yaml", tmp_path / "link.yaml"
    write(path, "optimizer: {lr: 0.1}\n")
    path.chmod(0o640)
    link.symlink_to("a.yaml")
    write_learning_rate(link, 0.025, load_run_config(link))
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_text(encoding="utf-8") == "optimizer: {lr: 0.025}\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only_is_an_error_and_the_file_stays(tmp_path):
    path = tmp_path / "a.yaml"
    config = write(path, "optimizer: {lr: 0.1}\n")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UsageError, match=r"a\.yaml: cannot be written: Permission denied"):
            write_learning_rate(path, 0.025, config)
    finally:
        tmp_path.chmod(0o700)
    assert path.read_text(encoding="utf-8") == "optimizer: {lr: 0.1}\n"
