"""Pruners: when a trial stops, and which one is resumed."""

import math

from mnistlab.search.pruners import PRUNERS, Plan


def started(name: str, epochs: int = 9, **keys):
    return PRUNERS.blocks[name](**keys).start(epochs)


def test_a_plan_stops_after_its_epoch_or_below_its_least_score():
    assert Plan().stops_at({1: -9.0, 99: -9.0}) is None
    assert Plan(until=3).stops_at({1: 0.1, 2: 0.2}) is None
    assert Plan(until=3).stops_at({1: 0.1, 3: 0.2}) == 3
    # Rows that lack an epoch: the next one counts.
    assert Plan(until=3).stops_at({2: 0.1, 4: 0.2}) == 4
    assert Plan(least={2: 0.5}).stops_at({1: 0.1, 2: 0.5}) is None
    assert Plan(least={2: 0.5}).stops_at({1: 0.1, 2: 0.4, 3: 0.9}) == 2


def test_the_median_is_that_of_the_trials_that_were_not_stopped():
    pruning = started("median", warmup=2, startup=3)
    for name, last in (("a", 0.2), ("b", 0.4)):
        assert pruning.new(name) == Plan()
        pruning.tell(name, {1: 0.1, 2: last, 3: last + 0.1}, ended=True)
    pruning.tell("stopped", {1: 0.9}, ended=False)
    assert pruning.new("c") == Plan()
    # A trial that ended early keeps its best score.
    pruning.tell("c", {1: 0.1, 2: 0.9}, ended=True)
    assert pruning.new("d").least == {2: 0.4, 3: 0.5}
    assert pruning.new("d").until == math.inf


def test_asha_promotes_the_best_of_every_three_at_a_rung():
    pruning = started("asha")
    for name, score in (("a", 0.1), ("b", 0.3), ("c", 0.2)):
        assert pruning.promoted() is None
        assert pruning.new(name) == Plan(until=1)
        pruning.tell(name, {1: score}, ended=False)
    assert pruning.promoted() == ("b", Plan(until=3))
    assert pruning.promoted() is None
    pruning.tell("b", {1: 0.3, 3: 0.5}, ended=False)
    for number in range(6):
        pruning.new(str(number))
        pruning.tell(str(number), {1: 0.4 + number / 100}, ended=False)
    assert [pruning.promoted()[0] for _ in range(3)] == ["5", "4", "3"]
    assert pruning.promoted() is None
    for name, score in (("4", 0.6), ("5", 0.6)):
        pruning.tell(name, {1: 0.4, 3: score}, ended=False)
    # Of equal scores the first that was told; the highest rung comes first.
    assert pruning.promoted() == ("4", Plan(until=9))


def test_a_trial_that_ended_counts_at_its_rung_and_is_not_promoted():
    pruning = started("asha", reduction=2)
    for name, curve, ended in (("a", {1: 0.9}, True), ("b", {1: 0.2}, False), ("c", {}, True)):
        pruning.new(name)
        pruning.tell(name, curve, ended=ended)
    assert pruning.promoted() is None
    pruning.new("d")
    pruning.tell("d", {1: 0.1}, ended=False)
    assert pruning.promoted() == ("b", Plan(until=2))


def test_hyperband_has_brackets_that_stop_later_with_fewer_trials():
    pruning = started("hyperband", epochs=9)
    untils = [pruning.new(str(number)).until for number in range(13)]
    assert set(untils) == {1, 3, 9}
    assert untils.count(1) > untils.count(3) >= untils.count(9) > 0
    for number in range(13):
        pruning.tell(str(number), {1: number / 100}, ended=False)
    name, plan = pruning.promoted()
    assert plan.until == 3
    assert untils[int(name)] == 1
