"""The paths that skip zeros train as the equations say, in float64, whatever is combined."""

from itertools import product

import numpy as np
import pytest
from engine_helpers import config_of, dark_dataset, tensors_of, toy_dataset, train
from fast_path_helpers import (
    IMAGES,
    OPTIMIZERS,
    PENALTIES,
    SPARSE_TILES,
    TILES,
    assert_skips_zero_inputs,
    assert_skips_zero_pixels,
    cnn,
    divide_all_work,
    mlp,
    ops_of,
    run_of,
    skip_zeros_by_columns,
    skip_zeros_of_few,
    work_in_parts,
)
from oracle_helpers import assert_engine_follows, distance

from mnistlab.blocks.layers.dense import choice
from mnistlab.runtime.gradient_action import MOMENTUM, SET, SGD
from mnistlab.runtime.threads import engine_threads
from mnistlab.training.lower import lower
from mnistlab.training.memory import nonzero_share

# Rows of a batch; `in parts` is the whole set, 20 rows at a time with 10 left.
BATCHES = [1, 7, 32, 33, 64, 65, 100, "full", "in parts"]
EXTRAS = {
    "": {},
    "rates of their own": {"rates": {"lr_scale": {"dense1.weight": 0.5, "*.bias": 0.25}}},
    "dropout": {"dropout": 0.3},
    "no bias": {"bias": False},
    "max-norm": {"regularization": {"max_norm": 0.8}},
    "max-norm of the first": {"regularization": {"max_norm": 0.8, "layers": ["dense1"]}},
    "the last alone penalised": {"regularization": {"layers": "last"}},
}


def dark_cases():
    """Every width with every batch; the rest in turn.

    The lists' lengths have no common divisor, so that of any two of them almost every pair occurs.
    And once more every batch for the optimizers that take their step within the gradient.
    """
    for n, (width, batch) in enumerate(product(TILES, BATCHES)):
        chosen = [list(each)[n % len(each)] for each in (OPTIMIZERS, PENALTIES, EXTRAS)]
        divided = n % 10 >= 5
        name = ", ".join([f"{width} × {batch}", *chosen, "divided" * divided])
        yield pytest.param(width, batch, *chosen, divided, id=name)
    for n, (optimizer, batch) in enumerate(
        product(["sgd", "momentum", "rising momentum"], BATCHES)
    ):
        for width in (list(TILES)[n % 6], list(TILES)[(n + 3) % 6]):
            name = f"{width} × {batch}, {optimizer}"
            yield pytest.param(width, batch, optimizer, "none", "", n % 2 == 1, id=name)


