"""Values drawn from the JSON Schema of a run configuration: any allowed value, but small.

The generator follows the schema, so a new key is drawn without a change here. `put_right` then
makes keys agree where the schema cannot state that they must.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from mnistlab.config import run_config_from_mapping
from mnistlab.config.schema import run_json_schema
from mnistlab.support.errors import ConfigError

SCHEMA = run_json_schema()
# Larger numbers of units, images or steps test the same code, and take longer.
MEAN_COUNT = 4
MEAN_ITEMS = 2
EXTREMES = (1e-300, 1e-30, 1e10, 1e300)
WORDS = ("x", "run-1", "a.b_c", "0")
# What the schema says beside the value itself.
REMARKS = {"title", "description", "default", "format", "required"}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A part of the schema with its reference resolved."""
    if "$ref" not in schema:
        return schema
    target = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    needed = {*target.get("required", ()), *schema.get("required", ())}
    return {**target, "required": sorted(needed)}


class Draws:
    """Draws from `random`; a share `extreme` of the numbers is as extreme as the schema allows."""

    def __init__(self, random: Random, extreme: float = 0.0) -> None:
        self.random = random
        self.extreme = extreme

    def configuration(self) -> dict[str, Any]:
        """A mapping that the schema allows; its keys may contradict each other."""
        return self.value(SCHEMA)

    def value(self, schema: dict[str, Any]) -> Any:
        """A value that a part of the schema allows."""
        schema = resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self.value(self.random.choice(schema[keyword]))
        by_type = {
            "object": self._object,
            "array": self._array,
            "integer": self._integer,
            "number": self._number,
            "string": lambda schema: self.random.choice(WORDS),
            "boolean": lambda schema: self.random.random() < 0.5,
            "null": lambda schema: None,
        }
        if schema.get("type") not in by_type:
            raise NotImplementedError(
                f"tests/schema/schema_draws.py cannot draw from {set(schema) - REMARKS}: {schema}"
            )
        return by_type[schema["type"]](schema)

    def _count(self, mean: float, most: float) -> int:
        return int(min(self.random.expovariate(1 / mean), most))

    def _object(self, schema: dict[str, Any]) -> dict[Any, Any]:
        named = schema.get("additionalProperties")
        if isinstance(named, dict):
            # The names of layers and tensors; they are put right once the model is known.
            return {number: self.value(named) for number in range(self.random.randrange(3))}
        needed = schema.get("required", ())
        return {
            name: self.value(one)
            for name, one in schema["properties"].items()
            if name in needed or self.random.random() < 0.5
        }

    def _array(self, schema: dict[str, Any]) -> list[Any]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", 10)
        length = least + self._count(MEAN_ITEMS, min(10, most - least))
        return [self.value(schema["items"]) for _ in range(length)]

    def _integer(self, schema: dict[str, Any]) -> int:
        least = schema.get("minimum", 0)
        return least + self._count(MEAN_COUNT, schema.get("maximum", 2**31 - 1) - least)

    def _number(self, schema: dict[str, Any]) -> float:
        if self.random.random() < self.extreme:
            allowed = [value for value in EXTREMES if _allows(schema, value)]
            if allowed:
                return self.random.choice(allowed)
        while not _allows(schema, value := self._usual_number(schema)):
            pass
        return value

    def _usual_number(self, schema: dict[str, Any]) -> float:
        """Within its bounds; around a default; else between a thousandth and 1."""
        least = schema.get("minimum", schema.get("exclusiveMinimum"))
        most = schema.get("maximum", schema.get("exclusiveMaximum"))
        if least is None:
            return self.random.uniform(-1, 1)
        if "minimum" in schema and self.random.random() < 0.15:
            return float(least)
        if most is not None and most <= 1:
            return self.random.uniform(least, most)
        default = schema.get("default") or 0
        if default > 0:
            return default * 10 ** self.random.uniform(-1, 1)
        return least + 10 ** self.random.uniform(-3, 0)


def _allows(schema: dict[str, Any], value: float) -> bool:
    return (
        ("minimum" not in schema or value >= schema["minimum"])
        and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
        and ("maximum" not in schema or value <= schema["maximum"])
        and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
    )


def _section(mapping: dict[str, Any], key: str) -> dict[str, Any]:
    """A part of a mapping, where a bare name means a mapping of that `type`."""
    value = mapping.get(key, {})
    return {"type": value} if isinstance(value, str) else value


