"""Files in the working folder and environment variables do not change what a command does."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import mnistlab
from mnistlab.support.errors import UsageError
from mnistlab.support.numba_settings import check_numba_settings

SOURCES = Path(mnistlab.__file__).parent.parent
COMMAND = "import sys; from mnistlab.cli.app import app; sys.exit(app())"
RUN = """\
data: {source: digits, train_limit: 200}
model: {type: softmax}
training: {epochs: 1}
"""
SWEEP = """\
run:
  data: {source: digits, train_limit: 200}
  model: {type: softmax}
  training: {epochs: 1}
parameters: {optimizer.lr: [0.1, 0.2]}
"""
FEW = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}  # ASCII


def command(folder, *arguments, **environment):
    """The command line in a folder that is not on the import path, like the console script."""
    (folder / "run.yaml").write_text(RUN)
    (folder / "sweep.yaml").write_text(SWEEP)
    return subprocess.run(
        [sys.executable, "-P", "-c", COMMAND, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SOURCES), **environment},
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=300,
    )


def shell(folder, line):
    """A line of bash in a folder."""
    return subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_a_sweep_runs_no_python_file_of_the_working_folder(tmp_path):
    for name in ("json", "types", "re", "numpy", "mnistlab"):
        marker = tmp_path / f"{name}.ran"
        (tmp_path / f"{name}.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    done = command(tmp_path, "sweep", "sweep.yaml", "--workers", "1", "--no-plots", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trials"] == {"finished": 2, "diverged": 0, "failed": 0}
    assert not list(tmp_path.glob("*.ran"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    (folder / "run.yaml").write_text(RUN)
    return mnistlab.train(folder / "run.yaml", runs_dir=folder, plots=False, quiet=True).path


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "foo", " "])
def test_figures_are_drawn_whatever_backend_the_environment_names(tmp_path, trained, backend):
    run = shutil.copytree(trained, tmp_path / "run")
    done = command(tmp_path, "visualize", run, "--only", "learning_curves", MPLBACKEND=backend)
    assert done.returncode == 0, done.stderr
    assert (run / "plots/learning_curves.png").exists()


@pytest.mark.slow
def test_figures_are_drawn_though_the_settings_of_matplotlib_are_no_text(tmp_path):
    (tmp_path / "matplotlibrc").write_bytes(b"backend: \xff\xfe\n")
    done = command(tmp_path, "train", "run.yaml")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/latest/plots/learning_curves.png").exists()


STREAMS = {
    "stdout closed": (">&-", 0),
    "stderr closed": ("2>&-", 0),
    "both closed": (">&- 2>&-", 0),
    "stderr on a full disk": ("2>/dev/full", 0),
    "stdout on a full disk": (">/dev/full", 1),
    "nobody reads stdout": ("--json | true", 0),
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(("redirection", "exit_code"), STREAMS.values(), ids=STREAMS)
def test_a_training_ends_well_wherever_its_words_go(tmp_path, redirection, exit_code):
    (tmp_path / "run.yaml").write_text(RUN)
    line = f'"{sys.executable}" -P -c "{COMMAND}" train run.yaml --no-plots {redirection}'
    done = shell(tmp_path, line)
    assert done.returncode == exit_code
    assert "Traceback" not in done.stderr
    assert (tmp_path / "runs/latest/weights.safetensors").exists()


def test_an_error_that_nobody_reads_leaves_no_traceback(tmp_path):
    line = f'"{sys.executable}" -P -c "{COMMAND}" train nope.yaml --json | true'
    done = shell(tmp_path, line)
    assert done.stderr == "nope.yaml: no such file\n"


def no_threads(threads):
    return f"NUMBA_NUM_THREADS: found '{threads}', must be a whole number from 1 to 1024"


@pytest.mark.parametrize("threads", ["0", "-1", "two", "²", "1025", "9" * 6000])
def test_a_number_of_threads_that_is_none_is_named(monkeypatch, threads):
    monkeypatch.setenv("NUMBA_NUM_THREADS", threads)
    with pytest.raises(UsageError) as error:
        check_numba_settings()
    assert str(error.value) == no_threads(threads)


def test_a_command_checks_the_number_of_threads_before_numba_reads_it(tmp_path):
    done = command(tmp_path, "train", "run.yaml", NUMBA_NUM_THREADS="two")
    assert (done.returncode, done.stderr) == (2, f"{no_threads('two')}\n")


SETTINGS = {
    "a list": (b"[1]", "must be a mapping of names to values"),
    "a text": (b"hello", "must be a mapping of names to values"),
    "no YAML": (b"a: [", "line 1, column 5: is not YAML"),
    "no UTF-8": (b"a: \xff", "is not YAML: 'utf-8' codec"),
    "a number for a name": (b"1: 2", "must be a mapping of names to values"),
    "a list for a value": (b"opt: [1]", "opt: found a list or a mapping"),
    "no threads": (b"num_threads: 0", "num_threads: found '0', must be a whole number"),
    "threads of no kind": (b"threading_layer: foo", "threading_layer: found 'foo', must be one"),
    "6,000 digits": (b"opt: " + b"9" * 6000, "is not YAML: Exceeds the limit"),
}


@pytest.mark.parametrize(("content", "message"), SETTINGS.values(), ids=SETTINGS)
def test_an_invalid_file_of_numbas_settings_is_named(tmp_path, monkeypatch, content, message):
    (tmp_path / ".numba_config.yaml").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as error:
        check_numba_settings()
    assert str(error.value).startswith(f".numba_config.yaml: {message}")


@pytest.mark.parametrize("options", [[], ["--threads", "1"]])
@pytest.mark.parametrize("kind", ["no UTF-8", "no threads"])
def test_a_command_checks_the_file_before_numba_reads_it(tmp_path, kind, options):
    content, message = SETTINGS[kind]
    (tmp_path / ".numba_config.yaml").write_bytes(content)
    done = command(tmp_path, "train", "run.yaml", *options)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f".numba_config.yaml: {message}")
    assert not (tmp_path / "runs").exists()


def test_a_setting_that_numba_does_not_know_is_one_line_of_warning(tmp_path):
    done = command(tmp_path, "train", "run.yaml", "--quiet", "--no-plots", NUMBA_OPT="foo")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("warning: Environment variable 'NUMBA_OPT' is defined but")
    assert len(done.stderr.splitlines()) == 1


def test_too_little_memory_for_a_library_is_reported_without_a_traceback(tmp_path):
    (tmp_path / "run.yaml").write_text(RUN)
    line = f'ulimit -v 300000; "{sys.executable}" -P -c "{COMMAND}" train run.yaml'
    done = shell(tmp_path, line)
    assert done.returncode == 1
    assert "internal error" not in done.stderr
    assert "memory" in done.stderr


FORKED = """\
import multiprocessing, sys
import numpy as np
import mnistlab

