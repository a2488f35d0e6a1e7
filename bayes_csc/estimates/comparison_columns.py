"""Another run's probabilities of decline beside those of a table: what a variant of the model changes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayes_csc.errors import UsageError
from bayes_csc.estimates.run_tables import refuse_failed
from bayes_csc.inference.fit import Fit
from bayes_csc.inference.probabilities import batch_means_error, conditional_probability


def beside(table: pd.DataFrame, other: Fit, *, force: bool = False) -> pd.DataFrame:
    """Add another run's P(decline), and how far off it may be, to a table of declines.

    Parameters
    ----------
    table
        Of `decline`.
    other
        A run that has some of the same authorities, such as one with `ratings.timing`.
    force
        Also if that run failed its gate.

    Returns
    -------
    pandas.DataFrame
        The table with `p_decline_beside`, by the same epsilon, and `p_decline_beside_mcse`, NaN for authorities that
        the other run lacks; `attrs["beside"]` says where they come from.

    Raises
    ------
    GateError
        The other run failed its gate.
    UsageError
        It has none of these authorities.
    """
    refuse_failed(other, force=force)
    known = [code for code in table.authority if code in set(other.change.authority.to_numpy())]
    if not known:
        raise UsageError("the run beside has none of these authorities; give a run of the same panel")
    chosen = other.change.sel(authority=known, change="since inspection")
    p = conditional_probability(chosen, table.attrs["epsilon"])
    columns = {"p_decline_beside": p.mean(("chain", "draw")), "p_decline_beside_mcse": batch_means_error(p)}
    values = {name: pd.Series(v.to_numpy(), known).reindex(table.authority).to_numpy() for name, v in columns.items()}
    at = list(table.columns).index("p_decline_mcse") + 1
    out = table.copy()
    for name, value in reversed(values.items()):
        out.insert(at, name, value)
    out.attrs = table.attrs | {"beside": other.provenance() | {"gate_passed": other.gate.passed}}
    return out


def largest_difference(table: pd.DataFrame) -> str:
    """Say how far the two runs' probabilities are apart: at most, where, and on average.

    Examples
    --------
    >>> rows = pd.DataFrame({"name": ["Elm", "Fern"], "p_decline": [0.2, 0.5], "p_decline_beside": [0.3, 0.48]})
    >>> largest_difference(rows)
    'P(decline) beside differs by 0.060 on average, at most by +0.100 (Elm: 0.200 and 0.300)'
    """
    gap = table.p_decline_beside - table.p_decline
    if gap.isna().all():
        return "no authority has a P(decline) in both runs"
    at = int(np.nanargmax(gap.abs().to_numpy()))
    row = table.iloc[at]
    return (
        f"P(decline) beside differs by {float(np.nanmean(gap.abs())):.3f} on average, at most by "
        f"{gap.iloc[at]:+.3f} ({row['name']}: {row.p_decline:.3f} and {row.p_decline_beside:.3f})"
    )
