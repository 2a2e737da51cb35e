"""The Windows side, chosen by a fake (windows_fake.py): no fcntl, no resource, no links, and files
that another process has open are neither replaced nor removed."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import mnistlab

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
COMMAND = "import windows_fake; from mnistlab.cli.app import app; app(prog_name='mnistlab')"
POSIX = "from mnistlab.cli.app import app; app(prog_name='mnistlab')"
IMPORT_ALL = """
import windows_fake, importlib, pkgutil, mnistlab
from mnistlab.support.platform import system
names = [m.name for m in pkgutil.walk_packages(mnistlab.__path__, "mnistlab.")]
skipped = ("mnistlab.__main__", "mnistlab.support.platform.posix")
for name in names:
    if name not in skipped:
        importlib.import_module(name)
print(system.__name__, len(names))
"""
COMPILE = """
import windows_fake, logging
logging.basicConfig()
from mnistlab.runtime import compiler
from mnistlab.runtime.loop import run_batches, run_batches_types
from mnistlab.runtime.compiling import compile_in_advance
from mnistlab.training.lower import lower
from mnistlab.config import run_config_from_mapping
import numpy as np
ops = lower(run_config_from_mapping({"model": "softmax"}), (8, 8), 10, 32).training["step"]
functions = [one for op in ops for one in op.functions(np.dtype("float32"))][:1]
compiled, _ = compile_in_advance([], functions, 4, lambda done, total: None)
print(compiled, compiler.kernel_cache_dir())
"""
CONFIG = """
data: {source: digits, train_limit: 60, validation: 20}
model: softmax
training: {epochs: 2, kernels: plain}
"""
# The files of the suite whose tests are about what the sides do, and run there as they are.
CORE = [
    "tests/support/test_durable.py",
    "tests/store/test_drawing.py",
    "tests/store/test_folders.py",
    "tests/store/test_listing.py",
    "tests/store/test_metrics.py",
    "tests/store/test_notes.py",
    "tests/store/test_run_dir.py",
    "tests/store/test_run_record.py",
    "tests/store/test_tidy_move.py",
    "tests/store/test_tidy_space.py",
    "tests/data/test_data_cache.py",
    "tests/sweeps/test_claims.py",
    "tests/sweeps/test_ledger.py",
]
# These are about what only POSIX has.
ON_POSIX = [
    "the_content_is_on_disk_before_the_name",  # fsync of folders
    "latest_is_a_relative_link or a_dangling_latest",  # links that `readlink` reads
    "a_removed_run_is_whole_in_the_trash or a_renamed_run_is_still_the_latest",
    "arrays_that_are_mapped_survive",  # a mapped file that is renamed
    "the_former_holder_of_a_recovered_claim",  # a folder with an open file that is renamed
    "one_process_works_on_a_sweep_and_the_second",  # a second process, which chooses POSIX
    "fifty_processes",
]


@pytest.fixture
def windows(tmp_path):
    """Runs Python, or `mnistlab`, on the Windows side; returns what it printed."""

    def run(*words, program=COMMAND, **environment):
        done = subprocess.run(
            [sys.executable, "-c", program, *map(str, words)],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(HERE), str(ROOT)]),
                # Compiling for each of these processes takes longer.
                "NUMBA_DISABLE_JIT": "1",
                **environment,
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    (tmp_path / "run.yaml").write_text(CONFIG, encoding="utf-8")
    return run


def weights_of(folder):
    return mnistlab.load_run(folder).weights


def test_every_module_is_imported_without_fcntl_and_resource(windows):
    system, count = windows(program=IMPORT_ALL).split()
    assert system == "mnistlab.support.platform.windows"
    assert int(count) > 300


@pytest.mark.slow
def test_a_run_has_the_same_bits_and_a_text_file_leads_to_it(windows, tmp_path):
    folder = Path(windows("train", "run.yaml", "--quiet"))
    latest = tmp_path / "runs" / "latest"
    assert latest.read_text(encoding="utf-8") == f"mnistlab link to {folder.name}\n"
    assert (folder / "report.html").exists()
    posix = windows("train", "run.yaml", "--no-plots", "--runs-dir", "posix", program=POSIX)
    for name, tensor in weights_of(posix).items():
        np.testing.assert_array_equal(weights_of(folder)[name], tensor)
    assert "nothing is left" in windows("resume", latest) or folder.exists()
    assert json.loads(windows("evaluate", latest, "--json"))["split"] == "test"
    windows("note", latest, "good")
    windows("tag", latest, "+kept")
    assert "kept" in windows("runs")
    windows("resume", latest, "training.epochs=3", "--quiet")
    windows("mv", folder, "best")
    assert latest.read_text(encoding="utf-8") == "mnistlab link to best\n"
    windows("prune", "runs/latest")
    windows("rm", tmp_path / "runs" / "best")
    assert not latest.exists()
    windows("rm", "--purge")
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == []
    assert not list(tmp_path.rglob("*~lock"))


@pytest.mark.slow
def test_a_sweep_trains_in_worker_processes_and_leads_to_its_best_trial(windows, tmp_path):
    words = ("run.yaml", "optimizer.lr=0.1,0.01", "--workers", "2", "--quiet", "--json")
    told = json.loads(windows("sweep", *words))
    assert told["trials"]["finished"] == 2
    best = Path(told["sweep_dir"]) / "best"
    assert best.read_text(encoding="utf-8").startswith("mnistlab link to trials/")
    assert json.loads(windows("resume", "runs/latest", "--json"))["best"] == told["best"]
    predicted = json.loads(windows("evaluate", "runs/latest", "--json"))
    assert predicted["accuracy"] == told["best"]["metrics"]["test_accuracy"]
    assert mnistlab.load_sweep(tmp_path / "runs" / "latest").best.path == Path(
        told["best"]["run_dir"]
    )


@pytest.mark.long
def test_compiled_code_is_kept_under_the_lock_by_one_process(windows, tmp_path):
    own = {"NUMBA_DISABLE_JIT": "0", "MNISTLAB_CACHE_DIR": str(tmp_path / "cache")}
    first, folder = windows(program=COMPILE, **own).split()
    again, _ = windows(program=COMPILE, **own).split()
    assert (first, again) == ("1", "0")
    assert list(Path(folder).rglob("*.nbc"))


def test_a_file_that_a_reader_has_open_is_replaced_when_it_is_closed(windows, tmp_path):
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")
    program = (
        "import windows_fake, sys; from pathlib import Path;"
        "from mnistlab.support import durable; durable.write_file(Path(sys.argv[1]), 'new')"
    )
    with path.open(encoding="utf-8") as reader:
        threading.Timer(1.0, reader.close).start()
        windows(path, program=program)
    assert path.read_text(encoding="utf-8") == "new"
    assert not list(tmp_path.glob(".file*"))


@pytest.mark.long
def test_the_core_of_the_suite_passes_on_the_windows_side(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            "0",
            "-p",
            "windows_fake",
            "-p",
            "no:cacheprovider",
            f"--basetemp={tmp_path / 'core'}",
            "-k",
            f"not ({' or '.join(ON_POSIX)})",
            *CORE,
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(HERE), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:]
