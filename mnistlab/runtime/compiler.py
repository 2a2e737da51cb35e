"""Compiles kernels: numba's options, the disk cache, and calls by address."""

import atexit
import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba import types
from numba.extending import overload, typeof_impl

from mnistlab.runtime import (  # noqa: F401 - the compiler's part of what kernels call
    calls,
    calls_compiled,
    dither_compiled,
    exponential,
    vector_sums_compiled,
    vectors_compiled,
)
from mnistlab.runtime.arithmetic import code_key
from mnistlab.runtime.checked_cache import check_cache_of
from mnistlab.runtime.inlined_code import INLINED
from mnistlab.runtime.kernel import Kernel
from mnistlab.runtime.options import OPTIONS
from mnistlab.runtime.trust import make_private
from mnistlab.support import durable
from mnistlab.support.cache_use import hold, use_lock
from mnistlab.support.host import deciding_versions
from mnistlab.support.locks import check_lockable, file_lock_if_possible
from mnistlab.support.paths import cache_dir
from mnistlab.support.platform import system

INTERPRETED = bool(numba.config.DISABLE_JIT)
KERNELS_NAME = "kernels"
LOCK_NAME = "compile.lock"
GATE_NAME = "compile-gate.lock"
ABOUT_NAME = "about.json"
BY_ADDRESS = "by_address"  # the folder for code that Python does not call
# Any edit in these folders of the package leads to another folder of compiled code.
ROOMS_OF_KERNELS = ("runtime", "blocks")
logger = logging.getLogger(__name__)


def kernel_folder() -> Path:
    """The folder for code that is compiled as this process does; it may not exist yet."""
    return cache_dir() / KERNELS_NAME / _digest()


