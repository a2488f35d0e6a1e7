"""What a text that should be a number or a date probably is, and what to do about it."""

from __future__ import annotations

import datetime
import re

from bayes_csc.panel.user_data.guess_year import excel_day

NUMBER = re.compile(r"[-+]?(\d+(?:\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?")
ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
DATE_FORMATS = {"day/month/year": "%d/%m/%Y", "month/day/year": "%m/%d/%Y", "day.month.year": "%d.%m.%Y"}
SAY_FORMAT = 'write it so, or say date_format = "day/month/year" at the top of the description'

ADVICE = (
    (r"#(REF|DIV/0|VALUE|N/A|NAME|NUM|NULL)[!?]?.*", "an Excel error: mend the formula"),
    (r"=.*", "a formula: paste its value"),
    (r".*\d\s*%", "a percentage: give the counts it was made from, or the number without the sign"),
    (r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?", "a number with thousands separators: write it without"),
    (r"[-+]?\d+,\d+", "a decimal comma: write a decimal point"),
    (r"[-+]?\d{1,3}([ '\u00a0\u202f]\d{3})+", "a number with spaces in it: write it without"),
    (r"[£$€]\s*[\d.,]+.*", "an amount with its currency: write the number alone"),
    (r"\d{4}-\d{2}-\d{2}.*|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}", "a date: are the columns shifted?"),
    (r"(?i)[-+]?(nan|inf|infinity)|[-+]?[\d.]+e[-+]?\d+", "not a finite number: find out what it was"),
    (r"[<>≤≥~]\s*\d+", "a bound: declare it under symbols as suppressed, with its lower and upper"),
    (r"[-+]?[\d.]+\s*\*+|\[\w+\]|\d+\s*\(\w+\)", "a number with a mark: move the mark elsewhere"),
)


def number_advice(text: str) -> str:
    """What a text that is no number probably is; blank where there is no telling.

    Examples
    --------
    >>> number_advice("1,234")
    'a number with thousands separators: write it without'
    """
    return next((what for pattern, what in ADVICE if re.fullmatch(pattern, text[:200])), "")


def date_advice(text: str) -> str:
    """What to do about a text that is not a date such as 2025-03-31.

    Examples
    --------
    >>> date_advice("45747")
    "Excel's number of the day 2025-03-31: give the column a date format, or write the date"
    """
    if (day := excel_day(text)) is not None:
        return f"Excel's number of the day {day}: give the column a date format, or write the date"
    if re.fullmatch(r"\d{1,2}[/.]\d{1,2}[/.]\d{4}", text):
        return SAY_FORMAT
    return "write it so"


def parse_date(text: str, date_format: str | None) -> datetime.date | None:
    """Parse a date such as 2025-03-31, or in the declared format; None where it is neither.

    Parameters
    ----------
    text
        The text.
    date_format
        A key of `DATE_FORMATS`.
    """
    try:
        if ISO.fullmatch(text):
            return datetime.date.fromisoformat(text)
        return datetime.datetime.strptime(text, DATE_FORMATS[date_format]).date() if date_format else None
    except ValueError:
        return None
