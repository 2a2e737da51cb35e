"""A network that looks at images and learns nothing: its outputs, losses, activations, saliency."""

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np

from mnistlab.config import RunConfig
from mnistlab.data import Split
from mnistlab.engine import choice
from mnistlab.engine.compiling import compile_tables
from mnistlab.engine.epoch import run_batches
from mnistlab.engine.lower import lower
from mnistlab.engine.memory import allocate, lit_share, zeros
from mnistlab.engine.params import views
from mnistlab.engine.program import LayerSpec, Memory, Op, Program

# Images evaluated at once: enough for BLAS, little enough to stay in the cache.
EVALUATION_ROWS = 512
# The kinds of layers whose values are asked for; the others stand within these, or change none.
LAYER_KINDS = ("conv", "pool", "dense")


@dataclass(frozen=True)
class Evaluation:
    """What the network says of a split: outputs (images, classes), float64 losses (images,)."""

    outputs: np.ndarray
    losses: np.ndarray
    labels: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """The class of the largest output of each image, the first of equals; int64 (images,)."""
        return np.argmax(self.outputs, axis=1)

    @property
    def loss(self) -> float:
        return float(self.losses.mean())

    @property
    def accuracy(self) -> float:
        return float((self.predicted == self.labels).mean())


@dataclass(frozen=True)
class Ways:
    """Two programs for the same weights: for any images, and for those that are mostly dark."""

    plain: Program
    of_dark: Program

    @property
    def lists(self) -> list[tuple[Op, ...]]:
        """The lists of ops to be compiled."""
        programs = (self.plain, self.of_dark)
        return [ops for one in programs for ops in (one.enter, one.evaluation)]


def ways(config: RunConfig, image_shape: tuple[int, int], classes: int) -> Ways:
    """The programs that look at images (height, width) and learn nothing."""
    plain, of_dark = (
        lower(config, image_shape, classes, EVALUATION_ROWS, training=False, lit_share=share)
        for share in (1.0, choice.MOST_LIT)
    )
    return Ways(plain, of_dark)


