"""Truncates every file of a run, of a sweep and of the caches, flips its bits, and reads it.

A file is truncated at every 64th of its length, and one random bit at a time is flipped. The result
must then be unchanged (`harmless`; `recovered`, with a warning), or an error must name the file
(`refused`). Anything else is a loss: a changed value without a message, a crash, an error that
names no file.

`python -m tools.damage_rounds` flips 1,000 bits of each and prints the counts; the test in
tests/reliability/test_damage.py flips some.
"""

import argparse
import gzip
import hashlib
import logging
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from mnistlab.config import resolved_mapping  # noqa: E402
from mnistlab.data import cache  # noqa: E402
from mnistlab.data.arrays import Arrays  # noqa: E402
from mnistlab.data.files import MalformedError  # noqa: E402
from mnistlab.data.known_files import check_file  # noqa: E402
from mnistlab.data.sources import published  # noqa: E402
from mnistlab.data.sources.digits import decode  # noqa: E402
from mnistlab.experiment import run_writer  # noqa: E402
from mnistlab.experiment.artefacts import Artefacts  # noqa: E402
from mnistlab.experiment.model import load_model  # noqa: E402
from mnistlab.runtime.checked_cache import CheckedCacheFile  # noqa: E402
from mnistlab.store.run_dir import RunDir  # noqa: E402
from mnistlab.store.summary_files import read_summary  # noqa: E402
from mnistlab.store.sweep_dir import SweepDir  # noqa: E402
from mnistlab.support.errors import DataError, UsageError  # noqa: E402
from mnistlab.sweeps.results import read_record, read_trials, sweep_of  # noqa: E402
from mnistlab.training import trainer  # noqa: E402
from tools.closing_report import print_report  # noqa: E402
from tools.here_executor import trials_in_this_process  # noqa: E402
from tools.short_runs import StopAt, fingerprint, resume, train  # noqa: E402
from tools.short_sweeps import sweep  # noqa: E402

PARTS = 64
GOOD = ("harmless", "recovered", "refused")


@dataclass(frozen=True)
class Target:
    """A file to damage, and the functions that read it."""

    name: str
    path: Path
    read: Callable[[], Any]
    # The names of damaged files in error messages, if not their own.
    named: str = ""


@dataclass
class Report:
    cuts: Counter[str] = field(default_factory=Counter)
    flips: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


@contextmanager
def warnings_heard() -> Iterator[list[str]]:
    """The warnings that mnistlab logs inside the block."""
    handler, package = _Warnings(), logging.getLogger("mnistlab")
    package.addHandler(handler)
    try:
        yield handler.heard
    finally:
        package.removeHandler(handler)


def damage(target: Target, flips: int, parts: int = PARTS, seed: int = 0) -> Report:
    """Truncate the file at `parts` points of its length; flip `flips` random bits, one
    at a time.
    """
    whole, report = target.path.read_bytes(), Report()
    chance = random.Random(f"{target.name} {seed}")
    wanted = target.read()
    for part in range(parts):
        length = len(whole) * part // parts
        _try(target, whole[:length], whole, wanted, f"cut to {length}", report.cuts, report)
    for _ in range(flips):
        at, bit = chance.randrange(len(whole)), chance.randrange(8)
        flipped = whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :]
        _try(target, flipped, whole, wanted, f"bit {bit} of {at}", report.flips, report)
    return report


def _try(
    target: Target,
    content: bytes,
    whole: bytes,
    wanted: Any,
    what: str,
    counts: Counter[str],
    report: Report,
) -> None:
    target.path.write_bytes(content)
    with warnings_heard() as heard:
        found, told = _outcome(target, wanted, heard)
    target.path.write_bytes(whole)
    counts[found] += 1
    if found not in GOOD:
        report.lost.append(f"{target.name}, {what}: {found}: {told}")


