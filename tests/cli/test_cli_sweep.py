"""`mnistlab sweep`, and `resume` of one, as a user meets them."""

import csv
import json
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from cli_helpers import mnistlab, process_arguments

from mnistlab.store.status import Status
from mnistlab.support.metric_names import SPLIT_METRICS
from mnistlab.sweeps.results import TrialRow
from mnistlab.sweeps.sweep_callbacks import SweepProgress
from mnistlab.terminal.output import metric_value
from mnistlab.terminal.sweep_progress import SweepBar, SweepLines

GRID = ("tiny.yaml", "optimizer.lr=0.1,0.01", "seeds=2")


@pytest.fixture
def swept(home, trials_here):
    return mnistlab("sweep", *GRID)


def test_a_sweep_ends_with_a_ranked_table_and_prints_its_folder_alone(swept, home):
    assert swept.exit_code == 0
    folder = swept.stdout.strip()
    assert folder == str((home / "runs" / "latest").resolve())
    lines = swept.stderr.splitlines()
    trials = [line for line in lines if re.match(r" *\d+/4  trial", line)]
    assert len(trials) == 4
    assert "  lr=0.1  seed=" in "".join(trials)
    head = next(i for i, line in enumerate(lines) if line.startswith("rank"))
    assert lines[head].split() == ["rank", "optimizer.lr", "val_accuracy"]
    assert re.match(r" *1=? +0\.\d+ +\d\d\.\d\d ± \d+\.\d\d%", lines[head + 1])
    assert "trials: 4 finished" in swept.stderr
    plots = {path.stem for path in (home / "runs" / "latest" / "plots").iterdir()}
    assert plots == {"metric_by_parameter", "learning_curves", "bars", "models_weights"}


def test_resuming_says_that_nothing_is_left_or_extends_the_grid(swept, home):
    folder = swept.stdout.strip()
    again = mnistlab("resume", folder)
    assert (again.exit_code, again.stdout.strip()) == (0, folder)
    assert "nothing left to do" in again.stderr
    more = mnistlab("resume", folder, "optimizer.lr=0.05", "--json", "--no-plots", "--quiet")
    assert more.document["trials"] == {"finished": 6, "diverged": 0, "failed": 0}
    best = more.document["best"]
    assert set(best) == {"run_dir", "parameters", "metrics"}
    assert best["run_dir"].startswith(f"{folder}/trials/")
    assert set(best["parameters"]) == {"optimizer.lr"}
    assert set(best["metrics"]) == set(SPLIT_METRICS)
    assert more.stderr == ""


def test_dry_run_lists_the_trials_and_makes_nothing(home):
    before = sorted(home.rglob("*"))
    outcome = mnistlab("sweep", *GRID, "model.hidden=[8],[4, 4]", "--dry-run")
    assert outcome.exit_code == 0
    lines = outcome.stdout.splitlines()
    assert lines[0].split() == ["trial", "optimizer.lr", "model.hidden", "seed"]
    assert len(lines) == 9
    document = mnistlab("sweep", *GRID, "--dry-run", "--json").document
    assert [trial["parameters"]["optimizer.lr"] for trial in document["trials"]] == [
        *(0.1, 0.1, 0.01, 0.01)
    ]
    assert sorted(home.rglob("*")) == before


def test_a_sweep_with_a_failed_trial_exits_with_3_and_prints_why_even_if_quiet(home, trials_here):
    run = mnistlab("train", "tiny.yaml", "model.hidden=[4]", "--quiet", "--no-plots")
    weights = f"init={{type: file, path: {run.stdout.strip()}/weights.safetensors}}"
    values = ("model.hidden=[4],[5]", weights, "--quiet", "--no-plots")
    outcome = mnistlab("sweep", "tiny.yaml", *values)
    assert outcome.exit_code == 3
    assert outcome.stderr.startswith("trial 1 failed: ")
    assert "weights.safetensors" in outcome.stderr
    assert mnistlab("resume", outcome.stdout.strip(), "--quiet").exit_code == 0


def test_a_diverged_trial_is_no_failure_and_comes_last(home):
    values = ("loss={type: mse}", "model.output_activation=identity", "optimizer.lr=1e30,0.01")
    outcome = mnistlab("sweep", "tiny.yaml", *values)
    assert outcome.exit_code == 0
    assert "trials: 1 finished, 1 diverged" in outcome.stderr
    assert re.search(r"\n +- +1e\+30 +- +diverged\n", outcome.stderr)


