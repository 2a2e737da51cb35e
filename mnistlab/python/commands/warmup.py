"""Compile the kernels of all configurations in advance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnistlab.runtime.compiler import INTERPRETED, kernel_cache_dir
from mnistlab.runtime.compiling import compile_in_advance
from mnistlab.support.errors import UsageError
from mnistlab.support.host import available_cpus
from mnistlab.training.every_kernel import every_kernel


@dataclass(frozen=True)
class WarmedUp:
    """The folder of compiled code, the kernels that it has now, and how many of them are new."""

    cache: Path
    kernels: int
    compiled: int
    seconds: float


def warmup(
    dtypes: Sequence[str],
    *,
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    tell: Callable[[str], None] = lambda text: None,
) -> WarmedUp:
    """Compile all kernels that the cache lacks, in `workers` processes (None: one for each
    processor).

    `progress` receives the number of compiled kernels and their total, from any thread. Raises
    UsageError if the environment turns compilation off.
    """
    if INTERPRETED:
        raise UsageError("NUMBA_DISABLE_JIT is set in the environment: no kernel is compiled")
    loops, functions = every_kernel([np.dtype(name) for name in dtypes])
    compiled, seconds = compile_in_advance(
        loops, functions, workers or available_cpus(), progress, tell
    )
    return WarmedUp(kernel_cache_dir(), len(loops) + len(functions), compiled, seconds)
