"""`@kernel`: a plain function of arrays that is compiled when it is first called.

A module of kernels imports no compiler, so the configuration of a block can be beside its maths and
`mnistlab schema` stays fast. `compiler.py` compiles. With `NUMBA_DISABLE_JIT=1` all kernels run as
plain Python, and can be debugged with breakpoints.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any


class Kernel:
    """A function that is compiled for the types of its arguments when it is first called.

    `py_func` is the function itself. It is inlined into every kernel that calls it, so that only
    one copy of its code runs. With two copies, what else a process compiled or loaded before would
    decide which of them is called.
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
        """The compiler's object for this kernel; the plain function if nothing is compiled."""
        if self._dispatcher is None:
            from mnistlab.runtime.compiler import dispatcher_of

            self._dispatcher = dispatcher_of(self)
        return self._dispatcher

    @property
    def targetoptions(self) -> dict[str, Any]:
        """The compiler's options; numba reads here which kernels to expand where they are
        called.
        """
        return self.dispatcher.targetoptions if self.is_view else {}

    def __call__(self, *arguments: Any) -> Any:
        return self.dispatcher(*arguments)


def kernel(function: Callable[..., Any] | None = None, *, parallel: bool = False) -> Any:
    """Make a function a kernel: no GIL, no bounds checks, NaN respected, compiled code cached on
    disk.
    """
    if function is None:
        return lambda function: Kernel(function, parallel=parallel, is_view=False)
    return Kernel(function, parallel=parallel, is_view=False)


def view(function: Callable[..., Any]) -> Any:
    """A kernel that returns parts of its arguments' arrays; it is expanded where it is called.

    Kernels count no references to arrays (two atomic instructions for every slice in a loop), and
    so cannot return them. Views can also be called from Python.
    """
    return Kernel(function, parallel=False, is_view=True)


def named(function: Callable[..., Any], number: int) -> Callable[..., Any]:
    """The function with its own name, for functions that are made from one definition and a number.

    The linker, the disk cache and profilers identify a function by its name.
    """
    function.__name__ = f"{function.__name__}_{number}"
    function.__qualname__ = f"{function.__qualname__}_{number}"
    return function


def kernel_at(module: str, name: str) -> Kernel | None:
    """The kernel with this name in a module; None for one that was made inside a function.

    If it is one of several that differ by a number, the function that makes them is called with the
    number; it keeps what it has made.
    """
    maker, is_made, _ = name.partition(".<locals>.")
    found = getattr(import_module(module), maker, None)
    number = name.rpartition("_")[2]
    if is_made and number.isdecimal() and callable(found):
        found = found(int(number))
    return found if isinstance(found, Kernel) else None
