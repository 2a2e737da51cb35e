"""Elementary functions that the compiler can vectorise.

Their largest relative errors: exp 1.2e-7 in float32 and 3e-16 in float64; in float32 tanh 1.4e-7,
log1p 1.8e-7, normal_tail 4e-7 (1 + x² / 10). In float64 these three are the library's, one number
at a time.
"""

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from mnistlab.runtime.elementary import exp, fma, log1p, normal_tail, tanh


@intrinsic
def _two_to_the(typing_context, n):  # type: ignore[no-untyped-def]
    """2ⁿ for an integer n, of its dtype, made by writing the exponent."""
    bits, digits, bias = (32, 23, 127) if n == types.float32 else (64, 52, 1023)

    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        word = ir.IntType(bits)
        exponent = builder.add(builder.fptosi(values[0], word), ir.Constant(word, bias))
        return builder.bitcast(
            builder.shl(exponent, ir.Constant(word, digits)), context.get_value_type(n)
        )

    return n(n), codegen


# With n the integer next to x / ln 2 and r = x − n ln 2, eˣ = 2ⁿ eʳ. For |r| ≤ ½ ln 2 a few terms
# of the series eʳ = 1 + r + r² (1/2! + r/3! + …) are enough. ln 2 is subtracted in two parts, the
# first with so few digits that n times it is exact.
_F, _D = np.float32, np.float64
F2, F3, F4, F5, F6, F7 = (_F(1 / math.factorial(k)) for k in range(2, 8))
D2, D3, D4, D5, D6, D7, D8, D9, D10, D11, D12, D13 = (1 / math.factorial(k) for k in range(2, 14))
LOG2_E = 1 / math.log(2)
F_LOG2_E, F_LN_2_HIGH, F_LN_2_LOW = _F(LOG2_E), _F(0.693359375), _F(math.log(2) - 0.693359375)
# The second part has digits beyond those of float64's ln 2.
D_LN_2_HIGH, D_LN_2_LOW = 6.93145751953125e-1, 1.42860682030941723212e-6
F_LOWEST, F_HIGHEST, F_INFINITY = _F(-87.3), _F(88.7), _F(np.inf)
D_LOWEST, D_HIGHEST = -708.3, 709.7
F_ONE, F_TWO, F_HALF, F_ZERO = _F(1), _F(2), _F(0.5), _F(0)


def _exp_float32(x):  # type: ignore[no-untyped-def]
    # 2ⁿ would overflow for the last few of x: half of n is subtracted here and multiplied back
    # below.
    inside = F_HIGHEST if x > F_HIGHEST else (F_LOWEST if x < F_LOWEST else x)
    n = np.floor(fma(inside, F_LOG2_E, F_HALF))
    r = fma(-n, F_LN_2_LOW, fma(-n, F_LN_2_HIGH, inside))
    q = fma(fma(fma(fma(fma(F7, r, F6), r, F5), r, F4), r, F3), r, F2)
    half = np.floor(n * F_HALF)
    value = fma(q, r * r, r + F_ONE) * _two_to_the(half) * _two_to_the(n - half)
    return F_INFINITY if x > F_HIGHEST else (F_ZERO if x < F_LOWEST else value)


def _exp_float64(x):  # type: ignore[no-untyped-def]
    inside = D_HIGHEST if x > D_HIGHEST else (D_LOWEST if x < D_LOWEST else x)
    n = np.floor(fma(inside, LOG2_E, 0.5))
    r = fma(-n, D_LN_2_LOW, fma(-n, D_LN_2_HIGH, inside))
    q = fma(fma(fma(fma(D13, r, D12), r, D11), r, D10), r, D9)
    q = fma(fma(fma(fma(q, r, D8), r, D7), r, D6), r, D5)
    q = fma(fma(fma(q, r, D4), r, D3), r, D2)
    half = np.floor(n * 0.5)
    value = fma(q, r * r, r + 1.0) * _two_to_the(half) * _two_to_the(n - half)
    return np.inf if x > D_HIGHEST else (0.0 if x < D_LOWEST else value)


# With a kernel's fast math, the compiler would first multiply the two powers of two.
@overload(exp, jit_options={"forceinline": True, "fastmath": False})
def _compiled_exp(x):  # type: ignore[no-untyped-def]
    return _exp_float32 if x == types.float32 else _exp_float64


# tanh x = x + x³ p(x²) for |x| < 0.625, with p from interpolation at Chebyshev nodes.
P = tuple(_F(c) for c in (-0.00610495, 0.02100364, -0.0538525, 0.13332782, -0.33333329))
SMALL = _F(0.625)


def _tanh_float32(x):  # type: ignore[no-untyped-def]
    u = x * x
    p = fma(fma(fma(fma(P[0], u, P[1]), u, P[2]), u, P[3]), u, P[4])
    size = np.abs(x)
    large = F_ONE - F_TWO / (exp(F_TWO * size) + F_ONE)
    return fma(x * u, p, x) if size < SMALL else (-large if x < F_ZERO else large)


@overload(tanh, jit_options={"forceinline": True})
def _compiled_tanh(x):  # type: ignore[no-untyped-def]
    return _tanh_float32 if x == types.float32 else lambda x: np.tanh(x)


# With s = x / (2 + x), log(1 + x) = log((1 + s) / (1 − s)) = 2 (s + s³/3 + s⁵/5 + …), and s ≤ 1/3.
S3, S5, S7, S9, S11, S13 = (_F(1 / k) for k in range(3, 15, 2))


def _log1p_float32(x):  # type: ignore[no-untyped-def]
    s = x / (F_TWO + x)
    u = s * s
    series = fma(fma(fma(fma(fma(S13, u, S11), u, S9), u, S7), u, S5), u, S3)
    return F_TWO * fma(s * u, series, s)


@overload(log1p, jit_options={"forceinline": True})
def _compiled_log1p(x):  # type: ignore[no-untyped-def]
    return _log1p_float32 if x == types.float32 else lambda x: np.log1p(x)


# The tail is exp(−x²/2) t q(s), with t = 1 / (1 + 0.3 x) and s = 1 − t: q by least squares, of its
# relative error at 2,000 of Chebyshev's points from x = 0 to 14. Beyond, the tail is 0 in float32.
Q0, Q1, Q2, Q3, Q4 = map(_F, (0.5, -0.82980712, 0.618143256, -0.0809957773, -0.1398841))
Q5, Q6, Q7, Q8, Q9 = map(
    _F, (0.023904482, 0.00898067615, 0.0725655673, -0.0740978363, 0.0208782613)
)
PACE, NO_TAIL = _F(0.3), _F(20)


def _normal_tail_float32(x):  # type: ignore[no-untyped-def]
    inside = NO_TAIL if x > NO_TAIL else x
    t = F_ONE / fma(PACE, inside, F_ONE)
    s = PACE * inside * t
    q = fma(fma(fma(fma(fma(Q9, s, Q8), s, Q7), s, Q6), s, Q5), s, Q4)
    q = fma(fma(fma(fma(q, s, Q3), s, Q2), s, Q1), s, Q0)
    return exp(-F_HALF * inside * inside) * t * q


ROOT_HALF = math.sqrt(0.5)


@overload(normal_tail, jit_options={"forceinline": True})
def _compiled_normal_tail(x):  # type: ignore[no-untyped-def]
    return _normal_tail_float32 if x == types.float32 else lambda x: 0.5 * math.erfc(x * ROOT_HALF)
