"""Noise of the observations about the latent states: what the collapsed and the joint likelihood have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from bayes_csc.measurement.judgements.inspection_timing import WHITE_VARIANCE


@dataclass(frozen=True)
class Noise:
    """Sds, autocorrelations and white shares of deviations: per indicator and inspections' timing; the domains'."""

    ar_sd: TensorVariable
    ar_phi: TensorVariable
    white_sd: TensorVariable
    domain_sd: TensorVariable
    domain_phi: TensorVariable
    domain_white: TensorVariable

    def with_timing(self, timing: int) -> Noise:
        """Return the noise with that of inspections' timing (0 or 1 kinds), white noise alone, after the indicators."""
        if not timing:
            return self
        none = pt.zeros(timing)
        return Noise(
            ar_sd=pt.concatenate([self.ar_sd, none]),
            ar_phi=pt.concatenate([self.ar_phi, none + 0.5]),
            white_sd=pt.concatenate([self.white_sd, none + np.sqrt(WHITE_VARIANCE)]),
            domain_sd=pt.concatenate([self.domain_sd, none]),
            domain_phi=self.domain_phi,
            domain_white=self.domain_white,
        )

    def collapsed(self, ordinal: int, inspection_sd: TensorVariable) -> dict[str, TensorVariable]:
        """Return the kernel's arguments: what is graded has no deviation, judgements their inspection's effect.

        Parameters
        ----------
        ordinal
            Number of ordinal indicators.
        inspection_sd
            Of each domain judged: the sd of an inspection's own effect.
        """
        graded = ordinal + inspection_sd.type.shape[0]
        return {
            "ar_sd": pt.concatenate([self.ar_sd, [0.0] * graded]),
            "ar_phi": pt.concatenate([self.ar_phi, [0.5] * graded]),
            "white_sd": pt.concatenate([self.white_sd, [0.0] * graded]),
            "domain_sd": pt.concatenate([self.domain_sd, [0.0] * ordinal, inspection_sd]),
            "domain_phi": pt.concatenate([self.domain_phi, [0.0]]),  # the last: an inspection's effect
            "domain_white": pt.concatenate([self.domain_white, [0.0]]),
        }
