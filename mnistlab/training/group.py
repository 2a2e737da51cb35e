"""Train several networks side by side, and do the work that is the same for all only once."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistlab.blocks.layers.dense.choice import MOST_NONZERO
from mnistlab.blocks.layers.dense.shared_input_lowering import (
    FirstLayer,
    first_layer,
    memory_of_group,
    side_by_side,
)
from mnistlab.config import RunConfig
from mnistlab.data import Dataset
from mnistlab.runtime.group_loop import loops_of_groups
from mnistlab.runtime.group_table import GroupTable, compile_group
from mnistlab.runtime.memory import Memory
from mnistlab.runtime.table import keep_compiled
from mnistlab.support.platform import system
from mnistlab.training.memory import nonzero_share
from mnistlab.training.run_length import run_length
from mnistlab.training.trainer import Trainer, steps_per_look, training_program

# The weights of a group's first layers: as many as fit into the L2 cache, and a quarter more, but
# at most 1 MB, which was measured with a cache of 2 MB. With one of 512 kB, a step of 784-10 takes
# 14.7 µs for each of 20 networks (10: 18.2; 33: 19.6).
MOST_BYTES = 1 << 20
L2_SHARE = 1.25


def joint_key(config: RunConfig, dataset: Dataset) -> Any:
    """Equal for configurations that can train side by side; None for one that cannot.

    Such networks see the same images in the same batches, have first layers of the same size and
    the same momentum in each step. They may differ in everything else, such as rates, penalties,
    initial weights and the layers above.
    """
    split, training = dataset.train, config.training
    # A group has no memory for augmented images or soft targets.
    if config.data.augment or config.loss.is_taught:
        return None
    layer = first_layer(training_program(config, dataset))
    # The group's first layer skips zero pixels, and takes them for zero inputs. A single layer of
    # few outputs does not skip them, whatever the images are.
    if layer is None or dataset.offset != 0 or nonzero_share(split) > MOST_NONZERO:
        return None
    images = (id(split.images), id(split.labels), id(split.indices), dataset.scale)
    update, steps = config.optimizer.fused(), run_length(config, len(split))
    return layer.operands, update, images, config.seed, training.shuffle, steps


def most_together(config: RunConfig, dataset: Dataset) -> int:
    """How many networks with a configuration's `joint_key` train side by side at best."""
    layer = first_layer(training_program(config, dataset))
    if layer is None:
        return 1
    size = layer.operands.inputs * layer.operands.units * np.dtype(np.float32).itemsize
    most = min(MOST_BYTES, int((system.l2_cache() or MOST_BYTES) * L2_SHARE))
    return max(1, most // size)


def compile_together(
    config: RunConfig, dataset: Dataset, count: int, tell: Callable[[str], None]
) -> None:
    """Compile what `count` networks with a configuration's `joint_key` need and the cache lacks."""
    program = training_program(config, dataset)
    layer = first_layer(program)
    if layer is not None:
        lists = side_by_side([layer] * count).lists.values()
        ops = [op for numbered in lists for _, op in numbered]
        keep_compiled(ops, program.dtype, tell, loops_of_groups(program.dtype))


@dataclass(frozen=True)
class _Members:
    """The trainers of a table."""

    trainers: tuple[Trainer, ...]
    tables: dict[str, GroupTable]
    memory: Memory


class Group:
    """Trains networks together, step by step, on one thread; each has the bits that it has alone.

    The trainers have the same `joint_key`, and each is compiled.
    """

    def __init__(self) -> None:
        self._members: _Members | None = None
        self._steps_per_look = 1

    def train_to(
        self, trainers: Sequence[Trainer], stop: int, look: Callable[[], None] = lambda: None
    ) -> list[Trainer]:
        """Train all trainers up to step `stop` as `Trainer.train_to` does; all are at the same
        step.

        Ends earlier if the loss of some of them is no longer finite, and returns those.
        """
        first = trainers[0]
        while first.step < stop - 1:
            diverged = self._run(trainers, min(stop - 1, first.step + self._steps_per_look))
            if diverged:
                return diverged
            look()
        if first.step < stop:
            for trainer in trainers:
                trainer.before_last_step()
            return self._run(trainers, stop)
        return []

    def _run(self, trainers: Sequence[Trainer], stop: int) -> list[Trainer]:
        members = self._of(tuple(trainers))
        first, steps = trainers[0], trainers[0].length
        own = first.memory_up_to(stop)
        group = members.memory._replace(order=own.order)
        shared = {name: getattr(group, name) for name in ("order", "batch", "targets")}
        memories = [t.memory_up_to(stop)._replace(**shared) for t in trainers]
        start, count = first.step % steps.steps_per_epoch, stop - first.step
        began = time.perf_counter()
        members.tables["pack"].run(memories, group, 1, 1, 0, 1, 0)
        done = members.tables["step"].run(
            memories, group, steps.batch, steps.images, start, start + count, first.step
        )
        members.tables["unpack"].run(memories, group, 1, 1, 0, 1, 0)
        seconds = time.perf_counter() - began
        self._steps_per_look = steps_per_look(self._steps_per_look, done, seconds)
        for trainer in trainers:
            trainer.step += done
            trainer.seconds += seconds / len(trainers)
        return [trainer for trainer in trainers if not np.isfinite(trainer.memory.totals[0])]

    def _of(self, trainers: tuple[Trainer, ...]) -> _Members:
        """The tables of these networks, rebuilt if others trained before."""
        if self._members is None or self._members.trainers != trainers:
            layers = [layer for t in trainers if (layer := first_layer(t.program)) is not None]
            self._members = _members(trainers, layers)
        return self._members


def _members(trainers: tuple[Trainer, ...], layers: Sequence[FirstLayer]) -> _Members:
    shared = side_by_side(layers)
    memory = memory_of_group(shared, [trainer.memory for trainer in trainers])
    return _Members(trainers, compile_group(shared.lists, trainers[0].program.dtype), memory)
