"""Batch normalisation's kernels compared with finite differences and PyTorch, and
their rounding.
"""

import numpy as np
import pytest
from kernel_helpers import DTYPES, assert_gradient, normal

from mnistlab.blocks.layers.batch_norm import lines, map_lines, maths, unit_lines

EPSILON = 1e-5
SHAPES = {"units": (9, 4, 1), "maps": (3, 4, 10)}
STEPS = 200


def plain_forward(x, scale, shift, epsilon=EPSILON):
    statistics = np.full((maths.STATISTICS, x.shape[1]), np.nan, x.dtype)
    y = np.full_like(x, np.nan)
    maths.batch_statistics(x, epsilon, statistics)
    maths.batch_norm_forward(x, scale, shift, statistics, y)
    return y, statistics


def plain_backward(x, dy, scale, statistics):
    dscale, dshift, dx = np.empty_like(scale), np.empty_like(scale), np.empty_like(x)
    maths.batch_norm_backward_weights(x, dy, statistics, dscale, dshift)
    maths.batch_norm_backward_input(x, dy, statistics, scale, dscale, dshift, dx)
    return dx, dscale, dshift


def parts_of(x):
    """Three lanes of images, of which the second has none, with a scratch for each."""
    half = len(x) // 2
    parts = np.full((3, lines.PART * x.shape[1] + 5), np.nan, x.dtype)
    own = [part[: lines.PART * x.shape[1]].reshape(lines.PART, -1) for part in parts]
    return parts, list(zip(((0, half), (half, half), (half, len(x))), own, strict=True))


def lines_forward(x, scale, shift, epsilon=EPSILON):
    """By lines: of units side by side, or of maps."""
    _, channels, positions = x.shape
    statistics = np.full((maths.STATISTICS, channels), np.nan, x.dtype)
    y, flat = np.full_like(x, np.nan), x.reshape(-1)
    target = y.reshape(-1)
    parts, lanes = parts_of(x)
    for (a, b), part in lanes:
        if positions == 1:
            unit_lines.unit_part(flat, a, b, channels, part)
        else:
            map_lines.map_part(flat, a, b, channels, positions, part)
    lines.combine_statistics(parts, channels, epsilon, statistics)
    for (a, b), part in lanes:
        if positions == 1:
            unit_lines.unit_forward(flat, a, b, channels, scale, shift, statistics, part, target)
        else:
            map_lines.map_forward(flat, a, b, channels, positions, scale, shift, statistics, target)
    return y, statistics


def lines_backward(x, dy, scale, statistics):
    images, channels, positions = x.shape
    dscale, dshift, dx = np.empty_like(scale), np.empty_like(scale), np.full_like(x, np.nan)
    given, target = (x.reshape(-1), dy.reshape(-1)), dx.reshape(-1)
    parts, lanes = parts_of(x)
    for (a, b), part in lanes:
        if positions == 1:
            unit_lines.unit_gradient_part(*given, a, b, channels, statistics, part)
        else:
            map_lines.map_gradient_part(*given, a, b, channels, positions, statistics, part)
    lines.combine_gradients(parts, statistics, dscale, dshift)
    found = images * positions, statistics, scale, dscale, dshift
    for (a, b), part in lanes:
        if positions == 1:
            unit_lines.unit_backward_input(*given, a, b, channels, *found, part, target)
        else:
            map_lines.map_backward_input(*given, a, b, channels, positions, *found, target)
    return dx, dscale, dshift


@pytest.fixture(params=["plain", "lines"])
def kernels(request):
    """Forward and backward, by the plain kernels and by lines."""
    by_name = {
        "plain": (plain_forward, plain_backward),
        "lines": (lines_forward, lines_backward),
    }
    return by_name[request.param]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_each_channel_has_the_mean_and_the_deviation_that_it_is_given(kernels, shape, dtype):
    forward, _ = kernels
    x = normal(shape, dtype, scale=3) + dtype(2)
    scale, shift = np.array([1, 2, 0.5, 0], dtype), np.array([0, 1, -2, 3], dtype)
    y, _ = forward(x, scale, shift)
    tolerance = {np.float32: 3e-6, np.float64: 1e-12}[dtype]
    np.testing.assert_allclose(y.mean(axis=(0, 2)), shift, atol=tolerance)
    # The epsilon takes a little off.
    np.testing.assert_allclose(y.std(axis=(0, 2)), scale, rtol=1e-5, atol=tolerance)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_every_gradient_is_the_one_of_finite_differences(kernels, shape):
    forward, backward = kernels
    x, c = normal(shape), normal(shape, seed=1)
    scale, shift = normal(shape[1], seed=2), normal(shape[1], seed=3)

    def value():
        return float((c * forward(x, scale, shift)[0]).sum())

    dx, dscale, dshift = backward(x, c, scale, forward(x, scale, shift)[1])
    assert_gradient(dx, value, x)
    assert_gradient(dscale, value, scale)
    assert_gradient(dshift, value, shift)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_nothing_is_sent_down_to_a_change_of_all_values_of_a_channel(kernels, shape):
    forward, backward = kernels
    x, dy = normal(shape), normal(shape, seed=1)
    scale = normal(shape[1], seed=2)
    dx, _, _ = backward(x, dy, scale, forward(x, scale, scale)[1])
    np.testing.assert_allclose(dx.sum(axis=(0, 2)), 0, atol=1e-13)


