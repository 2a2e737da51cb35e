"""Scores against the counts that they are made of."""

from types import SimpleNamespace

import numpy as np
import pytest

from mnistlab.experiment.scores import score
from mnistlab.python.commands.evaluate import evaluate
from mnistlab.store.metrics import read_metrics
from mnistlab.training.inference import Evaluation
from tools.short_runs import train


def scores_of(labels, predicted, classes):
    """Scores of a model with given predictions."""
    labels, outputs = np.array(labels), np.eye(classes)[predicted]
    said = Evaluation(outputs, np.arange(len(labels), dtype=float), labels)
    model = SimpleNamespace(
        class_names=[str(label) for label in range(classes)],
        split=lambda name: name,
        evaluate=lambda split: said,
    )
    return score(model, "test")


def test_rows_are_true_classes_and_columns_predicted_ones():
    scores = scores_of([0, 0, 0, 1, 1, 2], [0, 1, 1, 1, 1, 0], classes=3)
    np.testing.assert_array_equal(scores.confusion, [[1, 2, 0], [0, 2, 0], [1, 0, 0]])
    assert scores.accuracy == 0.5
    assert scores.loss == 2.5


def test_precision_divides_by_a_column_and_recall_by_a_row():
    first, second, third, fourth = scores_of([0, 0, 0, 1, 1, 2], [0, 1, 1, 1, 1, 0], 4).per_class
    assert (first.precision, first.recall, first.images) == (1 / 2, 1 / 3, 3)
    assert first.f1 == pytest.approx(0.4)
    assert (second.precision, second.recall) == (1 / 2, 1)
    assert np.isnan(third.precision)  # never predicted
    assert third.recall == 0
    assert np.isnan([fourth.precision, fourth.recall, fourth.f1]).all()
    assert fourth.images == 0


@pytest.mark.parametrize("split", ["test", "validation", "train"])
def test_a_runs_scores_are_those_of_its_last_row(tmp_path, split):
    run = train(tmp_path, {"training": {"train_metrics": "full"}}).run_dir
    row = read_metrics(run / "metrics.csv")[-1]
    key = {"validation": "val"}.get(split, split)
    scores = evaluate(run, split=split)
    assert (scores.loss, scores.accuracy) == (
        getattr(row, f"{key}_loss"),
        getattr(row, f"{key}_accuracy"),
    )
    assert scores.confusion.sum() == scores.images == len(scores.model.split(split))


def test_scores_are_those_of_scikit_learn():
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    labels, predicted = np.random.default_rng(3).integers(0, 6, (2, 500))
    labels[labels == 4] = 5  # a class that is predicted but has no image
    names = np.arange(7)  # and one that is neither
    scores = scores_of(labels, predicted, classes=7)
    expected = precision_recall_fscore_support(
        labels, predicted, labels=names, zero_division=np.nan
    )
    found = [[one.precision, one.recall, one.f1, one.images] for one in scores.per_class]
    np.testing.assert_array_equal(np.array(found).T, expected)
    np.testing.assert_array_equal(
        scores.confusion, confusion_matrix(labels, predicted, labels=names)
    )
