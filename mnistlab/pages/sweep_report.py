"""A sweep's report.html: the question, the ranking of its points, its stages, the chosen run."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mnistlab.config.dump import setting_as_yaml, value_as_yaml
from mnistlab.config.sweep import SweepConfig
from mnistlab.figures.gallery import SavedFigures
from mnistlab.findings import sweep_findings
from mnistlab.pages.page import left_out, measured, text_address, write_page
from mnistlab.pages.sweep_answer import answer, question, written_setting
from mnistlab.pages.try_it import MOST_BYTES, RESERVED
from mnistlab.pages.try_two import two_of_sweep
from mnistlab.store.run_dir import RunDir
from mnistlab.store.status import Status
from mnistlab.store.sweep_dir import REFIT, SweepDir
from mnistlab.support import durable
from mnistlab.support.links import target_of
from mnistlab.support.metric_names import SPLIT_METRICS, TEST, TRAINING, metric_title
from mnistlab.support.text_format import as_stated, counted, in_print
from mnistlab.sweeps.ranking import Ranked, mean_metrics, ranking_of, stages_of
from mnistlab.sweeps.results import TrialRow, read_trials, sweep_of

NO_OPTIONS: Mapping[str, Any] = {}


def write_sweep_report(
    sweep_dir: SweepDir,
    saved: SavedFigures,
    *,
    force: bool = False,
    options: Mapping[str, Any] = NO_OPTIONS,
    page_of_best: Callable[[], None] = lambda: None,
) -> Path:
    """Write a sweep's report.html with the figures that were drawn for it; return its path.

    `options` are those with which Artefacts opens a trial. `page_of_best` returns when the best
    run's page, which this one links to, is written.
    Raises UsageError if sweep.yaml or trials.csv is damaged, or if the page exists and was not
    written by mnistlab, unless `force`; OSError if it cannot be written.
    """
    config, rows = sweep_of(sweep_dir).config, read_trials(sweep_dir)
    page_of_best()  # before the links to it
    stages = [stage_facts(sweep_dir, config, stage, rows) for stage in stages_of(config)]
    text = durable.read_text(sweep_dir.config)
    chosen = _chosen(sweep_dir, rows)
    left = MOST_BYTES - RESERVED - sum(len(picture.markup) for picture in saved.pictures)
    write_page(
        sweep_dir.report,
        "sweep.html",
        {
            "kind": "sweep",
            "title": config.name,
            "lead": _lead(config, stages, chosen),
            "warnings": sweep_warnings(rows),
            "findings": sweep_findings(sweep_dir),
            "tiles": _tiles(config, rows),
            "chosen": chosen and _trial(sweep_dir, chosen),
            "stages": stages,
            "is_staged": bool(config.stages),
            "refits": _refits(sweep_dir, rows),
            "pictures": saved.pictures,
            "try_two": two_of_sweep(sweep_dir, config, rows, chosen, left, options),
            "left_out": left_out(saved),
            "config": text,
            "config_address": text_address(text, "text/yaml"),
        },
        force=force,
    )
    return sweep_dir.report


def stage_facts(
    sweep_dir: SweepDir, config: SweepConfig, name: str | None, rows: Sequence[TrialRow]
) -> dict[str, Any]:
    """A stage, or a sweep without stages: question, answer, ranking."""
    ranked = ranking_of(config, rows, name)
    keys = _varied(ranked)
    source = next((s.source for s in config.stages or () if s.name == name), None)
    return {
        "name": name,
        "source": source,
        "question": question(config, ranked, keys),
        "answer": answer(config.metrics, ranked, keys),
        **_table(sweep_dir, ranked, keys, config.metric_names),
        "throughout": _throughout(ranked, keys),
    }


def _varied(ranked: Sequence[Ranked]) -> list[str]:
    """The parameters in which the points differ; all of them if there is only one point."""
    keys = dict.fromkeys(key for point in ranked for key in point.parameters)
    varied = [key for key in keys if len({written_setting(point, key) for point in ranked}) > 1]
    return varied or list(keys)


def _others(names: Sequence[str], ranked: Sequence[Ranked]) -> list[str]:
    """The other metrics that any point has."""
    found = [mean_metrics(point) for point in ranked]
    return [
        name
        for name in SPLIT_METRICS
        if name not in names and any(means[name][0] is not None for means in found)
    ]


def _table(
    sweep_dir: SweepDir, ranked: Sequence[Ranked], keys: Sequence[str], names: Sequence[str]
) -> dict[str, Any]:
    """A ranking: its column heads, which columns are numbers, and its rows of cells.

    A cell is its text and the value by which it is sorted. `names` are the deciding metrics.
    """
    others = _others(names, ranked)
    stated = [f"stated {names[0]}"] if any(point.stated is not None for point in ranked) else []
    rows = []
    for point in ranked:
        means = mean_metrics(point)
        rows.append(
            {
                "cells": [
                    _rank_cell(point),
                    # Before the parameters, which may be many: a phone shows only the first
                    # columns.
                    *(
                        _metric_cell(name, one.mean, one.std)
                        for name, one in zip(names, point.measured, strict=True)
                    ),
                    *([_stated_cell(names[0], point.stated)] if stated else []),
                    *(_value_cell(written_setting(point, key)) for key in keys),
                    *(_metric_cell(name, *means[name]) for name in others),
                ],
                "trials": [_trial(sweep_dir, row) for row in point.trials],
                "style": _style(point),
            }
        )
    return _headed(["rank", *names, *stated, *keys, *others], keys, rows)


def _style(point: Ranked) -> str:
    """How a row looks: the winner's, which is behind none, those of the Pareto front, and those
    without a rank.
    """
    if point.rank is None:
        return "unranked"
    is_best = point.on_front if point.others else point.behind is None
    return "best" if is_best else ""


def _refits(sweep_dir: SweepDir, rows: Sequence[TrialRow]) -> dict[str, Any] | None:
    """The winners of stages that were trained again, in the order of the stages: the test set is
    not used to choose among them.
    """
    refits = [(name, row) for row in rows for name in row.stages if name.startswith(REFIT)]
    if not refits:
        return None
    keys = list(dict.fromkeys(key for _, row in refits for key in row.parameters))
    names = (TEST.accuracy, TEST.loss, TRAINING.accuracy, TRAINING.loss)
    table = [
        {
            "cells": [
                _value_cell(name.removeprefix(REFIT)),
                _metric_cell(names[0], row.metrics.get(names[0])),
                *(_value_cell(setting_as_yaml(row.parameters, key)) for key in keys),
                *(_metric_cell(name, row.metrics.get(name)) for name in names[1:]),
            ],
            "trials": [_trial(sweep_dir, row)],
            "style": "",
        }
        for name, row in refits
    ]
    return _headed(["winner of", names[0], *keys, *names[1:]], ["winner of", *keys], table)


def _headed(
    heads: Sequence[str], words: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """A table with its column heads; all columns but `words` are numbers."""
    return {
        "heads": [*map(metric_title, heads), "trials"],
        "numeric": {place for place, head in enumerate(heads) if head not in words},
        "rows": rows,
    }


def _rank_cell(point: Ranked) -> tuple[str, str]:
    if point.rank is None:
        return "–", ""
    return f"{point.rank}{'=' if point.tied else ''}", str(point.rank)


def _value_cell(text: str) -> tuple[str, str]:
    """A parameter's value; JavaScript reads YAML's numbers as YAML does."""
    return text or "–", text


def _metric_cell(name: str, mean: float | None, std: float | None = None) -> tuple[str, str]:
    return measured(mean, name, std), "" if mean is None else repr(mean)


def _stated_cell(name: str, stated: float | None) -> tuple[str, str]:
    return ("–", "") if stated is None else (in_print(as_stated(name, stated)), repr(stated))


def _trial(sweep_dir: SweepDir, row: TrialRow) -> dict[str, str]:
    """A trial's number, its status if it has not finished, and the link to its page."""
    run = RunDir(sweep_dir.path / row.run_dir)
    target = f"{row.run_dir}/{run.report.name if run.report.exists() else ''}"
    return {
        "number": str(row.trial),
        "status": "" if row.status is Status.FINISHED else row.status.words,
        "folder": row.run_dir,
        "href": target if run.path.is_dir() else "",
    }


