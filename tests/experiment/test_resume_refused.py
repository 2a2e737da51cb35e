"""Resuming a stopped run whose configuration, data, libraries or processor are others."""

import fcntl
import json
import os
import signal

import pytest
from run_helpers import edit_run_json

from mnistlab.experiment.callbacks import RunCallback
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_json import read_run_json, write_run_json
from mnistlab.support.errors import UsageError
from tools.short_runs import StopAt, fingerprint, resume, train


@pytest.fixture
def stopped_run(tmp_path, look_after_every_step):
    return train(tmp_path, None, StopAt(7)).run_dir


@pytest.mark.usefixtures("look_after_every_step")
def test_a_second_ctrl_c_stops_at_once_and_can_be_resumed(tmp_path):
    class Twice(RunCallback):
        def on_progress(self, progress) -> None:
            if progress.step == 7:
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)

    wanted = fingerprint(train(tmp_path / "whole").run_dir)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, None, Twice())
    run_dir = (tmp_path / "runs" / "latest").resolve()
    assert json.loads((run_dir / "run.json").read_text())["status"] == "interrupted"
    resume(run_dir)
    assert fingerprint(run_dir) == wanted


def test_a_changed_configuration_is_refused_by_the_key(stopped_run):
    path = stopped_run / "config.yaml"
    path.write_text(path.read_text().replace("batch_size: 9", "batch_size: 10"))
    with pytest.raises(UsageError, match=r"training\.batch_size: was 9, is 10"):
        resume(stopped_run)


def test_a_run_of_a_version_with_fewer_keys_is_resumed(stopped_run):
    told = json.loads((stopped_run / "run.json").read_text())
    del told["config"]["training"]["kernels"]
    edit_run_json(stopped_run, config=told["config"])
    path = stopped_run / "config.yaml"
    path.write_text(path.read_text().replace("  kernels: fast\n", ""))
    assert resume(stopped_run).status == "finished"


def test_changed_data_is_refused_even_with_force(stopped_run):
    told = json.loads((stopped_run / "run.json").read_text())
    edit_run_json(stopped_run, dataset={**told["dataset"], "sha256": "0" * 64})
    with pytest.raises(UsageError, match="digits has changed"):
        resume(stopped_run, force=True)


def test_another_library_version_is_refused_but_for_force(stopped_run):
    told = json.loads((stopped_run / "run.json").read_text())
    edit_run_json(stopped_run, versions={**told["versions"], "numpy": "1.0"})
    with pytest.raises(UsageError, match=r"numpy: was 1\.0, is"):
        resume(stopped_run)
    assert resume(stopped_run, force=True).status == "finished"


@pytest.mark.parametrize(
    ("part", "key", "value", "told"),
    [
        ("settings", "interpreted", True, r"settings\.interpreted: was True, is False"),
        ("settings", "optimization", "0", r"settings\.optimization: was 0, is 3"),
        ("settings", "OPENBLAS_CORETYPE", "Atom", r"OPENBLAS_CORETYPE: was Atom, is None"),
        ("processor", "name", "abacus", r"processor\.name: was abacus, is"),
        ("processor", "features", "beads", r"processor\.features: had beads, now has "),
    ],
)
def test_other_settings_or_another_processor_are_refused_but_for_force(
    stopped_run, part, key, value, told
):
    record = json.loads((stopped_run / "run.json").read_text())
    record["arithmetic"][part][key] = value
    edit_run_json(stopped_run, arithmetic=record["arithmetic"])
    with pytest.raises(UsageError, match=told):
        resume(stopped_run)
    assert resume(stopped_run, force=True).status == "finished"


def test_a_run_of_a_version_that_recorded_no_settings_is_resumed(stopped_run):
    record = read_run_json(RunDir(stopped_run))
    del record["arithmetic"]
    write_run_json(RunDir(stopped_run), record)
    assert resume(stopped_run).status == "finished"


def test_a_run_that_another_process_has_is_refused(stopped_run):
    descriptor = os.open(stopped_run, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="another process"):
            resume(stopped_run)
    finally:
        os.close(descriptor)
    assert resume(stopped_run).status == "finished"
