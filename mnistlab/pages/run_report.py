"""A run's report.html: what was trained, on which data, how well; figures, configuration,
provenance.
"""

import logging
import math
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mnistlab.config import RunConfig
from mnistlab.config.config_diff import lines_with_changes
from mnistlab.experiment.artefacts import PART_NAMES, Artefacts
from mnistlab.experiment.scores import class_scores
from mnistlab.figures.gallery import SavedFigures
from mnistlab.findings import run_findings
from mnistlab.pages.network_words import network_in_words
from mnistlab.pages.page import left_out, measured, text_address, write_page
from mnistlab.pages.run_network import network_on_page
from mnistlab.store.metrics import MetricsRow
from mnistlab.store.run_record import LayerRecord, RunFacts, RunRecord
from mnistlab.store.status import Status
from mnistlab.support import durable
from mnistlab.support.errors import MnistlabError
from mnistlab.support.metric_names import PARTS, PENALTY, TEST, TRAINING, VALIDATION, Part
from mnistlab.support.text_format import (
    as_stated,
    counted,
    in_print,
    percent,
    seconds,
    training_length,
)

logger = logging.getLogger(__name__)

COLUMNS = tuple(MetricsRow.__dataclass_fields__)
# A longer metrics.csv is shown in so many rows, evenly spaced, including the last.
MOST_ROWS = 200
STATUS = {
    Status.RUNNING: "The run has not ended yet. This page shows its results so far.",
    Status.INTERRUPTED: "The run was interrupted and can be resumed. These are its results so far.",
    Status.PRUNED: "The sweep stopped this trial early. These are its results until then; "
    "`mnistlab resume` continues it.",
    Status.FAILED: "The run failed. This page shows its results until then.",
}


def write_run_report(artefacts: Artefacts, saved: SavedFigures, *, force: bool = False) -> Path:
    """Write a run's report.html with the figures that were drawn for it; return its path.

    The page names what is damaged in the run. Raises UsageError if config.yaml or run.json is
    damaged, or if the page exists and was not written by mnistlab, unless `force`; OSError if it
    cannot be written.
    """
    config, record, facts = artefacts.config, artefacts.record, artefacts.facts
    sentence, warnings = _lead(record, facts)
    text = durable.read_text(artefacts.run_dir.config)
    rows: list[MetricsRow] = []
    try:
        rows = artefacts.metrics
    except MnistlabError as error:
        warnings += error.messages
    network = network_on_page(artefacts, sum(len(picture.markup) for picture in saved.pictures))
    write_page(
        artefacts.run_dir.report,
        "run.html",
        {
            "kind": "run",
            "title": config.name,
            "lead": [sentence],
            "warnings": warnings,
            "findings": run_findings(artefacts.run_dir),
            "tiles": _tiles(record, facts),
            "pictures": saved.pictures,
            **network,
            "left_out": left_out(saved),
            "summary": _summary(record, facts),
            "best": record.best,
            "metrics_note": _metrics_note(config, record),
            **_per_class(artefacts),
            **_reference(config, record),
            **_table(rows),
            "layers": [_layer(layer) for layer in facts.layers],
            "parameters": facts.parameters,
            "config_lines": lines_with_changes(config),
            "provenance": _provenance(record, facts),
            "versions": list(facts.versions.items()),
            "config_address": text_address(text, "text/yaml"),
        },
        force=force,
    )
    return artefacts.run_dir.report


def _lead(record: RunRecord, facts: RunFacts) -> tuple[str, list[str]]:
    """A sentence on the network, its data and its accuracy; and warnings."""
    data, metrics, status = facts.dataset, record.metrics, record.status
    what = (
        f"{network_in_words(facts)}, trained on {counted(data.images.train, 'image')} of "
        f"{data.name} for {training_length(record.epochs, record.steps)}"
    )
    part = _judged_by(record, facts)
    accuracy, loss = metrics.get(part.accuracy), metrics.get(part.loss)
    if accuracy is None:
        how = "; its accuracy was not measured"
    else:
        images = counted(getattr(data.images, part.name), f"{part.word} image")
        how = f", classifies {measured(accuracy, 'accuracy')} of {images} correctly"
        how += f" (loss {measured(loss, 'loss')})"
    warnings = []
    if status in STATUS:
        warnings.append(STATUS[status])
    if record.reason:
        warnings.append(record.reason)
    if status is Status.DIVERGED:
        what = what.replace(", trained on", ", diverged in training on", 1)
        how = ""
    return f"{what}{how}.", warnings


def _judged_by(record: RunRecord, facts: RunFacts) -> Part:
    """The images on which a run is evaluated."""
    if record.metrics.get(TEST.accuracy) is not None:
        return TEST
    return VALIDATION if facts.dataset.images.validation else TRAINING


def _tiles(record: RunRecord, facts: RunFacts) -> list[tuple[str, str]]:
    metrics, took = record.metrics, record.seconds
    tiles = [
        (measured(metrics[part.accuracy], part.accuracy), f"{part.word} accuracy")
        for part in reversed(PARTS)
        if metrics.get(part.accuracy) is not None
    ]
    return [
        *tiles,
        (f"{facts.parameters:,}", "parameters"),
        (f"{record.epochs:,}", f"epochs, {counted(record.steps, 'step')}"),
        (seconds(took.train), f"of training, {seconds(took.total)} in all"),
    ]


