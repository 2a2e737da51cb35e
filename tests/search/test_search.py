"""The protocol of every search: what is asked for, when, and the effect of a result."""

import pytest

from mnistlab.search import METHODS, AllAtOnce, Result, Search, best_of
from mnistlab.search.axes import Choice, ListedAxis, Range, RangeAxis
from mnistlab.search.space import Space
from mnistlab.search.stages import NothingToChooseError, Stages


def space(*axes, seed: int = 0) -> Space:
    return Space(axes, seed, "", repr)


def listed(key: str, count: int) -> ListedAxis:
    return ListedAxis([{key: Choice(number, 10 * number)} for number in range(count)])


class Upwards(Search):
    """Asks for the double of each number with a good result."""

    def __init__(self, first: int) -> None:
        self.next = [first]

    def ask(self):
        asked, self.next = self.next, []
        return asked

    def tell(self, result):
        if result.score is not None and result.score > 0:
            self.next.append(2 * result.point)


def run(search: Search, score) -> list[list]:
    """All points of a search, round by round."""
    rounds = []
    while asked := search.ask():
        rounds.append(asked)
        for number, point in enumerate(asked):
            search.tell(Result(point, score(point), number))
    return rounds


def test_a_search_that_learns_asks_again_until_no_result_leads_on():
    assert run(Upwards(1), lambda point: 8 - point) == [[1], [2], [4], [8]]


def test_stages_that_build_on_nothing_are_asked_together_and_the_others_behind_their_winners():
    starts = []

    def start(stage, winner):
        starts.append((stage, winner))
        return AllAtOnce([winner + 1] if winner else [10, 30, 20])

    stages = Stages({"a": None, "b": None, "c": "a", "d": "c"}, start)
    rounds = run(stages, lambda point: float(point[1]))
    assert rounds[0] == [(stage, point) for stage in "ab" for point in (10, 30, 20)]
    assert rounds[1:] == [[("c", 31)], [("d", 32)]]
    assert starts == [("a", None), ("b", None), ("c", 30), ("d", 31)]
    assert stages.winner("d").point == 32


def test_a_stage_that_learns_ends_before_the_next_begins_from_its_winner():
    stages = Stages({"a": None, "b": "a"}, lambda stage, winner: Upwards(winner or 1))
    rounds = run(stages, lambda point: 3.0 - point[1] if point[0] == "a" else -1.0)
    assert rounds == [[("a", 1)], [("a", 2)], [("a", 4)], [("b", 1)]]


def test_a_stage_of_no_score_has_no_winner():
    stages = Stages({"a": None, "b": "a"}, lambda stage, winner: AllAtOnce([1, 2]))
    with pytest.raises(NothingToChooseError, match="none of 2 points has a score"):
        run(stages, lambda point: None)


def test_of_equal_scores_the_first_trial_is_the_best():
    results = [Result("late", 0.5, 7), Result("early", 0.5, 2), Result("lost", None, 0)]
    assert best_of(results).point == "early"
    assert best_of(results[2:]) is None


def test_draws_go_on_where_they_ended_and_repeat_nothing():
    axes = [RangeAxis({"lr": Range(1e-4, 1.0, logarithmic=True, whole=False)}), listed("n", 3)]
    one, parts = space(*axes), space(*axes)
    whole = one.draw(8)
    assert parts.draw(3) + parts.draw(5) == whole
    assert len(set(map(repr, whole))) == 8
    assert space(*axes, seed=1).draw(8) != whole


def test_a_space_that_is_drawn_from_to_its_end_has_each_combination_once():
    both = space(listed("a", 3), RangeAxis({"n": Range(2, 5, logarithmic=False, whole=True)}))
    drawn = both.draw(99)
    assert sorted(map(repr, drawn)) == sorted(map(repr, both.combinations()))
    assert both.draw(1) == []


def test_the_ends_have_every_listed_value_and_both_ends_of_each_range():
    ends = space(listed("a", 3), RangeAxis({"n": Range(2, 5, False, True)})).ends()
    assert {values["a"].number for values in ends} == {0, 1, 2}
    assert {values["n"] for values in ends} == {2, 5}


@pytest.mark.parametrize(
    ("one", "number", "nearest"),
    [
        (Range(1e-4, 1.0, logarithmic=True, whole=False), 0.0123456789, 0.0123457),
        (Range(1e-4, 1.0, logarithmic=True, whole=False), 7, 1.0),
        (Range(2, 9, logarithmic=False, whole=True), 4.6, 5),
        (Range(2, 9, logarithmic=False, whole=True), -3, 2),
    ],
)
def test_a_number_outside_a_range_is_clipped(one, number, nearest):
    found = one.nearest(number)
    assert found == nearest
    assert type(found) is type(nearest)


def test_a_move_is_a_share_of_the_range_s_length():
    assert Range(1e-4, 1.0, logarithmic=True, whole=False).moved(0.01, 0.25) == 0.1
    assert Range(1e-4, 1.0, logarithmic=True, whole=False).moved(0.01, -2) == 1e-4
    assert Range(0, 8, logarithmic=False, whole=True).moved(3, -0.25) == 1


@pytest.mark.parametrize("name", ["grid", "random"])
def test_a_method_that_only_lists_needs_no_result(name):
    assert not METHODS.blocks[name].learns
