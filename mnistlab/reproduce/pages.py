"""Writes a reproduced report or paper as a page, as text, and for programs."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mnistlab.figures.gallery import SavedFigures, figure_file, save_each
from mnistlab.pages.page import left_out, picture_of, write_page
from mnistlab.reproduce.figures import figure_name, report_figures
from mnistlab.reproduce.findings import FindingError, Functions, MeasuredRows, filled, functions_of
from mnistlab.reproduce.known import REPORT
from mnistlab.reproduce.manifest import Report
from mnistlab.reproduce.measured import Measured, Row, read_rows
from mnistlab.reproduce.plan import DEFAULT, QUICK
from mnistlab.reproduce.planned import ReportPlan, read_plan
from mnistlab.reproduce.reproduction import seconds_taken
from mnistlab.reproduce.tables import RenderedTable, duration, metrics_of, rendered_table, rows_of
from mnistlab.store.drawing import drawing_in
from mnistlab.store.report_dir import ReportDir
from mnistlab.store.run_dir import RunDir
from mnistlab.store.status import Status
from mnistlab.store.written_files import BLANK_MARK, refuse_others, write_own
from mnistlab.support.safe_text import as_markdown, code_as_markdown
from mnistlab.support.text_format import counted
from mnistlab.sweeps.results import read_record

SCALED_DOWN = (
    "A scaled-down run (--quick) with few images and epochs. It only tests that everything works; "
    "its results cannot be compared with the stated ones."
)
COMMANDS = {DEFAULT: "mnistlab reproduce {}", QUICK: "mnistlab reproduce {} --quick"}


@dataclass(frozen=True)
class WrittenReport:
    """The written files of a report: their folder, its tables for programs, its figures."""

    report_dir: ReportDir
    document: Mapping[str, Any]
    saved: SavedFigures


def write_report(
    report_dir: ReportDir, *, data_dir: Path, tell: Callable[[str], None] = lambda text: None
) -> WrittenReport:
    """Draw a report's figures and write report.html, report.md and report.json.

    From its experiments' folders. Raises UsageError if one is damaged, OSError if nothing can be
    written.
    """
    plan = read_plan(report_dir)
    rows = {
        name: read_rows(report_dir, name, experiment.full_length)
        for name, experiment in plan.experiments.items()
    }
    tables = _tables(plan, rows)
    figures = report_figures(report_dir, plan.report, rows, data_dir=data_dir, tell=tell)
    refuse_foreign_pages(report_dir, plan.report)
    with drawing_in(report_dir.path):
        saved = save_each(figures, report_dir.path, picture_of=partial(picture_of, by_title=True))
    document = _document(report_dir, plan, rows)
    machine = _host(rows)
    text = json.dumps({**document, "written_by": BLANK_MARK}, indent=2, allow_nan=False)
    write_own(report_dir.json, f"{text}\n".encode())
    said = markdown(plan, tables, saved, machine, _time(report_dir))
    write_own(report_dir.markdown, said.encode(), "md")
    write_page(
        report_dir.report,
        "reproduction.html",
        {
            "kind": f"{plan.kind} reproduced",
            "title": heading(plan),
            "lead": [plan.report.setting, f"Stated: {plan.report.source}."],
            "warnings": _warnings(plan, rows),
            "tiles": [*_tiles(rows), (_time(report_dir), "on the clock")],
            "tables": tables,
            "pictures": saved.pictures,
            "left_out": left_out(saved),
            "machine": machine,
        },
    )
    return WrittenReport(report_dir, document, saved)


def refuse_foreign_pages(report_dir: ReportDir, report: Report) -> None:
    """Raise UsageError if a page or figure would overwrite a file that mnistlab did not write."""
    names = (figure_name(number, spec) for number, spec in enumerate(report.figures, 1))
    figures = (figure_file(report_dir.path, name) for name in names)
    pages = (report_dir.report, report_dir.markdown, report_dir.json)
    refuse_others([*pages, *figures], hint="move it away")


def heading(plan: ReportPlan) -> str:
    """The title of its page; a report's begins with its letter."""
    return f"{plan.name.upper()}: {plan.report.title}" if plan.kind == REPORT else plan.report.title


def markdown(
    plan: ReportPlan,
    tables: Sequence[RenderedTable],
    saved: SavedFigures,
    machine: Sequence[tuple[str, str]],
    time: str,
) -> str:
    """A report's tables and findings as Markdown, with its figures by their paths in the folder."""
    title = as_markdown(heading(plan))
    lines = [f"# {title}", "", as_markdown(plan.report.setting), ""]
    command = COMMANDS.get(plan.budget, f"mnistlab reproduce {{}} --{plan.budget}")
    shown = code_as_markdown(command.format(plan.name))
    lines += [f"{shown} took {time}. {as_markdown(_sentence(machine))}", ""]
    if plan.budget == QUICK:
        lines += [SCALED_DOWN, ""]
    for table in tables:
        lines += [f"## {as_markdown(table.title)}", "", *_markdown_table(table), ""]
        for text in (*table.notes, table.finding):
            lines += [as_markdown(text), ""] if text else []
    for drawn in saved.drawn:
        path = saved.figures[drawn.name].relative_to(saved.folder)
        lines += [f"![{as_markdown(drawn.title)}]({path})", ""]
    return "\n".join(lines)


