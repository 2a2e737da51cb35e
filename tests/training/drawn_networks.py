"""Small configurations drawn at random, of every kind that has a gradient, on small images.

`drawn(number)` is always the same, so the number is enough to repeat a failure. As a program it
checks the gradients of a range of them: `python drawn_networks.py 0 1000`.
"""

import collections
import sys
from dataclasses import replace

import numpy as np
from engine_helpers import dark_dataset, toy_dataset

from mnistlab.config import RunConfig, run_config_from_mapping
from mnistlab.data import Dataset, Split, scaling
from mnistlab.training.gradcheck import check_gradients

SOURCE = {"source": "npz", "path": "none.npz"}
WIDTHS = (1, 2, 3, 5, 8, 13, 16, 20, 33)


class Draw:
    """The choices determined by one number."""

    def __init__(self, number: int) -> None:
        self.rng = np.random.default_rng([20, number])

    def of(self, *choices):
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self, share):
        return bool(self.rng.random() < share)

    def log(self, low, high):
        """A number that is as likely in each decade."""
        return float(f"{np.exp(self.rng.uniform(np.log(low), np.log(high))):.3g}")

    def activation(self):
        return self.of(
            "identity",
            "relu",
            "relu",
            "relu6",
            {"type": "leaky_relu", "alpha": self.log(1e-3, 2)},
            "sigmoid",
            {"type": "sigmoid", "k": self.log(1e-2, 1e4)},
            "tanh",
            "tanh",
            {"type": "tanh", "scale": self.log(0.1, 10), "slope": self.log(1e-2, 10)},
            "softsign",
            "softplus",
            {"type": "elu", "alpha": self.log(1e-3, 10)},
            "gelu",
            "silu",
        )

    def mlp(self):
        widths = [self.of(*WIDTHS) for _ in range(int(self.rng.integers(0, 5)))]
        return {
            "type": "mlp",
            "hidden": widths,
            "activation": self.activation(),
            "dropout": self.of(0.0, 0.0, 0.3, 0.8),
            "input_dropout": self.of(0.0, 0.0, 0.2),
            "bias": self.chance(0.8),
        }

    def cnn(self):
        layers, side = [], 9
        for _ in range(int(self.rng.integers(1, 4))):
            kernel = int(self.rng.integers(1, min(side, 4) + 1))
            stride, padding = self.of(1, 1, 2), self.of(0, 0, 1)
            conv = {
                "filters": self.of(1, 2, 3, 8),
                "kernel": kernel,
                "stride": stride,
                "padding": padding,
                "bias": self.of("shared", "shared", "per_position", "none"),
            }
            layers += [{"conv": conv}, {"activation": self.activation()}]
            side = (side + 2 * padding - kernel) // stride + 1
            if side >= 2 and self.chance(0.6):
                size, step = 2, self.of(1, 2)
                pool = {"type": self.of("max", "max", "average"), "size": size, "stride": step}
                layers.append({"pool": pool})
                side = (side - size) // step + 1
            if self.chance(0.2):
                layers.append({"dropout": self.of(0.2, 0.5)})
        if self.chance(0.4):
            layers += [{"dense": {"units": self.of(*WIDTHS)}}, {"activation": self.activation()}]
        return {"type": "cnn", "layers": layers}

    def ending(self):
        """An output activation and a loss that fit together."""
        sigmoid = self.of("sigmoid", {"type": "sigmoid", "k": self.log(1e-2, 1e4)})
        output, loss = self.of(
            ("softmax", "cross_entropy"),
            ("softmax", "cross_entropy"),
            (sigmoid, "binary_cross_entropy"),
            (self.of("softmax", sigmoid, self.activation()), "mse"),
        )
        targets = {
            "cross_entropy": {"label_smoothing": self.of(0.0, 0.0, 0.1, 0.9)},
            "binary_cross_entropy": {},
            "mse": {"targets": self.of("one_hot", "plus_minus")},
        }[loss]
        return output, {"type": loss, "reduction": self.of("mean", "mean", "sum"), **targets}

    def init(self):
        init = self.of(
            *[{"type": kind} for kind in ("he_normal", "glorot_uniform", "lecun_normal", "zeros")],
            {"type": "normal", "std": self.log(1e-4, 30)},
            {"type": "uniform", "low": -self.log(1e-3, 3), "high": self.log(1e-3, 3)},
            {"type": "poisson", "lam": self.log(0.1, 10), "factor": self.log(1e-3, 1)},
        )
        bias = self.of("zeros", "zeros", {"type": "normal", "std": self.log(1e-2, 10)})
        return {**init, "bias": bias}

    def penalty(self):
        if self.chance(0.6):
            return {}
        return {
            "l1": self.of(0.0, self.log(1e-6, 1)),
            "l2": self.of(0.0, self.log(1e-6, 1)),
            "mode": self.of("gradient", "gradient", "step", "proximal"),
            "layers": self.of("all", "all", "last"),
        }

    def dataset(self, normalize):
        dataset = self.of(toy_dataset, dark_dataset)(side=9)
        if self.chance(0.2):
            few = dataset.train.indices[: int(self.rng.integers(1, 5))]
            dataset = replace(dataset, train=replace(dataset.train, indices=few))
        if self.chance(0.2):
            images = dataset.train.images.copy()
            images[:, :3] = images[:, :, -2:] = 0
            train = Split(images, dataset.train.labels, dataset.train.indices)
            dataset = replace(dataset, train=train)
        scale, offset = scaling(normalize, dataset.train.images, dataset.train.indices)
        return replace(dataset, scale=scale, offset=offset)


def drawn(number: int) -> tuple[RunConfig, Dataset]:
    """The configuration of a number, and the images that it is for."""
    draw = Draw(number)
    model = draw.of({"type": "softmax"}, draw.mlp(), draw.mlp(), draw.cnn())
    output, loss = draw.ending()
    normalize = draw.of("minmax", "standardize", "none")
    sections = {
        "seed": number,
        "data": {**SOURCE, "normalize": normalize},
        "model": {**model, "output_activation": output},
        "loss": loss,
        "init": draw.init(),
        "regularization": draw.penalty(),
    }
    return run_config_from_mapping(sections), draw.dataset(normalize)


def main(first: int, last: int) -> None:
    verdicts: collections.Counter = collections.Counter()
    for number in range(first, last):
        for tensor in check_gradients(*drawn(number)):
            verdicts[tensor.verdict] += 1
            if tensor.verdict == "wrong":
                print(number, tensor, flush=True)
    print(dict(verdicts))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
