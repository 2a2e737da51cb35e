"""A resolved configuration as plain data, as YAML, and as a hash."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import yaml

from mnistlab.added_keys import as_first_written
from mnistlab.config.run import RunConfig
from mnistlab.config.scalars import read_scalar
from mnistlab.config.training import Reference
from mnistlab.support.stated import Stated

_TAGS = {
    type(None): "tag:yaml.org,2002:null",
    bool: "tag:yaml.org,2002:bool",
    int: "tag:yaml.org,2002:int",
    float: "tag:yaml.org,2002:float",
    str: "tag:yaml.org,2002:str",
}


class _Dumper(yaml.SafeDumper):
    """Quotes strings that this package's loader would read as another type; never
    writes an alias.
    """

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0]:
            try:
                return _TAGS[type(read_scalar(value))]
            except ValueError:
                return _TAGS[float]
        return super().resolve(kind, value, implicit)

    def ignore_aliases(self, data: Any) -> bool:
        return True


class _OneLineDumper(_Dumper):
    """Writes lists on one line."""


def _represent_list(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.Node:
    scalars = not any(isinstance(item, dict | list) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=scalars)


def _represent_stated(dumper: yaml.SafeDumper, figure: Stated) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:float", figure.text or repr(float(figure)))


_Dumper.add_representer(list, _represent_list)
_Dumper.add_representer(Stated, _represent_stated)
_OneLineDumper.add_representer(list, yaml.SafeDumper.represent_list)


def resolved_mapping(config: RunConfig) -> dict[str, Any]:
    """The complete configuration as dicts, lists and scalars, in the order of the documentation."""
    return config.model_dump(mode="json")


def dump_yaml(config: RunConfig) -> str:
    """The complete configuration as YAML; loaded again, it is equal."""
    mapping = resolved_mapping(config)
    if config.reference is not None:
        return mapping_as_yaml(restated(mapping, config.reference))
    return "".join(_section_as_yaml(json.dumps({key: value})) for key, value in mapping.items())


@lru_cache(maxsize=1024)
def _section_as_yaml(section: str) -> str:
    """A part of a configuration, given as JSON. The trials of a sweep have most parts in common,
    and writing them all takes as long as a short training.
    """
    return mapping_as_yaml(json.loads(section))


def restated(
    mapping: dict[str, Any], reference: Reference | Sequence[Reference] | None
) -> dict[str, Any]:
    """A resolved configuration with the numbers of its `reference` as written, which JSON's types
    cannot represent.
    """
    if reference is None:
        return mapping
    plain = mapping["reference"]
    if isinstance(reference, Reference):
        return {**mapping, "reference": _restated(plain, reference)}
    points = [_restated(*pair) for pair in zip(plain, reference, strict=True)]
    return {**mapping, "reference": points}


def _restated(plain: dict[str, Any], reference: Reference) -> dict[str, Any]:
    figures = {name: getattr(reference, name) for name in plain}
    return plain | {name: v for name, v in figures.items() if isinstance(v, Stated)}


def mapping_as_yaml(mapping: dict[str, Any]) -> str:
    """Plain data as YAML that this package's loader reads back unchanged."""
    return yaml.dump(mapping, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def value_as_yaml(value: Any) -> str:
    """One value as the user would write it after a key, on one line."""
    if isinstance(value, float) and float(short := f"{value:g}") == value:
        return short
    options: Any = {"sort_keys": False, "allow_unicode": True, "width": float("inf")}
    text = yaml.dump([value], Dumper=_OneLineDumper, default_flow_style=True, **options)
    return text.strip()[1:-1]


def setting_as_yaml(settings: Mapping[str, Any], key: str) -> str:
    """A setting as the user would write its value; empty if it is not set."""
    return value_as_yaml(settings[key]) if key in settings else ""


def config_hash(config: RunConfig) -> str:
    """The SHA-256, in hex, of the resolved configuration, whatever the order of keys."""
    mapping = as_first_written(resolved_mapping(config))
    canonical = json.dumps(mapping, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
