import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from engine_helpers import (
    config_of,
    digest,
    next_boundary,
    tensors_of,
    toy_dataset,
    train,
    trainer_of,
)

from mnistlab.data import Split
from mnistlab.runtime.lanes import MOST_LANES, lanes_for
from mnistlab.runtime.threads import engine_threads
from mnistlab.support.errors import UsageError
from mnistlab.training.inference import EVALUATION_ROWS
from mnistlab.training.trainer import Trainer, run_length

HERE = Path(__file__).parent
CNN = {
    "type": "cnn",
    "layers": [
        {"conv": {"filters": 3, "kernel": 3, "padding": 1}},
        {"activation": "relu"},
        {"dropout": 0.2},
        {"pool": {"type": "max"}},
        {"conv": {"filters": 2, "kernel": 2, "bias": "per_position"}},
        {"activation": "tanh"},
        {"pool": {"type": "average", "size": 2, "stride": 1}},
        {"dropout": 0.4},
    ],
}


def mlp_config(training=None, **sections):
    sections = {"model": {"hidden": [8]}, **sections}
    return config_of(training={"batch_size": 10, **(training or {})}, **sections)


# How many steps.


@pytest.mark.parametrize(
    ("training", "images", "expected"),
    [
        # (images per epoch, rows per batch, steps per epoch, steps)
        ({"epochs": 3, "batch_size": 10}, 53, (53, 10, 6, 18)),
        ({"epochs": 3, "batch_size": 10}, 50, (50, 10, 5, 15)),
        ({"epochs": 3, "batch_size": 10, "drop_last": True}, 53, (50, 10, 5, 15)),
        ({"epochs": 2, "batch_size": 10, "shuffle": "replacement"}, 53, (60, 10, 6, 12)),
        ({"epochs": 2, "batch_size": 10, "shuffle": "replacement"}, 50, (50, 10, 5, 10)),
        ({"epochs": 2, "batch_size": "full"}, 53, (53, 53, 1, 2)),
        ({"epochs": 2, "batch_size": 100}, 53, (53, 53, 1, 2)),
        ({"epochs": 2, "batch_size": 53, "drop_last": True}, 53, (53, 53, 1, 2)),
        ({"epochs": 2, "batch_size": "full", "drop_last": True}, 53, (53, 53, 1, 2)),
        ({"epochs": 2, "batch_size": 100, "shuffle": "replacement"}, 53, (53, 53, 1, 2)),
        ({"epochs": 2, "batch_size": 1}, 3, (3, 1, 3, 6)),
        ({"steps": 7, "batch_size": 10}, 53, (53, 10, 6, 7)),
        ({"steps": 1, "batch_size": 10}, 53, (53, 10, 6, 1)),
    ],
    ids=str,
)
def test_a_run_s_steps_are_counted(training, images, expected):
    found = run_length(config_of(training=training), images)
    assert (found.images, found.batch, found.steps_per_epoch, found.steps) == expected
    assert found.epochs == math.ceil(expected[3] / expected[2])


@pytest.mark.parametrize("length", [{"epochs": 2}, {"steps": 7}])
def test_dropping_the_last_batch_of_fewer_images_than_a_batch_is_refused(length):
    config = config_of(training={**length, "batch_size": 1000, "drop_last": True})
    with pytest.raises(UsageError, match=r"^training\.drop_last: .*53 training images.*1000"):
        run_length(config, 53)


@pytest.mark.parametrize("length", [{"epochs": 2}, {"steps": 12}])
def test_epochs_and_steps_of_the_same_length_train_alike(length):
    dataset = toy_dataset()
    trainer = trainer_of(mlp_config(length), dataset)
    assert train(trainer)
    assert trainer.step == 12
    expected = trainer_of(mlp_config({"epochs": 5}), dataset)
    expected.train_to(6)
    expected.train_to(12)
    assert digest(trainer.params) == digest(expected.params)


def test_steps_may_end_within_an_epoch():
    trainer = trainer_of(mlp_config({"steps": 8}), toy_dataset())
    assert train(trainer)
    assert (trainer.step, trainer.epoch) == (8, 2)


# Which images, in which order.


def order_of(shuffle, epoch=0, seed=0, **training):
    config = mlp_config({"shuffle": shuffle, **training}, seed=seed)
    return Trainer(config, toy_dataset(shuffle_once=True)).order(epoch)


