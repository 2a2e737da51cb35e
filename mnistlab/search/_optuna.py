"""Searches by the samplers of Optuna, which learn from results.

The study lives in memory and is told every result in the order of the points, so that its state
depends on the configuration and the results alone. A resumed sweep builds it again from the results
in the trials' folders.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, ClassVar

from pydantic import Field

from mnistlab.blocks.section import CountOrZero
from mnistlab.search import Result, Search, SearchMethod, Trials
from mnistlab.search.axes import Axis, Choice, ListedAxis, Values
from mnistlab.search.space import Space
from mnistlab.support.errors import UsageError

# After this many suggestions without a new point, one is drawn at random.
REPEATS_IN_A_ROW = 5


class SampledMethod(SearchMethod):
    """A method whose points a sampler of Optuna chooses."""

    trials: Trials = Field(description="The number of points.")
    seed: CountOrZero | None = Field(
        default=None, description="The seed of the method. Default: the run's seed."
    )

    learns: ClassVar[bool] = True
    one_by_one: ClassVar[bool] = True
    # The first points of a longer search are those of a shorter one.
    grows_by: ClassVar[tuple[str, ...]] = ("trials",)
    # Other packages that the sampler imports.
    needs: ClassVar[tuple[str, ...]] = ()

    def sampler(self, optuna: ModuleType, seed: int) -> Any:
        """The sampler, an optuna.samplers.BaseSampler."""
        raise NotImplementedError(f"method {self.type}: has no sampler")

    def start(self, space: Space) -> Search[Values]:
        optuna = _imported(self.type, self.needs)
        seed = int(space.stream("seed of the sampler").integers(2**32))
        if self.seed is not None:
            seed = self.seed % 2**32
        with _without_warnings():
            return StudySearch(optuna, space, self.sampler(optuna, seed), self.trials)

    def asks(self, sizes: Sequence[int | None]) -> int:
        return self.trials


class StudySearch(Search[Values]):
    """An Optuna study of a space: `trials` points, each asked for by itself."""

    def __init__(self, optuna: ModuleType, space: Space, sampler: Any, trials: int) -> None:
        self.optuna = optuna
        self.space = space
        self.left = trials
        directions = ["maximize"] * space.scores
        self.study = optuna.create_study(sampler=sampler, directions=directions)
        self._open: dict[str, Any] = {}  # the study's trials whose results are not known yet
        self._asked: dict[str, Any] = {}  # those whose results are known

    def ask(self) -> list[Values]:
        """The next point, if there is a new one."""
        if not self.left:
            return []
        self.left -= 1
        with _without_warnings():
            trial, values = self._new() or self._drawn() or (None, {})
        if trial is None:
            return []
        self._open[repr(values)] = trial
        return [values]

    def tell(self, result: Result[Values]) -> None:
        optuna, state = self.optuna, self.optuna.trial.TrialState
        # A point without a score is worse than all others; a failed one would be ignored.
        state = state.PRUNED if result.score is None else state.COMPLETE
        trial = self._open.pop(repr(result.point), None)
        reached = {} if result.stopped is None else result.curve
        scores = None if result.score is None else [result.score, *result.others]
        if trial is not None:
            self._asked[repr(result.point)] = trial
            for epoch, score in reached.items():
                trial.report(score, epoch)
            self.study.tell(trial, scores, state=state)
            return
        # A trial that was stopped and resumed: the study learns its longer curve as another trial.
        first = self._asked[repr(result.point)]
        self.study.add_trial(
            optuna.trial.create_trial(
                state=state,
                values=scores,
                params=first.params,
                distributions=first.distributions,
                intermediate_values=dict(reached),
            )
        )

    def _new(self) -> tuple[Any, Values] | None:
        """A new point by the sampler; None if it keeps suggesting earlier ones."""
        for _ in range(REPEATS_IN_A_ROW):
            trial = self.study.ask()
            values = self._suggested(trial)
            if self.space.is_new(values):
                return trial, values
            self.study.tell(trial, state=self.optuna.trial.TrialState.FAIL)
        return None

    def _drawn(self) -> tuple[Any, Values] | None:
        """A new point drawn at random; None if no new point is left."""
        drawn = self.space.draw(1)
        if not drawn:
            return None
        (values,) = drawn
        fixed: dict[str, Any] = {}
        for axis in self.space.axes:
            if self.space.is_tried(axis, values):
                fixed |= _fixed(axis, values)
        self.study.enqueue_trial(fixed)
        trial = self.study.ask()
        self._suggested(trial)
        return trial, values

    def _suggested(self, trial: Any) -> Values:
        values: dict[str, Choice | int | float] = {}
        for axis in self.space.axes:
            if self.space.is_tried(axis, values):
                values |= _suggested(axis, trial)
        return values


def _suggested(axis: Axis, trial: Any) -> Values:
    """A trial's values for the keys of an axis."""
    if isinstance(axis, ListedAxis):
        name, count = axis.keys[0], len(axis.values)
        if axis.is_ordered:
            return axis.values[trial.suggest_int(name, 0, count - 1)]
        return axis.values[trial.suggest_categorical(name, range(count))]
    values: dict[str, Choice | int | float] = {}
    for key, one in axis.ranges.items():
        suggest = trial.suggest_int if one.whole else trial.suggest_float
        values[key] = one.nearest(suggest(key, one.low, one.high, log=one.logarithmic))
    return values


def _fixed(axis: Axis, values: Values) -> dict[str, Any]:
    """The parameters of the study for values of an axis."""
    if isinstance(axis, ListedAxis):
        wanted = {key: values[key] for key in axis.keys}
        return {axis.keys[0]: list(axis.values).index(wanted)}
    return {key: min(max(values[key], one.low), one.high) for key, one in axis.ranges.items()}  # type: ignore[type-var]


def _imported(method: str, needs: Sequence[str]) -> ModuleType:
    """Optuna; raises UsageError if it, or another package that the method needs, is missing."""
    import importlib

    for name in ("optuna", *needs):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            extra = "pip install 'mnistlab[search]'" + (" torch" if "torch" in needs else "")
            raise UsageError(f"method {method}: needs {error.name}: {extra}") from error
    optuna = importlib.import_module("optuna")
    # Optuna prints a line for every trial; a sweep has its own.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Without Optuna's warnings that an argument is experimental: its version is bounded."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="optuna")
        warnings.filterwarnings("ignore", message=".*experimental.*")
        yield
