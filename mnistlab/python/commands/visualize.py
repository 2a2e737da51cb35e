"""Draw the figures and the page of a run or sweep into its folder.

What only a sweep, a reproduced report or a film needs is imported for these alone: the figures of
a run that has ended need no engine.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from mnistlab.data import DownloadProgress
from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures.gallery import (
    QUICK,
    Entry,
    LeftOut,
    SavedFigures,
    chosen,
    draw_each,
    refuse_foreign,
    run_entries,
    save_each,
)
from mnistlab.pages.page import picture_of
from mnistlab.pages.run_report import write_run_report
from mnistlab.store.browse.found import is_sweep
from mnistlab.store.drawing import drawing_in
from mnistlab.store.figure_names import FILM
from mnistlab.store.report_dir import ReportDir, is_reproduction
from mnistlab.store.run_dir import RunDir, open_run
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.store.written_files import refuse_others, write_own
from mnistlab.support import paths
from mnistlab.support.beside import Starter, in_turn
from mnistlab.support.errors import LackingError, MnistlabError, UsageError
from mnistlab.support.links import resolved


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
    data_progress: DownloadProgress | None = None,
    starter: Starter = in_turn,
) -> SavedFigures:
    """Draw the figures of a run or sweep into its folder, all or those in `only`; with `report`,
    also report.html with these figures. Of a reproduced report, all figures and pages.

    `format` is png, svg or pdf. `starter` decides which process saves a figure. If data are missing
    or damaged, the figures that need them are left out, and the result says why. Raises UsageError
    if `path` is neither a run nor a sweep, if `only` has an unknown name, or if a file that
    mnistlab did not write would be overwritten, unless `force`.
    """
    options: dict[str, Any] = {
        "data_dir": data_dir,
        "threads": threads,
        "tell": tell,
        "data_progress": data_progress,
    }
    if is_reproduction(path):
        return _report(path, only=only, format=format, force=force, data_dir=data_dir, tell=tell)
    artefacts = None if is_sweep(path) else Artefacts(open_run(path), **options)
    folder = resolved(path) if artefacts is None else artefacts.run_dir.path
    every = run_entries(artefacts) if artefacts else _sweep_entries(folder, options)
    films = artefacts is not None and FILM in (only or ())
    if films and format != "png":
        raise UsageError(f"--format {format}: a film is GIF and PNG; leave out one of both options")
    names = [name for name in only or () if not (films and name == FILM)]
    entries = [] if films and not names else chosen(every, names)
    with drawing_in(folder):
        refuse_foreign(entries, folder, format, report=report, force=force)
        if report and artefacts is None:
            of_best = {**options, "force": force, "starter": starter}
            best = starter(partial(_write_page_of_best, SweepDir(folder), of_best))
        saved = save_each(
            draw_each(entries),
            folder,
            format,
            force=force,
            starter=starter,
            picture_of=picture_of if report else None,
        )
        if artefacts is not None and films:
            saved = _with_films(saved, artefacts, force)
        if not report:
            return saved
        try:
            if artefacts is not None:
                page = write_run_report(artefacts, saved, force=force)
            else:
                from mnistlab.pages.sweep_report import write_sweep_report

                page = write_sweep_report(
                    SweepDir(folder), saved, force=force, options=options, page_of_best=best
                )
            return replace(saved, report=page)
        except MnistlabError as error:  # damaged files may also prevent the page
            left_out = LeftOut("report", "Report", str(error), error)
            return replace(saved, left_out=[*saved.left_out, left_out])


def _sweep_entries(folder: Path, options: dict[str, Any]) -> list[Entry]:
    from mnistlab.figures.sweep_figures import sweep_entries

    return sweep_entries(SweepDir(folder), options)


def _with_films(saved: SavedFigures, run: Artefacts, force: bool) -> SavedFigures:
    """Write the films of a run, each as GIF and as PNG, or say why there are none."""
    from mnistlab.figures.film import film_entries

    try:
        entries = film_entries(run)
    except MnistlabError as error:
        return replace(saved, left_out=[*saved.left_out, _left_out(FILM, error)])
    files = [f"{name}.{kind}" for name in entries for kind in ("gif", "png")]
    paths = {file: run.run_dir.plots / file for file in files}
    refuse_others(paths.values(), force=force)
    written: dict[str, Path] = {}
    left_out: list[LeftOut] = []
    for name, draw in entries.items():
        try:
            film = draw()
        except MnistlabError as error:
            left_out.append(_left_out(name, error))
            continue
        run.run_dir.plots.mkdir(exist_ok=True)
        gif, png = f"{name}.gif", f"{name}.png"
        write_own(paths[gif], film.gif(), None, force=force)
        write_own(paths[png], film.png(), "png", force=force)
        written |= {gif: paths[gif], png: paths[png]}
    figures = {**saved.figures, **written}
    return replace(saved, figures=figures, left_out=[*saved.left_out, *left_out])


def _left_out(name: str, error: MnistlabError) -> LeftOut:
    damage = None if isinstance(error, LackingError) else error
    return LeftOut(name, name, str(error), damage)


def _report(
    path: Path,
    *,
    only: Collection[str] | None,
    format: str,
    force: bool,
    data_dir: Path | None,
    tell: Callable[[str], None],
) -> SavedFigures:
    """The figures and pages of a reproduced report, which are written together."""
    from mnistlab.reproduce.pages import write_report

    given = {"--only": only, "--format": format != "png", "--force": force}
    if out_of_place := [option for option, value in given.items() if value]:
        raise UsageError(
            f"{out_of_place[0]}: is for runs and sweeps; all figures of a report are drawn as png"
        )
    written = write_report(ReportDir(resolved(path)), data_dir=paths.data_dir(data_dir), tell=tell)
    return replace(written.saved, report=written.report_dir.report)


def _write_page_of_best(sweep_dir: SweepDir, options: dict[str, Any]) -> None:
    """Draw the best run of a sweep, if it has no page."""
    if sweep_dir.best.exists() and not RunDir(sweep_dir.best).report.exists():
        visualize(sweep_dir.best, only=QUICK, **options)
