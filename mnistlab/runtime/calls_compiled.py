"""The compiled versions of calls.py: machine calls in numba's calling convention."""

import numba
import numpy as np
from numba import types

from mnistlab.runtime.calls import call_address, call_op
from mnistlab.runtime.compiled_as import compiled_as

# For the processor, a record of any kind is a pointer.
_ANY_RECORD = numba.from_dtype(np.dtype([("any", np.int64)]))


@compiled_as(call_address)
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


@compiled_as(call_op)
def _call_op_compiled(context, address, operands, *arguments):  # type: ignore[no-untyped-def]
    """Call an op's function with the record at `operands`, which is a pointer whatever its kind."""
    rest = tuple(arguments[0]) if len(arguments) == 1 else arguments
    signature = types.void(address, operands, types.StarArgTuple(rest))

    def codegen(context, builder, _signature, values):  # type: ignore[no-untyped-def]
        argument_types = (_ANY_RECORD, *rest)
        pointer_type = context.call_conv.get_function_type(types.void, argument_types)
        function = builder.inttoptr(values[0], pointer_type.as_pointer())
        record = builder.inttoptr(values[1], context.get_value_type(_ANY_RECORD))
        unpacked = [builder.extract_value(values[2], i) for i in range(len(rest))]
        status, _ = context.call_conv.call_function(
            builder, function, types.void, argument_types, [record, *unpacked]
        )
        with builder.if_then(status.is_error, likely=False):
            context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return signature, codegen
