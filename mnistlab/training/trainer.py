"""Training, driven from Python: the compiled loop gets a part of an epoch at a time."""

import math
import time
from collections.abc import Callable
from typing import assert_never

import numba
import numpy as np

from mnistlab.blocks.penalties.maths import penalty
from mnistlab.blocks.schedules import Steps
from mnistlab.config import RunConfig
from mnistlab.data import Dataset, Split
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.program import Program
from mnistlab.runtime.streams import Purpose, random_stream
from mnistlab.runtime.table import Table, compile_tables
from mnistlab.runtime.threads import Pace, running_on
from mnistlab.training.inference import Evaluation, Inference
from mnistlab.training.lower import lower, regularized_tensors
from mnistlab.training.memory import nonzero_share, with_soft_targets, workspace
from mnistlab.training.run_length import run_length
from mnistlab.training.windows import AugmentedImages, Window

# The compiled loop returns this often, so that Python handles signals and shows progress.
SECONDS_BETWEEN_LOOKS = 0.1


def training_program(config: RunConfig, dataset: Dataset) -> Program:
    """The program that trains a configuration on a dataset."""
    steps = run_length(config, len(dataset.train))
    return lower(
        config,
        dataset.image_shape,
        len(dataset.class_names),
        steps.batch,
        nonzero_share=nonzero_share(dataset.train),
        smallest_batch=steps.smallest_batch,
        offset=dataset.offset,
    )


def steps_per_look(before: int, done: int, seconds: float) -> int:
    """The number of steps until the next look, if `done` steps took this many seconds."""
    fitting = int(SECONDS_BETWEEN_LOOKS * done / max(seconds, 1e-6))
    return max(1, min(fitting, 4 * before))


