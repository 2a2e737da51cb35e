"""Keys of the configuration that earlier versions did not have.

What they wrote lacks these keys, and is still the same configuration: a run folder can be resumed
and compared, and a sweep finds its trials by their hashes.
"""

from collections.abc import Iterator, Sequence
from typing import Any

# By dotted path: what a version without the key did. `loss:mse` is a section of that type, `*` is
# every item of a list.
ADDED_KEYS: dict[str, Any] = {
    "data.class_names": None,
    "data.label_noise": 0.0,
    "data.shuffle_labels": False,
    "data.transpose": False,
    "data.invert": False,
    "data.deskew": False,
    "data.resize": None,
    "data.permute_pixels": None,
    "data.augment": [],
    "training.kernels": "fast",
    "training.early_stopping.min_delta": 0.0,
    "regularization.max_norm": None,
    "training.average_last": None,
    "training.snapshots": None,
    "loss:cross_entropy.label_smoothing": 0.0,
    "loss:cross_entropy.teacher": None,
    "loss:mse.targets": "one_hot",
    "model:mlp.batch_norm": None,
    "model:mlp.input_dropout": 0.0,
    "model:cnn.layers.*.conv.connections": None,
    "optimizer.clip_value": None,
    "optimizer.clip_norm": None,
}


def _by_section() -> dict[tuple[str, ...], dict[str, Any]]:
    """The same by the names of the path to a section, which hundreds of runs search for."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for path, value in ADDED_KEYS.items():
        *names, key = path.split(".")
        found.setdefault(tuple(names), {})[key] = value
    return found


_ADDED = _by_section()


def completed(config: dict[str, Any]) -> dict[str, Any]:
    """A resolved configuration of any version, with the keys that its version did not have."""
    whole = _copied(config)
    for section, added in _sections(whole):
        for key, value in added.items():
            section.setdefault(key, value)
    return whole


def as_first_written(config: dict[str, Any]) -> dict[str, Any]:
    """A resolved configuration without the added keys that change nothing."""
    first = _copied(config)
    for section, added in _sections(first):
        for key, value in added.items():
            if section.get(key) == value:
                del section[key]
    return first


def _copied(value: Any) -> Any:
    """A copy of nested dicts and lists. Hundreds of runs wait for it: `deepcopy` is slow, and so is
    asking for a Mapping in place of a dict.
    """
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


def _sections(config: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each section with added keys that is there, and these keys with what was before them."""
    for names, added in _ADDED.items():
        for section in _reached(config, names):
            yield section, added


def _reached(value: Any, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The sections at the end of a path that are there."""
    if not names:
        if isinstance(value, dict):
            yield value
        return
    name, _, kind = names[0].partition(":")
    if name == "*":
        for item in value if isinstance(value, list) else ():
            yield from _reached(item, names[1:])
    elif isinstance(value, dict):
        below = value.get(name)
        if not kind or (isinstance(below, dict) and below.get("type") == kind):
            yield from _reached(below, names[1:])
