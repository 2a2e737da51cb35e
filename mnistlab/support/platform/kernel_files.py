"""Reads the text files of Linux's kernel, such as those in /proc. Other systems have none."""

from pathlib import Path


def text_of(path: Path) -> str:
    """The content of a file; empty if it does not exist."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def number_in(path: Path) -> int | None:
    """The number that is a file's first line; None if it is none."""
    first = text_of(path).partition("\n")[0]
    return int(first) if first.isdecimal() else None


def number_after(path: Path, name: str) -> int | None:
    """The number after a name at the start of a line; None without such a line."""
    for line in text_of(path).splitlines():
        words = line.split()
        if words[:1] == [name]:
            return int(words[1])
    return None