def _markdown_table(table: RenderedTable) -> list[str]:
    rule = ["---" if place < table.parameters else "---:" for place in range(len(table.heads))]
    heads, *rows = ([as_markdown(cell) for cell in cells] for cells in (table.heads, *table.rows))
    return [f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows)]


def _tables(plan: ReportPlan, rows: Mapping[str, Sequence[Row]]) -> list[RenderedTable]:
    functions = functions_of(MeasuredRows(rows))
    found = []
    for table in plan.report.tables:
        here = rows_of(table, rows)
        said = _finding(table.finding, functions) if table.finding and here else None
        # Results from few images explain nothing.
        found.append(rendered_table(table, here, None if plan.budget == QUICK else said))
    return found


def _finding(template: str, functions: Functions) -> str:
    """The finding; if the numbers leave it undefined, the error as text, so that the rest of the
    page can be written.
    """
    try:
        return filled(template, functions)
    except FindingError as error:
        return f"(The finding {error}.)"


def _document(
    report_dir: ReportDir, plan: ReportPlan, rows: Mapping[str, Sequence[Row]]
) -> dict[str, Any]:
    """Every table for programs; null for a value that was not measured."""
    tables = []
    for table in plan.report.tables:
        here = rows_of(table, rows)
        names = metrics_of(table, here)
        shown = [_row_document(row, names) for row in here]
        tables.append({"title": table.title, "experiment": table.experiment, "rows": shown})
    return {
        "kind": plan.kind,
        "report": plan.name,
        "budget": plan.budget,
        "report_dir": str(report_dir.path),
        "html": str(report_dir.report),
        "markdown": str(report_dir.markdown),
        "seconds": seconds_taken(report_dir),
        "tables": tables,
    }


def _row_document(row: Row, names: Sequence[str]) -> dict[str, Any]:
    return {
        "stage": row.stage,
        "parameters": dict(row.parameters),
        "metrics": {name: _figures(row.metrics[name]) for name in names},
        "statuses": list(row.statuses),
        "epochs": row.epochs,
        "images": row.images,
        "full_length": row.full_length and row.full_length.model_dump(),
        "seconds": row.seconds,
        "seconds_per_epoch": row.seconds_per_epoch,
        "full_length_seconds": row.full_length_seconds,
        "stated_seconds": row.stated_seconds,
        "stated_in": row.stated_in,
        "run_dir": str(row.run_dir),
    }


def _figures(measured: Measured) -> dict[str, float | None]:
    values = {
        "stated": measured.stated,
        "mean": measured.mean,
        "std": measured.std,
        "half_interval": measured.half_interval,
    }
    return {k: v if v is not None and math.isfinite(v) else None for k, v in values.items()}


def _warnings(plan: ReportPlan, rows: Mapping[str, Sequence[Row]]) -> list[str]:
    found = [SCALED_DOWN] if plan.budget == QUICK else []
    statuses = [status for here in rows.values() for row in here for status in row.statuses]
    for status in (Status.FAILED, Status.INTERRUPTED, Status.RUNNING, Status.PENDING):
        if status in statuses:
            found.append(f"{counted(statuses.count(status), 'run')} {status}.")
    return found


def _tiles(rows: Mapping[str, Sequence[Row]]) -> list[tuple[str, str]]:
    every = [row for here in rows.values() for row in here]
    runs = {row.run_dir: len(row.statuses) for row in every}
    training = {row.run_dir: (row.seconds or 0.0) * len(row.statuses) for row in every}
    return [
        (f"{len(rows):,}", "experiments"),
        (f"{sum(runs.values()):,}", "runs"),
        (duration(sum(training.values())), "of training steps, in all"),
    ]


def _time(report_dir: ReportDir) -> str:
    return duration(seconds_taken(report_dir))


def _host(rows: Mapping[str, Sequence[Row]]) -> list[tuple[str, str]]:
    """The machine of the runs, from the first of them."""
    first = next((row for here in rows.values() for row in here), None)
    record = read_record(RunDir(first.run_dir)) if first is not None else None
    if record is None or record.facts is None:
        return []
    facts, source = record.facts, record.config["data"]["source"]
    named = [f"{name} {facts.versions.get(name)}" for name in ("python", "numpy", "numba", "scipy")]
    return [
        ("processor", f"{facts.processor or 'unknown'}, {counted(facts.cpus, 'processor')}"),
        ("software", f"mnistlab {facts.mnistlab}, {', '.join(named)}"),
        ("data", f"{source}, SHA-256 {facts.dataset.sha256}"),
    ]


def _sentence(machine: Sequence[tuple[str, str]]) -> str:
    told = dict(machine)
    return f"On {told['processor']}; {told['software']}." if told else ""
