"""Report A: an MLP and a CNN. Faults: ReLU's derivative, biases, filters' gradient, reshapes.

Pixels / 255 in the order of the files, batches of 32, learning rate 1e-3, no penalty.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from docs.faults.common import (
    CLASSES,
    Digits,
    Gradient,
    Logits,
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
from mnistlab.figures import style

BATCH, RATE = 32, 1e-3
SIDE, KERNEL, STRIDE, MAPS = 28, 3, 2, 13
# Finite differences are slow; the rules are the same for any number of units.
CHECKED_UNITS, CHECKED_FILTERS = 64, 4


@dataclass(frozen=True)
class Settings:
    """How much is trained; the defaults are a share of the report's training."""

    epochs: int = 1
    validation: int = 12_000
    hidden: int = 784
    filters: int = 20


SETTINGS, FULL = Settings(), Settings(epochs=10)


# --- The MLP: x (batch, 784) → h = relu(x W1 + b1) → z = h W2 + b2 → p = softmax(z)


def mlp(hidden: int, seed: int = 0) -> Params:
    """The report's network with its initial weights."""
    shapes = {"W1": (784, hidden), "b1": (hidden,), "W2": (hidden, CLASSES), "b2": (CLASSES,)}
    return normal(seed, shapes, {"W1": 1.0, "b1": 1.0, "W2": 0.0722, "b2": 0.0722})


