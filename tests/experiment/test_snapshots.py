"""`training.snapshots`: the weights after every N-th epoch stay in the run's folder."""

import numpy as np
import pytest

from mnistlab.experiment.disk_space import bytes_to_save
from mnistlab.experiment.model import load_model
from mnistlab.support.errors import UsageError
from mnistlab.support.tensor_file import load_tensors
from tools.short_runs import StopAt, fingerprint, resume, train


def snapshots(run_dir):
    return {
        path.stem: path.read_bytes()
        for path in (run_dir / "checkpoints").glob("epoch-*.safetensors")
    }


def test_a_snapshot_has_the_weights_that_a_run_of_so_many_epochs_ends_with(tmp_path):
    run_dir = train(tmp_path, {"training": {"epochs": 5, "snapshots": 2}}).run_dir
    assert set(snapshots(run_dir)) == {"epoch-2", "epoch-4"}
    for epochs in (2, 4):
        short = train(tmp_path, {"training": {"epochs": epochs}}).run_dir
        kept, metadata = load_tensors(run_dir / "checkpoints" / f"epoch-{epochs}.safetensors")
        final = load_tensors(short / "weights.safetensors")[0]
        assert metadata["step"] == str(5 * epochs)
        for name, tensor in final.items():
            np.testing.assert_array_equal(kept[name], tensor)


def test_it_changes_nothing_else(tmp_path):
    plain = train(tmp_path / "plain").run_dir
    assert fingerprint(train(tmp_path, {"training": {"snapshots": 1}}).run_dir) == fingerprint(
        plain
    )


@pytest.mark.usefixtures("look_after_every_step")
def test_a_stopped_and_a_longer_run_have_the_same_snapshots(tmp_path):
    whole = train(tmp_path / "whole", {"training": {"epochs": 4, "snapshots": 1}}).run_dir
    stopped = train(tmp_path, {"training": {"epochs": 3, "snapshots": 1}}, StopAt(8)).run_dir
    resume(stopped)
    resume(stopped, "training.epochs=4")
    assert snapshots(stopped) == snapshots(whole)
    assert set(snapshots(whole)) == {"epoch-1", "epoch-2", "epoch-3", "epoch-4"}


def test_the_weights_of_an_epoch_are_named_where_weights_are(tmp_path):
    run_dir = train(tmp_path, {"training": {"snapshots": 2}}).run_dir
    model = load_model(run_dir, "epoch-2", data_dir=tmp_path / "data")
    assert model.step == 10
    with pytest.raises(UsageError, match="has no epoch-3 weights: it has epoch-2"):
        load_model(run_dir, "epoch-3", data_dir=tmp_path / "data")
    without = train(tmp_path, {}).run_dir
    with pytest.raises(UsageError, match=r"it kept none \(training.snapshots\)"):
        load_model(without, "epoch-2", data_dir=tmp_path / "data")
    with pytest.raises(UsageError, match="weights: found 'last', expected final, best or epoch-N"):
        load_model(run_dir, "last", data_dir=tmp_path / "data")
    start = {"type": "run", "path": str(run_dir), "weights": "epoch-2"}
    assert train(tmp_path, {"init": start}).status == "finished"


def test_the_disk_is_asked_for_the_space_of_all_snapshots():
    class Trainer:
        pass

    def needed(every):
        trainer = Trainer()
        trainer.params = np.zeros(10)
        trainer.memory, trainer.config, trainer.length = Trainer(), Trainer(), Trainer()
        trainer.memory.states, trainer.memory.totals = np.zeros(10), np.zeros(3)
        trainer.config.training = Trainer()
        trainer.config.training.snapshots = every
        trainer.config.training.average_last = None
        trainer.length.steps, trainer.length.steps_per_epoch = 37, 5
        return bytes_to_save(trainer)

    assert needed(2) - needed(None) == 3 * 80
