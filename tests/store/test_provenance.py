"""run.json's facts about a run's origin are true, quick to find out, and read back strictly."""

import json
import math
import os
import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

import mnistlab
from mnistlab.store import provenance
from mnistlab.store.provenance import collect, git_state
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_json import read_run_json, write_run_json
from mnistlab.store.run_record import GitState
from mnistlab.support import host
from mnistlab.support.errors import UsageError

UNKNOWN = GitState(commit=None, dirty=None)


@pytest.fixture
def package(tmp_path):
    """A package `p` committed to a repository of its own."""
    folder = tmp_path / "repository" / "p"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    git(folder.parent, "init", "--quiet")
    git(folder.parent, "add", "p")
    commit(folder.parent)
    return folder


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *settings, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path) -> None:
    git(folder, "commit", "--quiet", "--message", "one")


def test_the_libraries_are_those_the_project_depends_on():
    pyproject = Path(__file__).parents[2] / "pyproject.toml"
    stated = tomllib.loads(pyproject.read_text())["project"]["dependencies"]
    names = [re.split(r"[^\w-]", requirement)[0] for requirement in stated]
    assert sorted(host.DEPENDENCIES) == sorted(set(names))


def test_versions_are_those_that_are_installed():
    found = collect(2, ["mnistlab", "train"])
    assert found["mnistlab"] == mnistlab.__version__
    assert found["argv"] == ["mnistlab", "train"]
    assert found["threads"] == 2
    assert found["versions"] == {"python": ".".join(map(str, os.sys.version_info[:3]))} | {
        name: metadata.version(name) for name in host.DEPENDENCIES
    }
    assert found["cpus"] == len(os.sched_getaffinity(0))
    assert found["processor"]


def test_a_library_that_is_not_installed_is_null(monkeypatch):
    monkeypatch.setattr(host, "DEPENDENCIES", ("no-such-library",))
    assert collect(1, [])["versions"]["no-such-library"] is None


def test_a_clean_source_tree_has_its_commit_and_is_not_dirty(package):
    assert git_state(package) == GitState(git(package, "rev-parse", "HEAD"), dirty=False)


@pytest.mark.parametrize("change", ["edited", "new"])
def test_a_changed_or_new_source_file_makes_it_dirty(package, change):
    (package / ("__init__.py" if change == "edited" else "new.py")).write_text("x = 1\n")
    assert git_state(package).dirty is True


def test_changes_outside_the_package_do_not_make_it_dirty(package):
    (package.parent / "notes.txt").write_text("x")
    assert git_state(package).dirty is False


def test_a_repository_around_it_that_does_not_track_the_package_is_not_taken_for_its_own(package):
    inner = package.parent / ".venv" / "mnistlab"
    inner.mkdir(parents=True)
    (inner / "__init__.py").write_text("")
    assert git_state(inner) == UNKNOWN


def test_without_a_repository_or_git_nothing_is_known(tmp_path, package, monkeypatch):
    assert git_state(tmp_path) == UNKNOWN
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state(package) == UNKNOWN


def test_a_git_that_hangs_is_not_waited_for(tmp_path, package, monkeypatch):
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 20\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(provenance, "GIT_TIMEOUT_SECONDS", 0.1)
    assert git_state(package) == UNKNOWN


def test_a_hooks_environment_does_not_mislead(tmp_path, package, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert git_state(package).dirty is False


def test_run_json_is_read_back_with_null_for_what_is_no_number(tmp_path):
    run_dir = RunDir(tmp_path)
    write_run_json(
        run_dir,
        {
            "status": "diverged",
            "argv": ["\udcff", "é"],
            "metrics": {"loss": math.nan, "best": [np.float32(0.5), math.inf]},
            "shape": np.array([3, 4]),
        },
    )
    assert read_run_json(run_dir) == {
        "status": "diverged",
        "argv": ["\udcff", "é"],
        "metrics": {"loss": None, "best": [0.5, None]},
        "shape": [3, 4],
    }


def test_run_json_keeps_the_order_it_was_given(tmp_path):
    run_dir = RunDir(tmp_path)
    write_run_json(run_dir, {"b": 1, "a": {"d": 1, "c": 2}})
    first = run_dir.run_json.read_bytes()
    assert list(json.loads(first)) == ["b", "a", "sha256"]
    write_run_json(run_dir, {"b": 1, "a": {"d": 1, "c": 2}})
    assert run_dir.run_json.read_bytes() == first


def test_a_digest_whose_own_name_is_damaged_is_found_out(tmp_path):
    run_dir = RunDir(tmp_path)
    write_run_json(run_dir, {"status": "running"})
    written = run_dir.run_json.read_text()
    run_dir.run_json.write_text(written.replace("sha256", "sla256"))
    with pytest.raises(UsageError, match=r"run\.json: is damaged"):
        read_run_json(run_dir)


def test_a_run_json_that_was_edited_is_refused_unless_it_may_be_or_has_no_digest(tmp_path):
    run_dir = RunDir(tmp_path)
    write_run_json(run_dir, {"status": "finished", "metrics": {"val_accuracy": 0.25}})
    written = run_dir.run_json.read_text()
    run_dir.run_json.write_text(written.replace("0.25", "0.95"))
    with pytest.raises(UsageError, match=r"run\.json: is damaged, or was edited"):
        read_run_json(run_dir)
    assert read_run_json(run_dir, edited=True)["metrics"] == {"val_accuracy": 0.95}
    plain = {key: value for key, value in json.loads(written).items() if key != "sha256"}
    run_dir.run_json.write_text(json.dumps(plain))
    assert read_run_json(run_dir) == plain


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 100_000, r"run\.json: is not JSON"),
        (b" " * (1 << 25) + b"{}", r"run\.json: cannot be read: has .* more than"),
        (b'{"a": 1,\n "b" 2}', r"run\.json:2:6: "),
        (b"[1]", r"run\.json: is not a JSON object"),
        (b'{"a": NaN}', r"run\.json: is not JSON: NaN"),
        (b"", r"run\.json:1:1: "),
        (b"\xff", r"run\.json: is not JSON"),
    ],
)
def test_a_damaged_run_json_is_named(tmp_path, content, message):
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_run_json(RunDir(tmp_path))


def test_a_missing_run_json_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"run\.json: cannot be read: No such file"):
        read_run_json(RunDir(tmp_path))
