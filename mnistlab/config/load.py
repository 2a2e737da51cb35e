"""Read a run configuration: from a file, from text, or from a Python mapping."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mnistlab.config.overrides import Overrides, apply_overrides
from mnistlab.config.run import RunConfig
from mnistlab.config.source_nodes import Node, Place, Problem, messages, show
from mnistlab.config.validate import validate
from mnistlab.config.yaml_nodes import nodes_from_mapping, nodes_from_text
from mnistlab.support.errors import ConfigError

# Reading a file of this size takes PyYAML about a second.
MAX_BYTES = 256 * 1024
YAML_SUFFIXES = (".yaml", ".yml")
# Keys that a sweep has, and no run.
SWEEP_MARKS = ("base", "run", "parameters", "stages")


def load_run_config(path: Path | str, overrides: Overrides = ()) -> RunConfig:
    """The resolved run configuration of a YAML file, with overrides applied: `KEY=VALUE` each,
    or a mapping of values by their dotted paths.

    Raises ConfigError with everything that is wrong, each message with its place.
    """
    text = read_config_text(path)
    return parse_run_config(text, str(path), overrides, base_dir=Path(path).parent)


def parse_run_config(
    text: str, source: str, overrides: Overrides = (), base_dir: Path | None = None
) -> RunConfig:
    """The resolved run configuration of YAML text; `source` stands for it in messages.

    Relative paths are relative to `base_dir` (None: the working folder), those of overrides to the
    working folder. Raises ConfigError with everything that is wrong.
    """
    root, problems = mapping_nodes(text, source, base_dir)
    if sweep_mark(root) is not None:
        raise ConfigError(f"{source}: is the file of a sweep; `mnistlab sweep` runs it")
    return _resolve(root, problems, overrides)


def sweep_mark(root: Node) -> str | None:
    """The key by which a configuration is known to be a sweep's; None of a run's."""
    return next((key for key in SWEEP_MARKS if root.child(key) is not None), None)


def mapping_nodes(text: str, source: str, base_dir: Path | None) -> tuple[Node, list[Problem]]:
    """The nodes of YAML text that has to be a mapping, and keys that are doubled or no words.

    Raises ConfigError where it is none.
    """
    root, problems = nodes_from_text(
        text, lambda line, column: Place(source, line, column, base_dir)
    )
    if root is None or root.value is None:
        raise ConfigError(f"{source}: is empty; a configuration is a mapping of keys to values")
    if not isinstance(root.value, dict):
        message = f"found {show(root.plain())}; a configuration is a mapping of keys to values"
        raise ConfigError(f"{root.place}: {message}")
    return root, problems


def run_config_from_mapping(
    mapping: Mapping[str, Any], overrides: Overrides = (), source: str = "configuration"
) -> RunConfig:
    """The resolved run configuration of a Python mapping, read as the same YAML would be.

    Raises ConfigError with everything that is wrong.
    """
    root = nodes_from_mapping(mapping, Place(source))
    return _resolve(root, [], overrides)


def read_config_text(path: Path | str) -> str:
    """The text of a configuration file.

    Raises ConfigError where there is no such file, or it is too large, unreadable or not UTF-8.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file{_near_files(Path(path))}") from None
    except IsADirectoryError:
        hint = _run_hint(Path(path))
        raise ConfigError(f"{path}: is a folder, must be a YAML file{hint}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: cannot be read: {reason}") from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path}: is larger than 256 KiB, too large for a configuration")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise ConfigError(f"{path}:{line}: is not UTF-8 text (byte 0x{byte:02X})") from None


def _run_hint(folder: Path) -> str:
    """Where the YAML file is in the folder of a run, and what else can be done with the run."""
    if not (folder / "config.yaml").is_file():
        return ""
    return f" such as {folder}/config.yaml; `mnistlab resume {folder}` resumes the run"


def _near_files(path: Path) -> str:
    """`; did you mean …?` with files of like names, in a folder of a like name or in `configs`; or
    nothing."""
    try:
        folder = _near_folder(path.parent)
        names = _files_in(folder) if folder else {}
        near = difflib.get_close_matches(path.name, names, 3)
        if not near:
            # `train quickstart` means configs/quickstart.yaml.
            names = {
                entry.stem: entry
                for place in (folder, Path("configs"))
                for entry in (_files_in(place).values() if place and place.is_dir() else ())
                if entry.suffix in YAML_SUFFIXES
            }
            near = difflib.get_close_matches(path.stem, names, 1, 0.8)
    except OSError:
        return ""
    return f"; did you mean {' or '.join(str(names[name]) for name in near)}?" if near else ""


def _files_in(folder: Path) -> dict[str, Path]:
    return {entry.name: entry for entry in folder.iterdir() if entry.is_file()}


def _near_folder(path: Path) -> Path | None:
    """The folder, or where there is none the one most like it."""
    if path.is_dir():
        return path
    parent = _near_folder(path.parent) if path.name else None
    names = [entry.name for entry in parent.iterdir() if entry.is_dir()] if parent else []
    near = difflib.get_close_matches(path.name, names, 1)
    return parent / near[0] if parent and near else None


def _resolve(root: Node, problems: list[Problem], overrides: Overrides) -> RunConfig:
    problems = problems + apply_overrides(root, overrides)
    make_paths_absolute(root)
    config, faults = validate(RunConfig, root)
    if config is None or problems:
        raise ConfigError(*messages(problems + faults))
    return config.written_at(root)


def make_paths_absolute(root: Node) -> None:
    """Read every path of a run configuration relative to the folder that it was written for."""
    layers = root.at(("init", "layers"))
    named = layers.value if layers is not None and isinstance(layers.value, dict) else {}
    for owner in (root.at(("data",)), root.at(("init",)), *named.values()):
        node = owner.child("path") if owner is not None else None
        if node is not None and isinstance(node.value, str) and node.value.strip():
            node.value = _absolute(node.value, node.place.folder)


def _absolute(text: str, folder: Path | None) -> str:
    path = Path(text)
    try:
        path = path.expanduser()
        return str(((folder or Path()) / path).resolve())
    # No home folder, or links in a circle: whoever opens the file will say so.
    except (OSError, RuntimeError):
        return str(((folder or Path()) / path).absolute())
