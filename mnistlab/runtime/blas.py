"""The matrix product: BLAS's gemm, from the BLAS library in SciPy."""

import importlib
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

import numpy as np
import scipy
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload


def gemm(
    alpha: float,
    A: np.ndarray,
    transpose_A: bool,
    B: np.ndarray,
    transpose_B: bool,
    beta: float,
    C: np.ndarray,
) -> None:
    """C ← alpha · op(A) · op(B) + beta · C, where op(M) is Mᵀ if its flag is set, else M.

    op(A) (m, k), op(B) (k, n), C (m, n): one floating dtype, rows contiguous (a block of columns of
    a larger matrix is allowed). With beta = 0, C need not be initialised. Source: BLAS level 3,
    xGEMM.
    """
    left = A.T if transpose_A else A
    right = B.T if transpose_B else B
    product = C.dtype.type(alpha) * (left @ right)
    C[...] = product if beta == 0 else product + C.dtype.type(beta) * C


def load_blas() -> None:
    """Load SciPy's BLAS, as numba's first product would do.

    Its module is loaded without the package `scipy.linalg` around it, whose import takes longer
    than numpy's. numba asks for the module by name, and finds it.
    """
    name, folder = "scipy.linalg.cython_blas", Path(scipy.__file__).parent / "linalg"
    if name in sys.modules:
        return
    spec = PathFinder.find_spec(name, [str(folder)])
    if spec is None or spec.loader is None:  # in an archive, for example
        importlib.import_module(name)
        return
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[name] = module


@intrinsic
def _xxgemm(typing_context, kind, transposes, sizes, scalars, pointers):  # type: ignore[no-untyped-def]
    """numba_xxgemm, numba's entry to BLAS; it calls SciPy's gemm for the kind, 's' or 'd'."""
    signature = types.int32(kind, transposes, sizes, scalars, pointers)

    def codegen(context, builder, _signature, values):  # type: ignore[no-untyped-def]
        kind_value, transposes_value, sizes_value, scalars_value, pointers_value = values
        char, size, pointer = ir.IntType(8), cgutils.intp_t, cgutils.voidptr_t
        function_type = ir.FunctionType(
            ir.IntType(32),
            [*[char] * 3, *[size] * 3, *[pointer] * 2, size, pointer, size, *[pointer] * 2, size],
        )
        function = cgutils.get_or_insert_function(builder.module, function_type, "numba_xxgemm")
        transpose = cgutils.unpack_tuple(builder, transposes_value)
        m, n, k, lda, ldb, ldc = cgutils.unpack_tuple(builder, sizes_value)
        alpha, beta = (
            builder.bitcast(cgutils.alloca_once_value(builder, value), pointer)
            for value in cgutils.unpack_tuple(builder, scalars_value)
        )
        a, b, c = (
            builder.inttoptr(value, pointer)
            for value in cgutils.unpack_tuple(builder, pointers_value)
        )
        letters = [builder.trunc(value, char) for value in (kind_value, *transpose)]
        arguments = [*letters, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc]
        return builder.call(function, arguments)

    return signature, codegen


_NO, _YES = ord("n"), ord("t")
_KIND = {np.dtype(np.float32): ord("s"), np.dtype(np.float64): ord("d")}


@overload(gemm)
def _compiled_gemm(alpha, A, transpose_A, B, transpose_B, beta, C):  # type: ignore[no-untyped-def]
    dtype = np.dtype(C.dtype.name)
    kind, itemsize, scalar = _KIND[dtype], dtype.itemsize, dtype.type

    def implementation(alpha, A, transpose_A, B, transpose_B, beta, C):  # type: ignore[no-untyped-def]
        m, n = C.shape
        k = A.shape[0] if transpose_A else A.shape[1]
        if m == 0 or n == 0:
            return
        # BLAS stores matrices by columns, so it sees the transposes: Cᵀ = op(B)ᵀ · op(A)ᵀ.
        status = _xxgemm(
            kind,
            (_YES if transpose_B else _NO, _YES if transpose_A else _NO),
            (n, m, k, B.strides[0] // itemsize, A.strides[0] // itemsize, C.strides[0] // itemsize),
            (scalar(alpha), scalar(beta)),
            (B.ctypes.data, A.ctypes.data, C.ctypes.data),
        )
        if status != 0:
            raise MemoryError("BLAS did not run")

    return implementation