def test_options_of_a_run_and_of_a_sweep_are_not_mixed_up(swept, home):
    sweep = swept.stdout.strip()
    run = f"{sweep}/best"
    for line, culprit in (
        (("resume", sweep, "--threads", "1"), "--workers"),
        (("resume", run, "--workers", "1"), "--threads"),
        (("resume", run, "seed=1"), "is a trial of a sweep"),
        (("resume", sweep, "optimizer.lrr=1"), "did you mean 'lr'"),
    ):
        outcome = mnistlab(*line)
        assert outcome.exit_code == 2
        assert culprit in outcome.stderr
    assert "nothing left to do" in mnistlab("resume", run, "--no-plots").stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_finished_trials_and_prints_how_to_resume(home, number, code):
    values = ("optimizer.lr=0.1,0.01", "training.epochs=100000", "data.train_limit=null")
    process = subprocess.Popen(
        **process_arguments("sweep", home / "tiny.yaml", *values, "--workers", 1, "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
    )
    deadline = time.monotonic() + 120
    while not any(
        path.read_text().count("\n") > 2 for path in home.glob("runs/2*/trials/*/metrics.csv")
    ):
        assert time.monotonic() < deadline, "no trial was started"
        time.sleep(0.02)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    folder = json.loads(stdout)["sweep_dir"]
    assert json.loads(stdout)["status"] == "interrupted"
    assert f"mnistlab resume runs/{Path(folder).name}\n" in stderr
    assert "Traceback" not in stderr
    with Path(folder, "trials.csv").open(encoding="utf-8") as file:
        assert "interrupted" in {row["status"] for row in csv.DictReader(file)}


def progress(**changes) -> SweepProgress:
    values = {"total": 60, "done": 12, "running": 2, "share": 0.5, "diverged": 1, "failed": 0}
    values |= {"metrics": ("val_accuracy",), "best": 0.9123, "seconds_left": 75.4}
    return SweepProgress(**{**values, **changes})


def test_lines_tell_each_trial_and_now_and_then_the_outlook(capsys):
    lines = SweepLines()
    row = TrialRow(7, Status.FINISHED, (), {"a.b": [1, 2]}, {"val_accuracy": 0.5}, "trials/7")
    lines.on_trial(row, 1.234, progress())
    lines.on_trial(row, 1.234, progress(done=13))
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "12/60  trial 7  b=[1, 2]  val_accuracy 50.00%  1.2 s",
        "   1 diverged  best 91.23%  01:15 left",
        "13/60  trial 7  b=[1, 2]  val_accuracy 50.00%  1.2 s",
    ]


def test_a_long_value_leaves_the_trial_on_one_line(capsys):
    model = {"type": "cnn", "layers": [{"conv": {"filters": 20, "kernel": 5}}, "flatten"]}
    parameters = {"name": "LeNet", "model": model}
    lines = SweepLines()
    row = TrialRow(7, Status.FINISHED, (), parameters, {"val_accuracy": 0.5}, "trials/7")
    lines.on_trial(row, 1.2, progress())
    told = capsys.readouterr().err.splitlines()[0]
    assert "name=LeNet  model={type: cnn, laye… 5}}, flatten]}  val_accuracy 50.00%" in told


def test_the_bar_shows_all_of_the_sweep():
    bar = SweepBar()
    bar.on_progress(progress())
    task = bar.bar.tasks[0]
    assert (task.total, task.completed) == (60, 12.5)
    assert task.fields["trials"] == "12/60 trials"
    assert task.fields["figures"] == "2 running  1 diverged  best 91.23%  01:15 left"
    bar.close()


def test_figures_of_losses_and_accuracies_have_their_own_form():
    assert metric_value("val_accuracy", 0.91234, 0.0123) == "91.23 ± 1.23%"
    assert metric_value("val_loss", 0.5) == "0.5000"
    assert metric_value("val_loss", None) == "-"


def test_a_warning_of_all_trials_is_shown_once(home):
    arguments = ("data.train_limit=3", "optimizer.lr=0.1,0.01,0.001", "--workers", 1, "--no-plots")
    stderr = mnistlab("sweep", "tiny.yaml", *arguments).stderr
    assert stderr.count("warning: data.train_limit: the first 3 training images hold none of") == 1