def _outcome(target: Target, wanted: Any, heard: list[str]) -> tuple[str, str]:
    try:
        found = target.read()
    except (UsageError, DataError, MalformedError) as error:
        names = target.path.name in str(error) or isinstance(error, MalformedError)
        return ("refused" if names or target.named in str(error) else "unnamed"), str(error)
    except Exception as error:
        return "crashed", repr(error)
    if found != wanted:
        return "silently wrong", str(found)[:200]
    return ("recovered" if heard else "harmless"), ""


def finished_run(scratch: Path) -> Iterator[Target]:
    """The files of a run that visualize, report, evaluate, predict, export and compare read."""
    run_dir = RunDir(train(scratch / "finished", threads=1).run_dir)

    def opened() -> Artefacts:
        return Artefacts(run_dir, data_dir=scratch, threads=1)

    def tensors(weights: Any) -> dict[str, bytes]:
        model = load_model(run_dir.path, weights, data_dir=scratch, threads=1)
        return {name: tensor.tobytes() for name, tensor in model.tensors.items()}

    def predictions() -> list[list]:
        found = opened().predictions
        return [found.labels.tolist(), found.predicted.tolist(), found.probabilities.tolist()]

    readers: dict[str, tuple[Path, Callable[[], Any]]] = {
        "config.yaml": (run_dir.config, lambda: resolved_mapping(opened().config)),
        "run.json": (run_dir.run_json, lambda: opened().record),
        "metrics.csv": (run_dir.metrics, lambda: repr(opened().metrics)),
        "layers.csv": (run_dir.layers, lambda: repr(opened().layers)),
        "predictions.csv": (run_dir.predictions, predictions),
        "weights.safetensors": (run_dir.weights, lambda: tensors("final")),
        "best.safetensors": (run_dir.best, lambda: tensors("best")),
    }
    for name, (path, read) in readers.items():
        yield Target(f"finished run, {name}", path, read)


def stopped_run(scratch: Path) -> Iterator[Target]:
    """The files that resuming reads: the damaged run must end with the same bits."""
    run_writer.SECONDS_BETWEEN_CHECKPOINTS = trainer.SECONDS_BETWEEN_LOOKS = 0.0
    run_dir = train(scratch / "stopped", None, StopAt(12), threads=1).run_dir
    copy = scratch / "copy" / run_dir.name

    def carried_on() -> Any:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(run_dir, copy)
        resume(copy, threads=1)
        return fingerprint(copy)

    names = ["config.yaml", "run.json", "metrics.csv", "layers.csv"]
    names += ["checkpoints/last.safetensors", "checkpoints/last.previous.safetensors"]
    names += ["checkpoints/best.safetensors"]
    for name in names:
        yield Target(f"stopped run, {name}", run_dir / name, carried_on)
    (run_dir / "run.json").unlink()
    for path in (run_dir / "checkpoints").iterdir():
        path.unlink()
    yield Target("run that never began, config.yaml", run_dir / "config.yaml", carried_on)


def whole_sweep(scratch: Path) -> Iterator[Target]:
    """The files that resuming, ranking and drawing a sweep read."""
    with trials_in_this_process():
        done = sweep(scratch / "sweep", "optimizer.lr=0.1,0.01")
    folder = SweepDir(done.sweep_dir)
    trial = RunDir(sorted(folder.trials.glob("[!.]*"))[0])
    checksums = folder.path / ".checksums.json"

    def record() -> dict[str, Any]:
        # A damaged record counts as none: the trial is resumed from its last checkpoint.
        with warnings_heard() as heard:
            found = read_record(trial)
        return whole if heard and not found else found

    yield Target("sweep, sweep.yaml", folder.config, lambda: sweep_of(folder).text())
    yield Target("sweep, trials.csv", folder.trials_csv, lambda: repr(read_trials(folder)))
    yield Target("sweep, ranking.csv", folder.ranking_csv, lambda: read_summary(folder.ranking_csv))
    yield Target(
        "sweep, .checksums.json", checksums, lambda: repr(read_trials(folder)), named="trials.csv"
    )
    whole = read_record(trial)
    yield Target("sweep, a trial's run.json", trial.run_json, record)


