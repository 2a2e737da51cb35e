"""The film of a run's weights by its snapshots."""

import numpy as np
import pytest
from PIL import Image

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures.film import film
from mnistlab.python.commands.visualize import visualize
from mnistlab.store.run_dir import RunDir
from mnistlab.store.written_files import is_own
from mnistlab.support.errors import UsageError
from tools.short_runs import train

CNN = {"type": "cnn", "layers": [{"conv": {"filters": 4, "kernel": 3}}, "flatten"]}


def frames(path):
    """Every frame of an animation as RGB."""
    with Image.open(path) as image:
        for number in range(image.n_frames):
            image.seek(number)
            yield np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("model", [{"type": "mlp", "hidden": [6]}, {"type": "softmax"}, CNN])
def test_a_film_has_the_initial_weights_and_every_snapshot(tmp_path, model):
    run = train(tmp_path, {"model": model, "training": {"snapshots": 1}}).run_dir
    saved = visualize(run, only=["film"], report=False, data_dir=tmp_path / "data")
    assert {file.name for file in saved.figures.values()} == {"film.gif", "film.png"}
    for file in saved.figures.values():
        shown = list(frames(file))
        assert len(shown) == 4  # three epochs
        assert all((one != shown[0]).any() for one in shown[1:])
        assert is_own(file)
        assert file.stat().st_size < 3_000_000
    assert film(Artefacts(RunDir(run), data_dir=tmp_path / "data")).words[0] == "initial weights"


def test_a_film_shows_each_epoch_with_its_accuracy(tmp_path):
    run = train(tmp_path, {"training": {"snapshots": 2, "epochs": 4}}).run_dir
    words = film(Artefacts(RunDir(run), data_dir=tmp_path / "data")).words
    assert [one.partition(",")[0] for one in words] == ["initial weights", "epoch 2", "epoch 4"]
    assert words[1].endswith(" %")


def test_a_run_without_snapshots_has_no_film_and_is_told_how_to_keep_them(tmp_path):
    run = train(tmp_path).run_dir
    saved = visualize(run, only=["film"], report=False, data_dir=tmp_path / "data")
    assert saved.figures == {}
    (left_out,) = saved.left_out
    assert "`mnistlab train CONFIG training.snapshots=1` keeps the weights" in left_out.why
    assert not (run / "plots" / "film.gif").exists()


def test_a_film_that_is_not_mnistlabs_is_not_overwritten(tmp_path):
    run = train(tmp_path, {"training": {"snapshots": 1}}).run_dir
    (run / "plots").mkdir()
    (run / "plots" / "film.gif").write_bytes(b"mine")
    with pytest.raises(UsageError, match=r"film\.gif: exists and was not written by mnistlab"):
        visualize(run, only=["film"], report=False, data_dir=tmp_path / "data")
    assert not (run / "plots" / "film.png").exists()
