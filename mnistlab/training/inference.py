"""A network without training: its outputs, losses, activations and saliency for images."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from mnistlab.blocks.layers.dense.choice import MOST_NONZERO
from mnistlab.blocks.losses._head import ExactHeadOperands
from mnistlab.config import RunConfig
from mnistlab.data import Split
from mnistlab.runtime.memory import Memory, zeros
from mnistlab.runtime.op import Op
from mnistlab.runtime.params import views
from mnistlab.runtime.program import LayerSpec, Program
from mnistlab.runtime.table import Table, compile_tables
from mnistlab.training.lower import lower
from mnistlab.training.memory import nonzero_share, workspace

# Images evaluated at once: enough for BLAS, few enough to stay in the cache.
EVALUATION_ROWS = 512
# The layers whose values can be requested. The others are part of these or change no value.
LAYER_KINDS = ("conv", "pool", "dense")


@dataclass(frozen=True)
class Evaluation:
    """The network's results for a split: outputs (images, classes), float64 losses (images,)."""

    outputs: np.ndarray
    losses: np.ndarray
    labels: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """The class of each image's largest output, the first of equal ones; int64 (images,)."""
        return np.argmax(self.outputs, axis=1)

    @property
    def loss(self) -> float:
        return float(self.losses.mean())

    @property
    def accuracy(self) -> float:
        return float((self.predicted == self.labels).mean())


@dataclass(frozen=True)
class EvaluationPrograms:
    """Two programs for the same weights: for any images, and for images that are mostly zero."""

    plain: Program
    sparse: Program

    @property
    def lists(self) -> dict[str, tuple[Op, ...]]:
        """The lists of ops to compile, by name."""
        sparse = {f"{name} sparse": ops for name, ops in self.sparse.evaluation.items()}
        return {**self.plain.evaluation, **sparse}


def evaluation_programs(
    config: RunConfig, image_shape: tuple[int, int], classes: int
) -> EvaluationPrograms:
    """The evaluation programs of a configuration for images (height, width)."""
    plain, sparse = (
        lower(config, image_shape, classes, EVALUATION_ROWS, training=False, nonzero_share=share)
        for share in (1.0, MOST_NONZERO)
    )
    return EvaluationPrograms(plain, sparse)


