"""What the tests of every kernel share: seeded inputs, both ways to run, finite differences."""

import inspect
from types import FunctionType

import numpy as np

DTYPES = [np.float32, np.float64]
# Fast kernels take longest to compile. In float64 the trainings of tests/training hold each of them
# to the equations and to its gradient.
FAST_DTYPES = [np.float32]
# BLAS and reassociated sums round differently from a plain loop.
TOLERANCE = {np.dtype(np.float32): 3e-6, np.dtype(np.float64): 1e-13}


def normal(shape, dtype=np.float64, seed=0, scale=1.0):
    """Seeded normal numbers, float64 values rounded to `dtype`."""
    return (scale * np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


def labels_for(batch, classes):
    return np.random.default_rng(99).integers(0, classes, batch)


def one_hot(labels, classes):
    return np.eye(classes)[labels]


def is_generic(function):
    """Whether a function is a kernel that is compiled only inside others."""
    ours = isinstance(function, FunctionType) and function.__module__.startswith("mnistlab.")
    return ours and inspect.getsource(function).startswith("@generic_kernel")


def kernels_called(kernel):
    """The kernels, generic ones too, that a kernel calls by name: by the name, with the module."""
    function = getattr(kernel, "py_func", kernel)
    named = {name: function.__globals__.get(name) for name in function.__code__.co_names}
    return {
        name: value
        for name, value in named.items()
        if hasattr(value, "py_func") or is_generic(value)
    }


def interpreted(kernel):
    """A kernel as plain Python, down to the last kernel that it calls."""
    if not (hasattr(kernel, "py_func") or is_generic(kernel)):
        return kernel
    function = getattr(kernel, "py_func", kernel)
    called = {name: interpreted(other) for name, other in kernels_called(kernel).items()}
    return FunctionType(
        function.__code__,
        function.__globals__ | called,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )


def run_interpreted(kernel, *arguments):
    """Run a kernel as plain Python, without numpy's warnings of overflow."""
    with np.errstate(all="ignore"):
        return interpreted(kernel)(*arguments)


def assert_interpreted_equals_compiled(kernel, make):
    """Running a kernel both ways returns the same and leaves equal arrays.

    `make` returns fresh arguments at each call. Whole buffers are compared, of which an argument
    may be a part: nothing else may be written. The interpreted run is first, because its errors are
    readable.
    """
    plain, compiled = make(), make()
    returned = run_interpreted(kernel, *plain)
    rounding = max((TOLERANCE.get(getattr(one, "dtype", None), 0) for one in plain), default=0)
    found = kernel(*compiled)
    if returned is None:
        assert found is None
    else:
        np.testing.assert_allclose(found, returned, rounding, rounding, err_msg="what is returned")
    for number, (expected, found) in enumerate(zip(plain, compiled, strict=True)):
        if isinstance(expected, np.ndarray):
            expected, found = whole(expected), whole(found)
            scale = max(1.0, float(np.abs(expected).max(initial=0)))
            difference = float(np.abs(expected - found).max(initial=0))
            assert difference <= TOLERANCE.get(expected.dtype, 0) * scale, f"argument {number}"


def whole(array):
    return array if array.base is None else array.base


def numeric_gradient(value, x, h=1e-5):
    """Central differences of the scalar `value()` by every element of `x`, which it reads."""
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        kept = x[place]
        x[place] = kept + h
        above = value()
        x[place] = kept - h
        below = value()
        x[place] = kept
        gradient[place] = (above - below) / (2 * h)
    return gradient


def assert_gradient(analytic, value, x, tolerance=1e-7):
    """‖a − n‖ / ‖a‖ is small, for the gradient a of `value` by `x`."""
    norm = np.linalg.norm(analytic)
    assert norm > 0
    assert np.linalg.norm(analytic - numeric_gradient(value, x)) / norm <= tolerance
