"""Trains on a disk that is too small or that fills up, makes space, resumes, and compares.

`python -m tools.disk_rounds` does it on a tmpfs of 20 sizes, and on one that is filled after the
first epoch except for 20 amounts. Only root may mount one.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# First, because it sets numba's number of threads, which cannot be changed later.
from tools.closing_report import counted, print_report
from tools.fault_rounds import Report, in_child, the_folder

# isort: split
from mnistlab.config import run_config_from_mapping
from mnistlab.experiment import run_writer
from mnistlab.experiment.callbacks import RunCallback
from mnistlab.experiment.dataset import load_data
from mnistlab.experiment.run_options import RunOptions
from mnistlab.experiment.runner import new_trainer
from mnistlab.python.commands.resume import resume
from mnistlab.python.commands.train import train as train_command
from mnistlab.store.metrics import MetricsRow
from tools.short_runs import fingerprint

CONFIG = {
    "data": {"source": "digits", "train_limit": 43, "validation": 0.1},
    "model": {"type": "mlp", "hidden": [64]},
    "optimizer": {"type": "adam", "lr": 0.01},
    "training": {"epochs": 3, "batch_size": 9},
}
KB = 1024
ENOUGH = 16_384 * KB
CANNOT_MOUNT = 77  # the exit code
# The run's estimate is 2.9 MB; tables and predictions need a little more.
SIZES = tuple(240 * KB * n for n in range(1, 21))
LEFT_FREE = tuple(160 * KB * n for n in range(20))


class Neighbour(RunCallback):
    """Fills the disk except for this many bytes when the first epoch is done."""

    def __init__(self, folder: Path, left: int | None) -> None:
        self.folder = folder
        self.left = left

    def on_row(self, row: MetricsRow) -> None:
        ballast = self.folder / "ballast"
        if self.left is None or ballast.exists():
            return
        status = os.statvfs(self.folder)
        amount = max(status.f_bavail * status.f_frsize - self.left, 0)
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(amount, 1))


@contextmanager
def small_disk(size: int) -> Iterator[Path]:
    """A file system of this many bytes. Raises CalledProcessError if none may be mounted."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
        subprocess.run(["mount", *options], check=True, capture_output=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def train(folder: Path, left: int | None = None) -> str:
    return train_command(
        run_config_from_mapping(CONFIG),
        folder / "runs",
        RunOptions(data_dir=folder, threads=1, callbacks=[Neighbour(folder, left)]),
        plots=False,
    ).status


def resumed(folder: Path) -> str:
    path = the_folder(folder)
    if path is None:
        return train(folder)
    return resume(path, RunOptions(data_dir=folder, threads=1), plots=False).status


def rounds(every: int = 1) -> dict[str, Report]:
    """A report for disks that are too small from the beginning, and one for disks that fill up."""
    run_writer.SECONDS_BETWEEN_CHECKPOINTS = 0.0
    reports = {"too small": Report(), "filled meanwhile": Report()}
    with small_disk(ENOUGH) as folder:
        dataset = load_data(run_config_from_mapping(CONFIG), folder)
        trainer = new_trainer(run_config_from_mapping(CONFIG), dataset)
        trainer.compile(lambda text: print(text, file=sys.stderr))
        code, told = in_child(lambda: train(folder))
        if code != 0:
            raise RuntimeError(told)
        wanted = fingerprint(_folder_of(folder))
    for size in SIZES[::every]:
        _round(reports["too small"], f"{size // KB} kB", size, None, wanted)
    for left in LEFT_FREE[::every]:
        _round(reports["filled meanwhile"], f"{left // KB} kB left", ENOUGH, left, wanted)
    return reports


def _round(
    report: Report, what: str, size: int, left: int | None, wanted: dict[str, object]
) -> None:
    report.rounds += 1
    with small_disk(size) as folder:
        code, told = in_child(lambda: train(folder, left))
        report.ends[{0: "finished", 1: "stopped", 2: "refused"}.get(code, f"exit {code}")] += 1
        if code not in (0, 1, 2) or (code != 0 and not told):
            report.lost.append(f"{what}: ended with {code}: {told}")
            return
        if code != 0:
            (folder / "ballast").unlink(missing_ok=True)
            remounted = ["mount", "-o", f"remount,size={ENOUGH}", str(folder)]
            subprocess.run(remounted, check=True)
            code, told = in_child(lambda: resumed(folder))
        if code != 0:
            report.lost.append(f"{what}: carrying it on ended with {code}: {told}")
        elif fingerprint(_folder_of(folder)) != wanted:
            report.lost.append(f"{what}: other bits")
        else:
            report.identical += 1


def _folder_of(folder: Path) -> Path:
    path = the_folder(folder)
    assert path is not None
    return path


def refuse_without_a_mount() -> None:
    """End this process if no file system may be mounted."""
    try:
        with small_disk(64 * KB):
            return
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"no tmpfs can be mounted: {error}", file=sys.stderr)
        sys.exit(CANNOT_MOUNT)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    refuse_without_a_mount()
    failed = False
    for name, done in rounds(options.every).items():
        text = f"disk {name}: {done.rounds} rounds: {counted(done.ends)}; "
        failed |= print_report(
            f"{text}{done.identical} identical, {len(done.lost)} lost", done.lost
        )
    sys.exit(failed)