def test_unshuffled_epochs_take_the_images_as_they_lie():
    indices = toy_dataset(shuffle_once=True).train.indices
    for epoch in (0, 5):
        np.testing.assert_array_equal(order_of("none", epoch), indices)


def test_every_epoch_is_another_permutation_of_the_training_set():
    indices = toy_dataset(shuffle_once=True).train.indices
    orders = [order_of("epoch", epoch) for epoch in range(20)]
    for order in orders:
        assert order.dtype == np.int64
        np.testing.assert_array_equal(np.sort(order), np.sort(indices))
    assert len({order.tobytes() for order in [*orders, indices]}) == 21


@pytest.mark.parametrize("shuffle", ["epoch", "replacement"])
def test_an_order_is_the_seed_s_and_needs_no_epoch_before_it(shuffle):
    dataset = toy_dataset(shuffle_once=True)
    trainer = Trainer(mlp_config({"shuffle": shuffle}), dataset)
    in_turn = [trainer.order(epoch) for epoch in range(4)]
    np.testing.assert_array_equal(order_of(shuffle, 3), in_turn[3])
    assert not np.array_equal(order_of(shuffle, 3, seed=1), in_turn[3])


def test_every_image_is_in_every_place_equally_often():
    first = [order_of("epoch", epoch)[0] for epoch in range(530)]
    counts = np.bincount(np.searchsorted(np.arange(53), first), minlength=53)
    # Chi-squared of 52 degrees of freedom: five standard deviations above the mean.
    assert ((counts - 10.0) ** 2 / 10).sum() < 52 + 5 * math.sqrt(2 * 52)


def test_replacement_draws_full_batches_with_repeats_from_the_training_set_alone():
    dataset = toy_dataset(shuffle_once=True)
    orders = [order_of("replacement", epoch) for epoch in range(30)]
    assert {len(order) for order in orders} == {60}
    drawn = np.concatenate(orders)
    assert set(drawn) == set(dataset.train.indices)
    assert all(len(set(order)) < 53 for order in orders)


def test_validation_images_are_never_trained_on():
    """Training on a set with other validation images gives the same weights."""
    one, other = toy_dataset(), toy_dataset()
    blank = other.train.images.copy()
    blank[other.validation.indices] = 255
    other = replace(other, train=Split(blank, other.train.labels, other.train.indices))
    found = []
    for dataset in (one, other):
        trainer = trainer_of(mlp_config({"epochs": 2}), dataset)
        assert train(trainer)
        found.append(digest(trainer.params))
    assert found[0] == found[1]


@pytest.mark.parametrize("training", [{"batch_size": 100}, {"batch_size": "full"}], ids=str)
def test_a_batch_larger_than_the_data_is_the_full_batch(training):
    dataset = toy_dataset()
    expected = trainer_of(mlp_config({"epochs": 4, "batch_size": 53}), dataset)
    found = trainer_of(mlp_config({"epochs": 4, **training}), dataset)
    assert train(expected)
    assert train(found)
    assert digest(found.params) == digest(expected.params)


# In parts.

