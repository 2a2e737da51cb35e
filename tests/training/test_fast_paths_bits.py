"""With the kernels that skip zeros: equal bits however a run is divided, and
nothing left behind.
"""

import numpy as np
import pytest
from engine_helpers import digest, next_boundary, tensors_of, train
from fast_path_helpers import (
    IMAGES,
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
from oracle_helpers import TOLERANCE, distance

from mnistlab.runtime.threads import engine_threads

# Model, rows of a batch, optimizer, penalty, and the rows that are worked on at once.
CASES = {
    "tiles, few rows": (mlp(200), 32, "sgd", "none", 512),
    "tiles, step by step": (mlp(256), 33, "momentum", "none", 512),
    "tiles, many rows": (mlp(200), 100, "adam", "gradient", 512),
    "tiles, penalised": (mlp(200), 65, "sgd", "proximal", 512),
    "tiles, in parts": (mlp(256), "full", "momentum", "step", 20),
    "tiles, a momentum that rises": (mlp(256), 33, "rising momentum", "none", 512),
    "one tile": (mlp(100, dropout=0.3), 65, "momentum", "none", 512),
    "one small tile": (mlp(33), 100, "sgd", "step", 512),
    "behind a relu": (cnn(64), 33, "sgd", "none", 512),
    "behind a relu, penalised": (cnn(64, dropout=0.3), 32, "sgd", "gradient", 512),
    "behind a relu, momentum": (cnn(96), 64, "momentum", "none", 512),
    "by columns": (mlp(256, 256), 33, "momentum", "none", 512),
    "by columns, dropout": (mlp(128, 256, dropout=0.5), 100, "adam", "gradient", 512),
    "both": (mlp(256, 48), 32, "momentum", "none", 512),
}
EPOCHS = 3


@pytest.fixture(params=CASES.values(), ids=CASES)
def make(request, monkeypatch, tmp_path):
    """Makes trainers of a case, each with its oracle."""
    model, batch, optimizer, penalty, rows = request.param
    divide_all_work(monkeypatch)
    by_columns = model.get("hidden", [])[1:] == [256]
    (skip_zeros_by_columns if by_columns else skip_zeros_of_few)(monkeypatch)
    work_in_parts(monkeypatch, rows)
    steps = EPOCHS * (1 if batch == "full" else -(-IMAGES // batch))

    def made():
        trainer, oracle = run_of(tmp_path, model, batch, steps, optimizer, penalty)
        if model["type"] == "mlp":
            assert_skips_zero_pixels(trainer, model["hidden"][0])
        if by_columns:
            assert any("sparse_forward_by_columns" in name for name in ops_of(trainer))
        elif model["type"] == "cnn" or len(model["hidden"]) > 1:
            units = model["layers"][-2]["dense"]["units"] if "layers" in model else 48
            assert_skips_zero_inputs(trainer, units)
        trainer._steps_per_look = 1000
        return trainer, oracle

    return made


def digests(trainer):
    """Digests of everything that a step leaves for the next, and of the running means."""
    memory = trainer.memory
    return [digest(each) for each in (trainer.params, memory.states, memory.totals)]


def test_one_two_and_three_threads_leave_the_same_bits(make):
    found = []
    for threads in (1, 2, 3):
        with engine_threads(threads) as running:
            assert running == threads
            trainer, _ = make()
            lanes = max(op.lanes for op in trainer.program.training["step"])
            assert lanes >= 3, "too small to be divided among three threads"
            assert train(trainer)
            found.append(digests(trainer))
    assert found[0] == found[1] == found[2]


def expected_gradient(oracle, places):
    """By name, the gradient of the next step: the loss's, and the penalty's where it has one."""
    x, t, _ = oracle._batch(oracle.dataset.train, places)
    gradients, _, _ = oracle.gradients(x, t)
    r = oracle.config.regularization
    for name, value in oracle.tensors.items():
        if r.mode != "step" and oracle._penalised(name):
            l1 = r.l1 if r.mode == "gradient" else 0
            gradients[name] = gradients[name] + l1 * np.sign(value) + 2 * r.l2 * value
    return gradients


def test_a_run_with_a_look_after_each_step_has_the_same_bits(make):
    """Between steps the weights have their plain order, and the last gradient is the
    last step's.
    """
    whole, _ = make()
    assert train(whole)
    parts, oracle = make()
    places, size = parts.dataset.train.indices, parts.length.batch
    per_epoch = parts.length.steps_per_epoch
    while parts.step < parts.length.steps:
        first = parts.step % per_epoch * size
        batch = places[first : first + size]
        expected = expected_gradient(oracle, batch)
        oracle.take_step(batch, per_epoch, parts.length.steps)
        assert parts.train_to(parts.step + 1)
        before = digests(parts)
        offsets = {tensor.name: tensor for tensor in parts.program.tensors}
        gradient = parts.last_gradient()
        for name, tensor in offsets.items():
            found = gradient[tensor.offset :][: tensor.size].reshape(tensor.shape)
            assert distance(found, expected[name]) <= TOLERANCE, name
            assert distance(tensors_of(parts)[name], oracle.tensors[name]) <= TOLERANCE, name
        assert digests(parts) == before
    assert digests(parts) == digests(whole)


def test_a_run_resumed_from_its_vectors_and_its_step_ends_with_the_same_bits(make):
    whole, _ = make()
    assert train(whole)
    first, _ = make()
    while first.step < whole.length.steps // 2:
        assert first.train_to(min(next_boundary(first), whole.length.steps // 2))
    second, _ = make()
    second.params[:] = first.params
    for vector in ("states", "totals"):
        getattr(second.memory, vector)[:] = getattr(first.memory, vector)
    second.step = first.step
    assert train(second)
    assert digests(second) == digests(whole)


# An epoch of which has three steps, so that a look falls within it.
LOOKED_AT = ["tiles, few rows", "tiles, step by step", "behind a relu, penalised", "both"]


@pytest.mark.parametrize("make", [CASES[name] for name in LOOKED_AT], ids=LOOKED_AT, indirect=True)
def test_who_looks_on_sees_the_weights_as_they_are_at_rest(make):
    """A look during an epoch, and an exception that ends it there."""
    trainer, _ = make()
    trainer._steps_per_look = 1
    other, _ = make()
    assert other.train_to(1)

    class StopHereError(Exception):
        pass

    def look():
        np.testing.assert_array_equal(trainer.params, other.params)
        raise StopHereError

    with pytest.raises(StopHereError):
        trainer.train_to(3, look)
    assert trainer.step == 1
    assert digests(trainer) == digests(other)


def test_nothing_is_written_beyond_an_array_of_the_workspace(make):
    """A lane's listing beyond its space would be another lane's, or outside the array."""
    trainer, _ = make()
    guarded, mark, beyond = {}, 77, 4096
    for name, array in trainer.memory._asdict().items():
        written = isinstance(array, np.ndarray) and array.flags.writeable
        if written and name not in ("params", "order", "rates", "pixel"):
            larger = np.full(array.size + beyond, mark, array.dtype)
            larger[: array.size] = array.ravel()
            guarded[name] = larger
    parts = {
        name: each[:-beyond].reshape(getattr(trainer.memory, name).shape)
        for name, each in guarded.items()
    }
    trainer.memory = trainer.memory._replace(**parts)
    assert train(trainer)
    trainer.last_gradient()
    assert {"listed_bits", "listed_bytes", "pixel_values", "scratch", "states"} <= guarded.keys()
    for name, each in guarded.items():
        assert (each[-beyond:] == mark).all(), name
