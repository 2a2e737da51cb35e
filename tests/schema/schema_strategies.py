"""Any configuration that the JSON Schema allows, kept small; and any that it does not allow.

The strategy is made from the schema, so that a key that is new is drawn from the day it is there.
"""

import math
from typing import Any

from hypothesis import strategies as st

from mnistlab.config import run_config_from_mapping
from mnistlab.config.schema import run_json_schema
from mnistlab.support.errors import ConfigError

SCHEMA = run_json_schema()
# So large a number of units, images or steps says no more than a small one, and takes longer.
LARGEST = 5
SPAN = 2.0
EXTREMES = (1e-300, 1e-30, 1e-3, 1e10, 1e300)
WORDS = ("x", "run-1", "a.b_c", "0")


def values(schema: dict[str, Any]) -> st.SearchStrategy:
    """What a part of the schema allows, small."""
    if "$ref" in schema:
        target = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
        needed = {*target.get("required", ()), *schema.get("required", ())}
        return st.deferred(lambda: values({**target, "required": sorted(needed)}))
    if "anyOf" in schema:
        return st.one_of([values(one) for one in schema["anyOf"]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return BY_TYPE[schema["type"]](schema)


def _object(schema: dict[str, Any]) -> st.SearchStrategy:
    if isinstance(schema.get("additionalProperties"), dict):
        # The names of layers and tensors; they are put right once the model is known.
        named = values(schema["additionalProperties"])
        return st.lists(named, max_size=2).map(lambda items: dict(enumerate(items)))
    properties = {name: values(one) for name, one in schema["properties"].items()}
    needed = {name: properties.pop(name) for name in schema.get("required", ())}
    return st.fixed_dictionaries(needed, optional=properties)


def _integer(schema: dict[str, Any]) -> st.SearchStrategy:
    least = schema.get("minimum", 0)
    most = min(schema.get("maximum", math.inf), least + LARGEST)
    return st.integers(least, most)


def _number(schema: dict[str, Any]) -> st.SearchStrategy:
    least, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    most, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    low = next((bound for bound in (least, above) if bound is not None), -SPAN)
    high = next((bound for bound in (most, below) if bound is not None), low + SPAN)

    def allowed(value: float) -> bool:
        return (
            (least is None or value >= least)
            and (above is None or value > above)
            and (most is None or value <= most)
            and (below is None or value < below)
        )

    usual = st.floats(low, high).filter(allowed)
    extremes = [value for value in EXTREMES if allowed(value)]
    # One in ten: each of them makes most runs diverge.
    return st.integers(0, 9).flatmap(
        lambda n: st.sampled_from(extremes) if n == 0 and extremes else usual
    )


def _array(schema: dict[str, Any]) -> st.SearchStrategy:
    items = values(schema["items"])
    return st.lists(items, min_size=schema.get("minItems", 0), max_size=LARGEST)


BY_TYPE = {
    "object": _object,
    "integer": _integer,
    "number": _number,
    "array": _array,
    "string": lambda schema: st.sampled_from(WORDS),
    "boolean": lambda schema: st.booleans(),
    "null": lambda schema: st.none(),
}


def _chosen(section: Any, key: str, default: str) -> str:
    value = section.get(key, default)
    return value["type"] if isinstance(value, dict) else value


def _section(mapping: dict[str, Any], key: str) -> dict[str, Any]:
    """A section as a mapping, though it be written as the bare name of its type."""
    value = mapping.get(key, {})
    return {"type": value} if isinstance(value, str) else value


def put_right(mapping: dict[str, Any], data: dict[str, Any], weights: str) -> dict[str, Any]:
    """The same, its keys agreeing where the schema can't say that they must.

    `data` are the images that there are, `weights` a file of weights that there is.
    """
    section = {**mapping.get("data", {}), **data}
    training = {"epochs": 2, **mapping.get("training", {})}
    if training.get("steps") is not None:
        training["epochs"] = None
    stopping = training.get("early_stopping")
    if stopping and stopping.get("monitor", "val_loss").startswith("val_"):
        validation = section.get("validation")
        images = validation.get("images") if isinstance(validation, dict) else validation
        section["validation"] = validation if images else "auto"
    right = {**mapping, "data": section, "training": training}
    loss, model = _section(mapping, "loss").get("type"), _section(mapping, "model")
    needed = {"binary_cross_entropy": "sigmoid", "mse": None}.get(loss, "softmax")
    if needed is not None and _chosen(model, "output_activation", "softmax") != needed:
        right["model"] = {**model, "output_activation": needed}
    return _named(_with_files(right, weights))


def _with_files(value: Any, weights: str) -> Any:
    """Every init that reads a file reads this one, and every uniform one has a range."""
    if not isinstance(value, dict):
        return value
    found = {key: _with_files(one, weights) for key, one in value.items()}
    if found.get("type") == "file":
        found["path"] = weights
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


def configurations() -> st.SearchStrategy[dict[str, Any]]:
    """What the schema allows, keys not yet put right."""
    return values(SCHEMA)


# What stands in a value's place, or as a key, and is now and then allowed there.
WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["softmax", "mlp", "relu", "full", "auto", "1e-3", "nan", "~", "[", "../x"]),
    st.lists(st.integers(-1, 2), max_size=3),
    st.dictionaries(st.text(max_size=4), st.integers(-1, 2), max_size=2),
)


def _places(value: Any, path: tuple = ()) -> list[tuple]:
    inside = value.items() if isinstance(value, dict) else ()
    return [path, *(place for key, one in inside for place in _places(one, (*path, key)))]


def _replaced(value: Any, path: tuple, new: Any) -> Any:
    if not path:
        return new
    return {**value, path[0]: _replaced(value[path[0]], path[1:], new)}


@st.composite
def spoilt(draw: st.DrawFn, whole: dict[str, Any]) -> Any:
    """A configuration with a wrong value, or a key too many, at any of its places."""
    path = draw(st.sampled_from(_places(whole)))
    found = whole
    for key in path:
        found = found[key]
    if isinstance(found, dict) and draw(st.booleans()):
        return _replaced(whole, path, {**found, draw(st.text(min_size=1, max_size=8)): 1})
    return _replaced(whole, path, draw(WRONG))


def refusal(mapping: Any) -> list[str] | None:
    """Why a configuration is invalid; None for a valid one."""
    try:
        run_config_from_mapping(mapping)
    except ConfigError as error:
        return list(error.messages)
    return None