def mlp_logits(w: Params, x: np.ndarray) -> np.ndarray:
    """z (batch, 10)."""
    return relu(x @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"]


def mlp_logits_without_biases(w: Params, x: np.ndarray) -> np.ndarray:
    """Fault: the biases are trained but never used."""
    return relu(x @ w["W1"]) @ w["W2"]


def mlp_loss(w: Params, x: np.ndarray, labels: np.ndarray) -> float:
    """The sum over the batch of the cross-entropy."""
    return float(cross_entropy(mlp_logits(w, x), labels).sum())


def mlp_gradient(w: Params, x: np.ndarray, labels: np.ndarray) -> Params:
    """Backpropagation: dz = p − y, dh = dz W2ᵀ where h > 0, dW = inputᵀ d(output)."""
    h = relu(x @ w["W1"] + w["b1"])
    dz = softmax(h @ w["W2"] + w["b2"]) - one_hot(labels, x.dtype)
    dh = dz @ w["W2"].T * (h > 0)
    return _mlp_gradients(x, h, dz, dh)


def mlp_gradient_derivative_of_errors(w: Params, x: np.ndarray, labels: np.ndarray) -> Params:
    """Fault: dh = relu'(p − y) W2ᵀ, and relu' returns x instead of 1: dh = max(p − y, 0) W2ᵀ."""
    h = relu(x @ w["W1"] + w["b1"])
    dz = softmax(h @ w["W2"] + w["b2"]) - one_hot(labels, x.dtype)
    dh = relu(dz) @ w["W2"].T
    return _mlp_gradients(x, h, dz, dh)


def mlp_gradient_x_for_1(w: Params, x: np.ndarray, labels: np.ndarray) -> Params:
    """Fault: relu' of the hidden layer returns x instead of 1: dh = (dz W2ᵀ) · h."""
    h = relu(x @ w["W1"] + w["b1"])
    dz = softmax(h @ w["W2"] + w["b2"]) - one_hot(labels, x.dtype)
    dh = dz @ w["W2"].T * h
    return _mlp_gradients(x, h, dz, dh)


def mlp_gradient_without_biases(w: Params, x: np.ndarray, labels: np.ndarray) -> Params:
    """Fault: the forward pass leaves out the biases; the rest is right."""
    h = relu(x @ w["W1"])
    dz = softmax(h @ w["W2"]) - one_hot(labels, x.dtype)
    dh = dz @ w["W2"].T * (h > 0)
    return _mlp_gradients(x, h, dz, dh)


def mlp_gradient_as_reported(w: Params, x: np.ndarray, labels: np.ndarray) -> Params:
    """All the faults at once."""
    h = relu(x @ w["W1"])
    dz = softmax(h @ w["W2"]) - one_hot(labels, x.dtype)
    dh = relu(dz) @ w["W2"].T
    return _mlp_gradients(x, h, dz, dh)


def _mlp_gradients(x: np.ndarray, h: np.ndarray, dz: np.ndarray, dh: np.ndarray) -> Params:
    return {"W1": x.T @ dh, "b1": dh.sum(axis=0), "W2": h.T @ dz, "b2": dz.sum(axis=0)}


MLP_RULES = {
    "the right gradient": (mlp_gradient, mlp_logits),
    "relu′ at p − y, x for 1: dh = max(p − y, 0) W2ᵀ": (
        mlp_gradient_derivative_of_errors,
        mlp_logits,
    ),
    "x for 1 alone: dh = (p − y) W2ᵀ · max(h, 0)": (mlp_gradient_x_for_1, mlp_logits),
    "biases unused": (mlp_gradient_without_biases, mlp_logits_without_biases),
    "as in the report: relu′ at p − y, biases unused": (
        mlp_gradient_as_reported,
        mlp_logits_without_biases,
    ),
}
# W2's step is a sum over the batch, all others are means.
MLP_RATES = {"W1": RATE / BATCH, "b1": RATE / BATCH, "W2": RATE, "b2": RATE / BATCH}


# --- The CNN: patches (batch, 169, 9) → maps a = relu(F · patches) (batch, filters, 169) → softmax


def cnn(filters: int, seed: int = 0) -> Params:
    """The report's network with its initial weights; it has no filter biases."""
    shapes = {
        "F": (filters, KERNEL * KERNEL),
        "W": (filters * MAPS * MAPS, CLASSES),
        "b": (CLASSES,),
    }
    return normal(seed, shapes, {"F": 0.01, "W": 0.0243})


def patches(x: np.ndarray) -> np.ndarray:
    """The 13 · 13 patches of 3 × 3 pixels, stride 2, of images (batch, 784): (batch, 169, 9)."""
    images = x.reshape(-1, SIDE, SIDE)
    windows = np.lib.stride_tricks.sliding_window_view(images, (KERNEL, KERNEL), axis=(1, 2))
    return windows[:, ::STRIDE, ::STRIDE].reshape(len(x), MAPS * MAPS, KERNEL * KERNEL)


def cnn_logits(w: Params, x: np.ndarray) -> np.ndarray:
    """z (batch, 10)."""
    return relu(w["F"] @ patches(x).mT).reshape(len(x), -1) @ w["W"] + w["b"]


def cnn_logits_without_relu(w: Params, x: np.ndarray) -> np.ndarray:
    """Fault: the line with the ReLU is commented out."""
    return (w["F"] @ patches(x).mT).reshape(len(x), -1) @ w["W"] + w["b"]


def cnn_loss(w: Params, x: np.ndarray, labels: np.ndarray) -> float:
    """The sum over the batch of the cross-entropy."""
    return float(cross_entropy(cnn_logits(w, x), labels).sum())


def cnn_rule(
    *, with_relu: bool = True, sums_apart: bool = False, mixes_samples: bool = False
) -> Gradient:
    """The gradient: right by default, or with a fault.

    `sums_apart`: dF = Σ patches · Σ da, not Σ (da · patch) over the positions. `mixes_samples`: the
    gradient (features, batch) is reshaped to (batch, filters, positions) without a transpose.
    """

    def gradient(w: Params, x: np.ndarray, labels: np.ndarray) -> Params:
        patch = patches(x)
        maps = w["F"] @ patch.mT
        if with_relu:
            maps = relu(maps)
        flat = maps.reshape(len(x), -1)
        dz = softmax(flat @ w["W"] + w["b"]) - one_hot(labels, x.dtype)
        below = w["W"] @ dz.T  # (features, batch)
        da = (below if mixes_samples else below.T).reshape(maps.shape)
        if with_relu:
            da = da * (maps > 0)
        if sums_apart:
            dF = np.einsum("nf,nk->fk", da.sum(axis=2), patch.sum(axis=1))
        else:
            dF = (da @ patch).sum(axis=0)
        return {"F": dF, "W": flat.T @ dz, "b": dz.sum(axis=0)}

    return gradient


CNN_RULES = {
    "the right gradient": (cnn_rule(), cnn_logits),
    "ReLU left out": (cnn_rule(with_relu=False), cnn_logits_without_relu),
    "a patch times the sum over all positions": (cnn_rule(sums_apart=True), cnn_logits),
    "reshaped without a transpose": (cnn_rule(mixes_samples=True), cnn_logits),
    "as in the report: all three": (
        cnn_rule(with_relu=False, sums_apart=True, mixes_samples=True),
        cnn_logits_without_relu,
    ),
}
# The report does not say how its gradients were scaled. As in its MLP, the last layer's is a sum.
CNN_RATES = {"F": RATE / BATCH, "W": RATE, "b": RATE / BATCH}


def _mlp_trained(
    digits: Digits, settings: Settings
) -> tuple[list[tuple[str, ...]], list[float], list[float]]:
    """The MLP's rows of the table; the accuracies of its rules, and with He's initialisation."""
    start = mlp(settings.hidden)
    rows, shares, he_shares = [], [], []
    for name, (rule, logits) in MLP_RULES.items():
        found = verdict(check(mlp_loss, rule, mlp(CHECKED_UNITS), digits.sample))
        shares.append(_validated(digits, settings, start, rule, logits, MLP_RATES))
        rows.append((name, found, percent(shares[-1])))
    # He's initialisation, and W1's step as large as W2's.
    start = {**start, "W1": start["W1"] * np.float32((2 / (SIDE * SIDE)) ** 0.5)}
    together = dict.fromkeys(start, RATE)
    for name, (rule, logits) in [*MLP_RULES.items()][:2]:
        he_shares.append(_validated(digits, settings, start, rule, logits, together))
        name = f"He's initialisation, all steps sums: {name}"
        rows.append((name, "as above", percent(he_shares[-1])))
    return rows, shares, he_shares


def _cnn_trained(digits: Digits, settings: Settings) -> tuple[list[tuple[str, ...]], list[float]]:
    """The CNN's rows of the table, and the accuracies of its rules."""
    start = cnn(settings.filters)
    rows, shares = [], []
    for name, (rule, logits) in CNN_RULES.items():
        found = verdict(check(cnn_loss, rule, cnn(CHECKED_FILTERS), digits.sample))
        shares.append(_validated(digits, settings, start, rule, logits, CNN_RATES))
        rows.append((name, found, percent(shares[-1])))
    return rows, shares


def section(digits: Digits, settings: Settings = SETTINGS) -> Section:
    """Train with every rule in the report's setting, and write the section."""
    mlp_rows, mlp_shares, he_shares = _mlp_trained(digits, settings)
    cnn_rows, cnn_shares = _cnn_trained(digits, settings)
    images = len(digits.train_x) - settings.validation
    header = ("rule", "what the check finds: relative error", "validation accuracy, %")
    text = f"""\
**The MLP**: 784 → {settings.hidden} ReLU → 10, learning rate 1e-3, no penalty,
{settings.epochs} of the report's {FULL.epochs} epochs on the first {images:,} images. The last
{settings.validation:,} are validation images. W2's step is a sum over the batch of 32, W1's a mean.
The report states 93.03.

{table(header, mlp_rows)}

With the report's initial weights, the correction changes the MLP's accuracy by
{gain(mlp_shares[0], mlp_shares[-1])}: a random hidden layer from N(0, 1) is already useful. With
He's initialisation, and W1's step as large as W2's, the right gradient changes it by
{gain(he_shares[0], he_shares[1])}.

**The CNN**: {settings.filters} filters 3×3, stride 2 → 10, learning rate 1e-3, the same images. The
filters' step is a mean over the batch. The report states 85.69 on the test set, after training on
all images.

{table(header, cnn_rows)}

The corrections change the CNN's accuracy by {gain(cnn_shares[0], cnn_shares[-1])}.

**The pictures of W2.** A gradient check cannot find this fault. W2 is (hidden units, classes).
Without a transpose, the first 784 numbers in memory are the weights of the first 78 hidden units
for all ten classes in turn; the report drew them as the first class. The figure does the same to
softmax regression's weights, where the classes are visible.
"""
    return Section(
        text,
        _mixed_classes(digits),
        "Softmax regression's weights by class, drawn correctly, "
        "and reshaped without a transpose: every picture is a mixture of all ten classes",
    )


def _validated(
    digits: Digits,
    settings: Settings,
    start: Params,
    rule: Gradient,
    logits: Logits,
    rates: Mapping[str, float],
) -> float:
    """Train on all images but the last `settings.validation`; the accuracy on those last."""
    border = len(digits.train_x) - settings.validation
    x, labels = digits.train_x[:border], digits.train_labels[:border]
    batches = in_order(x, labels, BATCH, settings.epochs)
    trained = descend(start, rule, batches, lambda step: rates)
    return accuracy(logits, trained, digits.train_x[border:], digits.train_labels[border:])


def _mixed_classes(digits: Digits) -> Figure:
    """The weights of softmax regression after one epoch, drawn with and without a transpose."""

    def gradient(w: Params, x: np.ndarray, labels: np.ndarray) -> Params:
        return {"W": x.T @ (softmax(x @ w["W"]) - one_hot(labels, x.dtype))}

    start = {"W": np.zeros((SIDE * SIDE, CLASSES), np.float32)}
    batches = in_order(digits.train_x, digits.train_labels, BATCH, 1)
    weights = descend(start, gradient, batches, lambda step: 1e-2)["W"]
    rows = {"W2.T.reshape(10, 28, 28)": weights.T, "W2.reshape(10, 28, 28)": weights}
    with style.drawing():
        figure = style.new_figure(style.WIDTH, 3.0)
        for row, (name, images) in enumerate(rows.items()):
            for place, image in enumerate(images.reshape(CLASSES, SIDE, SIDE)):
                axes = figure.add_subplot(2, CLASSES, row * CLASSES + place + 1)
                limit = np.abs(weights).max() / 2
                axes.imshow(image, style.SIGNED, vmin=-limit, vmax=limit)
                axes.set_axis_off()
            top = 0.95 - 0.49 * row
            figure.text(0.01, top, f"class 0 to 9: {name}", size=style.MEDIUM)
        figure.subplots_adjust(0.01, 0.01, 0.99, 0.93, wspace=0.08, hspace=0.22)
    return figure
