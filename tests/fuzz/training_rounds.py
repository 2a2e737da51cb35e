"""A drawn training held to the equations, to its own bits on two threads, and to them resumed."""

import dataclasses
import json
import os
import signal
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import numpy as np
from data_oracle import DoesNotFitError
from run_oracle import Outcome, run_by_equations
from safetensors.numpy import load_file
from watched import watched

from mnistlab.blocks.layers.dense import choice
from mnistlab.data import Source
from mnistlab.data.arrays import Arrays, digest
from mnistlab.experiment import dataset
from mnistlab.experiment.callbacks import RunCallback
from mnistlab.experiment.run_options import RunOptions
from mnistlab.python.commands.resume import resume
from mnistlab.python.commands.train import train
from mnistlab.runtime import builder, lanes
from mnistlab.runtime.threads import Pace
from mnistlab.store.metrics import read_metrics
from mnistlab.support.errors import UsageError
from mnistlab.training import trainer

TOLERANCE = 1e-9
# Runs with noise of the size of rounding, and how much larger than theirs a difference must be for
# it to be a fault.
NOISY_RUNS, AS_ROUNDING = 8, 1000
ROW = [
    "epoch",
    "step",
    "lr",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "test_loss",
    "test_accuracy",
    "penalty",
]


class DifferenceError(AssertionError):
    """The engine and the equations do not agree, or two runs do not agree in every bit."""


class StopAt(RunCallback):
    """Asks the run to stop, as Ctrl-C does, once it is at a step."""

    def __init__(self, step):
        self.step = step

    def on_progress(self, progress):
        self._ask(progress.step)

    def on_row(self, row):
        self._ask(row.step)

    def _ask(self, step):
        if self.step is not None and step >= self.step:
            self.step = None
            signal.raise_signal(signal.SIGINT)


@contextmanager
def engine_for(drawn):
    """The engine as a drawn training needs it: its images, and every thread used from the start.

    Where the draw says so, little work is divided, listed or worked on in parts as much would be.
    """
    images = drawn.images
    names = tuple(str(label) for label in range(images.classes))
    parts = images.train_images, images.train_labels, images.test_images, images.test_labels
    source = Source("drawn", *parts, names, digest(Arrays(*parts)))
    changes = [
        (dataset, "open_source", lambda *arguments, **options: source),
        (Pace, "choose", lambda self, most, steps: (most, steps)),
        # No power is cut here, and waiting for the disk is half of the time.
        (os, "fsync", lambda descriptor: None),
    ]
    if drawn.forced:
        changes += [
            (lanes, "WORK_PER_LANE", 1),
            (lanes, "ROWS_PER_LANE", 1),
            (choice, "PIXELS_WORTH_LISTING", 25),
            # The kernel that skips zeros behind a ReLU never meets a batch in parts.
            [(builder, "MOST_ROWS", 7), (choice, "INPUTS_WORTH_LISTING", 16)][drawn.number % 2],
        ]
    with ExitStack() as stack:
        for where, name, value in changes:
            stack.enter_context(patch.object(where, name, value))
        yield


def trained(config, folder, threads, stop_at=None):
    """The outcome of a run of the engine; stopped at a step and resumed, where one is given."""
    options = RunOptions(data_dir=folder / "data", threads=threads)
    with ExitStack() as stack:
        callbacks = []
        if stop_at is not None:
            stack.enter_context(patch.object(trainer, "SECONDS_BETWEEN_LOOKS", 0.0))
            callbacks = [StopAt(stop_at)]
        result = train(
            config, folder / "runs", dataclasses.replace(options, callbacks=callbacks), plots=False
        )
    if result.status == "interrupted":
        result = resume(result.run_dir, options, plots=False)
    run_dir = result.run_dir
    record = json.loads((run_dir / "run.json").read_text(encoding="utf-8"))
    rows = [
        {name: getattr(row, name) for name in ROW} for row in read_metrics(run_dir / "metrics.csv")
    ]
    tensors = load_file(run_dir / "weights.safetensors")
    best = record["best"]
    return Outcome(
        status=result.status,
        rows=rows,
        tensors=tensors,
        metrics={name: value for name, value in record["metrics"].items() if value is not None},
        best_step=best["step"] if best else None,
        bits={
            "rows": repr(rows),
            "status": result.status,
            **{name: tensor.tobytes() for name, tensor in tensors.items()},
        },
    )


