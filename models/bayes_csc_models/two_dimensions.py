"""Two correlated latent dimensions: workforce, process and judgements; and outcomes.

    theta_1[a, t] = m_1[a, t] + sqrt((1 + r) / 2) g[a, t] + sqrt((1 - r) / 2) h[a, t]
    theta_2[a, t] = m_2[a, t] + sqrt((1 + r) / 2) g[a, t] - sqrt((1 - r) / 2) h[a, t]
    r             ~ Uniform(-1, 1)                                        dimension_correlation

g and h are independent copies of an authority's own part of theta in `trajectory`, with the same shares of level, slope
and path; m_1 and m_2 the region means and trends of each dimension and their gradients by deprivation. So r is the
correlation between authorities of the same region and deprivation, in level as in change. An indicator observes the
dimension of its domain. The judgements observe the first: the kernel gives an observation one loading, and r then
answers, in one number, whether what workforce, process and judgements share goes with outcomes. The deprivation
gradient of the level of the second is in its indicators' own slopes, as no judgement identifies it. All else is
`trajectory`.
"""

from __future__ import annotations

import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from bayes_csc.measurement.design import Design, design
from bayes_csc.measurement.two_dimensional import indicators_of, is_second, two_dimensional
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design, latent_mean, own_scale


def two_dimensions(panel: Panel, spec: Spec) -> pm.Model:
    """Build the model of two dimensions of a panel.

    Parameters
    ----------
    panel
        The data.
    spec
        Choices and priors; `dimensions.outcomes` names the domains of the second dimension. Without any, the second
        dimension is not observed, the density is that of `trajectory`, and r keeps its prior.

    Returns
    -------
    pymc.Model
        Its dim `authority` has two labels for each authority, CODE and CODE:outcomes.

    Raises
    ------
    SpecError
        The spec and the panel do not go together.
    """
    second = indicators_of(panel, spec.dimensions.outcomes)
    return from_design(two_dimensional(design(panel, spec), second), spec, latent=correlated)


def correlated(d: Design, spec: Spec) -> tuple[TensorVariable, TensorVariable]:
    """Prior mean (path, year) of both dimensions and the sds of the columns of sums, then of differences."""
    first = latent_mean(d, spec, judged=spec.ratings.use)
    second = latent_mean(d, spec, judged=False, name="outcomes_")
    r = pm.Uniform("dimension_correlation", -1.0, 1.0)
    scale = own_scale(spec)
    scales = pt.concatenate([pt.sqrt(0.5 * (1.0 + r)) * scale, pt.sqrt(0.5 * (1.0 - r)) * scale])
    return pt.switch(is_second(d)[:, None], second, first), scales