class Inference:
    """A network without dropout, for images (height, width).

    Its input is `pixel * scale + offset`. `params` is the parameter vector, T (parameters,): a
    vector to share, or a new one of zeros. Between calls it keeps no memory except the parameters.
    Images that are mostly zero use another program; the outputs are equal up to rounding.
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
        self._programs = evaluation_programs(config, image_shape, classes)
        self.program = self._programs.plain
        self.image_shape = image_shape
        self.pixel = (scale, offset)
        self.params = (
            np.zeros(self.program.sizes.parameters, self.program.dtype)
            if params is None
            else params
        )
        # The compiled `lists`. Each is compiled by `compile` or before its first use.
        self.tables: dict[str, Table] = {}
        self.tell: Callable[[str], None] = lambda text: None  # receives messages about slow steps
        self._gradient_table: Table | None = None

    @property
    def lists(self) -> dict[str, tuple[Op, ...]]:
        """The lists of ops that must be compiled, by name."""
        return self._programs.lists

    def lists_for(self, splits: Iterable[Split]) -> dict[str, tuple[Op, ...]]:
        """Those of `lists` that these splits need."""
        names = {name for split in splits for name in self._names(split)}
        return {name: ops for name, ops in self.lists.items() if name in names}

    def compile(self) -> None:
        """Compile all tables, or load them from the cache."""
        self._compiled(*self.lists)

    def _compiled(self, *names: str) -> list[Table]:
        lacking = {name: self.lists[name] for name in names if name not in self.tables}
        if lacking:
            self.tables |= compile_tables(lacking, self.program.dtype, self.tell)
        return [self.tables[name] for name in names]

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """Every weight and bias by its name, in its shape; they share memory with `params`."""
        return views(self.program.tensors, self.params)

    def evaluate(self, split: Split) -> Evaluation:
        """The network's outputs and losses on every image of `split`."""
        table, memory = self._forward(split)
        batches = math.ceil(len(split) / memory.capacity)
        table.run(memory, memory.capacity, len(split), 0, batches, 0)
        outputs = memory.outputs.reshape(len(split), self.program.classes)
        return Evaluation(outputs, memory.losses, memory.labels[memory.order])

    def outputs(self, images: np.ndarray) -> np.ndarray:
        """The network's outputs, T (n, classes), on images uint8 (n, height, width)."""
        return self.evaluate(_unlabelled(images)).outputs

    def logits(self, images: np.ndarray) -> np.ndarray:
        """The input of the output activation, T (n, classes); images uint8 (n, height, width)."""
        # The last layer is the output activation: the slot of the one before has its input.
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
        """The output of each convolution, pooling and dense layer, T (n, *output shape), by name.

        The output includes the activation that directly follows the layer; that of the last dense
        layer is the network's output. `images` is uint8 (n, height, width). `layers` names the
        requested layers, all by default. Raises KeyError for an unknown name.
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
        """Saliency: minus the gradient of the loss by each pixel, T (n, height, width).

        The loss is that of `classes` as labels, integers (n,); under cross_entropy, minus the loss
        is log p_class. Its direction is right even where p_class rounds to 1. The unit is per pixel
        value, 0 to 255. `images` is uint8 (n, height, width).
        """
        program = self.program
        if self._gradient_table is None:
            # Each image has its own gradient, not divided by the number of images.
            head = program.training_head.having(mean=False)
            if isinstance(head.operands, ExactHeadOperands):
                head = head.having(exact=True)
            ops = (*program.forward, head, *program.deltas)
            self._gradient_table = compile_tables({"gradient": ops}, program.dtype, self.tell)[
                "gradient"
            ]
        split = replace(_unlabelled(images), labels=np.asarray(classes, np.uint8))
        (pack,) = self._compiled("pack")
        memory = self._memory(program, pack, split)
        memory = memory._replace(deltas=np.zeros_like(memory.activations))
        gradient = np.empty((len(images), *self.image_shape), program.dtype)
        for first, last in self._each_batch(self._gradient_table, memory):
            of_input = memory.deltas[: (last - first) * program.pixels]
            gradient[first:last] = of_input.reshape(-1, *self.image_shape)
        gradient *= -self.pixel[0]
        return gradient

    def _names(self, split: Split) -> tuple[str, str]:
        """The names of the lists for a split: the one that packs the weights, and the one that
        evaluates.
        """
        sparse = self._programs.sparse
        lists_pixels = sparse.sizes.listed_bits != self.program.sizes.listed_bits
        if lists_pixels and nonzero_share(split) <= MOST_NONZERO:
            return "pack sparse", "evaluate sparse"
        return "pack", "evaluate"

    def _forward(self, split: Split) -> tuple[Table, Memory]:
        """The table and the memory for evaluating a split."""
        names = self._names(split)
        pack, evaluate = self._compiled(*names)
        program = self.program if names[0] == "pack" else self._programs.sparse
        return evaluate, self._memory(program, pack, split)

    def _memory(self, program: Program, pack: Table, split: Split) -> Memory:
        params = self.params
        if program.pack:  # reorders a copy: other threads may read the original
            params = zeros(params.size, params.dtype)
            params[:] = self.params
        rows = max(1, min(program.capacity, len(split)))
        memory = workspace(program, split, rows, self.pixel, len(split), params)
        pack.run_once(memory)
        return memory

    def _each_batch(self, table: Table, memory: Memory) -> Iterator[tuple[int, int]]:
        """Run the batches; yields the images [first, last) whose values are in the memory."""
        count, rows = len(memory.order), memory.capacity
        for index in range(math.ceil(count / rows)):
            memory.totals[:] = 0
            table.run(memory, rows, count, index, index + 1, 0)
            yield index * rows, min((index + 1) * rows, count)


def _unlabelled(images: np.ndarray) -> Split:
    """Images uint8 (n, height, width) as a split with meaningless labels."""
    images = np.ascontiguousarray(images)
    return Split(images, np.zeros(len(images), np.uint8), np.arange(len(images)))


def _slot(memory: Memory, layer: LayerSpec, rows: int) -> np.ndarray:
    """The output of a layer after its activation, T (rows, *output shape); it shares memory."""
    begin = layer.activation_slot * memory.capacity
    size = rows * math.prod(layer.output_shape)
    return memory.activations[begin : begin + size].reshape(rows, *layer.output_shape)
