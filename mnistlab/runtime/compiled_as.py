"""Says how the compiler compiles calls of a Python function."""

from collections.abc import Callable
from typing import Any

from numba import types
from numba.core.typing.templates import infer, infer_global, make_intrinsic_template

Definition = Callable[..., Any]


def compiled_as(
    function: Callable[..., Any], *, prefer_literal: bool = False
) -> Callable[[Definition], Definition]:
    """Compile calls of `function` by the decorated definition, which is that of an `intrinsic`.

    An `overload` that only calls an intrinsic does the same. But the compiler would infer the types
    of that overload, compile and inline it at each of a kernel's many calls, which takes a third of
    the compile time.
    """

    def register(definition: Definition) -> Definition:
        template = make_intrinsic_template(
            function, definition, function.__name__, prefer_literal=prefer_literal
        )
        infer(template)
        infer_global(function, types.Function(template))
        return definition

    return register


def is_left_out(argument: Any) -> bool:
    """Whether an optional argument has no value, by its type in a definition."""
    return argument is None or isinstance(argument, types.NoneType | types.Omitted)
