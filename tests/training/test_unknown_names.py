"""A name that the engine does not know is an error; nothing else is used instead."""

from typing import ClassVar, Literal

import numpy as np
import pytest
from engine_helpers import config_of, toy_dataset

from mnistlab.blocks.activations import ActivationBlock
from mnistlab.blocks.inits import InitBlock
from mnistlab.blocks.layers import LayerBlock
from mnistlab.blocks.losses import LossBlock
from mnistlab.blocks.models import ModelBlock
from mnistlab.blocks.optimizers import OptimizerBlock
from mnistlab.blocks.schedules import ScheduleBlock
from mnistlab.training.initializers import initial_params
from mnistlab.training.lower import lower
from mnistlab.training.trainer import Trainer

NONE: dict = {}


class StrangeOptimizer(OptimizerBlock):
    """A block that says nothing but its name."""

    type: Literal["strange"] = "strange"
    lr: float = 0.1
    lr_scale: dict[str, float] = NONE


class StrangeLoss(LossBlock):
    type: Literal["strange"] = "strange"


class StrangeActivation(ActivationBlock):
    type: Literal["strange"] = "strange"


class StrangeLayer(LayerBlock):
    type: ClassVar[str] = "strange"


class StrangeModel(ModelBlock):
    type: Literal["strange"] = "strange"


class StrangeInit(InitBlock):
    type: Literal["strange"] = "strange"
    layers: dict[str, object] = NONE


class StrangeSchedule(ScheduleBlock):
    type: Literal["strange"] = "strange"


UNKNOWN = (AssertionError, AttributeError, KeyError, NotImplementedError, ValueError)


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
    "optimizer": CONFIG.model_copy(update={"optimizer": StrangeOptimizer()}),
    "velocity": changed(
        config_of(optimizer={"type": "sgd", "momentum": 0.9}), "optimizer", velocity="strange"
    ),
    "model": CONFIG.model_copy(update={"model": StrangeModel()}),
    "loss": CONFIG.model_copy(update={"loss": StrangeLoss()}),
    "reduction": changed(CONFIG, "loss", reduction="strange"),
    "mode of the penalty": changed(CONFIG, "regularization", mode="strange"),
    "layers of the penalty": changed(CONFIG, "regularization", layers="strange"),
    "activation": changed(CONFIG, "model", activation=StrangeActivation()),
    "layer": changed(CNN, "model", layers=(StrangeLayer(),)),
    "bias of a convolution": in_layer(CNN, "conv", bias="strange"),
    "pool": in_layer(POOL, "pool", type="strange"),
}


@pytest.mark.parametrize("config", LOWERED.values(), ids=LOWERED)
def test_a_name_that_is_not_known_is_not_lowered(config):
    with pytest.raises(UNKNOWN, match=r"[Ss]trange"):
        lowered(config)


INITS = {
    "init": CONFIG.model_copy(update={"init": StrangeInit()}),
    "distribution": changed(
        config_of(init={"type": "variance_scaling"}), "init", distribution="strange"
    ),
    "fan": changed(config_of(init={"type": "variance_scaling"}), "init", mode="strange"),
}


@pytest.mark.parametrize("config", INITS.values(), ids=INITS)
def test_an_init_that_is_not_known_does_not_start_at_zero(config):
    program = lowered(CONFIG)
    with pytest.raises(UNKNOWN, match="strange"):
        initial_params(config.init, program.tensors, program.sizes.parameters, 0, np.float64)


def test_a_schedule_and_a_shuffle_that_are_not_known_are_errors():
    with pytest.raises(UNKNOWN, match="strange"):
        Trainer(CONFIG.model_copy(update={"lr_schedule": StrangeSchedule()}), toy_dataset()).rates(
            0, 3
        )
    trainer = Trainer(changed(CONFIG, "training", shuffle="strange"), toy_dataset())
    with pytest.raises(UNKNOWN, match="strange"):
        trainer.order(0)
