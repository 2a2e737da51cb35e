"""Which points a sweep has, and how a trial's configuration is made."""

import numpy as np
import pytest

from mnistlab.config import config_hash, parse_run_config
from mnistlab.config.load_sweep import parse_sweep
from mnistlab.data import Dataset, Split
from mnistlab.sweeps.points import without_test
from mnistlab.sweeps.space import points, refitted, repeated, repetitions
from mnistlab.sweeps.stage_plan import stage_plans
from mnistlab.sweeps.trials import Datasets, identify
from tools.short_sweeps import RUN


def source_of(*values: str):
    return parse_sweep(RUN, "s", values)


def parameters(*values: str, text: str = RUN, block: int = 0) -> list[dict]:
    source = parse_sweep(text, "s", values)
    return [point.parameters for point in points(source, stage_plans(source)[block], {})]


def test_a_grid_has_every_combination_the_last_parameter_changing_first():
    found = parameters("optimizer.lr=1,2", "model.hidden=[3],[4]", "seed=5,6")
    assert len(found) == 8
    assert found[1] == {"optimizer.lr": 1, "model.hidden": [3], "seed": 6}
    assert [p["optimizer.lr"] for p in found] == [1] * 4 + [2] * 4


def test_zipped_keys_move_together_and_cross_the_rest():
    found = parameters(
        *("optimizer.lr=1,2", "regularization.l1=3,4", "regularization.l2=5,6"),
        "zip=[[optimizer.lr, regularization.l2]]",
    )
    assert [tuple(p.values()) for p in found] == [(1, 5, 3), (1, 5, 4), (2, 6, 3), (2, 6, 4)]


RANDOM = (
    "optimizer.lr={loguniform: [1e-4, 1]}",
    "optimizer.momentum={uniform: [0, 0.9]}",
    "model.hidden=[4],[8],[16]",
)


def test_random_points_lie_in_their_ranges_and_spread_over_them():
    found = parameters(*RANDOM, "method={type: random, trials: 300}")
    lr = np.array([p["optimizer.lr"] for p in found])
    momentum = np.array([p["optimizer.momentum"] for p in found])
    assert 1e-4 <= lr.min() < 2e-4
    assert 0.5 < lr.max() <= 1
    # Uniform in the logarithm: a quarter lies in each decade.
    assert np.histogram(np.log10(lr), [-4, -3, -2, -1, 0])[0].min() > 45
    assert abs(momentum.mean() - 0.45) < 0.05
    assert abs(np.corrcoef(np.log(lr), momentum)[0, 1]) < 0.15
    counts = [sum(p["model.hidden"] == [n] for p in found) for n in (4, 8, 16)]
    assert min(counts) > 60


def test_random_points_depend_on_the_seed_and_not_on_how_many_are_drawn():
    few = parameters(*RANDOM, "method={type: random, trials: 5}")
    more = parameters(*RANDOM, "method={type: random, trials: 9}")
    other = parameters(*RANDOM, "method={type: random, trials: 5}", "seed=1")
    assert few == more[:5]
    assert all(a != b for a, b in zip(few, other, strict=True))


def test_zipped_keys_are_drawn_together():
    found = parameters(
        *("optimizer.lr=1,2,3", "regularization.l2=10,20,30", "zip=[[optimizer.lr, "
          "regularization.l2]]", "method={type: random, trials: 20}"),
    )  # fmt: skip
    assert all(p["regularization.l2"] == 10 * p["optimizer.lr"] for p in found)
    assert len({p["optimizer.lr"] for p in found}) == 3


def test_a_stage_has_the_winners_values_its_own_fixed_ones_and_what_it_tries():
    text = f"""\
run:
  {RUN.replace(chr(10), chr(10) + "  ")}
stages:
  - {{name: lr, parameters: {{optimizer.lr: [1, 2]}}}}
  - {{name: l1, from: lr, set: {{training.epochs: 1}}, parameters: {{regularization.l1: [3]}}}}
"""
    source = parse_sweep(text, "s")
    first, second = stage_plans(source)
    winner = points(source, first, {})[1]
    (point,) = points(source, second, winner.settings)
    assert point.parameters == {"optimizer.lr": 2, "training.epochs": 1, "regularization.l1": 3}


def test_a_stages_trial_never_tests_and_seeds_count_up():
    config = parse_run_config("seed: 4\ntraining: {test: every}", "f")
    assert without_test(config).training.test == "never"
    assert [one.seed for one in repeated(config, 3)] == [4, 5, 6]


def part(count: int) -> Split:
    return Split(np.zeros((1, 2, 2), np.uint8), np.zeros(1, np.uint8), np.arange(count))


@pytest.mark.parametrize(
    ("data", "train", "expected"),
    [
        ("{validation: 12000}", 48_000, (None, None)),
        ("{validation: 12000, train_limit: 48000}", 48_000, (60_000, None)),
        ("{validation: 100, per_class_limit: 7}", 70, (None, 17)),
        ("{validation: 5, train_limit: 10, per_class_limit: 7}", 10, (15, 8)),
    ],
)
def test_a_refit_has_the_validation_images_to_learn_from_too(data, train, expected):
    config = parse_run_config(f"data: {data}\ntraining: {{test: never}}", "f")
    count = config.data.validation
    dataset = Dataset(
        "d", "0", part(train), part(count), part(1), tuple("0123456789"), (2, 2), 1, 0
    )
    again = refitted(config, dataset, None)
    assert (again.data.train_limit, again.data.per_class_limit) == expected
    assert (again.data.validation, again.training.test) == (0, "end")
    assert again.training.epochs == config.training.epochs


