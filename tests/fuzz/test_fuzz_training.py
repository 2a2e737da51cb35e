"""Trainings drawn from the schema follow the equations, with equal bits on two threads and resumed.

`python -m tools.fuzz_training` draws thousands.
"""

from collections import Counter

import layered_oracle
import numpy_oracle
import pytest
import run_oracle
import training_rounds
from data_oracle import DoesNotFitError
from run_oracle import run_by_equations
from training_draws import draw
from training_rounds import DifferenceError, hold
from watched import keys_in, keys_of_schema, sentences, watched

SEED = 1
PARTS, DRAWS = 8, 30
MOST_FOR_EVERY_KEY = 2000


def held(number, folder):
    """The result of a draw. Kernels are compiled for each dtype: here only for float64."""
    drawn, config = draw(SEED, number, folder)
    return hold(drawn, config, folder, set(), float64_alone=True)


@pytest.mark.long
@pytest.mark.parametrize(
    "part",
    [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, PARTS))],
)
def test_drawn_trainings_keep_to_the_equations_on_one_thread_and_two_and_resumed(part, tmp_path):
    numbers = range(part * DRAWS, (part + 1) * DRAWS)
    outcomes = Counter(held(number, tmp_path) for number in numbers)
    compared = outcomes["finished"] + outcomes["stopped_early"] + outcomes["diverged"]
    assert compared > 0.7 * DRAWS, outcomes


@pytest.mark.long
def test_every_key_of_the_schema_is_drawn_and_has_an_equation(tmp_path):
    read, wanted = set(), keys_of_schema().keys()
    for number in range(MOST_FOR_EVERY_KEY):
        drawn, config = draw(SEED, number, tmp_path)
        if not (wanted - read) & keys_in(config):
            continue
        try:
            run_by_equations(watched(config, read), drawn.images)
        except DoesNotFitError:
            continue
        if read >= wanted:
            break
    assert not sentences(read)


def a_millionth_more(wrong):
    return lambda *arguments: wrong(*arguments) * (1 + 1e-6)


def one_later(wrong):
    return lambda rate, seed, stream, step, shape: wrong(rate, seed, stream, step + 1, shape)


def backwards(wrong):
    return lambda run, epoch: wrong(run, epoch)[::-1]


@pytest.mark.long
@pytest.mark.parametrize(
    ("where", "name", "fault"),
    [
        (numpy_oracle, "rate_at", a_millionth_more),
        (numpy_oracle, "pull_back", a_millionth_more),
        (numpy_oracle.Oracle, "penalty", a_millionth_more),
        (layered_oracle, "dropout_factor", one_later),
        (run_oracle.Run, "_batches", backwards),
    ],
)
def test_a_small_difference_of_the_equations_is_found(monkeypatch, tmp_path, where, name, fault):
    monkeypatch.setattr(where, name, fault(getattr(where, name)))
    with pytest.raises(DifferenceError):
        Counter(held(number, tmp_path) for number in range(DRAWS))


@pytest.mark.long
@pytest.mark.parametrize("said", ["on two threads", "resumed"])
def test_one_other_bit_is_found(monkeypatch, tmp_path, said):
    right = training_rounds.trained

    def wrong(config, folder, threads, stop_at=None):
        outcome = right(config, folder, threads, stop_at)
        if threads == 2 or (said == "resumed" and stop_at is not None):
            name = min(outcome.tensors)
            bits = bytearray(outcome.bits[name])
            bits[0] ^= 1
            outcome.bits[name] = bytes(bits)
        return outcome

    monkeypatch.setattr(training_rounds, "trained", wrong)
    with pytest.raises(DifferenceError, match=said):
        held(0, tmp_path)
