"""Where a run comes from: versions, source, processor; and run.json, which keeps it."""

import json
import math
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import mnistlab
from mnistlab.store import durable
from mnistlab.store.run_dir import RunDir
from mnistlab.store.status import Status
from mnistlab.support.digests import DIGITS, NO_DIGEST, digest_without
from mnistlab.support.errors import UsageError
from mnistlab.support.host import available_cpus, library_versions
from mnistlab.support.safe_files import read_artefact

GIT_TIMEOUT_SECONDS = 2.0
# A description of ten thousand layers takes a tenth of it.
MAX_RUN_JSON_BYTES = 1 << 25
DIGEST_KEY = "sha256"
PACKAGE_DIR = Path(mnistlab.__file__).parent


def collect(threads: int, argv: Sequence[str]) -> dict[str, Any]:
    """What run.json says of the programs and the machine; null is what cannot be found out."""
    # Not above: who lists runs imports this file, and needs no compiler.
    from mnistlab.runtime.arithmetic import arithmetic

    return {
        "argv": list(argv),
        "mnistlab": mnistlab.__version__,
        "versions": library_versions(),
        "git": _own_git_state(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cpus": available_cpus(),
        "threads": threads,
        "arithmetic": arithmetic(),
    }


@cache
def _own_git_state() -> dict[str, Any]:
    """Asked once: a process that trains many runs trains them all with what it has loaded."""
    return git_state(PACKAGE_DIR)


def git_state(package_dir: Path) -> dict[str, Any]:
    """`commit` of the repository that tracks the package, and `dirty`: changes in the package.

    Both are None where no repository tracks it: one that merely lies around it says nothing of it.
    """
    unknown = {"commit": None, "dirty": None}
    if not _git(package_dir, "ls-files", "--", "__init__.py"):
        return unknown
    status = _git(package_dir, "status", "--porcelain=v2", "--branch", "--", ".")
    if status is None:
        return unknown
    lines = status.splitlines()
    heads = [line.split()[-1] for line in lines if line.startswith("# branch.oid ")]
    commit = heads[0] if heads and heads[0] != "(initial)" else None
    return {"commit": commit, "dirty": any(not line.startswith("#") for line in lines)}


def write_run_json(run_dir: RunDir, mapping: Mapping[str, Any]) -> None:
    """Write run.json in the mapping's own order; NaN and infinities become null. Raises OSError.

    Its last entry is the SHA-256 of the file with these 64 digits as zeros.
    """
    ours = {**_jsonable(mapping), DIGEST_KEY: NO_DIGEST.decode()}
    content = f"{json.dumps(ours, indent=2, allow_nan=False)}\n".encode()
    start = content.rindex(NO_DIGEST)
    digest = digest_without(content, start)
    durable.write_file(run_dir.run_json, content[:start] + digest + content[start + DIGITS :])


def read_run_json(run_dir: RunDir, *, edited: bool = False) -> dict[str, Any]:
    """What run.json says, without its digest; one that has none is taken as it stands.

    Raises UsageError, with `file:line:column` where that is known, for a damaged one, and, unless
    it may be `edited`, where the digest is not its own.
    """
    path = run_dir.run_json
    try:
        written = read_artefact(path, MAX_RUN_JSON_BYTES)
        content = json.loads(written.decode(), parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise UsageError(f"{path}:{error.lineno}:{error.colno}: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path}: is no JSON object")
    if "status" in content:
        content["status"] = _status(content["status"], path)
    digest = _taken_out(content)
    if digest is not None and not edited and not _is_its_own(digest.encode(), written):
        raise UsageError(
            f"{path}: is damaged, or was edited: the SHA-256 that it ends with is not its own; "
            "without that entry it is taken as it stands"
        )
    return content


def _status(found: Any, path: Path) -> Status:
    try:
        return Status(found)
    except ValueError:
        raise UsageError(
            f"{path}: status: found {found!r}, expected one of {', '.join(Status)}"
        ) from None


def _taken_out(content: dict[str, Any]) -> str | None:
    """The digest, which is then no longer in `content`; None where there is none.

    It is the last entry: its name too may be what is damaged.
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
    raise ValueError(f"{name} is no JSON number")


def _jsonable(value: Any) -> Any:
    """JSON's own types of dicts, lists, numpy's numbers and arrays, and paths."""
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # numpy's; to read a run.json, numpy need not be imported
        return _jsonable(value.tolist())
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints, or None where there is no git, no repository, or no answer in time."""
    # A hook that runs us names its own repository by these.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        return subprocess.run(
            ["git", "--no-optional-locks", "-C", str(folder), *arguments],
            env=environment,
            capture_output=True,
            check=True,
            encoding="utf-8",
            errors="replace",
            timeout=GIT_TIMEOUT_SECONDS,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def _processor() -> str | None:
    """The processor's model name."""
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        cpuinfo = ""
    for line in cpuinfo.splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or None
