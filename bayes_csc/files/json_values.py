"""Plain values for JSON."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pandas as pd

DIGITS = 6
"""Significant digits of a number that is no integer."""


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table by column name, without its index."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def plain(value: Any) -> Any:
    """Return a value as JSON has it: days as text, what is missing or infinite as null, `DIGITS` significant digits.

    Examples
    --------
    >>> plain({"p": np.float64(0.123456789), "day": pd.Timestamp("2025-03-31"), "none": [np.nan, pd.NaT, pd.NA]})
    {'p': 0.123457, 'day': '2025-03-31', 'none': [None, None, None]}
    """
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    if value is pd.NaT or value is pd.NA:
        return None
    return value.isoformat()[:10] if isinstance(value, datetime.date) else value
