"""Trials in progress on other machines: each attempt at a trial has its own folder, its claim.

A worker that seems lost may only have been suspended, and continue after another has begun the same
trial again. No lock works between machines that cannot reach each other, and a token checked before
each write leaves a gap after the check. So only the sweep's process writes in the trials' folders.
A worker knows only the folder of its claim, and the sweep's process decides by renaming what
happens to it. A worker whose claim was taken away writes to a path that no longer exists.

A claim is `<trial's folder>-<token>`: in the sweep's `.claims` if its worker sees that folder, else
on the worker's own disk, from which the files come back with the result.
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
from mnistlab.support.platform import system
from mnistlab.support.safe_files import inside, read_artefact
from mnistlab.sweeps.results import read_record

# A claim taken from its holder has a dot in front.
CLAIM_NAME = re.compile(r"\.?(\d{4,}-[0-9a-f]+)-[0-9a-f]{8}")


class DamagedError(Exception):
    """Files have changed since they were packed."""


@dataclass(frozen=True)
class FolderFiles:
    """The files of a folder by their relative path, and their hashes."""

    files: dict[str, bytes]
    sha256: str


def pack(folder: Path) -> FolderFiles:
    """All files of a folder, except temporary files of killed writers."""
    files = {
        path.relative_to(folder).as_posix(): read_artefact(inside(path, folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != durable.TEMPORARY_SUFFIX
    }
    return FolderFiles(files, _digest(files))


def unpack(packed: FolderFiles, folder: Path) -> None:
    """Write the files into a folder, each durably. Raises DamagedError before anything
    is written.
    """
    if _digest(packed.files) != packed.sha256:
        raise DamagedError("its files were damaged in transfer: their hash has changed")
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
    """Create the empty folder of a new attempt at the trial with this folder name."""
    claim = claims / f"{trial_name}-{secrets.token_hex(4)}"
    claim.mkdir()
    return claim


def replace_folder(fresh: Path, folder: Path, claims: Path, trial_name: str) -> None:
    """Replace a folder by a claim. No process may be writing in either of them.

    If the process is killed between its two renames, `folder` is missing and both are claims of the
    trial.
    """
    if folder.exists():
        before = claims / f"{trial_name}-{secrets.token_hex(4)}"
        system.rename(folder, before)
        system.rename(fresh, folder)
        shutil.rmtree(before)
    else:
        system.rename(fresh, folder)
    durable.fsync(folder.parent)


def recover(claims: Path, trial_name: str, folder: Path) -> bool:
    """Replace `folder` by the trial's most advanced claim, if it is more advanced; returns whether
    it was. All other claims are taken from their holders.
    """
    recovered = False
    for claim in sorted(claims.glob(f"*{trial_name}-*")):
        if claim == folder:
            continue
        revoked = claim
        if not claim.name.startswith("."):
            revoked = system.rename(claim, claim.with_name(f".{claim.name}"))
        if _progress(revoked) > _progress(folder):
            # Copied: a file that its holder has open must not become one of the trial's.
            copy = new_claim(claims, trial_name)
            shutil.copytree(revoked, copy, dirs_exist_ok=True)
            replace_folder(copy, folder, claims, trial_name)
            recovered = True
        discard(revoked)
    return recovered


def recover_all(claims: Path, trials: Path) -> None:
    """Recover the progress of the workers of a sweep's process that is gone; no claims remain."""
    if not claims.exists():
        return
    named = filter(None, (CLAIM_NAME.fullmatch(claim.name) for claim in claims.iterdir()))
    for name in sorted({found[1] for found in named}):
        recover(claims, name, trials / name)
    discard(claims)


def discard(folder: Path) -> None:
    """Remove a claim, or the folder of all claims, even if a worker still holds it."""
    if not folder.exists():
        return
    # First move it out of its holder's reach, who could create another file during the removal.
    gone = system.rename(folder, folder.with_name(f".gone-{secrets.token_hex(4)}"))
    # Files open on another machine may resist removal; the rest is never taken for a trial's.
    with suppress(OSError):
        shutil.rmtree(gone)


def _progress(folder: Path) -> tuple[bool, int]:
    """Whether the run there has ended, and the step of its checkpoint; -1 without a
    complete one.
    """
    run_dir = RunDir(folder)
    record = read_record(run_dir)
    ended = record is not None and record.status.ended
    try:
        checkpoint = load_checkpoint(run_dir)
    except UsageError:
        checkpoint = None
    return ended, checkpoint.position["step"] if checkpoint is not None else -1
