"""From a published rate to the count behind it, where the release rounds the rate and leaves the count out."""

from __future__ import annotations

import math
from typing import Any

from bayes_csc.sources.readers.cells import ROUNDING
from bayes_csc.sources.readers.tables import Entry

NAN = float("nan")
# Products of decimals miss whole numbers by a little.
SLACK = 1e-9


def rounded_cell(rate: Entry, total: Entry, *, per: float, decimals: int, own_total: bool) -> dict[str, Any]:
    """Turn a rounded rate into a cell.

    A rate r given to d decimals, per `per`, of n counts a number that lies in

        n (r - h) / per  to  n (r + h) / per,   h = 10^-d / 2

    Parameters
    ----------
    rate
        The published figure.
    total
        What it is a rate of, n.
    per
        100 for a percentage, 10,000 for a rate per 10,000, 1 for a mean.
    decimals
        Decimals the rate is published to.
    own_total
        Whether `total` is the very number the publisher divided by. Then the interval holds the whole numbers in that
        range, and is the number itself where there is only one. Otherwise no whole number can be recovered, and the
        interval is widened outward to whole numbers; likewise where the range holds none.

    Returns
    -------
    dict
        numerator, denominator, value, status, lower, upper; NaN where blank.

    Examples
    --------
    >>> rounded_cell(Entry("observed", 84.5, 84.5), Entry("observed", 200, 200), per=100, decimals=1, own_total=True)[
    ...     "numerator"
    ... ]
    169.0
    """
    blank = {"numerator": NAN, "denominator": NAN, "value": NAN, "lower": NAN, "upper": NAN}
    for status in ("not_available", "not_applicable"):
        if any(part.status == status for part in (rate, total)):
            return {**blank, "status": status}
    if total.upper == 0:
        return {**blank, "status": "not_applicable"}
    half = 0.5 * 10.0**-decimals
    low = total.lower * max(rate.lower - half, 0.0) / per
    high = total.upper * (rate.upper + half) / per
    lower, upper = float(math.ceil(low - SLACK)), float(math.floor(high + SLACK))
    if not own_total or lower > upper:
        lower, upper = float(math.floor(low + SLACK)), float(math.ceil(high - SLACK))
    if per == 100:
        upper = min(upper, math.floor(total.upper))
    known = total.upper - total.lower <= ROUNDING
    if known and own_total and lower == upper:
        figure = {"numerator": lower, "denominator": total.lower, "value": round(lower / total.lower, 6)}
        return {**blank, **figure, "status": "observed"}
    denominator = total.lower if known else NAN
    return {**blank, "denominator": denominator, "status": "suppressed", "lower": lower, "upper": upper}