def dataset_cache(scratch: Path) -> Iterator[Target]:
    """The decoded dataset: decoded again if damaged."""
    os.environ["MNISTLAB_CACHE_DIR"] = str(scratch / "cache")
    decoded = Arrays(*(array[:50] for array in decode()))

    def content() -> list[str]:
        arrays, sha256 = cache.load("toy", "files", lambda: decoded)
        return [sha256, *(hashlib.sha256(array.tobytes()).hexdigest() for array in arrays)]

    content()
    folder = scratch / "cache" / "datasets"
    for path in sorted([*folder.glob("toy-*/*"), *folder.glob("lookup/*")]):
        name = "lookup" if path.parent.name == "lookup" else path.name
        yield Target(f"dataset cache, {name}", path, content)


def kernel_cache(scratch: Path) -> Iterator[Target]:
    """Compiled code: compiled again if damaged, never loaded."""
    (scratch / "kernels").mkdir()
    files = CheckedCacheFile(str(scratch / "kernels"), "loop", "stamp")
    code = random.Random(0).randbytes(30_000)

    def load() -> bytes:
        with warnings_heard() as heard:
            found = files.load("types")
        return code if found is None and heard else found

    files.save("types", code)
    for path in sorted((scratch / "kernels").iterdir()):
        yield Target(f"kernel cache, {path.suffix}", path, load)


def download(scratch: Path) -> Iterator[Target]:
    """The files of MNIST as downloaded; only if MNISTLAB_DATA_DIR has them."""
    dataset = published()["mnist"]
    for file in dataset.files[2:]:  # the smaller two: the other two are read in the same way
        for name in (file.download_name, file.download_name.removesuffix(".gz")):
            source = Path(os.environ.get("MNISTLAB_DATA_DIR", "")) / "mnist" / name
            if not source.is_file():
                continue
            content = source.read_bytes()
            content = content if name.endswith(".gz") else gzip.compress(content, mtime=0)
            path = scratch / file.download_name
            path.write_bytes(content)

            def check(path: Path = path, file: Any = file) -> str:
                check_file(path, file, len(dataset.class_names))
                return "right"

            yield Target(f"download, {path.name}", path, check)
            break


GROUPS: dict[str, Callable[[Path], Iterator[Target]]] = {
    "finished": finished_run,
    "stopped": stopped_run,
    "sweep": whole_sweep,
    "dataset": dataset_cache,
    "kernels": kernel_cache,
    "download": download,
}


def rounds(
    group: str, flips: int, parts: int = PARTS, only: str = ""
) -> Iterator[tuple[str, Report]]:
    """Damage every file of a group, or those with `only` in their names; a report for each."""
    environment = dict(os.environ)
    between = run_writer.SECONDS_BETWEEN_CHECKPOINTS, trainer.SECONDS_BETWEEN_LOOKS
    try:
        with tempfile.TemporaryDirectory() as scratch:
            for target in GROUPS[group](Path(scratch)):
                if only in target.name:
                    yield target.name, damage(target, flips, parts)
    finally:
        os.environ.clear()
        os.environ.update(environment)
        run_writer.SECONDS_BETWEEN_CHECKPOINTS, trainer.SECONDS_BETWEEN_LOOKS = between


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[name]} {name}" for name in (*GOOD, *sorted(set(counts) - set(GOOD))))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", default=list(GROUPS))
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--parts", type=int, default=PARTS)
    parser.add_argument("--only", default="", help="a part of the files' names")
    options = parser.parse_args()
    failed = False
    for group in options.groups:
        for name, done in rounds(group, options.flips, options.parts, options.only):
            text = f"{name}: cuts: {_told(done.cuts)}; flips: {_told(done.flips)}"
            failed |= print_report(text, done.lost)
    sys.exit(failed)
