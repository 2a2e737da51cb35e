"""The host: processors, and the versions of Python and of libraries, without importing them."""

import importlib.metadata
import platform
from functools import cache

import mnistlab
from mnistlab.support.platform import system

# The names in pyproject.toml; a package run from its sources has no metadata.
DEPENDENCIES = (
    "jinja2",
    "matplotlib",
    "numba",
    "numpy",
    "pandas",
    "pillow",
    "platformdirs",
    "psutil",
    "pydantic",
    "pyyaml",
    "requests",
    "rich",
    "safetensors",
    "scikit-learn",
    "scipy",
    "threadpoolctl",
    "typer",
)
# They limit the threads of BLAS libraries; the last one those of Accelerate, of macOS.
BLAS_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
# Those that affect the bits of a run.
LIBRARIES = ("python", "numba", "numpy", "scipy")


def available_cpus() -> int:
    """The number of processors that this process may use."""
    return system.available_cpus()


def library_versions() -> dict[str, str | None]:
    """Python's version and every dependency's; None for one that is not installed."""
    versions = {name: _version(name) for name in DEPENDENCIES}
    return {"python": platform.python_version(), **versions}


def deciding_versions() -> dict[str, str | None]:
    """What affects the bits of a run besides its configuration, its data and the processor."""
    return {"mnistlab": mnistlab.__version__, **{n: library_versions()[n] for n in LIBRARIES}}


@cache
def _version(distribution: str) -> str | None:
    try:
        metadata = importlib.metadata.distribution(distribution).read_text("METADATA")
    except importlib.metadata.PackageNotFoundError:
        return None
    # importlib.metadata.version parses all metadata as an e-mail: 40 ms instead of 4 for all
    # libraries.
    headers = (metadata or "").partition("\n\n")[0]
    return headers.partition("\nVersion:")[2].partition("\n")[0].strip() or None
