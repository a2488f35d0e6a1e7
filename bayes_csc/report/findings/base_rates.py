"""How often each grade followed each grade in a panel's own record: what a forecast has to be read beside."""

from __future__ import annotations

import pandas as pd

from bayes_csc.panel.calendar import grid_position
from bayes_csc.panel.panel import OVERALL, Panel, inspection_dates


def base_rates(panel: Panel) -> pd.DataFrame:
    """Shares of the overall grades that followed each whole grade (`panel.whole_grades`) of the same authority.

    Returns
    -------
    pandas.DataFrame
        Indexed by previous grade, from 1, the best: `number` of inspections that followed, and the share of each
        grade, `grade_1` on; NaN where none followed. Plain shares, of all years together.
    """
    rows = panel.whole_grades()
    when = grid_position(inspection_dates(panel.inspections).loc[rows.index])
    rows = rows.assign(when=when).sort_values(["authority", "when"])
    rows["previous"] = rows.groupby("authority")["grade"].shift(1)
    grades = range(1, len(panel.grades) + 1)
    pairs = rows[rows["domain"] == OVERALL].dropna(subset=["previous", "grade"])
    counts = pd.crosstab(pairs["previous"].astype(int), pairs["grade"].astype(int))
    counts = counts.reindex(index=grades, columns=grades, fill_value=0)
    number = counts.sum(axis=1)
    shares = counts.div(number.where(number > 0), axis=0)
    shares.columns = pd.Index([f"grade_{g}" for g in grades])
    return shares.assign(number=number).rename_axis("previous")
