"""Report E: the confusion matrix, the cosine rate, a loss undefined above 1, dead outputs.

784 → 256 → 128 → 10 without biases, full batch, 200 epochs, steps by sums over the images.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure

from docs.faults.common import (
    CLASSES,
    Digits,
    Gradient,
    Loss,
    Params,
    Section,
    check,
    gain,
    one_hot,
    percent,
    verdict,
)
from docs.page import table
from mnistlab.figures import style

STUCK_RATE = 6.17e-5
Errors = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Settings:
    """How much is trained; as it stands, a share of the report's images, at a higher rate."""

    images: int = 1_000
    epochs: int = 200
    hidden: tuple[int, int] = (256, 128)


SETTINGS, FULL = Settings(), Settings(images=60_000)


@dataclass(frozen=True)
class Activation:
    """f, and its slope as a function of f's value."""

    f: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(−z)), by the tangent, which does not overflow."""
    return (np.tanh(z / 2) + 1) / 2


SIGMOID = Activation(sigmoid, lambda a: a * (1 - a))
RELU = Activation(lambda z: np.maximum(z, 0), lambda a: (a > 0).astype(a.dtype))


# --- a1 = f(x W1), a2 = f(a1 W2), out = f(a2 W3)


def uniform(units: tuple[int, ...], seed: int = 0) -> Params:
    """Weights from uniform(−1, 1)."""
    stream = np.random.default_rng(seed)
    return {
        f"W{layer}": stream.uniform(-1, 1, shape).astype(np.float32)
        for layer, shape in enumerate(pairwise(units), 1)
    }


def normal_by_fan(units: tuple[int, ...], factor: float | None = None, seed: int = 0) -> Params:
    """Weights from N(0, 1) times a factor, or over √fan_in."""
    stream = np.random.default_rng(seed)
    return {
        f"W{layer}": (stream.standard_normal(shape) * (factor or shape[0] ** -0.5)).astype(
            np.float32
        )
        for layer, shape in enumerate(pairwise(units), 1)
    }


def outputs(w: Params, x: np.ndarray, activation: Activation) -> list[np.ndarray]:
    """x, a1, a2, out."""
    found = [x]
    for weight in w.values():
        found.append(activation.f(found[-1] @ weight))
    return found


def rule(activation: Activation, slope: Errors) -> Gradient:
    """Backpropagation from a loss's slope by the output."""

    def gradient(w: Params, x: np.ndarray, labels: np.ndarray) -> Params:
        *inputs, out = outputs(w, x, activation)
        dz = slope(out, one_hot(labels, x.dtype)) * activation.slope(out)
        return _by_layer(w, inputs, dz, activation)

    return gradient


def _by_layer(
    w: Params, inputs: Sequence[np.ndarray], dz: np.ndarray, activation: Activation
) -> Params:
    """Backward from the last layer's dz; `inputs` of every layer."""
    slopes = {}
    for layer in range(len(w), 0, -1):
        h = inputs[layer - 1]
        slopes[f"W{layer}"] = h.T @ dz
        if layer > 1:
            dz = dz @ w[f"W{layer}"].T * activation.slope(h)
    return {name: slopes[name] for name in w}


def half_squared_slope(out: np.ndarray, y: np.ndarray) -> np.ndarray:
    """d/d out of ½ Σ (out − y)²."""
    return out - y


def squared_slope(out: np.ndarray, y: np.ndarray) -> np.ndarray:
    """d/d out of Σ (out − y)², the loss that the report writes down."""
    return 2 * (out - y)


def binary_slope(out: np.ndarray, y: np.ndarray) -> np.ndarray:
    """d/d out of −Σ [y log out + (1 − y) log(1 − out)]: none at 0 and 1, turned above 1."""
    return (1 - y) / (1 - out) - y / out


def binary_by_logits(w: Params, x: np.ndarray, labels: np.ndarray) -> Params:
    """The gradient of that loss with a sigmoid at the end: dz = out − y, nowhere 0 / 0."""
    *inputs, out = outputs(w, x, SIGMOID)
    return _by_layer(w, inputs, out - one_hot(labels, x.dtype), SIGMOID)


def squared_loss(activation: Activation) -> Loss:
    """Σ (out − y)² over outputs and images."""
    return lambda w, x, labels: float(
        ((outputs(w, x, activation)[-1] - one_hot(labels, x.dtype)) ** 2).sum()
    )


def binary_loss(activation: Activation) -> Loss:
    """−Σ [y log out + (1 − y) log(1 − out)], NaN where an output is above 1."""

    def value(w: Params, x: np.ndarray, labels: np.ndarray) -> float:
        out, y = outputs(w, x, activation)[-1], one_hot(labels, x.dtype)
        return float(-np.log(np.where(y > 0, out, 1 - out)).sum())

    return value


