"""Refuses arguments of another type, before they fail somewhere inside."""

import os
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any

from mnistlab.support.errors import UsageError


def refuse_no_text(name: str, value: Any) -> None:
    """Raise TypeError for an argument that is no text."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: found {value!r}, must be a text")


def texts_of(name: str, value: Any) -> list[str]:
    """One text or several as a list; raises TypeError for anything else."""
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, Iterable):
        raise TypeError(f"{name}: found {value!r}, must be a text, or several")
    texts = list(several)
    for text in texts:
        refuse_no_text(name, text)
    return texts


def items_of(name: str, value: Any) -> list[Any]:
    """One path or several as a list; raises TypeError for anything else."""
    several = [value] if isinstance(value, str | os.PathLike) else value
    if not isinstance(several, Iterable):
        raise TypeError(f"{name}: found {value!r}, must be a path, or several")
    return list(several)


def overrides_of(value: Any) -> Mapping[str, Any]:
    """Overrides as a mapping of dotted paths, empty for None; raises TypeError for others."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(
            f"overrides: found {value!r}, must be a mapping of dotted keys to values, such as "
            '{"optimizer.lr": 0.01}'
        )
    for key in value:
        refuse_no_text("overrides: a key", key)
    return value


def refuse_no_count(name: str, value: Any, otherwise: str = "") -> None:
    """Raise UsageError for what is no whole number of at least 1; `otherwise`: also allowed."""
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or value < 1:
        raise UsageError(
            f"{name}: found {value!r}, must be a whole number of at least 1{otherwise}"
        )
