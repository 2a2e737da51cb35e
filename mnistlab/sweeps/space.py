"""The points of a sweep: which values go together in which trial."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from mnistlab.config import RunConfig, config_hash
from mnistlab.config.load_sweep import SweepSource, refuse
from mnistlab.config.places import Node, Problem
from mnistlab.config.ranges import number_of_values
from mnistlab.config.sweep import Grid, Random
from mnistlab.config.sweep_checks import groups
from mnistlab.data import Dataset
from mnistlab.support.wording import counted
from mnistlab.sweeps.candidates import Candidates

# After so many draws without a new point, the points that are left are listed instead.
REPEATS_IN_A_ROW = 100
# A later stage starts from a winner that is not known yet: it is tried on as many as these.
WINNERS_LOOKED_AT = 1000


@dataclass(frozen=True)
class Point:
    """One combination of values, by dotted path, each with the place where it was written.

    `config` is the trial's configuration, None where the values do not go together: `problems`.
    """

    settings: Mapping[str, Node]
    config: RunConfig | None
    problems: tuple[Problem, ...]

    @property
    def parameters(self) -> dict[str, Any]:
        """The values alone."""
        return {key: node.plain() for key, node in self.settings.items()}


@dataclass(frozen=True)
class Block:
    """Parameters tried together: a stage, or (`name` None) the whole of a sweep without stages."""

    name: str | None
    source: str | None  # the stage that it goes on from
    parameters: Node
    fixed: Mapping[str, Node]

    @property
    def label(self) -> str:
        return self.name or ""


def blocks(source: SweepSource) -> list[Block]:
    """The stages of a sweep in their order, or the one block of a sweep without."""
    whole = source.root.at(("parameters",))
    if whole is not None and source.config.parameters is not None:
        return [Block(None, None, whole, {})]
    found = []
    for index, stage in enumerate(source.config.stages or ()):
        parameters = source.root.at(("stages", index, "parameters"))
        fixed = {key: source.root.at(("stages", index, "set", key)) for key in stage.set}
        assert parameters is not None
        kept = {key: node for key, node in fixed.items() if node is not None}
        found.append(Block(stage.name, stage.source, parameters, kept))
    return found


def points(source: SweepSource, block: Block, winner: Mapping[str, Node]) -> list[Point]:
    """Every point of a block that goes on from `winner`'s values, each configuration once."""
    fixed = {**winner, **block.fixed}
    found: dict[str, Point] = {}

    def is_new(values: Mapping[str, Node]) -> bool:
        point = _point(source, {**fixed, **values})
        before = len(found)
        found.setdefault(_identity(point), point)
        return len(found) > before

    candidates = _candidates(source, block)
    match method := source.config.method:
        case Random():
            _draw(candidates, method.trials, is_new)
        case Grid():
            for values in candidates.grid():
                is_new(values)
        case _:
            assert_never(method)
    return list(found.values())


def _draw(
    candidates: Candidates, trials: int, is_new: Callable[[Mapping[str, Node]], bool]
) -> None:
    """Hand on what is drawn until `trials` were new, or there is nothing new any more.

    The first points of a longer search are those of a shorter one.
    """
    left, repeats, draw = trials, 0, 0
    while left and repeats < REPEATS_IN_A_ROW:
        if is_new(candidates.drawn(draw)):
            left, repeats = left - 1, 0
        else:
            repeats += 1
        draw += 1
    # Few points are left to be found by chance.
    for values in candidates.shuffled() if left else ():
        left -= is_new(values)
        if not left:
            return


def repetitions(source: SweepSource) -> list[str]:
    """What to say where there are fewer points than were asked for, as some would be equal."""
    told = []
    for block in blocks(source):
        asked, unit = _asked(source, block)
        count = len(points(source, block, {}))
        if count < asked:
            where = f"stage {block.name}: " if block.name else ""
            told.append(
                f"{where}{asked:,} {unit} are asked for, but they have only "
                f"{counted(count, 'different configuration')}; each is trained once"
            )
    return told


def _asked(source: SweepSource, block: Block) -> tuple[int, str]:
    """How many points a block would have if none were equal, and what they are called."""
    if source.config.method.type == "random":
        return source.config.method.trials, "random points"
    assert isinstance(block.parameters.value, dict)
    values = {key: node.plain() for key, node in block.parameters.value.items()}
    crossed = groups(values, source.config.zip)
    return math.prod(number_of_values(values[group[0]]) or 1 for group in crossed), "combinations"


def checked_points(source: SweepSource) -> list[tuple[Block, Point, RunConfig]]:
    """Every point that may come to be run, with its configuration; of a later stage, on top of
    each point that may win the stage before.

    Raises ConfigError with everything that is wrong with any of them.
    """
    problems: list[Problem] = []
    found = []
    possible: dict[str | None, Sequence[Mapping[str, Node]]] = {None: [{}]}
    for block in blocks(source):
        here = []
        for winner in possible[block.source][:WINNERS_LOOKED_AT]:
            for point in points(source, block, winner):
                problems += point.problems
                here.append(point.settings)
                if point.config is not None:
                    found.append((block, point, point.config))
        possible[block.name or ""] = here
    refuse(problems)
    return found


def _point(source: SweepSource, settings: Mapping[str, Node]) -> Point:
    config, problems = source.run_config(settings)
    if config is not None and source.config.stages is not None:
        config = without_test(config)
    return Point(settings, config, tuple(problems))


def _identity(point: Point) -> str:
    """Equal for points whose resolved configurations are equal; by their values for those that
    have none, so that each is told what is wrong with it."""
    if point.config is not None:
        return config_hash(point.config)
    return repr(point.parameters)


def _candidates(source: SweepSource, block: Block) -> Candidates:
    assert isinstance(block.parameters.value, dict)
    crossed = groups(block.parameters.value, source.config.zip)
    seed = source.root.at(("run", "seed"))
    number = seed.value if seed is not None and isinstance(seed.value, int) else 0
    return Candidates(block.parameters, crossed, number, block.label)


def without_test(config: RunConfig) -> RunConfig:
    """The configuration of a stage's trial: the test set is not looked at."""
    training = config.training.model_copy(update={"test": "never"})
    return config.model_copy(update={"training": training})


def repeated(config: RunConfig, seeds: int) -> list[RunConfig]:
    """The configuration with its seed, the next, and so on."""
    return [config.model_copy(update={"seed": config.seed + more}) for more in range(seeds)]


def refitted(config: RunConfig, dataset: Dataset, best: tuple[int, int] | None) -> RunConfig:
    """A winner's configuration, to be trained on training and validation images and tested once.

    `dataset` is the winner's: a limit on its training images is raised by the number of its
    validation images. Without validation there is no early stopping: `best`, the epoch and step
    at which the winner was best, is where the training ends instead.
    """
    images, classes = len(dataset.validation), len(dataset.class_names)
    limits = {
        "train_limit": config.data.train_limit and len(dataset.train) + images,
        "per_class_limit": config.data.per_class_limit
        and config.data.per_class_limit + -(-images // classes),
    }
    length: dict[str, Any] = {}
    if config.training.early_stopping is not None and best is not None:
        by_step = config.training.steps is not None
        length = {"steps": best[1]} if by_step else {"epochs": best[0]}
    training = {"test": "end", "early_stopping": None, **length}
    return config.model_copy(
        update={
            "data": config.data.model_copy(update={"validation": 0, **limits}),
            "training": config.training.model_copy(update=training),
        }
    )
