"""Sweeps drawn from the schema: each trial once, as their keys say, whatever ends or dies first."""

import itertools
import math
from collections import Counter

import jsonschema
import pytest
from sweep_draws import EPOCHS, LISTS, draw
from sweep_rounds import killed_and_resumed, swept

from mnistlab.config import config_hash, run_config_from_mapping
from mnistlab.config.key_values import key_values
from mnistlab.config.load_sweep import parse_sweep, sweep_from_mapping
from mnistlab.config.ranges import listed_values, number_of_values
from mnistlab.config.schema import sweep_json_schema
from mnistlab.support.modules import modules_of
from tools.short_sweeps import records, rows

SEED = 2
PARTS, DRAWS = 3, 12
EVERY_KEY = 150  # draws, that are not run
SCHEMA = jsonschema.Draft202012Validator(sweep_json_schema())


def needed_library(method: str) -> None:
    for name in {"tpe": ["optuna"], "cma": ["optuna", "cmaes"], "gp": ["optuna", "torch"]}.get(
        method, []
    ):
        pytest.importorskip(name)


def drawn_sweep(number):
    drawn = draw(SEED, number)
    method = drawn.mapping["method"]
    needed_library(method if isinstance(method, str) else method["type"])
    return drawn, sweep_from_mapping(drawn.mapping)


def outcome(result):
    return [(row.trial, row.status, row.parameters, row.metrics) for row in rows(result)]


# What the keys say, written down once more.


def matches(wanted, value) -> bool:
    if isinstance(wanted, dict):
        above, below = wanted.get("above", -math.inf), wanted.get("below", math.inf)
        return isinstance(value, int | float) and above < value < below
    return value in wanted if isinstance(wanted, list) else value == wanted


def holds(condition, parameters) -> bool:
    return all(
        k in parameters and matches(wanted, parameters[k]) for k, wanted in condition.items()
    )


def is_allowed(parameters, mapping) -> bool:
    """Whether a point has the values that its grid, `when` and `exclude` leave."""
    values = {k: v for k, v in parameters.items() if k != "seed"}
    when = mapping.get("when", {})
    grids = mapping.get("grids") or [mapping["parameters"]]
    return any(_fits(values, grid, when) for grid in grids) and not any(
        holds(one, values) for one in mapping.get("exclude", ())
    )


def _fits(values, grid, when) -> bool:
    tried = {key for key in grid if key not in when or holds(when[key], values)}
    return values.keys() == tried and all(_is_of(grid[key], key, v) for key, v in values.items())


def _is_of(written, key, value) -> bool:
    if isinstance(written, list):
        return value in written
    if number_of_values(written) is not None:
        return value in listed_values(key, written)
    ((_, (low, high)),) = written.items()
    is_whole = isinstance(value, int) or key != "training.batch_size"
    return low * 0.9999 <= value <= high * 1.0001 and is_whole


def whole_grid(mapping) -> set[str]:
    """Every point of a grid."""
    found = set()
    for grid in mapping.get("grids") or [mapping["parameters"]]:
        lists = {
            key: one if isinstance(one, list) else listed_values(key, one)
            for key, one in grid.items()
        }
        together = [key for group in mapping.get("zip", ()) for key in group]
        for row in itertools.product(*lists.values()):
            point = dict(zip(lists, row, strict=True))
            if together and len({lists[key].index(point[key]) for key in together}) > 1:
                continue
            for key, condition in mapping.get("when", {}).items():
                if key in point and not holds(condition, point):
                    del point[key]
            if is_allowed(point, mapping):
                found.add(_written(point))
    return found


def _written(parameters) -> str:
    """A point without its seed; its keys are in the order of the table, or of their grid."""
    return repr(sorted((k, v) for k, v in parameters.items() if k != "seed"))


def held(number, folder):
    drawn, source = drawn_sweep(number)
    mapping, config = drawn.mapping, source.config
    SCHEMA.validate(mapping)
    assert parse_sweep(source.text(), "sweep.yaml").config == config
    result = swept(mapping, folder / "alone", 1, number)
    found = rows(result)
    hashes = [config_hash(run_config_from_mapping(r["config"])) for r in records(result).values()]
    assert len(set(hashes)) == len(hashes) == len(found)
    assert all(is_allowed(row.parameters, mapping) for row in found)
    _held_to_its_counts(found, mapping, config)
    _held_to_its_ranks(result, config)
    if config.stop is None or not {"plateau", "reached"} & config.stop.model_fields_set:
        assert outcome(swept(mapping, folder / "three", 3, number + 1)) == outcome(result)
    assert outcome(killed_and_resumed(mapping, folder / "killed", 1, number)) == outcome(result)
    return Counter(row.status.value for row in found)


