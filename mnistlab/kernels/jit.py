"""The one compiler decorator, `@kernel`, its disk cache, and calls by address.

`NUMBA_DISABLE_JIT=1` runs everything interpreted: a breakpoint may then stand in any kernel.
"""

import atexit
import hashlib
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding
import numba
from numba import types
from numba.extending import intrinsic, overload

from mnistlab.kernels.checked_cache import check_cache_of
from mnistlab.locks import check_lockable, file_lock
from mnistlab.paths import cache_dir

# The fast-math flags without `nnan` and `ninf`: with those the compiler may assume that no NaN
# exists, and a run that diverges could not be detected.
FAST_MATH = {"arcp", "contract", "nsz", "reassoc"}
INTERPRETED = bool(numba.config.DISABLE_JIT)
LOCK_NAME = "compile.lock"
logger = logging.getLogger(__name__)


@cache
def kernel_cache_dir() -> Path:
    """The folder of compiled code, made if need be; this process's own where nobody can write or
    lock the shared one.

    Numba gives two processes that add to a function's index at once the same file for different
    code, so nothing is added but under the lock.
    """
    folder = cache_dir() / "kernels" / _digest()
    try:
        check_lockable(folder / LOCK_NAME)
        return folder
    except OSError as error:
        logger.warning(
            "%s: cannot keep compiled code here (%s): it is compiled for this process alone; "
            "MNISTLAB_CACHE_DIR chooses another folder",
            folder,
            error.strerror,
        )
    own = tempfile.mkdtemp(prefix="mnistlab-kernels-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return Path(own)


def _digest() -> str:
    """Of all that compiled code depends on, or that numba's cache tells it apart by.

    Numba looks at the file of the compiled function alone, not at the modules that it calls, so an
    edit anywhere in `kernels/` or `engine/` has to lead to another folder. Where code lies, how old
    it is and the processor are numba's own: were they not in here, the stamps of one installation
    would speak for another, which would then compile without the lock.
    """
    package = Path(__file__).parent.parent
    processor = llvmlite.binding.get_host_cpu_name()
    versions = f"{numba.__version__} {llvmlite.__version__} {processor} {package}"
    digest = hashlib.sha256(versions.encode())
    for source in sorted([*package.glob("kernels/**/*.py"), *package.glob("engine/**/*.py")]):
        digest.update(f"{source.name} {source.stat().st_mtime_ns}\0".encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


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
    "_nrt": False,
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


def view(function: Callable[..., Any]) -> Any:
    """A kernel that returns parts of its arguments' arrays, written out where it is called.

    Kernels count no references to arrays (two atomic instructions for every loop's slice), and so
    can't return them; from Python these can be called all the same.
    """
    return numba.njit(**OPTIONS | {"_nrt": True}, inline="always")(function)


def named(function: Callable[..., Any], number: int) -> Callable[..., Any]:
    """The function under a name of its own, where several of one definition differ by a number.

    By its name a function is known to the linker, to the disk cache, and to who reads a profile.
    """
    function.__name__ = function.__qualname__ = f"{function.__name__}_{number}"
    return function


def generic_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """A part of kernels, in which an argument that they give as a constant is a constant.

    The lanes of a vector are such an argument. Compiled within each kernel that calls it;
    called from Python it runs as Python.
    """
    options: Any = {
        name: OPTIONS[name] for name in ("fastmath", "error_model", "forceinline", "_nrt")
    }
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


def compile_lock(waiting: Callable[[], None] = lambda: None) -> AbstractContextManager[None]:
    """Held while compiling, so that of many processes with a cold cache one compiles.

    `waiting` is called where another process holds it.
    """
    return file_lock(kernel_cache_dir() / LOCK_NAME, waiting)
