"""Reproduce the papers, and put what was measured into docs/papers.md, with two figures a paper.

    python -m docs.update_papers runs/papers           # runs what is left, then writes the page
    python -m docs.update_papers runs/papers --page    # writes the page alone

The first command continues where it was stopped. The page has the newest finished folder of each
paper, no scaled-down run, and says which papers have none. The minutes of a paper's report.yaml are
renewed, too.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from docs.markdown import between
from docs.page import table
from docs.update_reports import IMAGES, part_of
from mnistlab.cli.app import app
from mnistlab.cli.commands.reproduce import FAILED
from mnistlab.pages.page import measured
from mnistlab.reproduce.known import Known, known
from mnistlab.reproduce.manifest import LoadedReport, Table
from mnistlab.reproduce.measured import Measured, Row, read_rows
from mnistlab.reproduce.plan import DEFAULT, QUICK
from mnistlab.reproduce.planned import ReportPlan, read_plan
from mnistlab.reproduce.reproduction import seconds_taken
from mnistlab.reproduce.tables import metrics_of, rendered_table, row_names, rows_of
from mnistlab.store.browse.found import entries_in
from mnistlab.store.report_dir import ReportDir
from mnistlab.support.durable import write_file
from mnistlab.support.metric_names import is_accuracy, metric_words
from mnistlab.support.safe_text import as_markdown
from mnistlab.support.text_format import as_stated, in_print

PAGE = Path(__file__).parent / "papers.md"
GROUP = "papers"
NOT_RUN = "not run yet"


@dataclass(frozen=True)
class Reproduction:
    """A folder of a paper with its plan and its rows."""

    report_dir: ReportDir
    plan: ReportPlan
    rows: Mapping[str, Sequence[Row]]

    @property
    def has_ended(self) -> bool:
        """Whether every trial of every experiment has ended, and the pages are written."""
        rows = [row for here in self.rows.values() for row in here]
        statuses = [status for row in rows for status in row.statuses]
        return (
            all(self.rows.values())
            and all(status.ended for status in statuses)
            and self.report_dir.markdown.exists()
        )


def main(arguments: Sequence[str]) -> None:
    """Run what is left in the folder, unless --page is given, and write the page."""
    folders = [Path(one) for one in arguments if one != "--page"]
    if len(folders) != 1 or len(arguments) > 2:
        sys.exit("give one folder for the runs, such as runs/papers")
    (folder,) = folders
    if "--page" not in arguments:
        for command in commands_left(folder):
            run(command)
    newest = newest_ended(folder)
    papers = known(GROUP)
    for one in papers:
        if one.name in newest and newest[one.name].plan.budget == DEFAULT:
            renew_minutes(one, newest[one.name])
    page = between(PAGE.read_text(encoding="utf-8"), GROUP, page_text(papers, newest))
    write_file(PAGE, page)


def run(command: Sequence[str]) -> None:
    """Run a command of mnistlab here, so that Ctrl-C reaches it alone. Failed trials are told on
    the page; any other error ends the program.
    """
    try:
        app(command, prog_name="mnistlab")
    except SystemExit as end:
        if end.code not in (0, FAILED):
            raise


def reproductions(folder: Path) -> Iterator[Reproduction]:
    """The papers' folders, the oldest first, without scaled-down runs."""
    if not folder.is_dir():
        return
    for path in sorted(entries_in(folder)):
        report_dir = ReportDir(path)
        if not report_dir.plan.is_file():
            continue
        plan = read_plan(report_dir)
        if plan.kind == "paper" and plan.budget != QUICK:
            rows = {
                name: read_rows(report_dir, name, experiment.full_length)
                for name, experiment in plan.experiments.items()
            }
            yield Reproduction(report_dir, plan, rows)


def commands_left(folder: Path) -> list[list[str]]:
    """The commands that run what is left: one for each command that was stopped, and one for the
    papers that have no folder.
    """
    begun = list(reproductions(folder))
    together = [{*one.plan.earlier_folders, one.report_dir.path.name} for one in begun]
    found = [
        ["resume", str(one.report_dir.path)]
        for one, names in zip(begun, together, strict=True)
        if not any(names < others for others in together)
        and any(not other.has_ended for other in begun if other.report_dir.path.name in names)
    ]
    if not begun:
        return [["reproduce", GROUP, "--runs-dir", str(folder)]]
    had = {one.plan.name for one in begun}
    new = [f"{GROUP}/{one.name}" for one in known(GROUP) if is_missing(one, had)]
    return [*found, *([["reproduce", *new, "--runs-dir", str(folder)]] if new else [])]


