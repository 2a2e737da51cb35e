"""Runs a process with the same Python and the same package, which imports no `__main__` and no file
of the working folder.
"""

import json
import sys
from pathlib import Path

import mnistlab

# This process's module path, because the package may be run from its sources.
SAME_PATH = "import json, sys\nsys.path[:] = json.loads(sys.argv.pop(1))\n"
QUICKLY = "from mnistlab.support.collector import collect_rarely\ncollect_rarely()\n"


def own_python(program: str, *arguments: str) -> list[str]:
    """The command that runs a few lines of Python; `arguments` are their sys.argv[1:]."""
    return [
        sys.executable,
        "-I",
        "-c",
        SAME_PATH + QUICKLY + program,
        json.dumps(module_path()),
        *arguments,
    ]


def module_path() -> list[str]:
    """This process's module path without the working folder.

    A command may be run in any folder, and must not import a `json.py` there. mnistlab's own folder
    comes last, if it is not on the path already.
    """
    here, own = Path.cwd(), Path(mnistlab.__file__).parent.parent
    path = [entry for entry in sys.path if entry and Path(entry).absolute() != here]
    return path if str(own) in path else [*path, str(own)]
