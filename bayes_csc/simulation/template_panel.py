"""Skeletons of invented panels: authorities, indicators, denominators and inspection dates, the counts still blank.

The proportions are England's: see data/england. What a count or a grade is comes from a model (`simulation.simulate`).
"""

from __future__ import annotations

import datetime
from dataclasses import replace

import numpy as np
import pandas as pd

from bayes_csc.errors import UsageError
from bayes_csc.panel.calendar import publication_date
from bayes_csc.panel.indicators import Indicator
from bayes_csc.panel.panel import OVERALL, Panel

LAST_YEAR = 2025
GRADES = ("outstanding", "good", "requires improvement", "inadequate")
GRADE_SHARE = (0.13, 0.36, 0.34, 0.17)
POLARITY = ("higher is better", "not agreed", "higher is worse")
DENOMINATOR = (3500.0, 450.0, 170.0, 40.0)
"""Medians of the denominators, in turn: referrals, conferences, care leavers, and one that is often suppressed."""
WORKFORCE = "workforce"
WORKFORCE_DENOMINATOR = 200.0
SHARED_FROM = ((8, 3), (5, 2))
"""From this many indicators on, this many of them are of the workforce and share a deviation."""
INSPECTION_GAP = (3.0, 0.8)
"""Mean and standard deviation of the years between inspections."""
FRAMEWORK_CHANGE = 0.4
"""Part of the panel's years after which ILACS replaces SIF."""
PARTS = ("leadership", "help_and_protection", "children_looked_after")
EARLIER, EARLIER_SHARE = "earlier", 0.9
"""Framework before the panel's years, and the part of the authorities that were judged under it."""


def skeleton(*, authorities: int, years: int, indicators: int, rng: np.random.Generator, judged: bool = False) -> Panel:
    """Invent a panel of any size; every count is half its denominator, every grade drawn blindly.

    Parameters
    ----------
    authorities, years, indicators
        How many: at least 2, 2 and 1. The last reporting year ends at the panel's date; a census follows it.
    rng
        Source of chance.
    judged
        Whether inspections have sub-judgements, too, and most authorities a judgement of an earlier framework.

    Raises
    ------
    UsageError
        A number is too small.
    """
    for name, value, least in (("authorities", authorities, 2), ("years", years, 2), ("indicators", indicators, 1)):
        if value < least:
            raise UsageError(f"{name} must be at least {least}, found {value}")
    date = datetime.date(LAST_YEAR, 3, 31)
    places = _authorities(authorities, rng)
    dictionary = _dictionary(indicators)
    reporting = np.arange(LAST_YEAR - years + 1, LAST_YEAR + 1)
    panel = Panel(
        name=f"Simulated, {authorities} authorities",
        date=date,
        grades=GRADES,
        indicators=dictionary,
        cells=_cells(places, dictionary, reporting, rng),
        inspections=_inspections(places, reporting, date, rng),
        authorities=places,
        published_by=datetime.date(LAST_YEAR, 6, 30),
        window=(int(reporting[0]), int(reporting[-1])),
    )
    return _with_parts(panel, reporting, rng) if judged else panel


def _with_parts(panel: Panel, reporting: np.ndarray, rng: np.random.Generator) -> Panel:
    """The panel with sub-judgements of every inspection, and judgements before its years."""
    parts = [panel.inspections.assign(domain=domain) for domain in (OVERALL, *PARTS)]
    inspections = pd.concat(parts, ignore_index=True)
    codes = panel.authorities.index[rng.random(len(panel.authorities)) < EARLIER_SHARE]
    start = pd.Timestamp(int(reporting[0]) - 1, 4, 1) - pd.to_timedelta(rng.integers(200, 1200, len(codes)), unit="D")
    earlier = pd.DataFrame(
        {
            "authority": codes, "framework": EARLIER, "type": "standard", "start_date": start,
            "publication_date": start + pd.Timedelta(days=60), "domain": OVERALL,
        }
    )  # fmt: skip
    blind = [rng.choice(np.arange(1, 5), len(table), p=GRADE_SHARE) for table in (inspections, earlier)]
    return replace(
        panel,
        inspections=inspections.assign(grade=blind[0]),
        earlier_inspections=earlier.assign(grade=blind[1]),
        sub_judgements=dict(zip(PARTS, PARTS, strict=True)),
    )


