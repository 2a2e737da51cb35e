"""Several networks together: the mean of their probabilities, their votes, and the gain."""

import numpy as np
import pytest

from mnistlab.experiment.ensemble import Ensemble, evaluate_ensemble, load_ensemble, members_at
from mnistlab.experiment.model import load_model
from mnistlab.python.commands.evaluate import evaluate
from mnistlab.support.errors import UsageError
from tools.short_runs import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ensemble")


def trained(folder, seed=0, **sections):
    return train(folder, {"optimizer": {"lr": 0.5}, "seed": seed, **sections}).run_dir


@pytest.fixture(scope="module")
def runs(folder):
    """Three runs that differ in seed, size and normalisation."""
    return [
        trained(folder, 1),
        trained(folder, 2, model={"type": "mlp", "hidden": [9]}),
        trained(folder, 3, data={"normalize": "standardize"}),
    ]


def ensemble_of(runs, folder, weights="final") -> Ensemble:
    return load_ensemble(runs, weights, data_dir=folder / "data")


@pytest.mark.parametrize("split", ["test", "validation", "train"])
def test_probabilities_and_votes_are_those_of_numpy(runs, folder, split):
    found = evaluate_ensemble(ensemble_of(runs, folder), split)
    models = [load_model(run, data_dir=folder / "data") for run in runs]
    part = models[0].split(split)
    labels = part.labels[part.indices].astype(int)
    each = [model.outputs(part.images[part.indices]).astype(float) for model in models]
    mean = sum(each) / 3
    assert found.images == len(labels)
    assert found.accuracy == np.mean(mean.argmax(1) == labels)
    assert found.loss == pytest.approx(-np.log(mean[range(len(labels)), labels]).mean(), rel=1e-6)
    matrix = np.zeros((10, 10), int)
    np.add.at(matrix, (labels, mean.argmax(1)), 1)
    np.testing.assert_array_equal(found.confusion, matrix)
    predicted = np.stack([one.argmax(1) for one in each])
    votes = []
    for image, row in enumerate(predicted.T):
        counts = np.bincount(row, minlength=10)
        leaders = np.flatnonzero(counts == counts.max())
        votes.append(leaders[np.argmax(mean[image, leaders])])
    assert found.votes == np.mean(np.array(votes) == labels)


def test_the_gain_is_over_the_mean_and_the_best_of_its_members(runs, folder):
    found = evaluate_ensemble(ensemble_of(runs, folder), "test")
    alone = [evaluate(run, data_dir=folder / "data") for run in runs]
    assert [one.accuracy for one in found.members] == [one.accuracy for one in alone]
    assert [one.loss for one in found.members] == [one.loss for one in alone]
    accuracies = [one.accuracy for one in alone]
    assert found.gain_over_mean == pytest.approx(found.accuracy - sum(accuracies) / 3)
    assert found.gain_over_best == pytest.approx(found.accuracy - max(accuracies))


def test_equal_members_gain_nothing(runs, folder, tmp_path):
    again = trained(tmp_path, 1)
    found = evaluate_ensemble(ensemble_of([runs[0], again], folder), "test")
    assert (found.gain_over_mean, found.gain_over_best) == (0, 0)
    assert found.votes == found.accuracy == found.members[0].accuracy


def test_sigmoid_outputs_are_averaged_without_a_loss(folder):
    sections = {
        "model": {"type": "mlp", "hidden": [5], "output_activation": "sigmoid"},
        "loss": {"type": "binary_cross_entropy"},
    }
    runs = [trained(folder, seed, **sections) for seed in (1, 2)]
    assert evaluate_ensemble(ensemble_of(runs, folder), "test").loss is None


@pytest.mark.parametrize(
    ("other", "split", "said"),
    [
        ({"data": {"validation": 0.2}}, "validation", "has other validation images than"),
        ({"data": {"classes": [1, 9], "train_limit": None}}, "test", "has other test images than"),
        (
            {
                "loss": {"type": "mse"},
                "model": {"type": "softmax", "output_activation": "identity"},
            },
            "test",
            "its outputs (identity) are not probabilities",
        ),
        (
            {
                "loss": {"type": "mse"},
                "model": {"type": "softmax", "output_activation": "sigmoid"},
            },
            "test",
            "model.output_activation: found sigmoid, expected softmax",
        ),
    ],
)
def test_networks_that_cannot_predict_together_are_refused(runs, folder, other, split, said):
    unlike = trained(folder, 5, **other)
    with pytest.raises(UsageError) as caught:
        evaluate_ensemble(ensemble_of([runs[0], unlike], folder), split)
    assert str(unlike) in str(caught.value)
    assert said in str(caught.value)


def test_the_same_run_twice_is_one(runs, folder):
    with pytest.raises(UsageError, match="needs at least two runs, found one"):
        ensemble_of(members_at([runs[0], runs[0]]), folder)
