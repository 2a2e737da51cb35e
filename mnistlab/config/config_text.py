"""Reads the text of a configuration file as nodes; refuses missing files, other text and no
mappings.
"""

import re
from pathlib import Path

from mnistlab.config.source_nodes import Node, Position, Problem, show
from mnistlab.config.yaml_nodes import nodes_from_text
from mnistlab.support.errors import ConfigError
from mnistlab.support.links import follow
from mnistlab.support.near_names import near_files
from mnistlab.support.paths import as_argument

# PyYAML needs about a second for a file of this size.
MAX_BYTES = 256 * 1024
YAML_SUFFIXES = (".yaml", ".yml")
# Keys that only a sweep has; those that also distinguish a sweep from a run with a base.
SWEEP_MARKS = ("run", "parameters", "grids", "stages")
MARKS_BESIDE_BASE = (
    "method",
    "parallel",
    "when",
    "exclude",
    "zip",
    "seeds",
    "metric",
    "prune",
    "stop",
    "refit",
)


def sweep_mark(root: Node) -> str | None:
    """The key that marks a configuration as a sweep's; None for a run's."""
    marks = SWEEP_MARKS if root.child("base") is None else SWEEP_MARKS + MARKS_BESIDE_BASE
    return next((key for key in marks if root.child(key) is not None), None)


def mapping_nodes(text: str, source: str, base_dir: Path | None) -> tuple[Node, list[Problem]]:
    """The nodes of YAML text that must be a mapping, and problems of its keys.

    Raises ConfigError if it is not a mapping.
    """
    root, problems = nodes_from_text(
        text, lambda line, column: Position(source, line, column, base_dir)
    )
    if root is None or root.value is None:
        raise ConfigError(f"{source}: is empty; a configuration is a mapping of keys to values")
    if not isinstance(root.value, dict):
        message = f"found {show(root.plain())}; a configuration is a mapping of keys to values"
        raise ConfigError(f"{root.position}: {message}")
    return root, problems


def read_config_text(path: Path | str) -> str:
    """The text of a configuration file.

    Raises ConfigError if the file does not exist, or is too large, unreadable or not UTF-8.
    """
    file_path = Path(path)
    try:
        file_path = follow(file_path)
        with file_path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        hint = _order_hint(str(path)) or _near_files(Path(path))
        raise ConfigError(f"{path}: no such file{hint}") from None
    except IsADirectoryError:
        hint = _run_hint(file_path) or _file_inside(file_path)
        raise ConfigError(f"{path}: is a folder, must be a YAML file{hint}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: cannot be read: {reason}") from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path}: is larger than 256 KiB, too large for a configuration")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        inside_run = "" if file_path.suffix in YAML_SUFFIXES else _run_hint(file_path.parent)
        if inside_run:
            raise ConfigError(f"{path}: is not a YAML file{inside_run}") from None
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise ConfigError(f"{path}:{line}: is not UTF-8 text (byte 0x{byte:02X})") from None


def _run_hint(folder: Path) -> str:
    """A hint at the YAML file in the folder of a run, and at the command that resumes the run or
    sweep; or an empty text. The file of a sweep is no example: it is not the file of a run.
    """
    command = f"`mnistlab resume {as_argument(folder)}`"
    if (folder / "config.yaml").is_file():
        return f" such as {folder}/config.yaml; {command} resumes the run"
    if (folder / "sweep.yaml").is_file():
        return f"; {command} resumes the sweep"
    return ""


def _file_inside(folder: Path) -> str:
    """The first YAML file in a folder, as an example; or an empty text."""
    first = min(_yaml_files_in(folder).values(), default=None)
    return f" such as {first}" if first else ""


def _order_hint(word: str) -> str:
    """A hint for KEY=VALUE in the place of the file; or an empty text."""
    if not re.fullmatch(r"[\w.]+=.*", word):
        return ""
    return f"; the file of the configuration stands before {word}"


def _near_files(path: Path) -> str:
    """`; did you mean …?` with YAML files of similar names, in the folder, in one of a similar name
    or in `configs`; or an empty text.
    """
    try:
        folder = _near_folder(path.parent)
        for place in (folder, Path("configs")):
            names = _yaml_files_in(place) if place and place.is_dir() else {}
            if near := near_files(path.name, names):
                return f"; did you mean {' or '.join(str(names[name]) for name in near)}?"
    except OSError:
        pass  # the message says that the file is missing; a folder that may not be read has no hint
    return ""


def _yaml_files_in(folder: Path) -> dict[str, Path]:
    found = (entry for entry in folder.iterdir() if entry.suffix in YAML_SUFFIXES)
    return {entry.name: entry for entry in found if entry.is_file()}


def _near_folder(path: Path) -> Path | None:
    """The folder or, if it does not exist, the one with the most similar name."""
    if path.is_dir():
        return path
    parent = _near_folder(path.parent) if path.name else None
    names = [entry.name for entry in parent.iterdir() if entry.is_dir()] if parent else []
    near = near_files(path.name, names, 1)
    return parent / near[0] if parent and near else None