def exact(x, dy, scale, shift):
    """y and dx of float32 values, in float64."""
    x, dy, scale, shift = (one.astype(np.float64) for one in (x, dy, scale, shift))
    y, statistics = plain_forward(x, scale, shift)
    return y, plain_backward(x, dy, scale, statistics)[0], statistics


@pytest.mark.parametrize("first", [0.0, 100.0], ids=["even", "an outlier first"])
@pytest.mark.parametrize("shape", [(128, 4, 1), (16, 4, 81)], ids=SHAPES)
def test_in_float32_a_large_mean_takes_no_digits_of_small_differences(kernels, shape, first):
    """For values about 1000 that differ by 0.01, the only error is float32's rounding
    of the input.
    """
    forward, backward = kernels
    x = (1000 + normal(shape, scale=1e-2)).astype(np.float32)
    x[0, :, 0] += np.float32(first)
    dy = normal(shape, np.float32, 1)
    scale, shift = normal(shape[1], np.float32, 2), normal(shape[1], np.float32, 3)
    wanted_y, wanted_dx, wanted = exact(x, dy, scale, shift)
    y, statistics = forward(x, scale, shift)
    dx, _, _ = backward(x, dy, scale, statistics)
    np.testing.assert_allclose(y, wanted_y, atol=2e-6 * np.abs(wanted_y).max())
    np.testing.assert_allclose(dx, wanted_dx, atol=1e-5 * np.abs(wanted_dx).max())
    np.testing.assert_allclose(statistics[maths.VARIANCE], wanted[maths.VARIANCE], rtol=1e-5)


def test_a_channel_of_equal_values_is_its_shift_and_sends_nothing_that_is_not_finite(kernels):
    forward, backward = kernels
    x = np.full((6, 2, 3), 1000.1, np.float32)
    scale, shift = np.ones(2, np.float32), np.array([0.5, -0.5], np.float32)
    y, statistics = forward(x, scale, shift)
    np.testing.assert_array_equal(y, np.broadcast_to(shift[:, None], x.shape))
    assert np.isfinite(backward(x, normal(x.shape, np.float32), scale, statistics)[0]).all()


def test_a_value_that_is_no_number_spoils_its_channel_alone(kernels):
    forward, _ = kernels
    x = normal((6, 3, 1))
    x[2, 1] = np.nan
    y, _ = forward(x, np.ones(3), np.zeros(3))
    assert np.isnan(y[:, 1]).all()
    assert np.isfinite(y[:, [0, 2]]).all()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_200_steps_are_those_of_pytorch(kernels, shape):
    """Forward, backward and running statistics, each step's weights moved by its gradients."""
    forward, backward = kernels
    torch = pytest.importorskip("torch")
    channels, images = shape[1], shape if shape[2] > 1 else shape[:2]
    kind = torch.nn.BatchNorm1d
    theirs = kind(channels, eps=1e-3, momentum=0.1).double()
    scale, shift = np.ones(channels), np.zeros(channels)
    mean, variance = np.zeros(channels), np.ones(channels)
    for step in range(STEPS):
        x, dy = 5 * normal(shape, seed=2 * step) + 7, normal(shape, seed=2 * step + 1)
        y, statistics = forward(x, scale, shift, 1e-3)
        dx, dscale, dshift = backward(x, dy, scale, statistics)
        maths.update_running(statistics, shape[0] * shape[2], 0.9, mean, variance)
        input = torch.tensor(x.reshape(images), requires_grad=True)
        output = theirs(input)
        theirs.zero_grad()
        output.backward(torch.tensor(dy.reshape(images)))
        for found, wanted in (
            (y, output),
            (dx, input.grad),
            (dscale, theirs.weight.grad),
            (dshift, theirs.bias.grad),
            (mean, theirs.running_mean),
            (variance, theirs.running_var),
        ):
            wanted = wanted.detach().numpy().reshape(found.shape)
            np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)
        scale -= 0.05 * dscale
        shift -= 0.05 * dshift
        with torch.no_grad():
            theirs.weight -= 0.05 * theirs.weight.grad
            theirs.bias -= 0.05 * theirs.bias.grad
    x, dy = normal(shape), normal(shape, seed=1)
    y, dx = np.empty_like(x), np.empty_like(x)
    maths.running_forward(x, scale, shift, mean, variance, 1e-3, y)
    maths.running_backward_input(dy, scale, variance, 1e-3, dx)
    input = torch.tensor(x.reshape(images), requires_grad=True)
    output = theirs.eval()(input)
    output.backward(torch.tensor(dy.reshape(images)))
    np.testing.assert_allclose(y.reshape(images), output.detach().numpy(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(dx.reshape(images), input.grad.numpy(), rtol=1e-9, atol=1e-9)