IN_PARTS = {
    "sgd": {},
    "momentum": {"optimizer": {"momentum": 0.9, "lr": 0.02}},
    "adam": {"optimizer": {"type": "adam", "lr": 0.01}},
    "schedule": {"lr_schedule": {"type": "one_cycle"}},
    "replacement": {"training": {"shuffle": "replacement"}},
    "penalty by step": {"regularization": {"l1": 1e-3, "l2": 1e-3, "mode": "step"}},
    "dropout": {"model": {"hidden": [8], "dropout": 0.3}},
    "cnn": {"model": CNN, "optimizer": {"momentum": 0.9, "lr": 0.02}},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", IN_PARTS.values(), ids=IN_PARTS)
def test_training_in_parts_is_training_in_one_go_bit_for_bit(case, dtype):
    case = {**case, "training": {"epochs": 3, "dtype": dtype, **case.get("training", {})}}
    dataset, config = toy_dataset(), mlp_config(**case)
    whole, parts = trainer_of(config, dataset), trainer_of(config, dataset)
    whole._steps_per_look = 1000
    assert train(whole)
    while parts.step < parts.length.steps:
        # One step, then two, then three; never past the epoch's end.
        assert parts.train_to(min(next_boundary(parts), parts.step + 1 + parts.step % 3))
    assert digest(parts.params) == digest(whole.params)
    assert digest(parts.memory.states) == digest(whole.memory.states)
    assert digest(parts.memory.totals) == digest(whole.memory.totals)


def test_a_look_may_stop_the_run_between_steps_and_it_continues_as_if_never_stopped():
    dataset, config = toy_dataset(), mlp_config({"epochs": 4})
    whole, stopped = trainer_of(config, dataset), trainer_of(config, dataset)
    assert train(whole)
    seen = []

    class StopHereError(Exception):
        pass

    def look():
        seen.append(stopped.step)
        if len(seen) % 2:
            raise StopHereError

    while stopped.step < stopped.length.steps:
        try:
            stopped.train_to(next_boundary(stopped), look)
        except StopHereError:
            continue
    assert len(seen) > 1
    assert not set(seen) & {6, 12, 18, 24}
    assert digest(stopped.params) == digest(whole.params)


def test_the_weights_before_the_last_step_are_kept():
    dataset, config = toy_dataset(), mlp_config({"epochs": 2})
    trainer, shorter = trainer_of(config, dataset), trainer_of(config, dataset)
    trainer.train_to(6)
    shorter.train_to(5)
    np.testing.assert_array_equal(trainer.params_before_last_step, shorter.params)
    assert not np.array_equal(trainer.params, shorter.params)


def test_a_run_may_be_resumed_from_its_vectors_and_its_step():
    config = mlp_config({"epochs": 4}, optimizer={"type": "adam", "lr": 0.01})
    dataset = toy_dataset()
    whole, first, second = (trainer_of(config, dataset) for _ in range(3))
    assert train(whole)
    first.train_to(6)
    first.train_to(9)
    second.params[:] = first.params
    second.memory.states[:] = first.memory.states
    second.step = first.step
    assert train(second)
    assert digest(second.params) == digest(whole.params)


@pytest.mark.parametrize("model", [{"hidden": [8]}, CNN], ids=["mlp", "cnn"])
def test_the_padding_between_tensors_stays_zero(model):
    config = mlp_config(
        {"epochs": 2},
        model=model,
        optimizer={"type": "adam", "lr": 0.01},
        regularization={"l1": 0.1, "l2": 0.1},
    )
    trainer = trainer_of(config, toy_dataset())
    assert train(trainer)
    used = np.zeros(trainer.program.sizes.parameters, bool)
    for tensor in trainer.program.tensors:
        used[tensor.offset : tensor.offset + tensor.size] = True
    assert not used.all()
    assert (trainer.params[~used] == 0).all()


# What is measured.


def losses_before_each_step(config, dataset):
    """The loss and the number right of each batch, before its step, by evaluation."""
    trainer = trainer_of(config, dataset)
    found = []
    while trainer.step < trainer.length.steps:
        epoch, batch = divmod(trainer.step, trainer.length.steps_per_epoch)
        size = trainer.length.batch
        places = trainer.order(epoch)[batch * size : (batch + 1) * size]
        split = Split(dataset.train.images, dataset.train.labels, places)
        evaluation = trainer.evaluate(split)
        right = int((evaluation.predicted == evaluation.labels).sum())
        found.append((float(evaluation.losses.sum()), right, len(places)))
        trainer.train_to(trainer.step + 1)
    return np.array(found)


def test_running_metrics_are_means_over_the_images_since_they_were_cleared():
    dataset, config = toy_dataset(), mlp_config({"epochs": 3, "dtype": "float64"})
    expected = losses_before_each_step(config, dataset)
    trainer = trainer_of(config, dataset)
    trainer.train_to(6)
    loss, right, images = expected[:6].sum(axis=0)
    assert trainer.running() == pytest.approx((loss / images, right / images), rel=1e-12)
    trainer.clear_totals()
    trainer.train_to(12)
    trainer.train_to(14)
    loss, right, images = expected[6:14].sum(axis=0)
    assert images == 73
    assert trainer.running() == pytest.approx((loss / images, right / images), rel=1e-12)


def test_batch_metrics_are_the_last_batch_s_alone():
    dataset = toy_dataset()
    config = mlp_config({"epochs": 2, "dtype": "float64", "train_metrics": "batch"})
    expected = losses_before_each_step(config, dataset)
    trainer = trainer_of(config, dataset)
    trainer.train_to(6)
    loss, right, images = expected[5]
    assert images == 3
    assert trainer.running() == pytest.approx((loss / images, right / images), rel=1e-12)


def test_a_reported_loss_is_a_mean_though_the_gradient_be_a_sum():
    dataset = toy_dataset()
    losses = []
    for reduction in ("mean", "sum"):
        trainer = trainer_of(mlp_config(loss={"reduction": reduction}), dataset)
        trainer.train_to(1)
        losses.append((trainer.running(), trainer.evaluate(dataset.train).losses.shape))
    assert losses[0] == losses[1]


def test_nothing_measured_is_not_a_number():
    trainer = trainer_of(mlp_config(), toy_dataset())
    assert all(math.isnan(value) for value in trainer.running())


@pytest.mark.parametrize("count", [1, EVALUATION_ROWS, EVALUATION_ROWS + 1, 2 * EVALUATION_ROWS])
def test_evaluation_in_parts_is_evaluation_image_by_image(count):
    dataset = toy_dataset(train=count, validation=3)
    trainer = trainer_of(mlp_config({"dtype": "float64"}), dataset)
    whole = trainer.evaluate(dataset.train)
    images, labels = dataset.train.gather()
    weights = tensors_of(trainer)
    x = images.reshape(count, -1) / 255
    hidden = np.maximum(x @ weights["dense1.weight"] + weights["dense1.bias"], 0)
    z = hidden @ weights["dense2.weight"] + weights["dense2.bias"]
    y = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert whole.outputs.shape == y.shape
    np.testing.assert_allclose(whole.outputs, y, rtol=0, atol=1e-13)
    np.testing.assert_allclose(whole.losses, -np.log(y[np.arange(count), labels]), atol=1e-12)
    np.testing.assert_array_equal(whole.labels, labels)
    np.testing.assert_array_equal(whole.predicted, y.argmax(axis=1))


def test_an_evaluation_has_no_metrics_of_a_part_without_images():
    dataset = toy_dataset(validation=0)
    trainer = trainer_of(mlp_config(), dataset)
    assert len(dataset.validation) == 0
    evaluation = trainer.evaluate(dataset.validation)
    assert evaluation.outputs.shape == (0, 4)
    assert evaluation.losses.shape == (0,)


def test_evaluation_changes_neither_weights_nor_the_training_that_follows():
    dataset, config = toy_dataset(), mlp_config({"epochs": 2})
    plain, looked_at = trainer_of(config, dataset), trainer_of(config, dataset)
    assert train(plain)
    while looked_at.step < looked_at.length.steps:
        looked_at.train_to(looked_at.step + 1)
        looked_at.evaluate(dataset.test)
        looked_at.inference.activations(dataset.train.images[:5])
    assert digest(looked_at.params) == digest(plain.params)
    assert looked_at.running() == plain.running()


def dropout_and_its_like(rate, **sections):
    """Two trainers of the same weights, one of them without dropout."""
    dataset, layers = toy_dataset(), CNN["layers"]
    without = [layer for layer in layers if "dropout" not in layer]
    given = [{"dropout": rate} if "dropout" in layer else layer for layer in layers]
    for found in (given, without):
        yield trainer_of(mlp_config(model={**CNN, "layers": found}, **sections), dataset)


def test_nothing_is_dropped_in_evaluation():
    one, other = dropout_and_its_like(0.5)
    for split in (one.dataset.train, one.dataset.test):
        a, b = one.evaluate(split), other.evaluate(split)
        np.testing.assert_array_equal(a.outputs, b.outputs)
        np.testing.assert_array_equal(a.losses, b.losses)
    np.testing.assert_array_equal(one.evaluate(split).outputs, a.outputs)


def test_running_metrics_are_those_of_what_was_left():
    """The same weights and images: only dropped values make a difference."""
    one, other = dropout_and_its_like(0.5)
    one.train_to(1)
    other.train_to(1)
    assert abs(one.running()[0] - other.running()[0]) > 1e-3


def test_dropout_of_nothing_is_no_dropout():
    one, other = dropout_and_its_like(0.0)
    assert one.program.layers == other.program.layers
    assert train(one)
    assert train(other)
    assert digest(one.params) == digest(other.params)


def test_of_equal_outputs_the_first_is_predicted_in_training_as_in_evaluation():
    dataset = toy_dataset()
    config = mlp_config(init={"type": "zeros"}, optimizer={"lr": 1e-30})
    trainer = trainer_of(config, dataset)
    trainer.train_to(6)
    evaluation = trainer.evaluate(dataset.train)
    assert (evaluation.predicted == 0).all()
    share = float((dataset.train.gather()[1] == 0).mean())
    assert trainer.running() == pytest.approx((math.log(4), share), rel=1e-6)


# What is not finite.


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"model": {"type": "softmax"}},
        {
            "model": {"hidden": [8], "activation": "sigmoid", "output_activation": "sigmoid"},
            "loss": {"type": "binary_cross_entropy"},
        },
        {"model": {"hidden": [8], "output_activation": "identity"}, "loss": {"type": "mse"}},
        {"model": CNN},
    ],
    ids=["relu", "softmax regression", "bce", "mse", "cnn"],
)
def test_a_loss_that_is_not_finite_stops_the_run_at_its_step(sections, poison, dtype):
    trainer = trainer_of(mlp_config({"epochs": 2, "dtype": dtype}, **sections), toy_dataset())
    assert trainer.train_to(3)
    last_bias = [t for t in trainer.program.tensors if t.kind == "bias"][-1]
    trainer.params[last_bias.offset] = poison
    assert trainer.train_to(6) is False
    assert trainer.step == 4
    assert not math.isfinite(trainer.running()[0])


