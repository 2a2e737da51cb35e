import numpy as np
import pytest
from kernel_helpers import DTYPES, assert_gradient, normal

from mnistlab.blocks.layers.pad import maths

SHAPE = (2, 3, 5, 4)


def forward(x, size, value):
    y = np.full((*x.shape[:2], x.shape[2] + 2 * size, x.shape[3] + 2 * size), np.nan, x.dtype)
    maths.pad(x, size, value, y)
    return y


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize("value", [0.0, -1.0, 0.3])
def test_forward_is_numpy_s_and_pytorch_s(size, value, dtype):
    torch = pytest.importorskip("torch")
    x = normal(SHAPE, dtype)
    y = forward(x, size, value)
    sizes = [(0, 0), (0, 0), (size, size), (size, size)]
    np.testing.assert_array_equal(y, np.pad(x, sizes, constant_values=dtype(value)))
    np.testing.assert_array_equal(y, torch.nn.ConstantPad2d(size, value)(torch.from_numpy(x)))


@pytest.mark.parametrize("size", [1, 3])
def test_backward_is_the_gradient_by_finite_differences(size):
    x = normal(SHAPE)
    dy, dx = normal(forward(x, size, -1.0).shape, seed=1), np.full(SHAPE, np.nan)
    maths.pad_backward(dy, size, dx)
    assert_gradient(dx, lambda: float((dy * forward(x, size, -1.0)).sum()), x)
