"""Ends the process, or makes the disk fail, at every single operation of a run or a sweep; resumes,
and compares: the bits must be those of an undisturbed one.

`python -m tools.fault_rounds run sweep` does it at every operation with every fault and prints the
counts; the test in tests/reliability/test_damage.py does it at some. Each round is a fork of this
process, which has loaded and compiled everything.
"""

import argparse
import os
import pickle
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
# GNU OpenMP, numba's first choice, ends a process that forks after it has created its threads.
os.environ["NUMBA_THREADING_LAYER"] = "workqueue"

from mnistlab.cli.errors import describe  # noqa: E402
from mnistlab.config import run_config_from_mapping  # noqa: E402
from mnistlab.config.load_sweep import parse_sweep  # noqa: E402
from mnistlab.experiment import run_writer  # noqa: E402
from mnistlab.experiment.dataset import load_data  # noqa: E402
from mnistlab.experiment.run_options import RunOptions  # noqa: E402
from mnistlab.experiment.runner import new_trainer  # noqa: E402
from mnistlab.python.commands.resume import resume  # noqa: E402
from mnistlab.python.commands.train import train  # noqa: E402
from mnistlab.sweeps import ledger, sweep_run  # noqa: E402
from mnistlab.sweeps.sweep_options import SweepOptions  # noqa: E402
from tools.closing_report import counted, print_report  # noqa: E402
from tools.damage_rounds import warnings_heard  # noqa: E402
from tools.fault_layer import DEATHS, DIED, FAILURES, Fault, Faults  # noqa: E402
from tools.here_executor import trials_in_this_process  # noqa: E402
from tools.short_runs import fingerprint  # noqa: E402

RUN = {
    "name": "short",
    "data": {"source": "digits", "train_limit": 43, "validation": 0.1},
    "model": {"type": "mlp", "hidden": [6]},
    "optimizer": {"type": "adam", "lr": 0.01},
    "training": {"epochs": 2, "batch_size": 9},
}
SWEEP = """\
name: short
data: {source: digits, train_limit: 43, validation: 0.1}
model: {type: mlp, hidden: [6]}
optimizer: {type: adam, lr: 0.01}
training: {epochs: 1, batch_size: 9}
"""
UNEXPECTED = 87  # the exit code of a child that ended in an unexpected way


@dataclass(frozen=True)
class Scenario:
    """Something to disturb: how it is begun in a folder, resumed, and compared with another."""

    begin: Callable[[Path], str]  # returns the status
    resume: Callable[[Path], str]
    fingerprint: Callable[[Path], Any]


def begin_run(folder: Path) -> str:
    config = run_config_from_mapping(RUN)
    options = RunOptions(data_dir=folder / "data", threads=1)
    return train(config, folder / "runs", options, plots=False).status


def carry_run_on(path: Path) -> str:
    return resume(path, RunOptions(data_dir=path.parent / "data", threads=1), plots=False).status


def begin_sweep(folder: Path) -> str:
    source = parse_sweep(SWEEP, "sweep.yaml", ["optimizer.lr=0.01,0.02"])
    options = SweepOptions(data_dir=folder / "data", workers=1)
    with trials_in_this_process():
        return sweep_run.begin(source, folder / "runs", options).status


def carry_sweep_on(path: Path) -> str:
    options = SweepOptions(data_dir=path.parent / "data", workers=1)
    with trials_in_this_process():
        return sweep_run.resume(path, (), options).status


def sweep_fingerprint(path: Path) -> dict[str, Any]:
    trials = {trial.name: fingerprint(trial) for trial in sorted(path.glob("trials/[!.]*"))}
    best = os.readlink(path / "best")  # noqa: PTH115 - what it says, not where it leads
    views = {name: (path / name).read_text() for name in ("trials.csv", "ranking.csv")}
    return {"trials": trials, "best": best, **views}


SCENARIOS = {
    "run": Scenario(begin_run, carry_run_on, fingerprint),
    "sweep": Scenario(begin_sweep, carry_sweep_on, sweep_fingerprint),
}


@dataclass
class Report:
    operations: list[str] = field(default_factory=list)  # of an undisturbed run
    rounds: int = 0
    ends: Counter[str] = field(default_factory=Counter)  # how the disturbed process ended
    before_a_folder: int = 0  # the fault happened before there was anything to resume
    identical: int = 0
    lost: list[str] = field(default_factory=list)


