"""A run.json that was edited by hand: one line names the file and the key, exit code 2."""

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_helpers import TINY, mnistlab
from PIL import Image

import mnistlab as library
from mnistlab.store.checkpoint import save_tensors
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_record import read_run_record
from mnistlab.support.errors import UsageError
from mnistlab.support.tensor_file import load_tensors

Path_ = tuple[str | int, ...]
MISSING = object()
HOSTILE = [MISSING, None, -1, 2**70, 1e308, "x", "\x1b]0;x\x07\n", [], {}, [1, None], True, [-1, 2]]
# The key, its value, and what the message says of it.
WRONG = [
    ("dataset.class_names", [1, None], "dataset.class_names[0]: found 1, expected text"),
    ("dataset.class_names", [], "dataset.class_names: found 0 names, expected 1 to 256"),
    ("dataset.class_names", ["a"] * 257, "dataset.class_names: found 257 names"),
    ("dataset.images", {}, "dataset.images.train: is missing"),
    ("dataset.image_shape", [-1, 2], "dataset.image_shape[0]: found -1"),
    ("dataset.image_shape", [28, 2**70], "dataset.image_shape: found 1180591620717411303424"),
    ("dataset.scale", "x", "dataset.scale: found 'x', expected a number"),
    ("dataset", MISSING, "dataset: is missing"),
    ("status", "perhaps", "status: found 'perhaps'"),
    ("config", None, "config: found None"),
]
COMMANDS = {
    "evaluate": "evaluate RUN",
    "predict": "predict RUN --raw picture.png",
    "export": "export RUN --format npz",
    "visualize": "visualize RUN --only weights",
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tiny.yaml").write_text(TINY)
    quiet = ("--quiet", "--no-plots", "--runs-dir", folder / "runs")
    return Path(mnistlab("train", folder / "tiny.yaml", *quiet).stdout.strip())


@pytest.fixture
def run(trained, home) -> Path:
    ink = Image.new("L", (28, 28))
    ink.paste(255, (10, 4, 18, 24))
    ink.save(home / "picture.png")
    return shutil.copytree(trained, home / "runs" / "run")


def content(run: Path) -> dict[str, Any]:
    """run.json without its digest, so that it is not checked."""
    told = json.loads((run / "run.json").read_text())
    del told["sha256"]
    return told


def keys(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Every key of a value; of a list the first two items; the configuration counts as
    one value.
    """
    if path:
        yield path
    if path == ("config",):
        return
    inner = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        inner = list(enumerate(value))[:2]
    for key, one in inner:
        yield from keys(one, (*path, key))


def changed(told: dict[str, Any], path: Path_, value: Any) -> dict[str, Any]:
    told = copy.deepcopy(told)
    place: Any = told
    for key in path[:-1]:
        place = place[key]
    if value is MISSING:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return told


def test_any_value_at_a_key_is_read_or_named_in_an_error(run):
    told, refused = content(run), 0
    for path in keys(told):
        for value in HOSTILE:
            (run / "run.json").write_text(json.dumps(changed(told, path, value)))
            try:
                read_run_record(RunDir(run))
            except UsageError as error:
                refused += 1
                (message,) = error.messages
                assert message.startswith(f"{run / 'run.json'}: {path[0]}")
    assert refused > 500


@pytest.mark.parametrize(("key", "value", "message"), WRONG)
def test_every_command_names_a_wrong_value(run, key, value, message):
    told = changed(content(run), tuple(key.split(".")), value)
    (run / "run.json").write_text(json.dumps(told))
    for line in COMMANDS.values():
        outcome = mnistlab(*line.replace("RUN", str(run)).split())
        assert outcome.exit_code == 2
        assert outcome.stderr.startswith(f"{run / 'run.json'}: {message}")
        assert "Traceback" not in outcome.stderr
    with pytest.raises(UsageError, match=r"run\.json"):
        library.load_run(run).evaluate()


@pytest.mark.parametrize("key", ["status", "metrics", "seconds", "config", "started"])
@pytest.mark.parametrize("command", ["runs", "compare", "resume"])
def test_a_list_a_comparison_and_a_resumption_name_it_too(run, key, command):
    (run / "run.json").write_text(json.dumps(changed(content(run), (key,), -1)))
    outcome = mnistlab(command, run.parent if command == "runs" else run)
    assert outcome.exit_code == 2
    assert f"{run / 'run.json'}: {key}: found -1" in outcome.stderr


def test_a_step_of_weights_that_is_no_number_is_named(run):
    tensors, _ = load_tensors(run / "weights.safetensors")
    for step in ("soon", "9" * 6000):
        save_tensors(run / "weights.safetensors", tensors, {"step": step})
        outcome = mnistlab("evaluate", run)
        assert outcome.exit_code == 2
        named = f"{run / 'weights.safetensors'}: step: found {step[:40]!r}"
        assert outcome.stderr == f"{named}, expected a whole number\n"
