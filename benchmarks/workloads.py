"""The rows of the table: seven trainings, as mnistlab's own configurations."""

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
    report: str  # of which of the reports' experiments it has the size
    epochs: int
    config: dict[str, Any]


def _work(
    name: str,
    text: str,
    report: str,
    epochs: int,
    model: dict[str, Any],
    batch: int | str,
    optimizer: dict[str, float],
    images: int = 60_000,
    init: str = "he_normal",
) -> Workload:
    config = {
        "name": name.lower(),
        "data": {"source": "mnist", "validation": 0, "train_limit": images},
        "model": model,
        "init": {"type": init},
        "optimizer": {"type": "sgd", **optimizer},
        # All images in one batch are the same sum in any order: nobody has to gather them.
        "training": {"batch_size": batch, "shuffle": "none" if batch == "full" else "epoch"},
    }
    return Workload(name, text, report, epochs, config)


def _mlp(*hidden: int, activation: str = "relu") -> dict[str, Any]:
    return {"type": "mlp", "hidden": list(hidden), "activation": activation}


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
WORKLOADS = {workload.name: workload for workload in _ALL}


def config_of(work: str, overrides: Sequence[str] = ()) -> RunConfig:
    """The configuration that a row's name, a path, or YAML text on the command line means."""
    if work in WORKLOADS:
        return run_config_from_mapping(WORKLOADS[work].config, overrides)
    if work.lstrip().startswith("{"):
        return parse_run_config(work, "command line", overrides)
    return load_run_config(Path(work), overrides)
