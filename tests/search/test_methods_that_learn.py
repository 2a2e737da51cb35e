"""The methods of Optuna: what they ask for depends on the seed and on results alone."""

import sys

import pytest

from mnistlab.search import METHODS, Result
from mnistlab.search.axes import Choice, ListedAxis, Range, RangeAxis
from mnistlab.search.space import Space
from mnistlab.support.errors import UsageError

pytest.importorskip("optuna")
LR = RangeAxis({"lr": Range(1e-4, 1.0, logarithmic=True, whole=False)})
UNITS = RangeAxis({"units": Range(4, 64, logarithmic=False, whole=True)})
KIND = ListedAxis([{"kind": Choice(n, name)} for n, name in enumerate(("adam", "sgd", {"a": 1}))])
NAMES = ("tpe", "cma", "gp")


def method(name: str, **keys):
    if name == "gp":
        pytest.importorskip("torch")
    return METHODS.blocks[name](**{"trials": 16, **keys})


def space(*axes, seed: int = 0) -> Space:
    return Space(axes or (LR, UNITS, KIND), seed, "", repr)


def score(values) -> float:
    """Best at lr = 0.01, 32 units and the second kind."""
    import math

    return (
        -abs(math.log10(values["lr"]) + 2)
        - abs(values["units"] - 32) / 32
        - abs(values["kind"].number - 1)
    )


def points(name: str, count: int = 16, *, behind: int = 0, seed: int = 0, **keys) -> list:
    """The first points; each is told when `behind` others were asked for after it."""
    search = method(name, **keys).start(space(seed=seed))
    asked: list = []
    while len(asked) < count and (found := search.ask()):
        asked += found
        if len(asked) > behind:
            told = len(asked) - behind - 1
            search.tell(Result(asked[told], score(asked[told]), told))
    return asked


@pytest.mark.parametrize("name", NAMES)
def test_equal_results_lead_to_equal_points_and_another_seed_to_others(name):
    assert points(name, 13) == points(name, 13)
    assert points(name, 13) != points(name, 13, seed=1)
    assert points(name, 13, seed=5) != points(name, 13, seed=1)


@pytest.mark.parametrize("name", NAMES)
def test_a_longer_search_begins_with_the_points_of_a_shorter_one(name):
    assert points(name, 12, trials=12) == points(name, 14, trials=14)[:12]


def test_the_method_s_own_seed_replaces_the_run_s():
    assert points("tpe", 5, seed=0) != points("tpe", 5, seed=3)
    own = [METHODS.blocks["tpe"](trials=5, seed=9).start(space(seed=seed)).ask() for seed in (0, 3)]
    assert own[0] == own[1]


def test_points_in_training_change_what_is_asked_for_and_are_told_later():
    at_once, behind = points("tpe", 16), points("tpe", 16, behind=2)
    assert behind[:10] == at_once[:10]
    assert behind == points("tpe", 16, behind=2)
    assert behind != at_once


@pytest.mark.parametrize("name", NAMES)
def test_values_are_of_the_space_and_no_point_is_asked_for_twice(name):
    found = points(name)
    assert len(set(map(repr, found))) == len(found) == 16
    for values in found:
        assert 1e-4 <= values["lr"] <= 1
        assert isinstance(values["units"], int)
        assert values["kind"] in [choice for row in KIND.values for choice in row.values()]


def test_tpe_finds_better_points_than_it_began_with():
    scores = list(map(score, points("tpe", 60, trials=60)))
    assert max(scores[10:]) > max(scores[:10])
    assert sum(scores[40:]) / 20 > sum(scores[:10]) / 10 + 0.5


def test_a_point_without_a_score_counts_as_bad():
    search = method("tpe", trials=40, startup=4).start(space())
    asked = []
    while found := search.ask():
        (values,) = found
        asked.append(values)
        lost = values["kind"].number == 2
        search.tell(Result(values, None if lost else score(values), len(asked)))
    assert sum(values["kind"].number == 2 for values in asked[20:]) <= 4


def test_a_small_space_is_searched_to_its_end_and_then_the_search_ends():
    search = method("tpe", trials=50).start(space(KIND))
    asked = []
    while found := search.ask():
        asked += found
        search.tell(Result(found[0], 1.0, len(asked)))
    assert sorted(values["kind"].number for values in asked) == [0, 1, 2]


def test_numbers_in_order_are_neighbours_and_other_values_are_categories():
    def listed(*values):
        return ListedAxis([{"key": Choice(n, value)} for n, value in enumerate(values)])

    assert listed(16, 32, 64).is_ordered
    assert listed(0.1, 0.01).is_ordered
    for unordered in (listed(1, 3, 2), listed("a", "b"), listed(True, False), listed([1], [2])):
        assert not unordered.is_ordered
    assert not ListedAxis([{"a": Choice(0, 1), "b": Choice(0, 2)}]).is_ordered


@pytest.mark.parametrize(("name", "module"), [("tpe", "optuna"), ("cma", "cmaes"), ("gp", "torch")])
def test_a_missing_package_is_named_with_the_line_that_installs_it(name, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        UsageError, match=rf"method {name}: needs {module}: pip install 'mnistlab\[s"
    ):
        METHODS.blocks[name](trials=2).start(space())
