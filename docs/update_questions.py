"""Put the answers of sweeps, configs/reports/*/questions/*.yaml, into docs/reports.md.

    python -m docs.update_questions runs/20261121-154210-b-stable runs/…

A sweep's tables go between the marks that bear its name; nothing is computed but from its folder.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from docs.page import PAGE, replaced, table
from mnistlab.config.dump import value_as_yaml
from mnistlab.config.load_sweep import load_sweep
from mnistlab.config.sweep import Metric, SweepConfig
from mnistlab.figures.gallery import LeftOut
from mnistlab.figures.style import rendered
from mnistlab.figures.sweep_figures import sweep_figures
from mnistlab.store.metrics import read_metrics
from mnistlab.store.run_dir import open_run
from mnistlab.store.run_record import facts_of, read_run_record
from mnistlab.store.sweep_dir import REFIT, SweepDir
from mnistlab.support.durable import write_file
from mnistlab.support.errors import UsageError
from mnistlab.support.text_format import counted
from mnistlab.sweeps.ranking import Ranked, ranking_of, stages_of
from mnistlab.sweeps.results import TrialRow, read_trials

IMAGES = PAGE.parent / "images"
# A sweep's figure that is part of its answer.
FIGURES = {"a-cnn-penalties": "models_feature_maps"}
MANY_POINTS, MANY_SEEDS = 20, 5
NEAR_BEST = 0.01
Row = Sequence[str]


def words(key: str, value: Any) -> str:
    """A parameter's value for people; of a network's layers, what stands behind the logits."""
    if key != "model.layers":
        return value_as_yaml(value)
    dense = max(i for i, layer in enumerate(value) if "dense" in layer)
    behind = [" ".join(str(v) for v in layer.values()) for layer in value[dense + 1 :]]
    kinds = [next(iter(layer)) for layer in value[dense + 1 :]]
    named = [
        text if kind == "activation" else f"{kind} {text}"
        for kind, text in zip(kinds, behind, strict=True)
    ]
    return " and ".join(named) + " on the logits" if named else "logits as they are"


def answer(sweep: SweepDir) -> str:
    """A sweep's tables, a stage after the other, each with what it says in words."""
    config = load_sweep(sweep.config).config
    rows = read_trials(sweep)
    left = sum(not row.status.ended for row in rows)
    if left:
        raise UsageError(f"{sweep.path}: {left} of {len(rows)} trials are not finished")
    parts = [_stage(sweep, config, stage, rows) for stage in stages_of(config)]
    refits = [r for r in rows if any(stage.startswith(REFIT) for stage in r.stages)]
    if refits:
        tested = [(r.stages[0].removeprefix(REFIT), r.metrics["test_accuracy"]) for r in refits]
        told = ", ".join(f"{name} {_percent(value)} %" for name, value in tested)
        parts.append(f"Trained on all training images and tested once: {told}.")
    parts.append(_made(sweep, rows))
    return "\n\n".join(parts)


def _made(sweep: SweepDir, rows: Sequence[TrialRow]) -> str:
    """The command, how much each run trained, the machine, and the time."""
    run_dirs = [open_run(sweep.path / row.run_dir) for row in rows]
    records = [read_run_record(run_dir) for run_dir in run_dirs]
    first = facts_of(run_dirs[0], records[0])
    command = next(word for word in first.argv if word.endswith(".yaml"))
    images = first.dataset.images.train
    epochs = max(record.epochs for record in records)
    spent = sum(record.seconds.train for record in records)
    size = f"{counted(len(rows), 'run')} of {counted(epochs, 'epoch')} on {images:,} images"
    return (
        f"From `mnistlab sweep {command}`: {size}, {spent / 60:.0f} minutes of training, "
        f"a run at a time on {counted(first.threads, 'thread')} of an {first.processor} "
        "that other work shared."
    )


def _stage(sweep: SweepDir, config: SweepConfig, stage: str | None, rows: list[TrialRow]) -> str:
    metric, ranked = config.metric, ranking_of(config, rows, stage)
    keys = [key for key in ranked[0].parameters if _tells(key, ranked)]
    title = "" if stage is None else f"**{stage}**: "
    text = title + _in_words(metric, ranked, keys)
    if len(ranked) > MANY_POINTS and len(keys) > 2:
        return f"{text}\n\n{_crossed(ranked, keys)}"
    return f"{text}\n\n{_listed(sweep, metric, ranked, keys)}"


def _tells(key: str, points: Sequence[Ranked]) -> bool:
    """Whether a parameter differs between points, and not as the hidden layers' activation does."""
    if key == "model.output_activation" and "model.activation" in points[0].parameters:
        return False
    return len({repr(point.parameters.get(key)) for point in points}) > 1 or len(points) == 1


