"""The compiler's options for every kernel."""

from typing import Any

# The fast-math flags without `nnan` and `ninf`: with those the compiler may assume that no NaN
# exists, and a run that diverges could not be detected.
FAST_MATH = {"arcp", "contract", "nsz", "reassoc"}
OPTIONS: dict[str, Any] = {
    "fastmath": FAST_MATH,
    "nogil": True,
    "error_model": "numpy",
    "forceinline": True,
    "no_cfunc_wrapper": True,
    "_nrt": False,
}
