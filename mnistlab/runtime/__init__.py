"""How kernels are compiled and run. It knows no block by name."""

from mnistlab.support.numba_settings import check_numba_settings

# Here, before anything in this room imports numba.
check_numba_settings()
