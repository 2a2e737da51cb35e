"""Checks of combinations of keys that are each valid alone."""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from mnistlab.blocks.inits import InitBlock, ZeroBias
from mnistlab.blocks.inits.uniform import UniformInit
from mnistlab.data.sources import SOURCES, with_path
from mnistlab.support.near_names import did_you_mean

if TYPE_CHECKING:
    from mnistlab.config.run import RunConfig

KeyPath = tuple[str | int, ...]
CONFLICTS = "conflicts"  # the type of pydantic's error that carries them


class Conflict:
    """Keys that do not fit together, the one to show first; one message for all of them."""

    def __init__(self, message: str, *paths: KeyPath) -> None:
        self.message = message
        self.paths = paths


def refuse_conflicts(found: Iterable[Conflict]) -> None:
    """Raise pydantic's error with every conflict, if there are any."""
    if conflicts := list(found):
        text = "; ".join(conflict.message for conflict in conflicts)
        raise PydanticCustomError(CONFLICTS, "{text}", {"text": text, "conflicts": conflicts})


def run_conflicts(config: "RunConfig") -> Iterator[Conflict]:
    """Every contradiction between keys that are each valid alone."""
    for check in (
        _base,
        _data_path,
        _labels,
        _length,
        _schedule,
        _early_stopping,
        _average,
        _loss_and_output,
        _uniform_range,
        _bias_without_effect,
        _layer_names,
        _tensor_patterns,
    ):
        yield from check(config)


def _base(config: "RunConfig") -> Iterator[Conflict]:
    # A file's base has been replaced by its keys.
    if config.base is not None:
        message = "belongs in the file of a run; to start from another file, name it in place of"
        yield Conflict(f"{message} this one", ("base",))


def _data_path(config: "RunConfig") -> Iterator[Conflict]:
    source, path = config.data.source, config.data.path
    if SOURCES[source].takes_path and path is None:
        message = f"{source} reads your own files: data.path must say where they are"
        yield Conflict(message, ("data", "source"), ("data", "path"))
    if not SOURCES[source].takes_path and path is not None:
        message = f"belongs to data.source {', '.join(with_path())}, not {source}"
        yield Conflict(message, ("data", "path"), ("data", "source"))


def _labels(config: "RunConfig") -> Iterator[Conflict]:
    names = SOURCES[config.data.source].class_names
    if names is None:
        return
    strange = [label for label in config.data.classes or () if label >= len(names)]
    if strange:
        allowed = f"labels of {config.data.source}, 0 to {len(names) - 1}"
        message = f"found {strange[0]}, must be {allowed}"
        yield Conflict(message, ("data", "classes"), ("data", "source"))


def _length(config: "RunConfig") -> Iterator[Conflict]:
    if config.training.epochs is not None and config.training.steps is not None:
        yield Conflict(
            "cannot be combined with training.epochs; give one of the two, or set the other to "
            "null",
            ("training", "steps"),
            ("training", "epochs"),
        )


def _schedule(config: "RunConfig") -> Iterator[Conflict]:
    for path, message in config.lr_schedule.disagreements():
        yield Conflict(message, ("lr_schedule", *path))


def _early_stopping(config: "RunConfig") -> Iterator[Conflict]:
    stopping, rule = config.training.early_stopping, config.lr_schedule.fall_rule()
    monitors: dict[KeyPath, str] = {}
    if stopping is not None:
        monitors["training", "early_stopping"] = stopping.monitor
    if rule is not None:
        monitors["lr_schedule",] = rule.monitor
    for path, monitor in monitors.items():
        if monitor.startswith("val_") and config.data.validation_images == 0:
            yield Conflict(
                f"{monitor} is never measured with data.validation 0; keep some images for "
                "validation, or monitor train_loss",
                (*path, "monitor"),
                path,
                ("data", "validation"),
            )


def _average(config: "RunConfig") -> Iterator[Conflict]:
    training = config.training
    if training.average_last is None:
        return
    path: KeyPath = ("training", "average_last")
    if training.early_stopping is not None:
        message = (
            "cannot be combined with training.early_stopping, which keeps the best weights; set "
            "one of them to null"
        )
        yield Conflict(message, path, ("training", "early_stopping"))
    if training.epochs is not None and training.average_last > training.epochs:
        message = f"found {training.average_last}, must be at most training.epochs, "
        yield Conflict(f"{message}{training.epochs}", path, ("training", "epochs"))


def _loss_and_output(config: "RunConfig") -> Iterator[Conflict]:
    needed = config.loss.output
    output = config.model.output_activation.type
    if needed is not None and output != needed:
        yield Conflict(
            f"loss.type {config.loss.type} needs model.output_activation {needed}, found {output} "
            "(loss.type mse takes any)",
            ("loss", "type"),
            ("model", "output_activation"),
            ("model", "type"),
            ("model",),
        )


def _uniform_range(config: "RunConfig") -> Iterator[Conflict]:
    inits = {("init",): config.init} | {
        ("init", "layers", name): layer for name, layer in config.init.layers.items()
    }
    for path, init in inits.items():
        if isinstance(init, UniformInit) and init.low >= init.high:
            message = f"found {init.high}, must be above low, which is {init.low}"
            yield Conflict(message, (*path, "high"), (*path, "low"))


def _bias_without_effect(config: "RunConfig") -> Iterator[Conflict]:
    """A bias beside an init that reads biases; in a resolved configuration it has no effect."""
    init, named = config.init, config.init.layers
    inits: dict[KeyPath, InitBlock] = {
        ("init", "layers", name): layer for name, layer in named.items() if layer.bias != init.bias
    }
    if not any(layer.draws_biases and layer.bias == init.bias for layer in named.values()):
        inits["init",] = init
    for path, one in inits.items():
        if not one.draws_biases and not isinstance(one.bias, ZeroBias):
            kind = f"{'.'.join(map(str, path))}.type {one.type}"
            message = f"has no effect, as {kind} reads the biases with the weights; remove it"
            yield Conflict(message, (*path, "bias"), (*path, "type"))


def _layer_names(config: "RunConfig") -> Iterator[Conflict]:
    known = config.model.layer_names()
    for name in config.init.layers:
        if name not in known:
            message = _unknown_name(f"layer {name!r}", name, known)
            yield Conflict(message, ("init", "layers", name), ("model",))
    if isinstance(config.regularization.layers, str):
        return
    penalised = (*known, *config.model.normalisations())
    for index, name in enumerate(config.regularization.layers):
        if name not in penalised:
            message = _unknown_name(f"layer {name!r}", name, penalised)
            yield Conflict(message, ("regularization", "layers", index), ("model",))


def _tensor_patterns(config: "RunConfig") -> Iterator[Conflict]:
    model = config.model
    known = [f"{layer}.{part}" for layer in model.layer_names() for part in ("weight", "bias")]
    known += [f"{layer}.{part}" for layer in model.normalisations() for part in ("scale", "shift")]
    for pattern in config.optimizer.lr_scale:
        if not any(fnmatchcase(name, pattern) for name in known):
            message = _unknown_name(f"tensor {pattern!r}", pattern, known)
            yield Conflict(message, ("optimizer", "lr_scale", pattern), ("model",))


def _unknown_name(what: str, name: str, known: Sequence[str]) -> str:
    return f"the model has no {what}; it has {', '.join(known)}{did_you_mean(name, known)}"
