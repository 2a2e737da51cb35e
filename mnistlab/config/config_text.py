"""The text of a configuration file as nodes: what is no file, no text or no mapping is refused."""

import difflib
from pathlib import Path

from mnistlab.config.source_nodes import Node, Position, Problem, show
from mnistlab.config.yaml_nodes import nodes_from_text
from mnistlab.support.errors import ConfigError

# Reading a file of this size takes PyYAML about a second.
MAX_BYTES = 256 * 1024
YAML_SUFFIXES = (".yaml", ".yml")
# Keys that a sweep has, and no run; those that tell a sweep from a run that has a base, too.
SWEEP_MARKS = ("run", "parameters", "stages")
MARKS_BESIDE_BASE = ("method", "zip", "seeds", "metric", "refit")


def sweep_mark(root: Node) -> str | None:
    """The key by which a configuration is known to be a sweep's; None of a run's."""
    marks = SWEEP_MARKS if root.child("base") is None else SWEEP_MARKS + MARKS_BESIDE_BASE
    return next((key for key in marks if root.child(key) is not None), None)


def mapping_nodes(text: str, source: str, base_dir: Path | None) -> tuple[Node, list[Problem]]:
    """The nodes of YAML text that has to be a mapping, and keys that are doubled or no words.

    Raises ConfigError where it is none.
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
                for near in (folder, Path("configs"))
                for entry in (_files_in(near).values() if near and near.is_dir() else ())
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
