"""A winner whose lead is smaller than the effect of the seed."""

from collections.abc import Iterator

from mnistlab.config.dump import setting_as_yaml
from mnistlab.findings import Finding, RankedStage
from mnistlab.support.metric_names import is_accuracy
from mnistlab.support.text_format import counted, number
from mnistlab.sweeps.ranking import Ranked


def find(stage: RankedStage) -> Iterator[str]:
    ranked = [point for point in stage.ranked if point.rank is not None]
    if len(ranked) < 2:
        return
    first, second = ranked[:2]
    assert first.mean is not None
    assert second.mean is not None
    if first.std is None or second.std is None:
        return
    lead, spread = abs(first.mean - second.mean), max(first.std, second.std)
    if lead >= spread:
        return
    metric = stage.config.metric.name
    yield (
        f"{stage.where}{_name(first, second)} leads {_name(second, first)} by "
        f"{_written(metric, lead)}, less than the standard deviation over seeds, "
        f"{_written(metric, spread)}: {counted(len(first.trials), 'seed')} do not tell them apart."
    )


def _name(point: Ranked, other: Ranked) -> str:
    """The parameters in which a point differs from another one."""
    keys = [k for k, value in point.parameters.items() if other.parameters.get(k) != value]
    return ", ".join(f"{key} = {setting_as_yaml(point.parameters, key)}" for key in keys)


def _written(metric: str, difference: float) -> str:
    return f"{100 * difference:.2f} points" if is_accuracy(metric) else number(difference)


FINDING = Finding(order=20, find=find)
