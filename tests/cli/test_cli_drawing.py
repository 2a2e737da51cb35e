"""A run's figures are drawn by a process beside the training, or else by the one that trains."""

import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli_helpers import mnistlab

from mnistlab.cli import drawing
from mnistlab.figures.gallery import QUICK


@pytest.fixture
def run_dir(home, monkeypatch):
    """A trained run without figures, in a process that seems to have no matplotlib yet."""
    folder = Path(mnistlab("train", "tiny.yaml", "--quiet", "--no-plots").stdout.strip())
    monkeypatch.setattr(drawing, "sys", SimpleNamespace(modules={}))
    monkeypatch.setattr(drawing, "available_cpus", lambda: 2)
    return folder


def children() -> list[int]:
    """The processes that this thread has started."""
    listed = Path("/proc/self/task", str(os.getpid()), "children").read_text(encoding="utf-8")
    return [int(pid) for pid in listed.split()]


def drawn(folder: Path) -> dict[str, bytes]:
    """The figures by their names."""
    return {path.stem: path.read_bytes() for path in (folder / "plots").iterdir()}


def test_a_second_process_draws_the_same_figures(run_dir, home, monkeypatch):
    here = drawing._here
    monkeypatch.setattr(drawing, "_here", None)
    with drawing.quick_figures_beside(wanted=True) as figures:
        told = figures(run_dir, home / "data", None)
    beside = drawn(run_dir)
    assert set(beside) <= set(QUICK)
    assert (run_dir / "report.html").is_file()
    assert here(run_dir, home / "data", None) == told
    assert drawn(run_dir) == beside


@pytest.mark.skipif(sys.platform != "linux", reason="looks for children in /proc")
def test_where_that_process_has_died_the_command_draws(run_dir, home):
    before = children()
    with drawing.quick_figures_beside(wanted=True) as figures:
        (started,) = set(children()) - set(before)
        os.kill(started, signal.SIGKILL)
        figures(run_dir, home / "data", None)
    assert drawn(run_dir)
    assert children() == before


def test_what_that_process_could_not_draw_is_an_error_of_the_command(run_dir, home):
    (run_dir / "plots").write_text("in the way")
    with (
        pytest.raises(FileExistsError),
        drawing.quick_figures_beside(wanted=True) as figures,
    ):
        figures(run_dir, home / "data", None)
