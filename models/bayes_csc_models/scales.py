"""The scales on which variances, their shares and loadings are sampled, instead of their logarithms and logits."""

from __future__ import annotations

import math

import numpy as np
import pytensor.tensor as pt
from pymc.logprob.transforms import Transform
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

EDGE, RIGHT_ANGLE = 0.1, 0.5 * math.pi
STEADIEST = 1.0 - 1e-9
FURTHEST = 37.0
"""Standard deviations beyond which a normal probability is no float: far out a density falls but does not end."""


class CubeRootOfPrecision(Transform):
    """v ~ inverse-gamma(a, b) by w of the real line: v = (b / a) / s ** 3, s = log(1 + exp(w)).

    The cube root of a gamma variable is nearly normal (Wilson and Hilferty 1931), so that the log density is about
    quadratic in w. By log v it falls like exp(-b / v) as v goes to zero: seen, a step of any size then leaves the
    support once in some thousand trajectories.
    """

    name = "cuberootofprecision"
    ndim_supp = 0

    def forward(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return w of v."""
        a, b = inputs[-2:]
        return pt.log(pt.expm1((b / (a * value)) ** (1.0 / 3.0)))

    def backward(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return v of w."""
        a, b = inputs[-2:]
        return b / (a * pt.softplus(value) ** 3)

    def log_jac_det(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return log |dv / dw| = log(3 b / a) - 4 log s + log logistic(w)."""
        a, b = inputs[-2:]
        return pt.log(3.0 * b / a) - 4.0 * pt.log(pt.softplus(value)) - pt.softplus(-value)


class NormalScore(Transform):
    """x ~ half-normal(sd) by u of the real line that is standard normal a priori: x = sd sqrt(2) erfinv(Phi(u)).

    By log x the posterior of a loading that may be zero has an endless tail towards minus infinity, where the density
    is flat: seen, a chain that starts there stays for a hundred draws.
    """

    name = "normalscore"
    ndim_supp = 0

    def forward(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return u of x: -sqrt(2) erfcinv(2 erf(x / (sd sqrt(2))))."""
        return -math.sqrt(2.0) * pt.erfcinv(2.0 * pt.erf(value / (inputs[-1] * math.sqrt(2.0))))

    def backward(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return x of u: each tail by the function that does not round there; constant from u = `FURTHEST` on."""
        below = pt.erfinv(0.5 * pt.erfc(-pt.minimum(value, 0.0) / math.sqrt(2.0)))
        above = pt.erfcinv(0.5 * pt.erfc(pt.clip(value, 0.0, FURTHEST) / math.sqrt(2.0)))
        return inputs[-1] * math.sqrt(2.0) * pt.switch(value < 0.0, below, above)

    def log_jac_det(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return log |dx / du| = log(sd / 2) + (x / sd) ** 2 / 2 - u ** 2 / 2."""
        score = self.backward(value, *inputs) / inputs[-1]
        return pt.log(0.5 * inputs[-1]) + 0.5 * (score**2 - value**2)


class LogOdds(Transform):
    """A correlation p from one year to the next by its log odds, and at most `STEADIEST`.

    What one year adds to the last has a variance of 1 - p ** 2 parts. With p nearer to one the likelihood stays what it
    is there, but takes more digits than a float has: seen, from log odds of 30 on it was wrong by up to 200, and a
    search for the mode ended there.
    """

    name = "logodds"
    ndim_supp = 0

    def forward(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return u of p: log(p / (1 - p))."""
        return pt.log(value) - pt.log1p(-value)

    def backward(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return p of u."""
        return pt.minimum(pt.sigmoid(value), STEADIEST)

    def log_jac_det(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return log |dp / du|, as if there was no bound: the density falls far out and does not end."""
        return -pt.softplus(value) - pt.softplus(-value)


class Angle(Transform):
    """A share w of a variance by u of the real line: w = sin(phi) ** 2, phi = c (s(u / c) - s((u - pi / 2) / c)).

    s is softplus. The sine and the cosine of phi are the parts' sds as shares of the whole's; u is phi in the middle of
    its range and runs off to infinity within some c = `EDGE` of its ends. By log(w / (1 - w)) the posterior of a share
    that is nearly zero has a long tail towards minus infinity, where chains stay for long.
    """

    name = "angle"
    ndim_supp = 0

    def forward(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return u of w: c log((e ** (phi / c) - 1) / (1 - e ** ((phi - pi / 2) / c)))."""
        phi = pt.arcsin(pt.sqrt(value))
        return EDGE * (pt.log(pt.expm1(phi / EDGE)) - pt.log(-pt.expm1((phi - RIGHT_ANGLE) / EDGE)))

    def backward(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return w of u; at most the largest float below one, so that far out the density falls and does not end."""
        return pt.minimum(pt.sin(self._angle(value)) ** 2, np.nextafter(1.0, 0.0))

    def log_jac_det(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return log |dw / du| = log(2 sin phi cos phi) + log |dphi / du|, a product of two logistic functions of u."""
        beyond = RIGHT_ANGLE - value  # cos phi(u) = sin phi(pi / 2 - u)
        both = pt.log(pt.sin(self._angle(value))) + pt.log(pt.sin(self._angle(beyond)))
        slope = -pt.softplus(-value / EDGE) - pt.softplus(-beyond / EDGE)
        return both + slope + math.log(-2.0 * math.expm1(-RIGHT_ANGLE / EDGE))

    @staticmethod
    def _angle(u: TensorVariable) -> TensorVariable:
        return EDGE * (pt.softplus(u / EDGE) - pt.softplus((u - RIGHT_ANGLE) / EDGE))