def put_right(mapping: dict[str, Any], data: dict[str, Any], weights: str) -> dict[str, Any]:
    """The same mapping, with keys made to agree where the schema cannot state that they must.

    `data` are existing images, `weights` an existing file of weights.
    """
    section = {**mapping.get("data", {}), **data}
    section.pop("class_names", None)  # there must be as many as the images have classes
    training = {"epochs": 2, **mapping.get("training", {})}
    if training.get("steps") is not None:
        training["epochs"] = None
    schedule = _section(mapping, "lr_schedule")
    stopping = training.get("early_stopping")
    monitors = [stopping, schedule if schedule.get("type") == "plateau" else None]
    if any(one and one.get("monitor", "val_loss").startswith("val_") for one in monitors):
        validation = section.get("validation")
        images = validation.get("images") if isinstance(validation, dict) else validation
        section["validation"] = validation if images else "auto"
    for phase in schedule.get("phases", ())[:-1]:
        if isinstance(phase, dict) and phase.get("epochs") is None:
            phase["epochs"] = 1  # only the last may last to the end of the run
    average = training.get("average_last")
    if average and (stopping or average > (training.get("epochs") or average)):
        training["average_last"] = None
    right = {**mapping, "base": None, "data": section, "training": training}
    loss, model = _section(mapping, "loss").get("type"), _section(mapping, "model")
    needed = {"binary_cross_entropy": "sigmoid", "mse": None}.get(loss, "softmax")
    output = _section(model, "output_activation").get("type", "softmax")
    if needed not in (None, output):
        model = right["model"] = {**model, "output_activation": needed}
    if "layers" in model:
        right["model"] = {**model, "layers": list(_agreeing(model["layers"]))}
    if _section(right, "loss").get("teacher"):
        right["loss"] = {**right["loss"], "teacher": None}  # needs a run of the same images
    return _named(_with_files(right, weights))


def _agreeing(layers: list[Any]) -> Iterator[Any]:
    """Layers whose padding `same` has an odd kernel, and whose connections are of maps below."""
    channels = 1
    for layer in layers:
        conv = layer.get("conv") if isinstance(layer, dict) else None
        if not isinstance(conv, dict):
            yield layer
            continue
        conv, filters = dict(conv), conv["filters"]
        if conv.get("padding") == "same":
            conv["kernel"] = conv["kernel"] // 2 * 2 + 1
        if conv.get("connections") is not None:
            seen = [[c for c in range(channels) if (f + c) % 3] or [0] for f in range(filters)]
            conv["connections"] = seen
        channels = filters
        yield {"conv": conv}


def _with_files(value: Any, weights: str) -> Any:
    """Every init that reads a file reads this one, and every uniform one has a range."""
    if not isinstance(value, dict):
        return value
    found = {key: _with_files(one, weights) for key, one in value.items()}
    if found.get("type") == "file":
        found["path"] = weights
        found.pop("bias", None)  # the file has them
    if found.get("type") == "run":
        found |= {"path": str(Path(weights).parent), "weights": "final"}
        found.pop("bias", None)  # the run has them
    if found.get("type") == "uniform" and "low" in found:
        found["low"], found["high"] = -abs(found["low"]), abs(found["high"]) + 0.1
    return found


def _named(mapping: dict[str, Any]) -> dict[str, Any]:
    """Layers and tensors called by names that the model has."""
    only_model = {key: mapping[key] for key in ("model", "loss") if key in mapping}
    try:
        names = run_config_from_mapping(only_model).model.layer_names()
    except ConfigError:
        return mapping
    right = dict(mapping)
    if layers := _section(mapping, "init").get("layers"):
        named = dict(zip(names, layers.values(), strict=False))
        right["init"] = {**mapping["init"], "layers": named}
    if scales := _section(mapping, "optimizer").get("lr_scale"):
        tensors = ["*.bias", *(f"{name}.weight" for name in names)]
        named = dict(zip(tensors, scales.values(), strict=False))
        right["optimizer"] = {**mapping["optimizer"], "lr_scale": named}
    if isinstance(layers := mapping.get("regularization", {}).get("layers"), list):
        named = list(names[: len(layers)])
        right["regularization"] = {**mapping["regularization"], "layers": named}
    return right


def refusal(mapping: Any) -> list[str] | None:
    """Why a configuration is invalid; None for a valid one."""
    try:
        run_config_from_mapping(mapping)
    except ConfigError as error:
        return list(error.messages)
    return None
