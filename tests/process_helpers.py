"""Whether processes have ended."""

from pathlib import Path


def has_ended(pid: int) -> bool:
    """Whether a process has ended, even if its suspended parent has not noticed yet."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
            == "Z"
        )
    except FileNotFoundError:
        return True
