"""What the section "Try it" has in little space, and what it says where something is missing."""

import json
import shutil

import numpy as np
import pytest
from report_helpers import trained

import mnistlab
from mnistlab.experiment.artefacts import Artefacts
from mnistlab.experiment.model import load_model
from mnistlab.pages.try_it import try_it
from mnistlab.pages.try_it_pictures import chosen_pictures
from mnistlab.pages.try_it_values import rounded
from mnistlab.python.commands.visualize import visualize
from mnistlab.store.run_dir import RunDir
from mnistlab.support.errors import LackingError
from mnistlab.support.text_format import in_print, percent

WEIGHTS = 784 * 9 + 9 * 10
SNAPSHOTS = {"epochs": 3, "snapshots": 1}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A run with three snapshots."""
    return trained(tmp_path_factory.mktemp("kept"), training=SNAPSHOTS)


def section(folder, most_bytes=None):
    return try_it(Artefacts(RunDir(folder)), most_bytes)


def kinds(found):
    tensors = json.loads(found.facts)["tensors"]
    return {packed["kind"] for layer in tensors.values() for packed in layer.values()}


@pytest.mark.parametrize(("bytes_each", "kind"), [(4, "float32"), (2, "float16"), (1, "int8")])
def test_weights_have_as_many_bits_as_fit_and_the_loss_of_accuracy_is_stated(
    run_dir, bytes_each, kind
):
    found = section(run_dir, int(WEIGHTS * bytes_each * 4 / 3) + 200)
    assert kinds(found) == {kind, "float32"}
    if kind == "float32":
        assert found.notes == []
        return
    model = load_model(run_dir)
    before = model.evaluate(model.dataset.test).accuracy
    for tensor in model.tensors.values():
        tensor[...] = rounded(tensor, kind)
    after = model.evaluate(model.dataset.test).accuracy
    accuracies = " and ".join(in_print(percent(share)) for share in (before, after))
    bits = {"float16": 16, "int8": 8}[kind]
    assert found.notes == [
        f"The weights on this page are rounded to {bits} bits: the accuracy of the final network "
        f"on 360 test images is {accuracies} before and after rounding."
    ]


def test_a_network_that_fits_in_no_kind_is_refused_with_its_size(run_dir):
    said = r"weights need 9\.63 kB even with 8 bits .* `mnistlab view` shows a network of any size"
    with pytest.raises(LackingError, match=said):
        section(run_dir, 5000)


def test_snapshots_share_the_space_that_is_left(kept):
    def epochs(found):
        return [one["epoch"] for one in json.loads(found.facts)["epochs"]]

    assert epochs(section(kept)) == [1, 2, 3]
    final = int(WEIGHTS * 4 * 4 / 3) + 200
    rounded_ones = section(kept, final + 3 * (WEIGHTS * 2 + 200))
    assert epochs(rounded_ones) == [1, 2, 3]
    assert "The weights of earlier epochs are rounded to 8 bits" in rounded_ones.notes[0]
    two = section(kept, final + 2 * (int(WEIGHTS * 4 / 3) + 200))
    assert epochs(two) == [1, 3]
    assert two.notes[-1] == "2 of 3 snapshots are on this page."
    none = section(kept, final + 100)
    assert epochs(none) == []
    assert none.notes == ["The weights of earlier epochs do not fit into this page."]


def test_a_damaged_snapshot_is_named_and_the_others_are_there(kept, tmp_path):
    copy = shutil.copytree(kept, tmp_path / "copy")
    (copy / "checkpoints" / "epoch-2.safetensors").write_bytes(b"nothing")
    found = section(copy)
    assert [one["epoch"] for one in json.loads(found.facts)["epochs"]] == [1, 3]
    assert found.notes[0].startswith("The weights of epoch-2 are left out: ")


def test_the_page_of_a_network_without_finite_weights_says_so(run_dir, tmp_path):
    from mnistlab.support.tensor_file import encode_tensors, load_tensors

    copy = shutil.copytree(run_dir, tmp_path / "copy")
    tensors, metadata = load_tensors(copy / "weights.safetensors")
    tensors["dense2.bias"][3] = np.nan
    (copy / "weights.safetensors").write_bytes(encode_tensors(tensors, metadata))
    text = visualize(copy, only=["learning_curves"]).report.read_text()
    said = "The network does not answer on this page: dense2.bias has values that are not finite."
    assert said in text
    assert "try-it-section" not in text


def test_without_its_dataset_the_page_can_still_be_drawn_on(tmp_path):
    images = tmp_path / "images.npz"
    stream = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 30), ("test", 20)):
        arrays[f"x_{part}"] = stream.integers(0, 256, (count, 28, 28)).astype(np.uint8)
        arrays[f"y_{part}"] = np.arange(count, dtype=np.uint8) % 3
    np.savez(images, **arrays)
    names = ["</script><script>alert(1)</script>", "b", "c"]
    data = {"source": "npz", "path": str(images), "class_names": names}
    folder = trained(tmp_path, data=data, reference=None)
    text = (folder / "report.html").read_text()
    assert "alert(1)</script>" not in text
    images.unlink()
    found = section(folder)
    assert json.loads(found.facts)["pictures"] is None
    assert json.loads(found.facts)["classes"] == names
    assert found.notes[0].startswith("There are no images of the dataset to pick: ")


def test_a_red_frame_is_explained_where_predictions_are_known(kept, tmp_path):
    words = "a red frame marks a misclassified one"
    assert words in (kept / "report.html").read_text()
    copy = shutil.copytree(kept, tmp_path / "copy")
    (copy / "predictions.csv").unlink()
    text = visualize(copy).report.read_text()
    assert "Or pick an image" in text
    assert words not in text


def test_thirty_images_are_shown_with_the_mistakes_among_them():
    labels = np.tile(np.arange(10), 50)
    mistakes = np.array([7, 100, 3, *range(200, 240)])
    chosen = chosen_pictures(labels, mistakes, 30, 300)
    assert len(set(chosen.tolist())) == len(chosen) == 300
    shown = chosen[:30]
    assert np.isin(shown, mistakes).sum() == 10
    assert {7, 100, 3} <= set(shown.tolist())
    assert labels[shown].tolist() == sorted(labels[shown])
    assert set(labels[shown][~np.isin(shown, mistakes)]) == set(range(10))
    for wrong in (0, 3, 150, 480, 500):  # any number of mistakes leaves no image out
        found = chosen_pictures(labels, np.arange(wrong), 30, 300)
        assert len(set(found.tolist())) == len(found) == 300
    predicted = np.where(np.arange(500) < 400, (labels + 1 + np.arange(500) // 200) % 10, labels)
    found = chosen_pictures(labels, np.arange(400), 30, 300, predicted)
    kinds = labels * 10 + predicted
    assert set(kinds[found]) == set(kinds)  # every cell of the confusion matrix has images
    few = chosen_pictures(labels[:12], np.array([], int), 30, 300)
    assert sorted(few) == list(range(12))


def test_the_page_of_a_network_that_was_never_trained_says_so(tmp_path):
    config = {
        "data": {"source": "digits"},
        "model": {"type": "mlp", "hidden": [8]},
        "optimizer": {"lr": 1e30},
        "training": {"epochs": 1},
    }
    with pytest.warns(RuntimeWarning, match="diverged"):
        run = mnistlab.train(config, runs_dir=tmp_path, quiet=True)
    assert run.status == "diverged"
    text = (run.path / "report.html").read_text(encoding="utf-8")
    assert "does not answer on this page: the run diverged in its first epoch" in text
    assert "try-it-section" not in text
