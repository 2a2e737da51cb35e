"""Compiles and runs kernels. Contains no name of a block."""

from mnistlab.support.numba_settings import check_numba_settings

# This must run before any module of this package imports numba.
check_numba_settings()
