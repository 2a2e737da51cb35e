import csv
import fcntl
import json
import os
import signal
import subprocess
import termios
import time
from functools import partial
from pathlib import Path

import pytest
import yaml
from cli_helpers import mnistlab, process_arguments

STOPS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
METRICS = {"train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy"}


def run_folders(runs: Path) -> list[Path]:
    return [path for path in runs.iterdir() if not path.is_symlink()]


def test_train_leaves_one_run_folder_and_prints_its_path_last(home):
    outcome = mnistlab("train", "tiny.yaml")
    assert outcome.exit_code == 0
    (folder,) = run_folders(home / "runs")
    assert outcome.stdout == f"{folder}\n"
    assert (home / "runs" / "latest").resolve() == folder
    for name in ("config.yaml", "run.json", "metrics.csv", "weights.safetensors"):
        assert (folder / name).is_file()
    assert list((folder / "plots").iterdir())


def test_stderr_has_a_line_per_epoch_and_a_summary(home):
    lines = mnistlab("train", "tiny.yaml").stderr.splitlines()
    (heading,) = [line for line in lines if line.startswith("epoch ")]
    assert "val acc" in heading
    epochs = [line.split()[0] for line in lines if line.lstrip().startswith(("1/2 ", "2/2 "))]
    assert epochs == ["1/2", "2/2"]
    assert any(line.startswith("finished after 2 epochs (14 steps) in ") for line in lines)
    assert any(line.startswith("test ") for line in lines)


def test_quiet_prints_only_the_path(home):
    outcome = mnistlab("train", "tiny.yaml", "--quiet", "--no-plots")
    assert outcome.stderr == ""
    assert Path(outcome.stdout.strip()).is_dir()


def test_json_is_the_document_of_the_contract(home):
    outcome = mnistlab("train", "tiny.yaml", "--json", "--no-plots", "--runs-dir", "here")
    document = outcome.document
    expected = {"run_dir", "status", "epochs", "steps", "metrics", "seconds", "findings"}
    assert set(document) == expected
    assert (document["status"], document["epochs"]) == ("finished", 2)
    assert Path(document["run_dir"]).parent == home / "here"
    assert set(document["metrics"]) == METRICS
    assert 0 < document["metrics"]["test_accuracy"] <= 1
    assert 0 < document["seconds"]["train"] < document["seconds"]["total"]
    assert " 2/2 " in outcome.stderr


def test_what_was_not_measured_is_null(home):
    document = mnistlab(
        "train", "tiny.yaml", "training.test=never", "data.validation=0", "--json", "--no-plots"
    ).document
    measured = {name for name, value in document["metrics"].items() if value is not None}
    assert measured == {"train_loss", "train_accuracy"}


def test_a_diverged_run_exits_1_with_advice_and_its_document(home):
    outcome = mnistlab("train", "tiny.yaml", "optimizer.lr=1e30", "--json", "--quiet")
    assert outcome.exit_code == 1
    assert outcome.document["status"] == "diverged"
    assert outcome.document["metrics"]["train_loss"] is None
    assert "optimizer.lr" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_options_may_come_before_and_after_the_overrides(home):
    outcome = mnistlab(
        "train", "--no-plots", "tiny.yaml", "seed=3", "--quiet", "training.epochs=1", "--json"
    )
    assert outcome.document["epochs"] == 1
    config = yaml.safe_load((Path(outcome.document["run_dir"]) / "config.yaml").read_text())
    assert config["seed"] == 3


def test_name_wins_over_the_file_and_over_an_override(home):
    outcome = mnistlab("train", "tiny.yaml", "name=b", "--name", "007", "--print-config")
    assert yaml.safe_load(outcome.stdout)["name"] == "007"


def test_print_config_touches_nothing_and_repeats_itself(home):
    arguments = ("optimizer.lr=1e-3", "data.source=mnist", "data.train_limit=null")
    printed = mnistlab("train", "tiny.yaml", *arguments, "--print-config")
    assert (printed.exit_code, printed.stderr) == (0, "")
    assert [path.name for path in home.iterdir()] == ["tiny.yaml"]
    (home / "resolved.yaml").write_text(printed.stdout)
    assert mnistlab("train", "resolved.yaml", "--print-config").stdout == printed.stdout
    resolved = yaml.safe_load(printed.stdout)
    assert resolved["optimizer"]["lr"] == 0.001
    assert resolved["training"]["batch_size"] == 32


