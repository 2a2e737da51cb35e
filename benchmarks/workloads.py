"""The rows of the table, as mnistlab's own configurations.

W1 to W7 have the sizes of five course reports' experiments. The others are of the kinds that these
leave out: convolutions (C), optimizers and dropout (O), sizes of batches (B), data and dtypes (D).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistlab.config import RunConfig, load_run_config, parse_run_config, run_config_from_mapping


@dataclass(frozen=True)
class Workload:
    """A row: `config` is a run configuration, `epochs` are trained by a peer in one turn."""

    name: str
    model: str  # in words, for the table
    report: str  # of which of the reports' experiments it has the size; "" for none
    epochs: int
    config: dict[str, Any]


def _work(
    name: str,
    text: str,
    report: str,
    epochs: int,
    model: dict[str, Any],
    batch: int | str,
    optimizer: dict[str, Any],
    images: int = 60_000,
    init: str = "he_normal",
    normalize: str = "minmax",
    dtype: str = "float32",
) -> Workload:
    config = {
        "name": name.lower(),
        "data": {
            "source": "mnist",
            "validation": 0,
            "train_limit": images,
            "normalize": normalize,
        },
        "model": model,
        "init": {"type": init},
        "optimizer": {"type": "sgd"} | optimizer,
        # All images in one batch are the same sum in any order: nobody has to gather them.
        "training": {
            "batch_size": batch,
            "shuffle": "none" if batch == "full" else "epoch",
            "dtype": dtype,
        },
    }
    return Workload(name, text, report, epochs, config)


def _mlp(*hidden: int, activation: str = "relu", dropout: float = 0.0) -> dict[str, Any]:
    of = {"activation": activation, "dropout": dropout}
    return {"type": "mlp", "hidden": list(hidden), **of}


def _cnn(*layers: Any) -> dict[str, Any]:
    return {"type": "cnn", "layers": list(layers)}


def _conv(filters: int, kernel: int, padding: int = 0) -> dict[str, Any]:
    return {"conv": {"filters": filters, "kernel": kernel, "padding": padding}}


def _pool(kind: str) -> dict[str, Any]:
    return {"pool": {"type": kind, "size": 2}}


def _dense(units: int) -> dict[str, Any]:
    return {"dense": {"units": units}}


_MOMENTUM = {"lr": 0.01, "momentum": 0.9}
_ADAM = {"type": "adam", "lr": 0.001}
_CNN_A = [{"conv": {"filters": 20, "kernel": 3, "stride": 2}}, {"activation": "relu"}]
_CNN_D = [
    {"conv": {"filters": 64, "kernel": 3}},
    {"activation": "relu"},
    "flatten",
    {"dense": {"units": 128}},
    {"activation": "relu"},
    {"dropout": 0.5},
]
_W6 = "conv 64×3×3 ReLU, 128 ReLU, dropout 0.5, 10"

_ALL = (
    _work("W1", "softmax 784→10", "A", 5, {"type": "softmax"}, 32, {"lr": 0.1}),
    _work("W2", "784→784 ReLU→10", "A", 1, _mlp(784), 32, {"lr": 0.1}),
    _work(
        "W3", "conv 20×3×3/2 ReLU, 10", "A", 1, {"type": "cnn", "layers": _CNN_A}, 32, {"lr": 0.1}
    ),
    _work("W4", "784→100 ReLU→10", "B", 4, _mlp(100), 1500, {"lr": 0.8}),
    _work("W5", "784→256→128 ReLU→10", "C", 1, _mlp(256, 128), 64, {"lr": 0.05, "momentum": 0.7}),
    _work(
        "W6",
        _W6,
        "D",
        1,
        {"type": "cnn", "layers": _CNN_D},
        64,
        {"lr": 0.02, "momentum": 0.8},
        images=10_000,
    ),
    _work(
        "W7",
        "784→256→128 sigmoid→10",
        "E",
        1,
        _mlp(256, 128, activation="sigmoid"),
        "full",
        {"lr": 0.5},
        init="glorot_normal",
    ),
)
_RELU, _TANH = {"activation": "relu"}, {"activation": "tanh"}
_ALL += (
    _work(
        "C1",
        "conv 16×3×3 padding 1 ReLU, max pool, 10",
        "",
        1,
        _cnn(_conv(16, 3, 1), _RELU, _pool("max")),
        50,
        _MOMENTUM,
        images=20_000,
    ),
    _work(
        "C2",
        "conv 16×3×3 padding 1 ReLU, max pool, conv 32×3×3 padding 1 ReLU, 10",
        "",
        1,
        _cnn(_conv(16, 3, 1), _RELU, _pool("max"), _conv(32, 3, 1), _RELU),
        50,
        _MOMENTUM,
        images=20_000,
    ),
    _work(
        "C3",
        "LeNet-5: conv 6×5×5 padding 2, mean pool, conv 16×5×5, mean pool, 120, 84, tanh",
        "",
        1,
        _cnn(
            *(_conv(6, 5, 2), _TANH, _pool("average"), _conv(16, 5), _TANH, _pool("average")),
            *("flatten", _dense(120), _TANH, _dense(84), _TANH),
        ),
        50,
        _MOMENTUM,
        images=20_000,
        init="glorot_normal",
    ),
    _work(
        "C4",
        "Keras's CNN: conv 32×3×3, conv 64×3×3, max pool, dropout 0.25, 128, dropout 0.5",
        "",
        1,
        _cnn(
            *(_conv(32, 3), _RELU, _conv(64, 3), _RELU, _pool("max"), {"dropout": 0.25}),
            *("flatten", _dense(128), _RELU, {"dropout": 0.5}),
        ),
        128,
        _ADAM,
        images=5_000,
    ),
    _work("O1", "784→512→256 ReLU→10", "", 1, _mlp(512, 256), 64, _ADAM),
    _work(
        "O2", "784→800→800 ReLU, dropout 0.5→10", "", 1, _mlp(800, 800, dropout=0.5), 100, _MOMENTUM
    ),
    _work("B1", "784→128 ReLU→10", "", 1, _mlp(128), 1, {"lr": 0.01}, images=10_000),
    _work("B2", "784→30 sigmoid→10", "", 1, _mlp(30, activation="sigmoid"), 10, {"lr": 0.5}),
    _work(
        "B3",
        "784→2500→2000→1500→1000→500 ReLU→10",
        "",
        1,
        _mlp(2500, 2000, 1500, 1000, 500),
        100,
        {"lr": 0.01},
        images=5_000,
    ),
    _work(
        "D1",
        "784→128 ReLU→10, standardised",
        "",
        1,
        _mlp(128),
        64,
        {"lr": 0.1},
        normalize="standardize",
    ),
    _work("D2", "784→128 ReLU→10, float64", "", 1, _mlp(128), 64, {"lr": 0.1}, dtype="float64"),
)
WORKLOADS = {workload.name: workload for workload in _ALL}


def config_of(work: str, overrides: Sequence[str] = ()) -> RunConfig:
    """The configuration that a row's name, a path, or YAML text on the command line means."""
    if work in WORKLOADS:
        return run_config_from_mapping(WORKLOADS[work].config, overrides)
    if work.lstrip().startswith("{"):
        return parse_run_config(work, "command line", overrides)
    return load_run_config(Path(work), overrides)
