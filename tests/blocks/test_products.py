"""Sums in registers, compared with the plain product."""

import numpy as np
import pytest
from engine_helpers import config_of, toy_dataset, trainer_of
from fast_path_helpers import divide_all_work, mlp, ops_of, run_of, work_in_parts
from kernel_helpers import FAST_DTYPES, normal
from oracle_helpers import assert_engine_follows
from test_sparse_input import close

from mnistlab.blocks.layers.dense import choice, input_gradient, products
from mnistlab.runtime.actions import ADD, MOMENTUM, SET, SGD
from mnistlab.runtime.params import rounded_up
from mnistlab.runtime.threads import engine_threads
from mnistlab.runtime.vectors import in_register

SIZES = [
    (1, 1, products.COLUMNS),
    (5, 33, products.COLUMNS + 1),
    (products.ROWS + 1, 64, 2 * products.COLUMNS),
    (products.GROUP + 4, 40, products.COLUMNS + 7),
    (7, 40, 5 * products.COLUMNS + 3),
]


@pytest.mark.parametrize("dtype", FAST_DTYPES)
@pytest.mark.parametrize(("images", "inputs", "outputs"), SIZES)
@pytest.mark.parametrize(
    ("tiles", "block", "copies"), [(1, 32, False), (1, 64, False), (1, 32, True), (4, 32, True)]
)
def test_the_columns_are_those_of_the_plain_product(
    images, inputs, outputs, tiles, block, copies, dtype
):
    x, W = normal((images, inputs), dtype), normal((inputs, outputs), dtype, 1)
    bias, room = normal(outputs, dtype, 2), np.full(products.SCRATCH, np.nan, dtype)
    columns = products.REGISTERS * in_register(x) * tiles
    for b in (bias, bias[:0]):
        y = np.full((images + 1, outputs), np.nan, dtype)
        for first in range(0, outputs, columns):
            products.forward(
                x.ravel(), images, W.ravel(), b, y.ravel(), inputs, outputs, first, tiles, block,
                copies, room,
            )  # fmt: skip
        expected = x.astype(np.float64) @ W + (b if b.size else 0)
        close(y[:images], expected, dtype, 60)
        assert np.isnan(y[images]).all(), "nothing is written behind the last image"