@cache
def kernel_cache_dir() -> Path:
    """The folder of compiled code; it is created if missing, and held until this process ends.

    A folder of this process alone, if the user's cannot be written or locked, or if others can
    write to it. Two processes that add to a function's index at once would get the same file for
    different code, so code is added only under the lock.
    """
    folder = kernel_folder()
    top = folder.parent.parent
    try:
        make_private(use_lock(folder).parent)
        hold(folder)
        make_private(folder / BY_ADDRESS)
        refused = next(filter(None, map(_refusal, (top, folder.parent, folder))), None)
        if refused is None:
            check_lockable(folder / LOCK_NAME)
            _describe(folder)
            return folder
    except OSError as error:
        refused = f"{folder}: cannot keep compiled code here ({error.strerror})"
    logger.warning(
        "%s: it is compiled for this process alone; MNISTLAB_CACHE_DIR chooses another folder",
        refused,
    )
    own = tempfile.mkdtemp(prefix="mnistlab-kernels-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return Path(own)


def is_kept() -> bool:
    """Whether compiled code is kept for later processes."""
    return kernel_cache_dir() == kernel_folder()


def _describe(folder: Path) -> None:
    """Write what the code is for, so that a user can tell the folders of compiled code apart."""
    about = folder / ABOUT_NAME
    if not about.exists():
        facts = {**deciding_versions(), "package": str(Path(__file__).parent.parent)}
        durable.write_file(about, json.dumps(facts, indent=1))


def _refusal(folder: Path) -> str | None:
    """Why compiled code may not be loaded from a folder; None if it may."""
    why = system.distrust(folder.stat())
    return why and f"{folder}: {why}, who could have their code run by it; no compiled code is used"


def _digest() -> str:
    """A digest of everything that compiled code depends on, or that numba's cache distinguishes.

    Numba checks only the file of the compiled function, not the modules that it calls, so an edit
    in any of ROOMS_OF_KERNELS must lead to another folder. Numba does not check its settings
    either: code compiled with NUMBA_OPT=0 would be loaded without it. The path and age of the code
    and the processor are part of numba's own check. They are also part of the digest: otherwise the
    stamp of one installation would be valid for another, which would then compile without the lock.
    """
    package = Path(__file__).parent.parent
    versions = f"{numba.__version__} {llvmlite.__version__} {code_key()} {package}"
    digest = hashlib.sha256(versions.encode())
    for source in sorted(
        path for room in ROOMS_OF_KERNELS for path in package.glob(f"{room}/**/*.py")
    ):
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


def dispatcher_of(kernel: Kernel) -> Any:
    """The compiler's object for a kernel; the plain function if nothing is compiled."""
    if INTERPRETED:
        return kernel.py_func
    if kernel.is_view:
        return numba.njit(**OPTIONS | {"_nrt": True}, inline="always")(kernel.py_func)
    options = {"parallel": kernel.parallel, "forceinline": not kernel.parallel}
    return _kept(kernel, kernel_cache_dir(), options)


def _kept(kernel: Kernel, folder: Path, options: dict[str, Any]) -> Any:
    """The compiler's object for a kernel whose code is cached in a folder."""
    with _numba_cache_in(folder):
        compiled = numba.njit(**OPTIONS | {"cache": True} | options)(kernel.py_func)
    check_cache_of(compiled)
    return compiled


# A kernel that Python never calls gets no entry point for it: unpacking a Memory of 24 arrays is a
# third of an op's compile time.
NO_ENTRY = {"no_cpython_wrapper": True}


@cache
def _called_by_address(kernel: Kernel) -> Any:
    """The compiler's object for a kernel that others call only by its address."""
    return _kept(kernel, kernel_cache_dir() / BY_ADDRESS, NO_ENTRY)


@cache
def _inlined(kernel: Kernel) -> Any:
    """The compiler's object for a kernel inside others; its code is cached only as part of theirs.

    Two processes that compile at once may both need it. If it were in the disk cache on its own,
    both would add to the same index.
    """
    if kernel.is_view:
        return kernel.dispatcher
    return numba.njit(**OPTIONS | INLINED)(kernel.py_func)


@typeof_impl.register(Kernel)
def _type_of_kernel(kernel: Kernel, _context: Any) -> Any:
    """The type of a kernel that another kernel calls: that of its compiled version."""
    return types.Dispatcher(_inlined(kernel))


def generic_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """A part of kernels that is compiled for constant arguments, such as a vector's number of
    lanes.

    It is compiled inside each kernel that calls it. Called from Python it runs as Python.
    """
    options: Any = {
        name: OPTIONS[name] for name in ("fastmath", "error_model", "forceinline", "_nrt")
    }
    overload(function, jit_options=options | INLINED, strict=False, prefer_literal=True)(
        lambda *arguments: function
    )
    return function


def _stamp(function: Any, argument_types: tuple[Any, ...]) -> Path:
    name = f"{function.__module__}.{function.__name__}{argument_types}"
    return kernel_cache_dir() / "compiled" / hashlib.sha256(name.encode()).hexdigest()[:24]


def is_compiled(function: Any, argument_types: tuple[Any, ...]) -> bool:
    """Whether the disk cache should hold `function` for these types already."""
    return INTERPRETED or _stamp(function, argument_types).exists()


def compile_for(function: Any, argument_types: tuple[Any, ...]) -> None:
    """Compile a kernel for these types, or load it from the disk cache."""
    if not INTERPRETED:
        function.dispatcher.compile(argument_types)


def address_of(function: Any, argument_types: tuple[Any, ...]) -> int:
    """The address for `call_address` of a kernel that returns nothing, compiled for these types.

    The kernel stays in memory as long as its module, and the address stays valid.
    """
    if INTERPRETED:
        return calls.address_of_interpreted(function.py_func)
    dispatcher = _called_by_address(function)
    dispatcher.compile(argument_types)
    compiled = dispatcher.overloads[argument_types]
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))


def mark_compiled(function: Any, argument_types: tuple[Any, ...]) -> None:
    """Record that the disk cache has `function` for these types."""
    if not INTERPRETED:
        stamp = _stamp(function, argument_types)
        try:
            stamp.parent.mkdir(parents=True, exist_ok=True)
            stamp.touch()
        except OSError as error:
            logger.warning("%s: cannot be marked as compiled (%s)", stamp, error.strerror)


def processors() -> int:
    """How many processors the compiler may use: the engine's number of threads."""
    return int(numba.config.NUMBA_NUM_THREADS)


@contextmanager
def compile_lock(waiting: Callable[[], None] = lambda: None) -> Iterator[int]:
    """The lock to hold while compiling, so that one of many processes with a cold cache compiles.

    Yields the lock's descriptor. `waiting` is called if another process holds it. A process that
    waits for it holds the gate. So one that releases the lock and wants it again at once stays
    behind those that wait. The folder of this process alone needs no lock, and may lie on a file
    system that has none.
    """
    told_once = cache(waiting)
    lock, gate = (kernel_cache_dir() / name for name in (LOCK_NAME, GATE_NAME))
    with ExitStack() as held:
        with file_lock_if_possible(gate, told_once):
            descriptor = held.enter_context(file_lock_if_possible(lock, told_once))
        yield descriptor
