"""Every registered block trains, has the right gradients, and is exported correctly or refused.

The blocks come from the registered families, so a new block is tested without a change here.
"""

from pathlib import Path

import numpy as np
import pytest

from mnistlab import blocks
from mnistlab.blocks.registry import Family
from mnistlab.config import run_config_from_mapping
from mnistlab.python.commands.check import check
from mnistlab.python.commands.export import export
from mnistlab.store.metrics import read_metrics
from mnistlab.support.errors import UsageError
from mnistlab.support.modules import modules_of
from tools.short_runs import SHORT, train

CONV = {"conv": {"filters": 2, "kernel": 3}}
# The keys that a block requires, in its own section or in others.
NEEDED = {
    "conv": {"filters": 2, "kernel": 3},
    "dense": {"units": 5},
    "dropout": 0.3,
    "pad": {"size": 1, "value": 0.5},
    "shift": {"pixels": 2},
    "activation": "relu",
    "milestones": {"at": {"1": 0.5}},
    "phases": {"phases": [{"epochs": 1, "scale": 0.5}, "cosine"]},
    "exponential": {"gamma": 0.9},
    "inverse_time": {"decay": 0.1},
    "linear": {"final": 0.1, "steps": 20},
    "normal": {"std": 0.1},
    "poisson": {"lam": 2.0, "factor": 0.01},
    "uniform": {"low": -0.1, "high": 0.1},
    "step": {"factor": 0.5, "every": 1},
    "cnn": {"layers": [CONV]},
    "mlp": {"hidden": [6]},
}
OUTPUT_OF_LOSS = {"binary_cross_entropy": "sigmoid"}


def item(name: str) -> dict | str:
    """An item of a list of blocks."""
    return name if name in ("flatten", "flip") else {name: NEEDED.get(name, {})}


def layer(name: str) -> dict:
    return {"model": {"type": "cnn", "layers": [CONV, item(name)]}}


def loss(name: str) -> dict:
    model = {"type": "mlp", "hidden": [6]}
    if name in OUTPUT_OF_LOSS:
        model["output_activation"] = OUTPUT_OF_LOSS[name]
    return {"model": model, "loss": {"type": name}}


def hidden(name: str) -> dict:
    # A softmax is an output activation only.
    if name == "softmax":
        return {"model": {"type": "mlp", "hidden": [6], "output_activation": name}}
    return {"model": {"type": "mlp", "hidden": [6], "activation": name}}


# By family: the sections of a configuration with one of its blocks.
SECTIONS = {
    "activations": hidden,
    "augmentations": lambda name: {"data": {**SHORT["data"], "augment": [item(name)]}},
    "inits": lambda name: {"init": {"type": name, **NEEDED.get(name, {})}},
    "layers": layer,
    "losses": loss,
    "models": lambda name: {"model": {"type": name, **NEEDED.get(name, {})}},
    "optimizers": lambda name: {"optimizer": {"type": name}},
    "schedules": lambda name: {"lr_schedule": {"type": name, **NEEDED.get(name, {})}},
}


def families() -> dict[str, Family]:
    """Every family of blocks, by its folder."""
    found = {}
    for module in modules_of(blocks.__name__):
        for value in vars(module).values():
            if isinstance(value, Family) and value.package == module.__name__:
                found.setdefault(value.package.rpartition(".")[2], value)
    return found


EVERY = [(family, name) for family, found in families().items() for name in found.blocks]


def test_every_family_has_a_configuration_for_its_blocks():
    assert set(families()) == set(SECTIONS)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """The initial weights of an initialisation from a file or a run."""
    return train(tmp_path_factory.mktemp("weights")).run_dir / "weights.safetensors"


@pytest.mark.parametrize(("family", "name"), EVERY)
def test_every_block_trains_checks_and_is_exported_or_refused(tmp_path, weights, family, name):
    sections = SECTIONS[family](name)
    stored = {("inits", "file"): weights, ("inits", "run"): weights.parent}
    if (family, name) in stored:
        sections["init"]["path"] = str(stored[family, name])
    run = train(tmp_path, {"training": {"epochs": 2}, **sections}, threads=1)
    assert run.status == "finished"
    first, second = (row.train_loss for row in read_metrics(run.run_dir / "metrics.csv"))
    assert np.isfinite([first, second]).all()
    assert first != second

    config = run_config_from_mapping({**SHORT, **sections})
    assert check(config, data_dir=tmp_path / "data").passed

    for form in ("onnx", "safetensors"):
        refusal, written = "", None
        try:
            # The export compares the file's outputs with the network's own.
            written = export(run.run_dir, form, data_dir=tmp_path / "data", threads=1).file
        except UsageError as error:
            refusal = str(error)
        assert f"--format {form} cannot represent the " in refusal or (written and written.exists())
