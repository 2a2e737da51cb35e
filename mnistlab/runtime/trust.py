"""Decides whether a file of executable content may be loaded: compiled code is pickled.

Whoever can write such a file can execute anything as this user. So a folder or file is trusted only
if this user or the superuser owns it and nobody else may write to it.
"""

import os
import stat
from pathlib import Path

OWNER_ALONE = 0o700


def make_private(folder: Path) -> None:
    """Create a folder and its missing parents, accessible to this user only."""
    for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        missing.mkdir(mode=OWNER_ALONE, exist_ok=True)


def distrust(status: os.stat_result) -> str | None:
    """Why a file or folder with this status may not be loaded; None if it may."""
    if not hasattr(os, "geteuid"):
        return None
    if status.st_uid not in (os.geteuid(), 0):
        return "belongs to another user"
    if stat.S_IMODE(status.st_mode) & (stat.S_IWGRP | stat.S_IWOTH):
        return "can be written to by other users"
    return None
