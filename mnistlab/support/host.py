"""What mnistlab runs on: processors, and the versions of Python and of libraries, none imported."""

import importlib.metadata
import os
import platform
from functools import cache

import mnistlab

# As pyproject.toml names them; a package run from its sources has no metadata to ask.
DEPENDENCIES = (
    "jinja2",
    "matplotlib",
    "numba",
    "numpy",
    "pandas",
    "pillow",
    "platformdirs",
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
# Those that the bits of a run depend on.
LIBRARIES = ("python", "numba", "numpy", "scipy")


def available_cpus() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def library_versions() -> dict[str, str | None]:
    """Python's version and every dependency's; None for one that is not installed."""
    versions = {name: _version(name) for name in DEPENDENCIES}
    return {"python": platform.python_version(), **versions}


def deciding_versions() -> dict[str, str | None]:
    """What the bits of a run depend on besides its configuration, its data and the processor."""
    return {"mnistlab": mnistlab.__version__, **{n: library_versions()[n] for n in LIBRARIES}}


@cache
def _version(distribution: str) -> str | None:
    try:
        metadata = importlib.metadata.distribution(distribution).read_text("METADATA")
    except importlib.metadata.PackageNotFoundError:
        return None
    # importlib.metadata.version parses all of it as an e-mail: 40 ms for our libraries, not 4.
    headers = (metadata or "").partition("\n\n")[0]
    return headers.partition("\nVersion:")[2].partition("\n")[0].strip() or None
