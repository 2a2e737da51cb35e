"""What a shell is told when its completion key is pressed, in the words it asks with."""

import json
import subprocess
import sys

import pytest
from cli_helpers import mnistlab, process_arguments
from test_cli_help import HEAVY

from mnistlab.blocks.optimizers import OPTIMIZERS
from mnistlab.cli import completion
from mnistlab.config import key_values
from mnistlab.data.sources import SOURCES, published
from mnistlab.figures.run import RUN_FIGURES
from mnistlab.figures.sweep.models import MODELS_FIGURES
from mnistlab.figures.sweep.refit import REFIT_FIGURES
from mnistlab.figures.sweep.stage import STAGE_FIGURES


@pytest.fixture
def complete(monkeypatch, home):
    """What bash is given for a line; words are as bash breaks them, at every `=` too."""

    def completed(*words: str) -> list[str]:
        monkeypatch.setenv("_MNISTLAB_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", "\n".join(["mnistlab", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        return mnistlab().stdout.split()

    return completed


def test_commands_are_completed(complete):
    assert complete("tr") == ["train"]
    assert complete("data", "f") == ["fetch"]


def test_configurations_are_yaml_files_and_folders_on_the_way_to_them(complete, home):
    (home / "configs" / "sweeps").mkdir(parents=True)
    for name in ("configs/a.yaml", "configs/b.yml", "configs/c.txt", "configs/sweeps/d.yaml"):
        (home / name).write_text("")
    (home / ".hidden").mkdir()
    assert complete("train", "") == ["configs/", "tiny.yaml"]
    assert complete("train", "co") == ["configs/a.yaml", "configs/b.yml", "configs/sweeps/"]
    assert complete("check", "configs/s") == ["configs/sweeps/d.yaml"]
    assert complete("train", "configs/none/") == []


def test_a_key_is_completed_up_to_its_value(complete):
    keys = complete("train", "tiny.yaml", "optimizer.")
    assert {"optimizer.lr=", "optimizer.momentum=", "optimizer.beta2="} <= set(keys)
    assert all(key.startswith("optimizer.") and key.endswith("=") for key in keys)
    # More than one, so that the shell stops behind the `=` and puts no space there.
    assert complete("train", "tiny.yaml", "optimizer.ty")[:2] == [
        "optimizer.type=",
        f"optimizer.type={next(iter(OPTIMIZERS.blocks))}",
    ]


@pytest.mark.parametrize("command", ["train", "check", "sweep"])
def test_values_are_completed_however_the_shell_breaks_the_word(complete, command):
    kinds = list(OPTIMIZERS.blocks)
    whole = complete(command, "tiny.yaml", "optimizer.type=")
    assert whole == [f"optimizer.type={kind}" for kind in kinds]
    assert complete(command, "tiny.yaml", "optimizer.type", "=") == kinds
    assert complete(command, "tiny.yaml", "optimizer.type", "=", "adam") == ["adam", "adamw"]
    assert complete(command, "tiny.yaml", "seed", "=", "1", "data.source", "=", "k") == ["kmnist"]
    assert "model.type=" in complete(command, "tiny.yaml", "seed=1", "")
    assert "model.type=" in complete(command, "tiny.yaml", "name", "=", "seed", "")


def test_a_sweep_has_keys_of_its_own_and_values_behind_commas(complete):
    assert complete("sweep", "tiny.yaml", "metric.g") == [
        *("metric.goal=", "metric.goal=maximize", "metric.goal=minimize"),
    ]
    assert complete("train", "tiny.yaml", "metric.g") == []
    assert complete("sweep", "tiny.yaml", "optimizer.type", "=", "sgd,r") == ["sgd,rmsprop"]


@pytest.mark.parametrize("by_text", [False, True])
def test_runs_and_sweeps_are_completed_by_their_folders(complete, home, monkeypatch, by_text):
    for name in ("runs/r1/config.yaml", "runs/s1/sweep.yaml", "runs/s1/trials/0-a/config.yaml"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("")
    if by_text:
        (home / "runs" / "latest").write_text("mnistlab link to r1\n")
    else:
        (home / "runs" / "latest").symlink_to("r1")
    assert complete("evaluate", "") == ["runs/latest", "runs/r1", "runs/s1"]
    assert complete("resume", "ru") == ["runs/latest", "runs/r1", "runs/s1"]
    assert complete("visualize", "runs/s") == ["runs/s1"]
    assert complete("export", "runs/s") == ["runs/s1"]
    monkeypatch.setenv("MNISTLAB_RUNS_DIR", "runs/s1/trials")
    assert complete("predict", "") == ["runs/s1/trials/0-a"]


def test_the_figures_of_the_run_or_sweep_that_is_typed_are_completed(complete, home):
    for folder, name in (("r", "config.yaml"), ("grid", "sweep.yaml"), ("stages", "sweep.yaml")):
        (home / folder).mkdir()
        (home / folder / name).write_text("")
    (home / "grid" / "trials.csv").write_text("trial,status\n0,finished\n")
    (home / "stages" / "trials.csv").write_text(
        "trial,status,stage\n0,finished,lr\n1,finished,lr l1\n2,finished,refit:l1\n"
    )
    assert complete("visualize", "r", "--only", "conf") == ["confused_pairs", "confusion_matrix"]
    assert complete("visualize", "--only", "") == [*sorted(RUN_FIGURES), "film"]
    of_stage = sorted(STAGE_FIGURES)
    of_models = [f"models_{name}" for name in sorted(MODELS_FIGURES)]
    assert complete("visualize", "grid", "--only", "") == [*of_stage, *of_models]
    assert complete("visualize", "stages", "--only", "") == [
        *(f"{stage}-{name}" for stage in ("lr", "l1") for name in of_stage),
        *(f"refit-{name}" for name in REFIT_FIGURES),
        *of_models,
    ]
    assert complete("visualize", "stages", "--only", "bars", "--only", "l1-ba") == ["l1-bars"]


@pytest.mark.parametrize("damage", [b"", b"\xff", b"trial,status\n\0,\n", None])
def test_a_damaged_sweep_completes_figures_all_the_same(complete, home, damage):
    (home / "sweep.yaml").write_text("")
    if damage is None:
        (home / "trials.csv").mkdir()
    else:
        (home / "trials.csv").write_bytes(damage)
    assert complete("visualize", ".", "--only", "ba") == ["bars"]


def test_datasets_are_completed(complete):
    assert complete("data", "info", "m") == ["mnist"]
    assert complete("data", "info", "") == list(completion.sources(""))
    assert complete("data", "fetch", "k") == ["kmnist"]
    assert complete("data", "fetch", "emnist-b") == [
        "emnist-balanced",
        "emnist-byclass",
        "emnist-bymerge",
    ]


def test_what_is_completed_is_what_there_is():
    assert set(completion.fetched("")) == set(published())
    assert set(completion.sources("")) == set(SOURCES)


def test_the_file_of_keys_matches_the_schema():
    text = key_values.FILE.read_text(encoding="utf-8")
    assert text == key_values.as_text(key_values.collected()), (
        "out of date: run `python -m docs.make_reference`"
    )
    assert json.loads(text)["run"]["loss.type"] == ["binary_cross_entropy", "cross_entropy", "mse"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("mnistlab train a.yaml optimizer.ty", "optimizer.type=rmsprop"),
        ("mnistlab visualize --only calib", "calibration"),
    ],
)
def test_each_shells_completion_imports_nothing_heavy(shell, line, word, tmp_path):
    asked = {
        "_MNISTLAB_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "COMP_WORDS": line.replace(" ", "\n"),
        "COMP_CWORD": "3",
    }
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from mnistlab.cli.app import app\n"
        "app(prog_name='mnistlab')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**process_arguments()["env"], **asked},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert word in done.stdout
    imported = {name.partition(".")[0] for name in done.stderr.split()}
    assert "mnistlab" in imported
    assert imported & HEAVY <= {"rich", "pydantic"}  # typer's own


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_each_shell_is_shown(shell, monkeypatch):
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    done = subprocess.run(
        [sys.executable, "-m", "mnistlab", "--show-completion", shell],
        env=process_arguments()["env"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "_MNISTLAB_COMPLETE" in done.stdout
