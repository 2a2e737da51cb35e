"""Learning rates computed by hand from the schedules' definitions; steps count from 0."""

import math

import numpy as np
import pytest
from engine_helpers import config_of, toy_dataset
from numpy_oracle import rate_at

from mnistlab.blocks.schedules import Steps
from mnistlab.training.trainer import Trainer

LR, PER_EPOCH, TOTAL = 0.4, 10, 100
HALF_ROOT = math.sqrt(0.5)


def schedule_of(**keys):
    return config_of(lr_schedule=keys).lr_schedule


def rates(schedule, steps, total=TOTAL, per_epoch=PER_EPOCH, lr=LR):
    return schedule.rates(lr, Steps(np.asarray(steps), per_epoch, total))


BY_HAND = {
    "constant": ({"type": "constant"}, {0: 0.4, 57: 0.4, 99: 0.4}),
    "step: a drop after every three epochs": (
        {"type": "step", "factor": 0.5, "every": 3},
        {0: 0.4, 29: 0.4, 30: 0.2, 59: 0.2, 60: 0.1, 90: 0.05},
    ),
    "exponential: a factor every epoch": (
        {"type": "exponential", "gamma": 0.5},
        {0: 0.4, 9: 0.4, 10: 0.2, 20: 0.1, 39: 0.05},
    ),
    "milestones: a factor from each epoch on": (
        {"type": "milestones", "at": {"8": 0.1, "3": 0.5}},
        {0: 0.4, 29: 0.4, 30: 0.2, 79: 0.2, 80: 0.02, 99: 0.02},
    ),
    "inverse root: from the first step": (
        {"type": "inverse_sqrt"},
        {0: 0.4, 3: 0.2, 15: 0.1, 99: 0.04},
    ),
    "inverse root: after a warmup": (
        {"type": "inverse_sqrt", "warmup": 4},
        {0: 0.1, 1: 0.2, 3: 0.4, 15: 0.2, 63: 0.1},
    ),
    "plateau: without a fall": ({"type": "plateau", "factor": 0.5}, {0: 0.4, 99: 0.4}),
    "linear: a line, then its end": (
        {"type": "linear", "final": 0.25, "steps": 40},
        {0: 0.4, 10: 0.325, 20: 0.25, 40: 0.1, 41: 0.1, 99: 0.1},
    ),
    "linear: up": (
        {"type": "linear", "final": 2.0, "steps": 10},
        {0: 0.4, 5: 0.6, 10: 0.8, 99: 0.8},
    ),
    "linear: to zero, never below": (
        {"type": "linear", "final": 0.0, "steps": 8},
        {0: 0.4, 4: 0.2, 7: 0.05, 8: 0.0, 9: 0.0, 99: 0.0},
    ),
    "linear: anew each epoch": (
        {"type": "linear", "final": 0.5, "steps": 4, "restart_every_epoch": True},
        {0: 0.4, 2: 0.3, 4: 0.2, 9: 0.2, 10: 0.4, 12: 0.3, 19: 0.2, 90: 0.4},
    ),
    "linear: without a number of steps, the whole run": (
        {"type": "linear", "final": 0.0},
        {0: 0.4, 50: 0.2, 75: 0.1},
    ),
    "linear: without a number of steps, each epoch": (
        {"type": "linear", "final": 0.5, "restart_every_epoch": True},
        {0: 0.4, 5: 0.3, 10: 0.4, 95: 0.3},
    ),
    "phases: each has its own steps and its own lr; the last lasts to the end": (
        {
            "type": "phases",
            "phases": [
                {"epochs": 2, "type": "linear", "scale": 0.25, "final": 4.0},
                {"epochs": 4, "type": "exponential", "gamma": 0.5},
                {"scale": 0.5, "type": "cosine"},
            ],
        },
        {0: 0.1, 10: 0.25, 20: 0.4, 29: 0.4, 30: 0.2, 59: 0.05, 60: 0.2, 80: 0.1},
    ),
    "phases: after the last, its last rate stays": (
        {
            "type": "phases",
            "phases": [{"epochs": 1}, {"epochs": 2, "type": "linear", "final": 0.0}],
        },
        {9: 0.4, 10: 0.4, 20: 0.2, 29: 0.02, 30: 0.02, 99: 0.02},
    ),
    "inverse time": (
        {"type": "inverse_time", "decay": 0.1},
        {0: 0.4, 10: 0.2, 30: 0.1, 70: 0.05},
    ),
    "cosine: half a wave": (
        {"type": "cosine"},
        {0: 0.4, 25: 0.2 * (1 + HALF_ROOT), 50: 0.2, 75: 0.2 * (1 - HALF_ROOT)},
    ),
    "cosine: down to a rate, not to a share": (
        {"type": "cosine", "min": 0.1},
        {0: 0.4, 50: 0.25, 75: 0.1 + 0.15 * (1 - HALF_ROOT)},
    ),
    "cosine: two cycles": (
        {"type": "cosine", "cycles": 2},
        {0: 0.4, 25: 0.2, 49: 0.2 * (1 + math.cos(0.98 * math.pi)), 50: 0.4, 75: 0.2},
    ),
    "cosine: rises for the warmup, and is at its top after it": (
        {"type": "cosine", "warmup": 20},
        {0: 0.02, 4: 0.1, 9: 0.2, 19: 0.4, 20: 0.4, 60: 0.2},
    ),
    "cosine: warmup, then two cycles of what is left": (
        {"type": "cosine", "warmup": 20, "cycles": 2, "min": 0.2},
        {9: 0.2, 19: 0.4, 20: 0.4, 40: 0.3, 60: 0.4, 80: 0.3},
    ),
}


