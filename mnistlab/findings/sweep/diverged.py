"""A value above or below which the trials diverged."""

from collections.abc import Iterator, Sequence

from mnistlab.config.dump import value_as_yaml
from mnistlab.findings import Finding, RankedStage
from mnistlab.store.status import Status
from mnistlab.support.text_format import counted
from mnistlab.sweeps.results import TrialRow


def find(stage: RankedStage) -> Iterator[str]:
    trials = [row for point in stage.ranked for row in point.trials]
    diverged = [row for row in trials if row.status is Status.DIVERGED]
    finished = [row for row in trials if row.status.finished]
    if not diverged or not finished:
        return
    for key in diverged[0].parameters:
        bad, good = _numbers(diverged, key), _numbers(finished, key)
        if key == "seed" or len(bad) < len(diverged) or len(good) < len(finished):
            continue
        least, most = min(bad), max(good)
        if least > most:
            yield (
                f"{stage.where}{counted(len(diverged), 'trial')} diverged, all with {key} of "
                f"{value_as_yaml(least)} and more; with up to {value_as_yaml(most)} all finished."
            )
            return


def _numbers(rows: Sequence[TrialRow], key: str) -> list[float]:
    """The values of a parameter that are numbers."""
    values = (row.parameters.get(key) for row in rows)
    return [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]


FINDING = Finding(order=40, find=find)
