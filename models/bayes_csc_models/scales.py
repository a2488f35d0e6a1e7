"""The scales on which variances, their shares and loadings are sampled, instead of their logarithms and logits."""

from __future__ import annotations

import math

import pytensor.tensor as pt
from pymc.logprob.transforms import Transform
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

EDGE, RIGHT_ANGLE = 0.1, 0.5 * math.pi
STEADIEST = 1.0 - 1e-9
NARROW = 0.2
"""Width of the edge at zero, in sds of a half-normal: about that of posteriors which lie there."""
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
    """x ~ half-normal(sd) by u: x = sd c score(u / c), score(z) = sqrt(2) erfinv(Phi(z)), c = `NARROW`.

    The score is about z above z = 1 and small below zero, so that near x = 0 the density in u falls like a normal one
    of sd c, about as fast as the likelihood of what may be zero falls on the other side. By log x the tail towards zero
    has no end; with c = 1 it is ten times as wide as the curvature at the mode says: seen, a chain stood there for
    thirty draws, and a loading had a tenth of the others' effective draws.
    """

    name = "normalscore"
    ndim_supp = 0

    def forward(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return u of x: P(Z > z) = P(|Z| > score), by the tail where the other rounds."""
        score = value / (NARROW * inputs[-1])
        near = -pt.erfcinv(2.0 * pt.erf(pt.minimum(score, 1.0) / math.sqrt(2.0)))
        far = pt.erfcinv(2.0 * pt.erfc(pt.clip(score, 1.0, FURTHEST) / math.sqrt(2.0)))
        return NARROW * (math.sqrt(2.0) * pt.switch(score < 1.0, near, far) + pt.maximum(score - FURTHEST, 0.0))

    def backward(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return x of u: each tail by the function that does not round there; by z itself from z = `FURTHEST` on."""
        z = value / NARROW
        return NARROW * inputs[-1] * (self._score(z) + pt.maximum(z - FURTHEST, 0.0))

    def log_jac_det(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return log |dx / du| = log(sd / 2) + score ** 2 / 2 - z ** 2 / 2."""
        z = pt.minimum(value / NARROW, FURTHEST)
        return pt.log(0.5 * inputs[-1]) + 0.5 * (self._score(z) ** 2 - z**2)

    @staticmethod
    def _score(z: TensorVariable) -> TensorVariable:
        below = pt.erfinv(0.5 * pt.erfc(-pt.minimum(z, 0.0) / math.sqrt(2.0)))
        above = pt.erfcinv(0.5 * pt.erfc(pt.clip(z, 0.0, FURTHEST) / math.sqrt(2.0)))
        return math.sqrt(2.0) * pt.switch(z < 0.0, below, above)


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

    def __init__(self, largest: float = math.nextafter(1.0, 0.0)) -> None:
        self._largest = largest

    def forward(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return u of w: c log((e ** (phi / c) - 1) / (1 - e ** ((phi - pi / 2) / c)))."""
        phi = pt.arcsin(pt.sqrt(value))
        return EDGE * (pt.log(pt.expm1(phi / EDGE)) - pt.log(-pt.expm1((phi - RIGHT_ANGLE) / EDGE)))

    def backward(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return w of u; at most the largest that is allowed, so that far out the density falls and does not end."""
        return pt.minimum(pt.sin(self._angle(value)) ** 2, self._largest)

    def log_jac_det(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return log |dw / du| = log(2 sin phi cos phi) + log |dphi / du|, a product of two logistic functions of u."""
        beyond = RIGHT_ANGLE - value  # cos phi(u) = sin phi(pi / 2 - u)
        both = pt.log(pt.sin(self._angle(value))) + pt.log(pt.sin(self._angle(beyond)))
        slope = -pt.softplus(-value / EDGE) - pt.softplus(-beyond / EDGE)
        return both + slope + math.log(-2.0 * math.expm1(-RIGHT_ANGLE / EDGE))

    @staticmethod
    def _angle(u: TensorVariable) -> TensorVariable:
        return EDGE * (pt.softplus(u / EDGE) - pt.softplus((u - RIGHT_ANGLE) / EDGE))


class Angles(Transform):
    """Shares that sum to one by the angles (`Angle`) of each one's share of what the ones before it have left."""

    name = "angles"
    ndim_supp = 1
    _each = Angle()

    def forward(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return u of the shares."""
        left = pt.cumsum(value[..., ::-1], axis=-1)[..., ::-1]
        return self._each.forward(value[..., :-1] / left[..., :-1])

    def backward(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return the shares of u."""
        part, left = self._parts(value)
        return pt.concatenate([part * left[..., :-1], left[..., -1:]], axis=-1)

    def log_jac_det(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return log |d share / du|: that of each part, times what was left for it."""
        _, left = self._parts(value)
        return self._each.log_jac_det(value).sum(axis=-1) + pt.log(left[..., 1:-1]).sum(axis=-1)

    def _parts(self, value: TensorVariable) -> tuple[TensorVariable, TensorVariable]:
        part = self._each.backward(value)
        left = pt.concatenate([pt.ones_like(part[..., :1]), pt.cumprod(1.0 - part, axis=-1)], axis=-1)
        return part, left


class Cutpoints(Transform):
    """Shares of ordered categories by the cutpoints of a standard normal that imply them: the middle one, log gaps.

        share[k] = Phi(c[k]) - Phi(c[k - 1]),   c[k] = w[m] + sum of exp(w[i]) between the middle m and k

    Judgements are about cutpoints, and distances after each previous grade multiply theirs: on this scale the posterior
    is about normal. By log ratios it is a bent ridge: seen, a rare grade's share had a twelfth of the effective draws.
    """

    name = "cutpoints"
    ndim_supp = 1

    def __init__(self, categories: int) -> None:
        self._middle = (categories - 1) // 2

    def forward(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return w of the shares."""
        cutpoints, m = induced_cutpoints(value), self._middle
        gaps = pt.log(cutpoints[..., 1:] - cutpoints[..., :-1])
        return pt.concatenate([gaps[..., :m], cutpoints[..., m : m + 1], gaps[..., m:]], axis=-1)

    def backward(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return the shares of w, each difference taken in the tail where it keeps its digits."""
        cutpoints = self._cutpoints(value)
        end = pt.full_like(cutpoints[..., :1], FURTHEST)
        low, high = pt.concatenate([-end, cutpoints], axis=-1), pt.concatenate([cutpoints, end], axis=-1)
        mirrored = low + high > 0.0
        a, b = pt.switch(mirrored, -high, low), pt.switch(mirrored, -low, high)
        return 0.5 * (pt.erfc(-b / math.sqrt(2.0)) - pt.erfc(-a / math.sqrt(2.0)))

    def log_jac_det(self, value: TensorVariable, *inputs: Variable) -> TensorVariable:
        """Return log |d share / dw| = sum over k of log phi(c[k]) + sum of the logs of the gaps."""
        log_density = -0.5 * (self._cutpoints(value) ** 2 + math.log(2.0 * math.pi))
        return log_density.sum(axis=-1) + value.sum(axis=-1) - value[..., self._middle]

    def _cutpoints(self, value: TensorVariable) -> TensorVariable:
        m = self._middle
        below = -pt.cumsum(pt.exp(value[..., :m][..., ::-1]), axis=-1)[..., ::-1]
        above = pt.cumsum(pt.exp(value[..., m + 1 :]), axis=-1)
        return value[..., m][..., None] + pt.concatenate([below, pt.zeros_like(value[..., :1]), above], axis=-1)


def induced_cutpoints(share: TensorVariable) -> TensorVariable:
    """Cutpoints at which a standard normal score falls into the categories with these shares, by the nearer tail."""
    below = pt.cumsum(share, axis=-1)[..., :-1]
    above = pt.cumsum(share[..., ::-1], axis=-1)[..., ::-1][..., 1:]
    return math.sqrt(2.0) * pt.switch(below < above, -1.0, 1.0) * pt.erfcinv(2.0 * pt.minimum(below, above))
