"""Exponential, logarithm and error function of eight numbers at a time.

A C library has them for one number only; and its last digits differ between machines.
"""

from __future__ import annotations

import math
from typing import Any

from llvmlite import ir
from numba.extending import intrinsic

from bayes_csc.likelihood.kernel.simd.vector import VECTOR, WIDTH, call, constant, lanes

LONG = ir.VectorType(ir.IntType(64), WIDTH)
LOG_2_HIGH, LOG_2_LOW = 0.6931471803691238, 1.9082149292705877e-10
"""Their sum is log 2; the first has so few digits that its product with an exponent is exact."""
ROUND = 1.5 * 2.0**52
"""Added to a number and taken off again, it leaves the nearest integer."""
SMALLEST = -708.0
"""Below it the exponential is not a normal number, and is taken for zero."""
EXP = tuple(1.0 / math.factorial(k) for k in range(14))
LOG = tuple(2.0 / (2 * k + 1) for k in range(11))
SCALE = 3.75
ERFCX = (
    1.2375126308378275, -0.1402405985855399, 0.0035854154854156745, 0.0822767384896912, -0.10880393014002576,
    0.09230432116780313, -0.058693398607972555, 0.02836227737567612, -0.009746579487926397, 0.001755625878014371,
    0.00029371370701028357, -0.00029015316912591523, 5.16478351164551e-05, 2.2379022157110745e-05,
    -1.1439312584116125e-05, -9.587385284248737e-07, 1.7419834330212325e-06, -8.27727490104735e-08,
    -2.4713692255318163e-07, 5.112728103995323e-08, 3.037741407752037e-08, -2.256128937005997e-08,
    -1.8440186977386466e-09, 7.506459951400759e-09, -1.4901161193847657e-10, -1.1920928955078125e-09,
)  # fmt: skip
"""Of (1 + 2 x) exp(x ** 2) erfc(x) in powers of (x - SCALE) / (x + SCALE): its Chebyshev series, from SciPy's erfcx.

The transformation is Shepherd and Laframboise's (1981, Mathematics of Computation 36).
"""


def _longs(value: int) -> Any:
    return ir.Constant(LONG, [value] * WIDTH)


def _fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    return call("llvm.fmuladd", builder, [a, b, c])


def _polynomial(builder: Any, x: Any, coefficients: tuple[float, ...]) -> Any:
    """Even and odd powers apart: two chains of half the length."""
    square = builder.fmul(x, x)
    halves = []
    for part in (coefficients[0::2], coefficients[1::2]):
        out = constant(part[-1])
        for c in reversed(part[:-1]):
            out = _fma(builder, out, square, constant(c))
        halves.append(out)
    return _fma(builder, halves[1], x, halves[0])


@intrinsic
def exp(typing: Any, a: Any) -> Any:
    """Exponential of every lane, of numbers up to zero."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        x = args[0]
        large = builder.fcmp_ordered(">", x, constant(SMALLEST))
        x = builder.select(large, x, constant(SMALLEST))
        shifted = _fma(builder, x, constant(1.0 / math.log(2.0)), constant(ROUND))
        power = builder.fsub(shifted, constant(ROUND))
        rest = _fma(builder, power, constant(-LOG_2_HIGH), x)
        rest = _fma(builder, power, constant(-LOG_2_LOW), rest)
        out = builder.bitcast(_polynomial(builder, rest, EXP), LONG)
        out = builder.add(out, builder.shl(builder.bitcast(shifted, LONG), _longs(52)))
        return builder.select(large, builder.bitcast(out, VECTOR), constant(0.0))

    return lanes(lanes), codegen


@intrinsic
def log(typing: Any, a: Any) -> Any:
    """Natural logarithm of every lane; NaN of what is not positive or not finite."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        x = args[0]
        bits = builder.bitcast(x, LONG)
        # Counted from the bits of sqrt(1/2), so that what is left of the number is between that and its double.
        power = builder.ashr(builder.sub(bits, _longs(0x3FE6A09E667F3BCD)), _longs(52))
        rest = builder.bitcast(builder.sub(bits, builder.shl(power, _longs(52))), VECTOR)
        power = builder.sitofp(power, VECTOR)
        ratio = builder.fdiv(builder.fsub(rest, constant(1.0)), builder.fadd(rest, constant(1.0)))
        out = builder.fmul(ratio, _polynomial(builder, builder.fmul(ratio, ratio), LOG))
        out = _fma(builder, power, constant(LOG_2_LOW), out)
        out = _fma(builder, power, constant(LOG_2_HIGH), out)
        fine = builder.fcmp_ordered(">", x, constant(0.0))
        fine = builder.and_(fine, builder.fcmp_ordered("<", x, constant(math.inf)))
        return builder.select(fine, out, constant(math.nan))

    return lanes(lanes), codegen


@intrinsic
def erfcx(typing: Any, a: Any) -> Any:
    """Scaled complementary error function exp(a ** 2) erfc(a) of every lane, of numbers from zero."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        x, k = args[0], constant(SCALE)
        place = builder.fdiv(builder.fsub(x, k), builder.fadd(x, k))
        return builder.fdiv(_polynomial(builder, place, ERFCX), _fma(builder, x, constant(2.0), constant(1.0)))

    return lanes(lanes), codegen
