import itertools
import os
import subprocess
import sys
from textwrap import dedent

import numpy as np
import pytest
from kernel_helpers import DTYPES, TOLERANCE, assert_interpreted_equals_compiled, normal

from mnistlab.runtime import blas
from mnistlab.runtime.blas import gemm
from mnistlab.runtime.kernel import kernel
from mnistlab.runtime.threads import engine_threads
from mnistlab.sweeps.executors import ONE_THREAD

TRANSPOSES = list(itertools.product([False, True], repeat=2))


@kernel
def product(alpha, A, transpose_A, B, transpose_B, beta, C):
    gemm(alpha, A, transpose_A, B, transpose_B, beta, C)


def block(rows, columns, dtype, seed, margin):
    """A matrix with `margin` columns of a larger one on either side of it."""
    large = normal((rows, columns + 2 * margin), dtype, seed)
    return large[:, margin : margin + columns]


def matrices(dtype, m, n, k, transpose_A, transpose_B, margin):
    return (
        block(*((k, m) if transpose_A else (m, k)), dtype, 1, margin),
        block(*((n, k) if transpose_B else (k, n)), dtype, 2, margin),
        block(m, n, dtype, 3, margin),
    )


@pytest.mark.parametrize("margin", [0, 2])
@pytest.mark.parametrize(("transpose_A", "transpose_B"), TRANSPOSES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_gemm_is_the_product_of_every_shape_transposed_or_not(
    dtype, transpose_A, transpose_B, margin
):
    for (m, n, k), alpha, beta in itertools.product(
        [(4, 3, 5), (1, 1, 1), (1, 6, 2), (6, 1, 2), (33, 17, 40)], [1.0, -0.5], [0.0, 1.0, 0.75]
    ):

        def make(m=m, n=n, k=k, alpha=alpha, beta=beta):
            A, B, C = matrices(dtype, m, n, k, transpose_A, transpose_B, margin)
            return alpha, A, transpose_A, B, transpose_B, beta, C

        assert_interpreted_equals_compiled(product, make)
        _, A, _, B, _, _, C = made = make()
        left, right = A.T if transpose_A else A, B.T if transpose_B else B
        expected = alpha * np.einsum("ik,kj", left, right, dtype=np.float64) + beta * C
        product(*made)
        assert np.abs(C - expected).max() <= 20 * TOLERANCE[np.dtype(dtype)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_with_beta_zero_what_was_in_the_result_does_not_matter(dtype):
    A, B, C = normal((3, 4), dtype), normal((4, 2), dtype), np.full((3, 2), np.nan, dtype)
    product(1.0, A, False, B, False, 0.0, C)
    np.testing.assert_allclose(C, A @ B, rtol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_empty_block_of_columns_is_left_alone(dtype):
    A, B, C = normal((3, 4), dtype), normal((4, 6), dtype), normal((3, 6), dtype)
    before = C.copy()
    product(1.0, A, False, B[:, 2:2], False, 0.0, C[:, 2:2])
    np.testing.assert_array_equal(C, before)


def test_a_nan_is_multiplied_on():
    A, B, C = np.zeros((2, 3)), np.ones((3, 2)), np.empty((2, 2))
    A[0, 1] = np.nan
    product(1.0, A, False, B, False, 0.0, C)
    assert np.isnan(C[0]).all()
    assert (C[1] == 0).all()


def test_accelerate_has_one_thread_unless_the_user_names_another_number(monkeypatch):
    monkeypatch.setenv("VECLIB_MAXIMUM_THREADS", "")
    monkeypatch.delenv("VECLIB_MAXIMUM_THREADS")
    with engine_threads(1):
        assert os.environ["VECLIB_MAXIMUM_THREADS"] == "1"
    monkeypatch.setenv("VECLIB_MAXIMUM_THREADS", "3")
    with engine_threads(1):
        assert os.environ["VECLIB_MAXIMUM_THREADS"] == "3"
    assert ONE_THREAD["VECLIB_MAXIMUM_THREADS"] == "1"  # of a sweep's workers


def test_the_library_is_loaded_without_its_package_and_others_find_both():
    code = """
        import sys
        from mnistlab.runtime.blas import load_blas
        load_blas()
        assert "scipy.linalg" not in sys.modules
        import numba, numpy
        product = numba.njit(lambda a, b: a @ b)(numpy.eye(3), numpy.ones((3, 3)))
        assert (product == 1).all()
        assert "scipy.linalg" not in sys.modules
        import scipy.linalg, scipy.optimize
        from scipy.linalg import cython_blas
        assert cython_blas is sys.modules["scipy.linalg.cython_blas"]
        assert scipy.linalg.det(numpy.eye(3)) == 1
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", dedent(code)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_where_its_file_is_not_found_it_is_imported(monkeypatch):
    asked = []
    monkeypatch.delitem(sys.modules, "scipy.linalg.cython_blas", raising=False)
    monkeypatch.setattr(blas.PathFinder, "find_spec", lambda *_: None)
    monkeypatch.setattr(blas.importlib, "import_module", asked.append)
    blas.load_blas()
    assert asked == ["scipy.linalg.cython_blas"]
