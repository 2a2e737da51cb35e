"""Compiles and runs kernels. Contains no name of a block."""

import os

from mnistlab.support.numba_settings import check_numba_settings

# This must run before any module of this package imports numba.
check_numba_settings()
# Where colorama is installed, numba uses it to colour its errors; then every command would end by
# an escape sequence on the terminal.
os.environ.setdefault("NUMBA_DISABLE_ERROR_MESSAGE_HIGHLIGHTING", "1")
