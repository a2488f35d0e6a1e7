"""Indicators that say the same thing twice: near-copies, by their deviations about theta."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from bayes_csc.measurement.observations import observation_rows
from bayes_csc.panel.indicators import Indicator
from bayes_csc.spec import Counts

NEAR = 0.8
"""Correlation from which two indicators are near-copies. What is told twice, each time with an error of its own of half
the deviation's sd, has 0.8 whatever its counts; no pair of England's in different domains has more than 0.78."""
CELLS, UNITS = 50, 20
"""Cells and units that two must have in common for their correlation to be told."""
MOST_SAMPLING = 0.5
"""Share of a variance that is put down to sampling at most: beyond it what is left is too little to divide by."""
APART, TIMES = 0.4, 2.0
"""Correlation from which a pair in different domains could take theta over in England (at 0.41 it did not, at 0.53 it
did), if it is also so many times what any third domain's indicator has with both."""


def correlations(rows: pd.DataFrame) -> pd.DataFrame:
    """Correlate the deviations of every pair of indicators.

    With r = z less the mean of its indicator and year, over the cells (unit and year) that both have,

        cov(r_i, r_j) / sqrt(s_i s_j),   s = max(var(r) - mean sampling variance, var(r) / 2)

    clipped to -1..1: the sampling error of small counts, which is not shared, does not hide a copy.

    Parameters
    ----------
    rows
        Observations (`bayes_csc.measurement.observations.observation_rows`); ordered categories have no z to correlate.

    Returns
    -------
    pandas.DataFrame
        Columns first, second, correlation, cells: a row for each pair with `CELLS` cells and `UNITS` units in common,
        the largest absolute correlation first.
    """
    unit, cell = pd.factorize(rows.unit)[0], rows.groupby(["unit", "year"]).ngroup().to_numpy()
    kind, keys = pd.factorize(rows.indicator)
    z, noise, seen = (np.zeros((cell.max(initial=-1) + 1, len(keys))) for _ in range(3))
    z[cell, kind] = rows.z - rows.groupby(["indicator", "year"]).z.transform("mean")
    noise[cell, kind], seen[cell, kind] = rows.variance, 1.0
    n = seen.T @ seen
    units = sum((part.T @ part > 0 for part in (seen[cell[unit == u]] for u in np.unique(unit))), np.zeros(n.shape))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = z.T @ seen / n  # of the first, where both are seen
        variance = (z**2).T @ seen / n - mean**2
        signal = np.maximum(variance - noise.T @ seen / n, (1.0 - MOST_SAMPLING) * variance)
        correlation = np.clip((z.T @ z / n - mean * mean.T) / np.sqrt(signal * signal.T), -1.0, 1.0)
    first, second = np.nonzero(np.triu((n >= CELLS) & (units >= UNITS) & np.isfinite(correlation), 1))
    out = pd.DataFrame({"first": keys[first], "second": keys[second], "correlation": correlation[first, second]})
    out["cells"] = n[first, second].astype(int)
    return out.sort_values("correlation", key=lambda r: -r.abs(), kind="stable", ignore_index=True)


def near_copies(rows: pd.DataFrame) -> pd.DataFrame:
    """Pairs of `correlations` at or above `NEAR` in absolute value."""
    pairs = correlations(rows)
    return pairs[pairs.correlation.abs() >= NEAR]


def beyond_theta(pairs: pd.DataFrame, domain: Mapping[str, str]) -> pd.DataFrame:
    """Pairs in different domains that go together by more than a state which shows in other domains, too, explains.

    If theta alone made them go together, r_ij = h_i h_j, then with any third k min(r_ik, r_jk) = h_k min(h_i, h_j): in
    panels simulated from the prior one pair in 130 has an r_ij of `APART` that is `TIMES` as much as that of every k of
    third domains (one in 37 has `NEAR`). Where there is no third domain only near-copies are told.

    Parameters
    ----------
    pairs
        `correlations` of all pairs.
    domain
        By indicator.

    Returns
    -------
    pandas.DataFrame
        Rows of `pairs`, with `elsewhere`: the largest min(r_ik, r_jk) over k of third domains.
    """
    table = pairs.pivot(index="first", columns="second", values="correlation").abs()
    keys = list(dict.fromkeys([*pairs["first"], *pairs["second"]]))
    r = table.reindex(index=keys, columns=keys).fillna(0.0)
    r = r + r.T
    home = np.array([domain[k] for k in keys])
    crossing = pairs[(pairs["first"].map(domain) != pairs["second"].map(domain)) & (pairs.correlation.abs() >= APART)]
    elsewhere = [
        np.minimum(r[i], r[j])[(home != domain[i]) & (home != domain[j])].max()
        for i, j in zip(crossing["first"], crossing["second"], strict=True)
    ]  # NaN, the largest of none, where there is no third domain
    out = crossing.assign(elsewhere=np.array(elsewhere, dtype=float))
    r_ij = out.correlation.abs()
    return out[(r_ij >= TIMES * out.elsewhere) | (out.elsewhere.isna() & (r_ij >= NEAR))]


def deviation_groups(rows: pd.DataFrame, domain: Mapping[str, str]) -> dict[str, str]:
    """What each indicator shares a deviation with: its domain, or its near-copies in other domains.

    Near-copies that are `beyond_theta`, and with them those of one of them in its own domain, leave their domains for a
    group of their own, named by its members. Pairs that are less alike stay: theta may be what they share.
    """
    pairs = correlations(rows[rows.indicator.isin(list(domain))])
    near = pairs[pairs.correlation.abs() >= NEAR]
    across = beyond_theta(pairs, domain)
    across = across[across.correlation.abs() >= NEAR]
    group = {key: {key} for key in domain}
    within = near[near["first"].map(domain) == near["second"].map(domain)]
    for one, other in zip([*across["first"], *within["first"]], [*across["second"], *within["second"]], strict=True):
        joined = group[one] | group[other]
        group |= dict.fromkeys(joined, joined)
    crossing = {*across["first"], *across["second"]}
    return {k: " + ".join(sorted(group[k])) if group[k] & crossing else domain[k] for k in domain}


def near_copy_sentences(
    cells: pd.DataFrame, indicators: Mapping[str, Indicator], *, of: Collection[str], counts: Counts | None = None
) -> list[str]:
    """Say which indicators are near-copies of each other, and what that means.

    Parameters
    ----------
    cells, indicators
        Rows of a panel and their dictionary.
    of
        Only pairs with one of these.
    counts
        How counts enter; the baseline's by default.
    """
    pairs = correlations(observation_rows(cells, indicators, counts or Counts()))
    across = beyond_theta(pairs, {key: indicator.domain for key, indicator in indicators.items()})
    pairs = pairs[pairs.correlation.abs() >= NEAR]
    return [
        f"{row.first} and {row.second}, of different domains, go together by more than theta explains (correlation "
        f"{row.correlation:.2f}): "
        + (
            "a fit gives them a deviation that they share, so that they do not become theta."
            if row.near
            else "they may become theta; where they come from one source or practice, put them in one domain."
        )
        for row in across.assign(near=across.correlation.abs() >= NEAR).itertuples()
        if {row.first, row.second} & set(of)
    ] + [
        f"{row.first} and {row.second} are near-copies: apart from sampling error their figures correlate "
        f"{row.correlation:.2f} (over {row.cells}), so that both together say little more than one of them."
        for row in pairs.itertuples()
        if {row.first, row.second} & set(of)
    ]
