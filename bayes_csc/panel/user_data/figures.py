"""From the texts of a user's figures to the figures of a panel's cells, by family, with every breach noted."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayes_csc.files.row_checks import TableCheck, quoted
from bayes_csc.panel.user_data.figures_description import BLANK, OwnIndicator, Symbol
from bayes_csc.panel.user_data.guess_text import NUMBER, number_advice

NAN = float("nan")
FIGURES = ("numerator", "denominator", "value", "status", "lower", "upper")
ALL_PERCENT = 3
"""From this many figures on, denominators that are all 100 are percentages."""


def own_figures(check: TableCheck, own: OwnIndicator) -> pd.DataFrame:
    """Parse the figures of one indicator.

    A figure of which a part is missing is missing. A suppressed numerator keeps its range, no wider than the
    denominator of a share; a suppressed denominator is left blank, and the numerator is known to be what it is.

    Parameters
    ----------
    check
        The rows, with a column of text per role; breaches are noted in it.
    own
        The indicator.

    Returns
    -------
    pandas.DataFrame
        `numerator`, `denominator`, `value`, `status`, `lower`, `upper`, rows as in the check's table.
    """
    family = own.indicator.distribution
    read = _counts if family.counted else _grades if family.ordered else _values
    return read(check, own)


def shorthand(*, share: bool, published: bool) -> dict[str, Symbol]:
    """What the statistical service's shorthand means in a file that declares nothing else.

    Parameters
    ----------
    share
        Whether the figure is a share: its confidential count lies between 0 and its denominator, and a low one, which
        rounds to 0, is above 0; what counts nothing, or has no upper limit, is not known.
    published
        Whether the file is one of the department's, which write it without brackets, too.
    """
    known = {
        "c": Symbol("suppressed", 0.0, math.inf) if share else BLANK,
        "low": Symbol("suppressed", 1.0, math.inf) if share else BLANK,
        "x": BLANK,
        "z": Symbol("not_applicable"),
    }
    plain = known if published else {}
    return {**{f"[{text}]": symbol for text, symbol in known.items()}, **plain}


def _parsed(check: TableCheck, own: OwnIndicator, role: str) -> pd.DataFrame:
    """Status, lower and upper of each text in the column of a role; lower equals upper where it is a number."""
    texts = check.table[role]
    symbols: Mapping[str, Symbol] = {"": BLANK, **own.assumed, **own.symbols}
    known = [symbols.get(text) or _number(text) for text in texts]
    odd = np.array([symbol is None for symbol in known], dtype=bool)
    advice = pd.Series([number_advice(text) for text in texts], index=texts.index, dtype=object)
    said = ", ".join(map(quoted, own.symbols)) or "none"
    column = quoted(own.columns[role])
    for mask, what in (
        (odd & advice.ne(""), "which is {advice}"),
        (odd & advice.eq(""), f"neither a number nor a declared symbol ({said}); mend it or declare it under symbols"),
    ):
        check.note(mask, f"{role} (column {column}): found {{r.{role}!r}}, {what}", advice=advice)
    rows = [symbol or BLANK for symbol in known]
    return pd.DataFrame(
        {
            "status": [row.status for row in rows],
            "lower": [row.lower for row in rows],
            "upper": [row.upper for row in rows],
            "odd": odd,
        },
        index=texts.index,
    )


def _number(text: str) -> Symbol | None:
    value = float(text) if NUMBER.fullmatch(text) and text.isascii() else NAN
    return Symbol("observed", value, value) if math.isfinite(value) else None


def _counts(check: TableCheck, own: OwnIndicator) -> pd.DataFrame:
    share = own.indicator.distribution.share
    top, below = (_parsed(check, own, role) for role in ("numerator", "denominator"))
    status = _combined(top.status, below.status)
    seen, total = top.status.eq("observed"), below.lower.where(below.status.eq("observed"))
    count = top.lower.where(seen)
    check.note(count < 0, "numerator is negative: {r.numerator}; a count starts at 0")
    check.note(total < 0, "denominator is negative: {r.denominator}; mend it")
    check.note(
        count > total if share else (count > 0) & total.eq(0),
        "numerator {r.numerator} is above its denominator {r.denominator}; are the columns swapped or shifted?",
    )
    if not own.fractions:
        # an exposure is a number of anything, such as ten thousands of children
        for role, part in (("numerator", count), ("denominator", total))[: 1 + share]:
            check.note(
                part.mod(1).gt(0),
                f"{role} {{r.{role}}} is not a whole number; a percentage or a rate is no count: give the counts, or "
                "say fractions = true for full-time equivalents",
            )
    whole = total.dropna()
    if share and len(whole) >= ALL_PERCENT and whole.eq(100).all():
        first = pd.Series(np.arange(len(total)) == 0, index=total.index)
        check.note(
            first,
            "every denominator is 100: these are percentages; give the counts, which say how sure they are",
        )
    hidden = status.eq("suppressed")
    lower = top.lower.where(hidden)
    upper = top.upper.where(hidden)
    if share:
        check.note(
            lower > total,
            "the suppressed numerator is at least {lower:g}, above its denominator {r.denominator}",
            lower=lower,
        )
        upper = upper.where(~(upper > total), total)
    endless = np.isinf(upper)
    status, lower, upper = status.mask(endless, "not_available"), lower.mask(endless), upper.mask(endless)
    status = status.mask(status.isin(["observed", "suppressed"]) & total.eq(0), "not_applicable")
    observed, kept = status.eq("observed"), status.isin(["observed", "suppressed"])
    hidden = status.eq("suppressed")
    return pd.DataFrame(
        {
            "numerator": count.where(observed),
            "denominator": total.where(kept),
            "value": (count / total.where(total > 0)).where(observed),
            "status": status,
            "lower": lower.where(hidden),
            "upper": upper.where(hidden),
        }
    )


def _combined(top: pd.Series, below: pd.Series) -> pd.Series:
    """Status of a count over a total: missing if either is, suppressed if either is."""
    status = pd.Series("observed", index=top.index, dtype=object)
    for worse in ("suppressed", "not_applicable", "not_available"):
        status = status.mask(top.eq(worse) | below.eq(worse), worse)
    return status


def _uninterpretable(check: TableCheck, own: OwnIndicator, parsed: pd.DataFrame, role: str) -> None:
    check.note(
        parsed.status.eq("suppressed"),
        f"{role} {{r.{role}!r}} is declared as a suppressed count, but family {own.indicator.family!r} counts nothing; "
        f"declare it under [indicator.{own.indicator.key}.symbols] as not_available",
    )


def _values(check: TableCheck, own: OwnIndicator) -> pd.DataFrame:
    figure = _parsed(check, own, "value")
    _uninterpretable(check, own, figure, "value")
    value = figure.lower.where(figure.status.eq("observed"))
    if own.indicator.distribution.positive:
        check.note(
            value <= 0,
            f"value {{r.value}} is not above 0, as family {own.indicator.family!r} has it; "
            "is 0 a symbol for a missing figure?",
        )
    units = pd.Series(NAN, index=value.index)
    if "denominator" in own.columns:
        below = _parsed(check, own, "denominator")
        _uninterpretable(check, own, below, "denominator")
        units = below.lower.where(below.status.eq("observed"))
        check.note(
            units <= 0,
            "denominator {r.denominator} is not above 0; it is the number of units that the value averages over",
        )
    return _laid_out(figure.status, value, units)


def _grades(check: TableCheck, own: OwnIndicator) -> pd.DataFrame:
    texts = check.table["grade"]
    place = {label.strip().casefold(): float(n) for n, label in enumerate(own.categories, start=1)}
    place |= {str(n): float(n) for n in range(1, len(own.categories) + 1) if str(n) not in place}
    symbols: Mapping[str, Symbol] = {"": BLANK, **own.assumed, **own.symbols}
    grade = texts.str.casefold().map(place).where(~texts.isin(list(symbols)))
    status = pd.Series([symbols[text].status if text in symbols else "observed" for text in texts], index=texts.index)
    labels, column = ", ".join(map(quoted, own.categories)), quoted(own.columns["grade"])
    check.note(
        grade.isna() & status.eq("observed"),
        f"grade (column {column}): found {{r.grade!r}}; expected one of {labels}, a whole number from 1 to "
        f"{len(own.categories)}, or a declared symbol",
    )
    _uninterpretable(check, own, pd.DataFrame({"status": status}), "grade")
    return _laid_out(status, grade, pd.Series(NAN, index=grade.index))


def _laid_out(status: pd.Series, value: pd.Series, units: pd.Series) -> pd.DataFrame:
    observed = status.eq("observed")
    blank = pd.Series(NAN, index=value.index)
    return pd.DataFrame(
        {
            "numerator": blank,
            "denominator": units.where(observed),
            "value": value.where(observed),
            "status": status,
            "lower": blank,
            "upper": blank,
        }
    )
