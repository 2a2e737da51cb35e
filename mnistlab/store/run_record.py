"""run.json as a typed record: status, metrics and provenance of a run."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from mnistlab.store.checksums import FileDigest
from mnistlab.store.json_fields import INLINE, LEFT_OUT, JsonTypeError, Positive, read_record
from mnistlab.store.metrics import MetricsRow
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_json import read_run_json, write_run_json
from mnistlab.store.status import Status
from mnistlab.support.errors import UsageError
from mnistlab.support.metric_names import PARAMETERS, SECONDS


@dataclass(frozen=True)
class Seconds:
    """The duration of a run in seconds; `train` is that of the training steps only."""

    total: float = 0.0
    train: float = 0.0


@dataclass(frozen=True)
class GitState:
    """The commit of the package, and whether it has changes; None if no repository has it."""

    commit: str | None
    dirty: bool | None


@dataclass(frozen=True)
class ImageCounts:
    """The number of images in each part of a dataset."""

    train: int
    validation: int
    test: int


@dataclass(frozen=True)
class DatasetRecord:
    """The data of a run. The network's input is pixel * scale + offset."""

    name: str
    sha256: str
    images: ImageCounts
    image_shape: tuple[Positive, Positive]
    class_names: list[str]
    scale: float
    offset: float


@dataclass(frozen=True, kw_only=True)
class LayerRecord:
    """A layer of the network."""

    name: str
    kind: str
    description: str = ""  # run folders of earlier versions have none
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """The facts of a run that do not change during training: programs, machine, data
    and network.
    """

    argv: list[str]
    mnistlab: str
    versions: dict[str, str | None]
    git: GitState
    platform: str
    processor: str | None
    cpus: int
    threads: int
    # What affects rounding; run folders of earlier versions do not have it.
    arithmetic: dict[str, Any] | None = None
    dataset: DatasetRecord
    # The folder of datasets; run folders of earlier versions do not have it.
    data_dir: str | None = field(default=None, metadata=LEFT_OUT)
    parameters: int
    layers: list[LayerRecord]


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A run.json. `facts` are None if the run failed before its network was built.

    `metrics` are those of the stored weights, `best` is the best row by validation. `files` has the
    digests of the tables when the run ended or stopped; `config` is the resolved configuration.
    """

    status: Status
    reason: str | None = None
    finished: datetime | None = None
    seconds: Seconds = Seconds()
    epochs: int = 0
    steps: int = 0
    steps_per_epoch: int | None = field(default=None, metadata=LEFT_OUT)
    metrics: dict[str, float | None] = field(default_factory=dict)
    best: MetricsRow | None = None
    test_set_looked_at: bool = False
    files: dict[str, FileDigest] | None = field(default=None, metadata=LEFT_OUT)
    started: datetime
    resumed: list[datetime] = field(default_factory=list)
    facts: RunFacts | None = field(default=None, metadata=INLINE)
    config: dict[str, Any]

    def value(self, name: str) -> float | None:
        """A metric of the stored weights, or what the run cost; None if not measured."""
        if name == SECONDS:
            return self.seconds.train
        if name == PARAMETERS:
            return None if self.facts is None else self.facts.parameters
        return self.metrics.get(name)

    def written(self, path: Path) -> FileDigest | None:
        """The digest of a table when the run ended or stopped; None if it is in progress."""
        return (self.files or {}).get(path.name)


def read_run_record(run_dir: RunDir, *, edited: bool = False) -> RunRecord:
    """The content of a run.json. Raises UsageError as `read_run_json` does, and, naming the key, if
    a value is missing or has another type.
    """
    content = read_run_json(run_dir, edited=edited)
    try:
        return read_record(RunRecord, content)
    except JsonTypeError as error:
        raise UsageError(f"{run_dir.run_json}: {error}") from None


def facts_of(run_dir: RunDir, record: RunRecord) -> RunFacts:
    """The facts of a run; raises UsageError if its run.json has none."""
    if record.facts is None:
        raise UsageError(
            f"{run_dir.run_json}: has no facts about the network and its data: the run ended "
            "before they were known"
        )
    return record.facts


def write_run_record(run_dir: RunDir, record: RunRecord) -> None:
    """Write a run.json. Raises OSError."""
    write_run_json(run_dir, record)


def amend_run_record(run_dir: RunDir, **changes: Any) -> None:
    """Change values of an existing run.json; all others are kept, including those of a later
    version.
    """
    write_run_json(run_dir, {**read_run_json(run_dir), **changes})
