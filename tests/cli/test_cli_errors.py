import errno
import logging
import signal
import subprocess
import sys

import pytest
from cli_helpers import mnistlab, process_arguments

from mnistlab.cli import errors
from mnistlab.support.errors import DataError


def failing_with(monkeypatch, error):
    def train(*args, **kwargs):
        raise error

    monkeypatch.setattr("mnistlab.python.commands.train.train", train)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError(errno.EIO, "Input/output error", "a/b"), "a/b: Input/output error"),
        (MemoryError("Unable to allocate 3 TiB"), "not enough memory: Unable to allocate 3 TiB"),
        (MemoryError(), "not enough memory"),
    ],
)
def test_what_the_machine_refuses_is_a_plain_line(home, monkeypatch, error, message):
    failing_with(monkeypatch, error)
    outcome = mnistlab("train", "tiny.yaml")
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (1, "", f"{message}\n")


def test_a_fault_of_ours_is_short_and_points_to_debug(home, monkeypatch):
    failing_with(monkeypatch, ZeroDivisionError("division by zero"))
    outcome = mnistlab("train", "tiny.yaml")
    assert outcome.exit_code == 1
    assert len(outcome.stderr.splitlines()) == 1
    assert "ZeroDivisionError: division by zero" in outcome.stderr
    assert "--debug" in outcome.stderr
    document = mnistlab("train", "tiny.yaml", "--json").document
    assert document["errors"] == outcome.stderr.splitlines()


@pytest.mark.parametrize("error", [ZeroDivisionError("division by zero"), DataError("gone")])
def test_debug_shows_where_an_error_came_from(home, monkeypatch, error):
    failing_with(monkeypatch, error)
    stderr = mnistlab("train", "tiny.yaml", "--debug").stderr
    assert "Traceback (most recent call last)" in stderr
    assert "command.train(" in stderr


@pytest.mark.parametrize(
    ("error", "exit_code"), [(KeyboardInterrupt(), 130), (errors.Terminated(signal.SIGTERM), 143)]
)
def test_an_interruption_is_one_line_and_its_own_exit_code(home, monkeypatch, error, exit_code):
    failing_with(monkeypatch, error)
    outcome = mnistlab("train", "tiny.yaml", "--json")
    assert outcome.exit_code == outcome.document["exit_code"] == exit_code
    assert outcome.stderr.splitlines() == outcome.document["errors"]


def test_warnings_are_plain_lines_on_stderr_even_with_quiet(home, monkeypatch):
    def warn(*args, **kwargs):
        logging.getLogger("mnistlab.data").warning("the %s is slow", "mirror")
        logging.getLogger("mnistlab.data").info("a detail")
        raise DataError("gone")

    monkeypatch.setattr("mnistlab.python.commands.train.train", warn)
    assert mnistlab("train", "tiny.yaml", "--quiet").stderr == "warning: the mirror is slow\ngone\n"
    assert logging.getLogger("mnistlab").handlers == []


def test_a_reader_that_goes_away_is_no_error():
    """As in `mnistlab schema | head -1`."""
    command = process_arguments("schema")
    with subprocess.Popen(
        **command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""


def test_a_stdout_of_few_letters_is_printed_to_all_the_same(home):
    reference = "reference={source: Größe}"
    command = process_arguments("train", "tiny.yaml", "--print-config", reference)
    command["env"] |= {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(**command, capture_output=True, text=True)
    assert done.returncode == 0
    assert r"Gr\xf6\xdfe" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="names of other bytes are Linux's")
def test_a_folder_whose_name_is_no_utf_8_is_printed_as_it_is(home):
    command = process_arguments("train", "tiny.yaml", "--no-plots", "--quiet")
    command["env"] |= {"MNISTLAB_RUNS_DIR": "runs-\udcff", "PYTHONUTF8": "0", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(**command, capture_output=True)
    assert done.stderr == b""
    assert b"/runs-\xff/" in done.stdout


@pytest.mark.parametrize(
    "text",
    ["error return without exception set", "<f> returned NULL without setting an exception"],
)
def test_a_failure_that_python_cannot_explain_is_one_of_memory(text):
    (message,), code = errors.describe(SystemError(text))
    assert "internal error" not in message
    assert "is the memory of this process limited" in message
    assert code == 1


def test_another_failure_of_a_library_is_an_internal_error():
    (message,), _ = errors.describe(SystemError("bad argument to internal function"))
    assert message.startswith("internal error")
