"""Trials under way on other machines: every attempt at one has a folder of its own, its claim.

A worker that is taken for lost may only have slept, and go on while another has begun the same
trial again. No lock holds between machines that cannot reach each other, and a look at a token
before each writing would leave a gap behind the look. So nobody but the sweep's process writes in
the trials' folders: a worker knows the folder of its claim alone, and what becomes of that is for
the sweep's process to say, by renaming. Whoever's claim was taken away writes to a path that is
not there any more.

A claim is `<trial's folder>-<token>`, in the sweep's `.claims` where its worker sees that folder,
else on the worker's own disk, from where the files come back with the result.
"""

import hashlib
import re
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mnistlab.store.checkpoint import load_checkpoint
from mnistlab.store.run_dir import RunDir
from mnistlab.support import durable
from mnistlab.support.errors import UsageError
from mnistlab.support.safe_files import inside, read_artefact
from mnistlab.sweeps.results import read_record

# One that was taken from its holder has a dot before it.
CLAIM_NAME = re.compile(r"\.?(\d{4,}-[0-9a-f]+)-[0-9a-f]{8}")


class DamagedError(Exception):
    """Files are not what they were when they were packed."""


@dataclass(frozen=True)
class FolderFiles:
    """The files of a folder by their relative path, and what they must hash to."""

    files: dict[str, bytes]
    sha256: str


def pack(folder: Path) -> FolderFiles:
    """All files of a folder, but for what a killed writer left."""
    files = {
        path.relative_to(folder).as_posix(): read_artefact(inside(path, folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != durable.TEMPORARY_SUFFIX
    }
    return FolderFiles(files, _digest(files))


def unpack(packed: FolderFiles, folder: Path) -> None:
    """Write the files into a folder, each durably. Raises DamagedError, with nothing written."""
    if _digest(packed.files) != packed.sha256:
        raise DamagedError("its files came damaged: they do not hash to what was sent")
    for name, content in packed.files.items():
        path = inside(folder / name, folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.write_file(path, content)


def _digest(files: dict[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name, content in sorted(files.items()):
        whole.update(f"{len(name.encode())} {name} {len(content)} ".encode() + content)
    return whole.hexdigest()


def new_claim(claims: Path, trial_name: str) -> Path:
    """Make the empty folder of a new attempt at the trial whose folder is called so."""
    claim = claims / f"{trial_name}-{secrets.token_hex(4)}"
    claim.mkdir()
    return claim


def replace_folder(fresh: Path, folder: Path, claims: Path, trial_name: str) -> None:
    """Put a claim in a folder's place. Nobody may be writing in either any more.

    Killed between its two renamings, `folder` is missing, and both are claims of the trial.
    """
    if folder.exists():
        before = claims / f"{trial_name}-{secrets.token_hex(4)}"
        folder.rename(before)
        fresh.rename(folder)
        shutil.rmtree(before)
    else:
        fresh.rename(folder)
    durable.fsync(folder.parent)


def recover(claims: Path, trial_name: str, folder: Path) -> bool:
    """Give `folder` the state of that claim of a trial that has come furthest, if any has come
    further; whether one had. All claims but `folder` itself are taken away from their holders.
    """
    recovered = False
    for claim in sorted(claims.glob(f"*{trial_name}-*")):
        if claim == folder:
            continue
        revoked = claim
        if not claim.name.startswith("."):
            revoked = claim.rename(claim.with_name(f".{claim.name}"))
        if _progress(revoked) > _progress(folder):
            # Copied: a file that its holder has open is not one of the trial's.
            copy = new_claim(claims, trial_name)
            shutil.copytree(revoked, copy, dirs_exist_ok=True)
            replace_folder(copy, folder, claims, trial_name)
            recovered = True
        discard(revoked)
    return recovered


def recover_all(claims: Path, trials: Path) -> None:
    """What the workers of a sweep's process that is gone had come to; no claim is left of it."""
    if not claims.exists():
        return
    named = filter(None, (CLAIM_NAME.fullmatch(claim.name) for claim in claims.iterdir()))
    for name in sorted({found[1] for found in named}):
        recover(claims, name, trials / name)
    discard(claims)


def discard(folder: Path) -> None:
    """Remove a claim, or all of them, whoever may still hold it."""
    if not folder.exists():
        return
    # First out of its holder's reach, who could make another file behind our back.
    gone = folder.rename(folder.with_name(f".gone-{secrets.token_hex(4)}"))
    # What is open on another machine may resist; nobody takes what is left for a trial's.
    with suppress(OSError):
        shutil.rmtree(gone)


def _progress(folder: Path) -> tuple[bool, int]:
    """Whether the run there has ended, and the step of its checkpoint; -1 without a whole one."""
    run_dir = RunDir(folder)
    record = read_record(run_dir)
    ended = record is not None and record.status.ended
    try:
        checkpoint = load_checkpoint(run_dir)
    except UsageError:
        checkpoint = None
    return ended, checkpoint.position["step"] if checkpoint is not None else -1
