import numpy as np
import pytest
from kernel_helpers import DTYPES, assert_gradient, labels_for, normal, one_hot
from scipy.special import expit, log_softmax, logsumexp, softmax
from sklearn.metrics import log_loss

from mnistlab.blocks.activations import softmax as softmax_block
from mnistlab.blocks.losses import binary_cross_entropy as bce
from mnistlab.blocks.losses import cross_entropy as ce
from mnistlab.blocks.losses import mse

BATCH, CLASSES = 9, 6
LABELS = labels_for(BATCH, CLASSES)
T = one_hot(LABELS, CLASSES)


def probabilities(z):
    y = np.full_like(z, np.nan)
    softmax_block.softmax_forward(z, y)
    return y


def cross_entropy(z, labels=LABELS, smoothing=0.0):
    found, y = np.full(len(z), np.nan), np.full_like(z, np.nan)
    ce.softmax_cross_entropy(z, labels, smoothing, y, found)
    np.testing.assert_array_equal(y, probabilities(z))
    return found


def binary_cross_entropy(z, k, labels=LABELS):
    found = np.full(len(z), np.nan)
    bce.binary_cross_entropy_loss(z, k, labels, found)
    return found


def squared_error(y, labels=LABELS, other=0.0):
    found = np.full(len(y), np.nan)
    mse.squared_error_loss(y, labels, other, found)
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1, 30])
def test_softmax_is_scipy_s(dtype, scale):
    z = normal((BATCH, CLASSES), dtype, scale=scale)
    found, expected = probabilities(z), softmax(z.astype(np.float64), axis=1)
    tolerance = {np.float32: 1e-5, np.float64: 1e-14}[dtype]
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=1e-37)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=tolerance)


def test_softmax_may_be_shifted():
    z = normal((BATCH, CLASSES))
    np.testing.assert_allclose(probabilities(z + 1000.0), probabilities(z), rtol=1e-12)


def test_softmax_backward_is_the_whole_jacobian():
    z, c = normal((BATCH, CLASSES)), normal((BATCH, CLASSES), seed=1)
    y, dz = probabilities(z), np.empty_like(z)
    softmax_block.softmax_backward(y, c, dz)
    jacobians = np.einsum("ij,jk->ijk", y, np.eye(CLASSES)) - np.einsum("ij,ik->ijk", y, y)
    np.testing.assert_allclose(dz, np.einsum("ijk,ik->ij", jacobians, c), rtol=0, atol=1e-15)
    assert_gradient(dz, lambda: float((c * probabilities(z)).sum()), z)


@pytest.mark.parametrize("dtype", DTYPES)
def test_cross_entropy_is_the_log_of_the_sum_of_exponentials_less_the_label_s_logit(dtype):
    z = normal((BATCH, CLASSES), dtype, scale=4)
    wide = z.astype(np.float64)
    expected = logsumexp(wide, axis=1) - wide[np.arange(BATCH), LABELS]
    tolerance = {np.float32: 1e-6, np.float64: 1e-14}[dtype]
    np.testing.assert_allclose(cross_entropy(z), expected, rtol=tolerance, atol=tolerance)


def test_cross_entropy_is_scikit_learn_s_log_loss():
    z = normal((BATCH, CLASSES))
    expected = log_loss(LABELS, probabilities(z), labels=np.arange(CLASSES))
    assert cross_entropy(z).mean() == pytest.approx(expected, rel=1e-13)


def test_cross_entropy_of_a_confident_prediction_keeps_its_digits():
    z = np.array([[40.0, 0.0]])
    assert cross_entropy(z, np.array([0])) >= 0
    assert cross_entropy(z, np.array([1])) == pytest.approx(40, rel=1e-14)


def test_in_float32_the_loss_of_an_image_that_is_almost_certain_is_not_0():
    z = np.array([[25.0, 0.0, -1.0]], np.float32)
    expected = np.log1p(np.exp(-25.0) + np.exp(-26.0))
    assert cross_entropy(z, np.array([0]))[0] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.75])
@pytest.mark.parametrize("scale", [1.0, 0.125])
def test_cross_entropy_s_gradient_is_that_of_finite_differences(scale, smoothing):
    z = normal((BATCH, CLASSES))
    dz = np.empty_like(z)
    ce.cross_entropy_backward(probabilities(z), LABELS, smoothing, scale, dz)
    assert_gradient(dz, lambda: scale * float(cross_entropy(z, LABELS, smoothing).sum()), z)
    t = (1 - smoothing) * T + smoothing / CLASSES
    np.testing.assert_allclose(dz, scale * (softmax(z, axis=1) - t), rtol=0, atol=1e-15)


