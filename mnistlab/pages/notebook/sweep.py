"""A sweep in a notebook: its answer, the best of its ranking, its learning curves."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mnistlab.figures.gallery import Drawn
from mnistlab.figures.sweep_figures import sweep_figures
from mnistlab.pages.inline_svg import InlineSvg
from mnistlab.pages.notebook import Cell, Fragment, Table, html_of, link_to, svg_of
from mnistlab.pages.sweep_report import stage_facts, sweep_warnings
from mnistlab.store.browse.sweep_summary import read_sweep
from mnistlab.store.figure_names import stage_prefix
from mnistlab.store.run_dir import RunDir
from mnistlab.store.status import Status
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.errors import MnistlabError
from mnistlab.sweeps.ranking import stages_of
from mnistlab.sweeps.results import read_trials, sweep_of

MOST_ROWS = 10  # of a ranking


def sweep_html(path: Path) -> str:
    """A sweep as HTML; damaged files are named."""
    try:
        return html_of(_sweep(SweepDir(path)))
    except MnistlabError as error:
        return html_of(Fragment(path.name, "sweep", warnings=error.messages, where=str(path)))


def _sweep(sweep_dir: SweepDir) -> Fragment:
    config, rows = sweep_of(sweep_dir).config, read_trials(sweep_dir)
    status = read_sweep(sweep_dir.path).status
    stages = [stage_facts(sweep_dir, config, stage, rows) for stage in stages_of(config)]
    counts = Counter(row.status for row in rows)
    trials = ", ".join(f"{count:,} {status.words}" for status, count in counts.items())
    warnings = sweep_warnings(rows)
    if status is Status.INTERRUPTED:
        warnings.append(f"mnistlab.resume({str(sweep_dir.path)!r}) continues it.")
    return Fragment(
        title=config.name,
        kind=f"sweep, {status.words}",
        told=[f"Trials: {trials}.", *(_answer(stage) for stage in stages)],
        warnings=warnings,
        tables=[_ranking(sweep_dir, stage) for stage in stages if stage["rows"]],
        figures=_curves(sweep_dir, stages),
        links=link_to(sweep_dir.report, "report.html"),
        where=str(sweep_dir.path),
    )


def _answer(stage: Mapping[str, Any]) -> str:
    return f"{stage['name']}: {stage['answer']}" if stage["name"] else stage["answer"]


def _ranking(sweep_dir: SweepDir, stage: Mapping[str, Any]) -> Table:
    """The best points; each trial's number leads to its page, if it has one."""
    *heads, _trials = stage["heads"]
    shown, more = stage["rows"][:MOST_ROWS], len(stage["rows"]) - MOST_ROWS
    rows = []
    for row in shown:
        page = RunDir(sweep_dir.path / row["trials"][0]["folder"]).report
        first = link_to(page, f"trial {row['trials'][0]['number']}")
        texts = [Cell(text) for text, _ in row["cells"]]
        rows.append([*texts, *(first or [Cell(f"trial {row['trials'][0]['number']}")])])
    note = f"{more:,} more in .ranking" if more > 0 else ""
    words = frozenset(range(len(heads) + 1)) - stage["numeric"]
    return Table([*heads, ""], rows, words, caption=stage["name"] or "", note=note)


def _curves(sweep_dir: SweepDir, stages: list[dict[str, Any]]) -> list[InlineSvg]:
    """The learning curves of the last stage that has any."""
    names = [f"{stage_prefix(stage['name'])}learning_curves" for stage in stages]
    for name in reversed(names):
        for found in sweep_figures(sweep_dir, [name]):
            if isinstance(found, Drawn):
                return [svg_of(found.figure, found.title)]
    return []
