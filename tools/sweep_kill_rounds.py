"""Kill a sweep with -9 at random moments, resume it each time, compare: the bits must be the same.

`python -m tools.sweep_kill_rounds --kills 20` does it to a sweep of 60 trials and prints
what it found; the test in tests/reliability/test_sweep_kill.py does it to a small one.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.closing_report import counted, print_report
from tools.short_runs import fingerprint

CONFIG = """\
name: killed
seed: 3
data: {source: digits}
model: {type: mlp, hidden: [32], dropout: 0.2}
optimizer: {type: adam, lr: 0.001}
training: {batch_size: 8, checkpoint_every: 40, epochs: 20}
"""
GRID = ("optimizer.lr=3e-3,1e-3,3e-4,1e-4,1e-5", "regularization.l2=0,1e-4,1e-3,1e-2", "seeds=3")
SECONDS_TO_DIE = 60.0  # one that does not notice its sweep's death lives on
HALF_DONE, ENDED = ("running", "interrupted"), ("finished", "pruned")
# A checkpoint may be written at any step, so kills hit many of them, including half-written ones.
# A worker sets that once it listens to its sweep: the import takes seconds on a busy machine, in
# which it would not notice the sweep's death.
LAUNCH = """
import sys
from mnistlab.sweeps import executors
executors.START = executors.START.replace("main(", \"\"\"from mnistlab.sweeps import worker
listening = worker.system.be_ended_first
def begin():
    listening()
    from mnistlab.experiment import run_writer
    run_writer.SECONDS_BETWEEN_CHECKPOINTS = 0.02
worker.system.be_ended_first = begin
main(\"\"\")
from mnistlab.cli.app import app
app(sys.argv[1:])
"""


@dataclass
class Report:
    kills: dict[str, int] = field(default_factory=dict)  # by what was killed
    half_done: int = 0  # unfinished trials at a kill, over all kills
    carried_on: int = 0  # trials resumed from a checkpoint
    identical: int = 0  # trials with the bits of the undisturbed sweep
    trials: int = 0
    longest: float = 0.0  # seconds that a worker lived after its sweep
    faults: list[str] = field(default_factory=list)


class Sweep:
    """One sweep, and the process that works on it, if any."""

    def __init__(self, folder: Path, values: Sequence[str], options: Sequence[str] = ()) -> None:
        folder.mkdir()
        self.options = options
        self.folder = folder
        self.values = values
        self.process: subprocess.Popen | None = None
        (folder / "run.yaml").write_text(CONFIG)

    @property
    def path(self) -> Path | None:
        found = [path for path in (self.folder / "runs").glob("[!.]*") if not path.is_symlink()]
        return found[0] if found else None

    def start(self) -> None:
        """Begin the sweep, or resume it."""
        # The data folder is on every worker's command line, which identifies them.
        data = ["--data-dir", str(self.folder), "--no-plots", *self.options]
        if self.path is None:
            runs = ["--runs-dir", str(self.folder / "runs")]
            arguments = ["sweep", str(self.folder / "run.yaml"), *self.values, *runs, *data]
        else:
            arguments = ["resume", str(self.path), *data]
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def finish(self) -> tuple[int, str]:
        """Wait for the process's end; returns its exit code and its output."""
        if self.process is None:
            self.start()
        assert self.process is not None
        _, error = self.process.communicate(timeout=600)
        code, self.process = self.process.returncode, None
        return code, error.decode()

    def workers(self) -> list[int]:
        """The worker processes of this sweep that are alive."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().decode().split("\0")
                except (FileNotFoundError, ProcessLookupError):
                    continue
                if str(self.folder) in words and any("sweeps.worker" in word for word in words):
                    found.append(int(entry.name))
        return found

    def trials(self) -> dict[str, Path]:
        """The trials' folders by name."""
        return {path.name: path for path in sorted(self.path.glob("trials/[!.]*"))}

    def ended(self) -> int:
        """The number of trials that have finished, or were pruned."""
        return sum(one["status"] in ENDED for one in self.records().values())

    def records(self) -> dict[str, dict]:
        """The run.json of every trial that has one."""
        runs = {name: path / "run.json" for name, path in self.trials().items()}
        return {name: json.loads(run.read_text()) for name, run in runs.items() if run.exists()}


def _kill(sweep: Sweep, kind: str, chance: random.Random, report: Report) -> None:
    """Kill the sweep's process, one of its workers, or all of them."""
    workers = sweep.workers()
    assert sweep.process is not None
    victims = [sweep.process.pid] if kind != "workers" else []
    if kind != "parent":
        victims += workers if kind == "both" else chance.sample(workers, min(1, len(workers)))
    for victim in victims:
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            continue
    report.kills[kind] = report.kills.get(kind, 0) + 1
    if kind == "workers":
        return
    sweep.process.communicate()
    sweep.process = None
    began = time.monotonic()
    while (left := sweep.workers()) and time.monotonic() < began + SECONDS_TO_DIE:
        time.sleep(0.05)
    report.longest = max(report.longest, time.monotonic() - began)
    if left:
        report.faults.append(f"{len(left)} workers alive {SECONDS_TO_DIE} s after their sweep")


def rounds(
    kills: int,
    values: Sequence[str] = GRID,
    seed: int = 0,
    spread: float = 1.2,
    options: Sequence[str] = (),
) -> Report:
    """Kill a sweep `kills` times, over at most this share of its duration, and let it end."""
    report, chance = Report(), random.Random(seed)
    kinds = ("parent", "workers", "both")
    with tempfile.TemporaryDirectory() as scratch:
        wanted, seconds = undisturbed(Path(scratch), values, options)
        sweep = Sweep(Path(scratch) / "killed", values, options)
        pauses = [chance.uniform(0, spread * seconds / kills) for _ in range(kills)]
        kill_and_compare(
            sweep, pauses, lambda n: _kill(sweep, kinds[n % 3], chance, report), wanted, report
        )
    return report


def undisturbed(
    scratch: Path, values: Sequence[str], options: Sequence[str] = ()
) -> tuple[dict[str, dict], float]:
    """The fingerprints of the trials of a sweep that is not killed, and its duration in seconds."""
    sweep, began = Sweep(scratch / "calm", values, options), time.monotonic()
    code, error = sweep.finish()
    if code != 0:
        raise RuntimeError(error)
    seconds = time.monotonic() - began
    return {name: fingerprint(path) for name, path in sweep.trials().items()}, seconds


def kill_and_compare(
    sweep: Sweep,
    pauses: Sequence[float],
    kill: Callable[[int], None],
    wanted: dict[str, dict],
    report: Report,
) -> None:
    """Train, pause and `kill`, for every pause; then let the sweep end, and compare its trials.

    The kills are spread over the trials, so that the sweep is still at work at the last one.
    """
    ended: dict[str, dict] = {}
    for number, pause in enumerate(pauses):
        since = time.time()
        if sweep.process is None:
            sweep.start()
        _wait_until_it_trains(sweep, since, len(wanted) * number // (len(pauses) + 1))
        time.sleep(pause)
        if sweep.process.poll() is not None:
            break
        kill(number)
        records = sweep.records()
        report.half_done += sum(r["status"] in HALF_DONE for r in records.values())
        ended |= {n: r for n, r in records.items() if r["status"] == "finished"}
    code, error = sweep.finish()
    if code != 0:
        report.faults.append(f"resume ended with {code}: {error[-500:]}")
    _compare(sweep, wanted, ended, report)


def _wait_until_it_trains(sweep: Sweep, since: float, ended: int) -> None:
    """Wait until a trial's run.json is newer than `since`, as a kill before has nothing to destroy,
    and until so many trials have ended.
    """
    deadline = time.monotonic() + 600
    while sweep.process.poll() is None and not (
        _is_training(sweep, since) and sweep.ended() >= ended
    ):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no trial of the sweep has begun, or fewer than {ended} have ended")
        time.sleep(0.01)


def _is_training(sweep: Sweep, since: float) -> bool:
    # For a trial on a cluster it is in the claim.
    folders = ("trials", ".claims") if sweep.path else ()
    try:
        runs = [run for name in folders for run in sweep.path.glob(f"{name}/[!.]*/run.json")]
        return any(run.stat().st_mtime > since for run in runs)
    except FileNotFoundError:  # a claim that was just removed
        return False


def _compare(sweep: Sweep, wanted: dict, ended: dict, report: Report) -> None:
    records, trials = sweep.records(), sweep.trials()
    report.trials = len(wanted)
    if list(trials) != list(wanted):
        report.faults.append(f"{len(trials)} trials of other names, not the {len(wanted)} wanted")
        return
    for name, path in trials.items():
        if records.get(name, {}).get("status") not in ENDED:
            report.faults.append(f"{name} has not ended")
            continue
        found = fingerprint(path)
        different = [key for key in found | wanted[name] if found.get(key) != wanted[name].get(key)]
        report.identical += not different
        report.carried_on += bool(records[name]["resumed"])
        report.faults += [f"{name}: {file} differs" for file in different]
        if name in ended and records[name] != ended[name]:
            report.faults.append(f"{name} had finished, and was run again")
        left = [leftover.name for leftover in path.rglob(".*")]
        report.faults += [f"{name}: left behind: {left}"] if left else []


def main(
    rounds: Callable[..., Report], description: str | None, kills: int, what: Sequence[str]
) -> None:
    """The command line of rounds of kills; `what` names the counts of a Report to print, besides
    kills.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--kills", type=int, default=kills)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    done = rounds(options.kills, seed=options.seed)
    found = "".join(f", {getattr(done, name)} trials {name.replace('_', ' ')}" for name in what)
    text = f"{sum(done.kills.values())} kills ({counted(done.kills)}){found}; "
    text += f"{done.identical} of {done.trials} trials identical"
    if done.longest:
        text += f"; workers ended within {done.longest:.1f} s of their sweep"
    sys.exit(print_report(text, done.faults))


if __name__ == "__main__":
    main(rounds, __doc__, kills=20, what=("half_done", "carried_on"))
