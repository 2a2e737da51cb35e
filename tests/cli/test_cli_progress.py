import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_helpers import Terminal, process_arguments

from mnistlab.experiment.callbacks import RunProgress, Start
from mnistlab.store.metrics import MetricsRow
from mnistlab.support.text_format import human_bytes
from mnistlab.terminal import progress

START = Start(Path("runs/x"), 10, 900, 90, evaluates_by_step=False)
ROW = MetricsRow(3, 270, 0.1, 0.12345, 0.961, 0.1456, 0.958, seconds=3.24)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (999_950, "1 MB"), (9_912_422, "9.91 MB")],
)
def test_sizes_are_readable(count, text):
    assert human_bytes(count) == text


def test_the_bar_shows_loss_accuracy_speed_and_time_left(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    assert progress.on_terminal()
    bar = progress.RunBar()
    bar.on_message("compiling [this] ...")
    bar.on_start(START)
    bar.on_progress(RunProgress(3, 300, 9600, 2.0, 0.25, 0.925))
    bar.bar.refresh()
    bar.on_row(ROW)
    bar.close()
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    assert "compiling [this] ..." in shown
    line = next(line for line in re.split(r"[\r\n]", shown) if "4,800 images/s" in line)
    assert line.startswith("epoch 3/10 ")
    assert "loss 0.2500  acc 92.50%" in line
    assert line.rstrip().endswith("left")
    assert " 3/10      0.1235     96.10%    0.1456   95.80%        3.2 s" in shown


def test_a_terminal_that_can_do_nothing_gets_lines(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "dumb")
    assert not progress.on_terminal()


def test_on_a_terminal_training_shows_a_bar_and_a_line_per_epoch(home):
    """stderr is a terminal and stdout a pipe, as in `run=$(mnistlab train ...)`."""
    master, slave = pty.openpty()
    command = process_arguments("train", "tiny.yaml", "--no-plots", "training.epochs=200")
    command["env"] |= {"TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=slave, text=True) as process:
        os.close(slave)
        shown = read_all(master)
        assert process.stdout is not None
        stdout = process.stdout.read()
    assert process.returncode == 0
    assert Path(stdout.strip()).is_dir()
    assert "\x1b[" in shown
    assert "images/s" in shown
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert len(re.findall(r"(?m)^ *\d+/200 +\d\.\d+ ", plain.replace("\r", "\n"))) == 200


def read_all(terminal: int) -> str:
    chunks = []
    try:
        while chunk := os.read(terminal, 65536):
            chunks.append(chunk)
    except OSError:  # how Linux reports that the other end is closed
        pass
    os.close(terminal)
    return b"".join(chunks).decode()
