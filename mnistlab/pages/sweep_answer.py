"""The question and the answer of a sweep, or of a stage, in sentences."""

from collections.abc import Sequence

from mnistlab.config.dump import setting_as_yaml
from mnistlab.config.objectives import Metric
from mnistlab.config.sweep import SweepConfig
from mnistlab.pages.page import measured
from mnistlab.support import text_format
from mnistlab.support.metric_names import metric_words
from mnistlab.support.text_format import counted, in_print
from mnistlab.sweeps.ranking import Ranked


def written_setting(point: Ranked, key: str) -> str:
    """A parameter of a point as YAML."""
    return setting_as_yaml(point.parameters, key)


def question(config: SweepConfig, ranked: Sequence[Ranked], keys: Sequence[str]) -> str:
    """The question of the sweep, or of a stage."""
    wanted = " and the ".join(
        f"{'highest' if metric.larger_is_better else 'lowest'} {metric_words(metric.name)}"
        for metric in config.metrics
    )
    values = [
        # A point that lacks a conditional parameter adds no value of it.
        (key, counted(len({written_setting(point, key) for point in ranked} - {""}), "value"))
        for key in keys
    ]
    if not values:
        words = " and ".join(metric_words(name) for name in config.metric_names)
        return f"What {words} does this configuration reach?"
    if len(values) == 1:
        asked = f"Which of {values[0][1]} of {keys[0]}"
    else:
        each = [f"{key} ({number})" for key, number in values]
        tried = f"{len(ranked):,} {config.method.noun}"
        asked = f"Which of {tried} of {', '.join(each[:-1])} and {each[-1]}"
    return f"{asked} gives the {wanted}?"


def answer(metrics: Sequence[Metric], ranked: Sequence[Ranked], keys: Sequence[str]) -> str:
    """The best point, or the points on the Pareto front, as far as the sweep has run."""
    first, metric = ranked[0] if ranked else None, metrics[0]
    if first is None or first.rank is None:
        return "No answer yet: no point has all its trials."
    if len(metrics) > 1:
        return _front_in_words(metrics, ranked, keys)
    found = _settings(first, keys) or "It reaches"
    value = measured(first.mean, metric.name, first.std)
    over = f" over {counted(len(first.trials), 'seed')}" if len(first.trials) > 1 else ""
    interval = first.interval
    if interval is not None:
        ends = text_format.interval(metric.name, interval.low, interval.high)
        over += f", 95 % interval of the mean {in_print(ends)}"
    return f"{found}: {value}{over}.{_beside(ranked)}"


def _settings(point: Ranked, keys: Sequence[str]) -> str:
    """The parameters that a point has: `optimizer.lr = 0.1, training.epochs = 5`."""
    return ", ".join(
        f"{key} = {written_setting(point, key)}" for key in keys if key in point.parameters
    )


def _front_in_words(
    metrics: Sequence[Metric], ranked: Sequence[Ranked], keys: Sequence[str]
) -> str:
    """The answer by several metrics: the front, and its points that are best in one metric."""
    front = [point for point in ranked if point.on_front]
    told = [
        f"On the Pareto front (rank 1): {counted(len(front), 'point')} of {len(ranked):,}. No "
        "point is better in one metric and as good in all others."
    ]
    for place, metric in enumerate(metrics):
        best = max(front, key=lambda point: metric.score(point.measured[place].mean or 0.0))
        found = _settings(best, keys) or "the only point"
        values = zip(metrics, best.measured, strict=True)
        reached = ", ".join(
            f"{metric_words(one.name)} {measured(value.mean, one.name, value.std)}"
            for one, value in values
        )
        most = "Highest" if metric.larger_is_better else "Lowest"
        told.append(f"{most} {metric_words(metric.name)} on it: {found}: {reached}.")
    return " ".join(told)


def _beside(ranked: Sequence[Ranked]) -> str:
    """The points that share the winner's rank; if there is no test, why."""
    tied = sum(point.tied for point in ranked[1:])
    if all(point.p_value is None for point in ranked):
        equal = f" {counted(tied, 'other point')} {_have(tied)} the same value." if tied else ""
        one = " One seed for each point: the effect of the seed is unknown."
        return equal + (one if len(ranked) > 1 and len(ranked[0].trials) == 1 else "")
    if not tied:
        return " No other point can be this good by the choice of seeds alone (95 %)."
    return f" {counted(tied, 'other point')} cannot be told from it (95 %)."


def _have(count: int) -> str:
    return "has" if count == 1 else "have"
