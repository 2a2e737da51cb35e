"""The file run.json: a JSON object that ends with its own SHA-256."""

import json
from typing import Any

from mnistlab.store.json_fields import as_json
from mnistlab.store.run_dir import RunDir
from mnistlab.support import durable
from mnistlab.support.digests import DIGITS, NO_DIGEST, digest_without
from mnistlab.support.errors import UsageError
from mnistlab.support.safe_files import read_artefact

# A description of ten thousand layers needs a tenth of it.
MAX_RUN_JSON_BYTES = 1 << 25
DIGEST_KEY = "sha256"


def write_run_json(run_dir: RunDir, content: Any) -> None:
    """Write a record, or a mapping in its own order, as run.json. Raises OSError.

    NaN and infinities become null. The last entry is the SHA-256 of the file with zeros for these
    64 digits.
    """
    ours = {**as_json(content), DIGEST_KEY: NO_DIGEST.decode()}
    text = f"{json.dumps(ours, indent=2, allow_nan=False)}\n".encode()
    start = text.rindex(NO_DIGEST)
    digest = digest_without(text, start)
    durable.write_file(run_dir.run_json, text[:start] + digest + text[start + DIGITS :])


def read_run_json(run_dir: RunDir, *, edited: bool = False) -> dict[str, Any]:
    """The content of run.json without its digest; a file without a digest is accepted.

    Raises UsageError, with `file:line:column` if known, if it is damaged, and, unless it may be
    `edited`, if its digest does not match.
    """
    path = run_dir.run_json
    try:
        written = read_artefact(path, MAX_RUN_JSON_BYTES)
        content = json.loads(written.decode(), parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}:{error.colno}: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path}: is not a JSON object")
    digest = _taken_out(content)
    if digest is not None and not edited and not _is_its_own(digest.encode(), written):
        raise UsageError(
            f"{path}: is damaged, or was edited: its content does not match the SHA-256 at its "
            "end; without that entry it is not checked"
        )
    return content


def _taken_out(content: dict[str, Any]) -> str | None:
    """The digest, which is removed from `content`; None if there is none.

    It is the last entry: even its name may be damaged.
    """
    if not content:
        return None
    name = DIGEST_KEY if DIGEST_KEY in content else next(reversed(content))
    found = content[name]
    if name != DIGEST_KEY and not (isinstance(found, str) and len(found) == DIGITS):
        return None
    return str(content.pop(name))


def _is_its_own(digest: bytes, content: bytes) -> bool:
    start = content.rfind(digest)
    return len(digest) == DIGITS and digest_without(content, start) == digest


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
