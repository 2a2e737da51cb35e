"""Checks the weights of other runs that a configuration names: those that it starts from, and its
teacher's.
"""

import json

from mnistlab.blocks.inits import InitBlock
from mnistlab.config import RunConfig, resolved_mapping
from mnistlab.data import Dataset
from mnistlab.experiment.teacher import load_teacher, teacher_of
from mnistlab.training.initializers import initial_params
from mnistlab.training.lower import lower


def named_weights(config: RunConfig) -> str | None:
    """A text that is the same for two configurations if all checks here have the same result; None
    if the configuration names no weights.
    """
    if teacher_of(config) is None and not any(one.reads_file for one in _inits(config)):
        return None
    resolved = resolved_mapping(config)
    keys = ("init", "loss", "model", "data")
    return json.dumps([{key: resolved[key] for key in keys}, config.training.dtype], sort_keys=True)


def refuse_missing(config: RunConfig) -> None:
    """Raise UsageError if weights that the configuration names do not exist. It needs no dataset,
    so it does not find weights that exist and do not fit.
    """
    for init in _inits(config):
        init.refuse_missing()
    load_teacher(config)


def refuse_unfit(config: RunConfig, dataset: Dataset) -> None:
    """Raise UsageError if weights that the configuration names do not exist or do not fit."""
    if any(one.reads_file for one in _inits(config)):
        program = lower(config, dataset.image_shape, len(dataset.class_names), 1)
        size = program.sizes.parameters
        initial_params(config.init, program.tensors, size, config.seed, program.dtype)
    load_teacher(config, dataset)


def _inits(config: RunConfig) -> list[InitBlock]:
    return [config.init, *config.init.layers.values()]