@pytest.mark.parametrize(("keys", "expected"), BY_HAND.values(), ids=BY_HAND)
def test_rates_are_those_worked_out_by_hand(keys, expected):
    found = rates(schedule_of(**keys), list(expected))
    np.testing.assert_allclose(found, list(expected.values()), rtol=1e-12, atol=1e-16)


def test_one_cycle_rises_from_a_25th_to_lr_and_falls_to_its_last_share():
    # 101 steps: the peak of the share 0.3 is step 30, the last step 100.
    schedule = schedule_of(type="one_cycle", warmup=0.3, final=0.01)
    found = rates(schedule, [0, 15, 30, 65, 100], total=101)
    expected = [0.016, (0.016 + 0.4) / 2, 0.4, (0.4 + 0.004) / 2, 0.004]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    every = rates(schedule, np.arange(101), total=101)
    assert (np.diff(every[:31]) > 0).all()
    assert (np.diff(every[30:]) < 0).all()


def test_one_cycle_without_warmup_starts_at_its_peak():
    found = rates(schedule_of(type="one_cycle", warmup=0.0, final=0.5), [0, 50, 100], total=101)
    np.testing.assert_allclose(found, [0.4, 0.3, 0.2], rtol=1e-12)


@pytest.mark.parametrize("total", [1, 2, 3])
@pytest.mark.parametrize(("keys", "_"), BY_HAND.values(), ids=BY_HAND)
def test_runs_of_a_few_steps_have_rates_that_are_finite_and_not_negative(keys, _, total):
    one_cycle = {"type": "one_cycle"}
    for schedule in (schedule_of(**keys), schedule_of(**one_cycle)):
        found = rates(schedule, np.arange(total), total=total)
        assert np.isfinite(found).all()
        assert (found >= 0).all()
        assert (found <= 2 * LR).all()


@pytest.mark.parametrize("cycles", [*range(1, 26), 49, 98])
def test_every_cosine_cycle_starts_at_the_full_rate(cycles):
    starts = 7 * np.arange(cycles)
    found = rates(schedule_of(type="cosine", cycles=cycles), starts, total=7 * cycles)
    np.testing.assert_allclose(found, LR, rtol=1e-9)


@pytest.mark.parametrize(
    "keys", [*(keys for keys, _ in BY_HAND.values()), {"type": "one_cycle"}], ids=str
)
def test_steps_asked_one_by_one_and_in_parts_have_the_rates_of_all_at_once(keys):
    schedule = schedule_of(**keys)
    whole = rates(schedule, np.arange(TOTAL))
    singly = np.concatenate([rates(schedule, [step]) for step in range(TOTAL)])
    parts = np.concatenate([rates(schedule, part) for part in np.split(np.arange(TOTAL), [7, 50])])
    assert whole.tobytes() == singly.tobytes() == parts.tobytes()
    assert whole.dtype == np.float64
    expected = [rate_at(schedule, LR, step, PER_EPOCH, TOTAL) for step in range(TOTAL)]
    np.testing.assert_allclose(whole, expected, rtol=1e-12, atol=1e-15)


def test_a_schedule_changes_the_rates_of_a_trainer_by_its_own_epochs_and_steps():
    config = config_of(
        optimizer={"lr": 1.0},
        lr_schedule={"type": "exponential", "gamma": 0.5},
        training={"epochs": 3, "batch_size": 20},
    )
    trainer = Trainer(config, toy_dataset(train=53))
    assert trainer.rates(0, 9).tolist() == [1.0] * 3 + [0.5] * 3 + [0.25] * 3
    assert trainer.rates(4, 7).tolist() == [0.5, 0.5, 0.25]


def test_a_plateau_s_rate_falls_from_each_fall_on_and_not_below_the_lowest():
    schedule = schedule_of(type="plateau", factor=0.5, min_lr=0.15)
    steps = Steps(np.array([0, 9, 10, 29, 30, 50, 99]), PER_EPOCH, TOTAL, falls=(10, 30, 50))
    expected = [0.4, 0.4, 0.2, 0.2, 0.15, 0.15, 0.15]
    np.testing.assert_allclose(schedule.rates(LR, steps), expected, rtol=1e-12)
    np.testing.assert_array_equal(schedule.rates(0.1, steps), 0.1)


def test_milestones_of_a_file_and_of_python_are_the_same():
    assert schedule_of(type="milestones", at={3: 0.5}) == schedule_of(
        type="milestones", at={"03": 0.5}
    )


def test_phases_are_pytorch_s_schedulers_in_sequence():
    torch = pytest.importorskip("torch")
    from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LR)
    warmup = LinearLR(optimizer, start_factor=0.1, total_iters=20)
    cosine = CosineAnnealingLR(optimizer, T_max=80)
    theirs = SequentialLR(optimizer, [warmup, cosine], milestones=[20])
    phases = [{"epochs": 2, "type": "linear", "scale": 0.1, "final": 10.0}, "cosine"]
    ours = rates(schedule_of(type="phases", phases=phases), np.arange(TOTAL))
    for rate in ours:
        np.testing.assert_allclose(rate, theirs.get_last_lr(), rtol=1e-11)
        optimizer.step()
        theirs.step()


def test_rates_are_those_of_pytorch_s_schedulers():
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LR)
    theirs = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 8], gamma=0.1)
    schedule = schedule_of(type="milestones", at={"3": 0.1, "8": 0.1})
    for epoch in range(10):
        np.testing.assert_allclose(
            rates(schedule, [PER_EPOCH * epoch]), theirs.get_last_lr(), rtol=1e-12
        )
        optimizer.step()
        theirs.step()
