"""Penalties below the spacing of float32 act in every kernel as they do in float64.

Images without a non-zero pixel, in a network without biases, give no weight a gradient: every
change is the penalty's.
"""

import numpy as np
import pytest
from engine_helpers import config_of, dark_dataset, digest, tensors_of, train, trainer_of
from fast_path_helpers import divide_all_work, mlp, ops_of, skip_zeros_of_few, work_in_parts

from mnistlab.runtime.threads import engine_threads

STEPS, LR = 200, 0.1
# A weight loses this share of its size, or of 0.1, per step. Rounded on its own, it would lose
# none.
SHARE = 1e-8


def convolution(filters, units, padding):
    conv = {"filters": filters, "kernel": 3, "padding": padding, "bias": "none"}
    dense = {"dense": {"units": units, "bias": False}}
    layers = [{"conv": conv}, {"activation": "relu"}, "flatten", dense, {"activation": "tanh"}]
    return {"type": "cnn", "layers": layers}


# A model, the side of its images, and an op that its path alone has.
PATHS = {
    "zero pixels skipped": (mlp(40, bias=False), 9, "sparse_input_forward"),
    "tiles": (mlp(200, bias=False), 9, "sparse_input_forward"),
    "few outputs": (mlp(9, 7, bias=False), 9, "few_outputs_forward"),
    "plain": (mlp(3, 40, bias=False), 9, "dense_step"),
    "zeros behind a ReLU skipped": (convolution(4, 64, 1), 9, "sparse_backward"),
    "a convolution without patches": (convolution(9, 5, 0), 24, "forward_without_patches"),
}
MODES = {
    "gradient": {"l2": SHARE / LR / 2},
    "gradient of L1": {"l1": SHARE},
    "step": {"l1": SHARE / 20, "l2": SHARE / 2, "mode": "step"},
    "proximal": {"l1": SHARE / 2, "l2": SHARE / LR / 4, "mode": "proximal"},
}
# With an epsilon of 1, Adam and RMSProp divide a small gradient by about 1.
OPTIMIZERS = {
    "sgd": {"lr": LR},
    "a rate of its own": {"lr": 2 * LR, "lr_scale": {"dense1.weight": 0.3, "*.weight": 0.5}},
    "momentum": {"lr": LR / 2, "momentum": 0.5},
    "nesterov": {"lr": LR / 2, "momentum": 0.5, "nesterov": True},
    "velocity of steps": {"lr": LR / 2, "momentum": 0.5, "velocity": "step"},
    "adam": {"type": "adam", "lr": LR, "epsilon": 1.0},
    "adamw": {"type": "adamw", "lr": LR, "epsilon": 1.0, "weight_decay": 1e-9},
    "rmsprop": {"type": "rmsprop", "lr": LR, "epsilon": 1.0},
}


def trained(model, side, dtype, penalty, optimizer):
    """A trainer after STEPS steps, and the weights that it began with."""
    training = {"steps": STEPS, "batch_size": 32, "dtype": dtype}
    config = config_of(model=model, optimizer=optimizer, regularization=penalty, training=training)
    trainer = trainer_of(config, dark_dataset(side=side, lit=0.0))
    before = {name: tensor.astype(np.float64) for name, tensor in tensors_of(trainer).items()}
    assert train(trainer)
    return trainer, before


def shrinks(trainer, before):
    """By tensor: the share of their size that weights lost."""
    after = {name: tensor.astype(np.float64) for name, tensor in tensors_of(trainer).items()}
    return {
        name: 1 - np.abs(after[name]).sum() / np.abs(tensor).sum()
        for name, tensor in before.items()
        if name.endswith(".weight")
    }


def assert_shrinks_as_in_float64(model, side, penalty, optimizer, op=""):
    (found, start), (wide, wide_start) = (
        trained(model, side, dtype, penalty, optimizer) for dtype in ("float32", "float64")
    )
    assert any(name.startswith(op) for name in ops_of(found))
    expected = shrinks(wide, wide_start)
    assert min(expected.values()) > STEPS * 1e-9
    assert shrinks(found, start) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("penalty", MODES.values(), ids=MODES)
@pytest.mark.parametrize(("model", "side", "op"), PATHS.values(), ids=PATHS)
def test_a_small_penalty_acts_on_every_path_and_in_every_mode(
    monkeypatch, model, side, op, penalty
):
    skip_zeros_of_few(monkeypatch)
    divide_all_work(monkeypatch)
    assert_shrinks_as_in_float64(model, side, penalty, {"lr": LR}, op)


@pytest.mark.parametrize("penalty", MODES.values(), ids=MODES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_small_penalty_acts_under_every_optimizer(optimizer, penalty):
    assert_shrinks_as_in_float64(mlp(40, bias=False), 9, penalty, optimizer)


def test_a_small_weight_decay_acts_without_a_penalty():
    optimizer = {**OPTIMIZERS["adamw"], "weight_decay": SHARE / LR}
    assert_shrinks_as_in_float64(mlp(40, bias=False), 9, {}, optimizer)


@pytest.mark.parametrize("penalty", MODES.values(), ids=MODES)
def test_a_small_penalty_acts_on_a_batch_that_is_worked_on_part_by_part(monkeypatch, penalty):
    work_in_parts(monkeypatch)
    assert_shrinks_as_in_float64(mlp(40, bias=False), 9, penalty, {"lr": LR}, "sgd")


def test_a_small_penalty_leaves_the_same_bytes_on_any_number_of_threads(monkeypatch):
    divide_all_work(monkeypatch)

    def run_on(threads):
        with engine_threads(threads):
            trainer, _ = trained(mlp(200, bias=False), 9, "float32", MODES["gradient"], {"lr": LR})
        assert max(op.lanes for op in trainer.program.training["step"]) > 2
        return digest(trainer.params)

    assert run_on(1) == run_on(2)
