"""The figures that a fit used, and the days to which figures and judgements run."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayes_csc.measurement.judgements.inspection_timing import TIMING
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.measurement.observations import observation_rows
from bayes_csc.panel.calendar import day
from bayes_csc.panel.geography import codes_of, each
from bayes_csc.panel.indicator_selection import chosen_indicators
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec

NO_FIGURES = "no figures since the inspection"
"""Of an authority without a figure after its last inspection; stands before any of its probabilities."""
SO_ALMOST_PRIOR = "the probability of a decline since is then almost what the model expects before seeing any data"
"""What that means for the probability of a change since the inspection."""


def used_figures(panel: Panel, spec: Spec) -> pd.DataFrame:
    """Figures that a fit of the spec observes: cells that are observed, or suppressed with a known interval.

    Parameters
    ----------
    panel, spec
        Of the fit.

    Returns
    -------
    pandas.DataFrame
        Rows of `observation_rows`: `unit` (a code, or codes of a joint return), `indicator`, `year`, `position` (of
        the reference instant on the year grid) and others. None where the spec uses no indicator.

    Raises
    ------
    SpecError
        The spec and the panel do not go together.
    """
    keys = chosen_indicators(panel, spec)
    cells = panel.cells[panel.cells["indicator"].isin(keys)]
    return observation_rows(cells, {key: panel.indicators[key] for key in keys}, spec.counts)


def figures_since(figures: pd.DataFrame, last: pd.Series) -> pd.Series:
    """Count each authority's figures whose reference instant lies after its last inspection's start.

    A figure of a joint return counts for each authority behind it. With `last` missing there is no count.

    Parameters
    ----------
    figures
        Of `used_figures`.
    last
        Grid position of each authority's last inspection by code, NaN where it has none.

    Returns
    -------
    pandas.Series
        Of whole numbers by code, NA where `last` is NaN.

    Examples
    --------
    >>> rows = pd.DataFrame({"unit": ["1", "1+2", "2"], "position": [2020.0, 2021.0, 2022.0]})
    >>> figures_since(rows, pd.Series({"1": 2020.0, "2": 2022.0, "3": float("nan")})).to_list()
    [1, 0, <NA>]
    """
    place = pd.DataFrame({"code": each(figures["unit"], codes_of), "position": figures["position"]}).explode("code")
    later = place["position"] > place["code"].map(last)
    count = later.groupby(place["code"]).sum().reindex(last.index, fill_value=0)
    return count.astype("Int64").mask(last.isna())


def without_figures(row: Mapping[Any, Any]) -> bool:
    """Whether a row of the table of declines has no figure since the inspection.

    Examples
    --------
    >>> without_figures({"figures_since": 0}), without_figures({"figures_since": 3}), without_figures({})
    (True, False, False)
    """
    count = row.get("figures_since")
    return bool(pd.notna(count) and count == 0)


def newest_figure(observation: pd.DataFrame, now: float) -> float:
    """Grid position of the newest figure among a design's observations, at most now.

    Parameters
    ----------
    observation
        Rows of `design.Design.observation`.
    now
        Grid position of the cut, which stands where there is no figure at all.
    """
    position = observation["position"].to_numpy()[~observation["indicator"].isin([JUDGEMENT, TIMING]).to_numpy()]
    return min(now, float(np.max(position))) if position.size else now


@dataclass(frozen=True)
class DataDays:
    """To which days the data of an analysis run.

    Attributes
    ----------
    figures
        Last day of the newest period that a known figure is of; None without a figure.
    judgements
        Judgements published by then are in.
    started
        Their inspections started by then; None where the day of publication is the only limit.
    """

    figures: datetime.date | None
    judgements: datetime.date
    started: datetime.date | None = None

    @property
    def sentence(self) -> str:
        """Say both days.

        Examples
        --------
        >>> DataDays(datetime.date(2025, 9, 30), datetime.date(2025, 12, 31)).sentence
        'Figures run to 30 September 2025; judgements published by 31 December 2025.'
        """
        figures = f"Figures run to {day(self.figures)}" if self.figures else "No figures"
        begun = f", of inspections started by {day(self.started)}" if self.started else ""
        return f"{figures}; judgements published by {day(self.judgements)}{begun}."

    def metadata(self) -> dict[str, str | None]:
        """Both days as ISO dates, `figures_until` and `judgements_until`, and the sentence, `data_days`."""
        figures = self.figures.isoformat() if self.figures else None
        return {
            "figures_until": figures,
            "judgements_until": self.judgements.isoformat(),
            "data_days": self.sentence,
        }


def data_days(panel: Panel, indicators: Sequence[str] | None = None) -> DataDays:
    """Days to which a panel's figures and judgements run.

    Parameters
    ----------
    panel
        The data.
    indicators
        Keys of those that an analysis uses; every one of the panel by default.
    """
    cells = panel.cells[panel.cells["status"].isin(["observed", "suppressed"])]
    if indicators is not None:
        cells = cells[cells["indicator"].isin(indicators)]
    published = panel.published_by or max(panel.date, _last_published(panel))
    started = panel.date if published > panel.date else None
    return DataDays(cells["reference_end"].max().date() if len(cells) else None, published, started)


def _last_published(panel: Panel) -> datetime.date:
    """Day of the latest publication of a judgement; the panel's date where there is none."""
    latest = panel.inspections["publication_date"].max()
    return panel.date if pd.isna(latest) else latest.date()
