"""Links such as `runs/latest`: symbolic links, or small text files where the system makes none.

A text file names a folder beside or below it. Whatever a user may name by a link passes `follow`.
"""

import os
import re
from pathlib import Path

from mnistlab.support.platform import system

MAX_BYTES = 1000
CONTENT = "mnistlab link to {}\n"
PATTERN = re.compile(rb"mnistlab link to ([^\r\n]+)\r?\n")


def write_link(link: Path, folder: Path, fresh: Path) -> None:
    """Make `link` point to a folder beside or below it; an existing link is replaced.

    `fresh` is a free name for the new link, before it gets its own. Raises OSError.
    """
    target = folder.relative_to(link.parent)
    try:
        try:
            fresh.symlink_to(target, target_is_directory=True)
        except OSError:
            # Windows permits links to few users, and some file systems have none.
            fresh.write_text(CONTENT.format(target.as_posix()), encoding="utf-8", newline="")
        system.replace(fresh, link)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def target_of(link: Path) -> Path | None:
    """What a link points to, as it is written there; None if the path is no link."""
    if link.is_symlink():
        return link.readlink()
    return _in_text(link)


def follow(path: Path) -> Path:
    """The path without text files as links in it; the system itself follows symbolic links."""
    if path.is_dir():
        return path
    for part in (path, *path.parents):
        if (target := _in_text(part)) is not None:
            return follow(part.parent / target / path.relative_to(part))
    return path


def resolved(path: Path) -> Path:
    """The absolute path, all links followed."""
    return Path(os.path.realpath(follow(path)))


def _in_text(path: Path) -> Path | None:
    """The folder that a text file names as its target; None for anything else."""
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            return None
        found = PATTERN.fullmatch(path.read_bytes())
        target = Path(found[1].decode()) if found else None
    except (OSError, UnicodeDecodeError):
        return None
    leads_out = target is None or target.is_absolute() or ".." in target.parts
    return None if leads_out else target
