"""Conditional parameters, excluded points, unions of grids, shares of a grid."""

import pytest

from mnistlab.config.load_sweep import parse_sweep
from mnistlab.support.errors import ConfigError
from mnistlab.sweeps.search import SweepSearch
from mnistlab.sweeps.space import checked_points, points
from mnistlab.sweeps.stage_plan import stage_plans
from tools.short_sweeps import RUN, resume, rows, sweep

INDENTED = "run:\n  " + RUN.replace("\n", "\n  ") + "\n"
CHOICES = """\
parameters:
  optimizer.type: [sgd, adam]
  optimizer.momentum: [0.0, 0.9]
  optimizer.lr: [0.1, 0.01, 0.001]
"""
WHEN = "when: {optimizer.momentum: {optimizer.type: sgd}}\n"


def found(text: str) -> list[dict]:
    source = parse_sweep(INDENTED + text, "s.yaml")
    checked_points(source)
    return [point.parameters for point in points(source, stage_plans(source)[0], {})]


def test_a_conditional_parameter_is_tried_only_where_its_condition_holds():
    told = found(CHOICES + WHEN)
    assert len(told) == 2 * 3 + 3
    for parameters in told:
        assert ("optimizer.momentum" in parameters) is (parameters["optimizer.type"] == "sgd")


def test_a_condition_may_depend_on_a_conditional_parameter():
    more = "  optimizer.nesterov: [true, false]\n"
    when = WHEN.replace("}}", "}, optimizer.nesterov: {optimizer.momentum: {above: 0}}}")
    told = found(CHOICES + more + when)
    assert len(told) == 3 + 3 * 2 + 3
    assert {p.get("optimizer.momentum") for p in told if "optimizer.nesterov" in p} == {0.9}


def test_points_for_which_all_conditions_of_an_item_hold_are_left_out():
    told = found(
        CHOICES + WHEN + "exclude: [{optimizer.type: adam, optimizer.lr: {above: 0.05}}, "
        "{optimizer.momentum: 0.9, optimizer.lr: [0.1, 0.01]}]\n"
    )
    pairs = [tuple(p.get(f"optimizer.{k}") for k in ("type", "momentum", "lr")) for p in told]
    assert pairs == [
        ("sgd", 0.0, 0.1), ("sgd", 0.0, 0.01), ("sgd", 0.0, 0.001), ("sgd", 0.9, 0.001),
        ("adam", None, 0.01), ("adam", None, 0.001),
    ]  # fmt: skip


@pytest.mark.parametrize("method", ["random", "sobol", "lhs", "tpe"])
def test_every_method_keeps_to_the_conditions(method):
    if method == "tpe":
        pytest.importorskip("optuna")
    text = CHOICES.replace("[0.1, 0.01, 0.001]", "{loguniform: [1.0e-3, 1]}") + WHEN
    text += "exclude: [{optimizer.type: adam, optimizer.lr: {above: 0.05}}]\n"
    source = parse_sweep(INDENTED + text + f"method: {{type: {method}, trials: 24}}\n", "s.yaml")
    checked_points(source)
    search = SweepSearch(source)
    told = []
    while asked := search.ask():
        from mnistlab.search import Result

        for one in asked:
            told.append(one[1].parameters)
            search.tell(Result(one, -told[-1]["optimizer.lr"], len(told)))
    assert len(told) >= 12
    for parameters in told:
        sgd = parameters["optimizer.type"] == "sgd"
        assert ("optimizer.momentum" in parameters) is sgd
        assert sgd or parameters["optimizer.lr"] <= 0.05


@pytest.mark.usefixtures("trials_here")
def test_a_union_of_grids_has_every_point_once(tmp_path):
    grids = """\
grids:
  - {optimizer.type: [sgd], optimizer.lr: [0.1, 0.01]}
  - {optimizer.type: [adam, sgd], optimizer.lr: [0.01], regularization.l2: [0.01, 0.0]}
"""
    assert len(found(grids)) == 2 + 3
    result = sweep(tmp_path, text=INDENTED + grids)
    assert result.trials["finished"] == 5
    assert resume(result).already_ended
    clipped = [row for row in rows(result) if "regularization.l2" in row.parameters]
    assert [row.parameters["optimizer.type"] for row in clipped] == ["adam", "adam", "sgd"]


def test_a_share_of_a_grid_is_drawn_without_replacement_and_grows():
    whole = found(CHOICES + WHEN)
    half = found(CHOICES + WHEN + "method: {type: grid, share: 0.5}\n")
    more = found(CHOICES + WHEN + "method: {type: grid, share: 0.8}\n")
    assert len(half) == 5
    assert len(more) == 8
    assert all(point in more for point in half)
    assert all(point in whole for point in more)
    assert half != whole[:5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CHOICES + "when: {optimizer.momentun: {optimizer.type: sgd}}",
         "s.yaml:11:28: when.optimizer.momentun: found 'optimizer.momentun', which is not a "
         "parameter; did you mean 'optimizer.momentum'?"),
        (CHOICES + "when: {optimizer.type: {optimizer.momentum: 0.9}}",
         "found 'optimizer.momentum', which is not a parameter above optimizer.type"),
        (CHOICES + "when: {optimizer.momentum: {optimizer.type: []}}", "a list of at least one"),
        (CHOICES + "when: {optimizer.momentum: {optimizer.lr: {abov: 1, below: 2}}}", "bounds"),
        (CHOICES + "exclude: [{optimizer.typ: adam}]",
         "exclude.0.optimizer.typ: found 'optimizer.typ', which is not a parameter; did you mean "
         "'optimizer.type'?"),
        (CHOICES + "exclude: [{}]", "exclude.0: "),
        (CHOICES + "grids: [{seed: [1]}]", "grids: cannot be combined with parameters"),
        ("grids: [{seed: [1]}]\nmethod: {type: random, trials: 2}", "grids: needs method grid"),
        (CHOICES + "method: {type: grid, share: 0}", "method.share: found 0"),
        (CHOICES + "method: {type: grid, share: 1.5}", "method.share: found 1.5"),
    ],
)  # fmt: skip
def test_a_wrong_condition_is_named_with_its_place(text, message):
    with pytest.raises(ConfigError) as raised:
        parse_sweep(INDENTED + text, "s.yaml")
    assert any(message in told for told in raised.value.messages), raised.value.messages