@pytest.mark.parametrize("dtype", FAST_DTYPES)
@pytest.mark.parametrize("action", [SET, ADD, SGD, MOMENTUM])
@pytest.mark.parametrize(("images", "inputs", "outputs"), SIZES)
def test_the_gradient_is_that_of_the_plain_product(images, inputs, outputs, action, dtype):
    x, dy = normal((images, inputs), dtype), normal((images, outputs), dtype, 1)
    W, G = normal((inputs, outputs), dtype, 2), normal((inputs, outputs), dtype, 3)
    columns = np.full(images * rounded_up(outputs, products.COLUMNS), np.nan, dtype)
    first, last = inputs // 3, inputs
    for a, b in [(0, images // 2), (images // 2, images)]:
        products.lay_out(dy.ravel(), a, b, images, outputs, columns)
    room = np.full(products.scratch_for(images), np.nan, dtype)
    found_W, found_G = W.ravel().copy(), G.ravel().copy()
    products.backward_weights(
        x.ravel(), images, inputs, outputs, first, last, columns, action, found_W, found_G,
        0.1, 0.9, room,
    )  # fmt: skip
    g = (x.astype(np.float64).T @ dy)[first:]
    v = {SET: g, ADD: G[first:] + g, SGD: G[first:], MOMENTUM: 0.9 * G[first:] + g}[action]
    G[first:] = v
    W[first:] -= 0.1 * {SET: 0 * g, ADD: 0 * g, SGD: g, MOMENTUM: v}[action]
    close(found_G.reshape(G.shape), G, dtype, 120)
    close(found_W.reshape(W.shape), W, dtype, 120)


@pytest.mark.parametrize("dtype", FAST_DTYPES)
@pytest.mark.parametrize("images", [1, 2, 3, 8])
@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (6, 3), (9, 37), (40, 64), (13, 1500)])
def test_the_gradient_of_inputs_is_that_of_the_plain_product(images, inputs, outputs, dtype):
    dy, W = normal((images, outputs), dtype), normal((inputs, outputs), dtype, 1)
    for first, last in [(0, inputs), (inputs // 3, inputs - inputs // 4)]:
        dx = np.full((images + 1, inputs), np.nan, dtype)
        input_gradient.backward_input(
            dy.ravel(), images, W.ravel(), first, last, inputs, outputs, dx.ravel()
        )
        close(dx[:images, first:last], dy.astype(np.float64) @ W[first:last].T, dtype, 200)
        dx[:images, first:last] = np.nan
        assert np.isnan(dx).all(), "nothing else is written"


def test_the_gradient_of_inputs_that_is_not_a_number_stays_so():
    dy, W, dx = normal((4, 40), np.float32), normal((5, 40), np.float32, 1), np.zeros((4, 5), "f4")
    dy[2, 7] = np.nan
    input_gradient.backward_input(dy.ravel(), 4, W.ravel(), 0, 5, 5, 40, dx.ravel())
    assert np.isnan(dx).all(axis=1).tolist() == [False, False, True, False]


def keep_sums_of_small_layers_in_registers(monkeypatch):
    monkeypatch.setattr(choice, "INPUTS_IN_REGISTERS", 1)
    # Whatever the processor: with AVX-512 fewer batches have it.
    monkeypatch.setattr(choice, "ROWS_OF_INPUT_GRADIENT", 512)
    monkeypatch.setattr(choice, "OUTPUTS_OF_INPUT_GRADIENT", 17)


UNITS = max(32, products.COLUMNS)  # fewer are few outputs
TRAINED = {
    "one image": (1, False, "sgd", {}),
    "few images": (7, False, "momentum", {}),
    "a batch, its work divided": (33, True, "adam", {}),
    "by columns": (64, True, "sgd", {"regularization": {"l2": 1e-3}}),
    "by rows": (130, True, "rmsprop", {}),
    "the whole set in parts": ("full", True, "sgd", {}),
}


@pytest.mark.parametrize(
    ("batch", "divided", "optimizer", "sections"), TRAINED.values(), ids=TRAINED
)
@pytest.mark.parametrize("units", [UNITS, 2 * UNITS - 3])
def test_a_network_trains_by_the_equations(
    monkeypatch, tmp_path, units, batch, divided, optimizer, sections
):
    keep_sums_of_small_layers_in_registers(monkeypatch)
    if divided:
        divide_all_work(monkeypatch)
    if batch == "full":
        work_in_parts(monkeypatch)
    model = {**mlp(units, units), "activation": "tanh"}
    dataset = toy_dataset(130, side=8, width=7)
    trainer, oracle = run_of(tmp_path, model, batch, 9, optimizer, dataset=dataset, **sections)
    found = ops_of(trainer)
    assert found.count("products_forward") == 2
    assert found.count("products_backward_input") == 1  # images need no gradient
    assert found.count("products_backward_weights") == (2 if batch != 1 and batch != 7 else 0)
    assert_engine_follows(trainer, oracle, 9)


def test_the_number_of_threads_and_of_parts_changes_no_bit(monkeypatch):
    keep_sums_of_small_layers_in_registers(monkeypatch)
    model = {**mlp(3 * products.COLUMNS), "activation": "tanh"}
    found = []
    for threads, divided in [(1, False), (1, True), (2, True)]:
        with monkeypatch.context() as here, engine_threads(threads):
            if divided:
                divide_all_work(here)
            training = {"batch_size": 40, "steps": 12, "dtype": "float32"}
            trainer = trainer_of(config_of(model=model, training=training), toy_dataset(130))
            while trainer.step < 12:
                trainer.train_to(min(12, trainer.step + trainer.length.steps_per_epoch))
            found.append(trainer.params.tobytes())
    assert len(set(found)) == 1


@pytest.mark.parametrize(
    ("rows", "inputs", "outputs", "fits"),
    [
        (64, 784, 128, True),
        (10, 784, 128, True),
        (64, 784, 30, False),  # half of a tile would be idle
        (64, 16, 128, False),
        (60_000, 784, 128, False),
        (100, 2500, 2000, False),
    ],
)
def test_the_choice_is_that_of_the_measurements(rows, inputs, outputs, fits, monkeypatch):
    monkeypatch.setattr(choice, "COLUMNS", 64)
    monkeypatch.setattr(choice, "REGISTER", 16)
    assert choice.sums_in_registers(rows, inputs, outputs) == fits
