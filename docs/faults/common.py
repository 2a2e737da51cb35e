"""Shared by the five reports' modules: images, gradient descent, finite differences.

`Params` is a network, {name: array}. A loss is a function of (params, x, labels) that returns a
float; a gradient returns {name: array}. x is (batch, pixels) or (batch, height, width), labels are
(batch,).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from mnistlab.data import open_source
from mnistlab.runtime.program import TensorSpec
from mnistlab.support.paths import data_dir
from mnistlab.training.gradcheck import IMAGES, JITTER, TensorCheck, check_tensor

Params = dict[str, np.ndarray]
Gradient = Callable[[Params, np.ndarray, np.ndarray], Params]
Loss = Callable[[Params, np.ndarray, np.ndarray], float]
Logits = Callable[[Params, np.ndarray], np.ndarray]
Batch = tuple[np.ndarray, np.ndarray]
CLASSES = 10


@dataclass(frozen=True)
class Digits:
    """Images float32 (n, 784), pixels 0 to 1, and labels (n,), in the order of the files."""

    train_x: np.ndarray
    train_labels: np.ndarray
    test_x: np.ndarray
    test_labels: np.ndarray

    @property
    def sample(self) -> Batch:
        """The images that `mnistlab check` uses: the first 16, float64, with their labels."""
        return self.train_x[:IMAGES].astype(np.float64), self.train_labels[:IMAGES]


@dataclass(frozen=True)
class Section:
    """The section on a report's faults: Markdown, and a figure with its caption, if any."""

    text: str
    figure: Figure | None = None
    caption: str = ""


def load(source: str = "mnist", folder: Path | None = None) -> Digits:
    """A dataset as arrays; it is downloaded if missing."""
    found = open_source(source, data_dir=data_dir(folder))
    train, test = (
        images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
        for images in (found.train_images, found.test_images)
    )
    return Digits(train, np.asarray(found.train_labels), test, np.asarray(found.test_labels))


def relu(z: np.ndarray) -> np.ndarray:
    """max(z, 0)."""
    return np.maximum(z, 0)


def softmax(z: np.ndarray) -> np.ndarray:
    """exp(z) / Σ exp(z) by row; the row's maximum is subtracted first, so that exp is finite."""
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def cross_entropy(z: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """−log softmax(z) at the label (batch,), for logits z (batch, classes)."""
    above = z - z.max(axis=1, keepdims=True)
    return np.log(np.exp(above).sum(axis=1)) - above[np.arange(len(z)), labels]


def one_hot(labels: np.ndarray, dtype: np.typing.DTypeLike) -> np.ndarray:
    """(batch, classes), 1 at the label."""
    return np.eye(CLASSES, dtype=dtype)[labels]


def normal(
    seed: int, shapes: Mapping[str, tuple[int, ...]], std: float | Mapping[str, float] = 1.0
) -> Params:
    """Tensors from N(0, std²), float32; a tensor that a mapping `std` does not name is zero."""
    stream = np.random.default_rng(seed)
    by_name = std if isinstance(std, Mapping) else dict.fromkeys(shapes, std)
    return {
        name: (by_name.get(name, 0.0) * stream.standard_normal(shape)).astype(np.float32)
        for name, shape in shapes.items()
    }


def in_order(x: np.ndarray, labels: np.ndarray, batch: int, epochs: int) -> Iterator[Batch]:
    """The batches of some epochs in the order of the files; the last of each may be smaller."""
    for _ in range(epochs):
        for start in range(0, len(x), batch):
            yield x[start : start + batch], labels[start : start + batch]


def descend(
    params: Params,
    gradient: Gradient,
    batches: Iterable[Batch],
    rate: Callable[[int], float | Mapping[str, float]],
) -> Params:
    """Gradient descent, W ← W − rate(step) · dW; a rate may be a number for each tensor.

    Returns a new network. A faulty rule may diverge to NaN; `accuracy` is then NaN.
    """
    params = {name: tensor.copy() for name, tensor in params.items()}
    with np.errstate(over="ignore", invalid="ignore"):
        for step, (x, labels) in enumerate(batches):
            rates = rate(step)
            for name, slope in gradient(params, x, labels).items():
                lr = rates[name] if isinstance(rates, Mapping) else rates
                params[name] -= np.float32(lr) * slope
    return params


def accuracy(
    logits: Logits,
    params: Params,
    x: np.ndarray,
    labels: np.ndarray,
) -> float:
    """The share of images whose largest output is the label's; NaN if an output is not finite."""
    right = 0
    for start in range(0, len(x), 1000):
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = logits(params, x[start : start + 1000])
        if not np.isfinite(outputs).all():
            return np.nan
        right += int((outputs.argmax(axis=1) == labels[start : start + 1000]).sum())
    return right / len(x)


class Vector:
    """A network as one float64 vector, the parameters of the gradient check.

    Noise is added to move them off the kinks.
    """

    def __init__(self, loss: Loss, params: Params, x: np.ndarray, labels: np.ndarray) -> None:
        stream = np.random.default_rng(0)
        self.params = np.concatenate([tensor.ravel() for tensor in params.values()]).astype(float)
        self.params += JITTER * stream.standard_normal(self.params.size)
        ends = np.cumsum([tensor.size for tensor in params.values()])
        self.tensors = [
            TensorSpec(name, name, tensor.shape, int(end) - tensor.size, 0, 0)
            for (name, tensor), end in zip(params.items(), ends, strict=True)
        ]
        self.network = {
            t.name: self.params[t.offset : t.offset + t.size].reshape(t.shape) for t in self.tensors
        }
        self._loss, self._x, self._labels = loss, x, labels

    def value(self) -> float:
        """The loss."""
        return self._loss(self.network, self._x, self._labels)

    def magnitude(self) -> float:
        """|loss|."""
        return abs(self.value())

    def gradient(self, rule: Gradient) -> np.ndarray:
        """A rule's gradient (parameters,), zero for a tensor without one."""
        slopes = rule(self.network, self._x, self._labels)
        missing = {t.name: np.zeros(t.shape) for t in self.tensors}
        return np.concatenate([slope.ravel() for slope in (missing | slopes).values()])


def check(loss: Loss, rule: Gradient, params: Params, sample: Batch) -> list[TensorCheck]:
    """The result of `mnistlab check`'s finite differences for a rule, tensor by tensor."""
    vector = Vector(loss, params, *sample)
    stream = np.random.default_rng(1)
    gradient = vector.gradient(rule)
    return [check_tensor(vector, gradient, tensor, stream) for tensor in vector.tensors]


def verdict(checks: Sequence[TensorCheck]) -> str:
    """The checks as a table's cell: the wrong tensors with their errors, or the largest error."""
    if unknown := [tensor.name for tensor in checks if tensor.verdict == "not compared"]:
        raise ValueError(f"could not compare {', '.join(unknown)}")
    wrong = [f"{t.name} {t.error:.2g}" for t in checks if t.verdict == "wrong"]
    return ", ".join(wrong) if wrong else f"right ({max(t.error or 0 for t in checks):.0e})"


def percent(share: float) -> str:
    """0.9135 → 91.35; NaN → diverged."""
    return "diverged" if np.isnan(share) else f"{100 * share:.2f}"


def gain(right: float, faulty: float) -> str:
    """The change of accuracy by a correction: 0.59, 0.08 → +51.00 points."""
    return f"{100 * (right - faulty):+.2f} points"
