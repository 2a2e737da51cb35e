"""Runs and their drivers: a run requests steps, its driver trains them, alone or in a group.

A run is a generator. It yields each Stretch of steps that it needs, receives whether the loss is
finite, and returns its result. Everything else that it does, evaluation, tables, checkpoints, is
independent of other runs.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any

from mnistlab.experiment.callbacks import RunResult
from mnistlab.experiment.interruption import StopRequested, stop_signals
from mnistlab.runtime.threads import engine_threads
from mnistlab.store.run_log import at_level_of_logs
from mnistlab.training.group import Group, joint_key
from mnistlab.training.trainer import Trainer


@dataclass(frozen=True)
class Stretch:
    """Steps that a run needs: `trainer` must be trained up to step `stop`, within its epoch.

    `look` is called between steps several times a second, and may raise.
    """

    trainer: Trainer
    stop: int
    look: Callable[[], None]


Training = Generator[Stretch, bool, RunResult]


def trained(training: Training) -> RunResult:
    """Train a run by itself until it ends."""
    try:
        stretch = next(training)
        while True:
            try:
                finite = stretch.trainer.train_to(stretch.stop, stretch.look)
            except BaseException as error:
                stretch = training.throw(error)
            else:
                stretch = training.send(finite)
    except StopIteration as end:
        result: RunResult = end.value
        return result


class _Together:
    """Runs in progress, each with the stretch that it waits for."""

    def __init__(self, ended: Callable[[str, Exception | None], None]) -> None:
        self.ended = ended
        self.stretches: dict[str, Stretch] = {}
        self._trainings: dict[str, Training] = {}
        self._contexts: dict[str, Context] = {}
        self._keys: dict[str, Any] = {}
        self._groups: dict[Any, Group] = {}

    def begin(self, name: str, training: Training) -> None:
        """Start a run, up to its first stretch."""
        self._trainings[name] = training
        # What a run sets for itself, such as its log, does not affect the others.
        self._contexts[name] = copy_context()
        self._go_on(name, training.__next__)
        if name in self.stretches:
            trainer = self.stretches[name].trainer
            self._keys[name] = joint_key(trainer.config, trainer.dataset)

    def _go_on(self, name: str, resumed: Callable[..., Stretch], *sent: Any) -> None:
        """Resume a run's generator until its next stretch or its end."""
        self.stretches.pop(name, None)
        error = None
        try:
            self.stretches[name] = self._contexts[name].run(resumed, *sent)
            return
        except StopIteration:
            pass
        except Exception as raised:
            error = raised
        self.ended(name, error)

    def stop(self, error: BaseException) -> None:
        """Raise an error in every run: each saves what it has, and records why it stopped."""
        for name in list(self.stretches):
            with suppress(KeyboardInterrupt):
                self._go_on(name, self._trainings[name].throw, error)

    def train(self) -> None:
        """Train the runs that are behind, until one of them has to stop."""
        step = min(stretch.trainer.step for stretch in self.stretches.values())
        names = self._beside(step)
        members = [self.stretches[name] for name in names]
        ahead = [s.trainer.step for s in self.stretches.values() if s.trainer.step > step]
        stop = min([*(stretch.stop for stretch in members), *ahead])

        def look() -> None:
            for stretch in members:
                stretch.look()

        trainers = [stretch.trainer for stretch in members]
        if len(trainers) == 1:
            diverged = [] if trainers[0].train_to(stop, look) else trainers
        else:
            group = self._groups.setdefault(self._keys[names[0]], Group())
            diverged = group.train_to(trainers, stop, look)
        for name, stretch in zip(names, members, strict=True):
            finite = stretch.trainer not in diverged
            if not finite or stretch.trainer.step == stretch.stop:
                self._go_on(name, self._trainings[name].send, finite)

    def _beside(self, step: int) -> list[str]:
        """The first run at this step, and all that can train beside it."""
        behind = [n for n, stretch in self.stretches.items() if stretch.trainer.step == step]
        key = self._keys[behind[0]]
        return behind[:1] if key is None else [n for n in behind if self._keys[n] == key]


def train_together(
    trainings: Mapping[str, Training], ended: Callable[[str, Exception | None], None]
) -> None:
    """Train runs until they end, on one thread, side by side if possible.

    `ended` receives the name of each run when it ends, and the error that ended it, if any. Each
    run writes the same files as when it is trained by itself, bit for bit. A signal stops all.
    """
    together = _Together(ended)
    with engine_threads(1), stop_signals(), at_level_of_logs():
        try:
            for name, training in trainings.items():
                together.begin(name, training)
            while together.stretches:
                together.train()
        except BaseException as error:
            together.stop(error)
            if not isinstance(error, Exception | StopRequested):
                raise
