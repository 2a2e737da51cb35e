"""A temperature fitted on validation images, and the calibration before and after."""

import numpy as np
import pytest

from mnistlab.experiment.calibration import calibrate, fitted_temperature
from mnistlab.experiment.model import load_model
from mnistlab.support.errors import UsageError
from tools.short_runs import train

# Trained long on few images: overconfident.
OVERCONFIDENT = {
    "data": {"train_limit": 200},
    "optimizer": {"lr": 0.05},
    "training": {"epochs": 100},
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibration")
    return load_model(train(folder, OVERCONFIDENT).run_dir, data_dir=folder / "data")


def test_the_temperature_is_where_pytorch_finds_no_slope(model):
    torch = pytest.importorskip("torch")
    images, labels = model.split("validation").gather()
    logits = torch.tensor(model.logits(images), dtype=torch.float64)
    found = calibrate(model, "test").temperature
    temperature = torch.tensor(found, dtype=torch.float64, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(logits / temperature, torch.tensor(labels).long())
    loss.backward()
    assert abs(float(temperature.grad)) < 1e-6
    for other in (0.9 * found, 1.1 * found):
        worse = torch.nn.functional.cross_entropy(logits / other, torch.tensor(labels).long())
        assert worse > loss


@pytest.mark.parametrize("true", [0.3, 1.0, 2.5])
def test_the_temperature_that_labels_were_drawn_with_is_found(true):
    stream = np.random.default_rng(0)
    logits = 3 * stream.standard_normal((40_000, 5))
    p = np.exp(logits / true)
    p /= p.sum(axis=1, keepdims=True)
    labels = (stream.random((len(p), 1)) > p.cumsum(axis=1)).sum(axis=1)
    assert fitted_temperature(logits, labels) == pytest.approx(true, rel=0.03)


def test_figures_before_and_after_are_those_of_the_probabilities(model):
    torch = pytest.importorskip("torch")
    found = calibrate(model, "test")
    assert found.temperature > 1.5
    assert found.after.error < found.before.error / 2
    images, labels = model.split("test").gather()
    logits = torch.tensor(model.logits(images), dtype=torch.float64)
    for scale, told in ((1.0, found.before), (found.temperature, found.after)):
        p = torch.softmax(logits / scale, 1).numpy()
        of_label = p[np.arange(len(labels)), labels]
        assert told.loss == pytest.approx(-np.log(of_label).mean(), rel=1e-12)
        confidence, right = p.max(1), p.argmax(1) == labels
        error = 0.0
        for low in np.arange(10) / 10:
            inside = (confidence > low) & (confidence <= low + 0.1)
            if inside.any():
                error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
        assert told.error == pytest.approx(error, rel=1e-9)
        assert found.accuracy == right.mean()


def test_what_has_no_temperature_is_refused(tmp_path):
    for sections, said in (
        ({"data": {"validation": 0}}, "has no validation images"),
        (
            {
                "model": {"type": "softmax", "output_activation": "sigmoid"},
                "loss": {"type": "binary_cross_entropy"},
            },
            "its output is sigmoid; a temperature is for softmax",
        ),
    ):
        run_dir = train(tmp_path, sections).run_dir
        with pytest.raises(UsageError, match=said):
            calibrate(load_model(run_dir, data_dir=tmp_path / "data"), "test")