def test_a_refit_of_early_stopping_trains_as_long_as_the_winner_was_best():
    dataset = Dataset("d", "0", part(9), part(1), part(1), ("0",), (2, 2), 1, 0)
    text = "training: {epochs: 50, early_stopping: {monitor: val_loss}}"
    again = refitted(parse_run_config(text, "f"), dataset, (7, 93))
    assert (again.training.epochs, again.training.early_stopping) == (7, None)
    text = text.replace("epochs: 50", "steps: 500")
    assert refitted(parse_run_config(text, "f"), dataset, (7, 93)).training.steps == 93


def test_a_trials_id_is_that_of_what_is_computed_and_of_nothing_else(tmp_path):
    datasets = Datasets(tmp_path)
    config = parse_run_config(RUN, "f", ["optimizer.lr=0.1"])
    same = parse_run_config(RUN, "elsewhere", ["optimizer={lr: 1e-1, type: sgd}"])
    other = parse_run_config(RUN, "f", ["optimizer.lr=0.2"])
    assert config_hash(config) == config_hash(same)
    one = identify(config, {"a": 1}, datasets)
    assert one.id == identify(same, {}, datasets).id
    assert one.id != identify(other, {"a": 1}, datasets).id


def test_random_search_tries_each_point_of_a_finite_space_once():
    method = "method={type: random, trials: 4}"
    found = parameters("optimizer.lr=0.1,0.02,1e-1", method)
    assert sorted(point["optimizer.lr"] for point in found) == [0.02, 0.1]
    many = parameters("optimizer.lr=1,2,3,4", "optimizer.momentum=0.1,0.2,0.3", method)
    assert len({tuple(point.items()) for point in many}) == 4


def test_a_random_search_that_asks_for_all_points_of_a_space_has_each_once():
    found = parameters(
        "optimizer.lr=1,2,3,4,5,6,7",
        "optimizer.momentum=0.1,0.2,0.3",
        "method={type: random, trials: 21}",
    )
    assert len({tuple(point.items()) for point in found}) == 21


def test_a_grid_has_equal_values_once():
    found = parameters("optimizer.lr=0.1,1e-1,0.10,0.3")
    assert [point["optimizer.lr"] for point in found] == [0.1, 0.3]


def test_points_missing_from_a_random_search_are_reported():
    source = source_of("optimizer.lr=0.1,0.02", "method={type: random, trials: 4}")
    (told,) = repetitions(source)
    assert told == (
        "4 random points are asked for, but they have only 2 different configurations; each is "
        "trained once"
    )
    many = source_of("optimizer.lr={uniform: [0.1, 1]}", "method={type: random, trials: 4}")
    assert repetitions(many) == []


def test_points_of_equal_configurations_are_one_however_they_are_written():
    grid = ("model.activation=relu,{type: relu}", "optimizer=sgd,{type: sgd},{type: sgd, lr: 0.1}")
    assert parameters(*grid) == [{"model.activation": "relu", "optimizer": "sgd"}]
    (told,) = repetitions(source_of(*grid))
    assert told.startswith(
        "6 combinations are asked for, but they have only 1 different configuration;"
    )
    assert len(parameters(*grid, "method={type: random, trials: 50}")) == 1


@pytest.mark.parametrize("values", ["{uniform: [0.1, 0.1000001]}", "[1, 1.0]"])
def test_a_search_ends_where_only_one_number_can_be_drawn(values):
    assert len(parameters(f"optimizer.lr={values}".replace("[1, 1.0]", "1,1.0"),
                          "method={type: random, trials: 9}")) == 1  # fmt: skip


def test_a_search_beyond_a_space_begins_as_a_shorter_one_and_has_every_point():
    keys = ("seed={uniform: [1, 30]}", "training.batch_size={loguniform: [1, 20]}")
    found = [parameters(*keys, f"method={{type: random, trials: {n}}}") for n in (20, 599, 9999)]
    assert found[0] == found[1][:20]
    assert found[1] == found[2][:599]
    assert len({tuple(point.values()) for point in found[2]}) == len(found[2]) == 600


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("training.batch_size={logspace: [8, 128, 5]}", [8, 16, 32, 64, 128]),
        ("training.batch_size={logspace: [1, 4, 9]}", [1, 2, 3, 4]),
        ("training.batch_size={range: [8, 33, 8]}", [8, 16, 24, 32]),
        ("training.batch_size={range: [8.0, 24, 8]}", [8, 16, 24]),
        ("seed={range: [3, 0, -1]}", [3, 2, 1, 0]),
        ("model.hidden.0={range: [4, 4, 1]}", [4]),
        ("optimizer.lr={range: [0.1, 0.3, 0.1]}", [0.1, 0.2, 0.3]),
        ("data.validation={logspace: [100, 400, 3]}", [100, 200, 400]),
        ("data.validation={range: [0.1, 0.3, 0.1]}", [0.1, 0.2, 0.3]),
    ],
)
def test_a_range_gives_the_numbers_that_its_key_takes(values, expected):
    found = [next(iter(point.values())) for point in parameters(values)]
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


@pytest.mark.parametrize("kind", ["uniform", "loguniform"])
def test_whole_numbers_are_drawn_for_a_key_that_takes_no_others(kind):
    method = "method={type: random, trials: 100}"
    found = parameters(f"training.batch_size={{{kind}: [2.5, 9.5]}}", method)
    assert sorted(point["training.batch_size"] for point in found) == [3, 4, 5, 6, 7, 8, 9]
    wide = [p["seed"] for p in parameters(f"seed={{{kind}: [1, 1000]}}", method)]
    assert all(isinstance(seed, int) and 1 <= seed <= 1000 for seed in wide)
    below = sum(seed <= 31 for seed in wide)
    assert below > 18 if kind == "loguniform" else below < 15