def test_print_config_as_json_is_the_same_configuration(home):
    as_yaml = mnistlab("train", "tiny.yaml", "--print-config").stdout
    as_json = mnistlab("train", "tiny.yaml", "--print-config", "--json").document
    assert as_json == yaml.safe_load(as_yaml)


def test_the_run_folder_s_config_repeats_the_run(home):
    first = mnistlab("train", "tiny.yaml", "--json", "--no-plots").document
    again = mnistlab("train", Path(first["run_dir"]) / "config.yaml", "--json", "--no-plots")
    assert again.document["metrics"] == first["metrics"]
    assert again.document["run_dir"] != first["run_dir"]


def test_evaluating_every_few_steps_shows_the_step(home):
    stderr = mnistlab("train", "tiny.yaml", "training.evaluate_every=2", "--no-plots").stderr
    rows = [line for line in stderr.splitlines() if line.lstrip()[:4] in ("1/2 ", "2/2 ")]
    shown = [line.split()[1] for line in rows]
    with (next((home / "runs").glob("2*")) / "metrics.csv").open() as file:
        steps = [int(row["step"]) for row in csv.DictReader(file)]
    assert [int(cell.partition("/")[0]) for cell in shown] == steps


def test_more_threads_than_processors_can_be_had(home):
    """In a process of its own: numba's pool has its size from the process's first use of it."""
    threads = len(os.sched_getaffinity(0)) + 1
    done = subprocess.run(
        **process_arguments("train", "tiny.yaml", "--threads", threads, "--json", "--no-plots"),
        capture_output=True,
        text=True,
    )
    run = json.loads((Path(json.loads(done.stdout)["run_dir"]) / "run.json").read_text())
    assert run["threads"] == threads


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_stops_a_run_with_its_checkpoint_and_its_own_exit_code(home, number, exit_code):
    long_run = process_arguments("train", "tiny.yaml", "training.epochs=1000000", "--json")
    with subprocess.Popen(
        **long_run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        while "/1000000 " not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == exit_code
    document = json.loads(stdout)
    assert document["status"] == "interrupted"
    assert (Path(document["run_dir"]) / "checkpoints" / "last.safetensors").is_file()
    assert f"stopped by {number.name}" in stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_before_training_ends_in_a_plain_line(home, number, exit_code):
    """The configuration is a pipe, so the command waits until it is stopped."""
    os.mkfifo(home / "pipe.yaml")
    command = process_arguments("train", "pipe.yaml", "--json")
    with subprocess.Popen(
        **command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        writer = open_when_read(home / "pipe.yaml")
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
        os.close(writer)
    assert process.returncode == exit_code
    assert json.loads(stdout)["exit_code"] == exit_code
    assert len(stderr.splitlines()) == 1
    assert stderr.startswith("stopped by ")


def open_when_read(pipe: Path) -> int:
    """Open a pipe for writing: this waits until a process reads it."""
    return os.open(pipe, os.O_WRONLY)


def test_the_findings_are_printed_and_are_in_the_document(home):
    rate = ["model.type=softmax", "init=zeros", "optimizer.lr=0.01", "training.epochs=5"]
    outcome = mnistlab("train", "tiny.yaml", *rate, "--no-plots", "--json")
    findings = outcome.document["findings"]
    assert any("loss still falls at the end: in the last" in text for text in findings)
    assert "- The validation loss still falls at the end" in outcome.stderr
    quiet = mnistlab("train", "tiny.yaml", *rate, "--no-plots", "--json", "--quiet")
    assert quiet.document["findings"] == findings
    assert "still falls" not in quiet.stderr


def test_a_run_whose_terminal_is_closed_saves_its_checkpoint(home):
    master, terminal = os.openpty()
    long_run = process_arguments("train", "tiny.yaml", "training.epochs=1000000")
    process = subprocess.Popen(
        **long_run, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
        preexec_fn=partial(fcntl.ioctl, terminal, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    while b"/1000000" not in shown:
        shown += os.read(master, 4096)
    os.close(master)
    assert process.wait(timeout=60) == 129
    (run,) = Path("runs").glob("2*")
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
    assert (run / "checkpoints" / "last.safetensors").is_file()


def test_a_run_under_nohup_goes_on_when_its_terminal_is_closed(home):
    process = subprocess.Popen(
        **process_arguments("train", "tiny.yaml", "--quiet", "--no-plots"),
        preexec_fn=partial(signal.signal, signal.SIGHUP, signal.SIG_IGN),
    )
    while not list(Path("runs").glob("2*/metrics.csv")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=60) == 0
