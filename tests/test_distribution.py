"""What is installed: the wheel that is built from the source distribution."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mnistlab.reproduce.known import KINDS, known
from mnistlab.support.example_files import all_example_files, example_paths

CLONE = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with what the wheel contains, as an installer unpacks it."""
    for needed in ("build", "hatchling"):
        pytest.importorskip(needed)
    made = tmp_path_factory.mktemp("dist")
    # Without naming a kind, `build` makes the wheel from the source distribution.
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(made), str(CLONE)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = made.glob("*.whl")
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(installed, home, *arguments):
    """The output of a command of what is installed, outside the clone."""
    done = subprocess.run(
        [sys.executable, "-m", "mnistlab", *arguments],
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.long
def test_the_examples_of_the_clone_are_in_the_wheel(installed, tmp_path):
    listed = run(installed, tmp_path, "examples", "--json")["examples"]
    assert [one["name"] for one in listed] == list(example_paths())
    assert all(one["path"].startswith(str(installed)) for one in listed)
    written = run(installed, tmp_path, "examples", ".", "--json")["files"]
    copied = {Path(path).relative_to(tmp_path): Path(path).read_bytes() for path in written}
    assert copied == all_example_files()


@pytest.mark.slow
def test_the_wheel_of_the_source_distribution_reproduces_papers_and_reports(installed, tmp_path):
    listed = run(installed, tmp_path, "reproduce", "--list", "--json")
    for group in KINDS:
        assert [one["name"] for one in listed[group]] == [one.name for one in known(group)]
        assert all(one["folder"].startswith(str(installed)) for one in listed[group])
    few = ("data.source=digits", "data.train_limit=60")
    done = run(installed, tmp_path, "reproduce", "sklearn", "--quick", *few, "--json", "--quiet")
    assert done["trials"] == {"finished": 2, "diverged": 0, "failed": 0}
    (report,) = done["reports"]
    assert Path(report["html"]).is_file()
    assert all(row["metrics"]["test_accuracy"]["mean"] for row in report["tables"][0]["rows"])
