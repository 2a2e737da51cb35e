"""Runs a process with the same Python and the same package, which imports no `__main__` and no file
of the working folder.
"""

import json
import sys
from pathlib import Path

import mnistlab

# The package of this process, and its module path. Another version of the package may be installed.
SAME_CODE = """\
import importlib.machinery, importlib.util, json, sys
folder, sys.path[:] = json.loads(sys.argv.pop(1))
spec = importlib.machinery.PathFinder.find_spec("mnistlab", [folder])
sys.modules["mnistlab"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["mnistlab"])
"""
QUICKLY = "from mnistlab.support.collector import collect_rarely\ncollect_rarely()\n"


def own_python(program: str, *arguments: str) -> list[str]:
    """The command that runs a few lines of Python; `arguments` are their sys.argv[1:]."""
    folder = str(Path(mnistlab.__file__).parent.parent)
    return [
        sys.executable,
        "-I",
        "-c",
        SAME_CODE + QUICKLY + program,
        json.dumps([folder, module_path()]),
        *arguments,
    ]


def module_path() -> list[str]:
    """This process's module path without the working folder.

    A command may be run in any folder, and must not import a `json.py` there.
    """
    here = Path.cwd()
    return [entry for entry in sys.path if entry and Path(entry).absolute() != here]
