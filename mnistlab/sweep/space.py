"""The points of a sweep: which values go together in which trial."""

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistlab.config import RunConfig
from mnistlab.config.load_sweep import SweepSource, refuse, value_nodes
from mnistlab.config.places import Node
from mnistlab.config.sweep_checks import groups, number_of_values
from mnistlab.data import Dataset

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
    """Every point of a block that goes on from `winner`'s values."""
    fixed = {**winner, **block.fixed}
    assert isinstance(block.parameters.value, dict)
    crossed = groups(block.parameters.value, source.config.zip)
    if source.config.method.type == "random":
        seed = _seed(source)
        draws = range(source.config.method.trials)
        chosen = [_drawn(block, crossed, seed, draw) for draw in draws]
    else:
        choices = [_choices(block, group) for group in crossed]
        chosen = [_merged(combination) for combination in itertools.product(*choices)]
    return [Point({**fixed, **values}) for values in chosen]


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
