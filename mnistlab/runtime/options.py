"""The compiler's options for every kernel."""

from typing import Any

# The fast-math flags without `nnan` and `ninf`. With those the compiler may assume that NaN never
# occurs, and a diverging run could not be detected.
FAST_MATH = {"arcp", "contract", "nsz", "reassoc"}
OPTIONS: dict[str, Any] = {
    "fastmath": FAST_MATH,
    "nogil": True,
    "error_model": "numpy",
    "forceinline": True,
    "no_cfunc_wrapper": True,
    "_nrt": False,
}
