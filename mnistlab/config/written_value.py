"""Changes one number in the text of a configuration file; the rest of the file stays as it is."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

import yaml

from mnistlab.config.dump import resolved_mapping, value_as_yaml
from mnistlab.config.load import parse_run_config
from mnistlab.config.run import RunConfig
from mnistlab.support import durable
from mnistlab.support.errors import ConfigError, UsageError

BOM = "\ufeff"


@dataclass(frozen=True)
class Edit:
    """The characters [start, end) of a text are replaced by `words`."""

    start: int
    end: int
    words: str


def write_learning_rate(path: Path, lr: float, measured: RunConfig) -> None:
    """Set `optimizer.lr` in a run's YAML file; its comments and its layout stay.

    `measured` is the file's configuration for which the rate is meant. Raises UsageError, and
    leaves the file as it is, if it now has another one, if other values would change too (an anchor
    or a merge), or if it cannot be written.
    """
    real = Path(os.path.realpath(path))
    try:
        # In bytes, because line ends stay as they are.
        before = real.read_bytes().decode()
        refuse_another(path, before, measured, "it has changed since it was read")
        after = with_learning_rate(before, lr)
        wanted = measured.model_copy(
            update={"optimizer": measured.optimizer.model_copy(update={"lr": lr})}
        )
        why = "it shares the value with another key, by an anchor, an alias or a merge"
        refuse_another(path, after, wanted, why)
        durable.write_file(real, after, mode=stat.S_IMODE(real.stat().st_mode))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def refuse_another(path: Path, text: str, wanted: RunConfig, why: str) -> None:
    """Raise UsageError if the text of a file has another configuration than `wanted`."""
    try:
        found = parse_run_config(text.removeprefix(BOM), str(path), base_dir=path.parent)
    except ConfigError:
        found = None
    if found is None or resolved_mapping(found) != resolved_mapping(wanted):
        raise UsageError(f"{path}: optimizer.lr is not written: {why}; set it by hand")


def with_learning_rate(text: str, lr: float) -> str:
    """The text of a valid run configuration with another `optimizer.lr`."""
    mark = BOM if text.startswith(BOM) else ""
    text = text.removeprefix(BOM)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    edit = _edit(text, root, value_as_yaml(lr))
    return mark + text[: edit.start] + edit.words + text[edit.end :]


def _edit(text: str, root: yaml.MappingNode, lr: str) -> Edit:
    optimizer = _value(root, "optimizer")
    match optimizer:
        case None:
            return _added(text, root, "optimizer", f"{{lr: {lr}}}")
        case yaml.MappingNode():
            number = _value(optimizer, "lr")
            if number is None:
                return _added(text, optimizer, "lr", lr)
            return _replaced(text, number, lr)
        case _:  # the name of a type alone
            return _replaced(text, optimizer, f"{{type: {optimizer.value}, lr: {lr}}}")


def _value(mapping: yaml.MappingNode, key: str) -> yaml.Node | None:
    return next((value for name, value in mapping.value if name.value == key), None)


def _replaced(text: str, node: yaml.Node, words: str) -> Edit:
    """Another value in the place of a scalar; a comment behind it stays in its column."""
    start, end = node.start_mark.index, node.end_mark.index
    spaces = len(text) - end - len(text[end:].lstrip(" "))
    if text[end + spaces : end + spaces + 1] != "#":
        return Edit(start, end, words)
    gap = max(spaces + (end - start) - len(words), 1)
    return Edit(start, end + spaces, words + " " * gap)


def _added(text: str, mapping: yaml.MappingNode, key: str, value: str) -> Edit:
    """A key that a mapping lacks, in a line behind its `type`, or at its end."""
    pair = f"{key}: {value}"
    if mapping.flow_style:
        place = mapping.value[-1][1].end_mark.index if mapping.value else mapping.end_mark.index - 1
        return Edit(place, place, f", {pair}" if mapping.value else pair)
    kind = _value(mapping, "type")
    place = _next_line(text, _end(mapping) if kind is None else kind.end_mark.index)
    line_end = "\r\n" if "\r\n" in text else "\n"
    before = "" if text[:place].endswith("\n") else line_end
    column = mapping.value[0][0].start_mark.column
    return Edit(place, place, f"{before}{' ' * column}{pair}{line_end}")


def _end(node: yaml.Node) -> int:
    """Where a value ends, without the comments and empty lines behind it."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        key, last = node.value[-1]
        # An alias stands behind its key, but its value ends where it was written first.
        return max(int(key.start_mark.index), _end(last))
    if isinstance(node, yaml.SequenceNode) and not node.flow_style:
        return _end(node.value[-1])
    return int(node.end_mark.index)


def _next_line(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end + 1
