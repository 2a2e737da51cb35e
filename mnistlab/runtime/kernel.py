"""`@kernel`: a plain function of arrays that is compiled when it is first run.

A module of kernels imports no compiler, so that the configuration of a block can stand beside its
maths and `mnistlab schema` stays instant. `compiler.py` compiles; `NUMBA_DISABLE_JIT=1` runs all
kernels as the plain Python that they are, and a breakpoint may then stand in any of them.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any


class Kernel:
    """A function that is compiled for the types of its arguments when it is first called.

    `py_func` is the function itself. Inlined wherever another kernel calls it, so that only one
    copy of its code is ever run: which of two copies is called would depend on what else a process
    has compiled or loaded before.
    """

    def __init__(self, function: Callable[..., Any], *, parallel: bool, is_view: bool) -> None:
        self.py_func = function
        self.parallel = parallel
        self.is_view = is_view
        self.__name__ = function.__name__
        self.place = (function.__module__, function.__qualname__)  # see kernel_at
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__
        self._dispatcher: Any = None

    def __repr__(self) -> str:
        return f"<kernel {self.__module__}.{self.__name__}>"

    @property
    def dispatcher(self) -> Any:
        """The compiler's own object for this kernel; the plain function where nothing compiles."""
        if self._dispatcher is None:
            from mnistlab.runtime.compiler import dispatcher_of

            self._dispatcher = dispatcher_of(self)
        return self._dispatcher

    @property
    def targetoptions(self) -> dict[str, Any]:
        """The compiler's options; it looks here for what is written out where it is called."""
        return self.dispatcher.targetoptions if self.is_view else {}

    def __call__(self, *arguments: Any) -> Any:
        return self.dispatcher(*arguments)


def kernel(function: Callable[..., Any] | None = None, *, parallel: bool = False) -> Any:
    """Make a function a kernel: no GIL, no bounds checks, NaN kept, compiled code kept on disk."""
    if function is None:
        return lambda function: Kernel(function, parallel=parallel, is_view=False)
    return Kernel(function, parallel=parallel, is_view=False)


def view(function: Callable[..., Any]) -> Any:
    """A kernel that returns parts of its arguments' arrays, written out where it is called.

    Kernels count no references to arrays (two atomic instructions for every loop's slice), and so
    can't return them; from Python these can be called all the same.
    """
    return Kernel(function, parallel=False, is_view=True)


def named(function: Callable[..., Any], number: int) -> Callable[..., Any]:
    """The function under a name of its own, where several of one definition differ by a number.

    By its name a function is known to the linker, to the disk cache, and to who reads a profile.
    """
    function.__name__ = f"{function.__name__}_{number}"
    function.__qualname__ = f"{function.__qualname__}_{number}"
    return function


def kernel_at(module: str, name: str) -> Kernel | None:
    """The kernel that has this place in a module; None for one that was made within a function.

    One of several that differ by a number is made, if need be, by the function that makes them: it
    takes the number and keeps what it has made.
    """
    maker, is_made, _ = name.partition(".<locals>.")
    found = getattr(import_module(module), maker, None)
    number = name.rpartition("_")[2]
    if is_made and number.isdecimal() and callable(found):
        found = found(int(number))
    return found if isinstance(found, Kernel) else None
