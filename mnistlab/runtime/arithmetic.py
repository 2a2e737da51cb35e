"""What affects a run's rounding, besides its configuration and the libraries' versions.

Numba reads settings from `NUMBA_*` variables and from `.numba_config.yaml` in the working folder,
and has no option to ignore that file. So the current settings are recorded in run.json.
"""

import json
import os
from functools import cache
from typing import Any

import numba
from numba.core.registry import cpu_target

# These select kernels of BLAS, of numpy and of the C library, which round differently.
VARIABLES = (
    "BLIS_ARCH_TYPE",
    "GLIBC_TUNABLES",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
    "NPY_ENABLE_CPU_FEATURES",
    "OPENBLAS_CORETYPE",
)


def arithmetic() -> dict[str, Any]:
    """The section of run.json: the current settings, and the processor that code is
    compiled for.
    """
    variables = {name: os.environ.get(name) for name in VARIABLES}
    return {"settings": {**_compiler_settings(), **variables}, "processor": _processor()}


def code_key() -> str:
    """Everything that compiled code depends on, as a text; numba's own key has no settings."""
    return json.dumps([_compiler_settings(), _processor()], sort_keys=True)


def compiles_for(feature: str) -> bool:
    """Whether compiled code may use an extension of the instruction set, such as `avx512f`.

    `NUMBA_CPU_FEATURES` can forbid an extension that the processor has.
    """
    return feature in _processor()["features"].split()


def _compiler_settings() -> dict[str, Any]:
    config = numba.config
    return {
        "interpreted": bool(config.DISABLE_JIT),
        "optimization": str(config.OPT._raw_value),
        "loop_vectorize": bool(config.LOOP_VECTORIZE),
        "slp_vectorize": bool(config.SLP_VECTORIZE),
        "svml": bool(config.USING_SVML),
        "avx": bool(config.ENABLE_AVX),
        "bounds_check": config.BOUNDSCHECK,
        "debug_info": bool(config.DEBUGINFO_DEFAULT),
        "extend_lifetimes": bool(config.EXTEND_VARIABLE_LIFETIMES),
    }


@cache
def _processor() -> dict[str, str]:
    """The processor and its features, as set for numba or detected by it."""
    triple, name, features = cpu_target.target_context.codegen().magic_tuple()
    had = [feature[1:] for feature in features.split(",") if feature.startswith("+")]
    return {"target": triple, "name": name, "features": " ".join(sorted(had))}
