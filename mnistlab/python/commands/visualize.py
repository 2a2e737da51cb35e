"""Draw the figures and the page of a run or sweep into its folder."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mnistlab.data import Progress
from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures.gallery import (
    CHEAP,
    RUN_FIGURES,
    Entry,
    LeftOut,
    SavedFigures,
    chosen,
    draw_each,
    refuse_foreign,
    save_each,
)
from mnistlab.figures.sweep_figures import sweep_entries
from mnistlab.pages.run_report import write_run_report
from mnistlab.pages.sweep_report import write_sweep_report
from mnistlab.store.drawing import drawing_in
from mnistlab.store.run_dir import RunDir, open_run
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import MnistlabError
from mnistlab.sweeps.start import is_sweep


def visualize(
    path: Path,
    *,
    only: Collection[str] | None = None,
    format: str = "png",
    report: bool = True,
    force: bool = False,
    data_dir: Path | None = None,
    threads: int | None = None,
    tell: Callable[[str], None] = lambda text: None,
    data_progress: Progress | None = None,
) -> SavedFigures:
    """Draw the figures of a run or sweep into its folder: all, or those named in `only`; and
    report.html with these figures on it, if `report`.

    `format` is png, svg or pdf. What the run lacks, or what of it is damaged, leaves out the
    figures that need it, and the result says why. Raises UsageError where `path` is neither, where
    no figure has a name that is in `only`, or where a file that mnistlab did not write would be
    overwritten, unless `force`.
    """
    options = {
        "data_dir": data_dir,
        "threads": threads,
        "tell": tell,
        "data_progress": data_progress,
    }
    draw = _visualize_sweep if is_sweep(path) else _visualize_run
    return draw(path, _Wanted(only, format, report, force, options))


@dataclass(frozen=True)
class _Wanted:
    """What is to be drawn: all figures, or those named in `only`; and the page, if `report`.

    `force` lets files be overwritten that mnistlab did not write; `options` are those of Artefacts.
    """

    only: Collection[str] | None
    format: str
    report: bool
    force: bool
    options: dict[str, Any]


def _visualize_run(path: Path, wanted: _Wanted) -> SavedFigures:
    """Draw a run's figures. Raises UsageError where there is no run, no such figure, or where a
    file would be overwritten that mnistlab did not write.
    """
    artefacts = Artefacts(open_run(path), **wanted.options)
    entries, folder = chosen(RUN_FIGURES, wanted.only), artefacts.run_dir.path

    def write(saved: SavedFigures) -> Path:
        return write_run_report(artefacts, saved, force=wanted.force)

    return _drawn(entries, artefacts, folder, wanted, write)


def _visualize_sweep(path: Path, wanted: _Wanted) -> SavedFigures:
    """Draw a sweep's figures, and those of its best run where that has no page yet.

    Raises as `_visualize_run` does.
    """
    sweep_dir = SweepDir(path.resolve())
    entries = chosen(sweep_entries(sweep_dir, wanted.options), wanted.only)

    def write(saved: SavedFigures) -> Path:
        if sweep_dir.best.exists() and not RunDir(sweep_dir.best).report.exists():
            # The sweep's page leads there.
            _visualize_run(sweep_dir.best, replace(wanted, only=CHEAP, format="png"))
        return write_sweep_report(sweep_dir, saved, force=wanted.force)

    return _drawn(entries, None, sweep_dir.path, wanted, write)


def _drawn(
    entries: Sequence[Entry],
    artefacts: Artefacts | None,
    folder: Path,
    wanted: _Wanted,
    write: Callable[[SavedFigures], Path],
) -> SavedFigures:
    """The figures, and a page of them; what is damaged may leave it out too."""
    with drawing_in(folder):
        refuse_foreign(entries, folder, wanted.format, report=wanted.report, force=wanted.force)
        saved = save_each(draw_each(entries, artefacts), folder, wanted.format, force=wanted.force)
        if not wanted.report:
            return saved
        try:
            return replace(saved, report=write(saved))
        except MnistlabError as error:
            left_out = LeftOut("report", "Report", str(error), error)
            return replace(saved, left_out=[*saved.left_out, left_out])
