"""Vectors of eight numbers in memory: reading, writing, collecting and distributing them; views of one buffer."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from bayes_csc.likelihood.kernel.compiled import part
from bayes_csc.likelihood.kernel.simd.vector import VECTOR, WIDTH, lanes

INTEGERS = ir.VectorType(ir.IntType(64), WIDTH)
MASK = ir.VectorType(ir.IntType(1), WIDTH)
POINTERS = ir.VectorType(ir.DoubleType().as_pointer(), WIDTH)
ALIGNMENT = 64


def _item(context: Any, builder: Any, kind: Any, value: Any, index_kind: Any, index: Any) -> Any:
    array = context.make_array(kind)(context, builder, value)
    several = isinstance(index_kind, types.BaseTuple)
    at = cgutils.unpack_tuple(builder, index) if several else [index]
    at = [
        context.cast(builder, i, t, types.intp)
        for i, t in zip(at, index_kind if several else [index_kind], strict=True)
    ]
    return cgutils.get_item_pointer(context, builder, kind, array, [*at, context.get_constant(types.intp, 0)])


@intrinsic
def get(typing: Any, array: Any, index: Any) -> Any:
    """Read array[index, :], the index an integer or a tuple of integers."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        item = _item(context, builder, sig.args[0], args[0], sig.args[1], args[1])
        return builder.load(builder.bitcast(item, VECTOR.as_pointer()), align=8)

    return lanes(array, index), codegen


@intrinsic
def put(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write array[index, :] = value."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        item = _item(context, builder, sig.args[0], args[0], sig.args[1], args[1])
        builder.store(args[2], builder.bitcast(item, VECTOR.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.void(array, index, lanes), codegen


def _targets(context: Any, builder: Any, sig: Any, args: Any) -> tuple[Any, Any]:
    """Addresses in a vector of the items that cells[index, :] name, and which of them are not negative."""
    item = _item(context, builder, sig.args[1], args[1], sig.args[2], args[2])
    number = builder.load(builder.bitcast(item, INTEGERS.as_pointer()), align=8)
    base = context.make_array(sig.args[0])(context, builder, args[0]).data
    start = _everywhere(builder, builder.ptrtoint(base, ir.IntType(64)))
    eight = ir.Constant(INTEGERS, [8] * WIDTH)
    address = builder.inttoptr(builder.add(start, builder.mul(number, eight)), POINTERS)
    return address, builder.icmp_signed(">=", number, ir.Constant(INTEGERS, [0] * WIDTH))


def _everywhere(builder: Any, scalar: Any) -> Any:
    one = builder.insert_element(ir.Constant(INTEGERS, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH))


@intrinsic
def gather(typing: Any, array: Any, cells: Any, index: Any, absent: Any) -> Any:
    """Read array[cells[index, :]]; `absent` where that is negative."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address, mask = _targets(context, builder, sig, args)
        kind = ir.FunctionType(VECTOR, [POINTERS, ir.IntType(32), MASK, VECTOR])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.gather.v{WIDTH}f64.v{WIDTH}p0")
        return builder.call(function, [address, ir.Constant(ir.IntType(32), 8), mask, args[3]])

    return lanes(array, cells, index, lanes), codegen


@intrinsic
def scatter(typing: Any, array: Any, cells: Any, index: Any, value: Any) -> Any:
    """Write array[cells[index, :]] = value where that is not negative."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        address, mask = _targets(context, builder, sig, args)
        kind = ir.FunctionType(ir.VoidType(), [VECTOR, POINTERS, ir.IntType(32), MASK])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.masked.scatter.v{WIDTH}f64.v{WIDTH}p0")
        builder.call(function, [args[3], address, ir.Constant(ir.IntType(32), 8), mask])
        return context.get_dummy_value()

    return types.void(array, cells, index, lanes), codegen


@intrinsic
def present(typing: Any, cells: Any, index: Any) -> Any:
    """One where cells[index, :] is not negative, zero elsewhere."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        item = _item(context, builder, sig.args[0], args[0], sig.args[1], args[1])
        number = builder.load(builder.bitcast(item, INTEGERS.as_pointer()), align=8)
        seen = builder.icmp_signed(">=", number, ir.Constant(INTEGERS, [0] * WIDTH))
        return builder.uitofp(seen, VECTOR)

    return lanes(cells, index), codegen


@intrinsic
def view(typing: Any, buffer: Any, first: Any, shape: Any) -> Any:
    """The numbers of a vector from `first` on, as a C-contiguous array; it does not keep the vector alive."""
    out = types.Array(types.float64, shape.count, "C")

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        source = context.make_array(sig.args[0])(context, builder, args[0])
        sizes = [
            context.cast(builder, size, kind, types.intp)
            for size, kind in zip(cgutils.unpack_tuple(builder, args[2]), sig.args[2], strict=True)
        ]
        eight = context.get_constant(types.intp, 8)
        strides = [eight]
        for size in reversed(sizes[1:]):
            strides.insert(0, builder.mul(strides[0], size))
        at = context.cast(builder, args[1], sig.args[1], types.intp)
        array = context.make_array(out)(context, builder)
        data = builder.gep(source.data, [at])
        populate_array(array, data=data, shape=sizes, strides=strides, itemsize=eight, meminfo=None)
        return array._getvalue()

    return out(buffer, first, shape), codegen


@part
def first_aligned(buffer):
    """Index of the first number of a vector that lies on the processor's vector boundary."""
    return ((-buffer.ctypes.data) % ALIGNMENT) // 8
