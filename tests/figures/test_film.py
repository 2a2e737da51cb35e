"""The film of a run's weights by its snapshots."""

import numpy as np
import pytest
from PIL import Image

from mnistlab.experiment.artefacts import Artefacts
from mnistlab.figures.animation import HEADING
from mnistlab.figures.film import film_entries
from mnistlab.python.commands.visualize import visualize
from mnistlab.store.run_dir import RunDir
from mnistlab.store.written_files import is_own
from mnistlab.support.errors import UsageError
from tools.short_runs import train

MODELS = {
    "mlp": {"type": "mlp", "hidden": [6, 5]},
    "softmax": {"type": "softmax"},
    "cnn": {
        "type": "cnn",
        "layers": [{"conv": {"filters": 4, "kernel": 3}}, {"pool": {"size": 2}}, "flatten"],
    },
}
LAYERS = {"mlp": ["dense1", "dense2", "dense3"], "softmax": ["dense1"], "cnn": ["conv1", "dense1"]}
SNAPSHOTS = {"training": {"snapshots": 1}}


@pytest.fixture(autouse=True)
def few_images(monkeypatch):
    """With all of them, the t-SNE takes longer than everything else."""
    monkeypatch.setattr("mnistlab.figures.film_tsne.IMAGES", 120)


def frames(path):
    """Every frame of an animation as RGB."""
    with Image.open(path) as image:
        for number in range(image.n_frames):
            image.seek(number)
            yield np.asarray(image.convert("RGB"))


def drawn(run, tmp_path):
    return visualize(run, only=["film"], report=False, data_dir=tmp_path / "data")


@pytest.mark.parametrize("name", MODELS)
def test_there_are_films_of_all_layers_with_the_initial_weights_and_every_snapshot(tmp_path, name):
    run = train(tmp_path, {"model": MODELS[name], **SNAPSHOTS}).run_dir
    saved = drawn(run, tmp_path)
    hidden = [] if name == "softmax" else ["tsne"]
    expected = {f"film_{of}.{kind}" for of in (*LAYERS[name], *hidden) for kind in ("gif", "png")}
    assert {file.name for file in saved.figures.values()} == expected
    assert [one.why for one in saved.left_out] == ([] if hidden else ["it has no hidden layer"])
    for file in saved.figures.values():
        shown = list(frames(file))
        assert len(shown) == 4  # three epochs
        assert all((one != shown[0]).any() for one in shown[1:])
        assert 640 <= shown[0].shape[1] <= 1200
        assert is_own(file)
        assert file.stat().st_size < 3_000_000


def test_all_frames_of_a_film_have_one_palette_and_each_says_its_epoch(tmp_path):
    sections = {"training": {"snapshots": 2, "epochs": 4}, "model": MODELS["mlp"]}
    run = Artefacts(RunDir(train(tmp_path, sections).run_dir), data_dir=tmp_path / "data")
    for name, draw in film_entries(run).items():
        film = draw()
        assert len({bytes(frame.getpalette()) for frame in film.frames}) == 1
        assert len({frame.size for frame in film.frames}) == 1
        told = [words.partition(": ")[2] for words in film.words]
        assert [words.split(",")[0].split(";")[0] for words in told] == [
            "initial weights",
            "epoch 2",
            "epoch 4",
        ]
        assert ("misclassified" if name == "film_tsne" else " %") in told[1]


def test_the_network_has_its_own_weights_again_after_a_film_of_its_activations(tmp_path):
    run = Artefacts(RunDir(train(tmp_path, SNAPSHOTS).run_dir), data_dir=tmp_path / "data")
    images = run.split.images[run.split.indices[:20]]
    before = run.model.outputs(images)
    film_entries(run)["film_tsne"]()
    np.testing.assert_array_equal(run.model.outputs(images), before)


def test_a_large_layer_is_shown_by_its_strongest_units(tmp_path):
    model = {"type": "mlp", "hidden": [8, 700]}
    training = {"snapshots": 1, "epochs": 1}
    run = Artefacts(
        RunDir(train(tmp_path, {"model": model, "training": training}).run_dir),
        data_dir=tmp_path / "data",
    )
    film = film_entries(run)["film_dense2"]()
    assert film.frames[0].size == (64 * 13, 8 * 13 + HEADING)


def test_a_run_without_snapshots_has_no_film_and_is_told_how_to_keep_them(tmp_path):
    run = train(tmp_path).run_dir
    saved = drawn(run, tmp_path)
    assert saved.figures == {}
    (left_out,) = saved.left_out
    assert "`mnistlab train CONFIG training.snapshots=1` keeps the weights" in left_out.why
    assert not list((run / "plots").glob("film*"))


def test_a_damaged_snapshot_is_named(tmp_path):
    run = train(tmp_path, SNAPSHOTS).run_dir
    (run / "checkpoints" / "epoch-2.safetensors").write_bytes(b"nothing")
    saved = drawn(run, tmp_path)
    assert saved.exit_code == 2
    assert {one.name for one in saved.left_out} == {"film_dense1", "film_dense2", "film_tsne"}
    assert all("epoch-2.safetensors" in one.why for one in saved.left_out)


def test_a_film_that_is_not_mnistlabs_is_not_overwritten(tmp_path):
    run = train(tmp_path, SNAPSHOTS).run_dir
    (run / "plots").mkdir()
    (run / "plots" / "film_dense2.gif").write_bytes(b"mine")
    with pytest.raises(UsageError, match=r"film_dense2\.gif: exists and was not written by"):
        drawn(run, tmp_path)
    assert not (run / "plots" / "film_dense1.gif").exists()


@pytest.mark.parametrize("format", ["svg", "pdf"])
def test_a_film_in_a_format_of_figures_is_refused(tmp_path, format):
    run = train(tmp_path, SNAPSHOTS).run_dir
    with pytest.raises(UsageError, match=rf"--format {format}: a film is GIF and PNG"):
        visualize(run, only=["film"], format=format, report=False, data_dir=tmp_path / "data")
