"""The answers to drawings are the engine's, for every run and all of its weights."""

import shutil

import numpy as np
import pytest
from report_helpers import trained
from view_helpers import Visitor, id_in

from mnistlab.experiment.model import load_model

MODELS = {
    "mlp": {"data": {"source": "digits", "train_limit": 200, "permute_pixels": 3}},
    "cnn": {
        "model": {
            "type": "cnn",
            "layers": [{"conv": {"filters": 2, "kernel": 3}}, {"batch_norm": {}}, "flatten"],
        }
    },
}
ALL_WEIGHTS = ("final", "best", "epoch-2")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("answers")
    training = {"epochs": 2, "snapshots": 1}
    return {
        name: trained(folder, **{"name": name, "training": training, "reference": None, **sections})
        for name, sections in MODELS.items()
    }


@pytest.fixture
def visitor(made):
    return Visitor(made["mlp"].parent)


def asked(visitor, run, weights, pixels):
    address = f"answer?id={id_in(run)}&weights={weights}"
    return visitor.ask(f"/{visitor.secret.token}/{address}", "POST", body=pixels)


@pytest.mark.parametrize("weights", ALL_WEIGHTS)
@pytest.mark.parametrize("name", MODELS)
def test_an_answer_has_the_bits_that_predict_gives(visitor, made, name, weights):
    model = load_model(made[name], weights)
    for image in np.random.default_rng(5).integers(0, 256, (5, 28, 28), np.uint8):
        told = asked(visitor, made[name], weights, image.tobytes()).document
        assert told["outputs"] == model.outputs(image[None])[0].tolist()
        assert told["step"] == model.step


@pytest.mark.parametrize("weights", ALL_WEIGHTS)
def test_the_page_has_the_layers_of_these_weights_and_asks_the_engine(visitor, made, weights):
    id = id_in(made["mlp"])
    told = visitor.get(f"try?id={id}&weights={weights}")
    assert told.status == 200
    text = told.body.decode()
    assert f"<b>{weights}</b>" in text
    assert "<style" not in text
    assert "onerror" not in text
    script = visitor.get(f"try.js?id={id}&weights={weights}")
    assert script.headers["content-type"].startswith("text/javascript")
    assert b"answer?" in script.body


@pytest.mark.parametrize("pixels", [b"", bytes(783), bytes(785)])
def test_an_image_of_another_size_is_refused(visitor, made, pixels):
    told = asked(visitor, made["mlp"], "final", pixels)
    assert told.status == 400
    assert "expected 28 × 28" in told.document["errors"][0]


@pytest.mark.parametrize("weights", ["epoch-9", "../../secret", "final.safetensors"])
def test_weights_that_a_run_lacks_are_refused_and_named(visitor, made, weights):
    told = asked(visitor, made["mlp"], weights, bytes(784))
    assert told.status == 400
    assert weights in told.document["errors"][0]
    assert weights in visitor.get(f"try?id={id_in(made['mlp'])}&weights={weights}").body.decode()


def test_weights_that_are_written_again_answer_anew(tmp_path, made):
    for name in ("final", "epoch-1"):
        run = tmp_path / "runs" / "copy"
        if not run.exists():
            shutil.copytree(made["mlp"], run)
        else:
            shutil.copy(run / "checkpoints" / "epoch-1.safetensors", run / "weights.safetensors")
        visitor = Visitor(tmp_path / "runs")
        told = asked(visitor, run, "final", bytes([9] * 784)).document
        expected = load_model(made["mlp"], name).outputs(np.full((1, 28, 28), 9, np.uint8))[0]
        assert told["outputs"] == expected.tolist()


def test_a_damaged_run_is_explained_where_it_would_answer(tmp_path, made):
    run = tmp_path / "runs" / "broken"
    shutil.copytree(made["mlp"], run)
    weights = run / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    visitor = Visitor(tmp_path / "runs")
    told = visitor.get(f"try?id={id_in(run)}")
    assert told.status == 200
    assert "weights.safetensors" in told.body.decode()
    assert asked(visitor, run, "final", bytes(784)).status == 400
