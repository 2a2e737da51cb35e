"""Methods that fill a space evenly: Sobol, Halton, Latin hypercube."""

import math

import pytest

from mnistlab.search import METHODS
from mnistlab.search.axes import Choice, ListedAxis, Range, RangeAxis
from mnistlab.search.space import Space

AXES = (
    RangeAxis({"lr": Range(1e-4, 1.0, logarithmic=True, whole=False)}),
    RangeAxis({"units": Range(1, 16, logarithmic=False, whole=True)}),
    ListedAxis([{"kind": Choice(number, number)} for number in range(4)]),
)


def points(name: str, trials: int, seed: int = 0, **keys) -> list:
    method = METHODS.blocks[name](trials=trials, **keys)
    search = method.start(Space(AXES, seed, "", repr))
    found = search.ask()
    assert search.ask() == []
    return found


@pytest.mark.parametrize(
    ("name", "keys"), [("qmc", {}), ("qmc", {"sequence": "halton"}), ("sobol", {}), ("lhs", {})]
)
def test_points_depend_on_the_seed_and_fill_every_axis_evenly(name, keys):
    found = points(name, 16, **keys)
    assert found == points(name, 16, **keys)
    assert found != points(name, 16, seed=1, **keys)
    quarters = [int(-math.log10(values["lr"]) / 1.0001) for values in found]
    kinds = [values["kind"].number for values in found]
    for parts in (quarters, kinds):
        assert all(3 <= parts.count(part) <= 5 for part in range(4)), parts


@pytest.mark.parametrize("name", ["qmc", "sobol"])
def test_a_longer_sequence_begins_with_a_shorter_one(name):
    assert points(name, 21)[:9] == points(name, 9)


def test_sobol_is_short_for_qmc_and_a_power_of_two_has_each_whole_number_once():
    units = [values["units"] for values in points("sobol", 16)]
    assert len(set(units)) >= 14
    assert METHODS.blocks["sobol"].grows_by == ("trials",)
    assert METHODS.blocks["lhs"].grows_by == ()


def test_every_part_of_a_latin_hypercube_has_one_point():
    shares = sorted(1 + math.log10(values["lr"]) / 4 for values in points("lhs", 10))
    assert [int(share * 10) for share in shares] == list(range(10))
