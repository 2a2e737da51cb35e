"""Whether the winner can be told from the other points, and how many seeds would tell."""

from collections.abc import Iterator, Sequence

from mnistlab.config.dump import setting_as_yaml
from mnistlab.config.objectives import Metric
from mnistlab.findings import Finding, RankedStage
from mnistlab.statistics.difference import Difference
from mnistlab.statistics.power import seeds_to_tell
from mnistlab.statistics.seeds import ALPHA
from mnistlab.support.metric_names import is_accuracy
from mnistlab.support.text_format import counted, number
from mnistlab.sweeps.ranking import Ranked


def find(stage: RankedStage) -> Iterator[str]:
    ranked = [point for point in stage.ranked if point.rank is not None]
    tested = [point for point in ranked if point.p_value is not None]
    if not tested:
        return
    metric = stage.config.metric
    tied = [point for point in tested if point.tied]
    nearest = tied[0] if tied else tested[0]
    assert nearest.behind is not None
    text = (
        f"{stage.where}{_name(ranked[0], nearest)} leads {_name(nearest, ranked[0])} by "
        f"{_difference(metric, nearest.behind)}"
    )
    if not tied:
        others = "" if len(tested) == 1 else ", the nearest of all others"
        yield f"{text}: the seeds tell it from this point{others} (p = {nearest.p_value:.2g})."
        return
    yield f"{text}: {_cannot_tell(tied)}. {_more(nearest, len(tied))}"


def _cannot_tell(tied: Sequence[Ranked]) -> str:
    seeds = counted(len(tied[0].trials), "seed")
    others = f", nor the best from {counted(len(tied) - 1, 'other point')}"
    return f"{seeds} cannot tell them apart{others if len(tied) > 1 else ''}"


def _more(nearest: Ranked, tied: int) -> str:
    """How many seeds would tell a point from the winner, among `tied` points to be told."""
    behind = nearest.behind
    if behind is None or behind.effect_size is None:
        return "The differences have no spread, so that the number of seeds is unknown."
    needed = seeds_to_tell(behind.effect_size, paired=behind.is_paired, alpha=ALPHA / tied)
    if needed is None:
        return "More than 1,000 seeds would be needed: treat them as equal."
    more = max(needed - len(nearest.trials), 1)
    total = len(nearest.trials) + more
    return (
        f"If the difference is real, about {total:,} seeds for each point would tell, "
        f"{more:,} more."
    )


def _name(point: Ranked, other: Ranked) -> str:
    """The parameters in which a point differs from another one."""
    keys = [k for k, value in point.parameters.items() if other.parameters.get(k) != value]
    return ", ".join(f"{key} = {setting_as_yaml(point.parameters, key)}" for key in keys)


def _difference(metric: Metric, behind: Difference) -> str:
    """The winner's lead with its interval, and how the runs were compared."""
    sign = 1 if metric.larger_is_better else -1
    how = f"paired over {counted(len(behind.pairs), 'seed')}" if behind.pairs else "unpaired"
    if behind.interval is not None:
        ends = sorted((sign * behind.interval.low, sign * behind.interval.high))
        how = f"95 % interval {' to '.join(_written(metric, end) for end in ends)}, {how}"
    unit = " points" if is_accuracy(metric.name) else ""
    return f"{_written(metric, sign * behind.estimate)}{unit} ({how})"


def _written(metric: Metric, difference: float) -> str:
    """A difference; of accuracies in percentage points."""
    return f"{100 * difference:.2f}" if is_accuracy(metric.name) else number(difference)


FINDING = Finding(order=20, find=find)
