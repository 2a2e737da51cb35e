"""Compile the kernels of all configurations in advance."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnistlab.runtime.compiler import INTERPRETED, kernel_cache_dir
from mnistlab.runtime.compiling import compile_in_advance
from mnistlab.support import durable
from mnistlab.support.errors import UsageError
from mnistlab.support.host import available_cpus
from mnistlab.support.whole_numbers import whole_number
from mnistlab.training.every_kernel import every_kernel

PACKAGE = Path(__file__).parents[2]
MOST_KERNELS = 1_000_000


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

    The list of all kernels takes half a minute. So the cache keeps, in a file, that it has them
    all. `progress` receives the number of compiled kernels and their total, from any thread. Raises
    UsageError if the environment turns compilation off.
    """
    if INTERPRETED:
        raise UsageError("NUMBA_DISABLE_JIT is set in the environment: no kernel is compiled")
    cache = kernel_cache_dir()
    complete = cache / f"complete-{_digest(dtypes)}"
    if kernels := _number_in(complete):
        return WarmedUp(cache, kernels, 0, 0.0)
    tell("listing the kernels of all configurations …")
    loops, functions = every_kernel([np.dtype(name) for name in dtypes])
    compiled, seconds = compile_in_advance(
        loops, functions, workers or available_cpus(), progress, tell
    )
    kernels = len(loops) + len(functions)
    durable.write_file(complete, f"{kernels}\n")
    return WarmedUp(cache, kernels, compiled, seconds)


def _digest(dtypes: Sequence[str]) -> str:
    """A digest of what the list of kernels depends on: the dtypes, and every file of the package.

    The cache's folder already belongs to one version of what is compiled.
    """
    digest = hashlib.sha256(" ".join(dtypes).encode())
    for source in sorted(PACKAGE.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _number_in(complete: Path) -> int | None:
    """The number of kernels in the file; None if there is no file, or it is damaged."""
    try:
        text = complete.read_text(encoding="ascii")
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    return whole_number(text.strip(), MOST_KERNELS)
