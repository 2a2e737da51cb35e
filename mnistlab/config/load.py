"""Reads a run configuration: from a file, from text, or from a Python mapping."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mnistlab.config.bases import over_bases
from mnistlab.config.config_text import mapping_nodes, read_config_text, sweep_mark
from mnistlab.config.overrides import Overrides, apply_overrides
from mnistlab.config.run import RunConfig
from mnistlab.config.source_nodes import Node, Position, Problem, messages
from mnistlab.config.validate import validate
from mnistlab.config.yaml_nodes import nodes_from_mapping
from mnistlab.support.errors import ConfigError
from mnistlab.support.links import follow

logger = logging.getLogger(__name__)


def load_run_config(path: Path | str, overrides: Overrides = ()) -> RunConfig:
    """The resolved run configuration of a YAML file, with overrides: `KEY=VALUE` each, or a mapping
    of values by their dotted paths.

    Raises ConfigError with all errors, each with its position.
    """
    text = read_config_text(path)
    return parse_run_config(text, str(path), overrides, base_dir=Path(path).parent)


def parse_run_config(
    text: str, source: str, overrides: Overrides = (), base_dir: Path | None = None
) -> RunConfig:
    """The resolved run configuration of YAML text; `source` is its name in messages.

    Relative paths are relative to `base_dir` (None: the working folder), those of overrides to the
    working folder. Raises ConfigError with all errors.
    """
    root, problems = mapping_nodes(text, source, base_dir)
    if sweep_mark(root) is not None:
        raise ConfigError(f"{source}: is the file of a sweep; `mnistlab sweep` runs it")
    return _resolve(root, problems, overrides)


def run_config_from_mapping(
    mapping: Mapping[str, Any], overrides: Overrides = (), source: str = "configuration"
) -> RunConfig:
    """The resolved run configuration of a Python mapping, read like the same YAML.

    Raises ConfigError with all errors.
    """
    root = nodes_from_mapping(mapping, Position(source))
    return _resolve(root, [], overrides)


def _resolve(root: Node, problems: list[Problem], overrides: Overrides) -> RunConfig:
    root, of_bases = over_bases(root)
    problems = problems + of_bases + apply_overrides(root, overrides)
    make_paths_absolute(root)
    config, faults = validate(RunConfig, root)
    if config is None or problems:
        raise ConfigError(*messages(problems + faults))
    return config.written_at(root)


def warn_of(config: RunConfig) -> None:
    """Warn of what is allowed but hardly meant, where a run begins; reading one is silent."""
    if remark := config.model.remark:
        logger.warning("%s", remark)


def make_paths_absolute(root: Node) -> None:
    """Resolve every path of a run configuration relative to the folder of its file."""
    layers = root.at(("init", "layers"))
    named = layers.value if layers is not None and isinstance(layers.value, dict) else {}
    owners = [root.at(("data",)), root.at(("init",)), *named.values()]
    nodes = [owner.child("path") for owner in owners if owner is not None]
    for node in (*nodes, root.at(("loss", "teacher", "run"))):
        if node is not None and isinstance(node.value, str) and node.value.strip():
            node.value = _absolute(node.value, node.position.folder)


def _absolute(text: str, folder: Path | None) -> str:
    path = Path(text)
    try:
        path = path.expanduser()
        return str(follow((folder or Path()) / path).resolve())
    # No home folder, or circular links: opening the file will raise the error.
    except (OSError, RuntimeError):
        return str(((folder or Path()) / path).absolute())
