"""Report B: softmax regression with the gradient y·p − y, and a schedule that falls below zero.

Biases 0, weights N(0, 0.01²), batches drawn with replacement, mean gradients.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from docs.faults.common import (
    CLASSES,
    Batch,
    Digits,
    Gradient,
    Params,
    Section,
    accuracy,
    check,
    cross_entropy,
    descend,
    gain,
    normal,
    one_hot,
    percent,
    relu,
    softmax,
    verdict,
)
from docs.page import table

FIRST_RATE, LAST_SHARE, NOT_IN_LINE = 0.01, 0.01, 5
STATED = {150: 87.21, 1500: 86.25}


@dataclass(frozen=True)
class Settings:
    """How much is trained; the defaults are a share of the report's training."""

    epochs: int = 20
    batches: tuple[int, ...] = (150, 1500)
    network_epochs: int = 10
    network_batch: int = 1500
    network_rate: float = 0.8


SETTINGS, FULL = Settings(), Settings(epochs=300, network_epochs=50)
Rate = Callable[[int], float]


# --- L layers: h = relu(x W1 + b1) …; z = h W + b; p = softmax(z). Softmax regression is one layer.


def network(*units: int, seed: int = 0) -> Params:
    """Dense layers of these sizes, e.g. 784, 100, 10: weights N(0, 0.01²), biases 0."""
    layers = list(enumerate(pairwise(units), 1))
    shapes: dict[str, tuple[int, ...]] = {}
    for layer, (fan_in, fan_out) in layers:
        shapes |= {f"W{layer}": (fan_in, fan_out), f"b{layer}": (fan_out,)}
    return normal(seed, shapes, {f"W{layer}": 0.01 for layer, _ in layers})


def _activations(w: Params, x: np.ndarray) -> list[np.ndarray]:
    """The input of every layer, then the logits."""
    layers = len(w) // 2
    found = [x]
    for layer in range(1, layers + 1):
        z = found[-1] @ w[f"W{layer}"] + w[f"b{layer}"]
        found.append(relu(z) if layer < layers else z)
    return found


def logits(w: Params, x: np.ndarray) -> np.ndarray:
    """z (batch, 10)."""
    return _activations(w, x)[-1]


def loss(w: Params, x: np.ndarray, labels: np.ndarray) -> float:
    """The mean over the batch of the cross-entropy."""
    return float(cross_entropy(logits(w, x), labels).mean())


