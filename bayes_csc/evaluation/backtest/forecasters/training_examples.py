"""The inspections that a rival learns from: judgements that were out, each with what was known when it started."""

from __future__ import annotations

import pandas as pd

from bayes_csc.evaluation.backtest.events import YEAR_DAYS, overall_judgements
from bayes_csc.measurement.features import features, figures
from bayes_csc.panel.panel import Panel


def past_inspections(known: Panel) -> pd.DataFrame:
    """Overall judgements of a panel with the grade before each, as it was out when the inspection started.

    Parameters
    ----------
    known
        The panel as known at an origin.

    Returns
    -------
    pandas.DataFrame
        `authority`, `start`, `published`, `grade`, `framework`; `previous` and `gap` (years between the starts), NaN at
        a first judgement.
    """
    rows = overall_judgements(known)
    pairs = rows.reset_index(names="event").merge(rows, on="authority", suffixes=("", "_before"))
    earlier = pairs[(pairs["start_before"] < pairs["start"]) & (pairs["published_before"] <= pairs["start"])]
    last = earlier.sort_values(["start_before", "published_before"]).groupby("event").tail(1).set_index("event")
    gap = (last["start"] - last["start_before"]).dt.days / YEAR_DAYS
    rows = rows.assign(previous=last["grade_before"].astype(float), gap=gap)
    rows = rows[rows["overall"] & rows["grade"].notna()].drop(columns="overall")
    return rows.astype({"grade": int}).reset_index(drop=True)


def lessons(known: Panel, targets: pd.DataFrame, keys: tuple[str, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features of the past inspections, each at its own start, and of the targets, at the origin.

    Parameters
    ----------
    known
        The panel as known at the origin, which is its date.
    targets
        From `events.targets`.
    keys
        Indicators.

    Returns
    -------
    tuple of pandas.DataFrame
        The columns of `past_inspections`, and of `targets`, each followed by those of `features.features`.
    """
    seen, past = figures(known, keys), past_inspections(known)
    learned = features(seen, keys, past.rename(columns={"start": "day"}))
    codes = targets.index.get_level_values("authority")
    now = features(seen, keys, pd.DataFrame({"authority": codes, "day": pd.Timestamp(known.date)}, index=targets.index))
    return past.join(learned), targets.join(now)


def grade_columns(rows: pd.DataFrame, grades: int) -> pd.DataFrame:
    """Whether the previous grade was each but the best, and whether there was none: columns of a regression."""
    out = {f"previous {g}": rows["previous"].eq(g).astype(float) for g in range(2, grades + 1)}
    return pd.DataFrame({**out, "no previous": rows["previous"].isna().astype(float)}, index=rows.index)