class Trainer:
    """A network in training: its parameters and its progress. Call `compile` first.

    `step` is the number of steps done.
    """

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        self.config = config
        self.dataset = dataset
        self.length = run_length(config, len(dataset.train))
        shape, classes = dataset.image_shape, len(dataset.class_names)
        self.program = training_program(config, dataset)
        pixel = (dataset.scale, dataset.offset)
        self.memory = workspace(self.program, dataset.train, self.program.capacity, pixel)
        if config.loss.is_taught:
            self.memory = with_soft_targets(self.memory, self.program)
        self._packed = False  # whether the weights lie as the ops need them, see `params`
        self.inference = Inference(config, shape, classes, *pixel, params=self.params)
        if self.inference.program.tensors != self.program.tensors:
            raise AssertionError("evaluation looks for the weights where training has others")
        self.step = 0
        self.falls: list[int] = []  # the steps from which on the learning rate is lower; see Steps
        self.seconds = 0.0  # of training steps only
        self.params_before_last_step = self.params.copy()
        self._augmented: AugmentedImages | None = None
        if self.program.augment:
            self._augmented = AugmentedImages(self.program, self.length.batch, self.length.images)
        self._evaluated: tuple[Split, np.ndarray, Evaluation] | None = None  # the last one
        self._tables: dict[str, Table] = {}
        self._order_epoch = -1
        self._steps_per_look = 1
        self._pace = Pace()

    def compile(self, tell: Callable[[str], None] = lambda text: None) -> None:
        """Compile the tables, or load them from the cache; `tell` receives messages about slow
        steps.
        """
        own, data = self.program.training, self.dataset
        self.inference.tell = tell
        of_inference = {
            f"evaluation: {name}": ops
            for name, ops in self.inference.lists_for(
                split for split in (data.validation, data.test) if len(split)
            ).items()
        }
        tables = compile_tables({**own, **of_inference}, self.program.dtype, tell)
        self._tables = {name: tables[name] for name in own}
        if self._augmented is not None:
            self._augmented.table = self._tables["augment"]
        self.inference.tables = {
            name.removeprefix("evaluation: "): tables[name] for name in of_inference
        }

    @property
    def params(self) -> np.ndarray:
        """The parameter vector, T (parameters,), changed in place by training.

        Between two steps of `train_to` its weights may lie in the order that the ops need, because
        a change of order takes as long as a step of a large network. To read this property restores
        the order of the tensors.
        """
        self._restore_order()
        return self.memory.params

    @property
    def states(self) -> dict[str, np.ndarray]:
        """The optimizer's state vectors, `state1` and so on; they share memory with the trainer."""
        self._restore_order()
        vectors = self.memory.states.reshape(-1, self.memory.params.size)
        return {f"state{number}": vector for number, vector in enumerate(vectors, 1)}

    @property
    def epoch(self) -> int:
        """The epoch that the last step belongs to, counted from 1."""
        return max(1, math.ceil(self.step / self.length.steps_per_epoch))

    @property
    def epochs_done(self) -> int:
        """The number of completed epochs."""
        return self.step // self.length.steps_per_epoch

    def _steps(self, first: int, last: int) -> Steps:
        numbers, length = np.arange(first, last), self.length
        return Steps(numbers, length.steps_per_epoch, length.steps, tuple(self.falls))

    def rates(self, first: int, last: int) -> np.ndarray:
        """The learning rates of the steps [first, last), float64."""
        return self.config.lr_schedule.rates(self.config.optimizer.lr, self._steps(first, last))

    def momenta(self, first: int, last: int) -> np.ndarray:
        """The momentum of the steps [first, last), float64."""
        return self.config.optimizer.momenta(self._steps(first, last))

    def order(self, epoch: int) -> np.ndarray:
        """The images of an epoch (counted from 0) in order: indices into the source, int64."""
        indices = self.dataset.train.indices
        shuffle = self.config.training.shuffle
        stream = random_stream(self.config.seed, Purpose.ORDER, epoch)
        match shuffle:
            case "none":
                return np.ascontiguousarray(indices)
            case "epoch":
                return stream.permutation(indices)
            case "replacement":
                return indices[stream.integers(0, len(indices), self.length.images)]
            case _:
                assert_never(shuffle)

    def train_to(self, stop: int, look: Callable[[], None] = lambda: None) -> bool:
        """Train up to step `stop`, within one epoch; False if the loss is no longer finite.

        Raises ValueError if `stop` is beyond the epoch of the next step. `look` is called several
        times a second, but not after the last step; it may raise to stop between two steps. The
        weights before the last step are kept.
        """
        if stop > (self.step // self.length.steps_per_epoch + 1) * self.length.steps_per_epoch:
            raise ValueError(f"step {stop} lies in a later epoch than step {self.step + 1}")
        try:
            while self.step < stop - 1:
                if not self._run(min(stop - 1, self.step + self._steps_per_look)):
                    return False
                look()
            if self.step < stop:
                self.before_last_step()
                return self._run(stop)
        finally:
            self._restore_order()
        return True

    def _restore_order(self) -> None:
        if self._packed:
            started = time.perf_counter()
            self._tables["unpack"].run_once(self.memory)
            self._packed = False
            self.seconds += time.perf_counter() - started

    def before_last_step(self) -> None:
        """Keep the weights before the last step; reset totals that are of the last batch alone."""
        self.params_before_last_step[:] = self.params
        of_batch_alone = {"running": False, "batch": True, "full": False}
        if of_batch_alone[self.config.training.train_metrics]:
            self.clear_totals()

    def memory_up_to(self, stop: int) -> Memory:
        """The memory for the steps up to `stop`, with the epoch's order and the rates."""
        epoch = self.step // self.length.steps_per_epoch
        if epoch != self._order_epoch:
            self.memory = self.memory._replace(order=self.order(epoch))
            self._order_epoch = epoch
        return self.memory._replace(
            rates=self.rates(self.step, stop),
            momenta=self.momenta(self.step, stop),
            rates_from=self.step,
        )

    def window(self, memory: Memory, step: int) -> Window:
        """The steps around one, counted from the run's first, and the images that they see."""
        epoch, place = divmod(step, self.length.steps_per_epoch)
        if self._augmented is None:
            return Window(memory, 0, self.length.steps_per_epoch, self.length.images)
        return self._augmented.window(memory, epoch, place)

    def _run(self, stop: int) -> bool:
        memory = self.memory_up_to(stop)
        first = self.step % self.length.steps_per_epoch
        count, done, finite = stop - self.step, 0, True
        started = time.perf_counter()
        if not self._packed:
            self._tables["pack"].run_once(memory)
            self._packed = True
        while done < count and finite:
            threads, steps = self._pace.choose(numba.get_num_threads(), count - done)
            with running_on(threads):
                window = self.window(memory, self.step + done)
                begun, start = time.perf_counter(), first + done - window.first
                steps = self._tables["step"].run(
                    window.memory,
                    self.length.batch,
                    window.images,
                    start,
                    min(start + steps, window.steps),
                    self.step + done,
                )
            self._pace.tell(threads, steps, time.perf_counter() - begun)
            done += steps
            finite = bool(np.isfinite(memory.totals[0]))
        seconds = time.perf_counter() - started
        self.seconds += seconds
        self.step += done
        self._steps_per_look = steps_per_look(self._steps_per_look, done, seconds)
        return finite

    def last_gradient(self) -> np.ndarray:
        """The gradient of the last step, T (parameters,)."""
        if not self.program.fused:
            return self.memory.grads
        place = (self.step - 1) % self.length.steps_per_epoch
        params = self.params_before_last_step.copy()
        # No step is taken, but ops that could take one read its rate and its momentum.
        memory = self.memory._replace(params=params, totals=np.zeros(3), rates_from=self.step - 1)
        window = self.window(memory, self.step - 1)
        start = place - window.first
        self._tables["gradient"].run(
            window.memory, self.length.batch, window.images, start, start + 1, self.step - 1
        )
        return memory.grads

    def clear_totals(self) -> None:
        """Reset the running means."""
        self.memory.totals[:] = 0

    def running(self) -> tuple[float, float]:
        """Mean loss and accuracy over the steps since the totals were cleared."""
        loss, correct, images = map(float, self.memory.totals)
        return (loss / images, correct / images) if images else (math.nan, math.nan)

    def is_finite(self) -> bool:
        """Whether every weight and bias is finite."""
        return bool(np.isfinite(self.params).all())

    def evaluate(self, split: Split) -> Evaluation:
        """The network's outputs and losses on every image of `split`, without dropout.

        Nothing is computed if the last call was about the same split and weights.
        """
        if self._evaluated is not None:
            of, weights, known = self._evaluated
            if of is split and np.array_equal(weights, self.params):
                return known
        found = self.inference.evaluate(split)
        self._evaluated = (split, self.params.copy(), found)
        return found

    def penalty(self) -> float:
        """The penalty on the current weights, float64."""
        settings = self.config.regularization
        return sum(
            penalty(self.params[t.offset : t.offset + t.size], settings.l1, settings.l2)
            for t in regularized_tensors(self.config, self.program.tensors)
        )
