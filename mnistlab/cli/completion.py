"""Shell completion: configuration files, keys and their values, runs, datasets, figures.

It must be fast at every press of a key, so nothing heavy is imported. The keys come from a file
made from the schema, figures have the names of their files, and folders are recognised by their
files' names.
"""

import csv
import json
import os
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import typer

import mnistlab
from mnistlab.store import figure_names
from mnistlab.support.example_files import example_paths
from mnistlab.support.links import follow

KEY_VALUES = Path(mnistlab.__file__).parent / "config" / "key_values.json"
CONFIG_SUFFIXES = (".yaml", ".yml")
# A run has the first of these in its folder, a sweep the second.
RUN_FILE, SWEEP_FILE = "config.yaml", "sweep.yaml"
TRIALS_FILE, REFIT = "trials.csv", "refit:"  # of a sweep; before the stage of a refit


def config_files(incomplete: str) -> list[str]:
    """YAML files, and folders on the way to them."""
    return _paths(incomplete, lambda path: path.suffix in CONFIG_SUFFIXES and path.is_file())


def runs(incomplete: str) -> list[str]:
    """Folders of runs, and folders on the way to them; with nothing typed, where runs are made."""
    return _run_folders(incomplete, (RUN_FILE,))


def runs_and_sweeps(incomplete: str) -> list[str]:
    """Folders of runs and sweeps, and folders on the way to them."""
    return _run_folders(incomplete, (RUN_FILE, SWEEP_FILE))


def weights(incomplete: str) -> list[str]:
    """The names of a run's weights that every run may have."""
    return [name for name in ("final", "best", "epoch-") if name.startswith(incomplete)]


def models(incomplete: str) -> list[str]:
    """The types of networks."""
    return [name for name in _keys(False)["model.type"] if name.startswith(incomplete)]


def examples(incomplete: str) -> list[str]:
    """The names of the example configurations."""
    return [name for name in example_paths() if name.startswith(incomplete)]


def sources(incomplete: str) -> list[str]:
    """The names of datasets, the user's own kinds of files included."""
    return [name for name in _keys(False)["data.source"] if name.startswith(incomplete)]


def fetched(incomplete: str) -> list[str]:
    """The names of datasets that can be downloaded."""
    return [name for name in _known()["data"]["fetch"] if name.startswith(incomplete)]


def figures(context: typer.Context, incomplete: str) -> list[str]:
    """The figures of the typed run or sweep; those of a run if none is typed yet."""
    # After an option without its value, the words before have not become parameters.
    typed = [context.params.get("path"), *context.args]
    folders = [Path(word).expanduser() for word in typed if word]
    sweeps = [folder for folder in folders if (folder / SWEEP_FILE).is_file()]
    of_run = [*figure_names.names_of_run(), figure_names.FILM]
    names = _figures_of_sweep(sweeps[0]) if sweeps else of_run
    return [name for name in names if name.startswith(incomplete)]


def _figures_of_sweep(folder: Path) -> list[str]:
    """The names of a sweep's figures, by the stages of its trials."""
    try:
        with (folder / TRIALS_FILE).open(encoding="utf-8", newline="") as file:
            cells = [row.get("stage") or "" for row in csv.DictReader(file)]
    except (OSError, ValueError, csv.Error):  # a shell cannot show a message
        cells = []
    stages = dict.fromkeys(stage for cell in cells for stage in cell.split())
    ranked = [stage for stage in stages if not stage.startswith(REFIT)]
    return figure_names.names_of_sweep(ranked or [None], has_refits=len(ranked) < len(stages))


def overrides(context: typer.Context, incomplete: str) -> list[str]:
    """A run's keys, each with `=`; after that, its values."""
    return _assignments(_keys(False), context.params.get("overrides") or (), incomplete)


def sweep_values(context: typer.Context, incomplete: str) -> list[str]:
    """A run's keys and a sweep's own, each with `=`; after that, its values, also after commas."""
    return _assignments(_keys(True), context.params.get("values") or (), incomplete)


def _keys(of_sweep: bool) -> dict[str, list[str]]:
    return {**_known()["run"], **(_known()["sweep"] if of_sweep else {})}


@cache
def _known() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = json.loads(KEY_VALUES.read_text(encoding="utf-8"))
    return found


def _assignments(keys: dict[str, list[str]], words: Sequence[str], incomplete: str) -> list[str]:
    """The completions of `incomplete`, the word at the cursor, after the words before."""
    key = _key_apart(words)
    if key in keys:
        return _values(keys[key], incomplete)
    key, equals, typed = incomplete.partition("=")
    if equals:
        return [f"{key}={value}" for value in _values(keys.get(key, []), typed)]
    fitting = [name for name in keys if name.startswith(incomplete)]
    if len(fitting) > 1:
        return [f"{name}=" for name in fitting]
    # A shell adds a space after a unique completion; with a value beside it, it stops at the `=`.
    return [f"{name}={value}" for name in fitting for value in ["", *keys[name]]]


def _key_apart(words: Sequence[str]) -> str | None:
    """The key, if it is a word of its own before this one, because bash splits words at `=`; else
    None.

    `words` are those before. If the cursor is directly after the `=`, that is not one of them.
    """
    before, last = ["", "", *words][-2:]
    if last == "=":
        return before
    return None if before == "=" else last


def _values(known: list[str], typed: str) -> list[str]:
    """The values that begin with the text after the last comma."""
    before, comma, last = typed.rpartition(",")
    return [f"{before}{comma}{value}" for value in known if value.startswith(last)]


def _run_folders(incomplete: str, marks: tuple[str, ...]) -> list[str]:
    if not incomplete:
        incomplete = os.environ.get("MNISTLAB_RUNS_DIR", "runs").rstrip("/") + "/"
    return _paths(incomplete, lambda path: any((follow(path) / mark).is_file() for mark in marks))


def _paths(incomplete: str, is_wanted: Callable[[Path], bool]) -> list[str]:
    """Paths with this beginning: wanted ones, and folders; for a single folder, its content."""
    found = list(_beginning(incomplete, is_wanted))
    while len(found) == 1 and found[0].endswith("/"):
        below = list(_beginning(found[0], is_wanted))
        if not below:
            break
        found = below
    return found


def _beginning(incomplete: str, is_wanted: Callable[[Path], bool]) -> Iterator[str]:
    """The entries of the typed folder that begin with the text after it."""
    folder, slash, name = incomplete.rpartition("/")
    inside = Path(folder + slash).expanduser()
    for entry in sorted(inside.iterdir()) if inside.is_dir() else []:
        if entry.name.startswith(name) and entry.name.startswith(".") <= name.startswith("."):
            if is_wanted(entry):
                yield f"{folder}{slash}{entry.name}"
            elif entry.is_dir():
                yield f"{folder}{slash}{entry.name}/"