run = mnistlab.train("run.yaml", quiet=True, plots=False)

def predicted(_):
    try:
        return str(run.predict(np.zeros((1, 28, 28), np.uint8)))
    except mnistlab.UsageError as error:
        return str(error)

with multiprocessing.get_context("fork").Pool(1) as pool:
    print(pool.map_async(predicted, [0]).get(60)[0])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_process_forked_after_training_raises_an_error_and_does_not_hang(tmp_path):
    (tmp_path / "run.yaml").write_text(RUN)
    done = subprocess.run(
        [sys.executable, "-c", FORKED],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "forked" in done.stdout
    assert "get_context('spawn')" in done.stdout


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="locales of other systems have other names")
def test_a_locale_of_few_letters_changes_no_file_and_stops_no_command(tmp_path):
    few = {**FEW, "COLUMNS": "80"}
    (tmp_path / "named.yaml").write_text(f"{RUN}reference: {{source: Größe}}\n", encoding="utf-8")
    done = command(tmp_path, "train", "named.yaml", "--json", **few)
    assert done.returncode == 0, done.stderr
    run = Path(json.loads(done.stdout)["run_dir"])
    assert "source: Größe" in (run / "config.yaml").read_text(encoding="utf-8")
    assert "Größe" in (run / "report.html").read_text(encoding="utf-8")
    listed = command(tmp_path, "reproduce", "--list", **few)
    assert listed.returncode == 0, listed.stderr
    assert "nielsen" in listed.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="locales of other systems have other names")
@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("train", "run.yaml", "reference={source: Größe}"), "command line: reference={source: "),
        (("train", "Größe.yaml"), "command line: "),
        (("train", "path.yaml"), "the path "),
    ],
    ids=["override", "file", "path in a file"],
)
def test_characters_that_a_locale_lacks_are_one_line_that_says_what_to_set(tmp_path, words, named):
    path = f"{RUN.replace('source: digits', 'source: png, path: Größe')}"
    (tmp_path / "path.yaml").write_text(path, encoding="utf-8")
    done = command(tmp_path, *words, **FEW)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(named)
    assert done.stderr.endswith("; set PYTHONUTF8=1\n")
    assert not (tmp_path / "runs").exists()


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="names of other bytes are Linux's")
@pytest.mark.parametrize("kind", ["train", pytest.param("sweep", marks=pytest.mark.slow)])
def test_a_run_has_a_page_though_bytes_of_its_command_are_no_utf_8(tmp_path, kind):
    values = ["optimizer.lr=0.1,0.2"] if kind == "sweep" else []
    done = command(tmp_path, kind, "run.yaml", *values, "--quiet", "--runs-dir", "r\udcff")
    assert (done.returncode, done.stderr) == (0, "")
    (page,) = tmp_path.glob("r*/2*/report.html")
    assert page.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["train", "--help"])
def test_ctrl_c_before_a_command_runs_ends_it_without_a_traceback(command):
    code = (
        "import os, signal, sys\n"
        "class CtrlC:\n"
        "    pressed = False\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer' and not self.pressed:\n"
        "            self.pressed = True\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, CtrlC())\n"
        "from mnistlab.cli.app import app\n"
        "app()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, command], capture_output=True, text=True, check=False
    )
    stopped = (-signal.SIGINT, "", "stopped by Ctrl-C\n")
    assert (ended.returncode, ended.stdout, ended.stderr) == stopped