@pytest.mark.parametrize(
    ("width", "batch", "optimizer", "penalty", "extra", "divided"), list(dark_cases())
)
def test_a_first_layer_on_sparse_images_trains_by_the_equations(
    monkeypatch, tmp_path, width, batch, optimizer, penalty, extra, divided
):
    if divided:
        divide_all_work(monkeypatch)
    if batch == "in parts":
        work_in_parts(monkeypatch)
        batch = "full"
    sections = dict(EXTRAS[extra])
    model = mlp(width, dropout=sections.pop("dropout", 0.0), bias=sections.pop("bias", True))
    per_epoch = 1 if batch == "full" else -(-IMAGES // batch)
    steps = max(6, min(40, 2 * per_epoch + 1))
    trainer, oracle = run_of(tmp_path, model, batch, steps, optimizer, penalty, **sections)
    assert_skips_zero_pixels(trainer, width)
    start = {name: value.copy() for name, value in tensors_of(trainer).items()}
    assert_engine_follows(trainer, oracle, steps)
    for name, before in start.items():
        assert distance(tensors_of(trainer)[name], before) > 1e-3, name


# Units, rows of a batch, optimizer, penalty, whether little work is divided.
STANDARDISED = [
    (33, 7, "sgd", "none", False),
    (200, 32, "sgd", "none", True),
    (128, 65, "sgd", "gradient", True),
    (40, 100, "momentum", "none", False),
    (256, 33, "momentum", "none", True),
    (100, "full", "rising momentum", "none", False),
    (100, "in parts", "momentum", "none", True),
    (200, "in parts", "sgd", "proximal", False),
    (33, 64, "nesterov", "step", True),
    (128, 32, "adam", "none", False),
    (200, "full", "adamw", "gradient", True),
    (40, "in parts", "rmsprop", "none", False),
    (40, 1, "sgd", "none", False),
]


@pytest.mark.parametrize(("width", "batch", "optimizer", "penalty", "divided"), STANDARDISED)
def test_so_does_one_on_standardised_images_whose_zero_pixels_are_no_zero_inputs(
    monkeypatch, tmp_path, width, batch, optimizer, penalty, divided
):
    if divided:
        divide_all_work(monkeypatch)
    if batch == "in parts":
        work_in_parts(monkeypatch)
    rows = "full" if batch == "in parts" else batch
    dataset = dark_dataset(IMAGES, normalize="standardize")
    assert dataset.offset < -0.1
    trainer, oracle = run_of(tmp_path, mlp(width), rows, 9, optimizer, penalty, dataset=dataset)
    if batch != 1:
        assert_skips_zero_pixels(trainer, width)
    assert_engine_follows(trainer, oracle, 9)


# Units, rows of a batch, optimizer, penalty, and what else the layers are.
BEHIND_RELU = [
    (32, 10, "sgd", "none", {}),
    (32, 64, "momentum", "none", {"bias": False}),
    (64, 32, "rising momentum", "none", {}),
    (48, 33, "adam", "none", {"dropout": 0.3}),
    (48, 7, "momentum", "proximal", {"relu": "relu6"}),
    (64, 64, "sgd", "gradient", {}),
    (64, 1, "nesterov", "step", {}),
    (96, 32, "velocity of steps", "none", {"dropout": 0.3}),
    (96, 10, "sgd", "step", {"bias": False}),
    (112, 33, "momentum", "none", {"dropout": 0.2}),
    (112, 64, "adamw", "gradient", {"relu": "relu6"}),
    (100, 33, "momentum", "proximal", {}),  # of whose last tile some columns do not exist
    (100, 64, "adam", "step", {"bias": False}),
    (128, 7, "sgd", "proximal", {}),
    (128, 32, "rmsprop", "none", {"bias": False}),
]


@pytest.mark.parametrize(("units", "batch", "optimizer", "penalty", "layers"), BEHIND_RELU, ids=str)
def test_a_layer_behind_a_relu_trains_as_the_equations_say(
    monkeypatch, tmp_path, units, batch, optimizer, penalty, layers
):
    skip_zeros_of_few(monkeypatch)
    trainer, oracle = run_of(tmp_path, cnn(units, **layers), batch, 12, optimizer, penalty)
    assert_skips_zero_inputs(trainer, units)
    assert_engine_follows(trainer, oracle, 12)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
def test_so_do_two_such_layers_with_rates_of_their_own(monkeypatch, tmp_path, optimizer):
    skip_zeros_of_few(monkeypatch)
    rates = {"lr_scale": {"dense1.weight": 0.5, "dense2.weight": 2.0, "dense2.bias": 0.1}}
    trainer, oracle = run_of(tmp_path, mlp(100, 48), 32, 11, optimizer, rates=rates)
    assert_skips_zero_pixels(trainer, 100)
    assert_skips_zero_inputs(trainer, 48)
    assert_engine_follows(trainer, oracle, 11)


def test_so_does_a_layer_with_several_blocks_of_inputs_in_each_lane(tmp_path):
    """4374 inputs: a lane has eight or nine blocks of 64, the last one of 22."""
    model = cnn(32, conv=(6, 2, 0))
    dataset = toy_dataset(64, side=28)
    assert choice.INPUTS_WORTH_LISTING <= 6 * 27 * 27
    trainer, oracle = run_of(tmp_path, model, 64, 3, "momentum", dataset=dataset)
    assert_skips_zero_inputs(trainer, 32)
    assert_engine_follows(trainer, oracle, 3)


DROPPED_IMAGE = [
    {"dropout": 0.4},
    "flatten",
    {"dense": {"units": 64}},
    {"activation": "relu"},
    {"dropout": 0.5},
    {"dense": {"units": 48}},
    {"activation": "tanh"},
]
# A model, rows of a batch, optimizer and penalty.
BY_COLUMNS = [
    (mlp(32, 48), 33, "momentum", "none"),
    (mlp(64, 32, bias=False), 64, "sgd", "none"),
    (mlp(48, 64, dropout=0.3), 100, "adam", "gradient"),
    (mlp(80, 160), 128, "adamw", "none"),
    (mlp(70, 150), 100, "momentum", "proximal"),  # of whose last tile some columns do not exist
    (mlp(150, 75, dropout=0.3), 64, "adam", "gradient"),
    (mlp(32, 32, 32), 65, "rmsprop", "proximal"),
    (mlp(32, 48), 1, "nesterov", "step"),
    (mlp(64, 32, dropout=0.5), 128, "sgd", "gradient"),
    (mlp(64, 48), "in parts", "momentum", "none"),
    ({"type": "cnn", "layers": DROPPED_IMAGE}, 33, "momentum", "none"),
    ({"type": "cnn", "layers": DROPPED_IMAGE}, 100, "adam", "step"),
]


@pytest.mark.parametrize("divided", [False, True])
@pytest.mark.parametrize(("model", "batch", "optimizer", "penalty"), BY_COLUMNS, ids=str)
def test_a_layer_that_skips_zeros_by_columns_trains_as_the_equations_say(
    monkeypatch, tmp_path, model, batch, optimizer, penalty, divided
):
    skip_zeros_by_columns(monkeypatch)
    if divided:
        divide_all_work(monkeypatch)
    if batch == "in parts":
        work_in_parts(monkeypatch)
        batch = "full"
    dataset = dark_dataset(IMAGES)
    trainer, oracle = run_of(tmp_path, model, batch, 9, optimizer, penalty, dataset=dataset)
    skipping = [name for name in ops_of(trainer) if "by_columns" in name]
    weights = sum(tensor.name.endswith("weight") for tensor in trainer.program.tensors)
    on_image = "layers" in model
    assert len(skipping) == weights - (1 if on_image else 2)
    assert_engine_follows(trainer, oracle, 9)


def test_nothing_is_sent_down_to_an_image_of_which_pixels_are_dropped():
    model = {"type": "cnn", "layers": DROPPED_IMAGE}
    program = lower(config_of(model=model), (9, 9), 4, 32, nonzero_share=0.2)
    names = [op.function.__name__ for op in program.deltas]
    assert names.count("dropout_backward") == 1
    assert sum(name.endswith("_backward_input") for name in names) == 2


# Where these paths are taken, and how far they go.


@pytest.mark.parametrize(
    ("lit", "side", "normalize", "taken"),
    [
        (0.2, 9, "minmax", True),
        (0.2, 8, "minmax", True),
        (0.2, 7, "minmax", False),  # too few pixels
        (0.4, 9, "minmax", False),  # too many of them lit
        (0.2, 9, "standardize", True),
    ],
)
def test_zero_pixels_are_skipped_if_there_are_enough(lit, side, normalize, taken):
    dataset = dark_dataset(side=side, lit=lit, normalize=normalize)
    share, model = nonzero_share(dataset.train), config_of(model=mlp(40))

    def listing(rows):
        program = lower(model, (side, side), 4, rows, nonzero_share=share, offset=dataset.offset)
        return {"list_nonzero", "list_one"} & {op.function.__name__ for op in program.forward}

    assert listing(32) == ({"list_nonzero"} if taken else set())
    # The weights of all pixels change with each image, if a zero pixel is no zero input.
    assert listing(1) == ({"list_one"} if taken and normalize == "minmax" else set())


@pytest.mark.parametrize(
    ("optimizer", "penalty", "batch", "dark", "behind_relu"),
    [
        ("sgd", "none", 32, SGD, SGD),
        ("sgd", "gradient", 32, SGD, SET),
        ("sgd", "proximal", 32, SGD, SET),
        ("sgd", "step", 32, SGD, SET),
        ("momentum", "none", 32, MOMENTUM, MOMENTUM),
        ("momentum", "gradient", 32, SET, SET),
        ("nesterov", "none", 32, SET, SET),
        ("velocity of steps", "none", 32, SET, SET),
        ("adam", "none", 32, SET, SET),
        ("sgd", "none", 600, SET, None),  # worked on in parts
    ],
)
def test_the_step_is_taken_within_the_gradient_where_it_can_be(
    monkeypatch, optimizer, penalty, batch, dark, behind_relu
):
    skip_zeros_of_few(monkeypatch)
    settings = {"optimizer": OPTIMIZERS[optimizer], "regularization": PENALTIES[penalty]}
    program = lower(config_of(model=mlp(100, 64), **settings), (9, 9), 4, batch, nonzero_share=0.2)
    uses = {
        op.function.__name__: getattr(op.operands, "gradient_action", SET) for op in program.step
    }
    assert uses[f"sparse_input_backward_weights_{TILES[100]}"] == dark
    assert uses.get(f"sparse_backward_{SPARSE_TILES[64]}") == behind_relu


# What is not finite, and what is almost nothing.


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("model", [mlp(40), mlp(200), cnn(64)], ids=["lit", "tiles", "sparse"])
def test_a_rate_far_too_high_is_found_out(monkeypatch, tmp_path, model, optimizer):
    skip_zeros_of_few(monkeypatch)
    trainer, _ = run_of(tmp_path, model, 32, 50, optimizer, rates={"lr": 1e200})
    assert {"list_nonzero", f"sparse_forward_{SPARSE_TILES[64]}"} & set(ops_of(trainer))
    assert train(trainer) is False
    assert trainer.step < 10


@pytest.mark.parametrize("poison", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("model", "name"),
    [(mlp(40), "dense1.weight"), (mlp(200), "dense1.weight"), (mlp(200), "dense1.bias")]
    + [(cnn(64, above="leaky_relu"), name) for name in ("conv1.bias", "dense1.weight")],
    ids=["lit", "tiles", "bias", "below the sparse layer", "sparse"],
)
def test_a_weight_that_is_not_finite_stops_the_run_at_its_step(
    monkeypatch, tmp_path, model, name, poison
):
    """All weights of a unit, as single pixels may be dark in every image of a batch."""
    skip_zeros_of_few(monkeypatch)
    trainer, _ = run_of(tmp_path, model, 32, 10)
    assert trainer.train_to(2)
    tensors_of(trainer)[name][..., -1] = poison
    assert trainer.train_to(5) is False
    assert trainer.step == 3


def test_a_velocity_that_decays_is_zero_before_it_is_tiny(tmp_path):
    """A pixel lit in the first image alone: its velocity is 1e-10 of itself at each step."""
    dataset = dark_dataset()
    dataset.train.images[:, 0, 0] = 0
    dataset.train.images[0, 0, 0] = 255
    rates = {"momentum": 1e-10, "nesterov": False}
    smallest, seen = np.finfo(np.float64).tiny, []
    with engine_threads(2):
        trainer, _ = run_of(tmp_path, mlp(40), 1, 40, "momentum", dataset=dataset, rates=rates)
        while trainer.step < 40:
            assert trainer.train_to(trainer.step + 1)
            velocity = np.abs(trainer.memory.states[:40])
            assert ((velocity == 0) | (velocity >= smallest)).all()
            seen.append(velocity.max())
        assert smallest / 2 > 0, "this thread's own numbers may be tiny again"
    assert seen[0] > 0
    assert 0 < seen[28] < 1e-280
    assert seen[35] == 0
