"""Folders of executable content: compiled code is pickled.

Whoever can write such a file can execute anything as this user. So a folder or file is trusted only
if this user or the superuser owns it and nobody else may write to it: `system.distrust`.
"""

from pathlib import Path

OWNER_ALONE = 0o700


def make_private(folder: Path) -> None:
    """Create a folder and its missing parents, accessible to this user only."""
    for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        missing.mkdir(mode=OWNER_ALONE, exist_ok=True)