def _authorities(n: int, rng: np.random.Generator) -> pd.DataFrame:
    width = 3
    while 10**width - 10 ** (width - 1) < n:
        width += 1
    codes = [str(10 ** (width - 1) + i) for i in range(n)]
    region = np.arange(n) % int(np.clip(n // 4, 1, 9)) + 1
    return pd.DataFrame(
        {
            "name": [f"Authority {code}" for code in codes],
            "region": [f"Region {r}" for r in region],
            "deprivation": np.clip(rng.normal(22.7, 8.0, n), 5.0, 46.0).round(3),
            **dict.fromkeys(("rural_urban", "predecessors", "predecessor_weights", "successors"), ""),
            "valid_from": pd.NaT,
            "valid_to": pd.NaT,
            "population": np.exp(rng.normal(np.log(60_000), 0.6, n)).round(),
            "neighbours": "",
        },
        index=pd.Index(codes, name="code"),
    ).astype({"valid_from": "datetime64[ns]", "valid_to": "datetime64[ns]"})


def _dictionary(n: int) -> dict[str, Indicator]:
    shared = next((count for least, count in SHARED_FROM if n >= least), 0)
    out = {}
    for i in range(n):
        census = i >= n - shared
        j = i - (n - shared) if census else i
        key = f"{WORKFORCE}_{j + 1}" if census else f"activity_{j + 1}"
        out[key] = Indicator(
            key=key,
            label=f"{'Workforce' if census else 'Activity'} {j + 1}",
            definition="Simulated: no figure of any real authority.",
            family="binomial",
            polarity="higher is worse" if census else POLARITY[j % len(POLARITY)],
            numerator="simulated count",
            denominator="invented denominator",
            domain=WORKFORCE if census else f"activity_{j // 2 + 1}",
            release="simulated",
            reference_instant="end" if census else "midpoint",
            publication_month=2 if census else 10,
        )
    return out


def _cells(
    places: pd.DataFrame, dictionary: dict[str, Indicator], reporting: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    size = (places.population / places.population.median()).to_numpy()
    parts = []
    for j, (key, indicator) in enumerate(dictionary.items()):
        census = indicator.domain == WORKFORCE
        typical = WORKFORCE_DENOMINATOR if census else DENOMINATOR[j % len(DENOMINATOR)]
        local = size * np.exp(rng.normal(0.0, 0.25, len(places)))
        denominator = typical * local[:, None] * np.exp(rng.normal(0.0, 0.08, (len(places), reporting.size)))
        rows = pd.MultiIndex.from_product([places.index, reporting], names=["authority", "year"]).to_frame(index=False)
        # a flow's year ends in March, the census of a year is of September
        end = pd.to_datetime({"year": rows.year, "month": 9 if census else 3, "day": 30 if census else 31})
        start = end if census else pd.to_datetime({"year": rows.year - 1, "month": 4, "day": 1})
        parts.append(
            rows.assign(
                indicator=key,
                denominator=np.maximum(denominator.ravel().round(), 3.0),
                reference_start=start,
                reference_end=end,
                publication_date=publication_date(end, indicator.publication_month),
            )
        )
    cells = pd.concat(parts, ignore_index=True)
    return cells.assign(
        numerator=(cells.denominator / 2).round(), value=np.nan, status="observed", lower=np.nan, upper=np.nan,
        source="simulated",
    )  # fmt: skip


def _inspections(
    places: pd.DataFrame, reporting: np.ndarray, date: datetime.date, rng: np.random.Generator
) -> pd.DataFrame:
    first, years = pd.Timestamp(int(reporting[0]) - 1, 4, 1), reporting.size
    mean, sd = INSPECTION_GAP
    rows = []
    for code in places.index:
        at = rng.uniform(0.0, mean)
        while at < years:
            rows.append((code, "SIF" if at < FRAMEWORK_CHANGE * years else "ILACS", at))
            at += max(rng.normal(mean, sd), 0.5)
    table = pd.DataFrame(rows, columns=["authority", "framework", "at"])
    start = first + pd.to_timedelta((table["at"] * 365.25).astype(int), unit="D")
    lag = np.clip(rng.normal(60.0, 15.0, len(table)).round(), 25.0, 120.0)
    table = table.assign(
        type="standard", start_date=start, publication_date=start + pd.to_timedelta(lag, unit="D"), domain=OVERALL,
        grade=rng.choice(np.arange(1, 5), len(table), p=GRADE_SHARE),
    ).drop(columns="at")  # fmt: skip
    known = table.start_date.le(pd.Timestamp(date)) & table.publication_date.le(pd.Timestamp(date.year, 6, 30))
    return table[known].reset_index(drop=True)
