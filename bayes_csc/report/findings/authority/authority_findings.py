"""What a report says of one authority."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from bayes_csc.panel.describe.authority_record import AuthorityRecord
from bayes_csc.panel.describe.display_unit import DisplayUnit
from bayes_csc.panel.geography import codes_of
from bayes_csc.report.findings.companions import Missing

BAND = (0.1, 0.9)
"""Quantiles over authorities of the national band."""


@dataclass(frozen=True)
class AuthorityFindings:
    """All that the page of an authority is made from.

    Attributes
    ----------
    code, name, slug, region
        Who it is; `slug` is the file name of its page, without its ending.
    forecast, decline
        Its rows of these tables.
    base_rate
        Row of `base_rates` of its last grade; None without one.
    contributions
        Its rows of that table.
    fan, region_path
        See `paths`; the region's mean by year.
    inspections
        Oldest first: `date`, `position` (calendar years), the whole `grade` (a number) and its `label`.
    density
        See `change_density`.
    figures
        Every indicator's figures by `indicator` and `year`; see `indicator_figures`.
    sensitivity
        Its rows of the sensitivity analysis, or what to run for it.
    record
        What the panel holds of it.
    caveats
        What limits this page (`caveats`).
    what_if
        Quantiles of its draws, for the reader's own settings (`what_if`).
    units
        How figures are shown, by indicator.
    composite
        Its plain mean of the standardised indicators (`composite`) by year.
    """

    code: str
    name: str
    slug: str
    region: str
    forecast: dict[str, Any] | None
    decline: dict[str, Any]
    base_rate: pd.Series | None
    contributions: pd.DataFrame
    fan: pd.DataFrame
    region_path: pd.Series
    inspections: pd.DataFrame
    density: pd.DataFrame | None
    figures: pd.DataFrame
    sensitivity: pd.DataFrame | Missing
    record: AuthorityRecord
    caveats: list[str]
    what_if: dict[str, Any]
    units: dict[str, DisplayUnit]
    composite: pd.Series

    @property
    def inspected(self) -> bool:
        """Whether it has ever been inspected."""
        return bool(self.decline["gap_years"] == self.decline["gap_years"])


def national_bands(cells: pd.DataFrame) -> pd.DataFrame:
    """Quantiles of the observed figures, by indicator and year: `band_lower`, `band_upper`."""
    seen = cells[cells["status"] == "observed"].groupby(["indicator", "year"])["value"]
    return pd.DataFrame({"band_lower": seen.quantile(BAND[0]), "band_upper": seen.quantile(BAND[1])})


def indicator_figures(
    record: AuthorityRecord, everyone: pd.DataFrame, bands: pd.DataFrame, fitted: pd.DataFrame
) -> pd.DataFrame:
    """Figures of one authority beside what is expected of it, the nation and its statistical neighbours.

    Parameters
    ----------
    record
        What the panel holds of it.
    everyone
        Current cells of all authorities, with their own intervals (`fitted.sampling_intervals`).
    bands
        From `national_bands`.
    fitted
        From `fitted.fitted`.

    Returns
    -------
    pandas.DataFrame
        A row per indicator and year, in the dictionary's order: `unit`, `status`, `value`, `own_lower`, `own_upper`,
        `range_lower`, `range_upper` (where a suppressed count leaves the value), `fitted`, `fitted_lower`,
        `fitted_upper`, `national`, `band_lower`, `band_upper`, `neighbours` (their median).
    """
    cells = record.cells.assign(joint=record.cells["authority"].map(lambda unit: len(codes_of(unit))))
    cells = cells.sort_values("joint", kind="stable").drop_duplicates(["indicator", "year"]).sort_index()
    key = ["authority", "indicator", "year"]
    cells = cells.merge(everyone[[*key, "own_lower", "own_upper"]], how="left", on=key)
    hidden = cells["status"] == "suppressed"
    denominator = cells["denominator"].where(cells["denominator"] > 0)
    for end in ("lower", "upper"):
        limited = cells[end].clip(upper=denominator) if end == "upper" else cells[end]
        cells[f"range_{end}"] = (limited / denominator).where(hidden)
    kin = record.kin.loc[record.kin["relation"] == "neighbour", "code"]
    near = everyone[everyone["authority"].isin(kin) & (everyone["status"] == "observed")]
    neighbours = near.groupby(["indicator", "year"])["value"].median().rename("neighbours")
    known = fitted.rename(columns={"value": "fitted", "lower": "fitted_lower", "upper": "fitted_upper"})
    out = cells.rename(columns={"authority": "unit"}).merge(known, how="left", on=["unit", "indicator", "year"])
    out = out.join(bands, on=["indicator", "year"]).join(neighbours, on=["indicator", "year"])
    columns = [
        "indicator", "year", "unit", "status", "value", "own_lower", "own_upper", "range_lower", "range_upper",
        "fitted", "fitted_lower", "fitted_upper", "national", "band_lower", "band_upper", "neighbours",
    ]  # fmt: skip
    return out[columns].reset_index(drop=True)
