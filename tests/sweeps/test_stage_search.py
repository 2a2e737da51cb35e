"""How a sweep uses the points of a method that learns, whatever the method asks for."""

import dataclasses
from typing import ClassVar, Literal

import pytest

from mnistlab.config.load_sweep import SweepSource, parse_sweep
from mnistlab.search import Result, Search, SearchMethod
from mnistlab.support.errors import ConfigError
from mnistlab.sweeps import search
from mnistlab.sweeps.search import StageSearch, SweepSearch
from mnistlab.sweeps.space import checked_points, chosen_later, repetitions
from mnistlab.sweeps.stage_plan import stage_plans
from tools.short_sweeps import RUN


class Asking(Search):
    """Asks for learning rates, a list for each round, and records the results."""

    def __init__(self, rounds) -> None:
        self.rounds = list(rounds)
        self.told = []

    def ask(self):
        return [{"optimizer.lr": lr} for lr in self.rounds.pop(0)] if self.rounds else []

    def tell(self, result):
        self.told.append(result)


class Scripted(SearchMethod):
    type: Literal["scripted"] = "scripted"
    rounds: tuple[tuple[float, ...], ...] = ((0.1, 0.2), (0.2, 0.3), (0.1, 0.3), (0.4,))

    learns: ClassVar[bool] = True

    def start(self, space):
        return Asking(self.rounds)

    def asks(self, sizes):
        return 5


def scripted(values: str = "{uniform: [0.1, 1]}", **keys) -> SweepSource:
    source = parse_sweep(RUN, "s", [f"optimizer.lr={values}", "method={type: random, trials: 1}"])
    config = source.config.model_copy(update={"method": Scripted(**keys)})
    return dataclasses.replace(source, config=config)


def of(source: SweepSource) -> StageSearch:
    (plan,) = stage_plans(source)
    return StageSearch(source, plan, {})


def asked(found: StageSearch) -> list[float]:
    return [point.parameters["optimizer.lr"] for point in found.ask()]


def test_a_point_that_was_asked_for_is_left_out_and_an_answer_without_a_new_one_is_the_end():
    found = of(scripted())
    assert [asked(found), asked(found), asked(found)] == [[0.1, 0.2], [0.3], []]


def test_equal_points_of_one_answer_are_one():
    assert asked(of(scripted(rounds=((0.1, 0.1, 0.2, 0.1),)))) == [0.1, 0.2]


def test_a_method_receives_its_own_values_with_their_score():
    found = of(scripted())
    first, second = found.ask()
    for result in (Result(second, None, 1), Result(first, 0.5, 0)):
        found.tell(result)
    assert found._search.told == [
        Result({"optimizer.lr": 0.2}, None, 1),
        Result({"optimizer.lr": 0.1}, 0.5, 0),
    ]


def test_a_method_that_never_ends_is_refused_in_the_end(monkeypatch):
    monkeypatch.setattr(search, "MAX_TRIALS", 3)
    found = of(scripted(rounds=tuple((0.1 + n / 100,) for n in range(9))))
    assert [len(found.ask()) for _ in range(3)] == [1, 1, 1]
    with pytest.raises(
        ConfigError, match=r"optimizer\.lr=.*: parameters: makes more than 3 trials"
    ):
        found.ask()


def test_what_is_still_to_come_shrinks_with_what_is_asked_for():
    whole = SweepSearch(scripted())
    left = [whole.to_come()]
    for _ in range(2):
        whole.ask()
        left.append(whole.to_come())
    assert left == [5, 3, 2]


def test_both_ends_of_a_range_are_checked_before_a_method_may_choose_them():
    assert [point.parameters["optimizer.lr"] for _, point, _ in checked_points(scripted())] == [
        0.1, 0.2, 0.1, 1.0,
    ]  # fmt: skip
    with pytest.raises(ConfigError, match=r"optimizer\.lr: found -1"):
        checked_points(scripted("{uniform: [-1, 1]}"))


def test_every_listed_value_is_checked_before_a_method_may_choose_it():
    with pytest.raises(ConfigError, match=r"optimizer\.lr: found -3"):
        checked_points(scripted("0.1,0.2,-3"))


def test_a_dry_run_lists_all_points_that_follow():
    assert chosen_later(scripted()) == [
        "method scripted chooses up to 3 more points by the results of these"
    ]
    assert repetitions(scripted()) == []
