"""scikit-learn's own checks of an estimator, on the classifier for images."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from mnistlab import Classifier

EXPECTED = {}


@parametrize_with_checks([Classifier(epochs=20, batch_size=8)], expected_failed_checks=lambda e: EXPECTED)
def test_scikit_learns_check_passes(estimator, check):
    check(estimator)
