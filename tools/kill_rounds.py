"""Kill a run with -9 at a random moment, resume it, compare: the bits must be the same.

`python -m tools.kill_rounds --rounds 100` does a hundred rounds for each kind of model
and prints the counts; the test in tests/reliability/test_kill.py does a few.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.closing_report import print_report
from tools.short_runs import fingerprint

KINDS = {
    "softmax": ["model={type: softmax}", "optimizer={type: sgd, lr: 0.05}"],
    "mlp": [
        "model={type: mlp, hidden: [32, 16], dropout: 0.3}",
        "optimizer={type: adam, lr: 0.001}",
        "training.evaluate_every=50",
        "training.early_stopping={monitor: val_loss, patience: 60}",
    ],
    "cnn": [
        "model={type: cnn, layers: [{conv: {filters: 4, kernel: 3, stride: 2}},"
        " {activation: relu}, {pool: {size: 2}}, {dropout: 0.2}]}",
        "optimizer={type: sgd, lr: 0.02, momentum: 0.9}",
        "lr_schedule={type: cosine}",
    ],
    "everything": [
        "data.augment=[{affine: {rotate: 10, scale: 0.1, shear: 5, shift: 1}},"
        " {elastic: {alpha: 4, sigma: 2}}]",
        "model={type: cnn, layers: [{conv: {filters: 4, kernel: 3, stride: 2}}, batch_norm,"
        " {activation: relu}, {pool: {size: 2}}]}",
        "loss={type: cross_entropy, label_smoothing: 0.1}",
        "optimizer={type: sgd, lr: 0.02, momentum: {from: 0.5, to: 0.95, epochs: 30}}",
        "regularization={max_norm: 0.8}",
    ],
}
COMMON = ["data.source=digits", "training.epochs=40", "training.batch_size=8"]
# A checkpoint may be written at any step, so kills hit many of them, including half-written ones.
LAUNCH = """
import sys
from mnistlab.experiment import run_writer
run_writer.SECONDS_BETWEEN_CHECKPOINTS = 0.02
from mnistlab.cli.app import app
app(sys.argv[1:])
"""


def start(arguments: list[str]) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", LAUNCH, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def train_arguments(kind: str, folder: Path) -> list[str]:
    """A training without figures: only a resumed run needs them."""
    config = folder / "config.yaml"
    config.write_text("training: {checkpoint_every: 3}\n")
    return [
        "train",
        str(config),
        *COMMON,
        *KINDS[kind],
        "--runs-dir",
        str(folder / "runs"),
        "--no-plots",
    ]


def run_folder(folder: Path) -> Path | None:
    """The single run of a round, once it has its name."""
    found = [path for path in (folder / "runs").glob("[!.]*") if not path.is_symlink()]
    return found[0] if found else None


@dataclass
class Report:
    kind: str
    rounds: int = 0
    interrupted: int = 0  # killed before the run ended by itself
    identical: int = 0
    faults: list[str] = field(default_factory=list)


def has_checkpoint(folder: Path) -> bool:
    """Whether the single run of a round has a checkpoint."""
    run = run_folder(folder)
    return run is not None and (run / "checkpoints" / "last.safetensors").exists()


def wait_until(ready: Callable[[Path], Any], folder: Path, process: subprocess.Popen) -> float:
    """The time when `ready(folder)` is true or the process has ended."""
    while not ready(folder) and process.poll() is None:
        time.sleep(0.002)
    return time.monotonic()


# A run is killed after these events, in turn: most of its duration is not training.
SINCE = (has_checkpoint, run_folder)


def undisturbed(kind: str, folder: Path) -> tuple[dict[str, Any], dict[Callable, float]]:
    """The fingerprint of a run that is not killed, and its seconds from each event of SINCE to its
    end.
    """
    folder.mkdir()
    process = start(train_arguments(kind, folder))
    began = {ready: wait_until(ready, folder, process) for ready in reversed(SINCE)}
    _, error = process.communicate(timeout=300)
    if process.returncode != 0:
        raise RuntimeError(error.decode())
    run = run_folder(folder)
    assert run is not None
    if b"compiling" in error:  # compilation takes longer than the training, and must not count
        return undisturbed(kind, folder.with_name(f"{folder.name}-again"))
    ended = time.monotonic()
    return fingerprint(run), {ready: ended - at for ready, at in began.items()}


def kill_once(
    kind: str, folder: Path, since: Callable, seconds: float, chance: random.Random
) -> bool:
    """Start a run and kill it at a random moment of the `seconds` after `since`; returns whether it
    was still alive.
    """
    folder.mkdir()
    process = start(train_arguments(kind, folder))
    wait_until(since, folder, process)
    time.sleep(chance.uniform(0, seconds))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def rounds(kind: str, count: int, seed: int = 0) -> Report:
    """Kill and resume `count` times; in every second round the resumed run is killed once more.

    The figures are drawn in the first round only: they take longer than everything else.
    """
    report, chance = Report(kind), random.Random(f"{kind}{seed}")
    with tempfile.TemporaryDirectory() as scratch:
        wanted, lives = undisturbed(kind, Path(scratch) / "undisturbed")
        for number in range(count):
            folder = Path(scratch) / str(number)
            report.rounds += 1
            since = SINCE[number % len(SINCE)]
            report.interrupted += kill_once(kind, folder, since, lives[since], chance)
            run = run_folder(folder)
            assert run is not None
            if number % 2 == 1:
                again = start(["resume", str(run)])
                time.sleep(chance.uniform(0, 1.5 * lives[run_folder]))
                again.kill()
                again.communicate()
            plots = number == 0
            resumed = start(["resume", str(run), *([] if plots else ["--no-plots"])])
            _, error = resumed.communicate(timeout=300)
            if resumed.returncode == 0:
                report.faults += _faults(number, run, wanted, plots)
            else:
                report.faults.append(
                    f"{number}: resume ended with {resumed.returncode}: {error.decode()[-500:]}"
                )
            report.identical += not any(fault.startswith(f"{number}:") for fault in report.faults)
    return report


def _faults(number: int, run: Path, wanted: dict, plots: bool) -> list[str]:
    found = fingerprint(run)
    faults = [f"{number}: {name} differs" for name in wanted if found[name] != wanted[name]]
    left = [path.name for path in run.rglob(".*")]
    if left:
        faults.append(f"{number}: left behind: {left}")
    if plots and not (run / "plots" / "learning_curves.png").exists():
        faults.append(f"{number}: no learning curves")
    return faults


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    os.environ.setdefault("MPLBACKEND", "Agg")
    failed = False
    for name in options.kinds:
        done = rounds(name, options.rounds, options.seed)
        text = f"{name}: {done.rounds} rounds, {done.interrupted} killed in the middle, "
        failed |= print_report(f"{text}{done.identical} identical", done.faults)
    sys.exit(failed)