@pytest.mark.parametrize("scale", [1, 60])
@pytest.mark.parametrize("smoothing", [0.1, 0.75])
def test_smoothed_cross_entropy_is_pytorch_s(smoothing, scale):
    torch = pytest.importorskip("torch")
    values = normal((BATCH, CLASSES), scale=scale)
    z = torch.tensor(values, requires_grad=True)
    losses = torch.nn.functional.cross_entropy(
        z, torch.tensor(LABELS), label_smoothing=smoothing, reduction="none"
    )
    losses.mean().backward()
    found = cross_entropy(values, LABELS, smoothing)
    np.testing.assert_allclose(found, losses.detach(), rtol=1e-13)
    dz = np.empty_like(values)
    ce.cross_entropy_backward(probabilities(values), LABELS, smoothing, 1 / BATCH, dz)
    np.testing.assert_allclose(dz, z.grad, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("k", [1.0, 0.5, 3.0])
def test_binary_cross_entropy_is_scikit_learn_s_log_loss_of_each_output(k):
    z = normal((BATCH, CLASSES), scale=2)
    y = expit(k * z)
    expected = sum(log_loss(T[:, j], y[:, j], labels=[0, 1]) for j in range(CLASSES))
    assert binary_cross_entropy(z, k).mean() == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
def test_binary_cross_entropy_of_large_logits_is_that_of_logs(dtype):
    z = normal((BATCH, CLASSES), dtype, scale=60)
    wide = z.astype(np.float64)
    both = np.stack([np.zeros_like(wide), wide])
    log_no, log_yes = log_softmax(both, axis=0)
    expected = -(T * log_yes + (1 - T) * log_no).sum(axis=1)
    np.testing.assert_allclose(binary_cross_entropy(z, 1.0), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("k", [1.0, 0.5, 3.0])
@pytest.mark.parametrize("scale", [1.0, 0.125])
def test_binary_cross_entropy_s_gradient_is_that_of_finite_differences(k, scale):
    z = normal((BATCH, CLASSES))
    dz = np.empty_like(z)
    bce.binary_cross_entropy_backward(expit(k * z), k, LABELS, scale, dz)
    assert_gradient(dz, lambda: scale * float(binary_cross_entropy(z, k).sum()), z)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("other", "t"), [(0.0, T), (-1.0, 2 * T - 1)])
def test_squared_error_is_half_the_sum_of_squares(dtype, other, t):
    y = normal((BATCH, CLASSES), dtype)
    expected = 0.5 * np.linalg.norm(y.astype(np.float64) - t, axis=1) ** 2
    np.testing.assert_allclose(squared_error(y, LABELS, other), expected, rtol=1e-13)


@pytest.mark.parametrize(("other", "t"), [(0.0, T), (-1.0, 2 * T - 1)])
@pytest.mark.parametrize("scale", [1.0, 0.125])
def test_squared_error_s_gradient_is_that_of_finite_differences(scale, other, t):
    y = normal((BATCH, CLASSES))
    dy = np.empty_like(y)
    mse.squared_error_backward(y, LABELS, other, scale, dy)
    assert_gradient(dy, lambda: scale * float(squared_error(y, LABELS, other).sum()), y)
    np.testing.assert_allclose(dy, scale * (y - t), rtol=0, atol=1e-15)


LOSSES = {
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": lambda z: binary_cross_entropy(z, 2.0),
    "squared_error": squared_error,
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("column", range(CLASSES))
def test_a_nan_anywhere_in_a_row_makes_that_row_s_loss_nan_and_no_other(loss, dtype, column):
    z = normal((BATCH, CLASSES), dtype)
    z[4, column] = np.nan
    assert np.flatnonzero(np.isnan(loss(z))).tolist() == [4]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("column", range(CLASSES))
def test_softmax_of_a_row_with_a_nan_is_nan(dtype, column):
    z = normal((BATCH, CLASSES), dtype)
    z[4, column] = np.nan
    y = probabilities(z)
    assert np.isnan(y[4]).all()
    assert np.isfinite(np.delete(y, 4, axis=0)).all()


def test_extreme_logits_give_finite_exact_losses():
    z = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 0], [-1e4, -1e4, -1e4]], np.float32)
    labels = np.zeros(3, np.int64)
    np.testing.assert_allclose(cross_entropy(z, labels), [0, 2e4, np.log(3)], rtol=1e-7)
    # One output wrong by 1e4 costs 1e4; an output of 0 costs log 2.
    expected = [np.log(2), 2e4 + np.log(2), 1e4]
    np.testing.assert_allclose(binary_cross_entropy(z, 1.0, labels), expected, rtol=1e-7)
    y = probabilities(z)
    np.testing.assert_allclose(y, [[1, 0, 0], [0, 1, 0], [1 / 3] * 3], rtol=1e-6)
    dz = np.empty_like(z)
    ce.cross_entropy_backward(y, labels, 0.0, 1.0, dz)
    np.testing.assert_allclose(dz, y - one_hot(labels, 3), atol=1e-6)


def test_an_infinite_logit_is_no_finite_loss():
    z = np.array([[np.inf, 0.0, 0.0]])
    assert not np.isfinite(cross_entropy(z, np.array([1]))).any()
    assert not np.isfinite(binary_cross_entropy(z, 1.0, np.array([1]))).any()


def test_the_loss_of_guessing_is_that_of_the_best_answer_that_is_the_same_for_every_image():
    every_class = np.arange(CLASSES)
    equal = np.full((CLASSES, CLASSES), 1 / CLASSES)
    expected = {
        "cross_entropy": cross_entropy(np.zeros_like(equal), every_class).mean(),
        "binary_cross_entropy": binary_cross_entropy(
            np.log(equal / (1 - equal)), 1.0, every_class
        ).mean(),
        "mse": squared_error(equal, every_class).mean(),
    }
    blocks = (ce.CrossEntropy(), bce.BinaryCrossEntropy(), mse.SquaredError())
    found = {block.type: block.of_guessing(CLASSES) for block in blocks}
    assert found == pytest.approx(expected)
    best = squared_error(2 * equal - 1, every_class, -1.0).mean()
    assert mse.SquaredError(targets="plus_minus").of_guessing(CLASSES) == pytest.approx(best)