@pytest.mark.parametrize("poison", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias"])
def test_a_nan_or_an_infinity_in_a_convolution_is_not_lost_on_its_way_up(name, poison):
    model = {**CNN, "layers": [layer for layer in CNN["layers"] if layer != {"activation": "tanh"}]}
    trainer = trainer_of(mlp_config({"epochs": 1}, model=model), toy_dataset())
    tensors_of(trainer)[name].flat[0] = poison
    assert trainer.train_to(6) is False
    assert trainer.step == 1


def test_a_rate_far_too_high_is_found_out():
    config = mlp_config({"epochs": 50}, optimizer={"lr": 1e30})
    trainer = trainer_of(config, toy_dataset())
    assert train(trainer) is False
    assert trainer.step < trainer.length.steps


def test_weights_that_are_not_finite_are_found_out_though_no_loss_is_affected():
    trainer = trainer_of(mlp_config(), toy_dataset())
    assert trainer.is_finite()
    trainer.params[3] = np.nan
    assert not trainer.is_finite()
    trainer.params[3] = -np.inf
    assert not trainer.is_finite()


# Threads.


@pytest.mark.parametrize("asked", [1, 2, None, 10_000])
def test_the_threads_asked_for_are_had_as_far_as_there_are_any(asked):
    import numba

    pool, before = numba.config.NUMBA_NUM_THREADS, numba.get_num_threads()
    with engine_threads(asked) as threads:
        assert threads == numba.get_num_threads() == min(asked or pool, pool)
    assert numba.get_num_threads() == before


def test_blas_has_one_thread_while_the_engine_runs():
    from threadpoolctl import threadpool_info, threadpool_limits

    def threads_of_blas():
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    with engine_threads(None):
        pass  # every BLAS is loaded now
    with threadpool_limits(2, user_api="blas"):
        assert threads_of_blas() == {2}
        with engine_threads(None):
            assert threads_of_blas() == {1}
        assert threads_of_blas() == {2}


def test_lanes_are_fixed_by_the_work():
    assert [lanes_for(work) for work in (0, 399_999, 400_000, 10**12)] == [1, 1, 2, MOST_LANES]


def run_script(name, **environment):
    """The last line that a script in this folder prints, as JSON."""
    path = os.pathsep.join([str(HERE.parent.parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(HERE / name)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_one_two_and_three_threads_leave_the_same_bytes():
    found = run_script("script_threads.py", NUMBA_NUM_THREADS="3")
    assert len(found) == 5
    for name, by_threads in found.items():
        assert list(by_threads) == ["1", "2", "3"]
        lanes = {run["lanes"] for run in by_threads.values()}
        assert lanes.pop() >= 3, f"{name} is too small to be divided among three threads"
        assert len({run["sha256"] for run in by_threads.values()}) == 1, name


def test_the_engine_runs_interpreted_and_trains_as_when_compiled():
    interpreted = run_script("script_interpreted.py", NUMBA_DISABLE_JIT="1")
    compiled = run_script("script_interpreted.py", NUMBA_DISABLE_JIT="0")
    assert interpreted.pop("jit") is False
    assert compiled.pop("jit") is True
    assert interpreted.keys() == compiled.keys()
    for name, run in compiled.items():
        other = interpreted[name]
        assert np.ptp(run["params"]) > 0.1
        for vector in ("params", "gradient"):
            np.testing.assert_allclose(other[vector], run[vector], rtol=0, atol=1e-6)
        assert other["running"] == pytest.approx(run["running"], rel=1e-5)
        assert other["evaluation"] == pytest.approx(run["evaluation"], rel=1e-5)
