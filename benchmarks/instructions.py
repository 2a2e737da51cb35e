"""Restrict every library to an instruction set that other processors have, to see its speed there.

Each library reads its own variables when it is first imported, so the program starts anew.
"""

import os
import sys
from collections.abc import Sequence

# The AVX2 of an Intel Haswell, whatever the processor offers besides.
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "NUMBA_CPU_FEATURES": "+avx2,+fma",
    "NUMBA_CPU_NAME": "haswell",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
}
SETS = {"avx2": AVX2}


def restrict(name: str, module: str, arguments: Sequence[str]) -> None:
    """Run `python -m module arguments` restricted to the instruction set, in place of this process.

    Returns if this process is restricted already.
    """
    variables = SETS[name]
    if any(os.environ.get(key) != value for key, value in variables.items()):
        os.environ.update(variables)
        os.execv(sys.executable, [sys.executable, "-m", module, *arguments])