def in_child(work: Callable[[], Any]) -> tuple[int, Any]:
    """The result of `work` in a fork of this process, or its exit code and its output."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        said = StringIO()
        code = 0
        try:
            with redirect_stderr(said):
                answer = work()
        except BaseException as error:
            messages, code = describe(error) if isinstance(error, Exception) else ([repr(error)], 1)
            answer = "; ".join(messages)
            if "internal error" in answer or not isinstance(error, Exception):
                code = UNEXPECTED
        if "Traceback" in said.getvalue():
            code, answer = UNEXPECTED, said.getvalue()
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(pickle.dumps(answer))  # from our own child, through our own pipe
        os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code, pickle.loads(told) if told else None


def the_folder(folder: Path) -> Path | None:
    """The single run or sweep begun in a folder, once it has its name."""
    # `latest` is no folder: a link, or a text file where no link could be created.
    entries = (folder / "runs").glob("[!.]*")
    found = [path for path in entries if path.is_dir() and not path.is_symlink()]
    return found[0] if found else None


def rounds(kind: str, faults: Iterable[Fault], every: int = 1, offset: int = 0) -> Report:
    """Let each of these faults happen at the operations offset, offset + every, …"""
    run_writer.SECONDS_BETWEEN_CHECKPOINTS = 0.0  # a checkpoint at every epoch
    ledger.SECONDS_BETWEEN_VIEWS = 0.0  # the same operations, however slow the machine
    scenario, report = SCENARIOS[kind], Report()
    config = run_config_from_mapping(RUN)
    with tempfile.TemporaryDirectory() as scratch:
        dataset = load_data(config, Path(scratch))
        new_trainer(config, dataset).compile(lambda text: print(text, file=sys.stderr))
        calm = Path(scratch) / "calm"
        report.operations = _undisturbed(scenario, calm)
        wanted = _seen(scenario, calm)
        for fault in faults:
            for at in range(offset, len(report.operations), every):
                folder = Path(scratch) / f"{fault}-{at}"
                _round(scenario, folder, at, fault, wanted, report)
    return report


def _undisturbed(scenario: Scenario, folder: Path) -> list[str]:
    def work() -> list[str]:
        folder.mkdir()
        with Faults(folder) as watched:
            scenario.begin(folder)
        return watched.operations

    code, operations = in_child(work)
    if code != 0:
        raise RuntimeError(operations)
    return operations


def _seen(scenario: Scenario, folder: Path) -> Any:
    path = the_folder(folder)
    assert path is not None
    return scenario.fingerprint(path)


def _round(
    scenario: Scenario, folder: Path, at: int, fault: Fault, wanted: Any, report: Report
) -> None:
    def disturbed() -> list[str]:
        with warnings_heard() as heard, Faults(folder, at, fault):
            scenario.begin(folder)
        return heard

    report.rounds += 1
    folder.mkdir()
    where = f"{fault} at {at} ({report.operations[at]})"
    code, told = in_child(disturbed)
    report.ends[_how(code)] += 1
    if code not in (0, 1, 2, DIED) or (code == DIED) != (fault in DEATHS):
        report.lost.append(f"{where}: ended with {code}: {told}")
        return
    if code in (1, 2) and not told:
        report.lost.append(f"{where}: said nothing")
    # The link to the best trial is not part of the result: a sweep finishes without it, with a
    # warning.
    warned = code == 0 and any("could not be pointed at" in warning for warning in told)
    path = the_folder(folder)
    if path is None and code != 0:
        # Nothing was claimed, and the rest does not block the next round.
        report.before_a_folder += 1
        code, told = in_child(lambda: scenario.begin(folder))
        path = the_folder(folder)
    elif code != 0 or warned:
        code, told = in_child(lambda: scenario.resume(path))
    if code != 0 or path is None:
        report.lost.append(f"{where}: carrying it on ended with {code}: {told}")
        return
    try:
        same = scenario.fingerprint(path) == wanted
    except OSError as error:
        report.lost.append(f"{where}: {error}")
        return
    left = [one.name for one in path.rglob(".*") if one.name.endswith(".tmp")]
    if left:
        report.lost.append(f"{where}: left behind: {left}")
    elif not same:
        report.lost.append(f"{where}: other bits")
    else:
        report.identical += 1


def _how(code: int) -> str:
    return {0: "finished", 1: "stopped", 2: "refused", DIED: "died"}.get(code, f"exit {code}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=list(SCENARIOS))
    parser.add_argument("--faults", nargs="*", default=[*DEATHS, *FAILURES])
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--offset", type=int, default=0)
    options = parser.parse_args()
    failed = False
    for kind in options.kinds:
        for number, fault in enumerate(options.faults):
            # With few rounds, each fault happens at other operations.
            shift = options.offset + number * options.every // len(options.faults)
            done = rounds(kind, [fault], options.every, shift % options.every)
            text = (
                f"{kind}, {fault}: {len(done.operations)} operations, {done.rounds} rounds: "
                f"{counted(done.ends)}; {done.before_a_folder} before there was a folder; "
                f"{done.identical} identical, {len(done.lost)} lost"
            )
            failed |= print_report(text, done.lost)
    sys.exit(failed)
