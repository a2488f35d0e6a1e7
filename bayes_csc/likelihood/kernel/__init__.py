"""Compiled arithmetic of the collapsed likelihood: value, gradient and exact states, one block at a time.

A block is a set of authorities whose states depend on each other (most blocks are one authority). Given the
hyperparameters its model is linear and Gaussian in standard normal coordinates v:

    theta = m + L v,   v ~ N(0, I)            latent states of the block, any factor L of their covariance
    z | theta ~ N(o + A theta, Sigma)         observations; row i of A is loading[k(i)] times weights W[i, :]
    Sigma = group-diagonal; within a group    (a reporting unit's indicator, or its indicators of one domain)
        Sigma[i, j] = d[k(i)] d[k(j)] ((1 - w_dom) phi_dom ** |t(i) - t(j)| + w_dom 1{t(i) = t(j)})
                    + 1{k(i) = k(j)} a[k] ** 2 phi[k] ** |t(i) - t(j)| + 1{i = j} (w[k] ** 2 + V[i])

With S = Sigma ** -1, r = z - o - A m, H = A'SA, h = A'Sr and M = I + L'HL the states integrate out:

    log p(z) = sum 1/2 log|S| - 1/2 r'Sr + 1/2 h'L M^-1 L'h - 1/2 log|M| - n/2 log(2 pi)
    E[v | z] = M^-1 L'h,   Cov[v | z] = M^-1

Graded observations are not Gaussian: f = o + A theta + d zeta, zeta ~ N(0, 1) shared by the judgements of an
inspection, and a grade's probability is Phi(high - f) - Phi(low - f). Expectation propagation (Minka 2001) replaces
each by a Gaussian site exp(-tau f^2 / 2 + eta f), refitted at every evaluation, so the density and its gradient are
those of the hyperparameters' EP evidence (`grades`).

By Fisher's identity, the gradient is the posterior expectation of the complete-data gradient; that by the standard
deviation s of a column of L is (E[v ** 2] - 1) / s, summed. L is never inverted, so a variance share may go to zero
and L need not be square.

`single` takes authorities by themselves, eight at a time; `linked` takes any other block.
"""

from __future__ import annotations

import math

import numpy as np

from bayes_csc.likelihood.kernel.arrays import Layout, Real
from bayes_csc.likelihood.kernel.compiled import compiled
from bayes_csc.likelihood.kernel.linked import memory_size
from bayes_csc.likelihood.kernel.linked_gradient import linked_blocks
from bayes_csc.likelihood.kernel.single_gradient import single_blocks, single_size

__all__ = ["Layout", "Real", "value_and_gradient"]


@compiled
def value_and_gradient(layout, real):
    """Log density of all blocks and its gradient by every array of `real`.

    The value is -inf where a covariance is not positive definite.
    """
    gradient = Real(
        np.zeros(real.z.size), np.zeros(real.variance.size), np.zeros(real.offset.size), np.zeros(real.loading.size),
        np.zeros(real.mean.size), np.zeros(real.scale.size), np.zeros(real.ar_sd.size), np.zeros(real.ar_phi.size),
        np.zeros(real.white_sd.size), np.zeros(real.domain_sd.size), np.zeros(real.domain_phi.size),
        np.zeros(real.domain_white.size), np.zeros(real.low.size), np.zeros(real.high.size),
    )  # fmt: skip
    value = 0.0
    if layout.block.size > 0:
        size = memory_size(layout, real)
        value += linked_blocks(layout, real, gradient, np.empty(size), np.empty(size, np.int64))
    if layout.single_block.shape[0] > 0:
        value += single_blocks(layout, real, gradient, np.empty(single_size(layout, real)))
    return value if math.isfinite(value) else -math.inf, gradient
