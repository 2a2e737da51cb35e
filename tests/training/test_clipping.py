"""Clipped gradients on every path: the equations, the same bits however the work is divided."""

import numpy as np
import pytest
from engine_helpers import digest, next_boundary, train
from fast_path_helpers import (
    cnn,
    divide_all_work,
    mlp,
    ops_of,
    run_of,
    skip_zeros_by_columns,
    work_in_parts,
)
from oracle_helpers import assert_engine_follows

from mnistlab.runtime.threads import engine_threads

VALUE, NORM = {"clip_value": 0.004}, {"clip_norm": 0.1}
# Model, rows of a batch, optimizer, penalty, bounds.
CASES = {
    "tiles": (mlp(200), 32, "sgd", "none", VALUE | NORM),
    "two tiles, behind a relu": (mlp(256, 256), 33, "momentum", "none", NORM),
    "elements alone, joined": (mlp(64, dropout=0.3), 100, "adam", "gradient", VALUE),
    "in parts": (mlp(130, 40), "full", "momentum", "gradient", NORM),
    "few outputs alone": (mlp(8), 10, "sgd", "proximal", NORM),
    "filters": (cnn(33), 16, "nesterov", "step", VALUE | NORM),
    "filters, a wide layer behind": (cnn(64), 32, "rising momentum", "none", VALUE),
}


@pytest.fixture(params=CASES.values(), ids=CASES)
def make(request, monkeypatch, tmp_path):
    """Makes trainers of a case, each with its oracle."""
    model, batch, optimizer, penalty, bounds = request.param
    divide_all_work(monkeypatch)
    skip_zeros_by_columns(monkeypatch)
    if batch == "full":
        work_in_parts(monkeypatch)
    return lambda: run_of(tmp_path, model, batch, 20, optimizer, penalty, rates=dict(bounds))


def test_training_follows_the_equations_and_no_step_is_taken_within_a_gradient(make):
    trainer, oracle = make()
    assert not trainer.program.fused
    assert any("clip_" in name for name in ops_of(trainer))
    assert_engine_follows(trainer, oracle, 20)


def test_one_two_and_three_threads_leave_the_same_bits(make):
    found = []
    for threads in (1, 2, 3):
        with engine_threads(threads):
            trainer, _ = make()
            assert train(trainer)
            found.append(digest(trainer.params))
    assert found[0] == found[1] == found[2]


def test_step_by_step_a_run_is_what_it_is_in_one_go(make):
    whole, _ = make()
    whole._steps_per_look = 1000
    assert train(whole)
    parts, _ = make()
    while parts.step < parts.length.steps:
        assert parts.train_to(min(next_boundary(parts), parts.step + 1))
    assert digest(parts.params) == digest(whole.params)


def test_the_last_gradient_is_the_clipped_one(tmp_path):
    trainer, _ = run_of(tmp_path, mlp(40), 32, 4, "sgd", rates={"clip_norm": 0.01})
    assert train(trainer)
    assert np.linalg.norm(trainer.last_gradient()) == pytest.approx(0.01, rel=1e-12)


def test_a_gradient_that_is_not_finite_is_not_hidden(tmp_path):
    for bounds in (VALUE, NORM):
        trainer, _ = run_of(tmp_path, mlp(40), 32, 8, "sgd", rates=dict(bounds))
        trainer.params[:] = np.nan
        assert not train(trainer)