def cosine(highest: float, epochs: int) -> Callable[[int], float]:
    """From `highest` to 0 by half a cosine over the epochs."""
    return lambda epoch: highest * (1 + math.cos(math.pi * epoch / epochs)) / 2


def constant(rate: float) -> Callable[[int], float]:
    """The same rate throughout."""
    return lambda epoch: rate


@dataclass(frozen=True)
class Trained:
    """Where training ended, on the images it was trained on."""

    out: np.ndarray
    labels: np.ndarray
    first_nan: int | None  # the first epoch, from 1, whose weights held a number that is none

    @property
    def accuracy(self) -> float:
        """The share right; NaN where an output is none."""
        if not np.isfinite(self.out).all():
            return np.nan
        return float((self.out.argmax(axis=1) == self.labels).mean())


def train(
    digits: Digits,
    settings: Settings,
    start: Params,
    gradient: Gradient,
    activation: Activation,
    rate: Callable[[int], float],
) -> Trained:
    """Full-batch descent over a share of the images, the rate raised by what the sum lacks."""
    x, labels = digits.train_x[: settings.images], digits.train_labels[: settings.images]
    scale = FULL.images / len(x)
    w = {name: weight.copy() for name, weight in start.items()}
    first_nan = None
    # Numbers that are none are what is looked for here.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for epoch in range(settings.epochs):
            for name, slope in gradient(w, x, labels).items():
                w[name] -= np.float32(scale * rate(epoch)) * slope
            if first_nan is None and not all(np.isfinite(weight).all() for weight in w.values()):
                first_nan = epoch + 1
        return Trained(outputs(w, x, activation)[-1], labels, first_nan)


