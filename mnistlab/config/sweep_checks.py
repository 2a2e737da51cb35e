"""Checks of combinations of a sweep's keys that are each valid alone."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mnistlab.config.checks import Conflict, KeyPath
from mnistlab.config.conditions import parameter_of
from mnistlab.config.ranges import number_of_values, whole_bounds
from mnistlab.search import MAX_TRIALS
from mnistlab.support.metric_names import COSTS
from mnistlab.support.near_names import did_you_mean
from mnistlab.support.text_format import counted

if TYPE_CHECKING:
    from mnistlab.config.sweep import SweepConfig


def sweep_conflicts(config: "SweepConfig") -> Iterator[Conflict]:
    """Every contradiction between keys that are each valid alone."""
    checks = (
        *(_shape, _grids, _stage_names, _refit, _zip, _when, _exclude, _ranges, _seeds),
        *(_metric, _several_metrics, _prune, _stop, _size),
    )
    for check in checks:
        yield from check(config)


def groups(parameters: Mapping[str, Any], zipped: Sequence[Sequence[str]]) -> list[list[str]]:
    """The keys that are crossed, each with those that change together with it, in their order."""
    found: list[list[str]] = []
    for key in parameters:
        together = next((group for group in zipped if key in group), (key,))
        if key == next(k for k in parameters if k in together):
            found.append([k for k in parameters if k in together])
    return found


def _shape(config: "SweepConfig") -> Iterator[Conflict]:
    if config.base is not None and config.run is not None:
        yield Conflict("cannot be combined with base; give one of the two", ("run",), ("base",))
    if config.base is None and config.run is None:
        yield Conflict("must be given: the run configuration that is varied (or run)", ("base",))
    if config.parameters is not None and config.stages is not None:
        message = "cannot be combined with parameters; give one of the two"
        yield Conflict(message, ("stages",), ("parameters",))
    if config.parameters is None and config.stages is None and config.grids is None:
        message = "must be given: the values to try (or grids, or stages)"
        yield Conflict(message, ("parameters",), ("stages",))


def _grids(config: "SweepConfig") -> Iterator[Conflict]:
    if config.grids is None:
        return
    for other in ("parameters", "stages"):
        if getattr(config, other) is not None:
            message = f"cannot be combined with {other}; give one of the two"
            yield Conflict(message, ("grids",), (other,))
    if config.method.draws:
        message = f"needs method grid; found {config.method.type}"
        yield Conflict(message, ("grids",), ("method",))


def _when(config: "SweepConfig") -> Iterator[Conflict]:
    known = [key for _, parameters in config.blocks() for key in parameters]
    for key, condition in config.when.items():
        path: KeyPath = ("when", key)
        if key not in known:
            message = f"found {key!r}, which is not a parameter{did_you_mean(key, known)}"
            yield Conflict(message, path, ("parameters",), ("stages",))
            continue
        if any(key in group for group in config.zip):
            yield Conflict("is paired with other keys by zip, and so is always tried", path)
        for _, parameters in config.blocks():
            above = list(parameters)[: list(parameters).index(key)] if key in parameters else known
            for name in condition:
                if parameter_of(name, above) is None:
                    message = f"found {name!r}, which is not a parameter above {key}"
                    yield Conflict(message + did_you_mean(name, above), (*path, name))


def _exclude(config: "SweepConfig") -> Iterator[Conflict]:
    known = list(dict.fromkeys(key for _, parameters in config.blocks() for key in parameters))
    for index, condition in enumerate(config.exclude):
        for name in condition:
            if parameter_of(name, known) is None:
                message = f"found {name!r}, which is not a parameter{did_you_mean(name, known)}"
                yield Conflict(message, ("exclude", index, name), ("parameters",), ("stages",))


def _stage_names(config: "SweepConfig") -> Iterator[Conflict]:
    earlier: list[str] = []
    for index, stage in enumerate(config.stages or ()):
        if stage.name in earlier:
            message = f"found {stage.name!r}, the name of an earlier stage"
            yield Conflict(message, ("stages", index, "name"))
        if stage.source is not None and stage.source not in earlier:
            message = _no_stage(stage.source, earlier, "an earlier stage")
            yield Conflict(message, ("stages", index, "from"))
        earlier.append(stage.name)


def _refit(config: "SweepConfig") -> Iterator[Conflict]:
    names = [stage.name for stage in config.stages or ()]
    if config.refit is not None and not names:
        yield Conflict("names stages, and there are none", ("refit",), ("stages",))
        return
    for index, name in enumerate(config.refit or ()):
        if name not in names:
            yield Conflict(_no_stage(name, names, "a stage"), ("refit", index), ("stages",))


def _no_stage(name: str, names: Sequence[str], kind: str) -> str:
    there = f": {', '.join(names)}" if names else "; there is none"
    return f"found {name!r}, must be {kind}{there}{did_you_mean(name, names)}"


def _zip(config: "SweepConfig") -> Iterator[Conflict]:
    blocks = list(config.blocks())
    known = [key for _, parameters in blocks for key in parameters]
    seen: set[str] = set()
    for index, group in enumerate(config.zip):
        path: KeyPath = ("zip", index)
        if len(group) < 2:
            yield Conflict("must name at least two keys that move together", path)
        for index, key in enumerate(group):
            if key not in known:
                message = f"found {key!r}, which is not a parameter{did_you_mean(key, known)}"
                yield Conflict(message, (*path, index), ("parameters",), ("stages",))
            if key in seen:
                yield Conflict(f"found {key!r} a second time", (*path, index))
            seen.add(key)
        for block, parameters in blocks:
            lengths = {key: number_of_values(parameters[key]) for key in group if key in parameters}
            if len(set(lengths.values())) > 1:
                told = ", ".join(
                    f"{key} has {count or 'a range'}" for key, count in lengths.items()
                )
                yield Conflict(f"moves values together, but {told}", path, block)


def _ranges(config: "SweepConfig") -> Iterator[Conflict]:
    for path, parameters in config.blocks():
        for key, values in parameters.items():
            if number_of_values(values) is not None:
                continue
            ((kind, (low, high)),) = values.items()
            bounds = whole_bounds(key, values)
            if bounds is not None and bounds[0] > bounds[1]:
                message = f"needs whole numbers, and there is none from {low} to {high}"
                yield Conflict(message, (*path, key))
            if not config.method.draws:
                message = f"{kind} is drawn from: it needs method {{type: random, trials: N}}"
                yield Conflict(message, (*path, key), ("method",))
        ranges = sum(number_of_values(values) is None for values in parameters.values())
        if ranges < (least := config.method.least_ranges):
            message = (
                f"has {counted(ranges, 'range')}; method {config.method.type} needs at least "
                f"{least}, such as {{uniform: [low, high]}}"
            )
            yield Conflict(message, path, ("method",))


def _seeds(config: "SweepConfig") -> Iterator[Conflict]:
    for path, parameters in config.blocks():
        if config.seeds > 1 and "seed" in parameters:
            message = "is a parameter: seeds, which would change it too, must then be 1"
            yield Conflict(message, (*path, "seed"), ("seeds",))


def _metric(config: "SweepConfig") -> Iterator[Conflict]:
    names = [metric.name for metric in config.metrics]
    if config.stages is not None and names[0].startswith("test_"):
        message = f"found {names[0]}; a stage never looks at the test set"
        yield Conflict(message, ("metric", "name"), ("metric",))
    if names[0] in COSTS:
        message = f"found {names[0]}; the first or only metric must be a loss or an accuracy"
        yield Conflict(message, ("metric", 0), ("metric", "name"), ("metric",))
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Conflict(f"found {name!r} a second time", ("metric", index))


def _several_metrics(config: "SweepConfig") -> Iterator[Conflict]:
    """What needs one order of all trials, which several metrics do not give."""
    if len(config.metrics) == 1:
        return
    several = f"and metric has {len(config.metrics)}"
    if config.stages is not None:
        yield Conflict(f"choose a winner by one metric, {several}", ("stages",), ("metric",))
    if config.prune is not None:
        yield Conflict(f"compares trials by one metric, {several}", ("prune",), ("metric",))
    if config.method.learns and not config.method.several_metrics:
        message = f"method {config.method.type} learns from one metric, {several}"
        yield Conflict(message, ("method",), ("metric",))
    for limit in ("plateau", "reached"):
        if config.stop is not None and getattr(config.stop, limit) is not None:
            yield Conflict(f"is about one metric, {several}", ("stop", limit), ("metric",))


def _prune(config: "SweepConfig") -> Iterator[Conflict]:
    if config.prune is None:
        return
    if config.seeds > 1:
        message = "stops trials one by one, so every point has one: seeds must be 1"
        yield Conflict(message, ("prune",), ("seeds",))
    if config.metric.name.startswith("test_"):
        message = "would choose by the test set: needs a metric of training or validation"
        yield Conflict(message, ("prune",), ("metric",))


def _stop(config: "SweepConfig") -> Iterator[Conflict]:
    if config.stop is None:
        return
    if not config.stop.model_fields_set:
        limits = "minutes, trials, plateau, reached"
        yield Conflict(f"must have at least one of {limits}", ("stop",))
    if config.stages is not None:
        message = "cannot be combined with stages, which need the results of all of their trials"
        yield Conflict(message, ("stop",), ("stages",))


def _size(config: "SweepConfig") -> Iterator[Conflict]:
    for path, parameters in config.blocks():
        sizes = [number_of_values(parameters[keys[0]]) for keys in groups(parameters, config.zip)]
        listed = 0 if config.method.draws else math.prod(size or 1 for size in sizes)
        if listed > MAX_TRIALS:
            yield Conflict(f"has {listed:,} combinations; at most {MAX_TRIALS:,} are allowed", path)
            continue
        trials = config.method.asks(sizes) * config.seeds
        if trials > MAX_TRIALS:
            yield Conflict(f"makes {trials:,} trials; at most {MAX_TRIALS:,} are allowed", path)