def _in_words(metric: Metric, ranked: Sequence[Ranked], keys: Sequence[str]) -> str:
    placed = [point for point in ranked if point.rank is not None]
    name = metric.name.replace("val_", "validation ").replace("_", " ")
    lost = [point for point in ranked if point.rank is None]
    trials = [row for point in ranked for row in point.trials]
    text = counted(len(trials), "run")
    if not placed:
        return f"{text}, and none that has a {name}."
    if len(placed) == 1:
        text += f"; the {name} is {_percent(placed[0].mean)} %"
    else:
        best, last = placed[0], placed[-1]
        text += f"; the best {name}, {_percent(best.mean)} %, has {_told(best, keys)}"
        text += f", the lowest, {_percent(last.mean)} %, {_told(last, keys)}"
    return text + (f"; {len(lost)} of {len(ranked)} points diverged." if lost else ".")


def _told(point: Ranked, keys: Sequence[str]) -> str:
    return ", ".join(
        f"`{key}` {words(key, point.parameters[key])}" for key in keys if key in point.parameters
    )


def _listed(sweep: SweepDir, metric: Metric, ranked: Sequence[Ranked], keys: Sequence[str]) -> str:
    """A row for each point, in the order of the file."""
    in_order = sorted(ranked, key=lambda point: point.trials[0].trial)
    best = max((value for point in ranked for value in point.values), default=0.0)
    many = any(len(point.trials) >= MANY_SEEDS for point in ranked)
    rows = []
    for point in in_order:
        spread = f" ± {_percent(point.std)}" if point.std is not None else ""
        shown = f"{_percent(point.mean)}{spread}" if point.mean is not None else "diverged"
        row = [*(words(key, _value(sweep, point, key)) for key in keys), shown]
        if many:
            stable = sum(value >= best - NEAR_BEST for value in point.values)
            lowest = _percent(min(point.values)) if point.values else ""
            row += [lowest, f"{stable} of {len(point.trials)}"]
        rows.append([*row, _seconds(sweep, point)])
    extra = ["lowest, %", "stable: within a point of the best run"] if many else []
    return table([*keys, f"{metric.name}, %", *extra, "s an epoch"], rows)


def _value(sweep: SweepDir, point: Ranked, key: str) -> Any:
    """A point's parameter; of one that another stage ran, what its configuration has."""
    if key in point.parameters:
        return point.parameters[key]
    found = read_run_record(open_run(sweep.path / point.first_trial.run_dir)).config
    for part in key.split("."):
        found = found[part]
    return found


def _crossed(ranked: Sequence[Ranked], keys: Sequence[str]) -> str:
    """The first parameter down, the second across, and in a cell the best of the others."""
    down, across, *others = keys
    in_order = sorted(ranked, key=lambda point: point.trials[0].trial)
    columns = list(dict.fromkeys(words(across, p.parameters[across]) for p in in_order))
    rows = []
    for first in dict.fromkeys(words(down, p.parameters[down]) for p in in_order):
        row = [first]
        for second in columns:
            here = [
                p
                for p in ranked
                if words(down, p.parameters[down]) == first
                and words(across, p.parameters[across]) == second
            ]
            values = ", ".join(words(key, here[0].parameters[key]) for key in others)
            mean = here[0].mean
            row.append("diverged" if mean is None else f"{_percent(mean)} ({values})")
        rows.append(row)
    note = f"In % the best over {', '.join(f'`{key}`' for key in others)}, which stands beside it:"
    return f"{note}\n\n{table([down, *columns], rows)}"


def _seconds(sweep: SweepDir, point: Ranked) -> str:
    """Training seconds an epoch, the mean over a point's trials."""
    found = []
    for trial in point.trials:
        rows = read_metrics(open_run(sweep.path / trial.run_dir).metrics)
        if rows:
            found.append(rows[-1].seconds / rows[-1].epoch)
    return f"{fmean(found):.2g}" if found else ""


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.2f}"


def _drawn(sweep: SweepDir, figure: str, file: str) -> str:
    """Draw a sweep's figure beside the page, and link it; raises UsageError where it can't be."""
    (found,) = sweep_figures(sweep, [figure])
    if isinstance(found, LeftOut):
        raise UsageError(f"{sweep.path}: {figure} can't be drawn: {found.why}")
    write_file(IMAGES / file, rendered(found.figure))
    return f"![{found.how_to_read}](images/{file})"


def main() -> None:
    """Put each sweep's answer into the page."""
    parser = argparse.ArgumentParser(prog="python -m docs.update_questions", description=__doc__)
    parser.add_argument("sweeps", nargs="+", type=Path, help="folders of finished sweeps")
    for path in parser.parse_args().sweeps:
        sweep = SweepDir(path.resolve())
        name = load_sweep(sweep.config).config.name
        text = answer(sweep)
        if name in FIGURES:
            text += "\n\n" + _drawn(sweep, FIGURES[name], f"questions-{name}.png")
        page = replaced(PAGE.read_text(encoding="utf-8"), f"questions {name}", text)
        write_file(PAGE, page)


if __name__ == "__main__":
    main()
