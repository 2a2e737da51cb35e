"""docs/add-search-method.md, applied to a copy of mnistlab: one file is added, no other is changed,
and sweeps are listed, run, killed, resumed and staged with the new method.
"""

import csv
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from docs_helpers import REPOSITORY, blocks, commands, generated, text_of

PAGE = text_of("add-search-method.md")
COMMANDS = commands(PAGE, "mnistlab")
# Interpreted, which needs no compilation, a step takes a thousand times as long.
SMALL = (
    "data.train_limit=30",
    "data.validation=30",
    "training.epochs=1",
    "training.kernels=plain",
    "model=softmax",
)
CLIMB = ("optimizer.lr={loguniform: [1e-3, 1]}", "method={type: climb, points: 4, rounds: 3}")
STAGED = """\
run:
  data: {source: digits, train_limit: 30, validation: 30}
  model: softmax
  training: {epochs: 1, test: never, kernels: plain}
method: {type: climb, points: 3, rounds: 1}
stages:
  - {name: lr, parameters: {optimizer.lr: {loguniform: [1.0e-3, 1]}}}
  - {name: l2, from: lr, parameters: {regularization.l2: {loguniform: [1.0e-6, 1.0e-2]}}}
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """A copy of the sources with the new file in it."""
    root = tmp_path_factory.mktemp("copy")
    for folder in ("mnistlab", "configs"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / folder, root / folder, ignore=ignored)
    assert "`mnistlab/search/climb.py`" in PAGE
    (code,) = blocks(PAGE, "python")
    (root / "mnistlab/search/climb.py").write_text(code, encoding="utf-8")
    (root / "staged.yaml").write_text(STAGED, encoding="utf-8")
    return root


def started(copy: Path, *words: str, runs: str) -> subprocess.Popen:
    environment = {
        **os.environ,
        "PYTHONPATH": str(copy),
        "NUMBA_DISABLE_JIT": "1",
        "MNISTLAB_CACHE_DIR": str(copy / "cache"),
        "MNISTLAB_RUNS_DIR": str(copy / runs),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "mnistlab", *words],
        cwd=copy, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(copy: Path, *words: str, runs: str = "runs") -> tuple[str, str]:
    """What a command wrote on its two outputs."""
    process = started(copy, *words, runs=runs)
    out, told = process.communicate()
    assert process.returncode == 0, told
    return out, told


def only_sweep(copy: Path, runs: str) -> Path:
    (found,) = (path for path in (copy / runs).glob("2*") if not path.is_symlink())
    return found


def trials(folder: Path) -> list[dict[str, str]]:
    with (folder / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def bits(folder: Path) -> dict[str, str]:
    """The digest of every trial's weights, by its folder."""
    found = sorted(folder.glob("trials/*/weights.safetensors"))
    return {path.parent.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.fixture(scope="module")
def undisturbed(copy) -> Path:
    """The sweep of the page's command."""
    command = COMMANDS[1]
    assert set(CLIMB) <= set(command)
    run(copy, *command, *SMALL, "--no-plots", "--workers", "2", runs="undisturbed")
    return only_sweep(copy, "undisturbed")


def test_a_dry_run_lists_the_first_points_and_says_how_many_may_follow(copy):
    command = COMMANDS[0]
    assert command[-1] == "--dry-run"
    out, told = run(copy, *command, *SMALL, "--json")
    assert len(json.loads(out)["trials"]) == 4
    assert "method climb chooses up to 6 more points by the results of these" in told
    assert not (copy / "runs").exists()


@pytest.mark.long
def test_the_sweep_climbs_from_the_best_of_its_first_points(undisturbed):
    found = trials(undisturbed)
    assert 4 < len(found) <= 10
    first, later = found[:4], found[4:]
    start = max(first, key=lambda row: float(row["val_accuracy"]))
    ratios = [float(row["optimizer.lr"]) / float(start["optimizer.lr"]) for row in later[:2]]
    # A quarter of three decades, down and up, within the range.
    assert ratios[0] == pytest.approx(10**-0.75, rel=1e-4)
    assert len({row["optimizer.lr"] for row in found}) == len(found)
    assert all(row["status"] == "finished" for row in found)


@pytest.mark.slow
def test_killed_and_resumed_it_asks_for_the_same_points_and_ends_on_the_same_bits(
    copy, undisturbed
):
    words = (*COMMANDS[1], *SMALL, "--no-plots", "--workers", "1")
    process = started(copy, *words, runs="killed")
    # In the second round: its points depend on results.
    while not list((copy / "killed").glob("2*/trials/0004-*/run.json")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    folder = only_sweep(copy, "killed")
    before = bits(folder)
    assert 4 <= len(before) < len(trials(undisturbed))
    run(copy, "resume", str(folder), "--no-plots", runs="killed")
    assert bits(folder) == bits(undisturbed)
    for name in ("trials.csv", "ranking.csv"):
        assert (folder / name).read_text() == (undisturbed / name).read_text()
    out, _ = run(copy, "resume", str(folder), "--no-plots", "--json", runs="killed")
    assert json.loads(out)["trials"]["finished"] == len(before | bits(undisturbed))


@pytest.mark.slow
def test_every_stage_has_a_climb_of_its_own_on_top_of_the_winner(copy):
    _, told = run(copy, "sweep", "staged.yaml", "--dry-run")
    assert "stage l2: method climb chooses up to 2 more points by the results of these" in told
    run(copy, "sweep", "staged.yaml", "--no-plots", "--workers", "2", runs="staged")
    found = trials(only_sweep(copy, "staged"))
    of_lr = [row for row in found if "lr" in row["stage"].split()]
    of_l2 = [row for row in found if "l2" in row["stage"].split()]
    winner = max(of_lr, key=lambda row: (float(row["val_accuracy"]), -int(row["trial"])))
    assert len(of_lr) > 3
    assert len(of_l2) > 3
    assert {row["optimizer.lr"] for row in of_l2} == {winner["optimizer.lr"]}


@pytest.mark.long
def test_what_the_page_says_of_extending_and_of_the_keys_holds(copy, undisturbed):
    process = started(copy, "resume", str(undisturbed), "optimizer.lr=0.5", runs="runs")
    _, told = process.communicate()
    assert process.returncode == 2
    assert "a sweep of method climb cannot be extended; start another one" in told
    process = started(copy, "sweep", "configs/quickstart.yaml", "seed=1,2", "method=clim", runs="r")
    _, told = process.communicate()
    assert process.returncode == 2
    assert (
        "must be one of climb, cma, gp, grid, lhs, qmc, random, sobol, tpe; did you mean 'climb'?"
        in told
    )


def test_the_page_s_last_command_puts_the_method_into_completion_and_the_reference(copy):
    keys, reference = generated(copy, PAGE)
    assert keys["sweep"]["method.type"] == [
        "climb", "cma", "gp", "grid", "lhs", "qmc", "random", "sobol", "tpe",
    ]  # fmt: skip
    assert keys["sweep"]["method.rounds"] == ["5"]
    assert "| `climb` | From the best of some random points uphill" in reference
