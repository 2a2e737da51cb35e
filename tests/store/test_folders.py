"""Shared by the folders of runs, sweeps and reports, and who may work on them."""

import pytest

from mnistlab.store.locks import RunInUseError, is_trained, is_worked_on, only_process, only_sweeper
from mnistlab.store.report_dir import ReportDir
from mnistlab.store.run_dir import RunDir
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import UsageError


@pytest.mark.parametrize("kind", [RunDir, SweepDir, ReportDir])
def test_every_folder_has_its_figures_and_its_page_in_one_place(kind, tmp_path):
    folder = kind(tmp_path)
    assert (folder.plots, folder.report) == (tmp_path / "plots", tmp_path / "report.html")
    assert folder.name == tmp_path.name


@pytest.mark.parametrize("kind", [RunDir, SweepDir, ReportDir])
def test_figures_are_not_drawn_through_a_link_out_of_the_folder(kind, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "plots").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="plots"):
        _ = kind(tmp_path / "here").plots


def test_a_run_and_a_sweep_are_locked_by_one_process_and_free_afterwards(tmp_path):
    run_dir, sweep_dir = RunDir(tmp_path / "run"), SweepDir(tmp_path / "sweep")
    run_dir.path.mkdir()
    sweep_dir.path.mkdir()
    with only_process(run_dir), only_sweeper(sweep_dir):
        assert is_trained(run_dir.path)
        assert is_worked_on(sweep_dir)
        with pytest.raises(RunInUseError), only_process(run_dir):
            pass
        with pytest.raises(UsageError, match="is working on this sweep"), only_sweeper(sweep_dir):
            pass
    assert not is_trained(run_dir.path)
    assert not is_worked_on(sweep_dir)
