"""What the optional tables of a panel hold, as labelled tables: covariates, visits and providers."""

from __future__ import annotations

import pandas as pd

from bayes_csc.panel.panel import Panel

QUANTILES = {"lowest": 0.0, "lower": 0.25, "median": 0.5, "upper": 0.75, "highest": 1.0}
NO_GRADE = "no grade"


def covariate_summary(panel: Panel) -> pd.DataFrame:
    """Spread of each covariate over the authorities, year by year.

    Parameters
    ----------
    panel
        The data.

    Returns
    -------
    pandas.DataFrame
        Indexed by `covariate` and `year`: `authorities` with a figure, and `lowest`, `lower` (quartile), `median`,
        `upper` (quartile) and `highest` of their figures, each authority counting once.
    """
    groups = panel.covariates.groupby(["covariate", "year"])["value"]
    spread = {name: groups.quantile(share) for name, share in QUANTILES.items()}
    return pd.DataFrame({"authorities": groups.size(), **spread})


def visit_summary(panel: Panel) -> pd.DataFrame:
    """Visits of each type by the calendar year in which they started.

    Parameters
    ----------
    panel
        The data.

    Returns
    -------
    pandas.DataFrame
        Indexed by `type` and `year`: number of `visits`, of `authorities` visited, and the `first` and `last` start.
    """
    visits = panel.visits.assign(start_date=pd.to_datetime(panel.visits["start_date"]))
    groups = visits.assign(year=visits["start_date"].dt.year).groupby(["type", "year"])
    dates = groups["start_date"]
    return pd.DataFrame(
        {
            "visits": groups.size(),
            "authorities": groups["authority"].nunique(),
            "first": dates.min(),
            "last": dates.max(),
        }
    )


def provider_summary(panel: Panel) -> pd.DataFrame:
    """Providers in the authorities' areas, and their inspections, by grade.

    Parameters
    ----------
    panel
        The data.

    Returns
    -------
    pandas.DataFrame
        Indexed by `year`, `event` and `provision`: a column for each grade, the panel's words best first and then "no
        grade", that counts providers or inspections, `total`, and `places` (NaN where none are given).
    """
    words = {float(place): word for place, word in enumerate(panel.grades, start=1)}
    providers = panel.providers.assign(
        grade=panel.providers["grade"].map(lambda grade: words.get(grade, NO_GRADE if pd.isna(grade) else f"{grade:g}"))
    )
    place = ["year", "event", "provision"]
    table = providers.pivot_table(index=place, columns="grade", values="number", aggfunc="sum", fill_value=0.0)
    others = [name for name in table.columns if name not in (*panel.grades, NO_GRADE)]
    table = table.reindex(columns=[*panel.grades, *others, NO_GRADE], fill_value=0.0).astype(int)
    table.columns.name = None
    places = providers.groupby(place)["places"].sum(min_count=1)
    return table.assign(total=table.sum(axis=1), places=places)
