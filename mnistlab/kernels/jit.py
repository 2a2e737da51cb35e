"""The one compiler decorator, `@kernel`, its disk cache, and calls by address.

`NUMBA_DISABLE_JIT=1` runs everything interpreted: a breakpoint may then stand in any kernel.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba import types
from numba.extending import intrinsic, overload

from mnistlab.kernels.checked_cache import check_cache_of
from mnistlab.paths import cache_dir

# The fast-math flags without `nnan` and `ninf`: with those the compiler may assume that no NaN
# exists, and a run that diverges could not be detected.
FAST_MATH = {"arcp", "contract", "nsz", "reassoc"}
INTERPRETED = bool(numba.config.DISABLE_JIT)
logger = logging.getLogger(__name__)


@cache
def kernel_cache_dir() -> Path:
    """The folder of compiled code, named by a digest of all that the code depends on.

    Numba's cache looks at the file of the compiled function alone, not at the modules that it
    calls, so an edit anywhere in `kernels/` or `engine/` has to lead to another folder.
    """
    digest = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__}".encode())
    package = Path(__file__).parent.parent
    for source in sorted([*package.glob("kernels/**/*.py"), *package.glob("engine/**/*.py")]):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return cache_dir() / "kernels" / digest.hexdigest()[:16]


@contextmanager
def _numba_cache_in(folder: Path) -> Iterator[None]:
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


OPTIONS: dict[str, Any] = {
    "fastmath": FAST_MATH,
    "nogil": True,
    "error_model": "numpy",
    "forceinline": True,
    "no_cfunc_wrapper": True,
}


def kernel(function: Callable[..., Any] | None = None, *, parallel: bool = False) -> Any:
    """Compile a function on its first call: no GIL, no bounds checks, NaN kept, kept on disk.

    Inlined wherever another kernel calls it, so that only one copy of its code is ever run: which
    of two copies is called would depend on what else a process has compiled or loaded before.
    """
    options = OPTIONS | {"cache": True, "parallel": parallel, "forceinline": not parallel}

    def compile_lazily(function: Callable[..., Any]) -> Any:
        with _numba_cache_in(kernel_cache_dir()):
            compiled = numba.njit(**options)(function)
        if not INTERPRETED:
            check_cache_of(compiled)
        return compiled

    return compile_lazily if function is None else compile_lazily(function)


def generic_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """A part of kernels, in which an argument that they give as a constant is a constant.

    The lanes of a vector are such an argument. Compiled within each kernel that calls it;
    called from Python it runs as Python.
    """
    options: Any = {name: OPTIONS[name] for name in ("fastmath", "error_model", "forceinline")}
    overload(function, jit_options=options, strict=False, prefer_literal=True)(
        lambda *arguments: function
    )
    return function


@intrinsic
def _call_compiled(typing_context, address, *arguments):  # type: ignore[no-untyped-def]
    """Call the compiled function at `address` (int64) with `arguments`; it returns nothing."""
    # A star argument arrives as one tuple type, and its value as one tuple.
    argument_types = tuple(arguments[0]) if len(arguments) == 1 else arguments
    signature = types.void(address, types.StarArgTuple(argument_types))

    def codegen(context, builder, _signature, values):  # type: ignore[no-untyped-def]
        pointer_type = context.call_conv.get_function_type(types.void, argument_types)
        function = builder.inttoptr(values[0], pointer_type.as_pointer())
        unpacked = [builder.extract_value(values[1], i) for i in range(len(argument_types))]
        status, _ = context.call_conv.call_function(
            builder, function, types.void, argument_types, unpacked
        )
        with builder.if_then(status.is_error, likely=False):
            context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return signature, codegen


_interpreted: list[Callable[..., None]] = []


def _call_interpreted(address: int, *arguments: Any) -> None:
    _interpreted[address](*arguments)


call_address = _call_interpreted if INTERPRETED else _call_compiled


def _stamp(function: Any, argument_types: tuple[Any, ...]) -> Path:
    name = f"{function.__module__}.{function.__name__}{argument_types}"
    return kernel_cache_dir() / "compiled" / hashlib.sha256(name.encode()).hexdigest()[:24]


def is_compiled(function: Any, argument_types: tuple[Any, ...]) -> bool:
    """Whether the disk cache should hold `function` for these types already."""
    return INTERPRETED or _stamp(function, argument_types).exists()


def compile_for(function: Any, argument_types: tuple[Any, ...]) -> None:
    """Compile a kernel for these types, or load it from the disk cache."""
    if not INTERPRETED:
        function.compile(argument_types)


def address_of(function: Any, argument_types: tuple[Any, ...]) -> int:
    """The address of a kernel that returns nothing, compiled for these types: for `call_address`.

    The kernel stays in memory as long as its module does, and so the address stays good.
    """
    if INTERPRETED:
        if function not in _interpreted:
            _interpreted.append(function)
        return _interpreted.index(function)
    compile_for(function, argument_types)
    compiled = function.overloads[argument_types]
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))


def mark_compiled(function: Any, argument_types: tuple[Any, ...]) -> None:
    """Note that the disk cache holds `function` for these types."""
    if not INTERPRETED:
        stamp = _stamp(function, argument_types)
        try:
            stamp.parent.mkdir(parents=True, exist_ok=True)
            stamp.touch()
        except OSError as error:
            logger.warning("%s: cannot be marked as compiled (%s)", stamp, error.strerror)


@contextmanager
def compile_lock() -> Iterator[None]:
    """Held while compiling, so that of many processes with a cold cache one compiles."""
    import fcntl

    folder = kernel_cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "compile.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
