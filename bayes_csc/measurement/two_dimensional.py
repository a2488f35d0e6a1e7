"""Two latent dimensions in one design: every authority has two paths, of one block, with a correlation to estimate.

With g and h independent copies of an authority's own part of theta, each of unit average variance over the window,

    theta_1 = sqrt((1 + r) / 2) g + sqrt((1 - r) / 2) h
    theta_2 = sqrt((1 + r) / 2) g - sqrt((1 - r) / 2) h

so that each dimension has unit average variance too and their correlation is r, at every year and between years:
Cov(theta_1, theta_2) = r C where C is the covariance of either. A block's template therefore has the columns of g and
then those of h, and the scales of the second kind of columns follow those of the first.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pandas as pd

from bayes_csc.errors import SpecError
from bayes_csc.measurement.design import Design
from bayes_csc.measurement.state_prior import COLUMN_KINDS, Template
from bayes_csc.panel.panel import Panel

SECOND = "outcomes"
"""What the label of an authority's second path ends in."""


def two_dimensional(design: Design, second: Collection[str]) -> Design:
    """Give every authority of a design a second path, which the indicators of `second` follow.

    Parameters
    ----------
    design
        With one path of each authority.
    second
        Keys of the indicators that observe the second path; the others, and the judgements, observe the first.

    Returns
    -------
    Design
        With the same observations in the same order and twice the authorities: of each block first those of the first
        dimension, as they were, then those of the second, labelled "CODE:outcomes".
    """
    size = np.array([len(block) for block in design.block])
    start = np.cumsum(size) - size
    source = np.concatenate([np.tile(np.array(block), 2) for block in design.block])
    on_second = np.concatenate([np.arange(2 * n) >= n for n in size])
    first = np.arange(size.sum()) + np.repeat(start, size)  # place of an authority's first path; authorities by block
    place = np.stack([first, first + np.repeat(size, size)])
    other = design.observation.indicator.isin(list(second)).astype(int)
    members = pd.Series(
        [tuple(int(place[k, i]) for i in m) for k, m in zip(other, design.observation.members, strict=True)],
        index=design.observation.index,
    )
    labels = [design.authority[i] + (f":{SECOND}" if s else "") for i, s in zip(source, on_second, strict=True)]
    return replace(
        design,
        authority=tuple(labels),
        region_index=design.region_index[source],
        deprivation=design.deprivation[source],
        curve=design.curve[source],
        exists=design.exists[source],
        block=tuple(tuple(range(2 * s, 2 * (s + n))) for s, n in zip(start, size, strict=True)),
        template=tuple(doubled(t) for t in design.template),
        observation=design.observation.assign(members=members),
    )


def is_second(design: Design) -> np.ndarray:
    """Whether each path of a design of two dimensions is of the second (path,)."""
    return np.concatenate([np.arange(len(block)) >= len(block) // 2 for block in design.block])


def doubled(template: Template) -> Template:
    """Template of both paths of a block's authorities: sums and differences of two copies of its innovations."""
    m = template.matrix
    return Template(
        np.block([[m, m], [m, -m]]),
        np.concatenate([template.column_kind, template.column_kind + len(COLUMN_KINDS)]),
    )


def indicators_of(panel: Panel, domains: Collection[str]) -> frozenset[str]:
    """Keys of a panel's indicators in the given domains.

    Raises
    ------
    SpecError
        The panel has no such domain.
    """
    known = {indicator.domain for indicator in panel.indicators.values()}
    if unknown := sorted(set(domains) - known):
        raise SpecError(
            f"dimensions.outcomes: no domain {', '.join(map(repr, unknown))} in panel {panel.name}; "
            f"its domains: {', '.join(sorted(known))}"
        )
    return frozenset(key for key, indicator in panel.indicators.items() if indicator.domain in domains)
