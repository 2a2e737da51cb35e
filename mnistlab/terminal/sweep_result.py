"""The result of a sweep, printed for people or for programs, and the exit code."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mnistlab.config.dump import setting_as_yaml
from mnistlab.store.status import tally
from mnistlab.support.metric_names import TEST, TRAINING
from mnistlab.support.signals import exit_code_of
from mnistlab.support.text_format import as_stated, counted
from mnistlab.terminal.output import (
    metric_value,
    print_findings,
    print_how_to_resume,
    print_json,
    print_note,
    print_path,
    print_status,
    print_table,
    told_before_the_end,
)

if TYPE_CHECKING:
    from mnistlab.sweeps.ranking import Ranked
    from mnistlab.sweeps.sweep_callbacks import Best, SweepResult

SHOWN = 20  # points of a ranking on the screen; ranking.csv has all
SOME_FAILED = 3


def tell_sweep(result: "SweepResult", *, quiet: bool, json: bool) -> int:
    """Print the ranking, the sweep's folder or JSON document last; returns the exit code."""
    from mnistlab.findings import findings_of

    if not quiet:
        _print_summary(result)
    for row in result.failures:
        print_note(f"trial {row.trial} failed: {row.reason}")
    if result.signal is not None:
        print_how_to_resume(result.signal, "finished trials are kept", result.sweep_dir)
    is_told = result.signal is None and (json or not quiet)
    findings = findings_of(result.sweep_dir) if is_told else []
    if not quiet:
        print_findings(findings)
    with told_before_the_end(result.signal):
        if json:
            print_json({**_document(result), "findings": findings})
        else:
            print_path(result.sweep_dir)
    if result.signal is not None:
        return exit_code_of(result.signal)
    return SOME_FAILED if result.trials["failed"] and not result.already_ended else 0


def _print_summary(result: "SweepResult") -> None:
    if result.already_ended:
        print_note("nothing left to do: this sweep has already ended")
    for stage, ranked in result.rankings:
        print_note("")
        if stage is not None:
            print_note(f"stage {stage}")
        _print_ranking(result.metrics, ranked)
        if len(ranked) > SHOWN:
            print_note(f"and {len(ranked) - SHOWN} more in ranking.csv")
        if len(result.metrics) > 1:
            print_note(_front_in_words(ranked))
    if result.refits:
        print_note("")
        print_note("trained on training and validation images, then evaluated once on the test set")
        _print_refits(result.refits)
    counts = [f"{count} {status}" for status, count in result.trials.items() if count]
    left = [f"{result.left} left"] if result.left else []
    print_note("")
    print_status(f"trials: {', '.join([*counts, *left]) or 'none'}")


def _print_ranking(metrics: Sequence[str], ranked: Sequence["Ranked"]) -> None:
    """Print the points, best first; `=` after a shared rank."""
    keys = list(dict.fromkeys(key for point in ranked for key in point.parameters))
    stated = any(point.stated is not None for point in ranked)
    notes = [_note(point) for point in ranked[:SHOWN]]
    noted = any(notes)
    rows = [
        ["rank", *keys, *metrics, *(["stated"] if stated else []), *(["status"] if noted else [])]
    ]
    for point, note in zip(ranked, notes, strict=False):
        place = "-" if point.rank is None else f"{point.rank}{'=' if point.tied else ''}"
        values = [setting_as_yaml(point.parameters, key) for key in keys]
        figure = "-" if point.stated is None else as_stated(metrics[0], point.stated)
        measured = zip(metrics, point.measured, strict=True)
        means = [metric_value(name, one.mean, one.std) for name, one in measured]
        told = [*([figure] if stated else []), *([note] if noted else [])]
        rows.append([place, *values, *means, *told])
    status = len(rows[0]) - 1 if noted else None
    print_table(
        rows,
        right=[0, *range(len(keys) + 1, len(keys) + 1 + len(metrics) + stated)],
        status=status,
        first=[
            0,
            *range(len(keys) + 1, len(keys) + 1 + len(metrics)),
            *([] if status is None else [status]),
        ],
        elsewhere="ranking.csv has all",
        on_stderr=True,
    )


def _front_in_words(ranked: Sequence["Ranked"]) -> str:
    front = sum(point.on_front for point in ranked)
    return (
        f"rank 1 is the Pareto front, {front} of {counted(len(ranked), 'point')}: no point is "
        "better in one metric and as good in all others"
    )


def _note(point: "Ranked") -> str:
    """Why a point has no rank: how its trials ended, or how many are left."""
    if point.rank is not None:
        return ""
    return ", ".join(tally([row.status for row in point.trials]).values())


def _print_refits(refits: Sequence[tuple[str, "Ranked"]]) -> None:
    from mnistlab.sweeps.ranking import mean_metrics

    names = (TRAINING.loss, TRAINING.accuracy, TEST.loss, TEST.accuracy)
    keys = list(dict.fromkeys(key for _, point in refits for key in point.parameters))
    rows = [["winner of", *keys, *names]]
    for stage, point in refits:
        means = mean_metrics(point)
        figures = [metric_value(name, *means[name]) for name in names]
        rows.append([stage, *(setting_as_yaml(point.parameters, key) for key in keys), *figures])
    print_table(
        rows,
        right=range(len(keys) + 1, len(rows[0])),
        first=[0, len(rows[0]) - 1],
        elsewhere="trials.csv has all",
        on_stderr=True,
    )


def _document(result: "SweepResult") -> dict[str, Any]:
    from mnistlab.sweeps.sweep_callbacks import Best

    best = result.best
    document = {
        "sweep_dir": result.sweep_dir,
        "status": result.status,
        "trials": result.trials,
        "best": best and _as_document(best),
    }
    if len(result.metrics) == 1:
        return document
    front = [
        Best(result.sweep_dir / row.run_dir, point.parameters, row.metrics)
        for _, ranked in result.rankings
        for point in ranked
        for row in (point.first_trial,)
        if point.on_front
    ]
    return {**document, "front": [_as_document(one) for one in front]}


def _as_document(trial: "Best") -> dict[str, Any]:
    return {
        "run_dir": trial.run_dir,
        "parameters": trial.parameters,
        "metrics": dict(trial.metrics),
    }
