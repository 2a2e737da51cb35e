"""The CI file for the usual forge has every system, and the commands of the README and .ci/run."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FILE = ROOT / ".github" / "workflows" / "ci.yml"


@pytest.fixture(scope="module")
def jobs():
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))["jobs"]


def test_it_covers_each_system_with_the_oldest_and_the_newest_python(jobs):
    systems = {*jobs["posix"]["strategy"]["matrix"]["os"], jobs["windows"]["runs-on"]}
    assert systems == {"ubuntu-latest", "ubuntu-24.04-arm", "macos-latest", "windows-latest"}
    for job in jobs.values():
        assert job["strategy"]["matrix"]["python"] == ["3.11", "3.14"]


def test_posix_systems_run_the_script_of_ci(jobs):
    assert [step["run"] for step in jobs["posix"]["steps"] if "run" in step] == [".ci/run"]


def test_windows_runs_the_commands_of_the_readme_and_the_checks_of_ci(jobs):
    lines = [
        line.strip().removeprefix(".venv/Scripts/")
        for step in jobs["windows"]["steps"]
        for line in step.get("run", "").splitlines()
    ]
    blocks = re.findall(
        r"^```bash\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.M | re.S
    )
    first, second = (block.split(" && ") for block in blocks[:2])
    assert first[2].split("/", 2)[2].splitlines()[0] in lines
    assert second[2].split("/", 2)[2].strip() in lines
    assert second[1].split("/", 2)[2] in lines
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for check in ("ruff format --check .", "ruff check .", "mypy", "lint-imports"):
        assert check in lines
        assert f".venv/bin/{check}\n" in script
