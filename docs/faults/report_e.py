"""Report E: the confusion matrix, the cosine rate, a loss undefined above 1, dead outputs.

784 → 256 → 128 → 10 without biases, full batch, 200 epochs, gradients are sums over the images.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from docs.faults.common import (
    CLASSES,
    Digits,
    Gradient,
    Params,
    Section,
    check,
    gain,
    percent,
    verdict,
)
from docs.faults.report_e_rules import (
    RELU,
    SIGMOID,
    Activation,
    binary_by_logits,
    binary_loss,
    binary_slope,
    half_squared_slope,
    normal_by_fan,
    outputs,
    rule,
    squared_loss,
    squared_slope,
    uniform,
)
from docs.page import table
from mnistlab.figures import style

STUCK_RATE = 6.17e-5


@dataclass(frozen=True)
class Settings:
    """How much is trained; the defaults are a share of the report's images, at higher rates."""

    images: int = 1_000
    epochs: int = 200
    hidden: tuple[int, int] = (256, 128)


SETTINGS, FULL = Settings(), Settings(images=60_000)


def cosine(highest: float, epochs: int) -> Callable[[int], float]:
    """From `highest` to 0 along half a cosine over the epochs."""
    return lambda epoch: highest * (1 + math.cos(math.pi * epoch / epochs)) / 2


def constant(rate: float) -> Callable[[int], float]:
    """The same rate throughout."""
    return lambda epoch: rate


@dataclass(frozen=True)
class Trained:
    """The outputs on the training images after training."""

    out: np.ndarray
    labels: np.ndarray
    first_nan: int | None  # the first epoch, from 1, after which a weight is not finite

    @property
    def accuracy(self) -> float:
        """The share of correct predictions; NaN if an output is not finite."""
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
    """Full-batch gradient descent on the first images, the rate multiplied by 60,000 / images."""
    x, labels = digits.train_x[: settings.images], digits.train_labels[: settings.images]
    scale = FULL.images / len(x)
    w = {name: weight.copy() for name, weight in start.items()}
    first_nan = None
    # NaN is an expected result here.
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
    """Correct: the share of each label's images predicted as each class; each row has sum 1."""
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def by_prediction(counts: np.ndarray) -> np.ndarray:
    """Fault: the share of each class's predictions that has each label; each column has sum 1."""
    return counts / np.maximum(counts.sum(axis=0, keepdims=True), 1)


def section(digits: Digits, settings: Settings = SETTINGS) -> Section:
    """Train the networks that show each fault, and write the section."""
    sigmoid_rule = rule(SIGMOID, half_squared_slope)
    units = (digits.train_x.shape[1], *settings.hidden, CLASSES)
    usual = train(digits, settings, uniform(units), sigmoid_rule, SIGMOID, constant(3e-5))
    counts = confusion(usual.labels, usual.out.argmax(axis=1))
    text = f"""\
All networks are trained on the first {settings.images:,} of {FULL.images:,} training images for
{settings.epochs} epochs. Gradients are sums over the images, so the learning rates are
{FULL.images / settings.images:.0f} times the stated ones. Accuracies are on the training images, as
in the report.

**The cosine schedule** was computed once before the loop, so the rate is a constant
{STUCK_RATE:.3g}. The report states 35.03.

{_cosine_table(digits, settings, units, usual)}

**The loss** is written as Σ(out − y)², but the gradient is that of half of it. The check's relative
error of half a gradient is 0.5:
{_factor(digits, units)}. The factor only halves the learning rate.

**Binary cross-entropy of a ReLU's output** (85.56 stated; the code of its gradient is lost) is
undefined above 1, and has no derivative at 0 and 1. The check needs the value of the loss and
cannot run. The outputs of a sigmoid also round to 0 and 1. This does no harm if the derivatives of
sigmoid and loss are combined: the gradient with respect to the logits is out − y, as in the engine.

{_binary_table(digits, settings, units)}

**The confidence of an image whose outputs are all zero** is 0 / 0 (95.28 stated for ReLU at 1e-5,
71.55 at 2e-5):

{_dead_table(digits, settings, units)}

**The confusion matrix** was divided by the number of predictions of each class, and its axis labels
were swapped. So its diagonal is the precision, not the recall, and says nothing about a class that
is never predicted. For the network above at 3e-5:

{_confusion_table(counts)}
"""
    caption = "The same network's confusion matrix, correct, and as the report drew it"
    return Section(text, _matrices(counts), caption)


def _cosine_table(
    digits: Digits, settings: Settings, units: tuple[int, ...], usual: Trained
) -> str:
    rates = {
        f"constant {STUCK_RATE:.3g}, as in the report": constant(STUCK_RATE),
        "cosine from 1 to 0, as intended": cosine(1.0, settings.epochs),
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

Computed in every epoch, as intended, the cosine changes the accuracy by {gain(meant, faulty)}: its
first rates are too high, and the network does not recover. A constant 3e-5 is better than the two
by {gain(usual.accuracy, faulty)} and {gain(usual.accuracy, meant)}."""


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
        ("the same, out − y as the logits' gradient", SIGMOID, sigmoid_start, folded, 1e-5),
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
        "images with an output at 0 or above 1 before training, %",
        "loss before training",
        "NaN from",
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
    return table(("rate", "accuracy, %", "images with all ten outputs zero, %"), rows)


def _confusion_table(counts: np.ndarray) -> str:
    found, reported = by_label(counts).diagonal(), by_prediction(counts).diagonal()
    rows = [
        ("recall, %", *(f"{100 * share:.0f}" for share in found)),
        ("the report's diagonal: precision, %", *(f"{100 * share:.0f}" for share in reported)),
        ("times predicted", *(f"{count:.0f}" for count in counts.sum(axis=0))),
    ]
    return table(("class", *map(str, range(CLASSES))), rows)


def _matrices(counts: np.ndarray) -> Figure:
    drawn = (
        ("correct: share of each label", by_label(counts), "predicted", "label"),
        (
            "as in the report: share of each prediction, axes swapped",
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
