"""Report C: wrong labels, wrong bias gradients and overwritten activations in the first attempt.

784 → 256 ReLU → 128 ReLU → 10, weights and biases from N(0, 1), batches of 64 in the order of the
files, sums over the batch, learning rate 1e-6.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from docs.faults.common import (
    CLASSES,
    Digits,
    Gradient,
    Params,
    Section,
    accuracy,
    check,
    cross_entropy,
    descend,
    gain,
    in_order,
    normal,
    one_hot,
    percent,
    relu,
    softmax,
    verdict,
)
from docs.page import table

BATCH, RATE = 64, 1e-6


@dataclass(frozen=True)
class Settings:
    """How much is trained; the defaults are a share of the report's training."""

    epochs: int = 2
    hidden: tuple[int, int] = (256, 128)


SETTINGS, FULL = Settings(), Settings(epochs=30)


# --- h1 = relu(x W1 + b1), h2 = relu(h1 W2 + b2), z = h2 W3 + b3, p = softmax(z)


def network(pixels: int, hidden: tuple[int, int], seed: int = 0) -> Params:
    """The report's network with its initial weights."""
    units = (pixels, *hidden, CLASSES)
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in (1, 2, 3):
        shapes |= {f"W{layer}": (units[layer - 1], units[layer]), f"b{layer}": (units[layer],)}
    return normal(seed, shapes, 1.0)


def logits(w: Params, x: np.ndarray) -> np.ndarray:
    """z (batch, 10)."""
    h1 = relu(x @ w["W1"] + w["b1"])
    h2 = relu(h1 @ w["W2"] + w["b2"])
    return h2 @ w["W3"] + w["b3"]


def loss(w: Params, x: np.ndarray, labels: np.ndarray) -> float:
    """The sum over the batch of the cross-entropy."""
    return float(cross_entropy(logits(w, x), labels).sum())


def rule(*, one_number: bool = False, overwrites: bool = False) -> Gradient:
    """The gradient: right by default, or with a fault.

    `one_number`: all biases of a layer have one gradient, the sum over batch and units.
    `overwrites`: ReLU's derivative overwrites h1 and h2 before the weights' gradients use them.
    """

    def gradient(w: Params, x: np.ndarray, labels: np.ndarray) -> Params:
        h1 = relu(x @ w["W1"] + w["b1"])
        h2 = relu(h1 @ w["W2"] + w["b2"])
        d3 = softmax(h2 @ w["W3"] + w["b3"]) - one_hot(labels, x.dtype)
        d2 = d3 @ w["W3"].T * (h2 > 0)
        d1 = d2 @ w["W2"].T * (h1 > 0)
        if overwrites:
            h1[h1 > 0] = 1
            h2[h2 > 0] = 1
        slopes = {}
        for layer, (below, d) in enumerate([(x, d1), (h1, d2), (h2, d3)], 1):
            db = np.full_like(d[0], d.sum()) if one_number else d.sum(axis=0)
            slopes |= {f"W{layer}": below.T @ d, f"b{layer}": db}
        return slopes

    return gradient


def labels_of_the_first_batch(gradient: Gradient, first: np.ndarray) -> Gradient:
    """Fault: a misspelt attribute keeps `first` as the labels of every batch."""
    return lambda w, x, labels: gradient(w, x, first[: len(x)])


Make = Callable[[np.ndarray], Gradient]
# Each function makes a rule from the labels of the first batch.
RULES: Mapping[str, Make] = {
    "the right gradient": lambda first: rule(),
    "labels never change": lambda first: labels_of_the_first_batch(rule(), first),
    "one number for all biases of a layer": lambda first: rule(one_number=True),
    "ReLU's derivative written over h": lambda first: rule(overwrites=True),
    "as in the report: all three": lambda first: labels_of_the_first_batch(
        rule(one_number=True, overwrites=True), first
    ),
}


def section(digits: Digits, settings: Settings = SETTINGS) -> Section:
    """Train with every rule in the report's setting, and write the section."""
    pixels = digits.train_x.shape[1]
    x, labels = digits.train_x, digits.train_labels
    rows, shares = [], {}
    for name, make in RULES.items():
        gradient = make(labels[:BATCH])
        batches = in_order(x, labels, BATCH, settings.epochs)
        trained = descend(network(pixels, settings.hidden), gradient, batches, lambda step: RATE)
        share = accuracy(logits, trained, digits.test_x, digits.test_labels)
        shares[name] = share
        rows.append((name, found(digits, make, settings.hidden), percent(share)))
    right, *_, reported = shares.values()
    return Section(f"""\
The first attempt on all ten classes: learning rate 1e-6, {settings.epochs} of the report's
{FULL.epochs} epochs. The report states 9.12. The check uses the second sixteen images, so that it
detects labels that never change.

{table(("rule", "what the check finds: relative error", "test accuracy, %"), rows)}

The corrections change the accuracy by {gain(right, reported)}.
""")


def found(digits: Digits, make: Make, hidden: tuple[int, int]) -> str:
    """The check's verdict on a rule, on the second sixteen images; `make` gets the first labels."""
    x, first = digits.sample
    n = len(first)
    second = (digits.train_x[n : 2 * n].astype(x.dtype), digits.train_labels[n : 2 * n])
    return verdict(check(loss, make(first), network(digits.train_x.shape[1], hidden), second))