def _held_to_its_counts(found, mapping, config):
    points = {_written(row.parameters) for row in found}
    stop = config.stop
    if not config.method.draws:
        every = whole_grid(mapping)
        assert points <= every
        if stop is None:
            assert len(points) == math.ceil(config.method.share * len(every))
    else:
        assert len(points) <= config.method.trials
    if stop is None or stop.model_fields_set <= {"minutes"}:
        assert len(found) == len(points) * config.seeds
        assert all(row.status.ended for row in found)
    if stop is not None and stop.trials is not None:
        assert len(found) <= stop.trials
    if stop is not None and stop.reached is not None and config.prune is None:
        values = [row.metrics[config.metric.name] for row in found if row.status.finished]
        assert all(value < stop.reached for value in values[:-1])


def _held_to_its_ranks(result, config):
    """The first rank: no point is better in all metrics; pruned and diverged trials have none."""
    ((_, ranked),) = result.rankings
    if config.prune is not None:
        stopped = {row.trial for row in rows(result) if row.status == "pruned"}
        assert not stopped & {p.first_trial.trial for p in ranked if p.rank is not None}
        for record in records(result).values():
            assert record["status"] != "pruned" or record["epochs"] < EPOCHS
    complete = [point for point in ranked if point.rank is not None]
    scores = [
        [m.score(one.mean) for m, one in zip(config.metrics, point.measured, strict=True)]
        for point in complete
    ]
    for point, own in zip(complete, scores, strict=True):
        is_beaten = any(
            all(a >= b for a, b in zip(other, own, strict=True)) and other != own
            for other in scores
        )
        if len(config.metrics) > 1:
            assert (point.rank == 1) is point.on_front is not is_beaten
        elif not point.tied:
            assert (point.rank == 1) is not is_beaten


@pytest.mark.long
@pytest.mark.parametrize(
    "part",
    [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, PARTS))],
)
def test_drawn_sweeps_keep_to_their_keys_in_any_order_and_killed(part, tmp_path):
    statuses = Counter()
    for number in range(part * DRAWS, (part + 1) * DRAWS):
        statuses += held(number, tmp_path / str(number))
    assert statuses["finished"] > 2 * DRAWS, statuses


def test_every_key_of_a_sweep_is_drawn():
    import mnistlab.search
    import mnistlab.search.pruners

    drawn = [draw(SEED, number).mapping for number in range(EVERY_KEY)]
    found = {path for mapping in drawn for path in _paths(mapping, "")}
    own = ("method", "prune", "stop", "metric", "grids", "exclude", "when", "zip", "parallel")
    wanted = {
        key for key in key_values(sweep_json_schema()) if key.partition(".")[0] in (*own, "seeds")
    }
    assert wanted <= found, wanted - found
    for package, key in ((mnistlab.search, "method"), (mnistlab.search.pruners, "prune")):
        types = {value for path, value in _values(drawn) if path in (key, f"{key}.type")}
        names = {module.__name__.rpartition(".")[2] for module in modules_of(package.__name__)}
        assert types <= names | {"sobol", "lhs"}
    assert {value for path, value in _values(drawn) if path == "method.type"} >= {"tpe", "cma"}
    assert any(len(mapping["metric"]) == 3 for mapping in drawn)
    assert set(LISTS) <= {key for mapping in drawn for key in mapping.get("parameters", {})}


def _paths(value, path):
    """The dotted paths of a mapping; a name stands for a mapping with a type or a name."""
    if path:
        yield path
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield from _paths(inner, f"{path}.{key}" if path else key)
    for inner in value if isinstance(value, list) else ():
        yield from _paths(inner, path)


def _values(drawn):
    for mapping in drawn:
        for key in ("method", "prune"):
            one = mapping.get(key)
            if isinstance(one, str):
                yield f"{key}.type", one
            elif one:
                yield f"{key}.type", one["type"]
