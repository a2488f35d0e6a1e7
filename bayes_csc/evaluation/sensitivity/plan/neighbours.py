"""Groups of authorities that are each other's statistical neighbours."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from bayes_csc.panel.geography import linked_blocks, listed


def neighbour_groups(authorities: pd.DataFrame, number: int) -> pd.Series:
    """Part authorities into groups of statistical neighbours.

    The likeness of two authorities is the mean, over both directions, of 1 / rank of one in the other's list, zero
    where it is not in it, plus the share of their neighbours that they have in common; groups are those of Ward's
    linkage on one less half the likeness, cut where there are `number` of them. Authorities linked by
    succession are in one group, that of the latest.

    Parameters
    ----------
    authorities
        Table of authorities with `neighbours`, the nearest first; those without are in the commonest group of their
        region.
    number
        Of groups.

    Returns
    -------
    pandas.Series
        By code: "neighbours 1" and so on.
    """
    lists = {str(code): listed(text) for code, text in authorities["neighbours"].fillna("").items()}
    codes = [code for code, near in lists.items() if near]
    place = {code: i for i, code in enumerate(codes)}
    near = np.zeros((len(codes), len(codes)))
    for code in codes:
        for rank, other in enumerate(lists[code], start=1):
            if other in place:
                near[place[code], place[other]] = 1.0 / rank
    joined = (near > 0).astype(float)
    common = joined @ joined.T
    either = joined.sum(axis=1)[:, None] + joined.sum(axis=1) - common
    likeness = 0.5 * (near + near.T) + common / np.maximum(either, 1.0)
    distance = 1.0 - likeness / 2.0
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(0.5 * (distance + distance.T), checks=False), "ward")
    found = pd.Series(fcluster(tree, number, "maxclust"), index=codes).reindex(authorities.index)
    for block in linked_blocks(authorities, ()):
        known = found.loc[list(block)].dropna()
        found.loc[list(block)] = known.iloc[-1] if len(known) else np.nan
    typical = found.groupby(authorities["region"]).agg(lambda g: g.mode().iloc[0] if g.notna().any() else np.nan)
    found = found.fillna(authorities["region"].map(typical)).fillna(1)
    return "neighbours " + found.astype(int).astype(str)
