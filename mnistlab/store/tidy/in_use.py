"""What still needs a run: the process that works on it, the sweep or report around it, and the
configurations that name its folder.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistlab.store.browse.found import entries_in, experiments_of, is_sweep, trials_of
from mnistlab.store.locks import RunInUseError, is_trained, only_process, only_sweeper
from mnistlab.store.report_dir import MANIFEST_NAME, ReportDir, is_reproduction
from mnistlab.store.run_dir import CONFIG_NAME, SWEEP_NAME, RunDir
from mnistlab.store.sweep_dir import SweepDir
from mnistlab.support.durable import read_text
from mnistlab.support.errors import UsageError
from mnistlab.support.links import resolved, target_of

# The beginning of an absolute path: on Windows with a drive.
ABSOLUTE = re.compile(r"""[\s'"\[,:](?:[A-Za-z]:)?[/\\]""")


@contextmanager
def unused(folder: Path) -> Iterator[None]:
    """Lock a run, sweep or report, and what it is a part of: nobody begins to work on it meanwhile.

    Raises UsageError if a process works on it now.
    """
    with ExitStack() as stack:
        for sweep in [*filter(is_sweep, [folder, *parts_above(folder)]), *_experiments(folder)]:
            stack.enter_context(only_sweeper(SweepDir(sweep)))
        for trial in [run for sweep in _sweeps(folder) for run in trials_of(sweep)]:
            if is_trained(trial):
                raise RunInUseError(trial)
        if (folder / CONFIG_NAME).is_file():
            stack.enter_context(only_process(RunDir(folder)))
        yield


def _sweeps(folder: Path) -> list[Path]:
    return [folder] if is_sweep(folder) else _experiments(folder)


def _experiments(folder: Path) -> list[Path]:
    return experiments_of(folder) if is_reproduction(folder) else []


def parts_above(folder: Path) -> list[Path]:
    """The sweep and the report that a folder is a part of, the sweep first."""
    above = folder.parent.parent
    if is_sweep(above):
        parts = SweepDir(above).trials
    elif is_reproduction(above):
        parts = ReportDir(above).experiments
    else:
        return []
    return [above, *parts_above(above)] if folder.parent == parts else []


def configurations_that_name(
    folder: Path, runs_dir: Path, without: Collection[Path] = ()
) -> list[Path]:
    """The configurations of runs, sweeps and reports in `runs_dir` that name a folder, or a file in
    it: as initial weights or as a teacher. Those of the folders `without` do not count.
    """
    links = (link for link in runs_dir.iterdir() if target_of(link) is not None)
    names = {folder.name, *(link.name for link in links if _is_in(str(link), folder))}
    around = {folder, *parts_above(folder), *without}
    found = []
    for config, text in _configurations(runs_dir):
        if config.parent not in around and any(name in text for name in names):
            words = filter(_is_absolute, _words(_content(config, text)))
            if any(_is_in(path, folder) for path in words):
                found.append(config)
    return found


@dataclass(frozen=True)
class Naming:
    """A configuration that names files or folders: those, links followed, and all its words."""

    config: Path
    paths: frozenset[Path]
    words: frozenset[str]

    def needs(self, weights: Path) -> bool:
        """Whether it names these weights in a run's checkpoints: by their path, or by the run's
        folder and the name of the weights.
        """
        run = weights.parent.parent
        return weights in self.paths or (run in self.paths and weights.stem in self.words)


def configurations_with_paths(runs_dir: Path) -> list[Naming]:
    """The configurations of runs, sweeps and reports in `runs_dir` that name files or folders.

    Raises UsageError for one that is damaged.
    """
    found = []
    for config, text in _configurations(runs_dir):
        if ABSOLUTE.search(text):  # parsing all of thousands would take seconds
            words = frozenset(_words(_content(config, text)))
            paths = frozenset(resolved(Path(word)) for word in words if _is_absolute(word))
            found.append(Naming(config, paths, words))
    return found


def _configurations(runs_dir: Path) -> Iterator[tuple[Path, str]]:
    for entry in entries_in(runs_dir):
        configs = (entry / name for name in (CONFIG_NAME, SWEEP_NAME, MANIFEST_NAME))
        for config in filter(Path.is_file, configs):
            yield config, read_text(config)


def _content(config: Path, text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{config}: is damaged, or was edited: it is not YAML") from error


def _words(value: Any) -> Iterator[str]:
    """All text values in a parsed YAML file."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)


def _is_absolute(word: str) -> bool:
    return Path(word).is_absolute()


def _is_in(path: str, folder: Path) -> bool:
    """Whether a path, links followed, is a folder or lies in it."""
    target = resolved(Path(path))
    return target == folder or folder in target.parents
