"""Figures are drawn by a process beside the training, or else by the one that trains."""

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
def no_matplotlib_yet(home, monkeypatch):
    """This process seems not to have loaded the figures' libraries."""
    monkeypatch.setattr(drawing, "sys", SimpleNamespace(modules={}))
    monkeypatch.setattr(drawing, "available_cpus", lambda: 2)


@pytest.fixture
def run_dir(no_matplotlib_yet):
    """A trained run without figures."""
    return Path(mnistlab("train", "tiny.yaml", "--quiet", "--no-plots").stdout.strip())


@pytest.fixture
def sweep_dir(no_matplotlib_yet, trials_here):
    """A sweep without figures, with enough points for all that compare them."""
    values = ["optimizer.lr=0.3,0.1,0.03,0.01,0.003", "training.batch_size=20,30,40,50"]
    return Path(mnistlab("sweep", "tiny.yaml", *values, "-q", "--no-plots").stdout.strip())


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
    with drawing.figures_beside(wanted=True) as figures:
        told = figures(run_dir, home / "data", None)
    beside = drawn(run_dir)
    assert set(beside) <= set(QUICK)
    assert (run_dir / "report.html").is_file()
    assert here(run_dir, home / "data", None) == told
    assert drawn(run_dir) == beside


@pytest.mark.slow
def test_a_second_process_draws_the_same_figures_of_a_sweep_and_its_best(
    sweep_dir, home, monkeypatch
):
    here = drawing._here
    monkeypatch.setattr(drawing, "_here", None)
    with drawing.figures_beside(wanted=True, points=20) as figures:
        told = figures(sweep_dir, home / "data", None)
    beside, of_best = drawn(sweep_dir), drawn(sweep_dir / "best")
    assert {"importance", "heat_map", "learning_curves"} <= set(beside)
    assert set(of_best) <= set(QUICK)
    page = sweep_dir / "report.html"
    text = page.read_text(encoding="utf-8")
    (sweep_dir / "best" / "report.html").unlink()
    assert here(sweep_dir, home / "data", None) == told
    assert (drawn(sweep_dir), drawn(sweep_dir / "best")) == (beside, of_best)
    assert page.read_text(encoding="utf-8") == text


@pytest.mark.skipif(sys.platform != "linux", reason="looks for children in /proc")
def test_where_that_process_has_died_the_command_draws(run_dir, home):
    before = children()
    with drawing.figures_beside(wanted=True) as figures:
        (started,) = set(children()) - set(before)
        os.kill(started, signal.SIGKILL)
        figures(run_dir, home / "data", None)
    assert drawn(run_dir)
    assert children() == before


def test_what_that_process_could_not_draw_is_an_error_of_the_command(run_dir, home):
    (run_dir / "plots").write_text("in the way")
    with (
        pytest.raises(FileExistsError),
        drawing.figures_beside(wanted=True) as figures,
    ):
        figures(run_dir, home / "data", None)