class Inference:
    """A network without dropout, on images (height, width). `compile` it before anything else.

    It sees `pixel * scale + offset`. `params` is the parameter vector, T (parameters,): its own,
    all zero, unless one is given to share. No memory is held between calls but the parameters.
    Images that are mostly dark take another way to the same outputs, up to rounding.
    """

    def __init__(
        self,
        config: RunConfig,
        image_shape: tuple[int, int],
        classes: int,
        scale: float,
        offset: float,
        params: np.ndarray | None = None,
    ) -> None:
        self._ways = ways(config, image_shape, classes)
        self.program = self._ways.plain
        self.image_shape = image_shape
        self.pixel = (scale, offset)
        self.params = np.zeros(self.program.size, self.program.dtype) if params is None else params
        self.tables: list[np.ndarray] = []  # of `lists`, once they are compiled
        self._gradient_table: np.ndarray | None = None

    @property
    def lists(self) -> list[tuple[Op, ...]]:
        """The lists of ops that it needs compiled."""
        return self._ways.lists

    def compile(self, tell: Callable[[str], None] = lambda text: None) -> None:
        """Make the compiled tables, or load them from the cache; `tell` hears what takes long."""
        self.tables = compile_tables(self.lists, self.program.dtype, tell)

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """Every weight and bias by its name, in its shape, sharing memory with `params`."""
        return views(self.program.tensors, self.params)

    def evaluate(self, split: Split) -> Evaluation:
        """The network's outputs and losses on every image of `split`."""
        table, memory = self._forward(split)
        batches = math.ceil(len(split) / memory.capacity)
        run_batches(table, memory, memory.capacity, len(split), 0, batches, 0)
        outputs = memory.outputs.reshape(len(split), self.program.classes)
        return Evaluation(outputs, memory.losses, memory.labels[memory.order])

    def outputs(self, images: np.ndarray) -> np.ndarray:
        """The network's outputs, T (n, classes), on images uint8 (n, height, width)."""
        return self.evaluate(_unlabelled(images)).outputs

    def logits(self, images: np.ndarray) -> np.ndarray:
        """What the output activation is given, T (n, classes); images uint8 (n, height, width)."""
        # The last layer is the output activation: the one before it left its input.
        slot = self.program.layers[-2].slot
        table, memory = self._forward(_unlabelled(images))
        logits = np.empty((len(images), self.program.classes), memory.params.dtype)
        for first, last in self._each_batch(table, memory):
            begin, size = slot * memory.capacity, (last - first) * self.program.classes
            values = memory.activations[begin : begin + size]
            logits[first:last] = values.reshape(-1, self.program.classes)
        return logits

    def activations(
        self, images: np.ndarray, layers: Collection[str] | None = None
    ) -> dict[str, np.ndarray]:
        """What leaves each convolution, pooling and dense layer, T (n, *output shape), by name.

        After the activation that directly follows it: the last dense layer's are the network's
        outputs. `images` is uint8 (n, height, width); `layers` names the layers wanted, all unless
        given. Raises KeyError for a name that is none.
        """
        known = {s.name: s for s in self.program.layers if s.kind in LAYER_KINDS}
        specs = [known[name] for name in (known if layers is None else layers)]
        table, memory = self._forward(_unlabelled(images))
        values = {
            spec.name: np.empty((len(images), *spec.output_shape), memory.params.dtype)
            for spec in specs
        }
        for first, last in self._each_batch(table, memory):
            for spec in specs:
                values[spec.name][first:last] = _slot(memory, spec, last - first)
        return values

    def input_gradient(self, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """How each pixel speaks for a class: d log p_class / d pixel, T (n, height, width).

        The loss's own gradient were the image of that class, its sign turned: under cross_entropy
        that of log p_class, under the other losses that of minus the loss. By pixel values of 0 to
        255. `images` is uint8 (n, height, width), `classes` are integers (n,).
        """
        program = self.program
        if self._gradient_table is None:
            # Each image has a gradient of its own: no mean over the batch is in it.
            head = program.training_head
            head = replace(head, operands={**head.operands, "mean": 0})
            ops = (*program.forward, head, *program.deltas)
            (self._gradient_table,) = compile_tables([ops], program.dtype)
        split = replace(_unlabelled(images), labels=np.asarray(classes, np.uint8))
        memory = self._memory(program, self.tables[0], split)
        memory = memory._replace(deltas=np.zeros_like(memory.activations))
        gradient = np.empty((len(images), *self.image_shape), program.dtype)
        for first, last in self._each_batch(self._gradient_table, memory):
            of_input = memory.deltas[: (last - first) * program.pixels]
            gradient[first:last] = of_input.reshape(-1, *self.image_shape)
        gradient *= -self.pixel[0]
        return gradient

    def _forward(self, split: Split) -> tuple[np.ndarray, Memory]:
        """The table and the memory to see a split with."""
        skips = self._ways.of_dark.lit != self.program.lit
        if skips and lit_share(split, self.pixel[1]) <= choice.MOST_LIT:
            enter, table = self.tables[2:]
            return table, self._memory(self._ways.of_dark, enter, split)
        enter, table = self.tables[:2]
        return table, self._memory(self.program, enter, split)

    def _memory(self, program: Program, enter: np.ndarray, split: Split) -> Memory:
        params = self.params
        if program.enter:  # brings weights into another order: in a copy, as others may read these
            params = zeros(params.size, params.dtype)
            params[:] = self.params
        rows = max(1, min(program.capacity, len(split)))
        memory = allocate(program, split, rows, self.pixel, len(split), params)
        run_batches(enter, memory, 1, 1, 0, 1, 0)
        return memory

    def _each_batch(self, table: np.ndarray, memory: Memory) -> Iterator[tuple[int, int]]:
        """Run batch after batch; gives the images [first, last) whose values are in the memory."""
        count, rows = len(memory.order), memory.capacity
        for index in range(math.ceil(count / rows)):
            memory.totals[:] = 0
            run_batches(table, memory, rows, count, index, index + 1, 0)
            yield index * rows, min((index + 1) * rows, count)


def _unlabelled(images: np.ndarray) -> Split:
    """Images uint8 (n, height, width) as a split whose labels mean nothing."""
    images = np.ascontiguousarray(images)
    return Split(images, np.zeros(len(images), np.uint8), np.arange(len(images)))


def _slot(memory: Memory, layer: LayerSpec, rows: int) -> np.ndarray:
    """What leaves a layer, after its activation: T (rows, *output shape), shared."""
    begin = layer.activation_slot * memory.capacity
    size = rows * math.prod(layer.output_shape)
    return memory.activations[begin : begin + size].reshape(rows, *layer.output_shape)
