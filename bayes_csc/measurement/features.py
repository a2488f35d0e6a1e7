"""Features of authorities as known on a day: level and two-year change of each indicator, relative to England."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bayes_csc.measurement.observations import observation_rows
from bayes_csc.panel.geography import codes_of
from bayes_csc.panel.panel import Panel
from bayes_csc.panel.vintages import all_vintages
from bayes_csc.spec import Counts

CHANGE_YEARS = 2
OLDEST_YEARS = 4
"""A figure about an earlier year than this before the day is no longer a level."""


def figures(panel: Panel, keys: Sequence[str]) -> pd.DataFrame:
    """Every vintage of some indicators on its link scale, less the mean over authorities of its year.

    The mean is that of the first publication of the year, so that it is known with the first figure.

    Parameters
    ----------
    panel
        A panel, as known at an origin.
    keys
        Its indicators.

    Returns
    -------
    pandas.DataFrame
        `authority` (a joint return counts for each of its own), `indicator`, `year`, `published`, `z`; higher is
        better where the polarity is agreed.
    """
    vintages = all_vintages(panel.cells, panel.revisions)
    vintages = vintages[vintages["indicator"].isin(keys)].reset_index(drop=True)
    # observations keep the name of their unit and lose the row's number, so the number goes in as the name
    numbered = vintages.assign(authority=vintages.index.astype(str))
    rows = observation_rows(numbered, {key: panel.indicators[key] for key in keys}, Counts())
    of = vintages.loc[rows["unit"].astype(int)].reset_index(drop=True)
    out = pd.DataFrame(
        {
            "authority": of["authority"].map(codes_of),
            "indicator": rows["indicator"],
            "year": of["year"],
            "published": of["publication_date"],
            "z": rows["z"].mask(rows["grade"].notna(), -rows["grade"]) if "grade" in rows else rows["z"],
        }
    )
    period = [out["indicator"], out["year"]]
    first = out["published"] == out["published"].groupby(period).transform("min")
    out["z"] -= out["z"].where(first).groupby(period).transform("mean")
    return out.explode("authority", ignore_index=True)


def features(figures: pd.DataFrame, keys: Sequence[str], asked: pd.DataFrame) -> pd.DataFrame:
    """Level and change of each indicator for authorities on days.

    The level is the latest year that was out on the day, in the vintage current then; the change is that less the year
    `CHANGE_YEARS` before it.

    Parameters
    ----------
    figures
        From `figures`.
    keys
        The indicators, in the order of the columns.
    asked
        `authority` and `day`, one row per question.

    Returns
    -------
    pandas.DataFrame
        Rows as in `asked`; columns `KEY level` and `KEY change`, NaN where there is none.
    """
    questions = pd.DataFrame(
        {"question": range(len(asked)), "authority": asked["authority"].to_numpy(), "day": asked["day"].to_numpy()}
    )
    pairs = questions.merge(figures, on="authority")
    pairs = pairs[(pairs["published"] <= pairs["day"]) & (pairs["year"] >= pairs["day"].dt.year - OLDEST_YEARS)]
    current = pairs.sort_values("published", kind="stable").drop_duplicates(
        ["question", "indicator", "year"], keep="last"
    )
    by = current.set_index(["question", "indicator", "year"])["z"].sort_index()
    latest = current.groupby(["question", "indicator"], as_index=False)["year"].max()
    before = latest.assign(year=latest["year"] - CHANGE_YEARS)
    whose = pd.MultiIndex.from_frame(latest[["question", "indicator"]])
    level, earlier = (
        pd.Series(by.reindex(pd.MultiIndex.from_frame(which)).to_numpy(), index=whose) for which in (latest, before)
    )
    wide = {
        name: values.unstack("indicator").reindex(index=range(len(asked)), columns=list(keys))
        for name, values in (("level", level), ("change", level - earlier))
    }
    out = pd.concat([table.add_suffix(f" {name}") for name, table in wide.items()], axis=1)
    return out.set_axis(asked.index)