def confusion(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Counts (label, predicted)."""
    counts = np.zeros((CLASSES, CLASSES))
    np.add.at(counts, (labels, predicted), 1)
    return counts


def by_label(counts: np.ndarray) -> np.ndarray:
    """Right: of each label's images, the share taken for each class."""
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def by_prediction(counts: np.ndarray) -> np.ndarray:
    """Fault: of what was predicted, the share that has each label; the columns add up to 1."""
    return counts / np.maximum(counts.sum(axis=0, keepdims=True), 1)


def section(digits: Digits, settings: Settings = SETTINGS) -> Section:
    """Train what shows each fault, and tell what came of it."""
    sigmoid_rule = rule(SIGMOID, half_squared_slope)
    units = (digits.train_x.shape[1], *settings.hidden, CLASSES)
    usual = train(digits, settings, uniform(units), sigmoid_rule, SIGMOID, constant(3e-5))
    counts = confusion(usual.labels, usual.out.argmax(axis=1))
    text = f"""\
All on the first {settings.images:,} of {FULL.images:,} training images, {settings.epochs} epochs,
at {FULL.images / settings.images:.0f} times the stated rates, since steps are sums over the images;
accuracies are on the images trained on, as the report's are.

**The rate by a cosine**, computed once before the loop, is a constant {STUCK_RATE:.3g}; 35.03 is
stated.

{_cosine_table(digits, settings, units, usual)}

**The loss** is written Σ(out − y)², its gradient is that of half of it. The check's relative error
of half a gradient is 0.5:
{_factor(digits, units)}. It is the learning rate by another name, and worth nothing.

**Binary cross-entropy of a ReLU's output** (85.56 stated; how it went backward is lost) has no
value above 1, and at 0 or 1 no slope. The check can't begin without a value of the loss. A
sigmoid's outputs round to 0 and 1 too, unless its slope and the loss's are multiplied by hand: by
the logits the gradient is out − y, as the engine has it.

{_binary_table(digits, settings, units)}

**A confidence of an image whose outputs are all dead** is 0 / 0 (95.28 stated for ReLU at 1e-5,
71.55 at 2e-5):

{_dead_table(digits, settings, units)}

**The confusion matrix** was divided by the predicted class's count and its axes were named the
wrong way round. Its diagonal then is the share of a prediction that is right, and says nothing of a
class that is never predicted. Of the network above at 3e-5:

{_confusion_table(counts)}
"""
    caption = "The same network's confusion matrix, right, and as the report drew it"
    return Section(text, _matrices(counts), caption)


def _cosine_table(
    digits: Digits, settings: Settings, units: tuple[int, ...], usual: Trained
) -> str:
    rates = {
        f"constant {STUCK_RATE:.3g}, as in the report": constant(STUCK_RATE),
        "cosine from 1 to 0, as it was meant": cosine(1.0, settings.epochs),
        f"cosine from {2 * STUCK_RATE:.3g} to 0": cosine(2 * STUCK_RATE, settings.epochs),
    }
    rows = [("constant 3e-05 (71 stated)", percent(usual.accuracy))]
    accuracies = []
    gradient = rule(SIGMOID, half_squared_slope)
    for name, rate in rates.items():
        trained = train(digits, settings, uniform(units), gradient, SIGMOID, rate)
        accuracies.append(trained.accuracy)
        rows.append((name, percent(trained.accuracy)))
    faulty, meant, _ = accuracies
    return f"""{table(("rate", "accuracy, %"), rows)}

Computed in every epoch, as it was meant, the cosine is worth {gain(meant, faulty)}: its first rates
are too high, and no later one mends what they have done. Against both, 3e-5 held constant is worth
{gain(usual.accuracy, faulty)} and {gain(usual.accuracy, meant)}."""


def _factor(digits: Digits, units: tuple[int, ...]) -> str:
    halved = check(
        squared_loss(SIGMOID), rule(SIGMOID, half_squared_slope), uniform(units), digits.sample
    )
    whole = check(
        squared_loss(SIGMOID), rule(SIGMOID, squared_slope), uniform(units), digits.sample
    )
    return f"{verdict(halved)}; with the factor 2, {verdict(whole)}"


def _binary_table(digits: Digits, settings: Settings, units: tuple[int, ...]) -> str:
    rows = []
    relu_start, sigmoid_start = normal_by_fan(units), normal_by_fan(units, 1 / 3)
    divided, folded = rule(SIGMOID, binary_slope), binary_by_logits
    for name, activation, start, gradient, rate in (
        ("ReLU, normal/√fan_in, 2e-5", RELU, relu_start, rule(RELU, binary_slope), 2e-5),
        ("sigmoid, normal/3, 1e-5", SIGMOID, sigmoid_start, divided, 1e-5),
        ("the same, out − y by the logits", SIGMOID, sigmoid_start, folded, 1e-5),
    ):
        x, labels = digits.train_x[: settings.images], digits.train_labels[: settings.images]
        out = outputs(start, x, activation)[-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            at_start = binary_loss(activation)(start, x, labels) / len(x)
        trained = train(digits, settings, start, gradient, activation, constant(rate))
        lost = "never" if trained.first_nan is None else f"epoch {trained.first_nan}"
        outside = ((out > 1) | (out == 0)).any(axis=1).mean()
        rows.append((name, percent(outside), f"{at_start:.3g}", lost, percent(trained.accuracy)))
    header = (
        "output",
        "images with an output at 0 or above 1 at the start, %",
        "loss at the start",
        "no number from",
        "accuracy, %",
    )
    return table(header, rows)


def _dead_table(digits: Digits, settings: Settings, units: tuple[int, ...]) -> str:
    rows = []
    for rate in (1e-5, 2e-5):
        gradient = rule(RELU, half_squared_slope)
        trained = train(digits, settings, normal_by_fan(units), gradient, RELU, constant(rate))
        dead = float((trained.out == 0).all(axis=1).mean())
        rows.append((f"{rate:.0e}", percent(trained.accuracy), percent(dead)))
    return table(("rate", "accuracy, %", "images with all ten outputs dead, %"), rows)


def _confusion_table(counts: np.ndarray) -> str:
    found, reported = by_label(counts).diagonal(), by_prediction(counts).diagonal()
    rows = [
        ("of the class's images, found, %", *(f"{100 * share:.0f}" for share in found)),
        ("the report's diagonal, %", *(f"{100 * share:.0f}" for share in reported)),
        ("times predicted", *(f"{count:.0f}" for count in counts.sum(axis=0))),
    ]
    return table(("class", *map(str, range(CLASSES))), rows)


def _matrices(counts: np.ndarray) -> Figure:
    drawn = (
        ("right: by label", by_label(counts), "predicted", "label"),
        (
            "as in the report: by prediction, axes swapped",
            by_prediction(counts),
            "label",
            "predicted",
        ),
    )
    with style.drawing():
        figure = style.new_figure(style.WIDTH, 4.9)
        for place, (title, shares, horizontal, vertical) in enumerate(drawn, 1):
            axes = figure.add_subplot(1, 2, place)
            axes.imshow(shares, "Blues", vmin=0, vmax=1)
            axes.grid(visible=False)
            axes.set_title(f"{title}, in %")
            axes.set_xticks(range(CLASSES))
            axes.set_yticks(range(CLASSES))
            axes.set_xlabel(horizontal)
            axes.set_ylabel(vertical)
            for (row, column), share in np.ndenumerate(shares):
                colour = "white" if share > 0.5 else style.INK
                axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=colour)
        figure.subplots_adjust(left=0.06, right=0.98, top=0.92, bottom=0.1, wspace=0.15)
    return figure
