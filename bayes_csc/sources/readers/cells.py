"""From published counts to cells of a panel, with the interval of every count that was suppressed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bayes_csc.files.csv_toml import CELL_COLUMNS, WIDEST
from bayes_csc.panel.calendar import publication_date
from bayes_csc.panel.indicators import Indicator
from bayes_csc.sources.readers.tables import Entry

NAN = float("nan")
# Precision of full-time equivalents as published: a figure known this closely counts as known.
ROUNDING = 0.05


def cell(
    numerator: Sequence[Entry],
    denominator: Sequence[Entry],
    others: Sequence[Entry] = (),
    *,
    exhaustive: bool = False,
    secondary: str = "other",
) -> dict[str, Any]:
    """Turn the published parts of one figure into a cell.

    The figure is the sum of `numerator` over the sum of `denominator`. A suppressed numerator gets the interval
    that `suppressed_interval` derives and, where it is wider, the one that `widest_interval` does; a suppressed
    denominator is left blank.

    Parameters
    ----------
    numerator, denominator
        Parts whose sums are the numerator and the denominator.
    others
        The remaining parts of the denominator, where the release shows them.
    exhaustive, secondary
        See `suppressed_interval`.

    Returns
    -------
    dict
        numerator, denominator, value, status, lower, upper, widest_lower, widest_upper; NaN where blank.
    """
    blank = dict.fromkeys(("numerator", "denominator", "value", "lower", "upper", *WIDEST), NAN)
    needed = [*numerator, *denominator]
    for status in ("not_available", "not_applicable"):
        if any(part.status == status for part in needed):
            return {**blank, "status": status}
    known = all(part.upper - part.lower <= ROUNDING for part in denominator)
    total = round(sum(part.lower for part in denominator), 10) if known else NAN
    if total == 0:
        return {**blank, "status": "not_applicable"}
    count = _exact_sum(numerator)
    if count is None and exhaustive and others and (rest := _exact_sum(others)) is not None:
        count = total - rest
    if known and count is not None:
        figure = {"numerator": count, "denominator": total, "value": round(count / total, 6)}
        return {**blank, **figure, "status": "observed"}
    complete = all(part.status in ("observed", "suppressed") for part in others)
    shown, exhaustive = others if complete else (), exhaustive and complete
    lower, upper = suppressed_interval(numerator, total, shown, exhaustive=exhaustive, secondary=secondary)
    least, most = widest_interval(numerator, total, shown, exhaustive=exhaustive)
    wider = {"widest_lower": least if least < lower else NAN, "widest_upper": most if most > upper else NAN}
    return {**blank, "denominator": total, "status": "suppressed", "lower": lower, "upper": upper, **wider}


def _exact_sum(parts: Sequence[Entry]) -> float | None:
    if any(part.status != "observed" for part in parts):
        return None
    return round(sum(part.lower for part in parts), 10)


def suppressed_interval(
    numerator: Sequence[Entry],
    total: float,
    others: Sequence[Entry],
    *,
    exhaustive: bool,
    secondary: str,
) -> tuple[float, float]:
    """Interval of a sum some parts of which are suppressed.

    A suppressed count is 1 to 5. Where that would reveal it by subtraction, releases also suppress the next
    smallest part of the row ("secondary"), which is then not limited to 5, but to what the total leaves.

    Parameters
    ----------
    numerator
        Parts of the sum.
    total
        What all parts may come to, NaN where it is not known.
    others
        Parts of the total outside the sum.
    exhaustive
        Whether `numerator` and `others` always come to exactly `total`.
    secondary
        Which side holds the secondarily suppressed part: "numerator" where the sum is nearly always the largest
        part, "other" where it is nearly always the smallest, "either" where it can be both.

    Returns
    -------
    tuple of float
        Smallest and largest possible sum.
    """
    lower, upper = sum(part.lower for part in numerator), sum(part.upper for part in numerator)
    if total != total:
        return lower, upper
    ceiling = total - sum(part.lower for part in others)
    floor = total - sum(part.upper for part in others)
    hidden, hidden_others = (sum(part.status == "suppressed" for part in side) for side in (numerator, others))
    if ceiling < lower or not exhaustive:
        # The other parts are unknown, or do not add up: only the total limits the sum.
        secondary_likely = secondary == "either" and floor > upper and ceiling >= lower
        return lower, ceiling if secondary_likely else max(lower, min(upper, ceiling))
    if secondary == "numerator" or hidden_others == 0:
        return max(lower, floor), ceiling
    if hidden + hidden_others >= 3 and floor <= upper:
        return max(lower, floor), min(upper, ceiling)
    return lower, ceiling if secondary == "either" else min(upper, ceiling)


def widest_interval(
    numerator: Sequence[Entry], total: float, others: Sequence[Entry], *, exhaustive: bool
) -> tuple[float, float]:
    """Interval that arithmetic alone leaves a sum some parts of which are suppressed.

    Any suppressed part may be the secondary one, which is hidden to protect another: it is at least what a primary one
    is at least, and at most what the total leaves. Unlike in `suppressed_interval`, no part is taken to be 1 to 5.

    Parameters
    ----------
    numerator, total, others, exhaustive
        As in `suppressed_interval`.

    Returns
    -------
    tuple of float
        Smallest and largest possible sum; NaN where the total is not known, which leaves no limit.
    """
    if total != total:
        return NAN, NAN
    ceiling = total - sum(part.lower for part in others)
    lower, upper = sum(part.lower for part in numerator), sum(part.upper for part in numerator)
    if exhaustive and not any(map(_hidden, others)):
        lower = max(lower, total - sum(part.upper for part in others))
    return lower, ceiling if any(map(_hidden, numerator)) else min(upper, ceiling)


def _hidden(part: Entry) -> bool:
    """Whether a part was suppressed, rather than rounded away."""
    return part.status == "suppressed" and part.upper - part.lower > ROUNDING


def panel_cells(
    indicator: Indicator,
    keys: pd.DataFrame,
    figures: list[dict[str, Any]],
    source: str,
) -> pd.DataFrame:
    """Lay out the figures of one indicator and release as rows of a panel.

    Parameters
    ----------
    indicator
        The indicator, whose publication month dates the rows.
    keys
        authority, year, reference_start, reference_end, one row per figure.
    figures
        Cells in the same order.
    source
        Release id.

    Returns
    -------
    pandas.DataFrame
        The panel's cell columns, and those of the widest interval.
    """
    rows = pd.concat([keys.reset_index(drop=True), pd.DataFrame(figures)], axis=1)
    rows["indicator"] = indicator.key
    rows["source"] = source
    rows["publication_date"] = publication_date(rows["reference_end"], indicator.publication_month)
    return rows.reindex(columns=[*CELL_COLUMNS, *WIDEST])


def year_to_march(year: pd.Series) -> pd.DataFrame:
    """Reference period of a year that ends on 31 March: its first and last day."""
    return pd.DataFrame(
        {
            "reference_start": pd.to_datetime((year - 1).astype(str) + "-04-01"),
            "reference_end": pd.to_datetime(year.astype(str) + "-03-31"),
        },
        index=year.index,
    )


def on_day(year: pd.Series, day: str) -> pd.DataFrame:
    """Reference period of a stock: the same day twice; `day` is "MM-DD"."""
    when = pd.to_datetime(year.astype(str) + "-" + day)
    return pd.DataFrame({"reference_start": when, "reference_end": when}, index=year.index)


def summed_cells(
    indicator: Indicator,
    source: str,
    keys: pd.DataFrame,
    numerator: Sequence[Sequence[Entry]],
    denominator: Sequence[Entry],
    others: Sequence[Sequence[Entry]],
    *,
    exhaustive: bool,
    secondary: str,
) -> pd.DataFrame:
    """Cells from columns; numerator and other parts of the denominator are lists of columns, an entry for each key."""
    figures = [
        cell(
            [c[i] for c in numerator],
            [denominator[i]],
            [c[i] for c in others],
            exhaustive=exhaustive,
            secondary=secondary,
        )
        for i in range(len(keys))
    ]
    return panel_cells(indicator, keys, figures, source)
