"""Max-norm: after every step no unit's incoming weights are longer than the bound."""

import numpy as np
import pytest
from engine_helpers import digest, next_boundary, tensors_of, train
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
from mnistlab.training.group import joint_key

BOUND = 0.7
LIMITED = {"max_norm": BOUND}
# Model, rows of a batch, optimizer, penalty.
CASES = {
    "tiles": (mlp(200), 32, "sgd", "none"),
    "two tiles, behind a relu": (mlp(256, 256), 33, "momentum", "none"),
    "one tile, the penalty in the step": (mlp(100), 65, "rising momentum", "proximal"),
    "joined": (mlp(64, dropout=0.3), 100, "adam", "gradient"),
    "in parts": (mlp(130, 40), "full", "momentum", "step"),
    "few outputs alone": (mlp(8), 10, "sgd", "none"),
    "filters": (cnn(33), 16, "nesterov", "none"),
    "filters, a wide layer behind": (cnn(64), 32, "momentum", "none"),
}


def norms_of(tensors):
    """The norm of every unit's incoming weights, or of every filter, by weight."""
    weights = {name: W.astype(np.float64) for name, W in tensors.items() if "weight" in name}
    return {
        name: np.sqrt((W**2).sum(axis=0 if W.ndim == 2 else (1, 2, 3)))
        for name, W in weights.items()
    }


@pytest.fixture(params=CASES.values(), ids=CASES)
def make(request, monkeypatch, tmp_path):
    """Makes trainers of a case, each with its oracle."""
    model, batch, optimizer, penalty = request.param
    divide_all_work(monkeypatch)
    skip_zeros_by_columns(monkeypatch)
    if batch == "full":
        work_in_parts(monkeypatch)
    return lambda: run_of(
        tmp_path, model, batch, 20, optimizer, penalty, regularization=dict(LIMITED)
    )


def test_training_follows_the_equations_and_every_norm_holds_the_bound(make):
    trainer, oracle = make()
    before = norms_of(tensors_of(trainer))
    assert any((norms > BOUND).any() for norms in before.values())
    assert_engine_follows(trainer, oracle, 20)
    for name, norms in norms_of(tensors_of(trainer)).items():
        assert norms.max() <= BOUND * (1 + 1e-12), name


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


@pytest.mark.parametrize("optimizer", ["sgd", "momentum"])
def test_a_step_within_the_gradient_stays_so_and_the_bound_waits_for_no_launch(tmp_path, optimizer):
    trainer, _ = run_of(tmp_path, mlp(200), 32, 1, optimizer, regularization=dict(LIMITED))
    free, _ = run_of(tmp_path, mlp(200), 32, 1, optimizer)
    assert trainer.program.fused
    limits = [op for op in trainer.program.step if "max_norm" in op.function.__name__]
    assert len(limits) == 2
    assert all(op.joins for op in limits)
    launches = [sum(not op.joins for op in one.program.step) for one in (trainer, free)]
    assert launches[0] == launches[1]


def test_a_bound_on_the_last_layer_leaves_the_others_alone(tmp_path):
    limited = {**LIMITED, "layers": "last"}
    trainer, oracle = run_of(tmp_path, mlp(40), 32, 8, "sgd", regularization=limited)
    assert_engine_follows(trainer, oracle, 8)
    norms = norms_of(tensors_of(trainer))
    assert norms["dense2.weight"].max() <= BOUND * (1 + 1e-12)
    assert norms["dense1.weight"].max() > BOUND
    assert len([name for name in ops_of(trainer) if "max_norm" in name]) == 1


def test_weights_that_overflow_are_not_hidden_by_the_bound(tmp_path):
    rates = {"lr": 1e200}
    trainer, _ = run_of(tmp_path, mlp(40), 32, 30, "sgd", rates=rates, regularization=dict(LIMITED))
    assert not train(trainer)


def test_a_bound_that_is_never_reached_changes_no_bit(tmp_path):
    free, _ = run_of(tmp_path, mlp(200), 32, 8, "momentum")
    far, _ = run_of(tmp_path, mlp(200), 32, 8, "momentum", regularization={"max_norm": 1e6})
    assert train(free)
    assert train(far)
    assert digest(free.params) == digest(far.params)


def test_a_network_whose_first_layer_is_limited_trains_alone(tmp_path):
    trainer, _ = run_of(tmp_path, mlp(40), 32, 8, "sgd")
    config = trainer.config.model_copy(
        update={"training": trainer.config.training.model_copy(update={"dtype": "float32"})}
    )
    limited = config.regularization.model_copy(update=LIMITED)
    assert joint_key(config, trainer.dataset) is not None
    unfit = config.model_copy(update={"regularization": limited})
    assert joint_key(unfit, trainer.dataset) is None
