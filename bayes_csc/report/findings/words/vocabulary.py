"""Words for numbers, by rules: natural frequencies, counts, intervals, dates."""

from __future__ import annotations

import datetime

NOT_AGREED = "not agreed"
BETTER = {"higher is better": "higher is better", "higher is worse": "lower is better"}


def better_words(polarity: str) -> str:
    """Say which direction of an indicator is better, or that it is not agreed.

    Examples
    --------
    >>> better_words("higher is worse"), better_words("not agreed")
    ('lower is better', 'not agreed')
    """
    return BETTER.get(polarity, NOT_AGREED)


def count_of(count: int, one: str, many: str = "") -> str:
    """Write how many there are of a thing.

    Parameters
    ----------
    count
        From zero.
    one, many
        The thing in the singular and the plural; by default with an s.

    Examples
    --------
    >>> count_of(0, "figure"), count_of(1, "figure"), count_of(2, "authority", "authorities")
    ('no figures', '1 figure', '2 authorities')
    """
    return f"{count or 'no'} {one if count == 1 else many or f'{one}s'}"


def of_hundred(p: float) -> str:
    """Return a probability as a natural frequency of a hundred.

    Examples
    --------
    >>> of_hundred(0.302), of_hundred(0.004), of_hundred(0.997), of_hundred(0.0)
    ('about 30', 'fewer than 1', 'more than 99', 'none')
    """
    if p == 0.0:
        return "none"
    if p == 1.0:
        return "all"
    if p < 0.01:
        return "fewer than 1"
    return "more than 99" if p > 0.99 else f"about {round(100 * p)}"


def number(value: float, form: str = ".2f") -> str:
    """Write a number, blank where it is missing; a minus is a minus sign, and a zero has no sign.

    Examples
    --------
    >>> number(-0.256, "+.2f"), number(float("nan")), number(-0.001, "+.2f")
    ('−0.26', '', '0.00')
    """
    if value is None or value != value:
        return ""
    text = f"{value:{form}}"
    if float(text.rstrip("%")) == 0.0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def spread(lower: float, upper: float, form: str = ".2f") -> str:
    """Write an interval.

    Examples
    --------
    >>> spread(-0.5, 0.25, "+.2f")
    '−0.50 to +0.25'
    """
    low, high = number(lower, form), number(upper, form)
    return f"{low} to {high}" if low and high else ""


def month(date: str) -> str:
    """Write the month of a date in words.

    Examples
    --------
    >>> month("2023-07-10")
    'July 2023'
    """
    return f"{datetime.date.fromisoformat(date):%B %Y}"


def joined(parts: list[str]) -> str:
    """Write a list in words.

    Examples
    --------
    >>> joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def years(value: float) -> str:
    """Write a length of time in words.

    Examples
    --------
    >>> years(2.22), years(1.0), years(0.67)
    ('2.2 years', '1.0 year', '8 months')
    """
    if value < 0.95:
        months = max(round(12 * value), 1)
        return f"{months} month{'s' if months > 1 else ''}"
    return f"{value:.1f} year{'' if f'{value:.1f}' == '1.0' else 's'}"
