"""The points of a sweep: which values go together in which trial."""

import hashlib
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistlab.config import RunConfig
from mnistlab.config.load_sweep import SweepSource, refuse, value_nodes
from mnistlab.config.places import Node
from mnistlab.config.sweep_checks import groups, number_of_values
from mnistlab.data import Dataset

# Draws that may find nothing new, for each point that is wanted, before the grid is gone through.
DRAWS_FOR_A_NEW_POINT = 20
# A later stage starts from a winner that is not known yet: it is tried on as many as these.
WINNERS_LOOKED_AT = 1000


@dataclass(frozen=True)
class Point:
    """One combination of values, by dotted path, each with the place where it was written."""

    settings: Mapping[str, Node]

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
    """Every point of a block that goes on from `winner`'s values, each once."""
    fixed = {**winner, **block.fixed}
    if source.config.method.type == "random":
        chosen = _random(source, block, source.config.method.trials)
    else:
        chosen = _grid(source, block)
    return [Point({**fixed, **values}) for values in chosen]


def shortages(source: SweepSource) -> list[str]:
    """What to say where a random search asks for more trials than there are different points."""
    method = source.config.method
    if method.type != "random":
        return []
    told = []
    for block in blocks(source):
        count = len(_random(source, block, method.trials))
        if count < method.trials:
            where = f"stage {block.name}: " if block.name else ""
            told.append(
                f"method: {where}{method.trials} trials are asked for, but these parameters have "
                f"{count} different points; each is tried once"
            )
    return told


def checked_points(source: SweepSource) -> list[tuple[Block, Point, RunConfig]]:
    """Every point that may come to be run, with its configuration; of a later stage, on top of
    each point that may win the stage before.

    Raises ConfigError with everything that is wrong with any of them.
    """
    problems, found = [], []
    possible: dict[str | None, Sequence[Mapping[str, Node]]] = {None: [{}]}
    for block in blocks(source):
        here = []
        for winner in possible[block.source][:WINNERS_LOOKED_AT]:
            for point in points(source, block, winner):
                config, faults = source.run_config(point.settings)
                problems += faults
                here.append(point.settings)
                if config is not None:
                    found.append((block, point, config))
        possible[block.name or ""] = here
    refuse(problems)
    return found


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


def _crossed(source: SweepSource, block: Block) -> list[list[str]]:
    """The keys of a block, those together that move together."""
    assert isinstance(block.parameters.value, dict)
    return [list(group) for group in groups(block.parameters.value, source.config.zip)]


def _grid(source: SweepSource, block: Block) -> list[dict[str, Node]]:
    """Every combination of a block's values, each once: 0.1 and 1e-1 are the same value."""
    choices = [_distinct(_choices(block, group)) for group in _crossed(source, block)]
    return [_merged(combination) for combination in itertools.product(*choices)]


def _random(source: SweepSource, block: Block, trials: int) -> list[dict[str, Node]]:
    """As many different random points, or as many as there are.

    Draw by draw, what was drawn before left out, so that the first points of a longer search are
    those of a shorter one.
    """
    crossed = _crossed(source, block)
    sizes = [_number_of_choices(block, group) for group in crossed]
    # None: a range, of which there is always another number.
    there = None if None in sizes else math.prod(size for size in sizes if size is not None)
    wanted = trials if there is None else min(trials, there)
    seed = _seed(source)
    found: dict[Any, dict[str, Node]] = {}
    for draw in range(trials + DRAWS_FOR_A_NEW_POINT * wanted):
        if len(found) == wanted:
            break
        values = _drawn(block, crossed, seed, draw)
        found.setdefault(_identity(values), values)
    if there is not None and len(found) < wanted:
        # Few are left to be found by chance: the rest come in the grid's order.
        for values in _grid(source, block):
            found.setdefault(_identity(values), values)
    return list(found.values())[:wanted]


def _number_of_choices(block: Block, group: Sequence[str]) -> int | None:
    """How many different values keys that move together have; None where they are drawn freely."""
    node = block.parameters.child(group[0])
    assert node is not None
    if number_of_values(node.plain()) is None:
        return None
    return len(_distinct(_choices(block, group)))


def _distinct(choices: Sequence[dict[str, Node]]) -> list[dict[str, Node]]:
    """The first of each kind of equals."""
    return list({_identity(values): values for values in reversed(choices)}.values())[::-1]


def _identity(values: Mapping[str, Node]) -> Any:
    """What is equal for points that are equal, and can be a key."""
    return _frozen({key: node.plain() for key, node in values.items()})


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return frozenset((key, _frozen(inner)) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return tuple(_frozen(inner) for inner in value)
    return (isinstance(value, bool), value)  # true is no 1


def _choices(block: Block, group: Sequence[str]) -> list[dict[str, Node]]:
    """The values of keys that move together, one mapping for each of their steps."""
    columns = [_values(block, key) for key in group]
    return [dict(zip(group, values, strict=True)) for values in zip(*columns, strict=True)]


def _values(block: Block, key: str) -> list[Node]:
    node = block.parameters.child(key)
    assert node is not None
    return list(value_nodes(node))


def _merged(combination: Sequence[Mapping[str, Node]]) -> dict[str, Node]:
    return {key: node for values in combination for key, node in values.items()}


def _drawn(block: Block, crossed: Sequence[Sequence[str]], seed: int, draw: int) -> dict[str, Node]:
    """The values of one random trial; it depends on the seed, the keys and its number alone."""
    values: dict[str, Node] = {}
    for group in crossed:
        stream = _stream(seed, f"{block.label} {' '.join(group)}", draw)
        node = block.parameters.child(group[0])
        assert node is not None
        if number_of_values(node.plain()) is not None:
            choices = _choices(block, group)
            values |= choices[int(stream.integers(len(choices)))]
            continue
        for key in group:
            ranged = block.parameters.child(key)
            assert ranged is not None
            ((kind, (low, high)),) = ranged.plain().items()
            if kind == "uniform":
                number = float(stream.uniform(low, high))
            elif kind == "loguniform":
                number = float(np.exp(stream.uniform(np.log(low), np.log(high))))
            else:
                raise ValueError(f"no range {kind!r} that is drawn from")
            # Six digits say all that a search can use, and can be read.
            values[key] = Node(float(f"{number:.6g}"), ranged.place, ranged.key_place)
    return values


def _stream(seed: int, name: str, draw: int) -> np.random.Generator:
    purpose = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    key = np.array([seed, purpose], dtype=np.uint64)
    counter = np.array([0, draw, 0, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def _seed(source: SweepSource) -> int:
    node = source.root.at(("run", "seed"))
    return node.value if node is not None and isinstance(node.value, int) else 0