def right_errors(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    """dz = p − y: a step raises the label's logit and lowers every other."""
    return p - y


def faulty_errors(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Fault: dz = y·p − y, without the Jacobian's off-diagonal: a step never lowers a logit."""
    return y * p - y


def rule(errors: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Gradient:
    """Backpropagation of the mean loss from dz = errors(p, y)."""

    def gradient(w: Params, x: np.ndarray, labels: np.ndarray) -> Params:
        *inputs, z = _activations(w, x)
        dz = errors(softmax(z), one_hot(labels, x.dtype)) / x.dtype.type(len(x))
        slopes = {}
        for layer in range(len(inputs), 0, -1):
            h = inputs[layer - 1]
            slopes |= {f"W{layer}": h.T @ dz, f"b{layer}": dz.sum(axis=0)}
            dz = dz @ w[f"W{layer}"].T * (h > 0)
        return {name: slopes[name] for name in w}

    return gradient


RULES = {"p − y": rule(right_errors), "y·p − y": rule(faulty_errors)}


# --- In every epoch the rate falls linearly from γ₀ to γ₀ / 100, over all but its last five steps.


def faulty_rate(steps: int) -> Rate:
    """Fault: the rate keeps falling after its last value, below zero."""
    slope = (1 - LAST_SHARE) / (steps - NOT_IN_LINE)
    return lambda step: FIRST_RATE * (1 - slope * (step % steps))


def right_rate(steps: int) -> Rate:
    """The rate is held at its last value."""
    line = faulty_rate(steps)
    return lambda step: max(line(step), FIRST_RATE * LAST_SHARE)


RATES = {"held": right_rate, "falls on": faulty_rate}
# Without faults; with the schedule's fault; with both, as in the report.
COMBINED = (("p − y", "held"), ("p − y", "falls on"), ("y·p − y", "falls on"))


def drawn(digits: Digits, batch: int, steps: int, seed: int = 0) -> Iterator[Batch]:
    """Batches drawn with replacement."""
    stream = np.random.default_rng(seed)
    for _ in range(steps):
        chosen = stream.integers(len(digits.train_x), size=batch)
        yield digits.train_x[chosen], digits.train_labels[chosen]


def section(digits: Digits, settings: Settings = SETTINGS) -> Section:
    """Train with each gradient and each schedule, and write the section."""
    return Section(f"""\
**The gradient.** With y·p − y an image raises its label's logit and lowers no other. Below are
softmax regression, with a rate that falls linearly from γ₀ = 0.01 in each epoch, {settings.epochs}
of the report's {FULL.epochs} epochs and batches drawn with replacement; and the same rule in the
report's network, 784 → 100 ReLU → 10, batch {settings.network_batch}, rate
{settings.network_rate}, {settings.network_epochs} of {FULL.network_epochs} epochs:

{_training(digits, settings)}

**The schedule.** The rate reaches its last value five steps before the epoch ends, and then keeps
falling instead of being held:

{_schedule(digits, settings)}

A gradient check cannot find this fault: the gradient is right, but the step has the wrong sign.
""")


def _training(digits: Digits, settings: Settings) -> str:
    pixels = digits.train_x.shape[1]
    rows, gains = [], []
    for batch in settings.batches:
        steps = -(-len(digits.train_x) // batch)
        shares = []
        for rule_name, rate_name in COMBINED:
            gradient, schedule = RULES[rule_name], RATES[rate_name]
            start = network(pixels, CLASSES)
            batches = drawn(digits, batch, settings.epochs * steps)
            shares.append(_tested(digits, descend(start, gradient, batches, schedule(steps))))
            found = verdict(check(loss, gradient, start, digits.sample))
            as_stated = (rule_name, rate_name) == COMBINED[-1]
            stated = f"{STATED[batch]}" if as_stated and batch in STATED else ""
            rows.append(
                (
                    f"softmax, batch {batch}",
                    rule_name,
                    rate_name,
                    found,
                    percent(shares[-1]),
                    stated,
                )
            )
        gains.append(f"{gain(shares[0], shares[-1])} at batch {batch}")
    steps = -(-len(digits.train_x) // settings.network_batch)
    for rule_name, gradient in RULES.items():
        start = network(pixels, 100, CLASSES)
        batches = drawn(digits, settings.network_batch, settings.network_epochs * steps)
        trained = descend(start, gradient, batches, lambda step: settings.network_rate)
        found = verdict(check(loss, gradient, start, digits.sample))
        stated = "97.75" if rule_name == "p − y" else ""
        share = percent(_tested(digits, trained))
        rows.append(("one hidden layer", rule_name, "constant", found, share, stated))
    header = (
        "network",
        "gradient",
        "rate after its last value",
        "what the check finds",
        "test, %",
        "stated",
    )
    return (
        f"{table(header, rows)}\n\n"
        f"The corrections change softmax regression's accuracy by {', '.join(gains)}."
    )


def _tested(digits: Digits, trained: Params) -> float:
    return accuracy(logits, trained, digits.test_x, digits.test_labels)


def _schedule(digits: Digits, settings: Settings) -> str:
    rows = []
    for batch in settings.batches:
        steps = -(-len(digits.train_x) // batch)
        rates = np.array([faulty_rate(steps)(step) for step in range(steps)])
        back = -rates[rates < 0].sum() / rates[rates > 0].sum()
        counted = f"{(rates < 0).sum()} of {steps}"
        rows.append((f"{batch}", counted, f"{rates.min():.1e}", f"{100 * back:.2f} %"))
    header = (
        "batch",
        "steps with a rate below 0",
        "lowest rate",
        "sum of negative rates / sum of positive rates",
    )
    return table(header, rows)
