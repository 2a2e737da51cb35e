"""The configuration for a classifier's parameters."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from mnistlab.blocks.schedules import SCHEDULES, ScheduleBlock
from mnistlab.config import RunConfig, resolved_mapping, run_config_from_mapping
from mnistlab.python.training import run_config
from mnistlab.support.errors import UsageError


def estimator_config(estimator: Any) -> RunConfig:
    """The configuration of a Classifier, with its parameters set; raises ConfigError."""
    mapping = {} if estimator.config is None else resolved_mapping(run_config(estimator.config, {}))
    sections = {"model": estimator.model, "optimizer": estimator.optimizer}
    types = {f"{k}.type": v for k, v in sections.items() if isinstance(v, str)}
    # The configuration refuses what is neither a name nor a mapping.
    whole = {k: v for k, v in sections.items() if v is not None and not isinstance(v, str)}
    keys = {
        "model.hidden": estimator.hidden,
        "model.activation": estimator.activation,
        "model.dropout": estimator.dropout,
        "optimizer.lr": estimator.lr,
        "regularization.l1": estimator.l1,
        "regularization.l2": estimator.l2,
        "training.epochs": estimator.epochs,
        "training.batch_size": estimator.batch_size,
        "seed": _seed(estimator.random_state),
    }
    for key, kind in types.items():  # another type has other keys
        section = key.partition(".")[0]
        if mapping.get(section, {}).get("type") != kind:
            mapping[section] = {}
    set_here = {key: value for key, value in keys.items() if value is not None}
    return run_config_from_mapping(mapping, {**whole, **types, **set_here}, "Classifier")


def _seed(random_state: int | np.random.RandomState | None) -> int | None:
    """The seed; drawn if a RandomState is given."""
    if random_state is None or isinstance(random_state, bool):
        return random_state  # the configuration refuses a bool
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31))


def refuse_arguments(method: str, unsupported: Mapping[str, Any]) -> None:
    """Raise TypeError for an argument that a method does not have.

    `sample_weight` must not be a named parameter: scikit-learn would assume that it is supported.
    """
    if "sample_weight" in unsupported:
        raise TypeError(
            f"{method}: sample_weight is not supported: each image counts the same; "
            "repeat images, or draw them in proportion to their weights"
        )
    if unsupported:
        raise TypeError(f"{method}: no argument {next(iter(unsupported))!r}")


def refuse_whole_run_schedule(config: RunConfig) -> None:
    """Raise UsageError for a learning-rate schedule that needs the whole run."""
    if config.lr_schedule.of_whole_run:
        raise UsageError(
            f"lr_schedule.type: {config.lr_schedule.type} is over a whole run, whose length "
            f"partial_fit does not know; take one of {', '.join(_schedules_of_no_length())}"
        )


def _schedules_of_no_length() -> list[str]:
    """The types of schedules whose rates never depend on the whole run."""
    return [
        name
        for name, block in SCHEDULES.blocks.items()
        if block.of_whole_run is ScheduleBlock.of_whole_run
        and block.fall_rule is ScheduleBlock.fall_rule
    ]


def refuse_changed_labels(config: RunConfig) -> None:
    """Raise UsageError for a key of `data` that changes or names labels: they are those of y."""
    data = config.data
    if data.class_names is not None:
        raise UsageError("data.class_names: found names; the labels of y are a classifier's names")
    for key, value in (("label_noise", data.label_noise), ("shuffle_labels", data.shuffle_labels)):
        if value:
            raise UsageError(
                f"data.{key}: found {str(value).lower()}, but a classifier trains on the labels as "
                "they are given; change y instead"
            )