def _throughout(ranked: Sequence[Ranked], keys: Sequence[str]) -> str:
    """The parameters that have the same value at all points."""
    if not ranked:
        return ""
    shared = [key for key in ranked[0].parameters if key not in keys]
    return ", ".join(f"{key} = {written_setting(ranked[0], key)}" for key in shared)


def _lead(
    config: SweepConfig, stages: Sequence[Mapping[str, Any]], chosen: TrialRow | None
) -> list[str]:
    if not config.stages:
        return [stages[0]["question"], stages[0]["answer"]]
    names = ", then ".join(stage.name for stage in config.stages)
    asked = f"A choice in {counted(len(stages), 'stage')}: {names}."
    if chosen is None:
        return [asked, "Nothing is chosen yet."]
    stage = chosen.stages[0]
    found = ", ".join(f"{key} = {value_as_yaml(v)}" for key, v in chosen.parameters.items())
    again = ", trained again on training and validation images" if stage.startswith(REFIT) else ""
    name = TEST.accuracy if again else config.metric.name
    value = measured(chosen.metrics.get(name), name)
    return [
        asked,
        f"Chosen: the winner of {stage.removeprefix(REFIT)}, {found}{again}: "
        f"{metric_title(name)} {value}.",
    ]


def sweep_warnings(rows: Sequence[TrialRow]) -> list[str]:
    left = sum(not row.status.ended for row in rows)
    failed = sum(row.status is Status.FAILED for row in rows)
    found = []
    if left:
        found.append(f"{counted(left, 'trial')} of {len(rows):,} not yet trained.")
    if failed:
        found.append(f"{counted(failed, 'trial')} of {len(rows):,} failed; trials.csv names them.")
    return found


def _tiles(config: SweepConfig, rows: Sequence[TrialRow]) -> list[tuple[str, str]]:
    statuses = [row.status for row in rows]
    told = [(f"{statuses.count(s):,}", s.words) for s in dict.fromkeys(statuses)]
    number, seeds = counted(config.seeds, "seed").split()
    return [(f"{len(rows):,}", "trials"), *told, (number, f"{seeds} for each point")]


def _chosen(sweep_dir: SweepDir, rows: Sequence[TrialRow]) -> TrialRow | None:
    """The chosen trial: the one that the link `best` points to, if any."""
    if target_of(sweep_dir.best_link) is None:
        return None
    folder = sweep_dir.best.resolve()
    return next((row for row in rows if (sweep_dir.path / row.run_dir).resolve() == folder), None)