def _summary(record: RunRecord, facts: RunFacts) -> list[dict[str, Any]]:
    """A row for each split of the dataset that was measured."""
    metrics, best, images = record.metrics, record.best, facts.dataset.images
    return [
        {
            "part": part.word,
            "images": getattr(images, part.name),
            "loss": metrics.get(part.loss),
            "accuracy": metrics.get(part.accuracy),
            "best_loss": getattr(best, part.loss, None),
            "best_accuracy": getattr(best, part.accuracy, None),
        }
        for part in PARTS
        if metrics.get(part.loss) is not None
    ]


def _metrics_note(config: RunConfig, record: RunRecord) -> str:
    how = {
        "running": "Training figures are means over the steps since the row before.",
        "batch": "Training figures are those of the last batch alone.",
        "full": "Training figures are of the whole training set.",
    }[config.training.train_metrics]
    if record.best:
        how += f" Best: epoch {record.best.epoch}, by validation."
    if not record.test_set_looked_at:
        how += " The test set was not evaluated."
    return f"{how} Losses are without the penalty."


def _per_class(artefacts: Artefacts) -> dict[str, Any]:
    """A row for each class that has images or was predicted: precision, recall, F1. No rows if the
    run has no predictions, as with the figures.
    """
    try:
        found, names = artefacts.predictions, artefacts.class_names
    except MnistlabError as error:  # the figures that need it report the damage
        logger.debug("no table by class: %s", error)
        return {"per_class": [], "per_class_of": ""}
    scores, _ = class_scores(found.labels, found.predicted, len(names))
    predicted = np.bincount(found.predicted, minlength=len(names))
    rows = [
        {
            "name": names[one.label],
            "images": f"{one.images:,}",
            "shares": [_share(value) for value in (one.precision, one.recall, one.f1)],
        }
        for one in scores
        if one.images or predicted[one.label]
    ]
    means = [
        _share(float(np.mean([getattr(one, name) for one in scores if one.images])))
        for name in ("precision", "recall", "f1")
    ]
    rows.append({"name": "mean", "images": f"{len(found.labels):,}", "shares": means})
    return {"per_class": rows, "per_class_of": PART_NAMES[artefacts.part]}


def _share(value: float) -> str:
    return "–" if math.isnan(value) else in_print(percent(value))


def _reference(config: RunConfig, record: RunRecord) -> dict[str, Any]:
    """The values stated for this experiment beside the measured ones."""
    stated = config.reference.model_dump() if config.reference else {}
    here = {**record.metrics, "seconds": record.seconds.train}
    penalty = here.get(PENALTY) or 0.0
    for part in PARTS:
        loss = here.get(part.loss)
        here[part.objective] = None if loss is None else loss + penalty
    rows = []
    for name, value in stated.items():
        if name == "source" or value is None:
            continue
        found = here.get(name)
        difference = None if found is None else found - value
        sign = "+" if difference is not None and difference > 0 else ""
        rows.append(
            {
                "name": name,
                "stated": in_print(as_stated(name, value)),
                "here": measured(found, name),
                "difference": sign + measured(difference, name),
            }
        )
    return {"reference": rows, "reference_source": stated.get("source")}


def _table(rows: Sequence[MetricsRow]) -> dict[str, Any]:
    """metrics.csv, with fewer rows if it is long."""
    step = -(-len(rows) // MOST_ROWS) if rows else 1
    shown = list(reversed(rows[::-1][::step]))
    columns = [name for name in COLUMNS if any(getattr(row, name) is not None for row in rows)]
    title = f"All {counted(len(rows), 'evaluation')}"
    if step > 1:
        title = f"{len(shown)} of {counted(len(rows), 'evaluation')}, the rest is in metrics.csv"
    return {
        "columns": [name.replace("_", " ") for name in columns],
        "rows": [[_cell(name, getattr(row, name)) for name in columns] for row in shown],
        "rows_title": title,
    }


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return ""
    if name in ("epoch", "step"):
        return f"{value:,}"
    if name == "lr":
        return f"{value:.4g}"
    return measured(value, name)


def _layer(layer: LayerRecord) -> dict[str, Any]:
    return {
        "name": layer.name,
        "description": layer.description,
        "input": " × ".join(map(str, layer.input_shape)),
        "output": " × ".join(map(str, layer.output_shape)),
        "parameters": layer.parameters,
    }


def _provenance(record: RunRecord, facts: RunFacts) -> list[tuple[str, str]]:
    data, git = facts.dataset, facts.git
    source = f"commit {git.commit or 'unknown'}{' with changes' if git.dirty else ''}"
    versions = [f"{name} {facts.versions.get(name)}" for name in ("python", "numpy", "numba")]
    told = [
        ("status", record.status.words),
        ("started", _time(record.started)),
        ("ended", _time(record.finished)),
        ("resumed", ", ".join(map(_time, record.resumed))),
        ("command", shlex.join(["mnistlab", *facts.argv[1:]]) if facts.argv else ""),
        ("mnistlab", f"{facts.mnistlab}, {source}"),
        ("with", ", ".join(versions)),
        ("platform", facts.platform),
        ("processor", f"{facts.processor}, {counted(facts.threads, 'thread')}"),
        ("dataset", f"{data.name}, SHA-256 {data.sha256}"),
    ]
    return [(name, value) for name, value in told if value]


def _time(time: datetime | None) -> str:
    return "" if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
