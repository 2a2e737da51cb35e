"""Training in parts, looks between the steps, and runs that diverge."""

import math

import numpy as np
import pytest
from engine_helpers import (
    CNN,
    digest,
    mlp_config,
    next_boundary,
    tensors_of,
    toy_dataset,
    train,
    trainer_of,
)

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
