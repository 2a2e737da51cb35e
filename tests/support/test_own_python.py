"""Processes with the same Python and the same package."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import mnistlab

PACKAGE = Path(mnistlab.__file__).parent
PROGRAM = """
import subprocess, sys
import mnistlab
from mnistlab.support.own_python import own_python
print(mnistlab.__version__, flush=True)
child = "import mnistlab, mnistlab.support.errors as part, json, sys; "
child += "print(mnistlab.__version__, part.__file__, json.__file__, sys.argv[1:])"
subprocess.run(own_python(child, "one", "two"), check=True)
"""


def test_the_process_has_the_package_of_the_working_folder_but_no_other_file_of_it(tmp_path):
    # Sources in the working folder, while another version is installed.
    only = {"__pycache__", *(path.name for path in PACKAGE.iterdir() if path.is_dir())}
    own = tmp_path / "mnistlab"
    shutil.copytree(PACKAGE, own, ignore=lambda folder, names: only & set(names) - {"support"})
    init = own / "__init__.py"
    version = f'__version__ = "{mnistlab.__version__}"'
    assert version in init.read_text()
    init.write_text(init.read_text().replace(version, '__version__ = "of this folder"'))
    for name in ("json.py", "typing.py"):
        (tmp_path / name).write_text("raise ImportError('not mine')")
    installed = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    here = (
        "import json, sys, typing\n"  # before those of the working folder are found
        f"sys.path.insert(0, {str(tmp_path)!r}); import mnistlab; del sys.path[0]\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", here + PROGRAM],
        cwd=tmp_path,
        env={**installed, "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    outer, inner = said.stdout.splitlines()
    assert outer == "of this folder"
    assert inner.startswith(f"of this folder {own / 'support' / 'errors.py'} ")
    assert str(tmp_path / "json.py") not in inner
    assert inner.endswith("['one', 'two']")
