"""A best value at the edge of those tried, and the command that tries values beyond it."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeGuard

from mnistlab.config.dump import value_as_yaml
from mnistlab.config.extend_sweep import extended
from mnistlab.config.load_sweep import value_nodes
from mnistlab.config.source_nodes import Node
from mnistlab.findings import Finding, RankedStage
from mnistlab.support.errors import ConfigError
from mnistlab.support.paths import as_argument
from mnistlab.sweeps.ranking import Ranked
from mnistlab.sweeps.results import sweep_of

FEWEST = 3  # values of a key, below which an edge gives no direction


def find(stage: RankedStage) -> Iterator[str]:
    ranked = [point for point in stage.ranked if point.rank is not None]
    # The points of a Pareto front reach to the edges: each is best in something.
    if not ranked or len(stage.config.metrics) > 1:
        return
    best = ranked[0].parameters
    for key in best:
        tried = [point.parameters.get(key) for point in stage.ranked]
        values = sorted({v for v in tried if _is_number(v)})
        if len(values) < FEWEST or not all(map(_is_number, tried)):
            continue
        if best[key] not in (values[0], values[-1]) or _is_tied(ranked, key, values):
            continue
        is_largest = best[key] == values[-1]
        beyond = _beyond(values if is_largest else values[::-1])
        edge = "largest" if is_largest else "smallest"
        told = f"{stage.where}the best {key}, {value_as_yaml(best[key])}, is the {edge} one tried. "
        text = f"{told[0].upper()}{told[1:]}"
        if stage.name is not None:
            side = "larger" if is_largest else "smaller"
            yield f"{text}Try {side} values in another sweep: a sweep in stages cannot be extended."
        elif _can_be_tried(stage, key, beyond):
            folder = as_argument(stage.sweep_dir.path)
            yield f"{text}To extend the grid: mnistlab resume {folder} {key}={beyond}"


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_tied(ranked: Sequence[Ranked], key: str, values: Sequence[float]) -> bool:
    """Whether a value inside the range, with everything else as in the best point,
    shares its rank.
    """
    best = ranked[0].parameters
    return any(
        point.rank == 1 and {**point.parameters, key: best[key]} == best
        for point in ranked[1:]
        if values[0] < point.parameters[key] < values[-1]
    )


def _beyond(values: Sequence[float]) -> str:
    """The next value in this direction, as YAML: by the last ratio if the values are spaced so,
    else by the last difference. It has as few digits as a value beyond the last one can have.
    """
    before, last = values[-2:]
    if before * last > 0 and max(last / before, before / last) >= 2:
        following = last * last / before
    else:
        following = last + (last - before)
    # A zero among fractions is often written without a point.
    is_whole = all(isinstance(value, int) for value in values)
    if is_whole:
        following = round(following)
    rounded = (float(f"{following:.{digits}g}") for digits in range(2, 18))
    short = next((value for value in rounded if (value - last) * (last - before) > 0), following)
    return value_as_yaml(round(short) if is_whole else short)


def _can_be_tried(stage: RankedStage, key: str, value: str) -> bool:
    """Whether the grid can be extended by the value, and a run can use it."""
    source = sweep_of(stage.sweep_dir)
    if not source.config.method.grows_by_values or any(key in group for group in source.config.zip):
        return False
    try:
        larger = extended(source, [f"{key}={value}"])
        block = larger.root.at(("parameters",))
        assert block is not None
        assert isinstance(block.value, dict)
        values = {name: value_nodes(name, node) for name, node in block.value.items()}
    except ConfigError:
        return False
    settings: dict[str, Node] = {name: nodes[0] for name, nodes in values.items()}
    config, _ = larger.run_config({**settings, key: values[key][-1]})
    return config is not None


FINDING = Finding(order=10, find=find)
