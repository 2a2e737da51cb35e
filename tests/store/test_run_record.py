"""run.json as a record: read back as written, and every wrong value named by its key."""

import copy
import json
from typing import Any

import pytest

from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_json import read_run_json, write_run_json
from mnistlab.store.run_record import (
    Seconds,
    amend_run_record,
    facts_of,
    read_run_record,
    write_run_record,
)
from mnistlab.store.status import Status
from mnistlab.support.errors import UsageError

ROW = {"epoch": 2, "step": 20, "lr": 0.1, "train_loss": 0.5, "train_accuracy": 0.75}
ROW |= dict.fromkeys(("val_loss", "val_accuracy", "test_loss", "test_accuracy", "penalty"))
ROW |= {"seconds": 0.25}
# In the order in which runs write it.
WHOLE: dict[str, Any] = {
    "status": "stopped_early",
    "reason": None,
    "finished": "2026-11-21T14:26:00.123456+00:00",
    "seconds": {"total": 9.0, "train": 1.5},
    "epochs": 3,
    "steps": 30,
    "steps_per_epoch": 10,
    "metrics": {"train_loss": 0.5, "val_loss": None},
    "best": ROW,
    "test_set_looked_at": True,
    "files": {"metrics.csv": {"bytes": 12, "sha256": "0" * 64}},
    "started": "2026-11-21T14:25:30+00:00",
    "resumed": ["2026-11-21T14:25:50+00:00"],
    "argv": ["mnistlab", "train", "a.yaml"],
    "mnistlab": "1.0",
    "versions": {"python": "3.12.1", "numpy": None},
    "git": {"commit": None, "dirty": None},
    "platform": "Linux",
    "processor": None,
    "cpus": 2,
    "threads": 1,
    "arithmetic": {"processor": {"name": "a"}},
    "dataset": {
        "name": "digits",
        "sha256": "1" * 64,
        "images": {"train": 10, "validation": 0, "test": 5},
        "image_shape": [28, 28],
        "class_names": ["zero", "one"],
        "scale": 0.00392156862745098,
        "offset": 0.0,
    },
    "parameters": 1570,
    "layers": [
        {
            "name": "dense1",
            "kind": "dense",
            "description": "784 to 2",
            "input_shape": [784],
            "output_shape": [2],
            "parameters": 1570,
        }
    ],
    "config": {"training": {"epochs": 3}},
}
NEWER = ("steps_per_epoch", "files", "arithmetic")


@pytest.fixture
def run_dir(tmp_path):
    run_dir = RunDir(tmp_path)
    write_run_json(run_dir, WHOLE)
    return run_dir


def test_a_record_is_written_as_it_was_read_byte_by_byte(run_dir):
    before = run_dir.run_json.read_bytes()
    write_run_record(run_dir, read_run_record(run_dir))
    assert run_dir.run_json.read_bytes() == before


def test_a_record_has_its_values_in_their_types(run_dir):
    record = read_run_record(run_dir)
    assert record.status is Status.STOPPED_EARLY
    assert record.seconds == Seconds(9.0, 1.5)
    assert record.started.isoformat() == "2026-11-21T14:25:30+00:00"
    assert facts_of(run_dir, record).dataset.image_shape == (28, 28)
    assert record.written(run_dir.metrics).length == 12
    assert record.written(run_dir.layers) is None


def test_a_run_folder_of_an_earlier_version_is_read(run_dir):
    older = {key: value for key, value in copy.deepcopy(WHOLE).items() if key not in NEWER}
    del older["layers"][0]["description"]
    run_dir.run_json.write_text(json.dumps(older))
    record = read_run_record(run_dir)
    facts = facts_of(run_dir, record)
    assert (record.steps_per_epoch, record.files, facts.arithmetic) == (None, None, None)
    assert facts.layers[0].description == ""


def test_a_run_that_failed_before_its_network_was_known_has_no_facts(run_dir):
    run_dir.run_json.write_text(
        '{"status": "failed", "started": "2026-11-21T14:25:30+00:00", "config": {}}'
    )
    record = read_run_record(run_dir)
    with pytest.raises(UsageError, match=r"run\.json: has no facts about the network"):
        facts_of(run_dir, record)


def test_an_amendment_keeps_what_a_later_version_has_written(run_dir):
    write_run_json(run_dir, {**WHOLE, "novelty": [1]})
    amend_run_record(run_dir, status=Status.INTERRUPTED)
    assert read_run_json(run_dir) == {**WHOLE, "novelty": [1], "status": "interrupted"}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("status",), "done", "status: found 'done', expected one of pending, running"),
        (("status",), ["x"], r"status: found \['x'\], expected one of"),
        (("started",), None, "started: found None, expected a time with its zone"),
        (("started",), "2026-11-21T14:25:30", "started: found '2026.*', expected a time with its"),
        (("epochs",), -1, "epochs: found -1, expected a whole number from 0"),
        (("epochs",), True, "epochs: found True, expected a whole number from 0"),
        (("seconds", "train"), "1", r"seconds\.train: found '1', expected a number"),
        (("seconds", "train"), 10**400, r"seconds\.train: found 1000+ …, expected a number"),
        (("metrics",), [], r"metrics: found \[\], expected an object"),
        (("metrics", "val_loss"), "x", r"metrics\.val_loss: found 'x', expected a number"),
        (("best",), {"epoch": 1}, r"best\.step: is missing"),
        (("files", "metrics.csv"), {"bytes": 1}, r"files\.metrics\.csv\.sha256: is missing"),
        (("dataset",), 3, "dataset: found 3, expected an object"),
        (("dataset", "images"), {}, r"dataset\.images\.train: is missing"),
        (("dataset", "image_shape"), [-1, 2], r"dataset\.image_shape\[0\]: found -1, expected a"),
        (("dataset", "image_shape"), [28], r"dataset\.image_shape: found \[28\], expected a list"),
        (
            ("dataset", "class_names"),
            [1, None],
            r"dataset\.class_names\[0\]: found 1, expected",
        ),
        (("dataset", "scale"), None, r"dataset\.scale: found None, expected a number"),
        (("layers", 0, "kind"), 1, r"layers\[0\]\.kind: found 1, expected text"),
        (("config",), "x", "config: found 'x', expected an object"),
    ],
)
def test_a_wrong_value_is_named_by_file_and_key(run_dir, path, value, message):
    content = copy.deepcopy(WHOLE)
    inner: Any = content
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    run_dir.run_json.write_text(json.dumps(content))
    with pytest.raises(UsageError, match=rf"run\.json: {message}"):
        read_run_record(run_dir)


@pytest.mark.parametrize("key", ["status", "started", "config", "dataset", "layers", "versions"])
def test_what_every_version_has_written_must_be_there(run_dir, key):
    content = {name: value for name, value in WHOLE.items() if name != key}
    run_dir.run_json.write_text(json.dumps(content))
    with pytest.raises(UsageError, match=rf"run\.json: {key}: is missing"):
        read_run_record(run_dir)
