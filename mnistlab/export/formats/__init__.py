"""The export formats: each module of this folder is one, selected by its name in `--format`."""

import importlib.util

from mnistlab.export.format import Format
from mnistlab.support.errors import UsageError
from mnistlab.support.modules import found_in

FORMATS = found_in(__name__, Format)


def usable(name: str) -> Format:
    """The format of that name.

    Raises UsageError for an unknown name. If a module is missing, the error says how to install it.
    """
    if name not in FORMATS:
        raise UsageError(f"format: found {name!r}, expected one of {', '.join(FORMATS)}")
    format = FORMATS[name]
    missing = [module for module in format.needs if importlib.util.find_spec(module) is None]
    if missing:
        raise UsageError(
            f"--format {name} needs {' and '.join(missing)}, not installed here: "
            f"pip install '{format.install}'"
        )
    return format
