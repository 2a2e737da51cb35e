"""The machine that a benchmark ran on, and what its BLAS can do at best."""

import importlib.metadata
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from mnistlab.store.provenance import collect

PRODUCT_SIDE = 2048
PRODUCT_REPEATS = 5


def surroundings(threads: int) -> dict[str, Any]:
    """Time, processor, versions and source of a run."""
    facts = collect(threads, [])
    del facts["argv"]
    facts["git"] = asdict(facts["git"])
    facts["versions"] |= {name: _version(name) for name in ("torch", "jax", "jaxlib")}
    return {"measured": datetime.now(UTC).isoformat(timespec="seconds"), **facts}


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def blas_peak(threads: int) -> float:
    """GFLOP/s of numpy's single-precision product of large matrices, the best of a few."""
    rng = np.random.default_rng(0)
    left, right = rng.random((2, PRODUCT_SIDE, PRODUCT_SIDE), np.float32)
    product = np.empty_like(left)
    seconds = []
    with threadpool_limits(threads, user_api="blas"):
        for _ in range(PRODUCT_REPEATS):
            started = time.perf_counter()
            np.matmul(left, right, out=product)
            seconds.append(time.perf_counter() - started)
    return 2 * PRODUCT_SIDE**3 / min(seconds) / 1e9