def is_missing(paper: Known, had: set[str]) -> bool:
    """Whether a paper is still to be run; an optional one was left out on purpose."""
    return paper.name not in had and not paper.load().report.optional


def newest_ended(folder: Path) -> dict[str, Reproduction]:
    """The newest folder of each paper, by name, among those that have ended."""
    return {one.plan.name: one for one in reproductions(folder) if one.has_ended}


def page_text(papers: Sequence[Known], newest: Mapping[str, Reproduction]) -> str:
    """The table of all stated values, and a section for each paper."""
    heads = ["paper", "row", "metric", "stated", "measured", "seeds", "stated value", "share run"]
    loaded = [one.load() for one in papers]
    lines = [line for one in loaded for line in summary_of(one, newest.get(one.name))]
    sections = [section_of(one, newest.get(one.name)) for one in loaded]
    return "\n\n".join([table(heads, lines), *sections])


def summary_of(paper: LoadedReport, found: Reproduction | None) -> Iterator[list[str]]:
    """A line for each stated value of a paper."""
    if found is None:
        yield [link(paper), NOT_RUN, *["–"] * 6]
        return
    stated = [line for one in found.plan.report.tables for line in stated_in(one, found)]
    for line in stated or [["no stated figures", *["–"] * 6]]:
        yield [link(paper), *line]


def stated_in(one: Table, found: Reproduction) -> Iterator[list[str]]:
    """A line for each stated value of a table."""
    rows = rows_of(one, found.rows)
    names = row_names(rendered_table(one, rows, None))
    for name, row in zip(names, rows, strict=True):
        for metric in metrics_of(one, rows):
            value = row.metrics[metric]
            if value.stated is None:
                continue
            yield [
                as_markdown(name),
                metric_words(metric),
                in_print(as_stated(metric, value.stated)),
                measured(value.mean, metric, value.half_interval),
                str(len(value.values)),
                verdict(metric, value),
                share_of(row),
            ]


def verdict(metric: str, value: Measured) -> str:
    """Where the stated value lies: in the 95 % interval, or how far from the measured mean."""
    if value.difference is None:
        return "not measured"
    if value.is_within:
        return "within the interval"
    factor, unit = (100, " points") if is_accuracy(metric) else (1, "")
    side = "below" if value.difference < 0 else "above"
    told = f"measured {factor * abs(value.difference):.2f}{unit} {side}"
    return told if value.is_within is not None else f"{told} (one seed: no interval)"


def share_of(row: Row) -> str:
    """The share of the full length that was trained."""
    full = row.full_length
    if full is None or not full.epochs or not full.images:
        return "all"
    return f"{row.epochs * row.images / (full.epochs * full.images):.0%}".replace("%", " %")


def section_of(paper: LoadedReport, found: Reproduction | None) -> str:
    """A paper's tables, findings and first figures, or how to run it."""
    head = f"## {as_markdown(paper.report.title)}\n\nStated in: {as_markdown(paper.report.source)}."
    if found is None:
        setting = as_markdown(paper.report.setting)
        return f"{head}\n\n{setting}\n\nNot run yet: `mnistlab reproduce {paper.name}`."
    _, _, body = part_of(found.report_dir, f"paper-{paper.name}", IMAGES).partition("\n\n")
    return f"{head}\n\n{re.sub('^####', '###', body, flags=re.MULTILINE)}"


def link(paper: LoadedReport) -> str:
    """A paper's name, linked to its section."""
    anchor = "".join(c for c in paper.report.title.lower() if c.isalnum() or c in " -_")
    return f"[{paper.name}](#{anchor.replace(' ', '-')})"


def renew_minutes(paper: Known, found: Reproduction) -> None:
    """Write the measured minutes, and those estimated for the full length, into report.yaml."""
    rows = {row.run_dir: row for here in found.rows.values() for row in here}.values()
    done = sum((row.seconds or 0) * len(row.statuses) for row in rows)
    full = sum((row.full_length_seconds or 0) * len(row.statuses) for row in rows)
    minutes = seconds_taken(found.report_dir) / 60
    at_full_length = minutes * full / done if done else minutes
    told = f"minutes: {{default: {max(minutes, 0.1):.3g}, full: {max(at_full_length, 0.1):.3g}}}"
    path = paper.folder / "report.yaml"
    text, count = re.subn("^minutes: .*$", told, path.read_text(encoding="utf-8"), flags=re.M)
    if count != 1:
        raise ValueError(f"{path} needs the line `minutes:` once; found {count}")
    write_file(path, text)


if __name__ == "__main__":
    main(sys.argv[1:])
