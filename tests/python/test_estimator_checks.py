"""scikit-learn's own checks of an estimator, on the classifier for images. All of them pass; those
of array API input are left out by scikit-learn itself, where SciPy is not set up for it.
"""

from sklearn.utils.estimator_checks import parametrize_with_checks

from mnistlab import Classifier

# Their data are no images but a few numbers in a row: spread out, and learnt for longer.
POINTS = Classifier({"data": {"normalize": "standardize"}}, hidden=[16], epochs=20, batch_size=8)


@parametrize_with_checks([POINTS])
def test_scikit_learns_check_passes(estimator, check):
    check(estimator)