def distance(a, b):
    """The largest difference, relative to the scale of the second; 0 where both are not finite."""
    if a is None or b is None:
        return 0.0 if a is b else np.inf
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape or (np.isfinite(a) != np.isfinite(b)).any():
        return np.inf
    finite = np.isfinite(b)
    if not finite.any():
        return 0.0
    return float(np.abs(a - b)[finite].max() / max(np.abs(b[finite]).max(), 1e-3))


def rows_apart(found, expected):
    """How far apart the rows of two outcomes are, by figure and row."""
    if len(found) != len(expected):
        return {"rows": np.inf}
    return {
        f"{name} of row {number}": distance(row.get(name), other.get(name))
        for number, (row, other) in enumerate(zip(found, expected, strict=True), 1)
        for name in ROW
    }


def distances(found, expected):
    """How far apart two outcomes are, by figure."""
    if found.status != expected.status:
        return {"status": np.inf}
    apart = rows_apart(found.rows, expected.rows)
    apart["best step"] = distance(found.best_step, expected.best_step)
    for name in found.metrics.keys() | expected.metrics.keys():
        apart[name] = distance(found.metrics.get(name), expected.metrics.get(name))
    for name in found.tensors.keys() | expected.tensors.keys():
        apart[name] = distance(found.tensors.get(name), expected.tensors.get(name))
    return apart


def hold(drawn, config, folder, read, float64_alone=False):
    """Train a draw in every way; says what came of it, or raises DifferenceError.

    `read` takes in which keys the second engine looked at. `float64_alone`: what is drawn in
    float32 is not trained in it, which needs every kernel compiled once more.
    """
    wide = config.model_copy(
        update={"training": config.training.model_copy(update={"dtype": "float64"})}
    )
    try:
        expected, key = run_by_equations(watched(wide, read), drawn.images), None
    except DoesNotFitError as error:
        expected, key = None, str(error)
    with engine_for(drawn):
        try:
            found, refusal = trained(wide, folder, 1), None
        except UsageError as error:
            found, refusal = None, str(error)
        if expected is None or found is None:
            return _refused_alike(key, refusal)
        outcome = _held_to_the_equations(found, expected, wide, drawn.images)
        if config.training.dtype == "float64" or float64_alone:
            _held_to_its_bits(found, wide, folder, drawn)
        else:
            _held_to_its_bits(trained(config, folder, 1), config, folder, drawn)
    return outcome


def _refused_alike(key, refusal):
    """The keys agree, but not with these images: a pool larger than what is left of them."""
    if key is None or refusal is None or key not in refusal:
        raise DifferenceError(f"by the equations unfit is {key}; the engine says {refusal}")
    return "does not fit its images"


def _faults(apart):
    return {name: far for name, far in apart.items() if not far <= TOLERANCE}


def _held_to_the_equations(found, expected, config, images):
    apart = distances(found, expected)
    faults = _faults(apart)
    if not faults:
        return found.status
    if expected.certain_rows is not None:
        rows = slice(expected.certain_rows)
        faults = _faults(rows_apart(found.rows[rows], expected.rows[rows]))
        if not faults:
            return "outgrew float64"
    noisy = [
        distances(run_by_equations(config, images, np.random.default_rng(run)), expected)
        for run in range(NOISY_RUNS)
    ]
    for name, far in faults.items():
        by_rounding = max(one.get(name, np.inf) for one in noisy)
        if not far <= AS_ROUNDING * by_rounding:
            raise DifferenceError(
                f"{name}: differs from the equations by {far:.1e} of its size; rounding moves it "
                f"by {by_rounding:.1e}; {len(faults)} of {len(apart)} figures differ"
            )
    return "decided by rounding"


def _held_to_its_bits(alone, config, folder, drawn):
    """The same on two threads, stopped at a step and resumed."""
    stop_at = drawn.random.randint(1, alone.rows[-1]["step"])
    wrong = _other_bits(alone, trained(config, folder, 2, stop_at))
    if wrong:
        resumed = _other_bits(alone, trained(config, folder, 1, stop_at))
        why = f"resumed after step {stop_at}" if resumed else "on two threads"
        raise DifferenceError(f"{why}, other bits in {', '.join(wrong)}")


def _other_bits(alone, other):
    names = alone.bits.keys() | other.bits.keys()
    return sorted(name for name in names if alone.bits.get(name) != other.bits.get(name))
