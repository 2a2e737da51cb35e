"""A name that the engine does not know ends in an error; nothing is taken for something else."""

from typing import Any, ClassVar

import numpy as np
import pytest
from engine_helpers import config_of, toy_dataset

from mnistlab.config.base import Section
from mnistlab.engine.initializers import initial_params
from mnistlab.engine.lower import lower
from mnistlab.engine.schedules import learning_rates
from mnistlab.engine.trainer import Trainer


class Strange(Section):
    """A section of a type that is registered in the configuration, and nowhere else."""

    type: ClassVar[str] = "strange"
    momentum: float = 0.0
    lr_scale: Any = None
    bias: bool = True


class StrangeWithBias(Strange):
    layers: Any = None


UNKNOWN = (AssertionError, KeyError, ValueError)
STRANGE = r"[Ss]trange"


def changed(config, section, **keys):
    """The configuration with values that its own checks would refuse."""
    return config.model_copy(update={section: getattr(config, section).model_copy(update=keys)})


def lowered(config):
    return lower(config, (6, 6), 4, 8)


CONFIG = config_of(model={"type": "mlp", "hidden": [5]}, regularization={"l1": 0.1, "l2": 0.1})
CNN = config_of(model={"type": "cnn", "layers": [{"conv": {"filters": 2, "kernel": 3}}]})
POOL = config_of(model={"type": "cnn", "layers": [{"pool": {}}]})


def in_layer(config, kind, **keys):
    layer = config.model.layers[0]
    settings = getattr(layer, kind).model_copy(update=keys)
    return changed(config, "model", layers=(layer.model_copy(update={kind: settings}),))


LOWERED = {
    "optimizer": CONFIG.model_copy(update={"optimizer": Strange(lr_scale={})}),
    "velocity": changed(
        config_of(optimizer={"type": "sgd", "momentum": 0.9}), "optimizer", velocity="strange"
    ),
    "loss": changed(CONFIG, "loss", type="strange"),
    "reduction": changed(CONFIG, "loss", reduction="strange"),
    "mode of the penalty": changed(CONFIG, "regularization", mode="strange"),
    "layers of the penalty": changed(CONFIG, "regularization", layers="strange"),
    "activation": changed(CONFIG, "model", activation=Strange()),
    "output activation": changed(
        config_of(loss={"type": "mse"}), "model", output_activation=Strange()
    ),
    "layer": changed(CNN, "model", layers=(Strange(),)),
    "bias of a convolution": in_layer(CNN, "conv", bias="strange"),
    "pool": in_layer(POOL, "pool", type="strange"),
}


@pytest.mark.parametrize("config", LOWERED.values(), ids=LOWERED)
def test_a_name_that_is_not_known_is_not_lowered(config):
    with pytest.raises(UNKNOWN, match=STRANGE):
        lowered(config)


INITS = {
    "init": CONFIG.model_copy(update={"init": StrangeWithBias(layers={})}),
    "bias": changed(CONFIG, "init", bias=Strange()),
    "distribution": changed(
        config_of(init={"type": "variance_scaling"}), "init", distribution="strange"
    ),
    "fan": changed(config_of(init={"type": "variance_scaling"}), "init", mode="strange"),
}


@pytest.mark.parametrize("config", INITS.values(), ids=INITS)
def test_an_init_that_is_not_known_does_not_start_at_zero(config):
    program = lowered(CONFIG)
    with pytest.raises(UNKNOWN, match=STRANGE):
        initial_params(config.init, program.tensors, program.size, 0, np.float64)


def test_a_schedule_and_a_shuffle_that_are_not_known_are_errors():
    with pytest.raises(UNKNOWN, match=STRANGE):
        learning_rates(Strange(), 0.1, np.arange(3), 1, 3)
    trainer = Trainer(changed(CONFIG, "training", shuffle="strange"), toy_dataset())
    with pytest.raises(UNKNOWN, match=STRANGE):
        trainer.order(0)
