"""Ctrl-C and SIGTERM during training, and `mnistlab resume`, as a user sees them."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from cli_helpers import mnistlab, process_arguments

LONG = ("data.train_limit=null", "training.epochs=100000", "--no-plots")


def stopped_by(number: signal.Signals, home, *more: str):
    """A long run that gets a signal during training: (exit code, stdout, stderr)."""
    process = subprocess.Popen(
        **process_arguments("train", home / "tiny.yaml", *LONG, *more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
    )
    deadline = time.monotonic() + 120
    metrics = home / "runs" / "latest" / "metrics.csv"
    while not (metrics.exists() and metrics.read_text().count("\n") > 2):
        assert time.monotonic() < deadline, "the run did not start"
        time.sleep(0.02)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout, stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_a_checkpoint_and_prints_how_to_resume(home, number, code):
    exit_code, _, stderr = stopped_by(number, home)
    run = (home / "runs" / "latest").resolve()
    assert exit_code == code
    assert f"mnistlab resume runs/{run.name}\n" in stderr
    assert "Traceback" not in stderr
    assert (run / "checkpoints" / "last.safetensors").exists()
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"


def test_an_interrupted_run_has_this_status_in_json(home):
    exit_code, stdout, _ = stopped_by(signal.SIGINT, home, "--json")
    assert exit_code == 130
    assert json.loads(stdout)["status"] == "interrupted"


def test_a_finished_run_needs_no_resuming(home):
    run = mnistlab("train", "tiny.yaml", "--no-plots").stdout.strip()
    outcome = mnistlab("resume", run)
    assert outcome.exit_code == 0
    assert "nothing left to do" in outcome.stderr
    assert outcome.stdout.strip() == run
    assert mnistlab("resume", run, "--json").document["status"] == "finished"


def test_a_finished_run_is_made_longer(home):
    run = mnistlab("train", "tiny.yaml", "--no-plots", "training.epochs=1").stdout.strip()
    longer = mnistlab("resume", run, "training.epochs=2", "--no-plots", "--json").document
    whole = mnistlab("train", "tiny.yaml", "--no-plots", "training.epochs=2", "--json").document
    assert (longer["run_dir"], longer["epochs"]) == (run, 2)
    assert longer["metrics"] == whole["metrics"]
    assert "nothing left to do" in mnistlab("resume", run, "training.epochs=2").stderr


def test_figures_and_page_that_are_missing_are_drawn_on_resuming_and_left_where_they_are(home):
    run = Path(mnistlab("train", "tiny.yaml", "--no-plots").stdout.strip())
    mnistlab("resume", str(run))
    figure, page = run / "plots" / "learning_curves.png", run / "report.html"
    drawn = figure.stat().st_mtime_ns, page.stat().st_mtime_ns
    mnistlab("resume", str(run))
    assert drawn == (figure.stat().st_mtime_ns, page.stat().st_mtime_ns)
    page.unlink()  # as where drawing was killed
    figure.unlink()
    mnistlab("resume", str(run))
    assert figure.exists()
    assert page.exists()


@pytest.mark.parametrize(
    ("path", "culprit"),
    [("runs/none", "runs/none"), ("tiny.yaml", "tiny.yaml"), (".", "not a run folder")],
)
def test_what_is_no_run_is_refused(home, path, culprit):
    outcome = mnistlab("resume", path)
    assert outcome.exit_code == 2
    assert culprit in outcome.stderr
    assert "Traceback" not in outcome.stderr
