"""Checks the settings that numba reads from the environment and the working folder before it is
imported: numba ends in a traceback if it cannot read them.
"""

import os
from numbers import Integral
from pathlib import Path
from typing import Any

from mnistlab.support.errors import UsageError
from mnistlab.support.safe_files import read_file
from mnistlab.support.whole_numbers import whole_number

FILE = Path(".numba_config.yaml")
MAX_FILE_BYTES = 1 << 20
MAX_THREADS = 1024
ALLOWED_THREADS = f"a whole number from 1 to {MAX_THREADS}"
PREFIX = "NUMBA_"
LAYERS = ("default", "forksafe", "omp", "safe", "tbb", "threadsafe", "workqueue")


def check_numba_settings() -> None:
    """Raise UsageError, naming the variable or file, for settings that numba cannot read."""
    _check({f"{FILE}: {name}": (name, value) for name, value in _of_file().items()})
    variables = [name for name in os.environ if name.startswith(PREFIX)]
    _check({name: (name.removeprefix(PREFIX), os.environ[name]) for name in variables})


def _check(settings: dict[str, tuple[str, Any]]) -> None:
    for place, (name, value) in settings.items():
        if isinstance(value, dict | list):
            raise UsageError(f"{place}: found a list or a mapping, must be a text or a number")
        if name.upper() == "NUM_THREADS" and not whole_number(str(value), MAX_THREADS):
            raise UsageError(f"{place}: found {str(value)!r}, must be {ALLOWED_THREADS}")
        if name.upper() == "THREADING_LAYER" and value not in LAYERS:
            raise UsageError(f"{place}: found {value!r}, must be one of {', '.join(LAYERS)}")


def refuse_threads(threads: Any) -> None:
    """Raise UsageError for what is no number of threads; None is the default number."""
    if threads is None:
        return
    is_whole = isinstance(threads, Integral) and not isinstance(threads, bool)
    if not is_whole or not 1 <= threads <= MAX_THREADS:
        raise UsageError(f"threads: found {threads!r}, must be {ALLOWED_THREADS}, or None")


def _of_file() -> dict[str, Any]:
    """The settings in the working folder's file; empty if numba would not read one."""
    if not os.path.isfile(FILE):  # noqa: PTH113 - as numba looks; Path raises where it is forbidden
        return {}
    import yaml

    try:
        settings = yaml.safe_load(read_file(FILE, MAX_FILE_BYTES).decode())
    except OSError as error:
        raise _refusal(f"cannot be read: {error.strerror}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise _refusal(f"{where}is not YAML: {error.problem}") from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise _refusal(f"is not YAML: {str(error).splitlines()[0]}") from error
    if settings is None:
        return {}
    if not isinstance(settings, dict) or not all(isinstance(name, str) for name in settings):
        raise _refusal("must be a mapping of names to values")
    return settings


def _refusal(message: str) -> UsageError:
    return UsageError(
        f"{FILE}: {message}; numba takes settings from this file of the working folder: mend it, "
        "or take it away"
    )
