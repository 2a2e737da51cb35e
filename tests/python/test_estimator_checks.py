"""scikit-learn's own checks of an estimator, applied to the classifier for images. All pass;
scikit-learn itself skips those of array API input if SciPy is not configured for it.
"""

from sklearn.utils.estimator_checks import parametrize_with_checks

from mnistlab import Classifier

# Their data are no images but a few numbers per row: spread out, and trained for longer.
POINTS = Classifier({"data": {"normalize": "standardize"}}, hidden=[16], epochs=20, batch_size=8)


@parametrize_with_checks([POINTS])
def test_scikit_learns_check_passes(estimator, check):
    check(estimator)
