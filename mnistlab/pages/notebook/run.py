"""A run in a notebook: its network, its metrics, its learning curves."""

from pathlib import Path

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures.run.learning_curves import learning_curves
from mnistlab.pages.inline_svg import InlineSvg
from mnistlab.pages.network_words import network_in_words
from mnistlab.pages.notebook import Fragment, Table, cells, html_of, link_to, svg_of
from mnistlab.pages.page import measured
from mnistlab.store.browse.summary import RunSummary, read_run
from mnistlab.store.run_dir import RunDir
from mnistlab.support.errors import LackingError, MnistlabError
from mnistlab.support.metric_names import PARTS
from mnistlab.support.text_format import seconds, training_length


def run_html(path: Path) -> str:
    """A run as HTML; damaged files are named."""
    try:
        run = read_run(path)
    except MnistlabError as error:
        return html_of(Fragment(path.name, "run", warnings=error.messages, where=str(path)))
    curves, warnings = _curves(path)
    return html_of(
        Fragment(
            title=str(run.record.config.get("name", path.name)),
            kind=f"run, {run.record.status.words}",
            told=_told(run),
            warnings=[*_warnings(run), *warnings],
            tables=[_metrics(run)],
            figures=curves,
            links=link_to(RunDir(path).report, "report.html"),
            where=str(path),
        )
    )


def _told(run: RunSummary) -> list[str]:
    record, facts = run.record, run.record.facts
    length = f"{training_length(record.epochs, record.steps)}, {seconds(record.seconds.train)}"
    told = [
        length if facts is None else f"{network_in_words(facts)}. {facts.dataset.name}, {length}."
    ]
    if run.notes.tags:
        told.append(f"Tags: {', '.join(run.notes.tags)}.")
    return [*told, *([run.notes.note] if run.notes.note else [])]


def _warnings(run: RunSummary) -> list[str]:
    told = [run.record.reason] if run.record.reason else []
    if run.record.status.resumable and not run.alive:
        told.append(f"mnistlab.resume({str(run.path)!r}) continues it.")
    return told


def _metrics(run: RunSummary) -> Table:
    rows = []
    for part in PARTS:
        loss, accuracy = (run.record.metrics.get(name) for name in (part.loss, part.accuracy))
        if loss is not None or accuracy is not None:
            shown = measured(loss, part.loss), measured(accuracy, part.accuracy)
            rows.append(cells(part.word, *shown))
    return Table(("", "loss", "accuracy"), rows)


def _curves(path: Path) -> tuple[list[InlineSvg], list[str]]:
    """The learning curves, and what is damaged; neither, if there is nothing to draw yet."""
    artefacts = Artefacts(RunDir(path))
    try:
        figure = learning_curves(artefacts.evaluations, artefacts.config.name, with_rates=False)
    except LackingError:
        return [], []
    except MnistlabError as error:
        return [], list(error.messages)
    return [svg_of(figure, "Learning curves")], []
