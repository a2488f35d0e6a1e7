"""Eight numbers at a time: a Numba type for one vector of doubles, so that a kernel can work on eight units at once.

`Lanes` values are written like scalars (`a * b + c`); every operation acts on each lane by itself. They live in
registers; in memory they are the last axis, of length `WIDTH`, of C-contiguous arrays of float64. LLVM maps them to
whatever vectors the processor has.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, models, register_model

WIDTH = 8
VECTOR = ir.VectorType(ir.DoubleType(), WIDTH)


class Lanes(types.Type):
    """Numba type of `WIDTH` doubles."""

    def __init__(self) -> None:
        super().__init__(name=f"Lanes{WIDTH}")


lanes = Lanes()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, VECTOR)


def _splat(builder: Any, scalar: Any) -> Any:
    one = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH))


def _operator(symbol: Any, instruction: str) -> None:
    @infer_global(symbol)
    class Typing(AbstractTemplate):
        key = symbol

        def generic(self, args: Any, kws: Any) -> Any:
            if len(args) == 2 and lanes in args and all(a in (lanes, types.float64) for a in args):
                return signature(lanes, *args)
            return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        both = [a if t == lanes else _splat(builder, a) for a, t in zip(args, sig.args, strict=True)]
        return getattr(builder, instruction)(*both)

    for left, right in ((lanes, lanes), (lanes, types.float64), (types.float64, lanes)):
        lower_builtin(symbol, left, right)(lower)


for _symbol, _instruction in (
    (operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul"), (operator.truediv, "fdiv"),
    (operator.iadd, "fadd"), (operator.isub, "fsub"), (operator.imul, "fmul"),
):  # fmt: skip
    _operator(_symbol, _instruction)


@intrinsic
def splat(typing: Any, scalar: Any) -> Any:
    """The same number in every lane."""
    return lanes(types.float64), lambda context, builder, sig, args: _splat(builder, args[0])


def constant(value: float) -> Any:
    """The number in every lane, for generated code."""
    return ir.Constant(VECTOR, [value] * WIDTH)


def call(name: str, builder: Any, args: Any) -> Any:
    """Call one of LLVM's own functions of vectors."""
    kind = ir.FunctionType(VECTOR, [VECTOR] * len(args))
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"{name}.v{WIDTH}f64"), args)


@intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """A b + c, rounded once where the processor can; any of a, b may be a scalar."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        values = [v if t == lanes else _splat(builder, v) for v, t in zip(args, sig.args, strict=True)]
        return call("llvm.fmuladd", builder, values)

    return lanes(*(t if t == lanes else types.float64 for t in (a, b, c))), codegen


@intrinsic
def sqrt(typing: Any, a: Any) -> Any:
    """Square root of every lane."""
    return lanes(lanes), lambda context, builder, sig, args: call("llvm.sqrt", builder, args)


@intrinsic
def size(typing: Any, a: Any) -> Any:
    """Absolute value of every lane."""
    return lanes(lanes), lambda context, builder, sig, args: call("llvm.fabs", builder, args)


@intrinsic
def larger(typing: Any, a: Any, b: Any) -> Any:
    """The larger of both in every lane."""
    return lanes(lanes, lanes), lambda context, builder, sig, args: call("llvm.maxnum", builder, args)


@intrinsic
def where_positive(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """B in the lanes where a > 0, c in the others."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", args[0], constant(0.0)), args[1], args[2])

    return lanes(lanes, lanes, lanes), codegen


@intrinsic
def largest(typing: Any, a: Any) -> Any:
    """The largest of the lanes."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.DoubleType(), [VECTOR])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.fmax.v{WIDTH}f64")
        return builder.call(function, args)

    return types.float64(lanes), codegen


@intrinsic
def total(typing: Any, a: Any) -> Any:
    """Sum over the lanes, in their order."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        out = ir.Constant(ir.DoubleType(), 0.0)
        for i in range(WIDTH):
            out = builder.fadd(out, builder.extract_element(args[0], ir.Constant(ir.IntType(32), i)))
        return out

    return types.float64(lanes), codegen


@intrinsic
def first_lane(typing: Any, a: Any) -> Any:
    """The number in the first lane."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.extract_element(args[0], ir.Constant(ir.IntType(32), 0))

    return types.float64(lanes), codegen
