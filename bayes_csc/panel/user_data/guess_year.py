"""Which year a text means: the ways in which years are written, and what to do where several years are meant."""

from __future__ import annotations

import datetime
import re

YEAR = re.compile(r"(19|20)\d{2}")
SPAN = re.compile(r"((?:19|20)?\d{2})\s*[-/–—]\s*((?:19|20)?\d{2})")
SIX = re.compile(r"((?:19|20)\d{2})(\d{2})")
FINANCIAL = re.compile(r"FY\s*(.+)", re.IGNORECASE)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = re.compile(r"([A-Za-z]{3,9})[-\s/.]+((?:19|20)?\d{2})")
OF_TWO = ("academic year", "financial year", "tax year")
"""What `time_identifier` calls years that a published file writes in six digits, 202324."""
# Day 60 of Excel's calendar is a day that never was; from then on it counts from here.
EXCEL_DAY_0 = datetime.date(1899, 12, 30)
EXCEL_DAYS = range(20_000, 80_000)


def year_advice(text: str) -> str:
    """What to write in place of a text that is not a year of four digits.

    Examples
    --------
    >>> year_advice("2023/24"), year_advice("FY2024"), year_advice("Mar-23")[:12]
    ('write the year in which it ends, 2024', 'write the year in which it ends, 2024', 'a month: wri')
    >>> year_advice("2019-21")[:42]
    'a period of several years, 2019 to 2021: w'
    """
    if fiscal := FINANCIAL.fullmatch(text):
        text = fiscal[1].strip()
        if YEAR.fullmatch(text) or re.fullmatch(r"\d{2}", text):
            return f"write the year in which it ends, {_whole(text)}"
    if (years := span(text)) is not None:
        return _of_span(*years)
    if re.fullmatch(r"\d{4}\.0+", text):
        return f"write {text[:4]}"
    if (day := excel_day(text)) is not None:
        return f"Excel's number of the day {day}: write {day.year}, or name the column as reference_end with its dates"
    if (month := MONTH.fullmatch(text)) and month[1][:3].casefold() in MONTHS:
        return f"a month: write {_whole(month[2])}, or name the column as reference_end with its dates"
    if dated := re.match(r"(\d{4})-\d{2}-\d{2}|\d{1,2}[/.]\d{1,2}[/.](\d{4})", text):
        return f"a date: write {dated[1] or dated[2]}, or name the column as reference_end"
    return "write four digits, or look whether the columns are swapped or shifted"


def published_year(text: str, identifier: str) -> str:
    """Year of a published file as four digits, where its `time_identifier` says that six digits are one year.

    Parameters
    ----------
    text
        The file's `time_period`.
    identifier
        What the file calls its periods.

    Returns
    -------
    str
        The year in which it ends; the text itself where it is not six digits of two consecutive years.

    Examples
    --------
    >>> [published_year(t, "Academic year") for t in ("202324", "201920", "201921", "2024")]
    ['2024', '2020', '201921', '2024']
    >>> published_year("202324", "Reporting year")
    '202324'
    """
    years = span(text) if SIX.fullmatch(text) and identifier.strip().casefold() in OF_TWO else None
    return str(years[1]) if years and years[1] == years[0] + 1 else text


def span(text: str) -> tuple[int, int] | None:
    """First and last year of a text such as 2019-21, 23/24 or 202324; None where it is none.

    Examples
    --------
    >>> span("2017 - 19"), span("1999/00"), span("23/24"), span("202313"), span("2024")
    ((2017, 2019), (1999, 2000), (2023, 2024), None, None)
    """
    found = SPAN.fullmatch(text) or SIX.fullmatch(text)
    if not found or (len(found[1]) == 2 and len(found[2]) == 4):
        return None
    first = _whole(found[1])
    last = int(found[2]) if len(found[2]) == 4 else first - first % 100 + int(found[2])
    last += 100 * (last < first and first % 100 > 90 and len(found[2]) == 2)
    if SIX.fullmatch(text) and last != first + 1 and int(found[2]) <= 12 + 12 * (last < first):
        return None  # a year and a month
    return first, last


def excel_day(text: str) -> datetime.date | None:
    """Day of Excel's calendar whose number a text is; None where it is none.

    Examples
    --------
    >>> excel_day("45747"), excel_day("7")
    (datetime.date(2025, 3, 31), None)
    """
    if text.isascii() and text.isdigit() and len(text) == 5 and int(text) in EXCEL_DAYS:
        return EXCEL_DAY_0 + datetime.timedelta(days=int(text))
    return None


def _whole(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def _of_span(first: int, last: int) -> str:
    if last == first + 1:
        return f"write the year in which it ends, {last}"
    if last <= first:
        return "its last year is not after its first; mend it"
    return (
        f"a period of several years, {first} to {last}: write the year in which it ends, {last}, and name columns with "
        f"its first and last day as reference_start and reference_end (if its years end on 31 March, {first}-04-01 and "
        f"{last}-03-31)"
    )
