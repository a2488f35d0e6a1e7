"""The answer for one authority in sentences: natural frequencies, with intervals and what they mean."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bayes_csc.estimates.forecast.overall_name import WOULD
from bayes_csc.measurement.figures_used import NO_FIGURES, SO_ALMOST_PRIOR, without_figures
from bayes_csc.panel.calendar import day
from bayes_csc.report.findings.authority.caveats import SAID_NOTHING
from bayes_csc.report.findings.words.next_words import any_sentence, domains_of, domains_sentence, has_overall
from bayes_csc.report.findings.words.vocabulary import joined, month, number, of_hundred, spread, years

PRIOR = {"prior: region": "trend of its region", "prior: deprivation": "trend by deprivation"}
LITTLE = 0.15
"""Step of a probability below which figures have moved it a little."""


def next_sentence(forecast: dict[str, Any], base: pd.Series | None, grades: Sequence[str], percent: str) -> str:
    """Say what the next judgement may be: the sub-judgements first, where the forecast has them.

    Parameters
    ----------
    forecast
        The authority's row.
    base
        Base rate of its last grade, which is its name; None where there is none that compares.
    grades
        Best first.
    percent
        Probability of the intervals, as text.
    """
    when = f"around {month(forecast['next_inspection_median'])}"
    window = f"{month(forecast['next_inspection_lower'])} to {month(forecast['next_inspection_upper'])}"
    lead = f"The next inspection is expected {when} ({percent} interval {window}). "
    parts = (any_sentence(forecast, grades[-1], percent), domains_sentence(forecast, grades))
    whole = _overall_sentence(forecast, base, grades, percent)
    return lead + " ".join(filter(None, (*parts, whole)))


def _overall_sentence(forecast: dict[str, Any], base: pd.Series | None, grades: Sequence[str], percent: str) -> str:
    """Say what the overall grade may be, or would have been."""
    given, whole = has_overall(forecast), "overall grade" if domains_of(forecast) else "grade"
    lead = "Of" if given else f"The inspection is expected to give no overall grade. {WOULD[0].upper()}{WOULD[1:]}: of"
    lead += " 100 authorities that look like this one,"
    if base is None:
        as_what = " as overall grade" if domains_of(forecast) else ""
        shares = [f"{of_hundred(forecast[f'p_grade_{g + 1}'])} {grade}" for g, grade in enumerate(grades)]
        return f"{lead} {', '.join(shares)} would be expected{as_what}."
    worse, better = forecast["p_next_worse"], forecast["p_next_better"]
    same = max(0.0, 1.0 - worse - better)
    outcomes = [(better, f"a better {whole}"), (same, "the same"), (worse, "a worse one")]
    told = [(of_hundred(p), what) for p, what in outcomes if p > 0 or what == "a worse one"]
    parts = [
        f"{count} {what}" if place else f"{count} would be expected to get {what}"
        for place, (count, what) in enumerate(told)
    ]
    text = f"{lead} {joined(parts)}."
    if (last := int(str(base.name))) == len(grades):
        return f"{text} A worse {whole} does not exist."
    interval = spread(forecast["p_next_worse_lower"], forecast["p_next_worse_upper"])
    text += f" The probability of a worse {whole} is {number(worse)} ({percent} interval {interval})."
    if base["number"] > 0:
        share = sum(float(base[f"grade_{g}"]) for g in range(last + 1, len(grades) + 1))
        text += f" Of {base['number']:.0f} judgements on record that followed the same grade, {share:.0%} were worse."
    return text


def no_figures_sentence(decline: Mapping[Any, Any]) -> str:
    """Say that there are no figures since the inspection, and what that means; blank where there are some."""
    return f"There are {NO_FIGURES}: {SO_ALMOST_PRIOR}." if without_figures(decline) else ""


def group_without_figures(rows: pd.DataFrame, *, named: bool = True) -> str:
    """Say of which authorities of a group, or of how many, there are no figures since the inspection; blank if none.

    Examples
    --------
    >>> group_without_figures(pd.DataFrame({"name": ["Elm", "Fern"], "figures_since": [0, 4]}))[:64]
    'Of 1 of 2 authorities (Elm) there are no figures since the inspe'
    """
    names = [str(row["name"]) for row in rows.to_dict("records") if without_figures(row)]
    if not names:
        return ""
    listed = f" ({joined(names)})" if named else ""
    if len(rows) == 1:
        return no_figures_sentence(rows.to_dict("records")[0])
    whom = f"{len(names)} of {len(rows)} authorities{listed}"
    return f"Of {whom} there are {NO_FIGURES}: {SO_ALMOST_PRIOR}."


def figures_words(decline: Mapping[Any, Any]) -> str:
    """Write how many figures there are since the inspection, in words where there are none; blank without one.

    Examples
    --------
    >>> figures_words({"figures_since": 0}), figures_words({"figures_since": 4}), figures_words({})
    ('no figures since the inspection', '4', '')
    """
    count = decline.get("figures_since")
    return NO_FIGURES if without_figures(decline) else f"{count}" if pd.notna(count) else ""


def recent_words(about: dict[str, Any]) -> str:
    """Name the period of the recent change.

    Examples
    --------
    >>> recent_words({"recent_until": "2025-09-30"})
    'the two years to 30 September 2025'
    """
    return f"the two years to {day(about['recent_until'])}"


def change_sentence(decline: dict[str, Any], percent: str, recent: str = "the last two years") -> str:
    """Say whether quality has declined since the last inspection.

    Parameters
    ----------
    decline
        The authority's row.
    percent
        Probability of the intervals, as text.
    recent
        Period of the recent change (`recent_words`).
    """
    gap, epsilon = decline["gap_years"], decline["epsilon"]
    if gap != gap:
        return (
            f"It has no inspection on record, so there is no change since one to speak of. The probability that "
            f"quality has declined by more than {epsilon:g} over {recent} is {number(decline['p_recent_decline'])}."
        )
    p, step = decline["p_decline"], decline["p_decline"] - decline["p_decline_no_data"]
    moved = f"there are {NO_FIGURES}" if without_figures(decline) else _moved(step)
    median, interval = (
        number(decline["delta_median"], "+.2f"),
        spread(decline["delta_lower"], decline["delta_upper"], "+.2f"),
    )
    direction = _direction(decline)
    return (
        f"{direction} since the inspection of {day(decline['last_inspection'])}: {median} in {years(gap)} ({percent} "
        f"interval {interval}), in units of the spread between similar authorities. Of 100 authorities with figures "
        f"like these, {of_hundred(p)} would be expected to have declined by more than {epsilon:g} (probability "
        f"{number(p)}). "
        "Had nothing been observed since the inspection, the probability would be "
        f"{number(decline['p_decline_no_data'])}: {moved}."
    )


def _direction(decline: Mapping[str, Any]) -> str:
    """Say which way the estimate has moved, and whether the interval leaves no change open."""
    middle, low, high = (float(decline[f"delta_{name}"]) for name in ("median", "lower", "upper"))
    if low > 0 or high < 0:
        return f"The estimate of its quality has {'risen' if middle > 0 else 'fallen'}"
    return f"The data cannot tell whether its quality has {'risen or fallen' if middle > 0 else 'fallen or risen'}"


def _moved(step: float) -> str:
    """Say which way the figures since the inspection point."""
    if abs(step) < SAID_NOTHING:
        return "the figures since then have said next to nothing"
    return (
        "the figures since then speak "
        + ("for a decline" if step > 0 else "against one")
        + (", a little" if abs(step) < LITTLE else "")
    )


def level_sentence(forecast: dict[str, Any], threshold: float, loss_ratio: float, percent: str) -> str:
    """Say on which side of the level of early visits a worse grade's chance is, and whether the data changed that.

    Parameters
    ----------
    forecast
        The authority's row.
    threshold
        The level.
    loss_ratio
        Cost of a missed decline, in visits in vain.
    percent
        Probability of the intervals, as text.
    """
    side = str(forecast["level"])
    if not side:
        return ""
    whose = "a worse overall grade" if domains_of(forecast) else "a worse grade"
    about = "" if has_overall(forecast) else f", of {WOULD},"
    p, low, high = (forecast[f"p_next_worse{end}"] for end in ("", "_lower", "_upper"))
    since = "changed" if forecast["level_changed"] == "yes" else "did not change"
    return (
        f"The chance of {whose}{about} is {side} the level at which an early visit pays: {number(p)} ({percent} "
        f"interval {spread(low, high)}) against {number(threshold)}. The data since the inspection {since} that. (A "
        f"worse grade that nobody saw coming is taken to cost {loss_ratio:g} early visits that were not needed.)"
    )


def both_sentence(decline: Mapping[Any, Any], forecast: Mapping[Any, Any] | None, base: pd.Series | None) -> str:
    """Say that the change and the next grade point different ways, where they do, and why both can hold; else blank.

    They do where the middle estimate of the change is a fall that counts (`epsilon` or more) and a better grade is more
    probable than a worse one, or the other way about.

    Parameters
    ----------
    decline, forecast
        The authority's rows; no forecast without judgements.
    base
        Base rate of its last grade; None where there is none that compares.
    """
    if forecast is None or base is None:
        return ""
    change, worse, better = (
        float(x) for x in (decline["delta_median"], forecast["p_next_worse"], forecast["p_next_better"])
    )
    if not abs(change) >= decline["epsilon"] or change * (better - worse) >= 0:
        return ""
    moved, likelier, other = ("fallen", "better", "worse") if change < 0 else ("risen", "worse", "better")
    first, second = (better, worse) if change < 0 else (worse, better)
    text = (
        f"The two answers point different ways: the estimate of quality has {moved} since the inspection "
        f"({number(change, '+.2f')}), and yet a {likelier} grade ({number(first)}) is more probable next than a "
        f"{other} one ({number(second)}). Both can hold. The first compares the authority with itself at the "
        "inspection; the second is about the level that inspectors are expected to find, with the chance that is in "
        "any judgement"
    )
    if not base["number"] > 0:
        return f"{text}."
    last = int(str(base.name))
    after = range(1, last) if change < 0 else range(last + 1, sum(str(c).startswith("grade_") for c in base.index) + 1)
    share = sum(float(base[f"grade_{g}"]) for g in after)
    return f"{text}: of {base['number']:.0f} judgements on record after the same grade, {share:.0%} were {likelier}."


def path_sentence(fan: pd.DataFrame, percent: str) -> str:
    """Say where a trajectory began and where it stands."""
    first, last = fan.iloc[0], fan.iloc[-1]
    side = "above" if last["median"] > 0 else "below"
    sure = "which the interval excludes" if last["lower"] > 0 or last["upper"] < 0 else "which the interval includes"
    start, end = (f"{number(row['median'], '+.2f')} in {row['position'] - 0.75:.0f}" for row in (first, last))
    interval = spread(last["lower"], last["upper"], "+.2f")
    return f"From {start} to {end} ({percent} interval {interval}), {side} the national mean, {sure}."


def composite_sentence(composite: pd.Series, decline: Mapping[str, Any]) -> str:
    """Say what a plain mean of the indicators is now and was at the last inspection, and where it points otherwise.

    The year at the inspection is the latest whose 31 March was past.

    Parameters
    ----------
    composite
        The authority's, by year (`composite.composite`).
    decline
        Its row of the table of declines.
    """
    known = composite.dropna()
    if known.empty:
        return ""
    now = int(known.index[-1])
    text = (
        "A plain mean of the standardised indicators, which anyone can compute again (equal weights, higher is "
        f"better): {number(known[now], '+.2f')} in {now}"
    )
    if not decline["last_grade"]:
        return f"{text}."
    began = datetime.date.fromisoformat(str(decline["last_inspection"]))
    year = began.year - (began < datetime.date(began.year, 3, 31))
    if year not in known.index or year == now:
        return f"{text}; there is no other year to set beside the last inspection."
    step, change = float(known[now] - known[year]), float(decline["delta_median"])
    text += f", {number(known[year], '+.2f')} in {year}, the last year before the last inspection."
    if min(abs(step), abs(change)) < 0.005 or step * change > 0:
        return text
    up, down = ("plain mean", "estimate") if step > 0 else ("estimate", "plain mean")
    return f"{text} The two point different ways: the {up} has risen since, the {down} has fallen."


def source_words(label: str) -> str:
    """Write the label of a contribution for readers.

    Examples
    --------
    >>> source_words("ILACS:help_and_protection 2023-07-10: good"), source_words("prior: region")
    ('ILACS help and protection, July 2023: good', 'trend of its region')
    """
    if label in PRIOR:
        return PRIOR[label]
    judged = re.fullmatch(r"([^\s:]+):(\S+) (\d{4}-\d\d-\d\d)(.*)", label)
    if judged is None:
        return label
    framework, domain, date, rest = judged.groups()
    return f"{framework} {domain.replace('_', ' ')}, {month(date)}{rest}"


def caterpillar_sentence(rows: pd.DataFrame, epsilon: float, percent: str) -> str:
    """Say what a group's changes show together."""
    known = rows.dropna(subset=["p_decline"])
    if known.empty:
        return "No authority of this group has a change since an inspection."
    clear = int(((known["delta_upper"] < 0) | (known["delta_lower"] > 0)).sum())
    above = int((known["p_decline"] > 0.5).sum())
    moved = int(((known["p_decline"] - known["p_decline_no_data"]).abs() >= 0.05).sum())
    likely = known["p_decline"].sum()
    if len(known) == 1:
        row = known.iloc[0]
        return (
            f"The {percent} interval of its change {'excludes' if clear else 'includes'} zero. The probability of a "
            f"decline of more than {epsilon:g} is {number(row['p_decline'])}; had nothing been observed since the "
            f"inspection, it would be {number(row['p_decline_no_data'])}."
        )
    none, one_half, some = (str(n or "none") for n in (clear, above, moved))
    return (
        f"For {none} of {len(known)} authorities the {percent} interval of the change excludes zero. The probability "
        f"of a decline of more than {epsilon:g} is above one half for {one_half}; together, about {likely:.0f} of the "
        f"{len(known)} would be expected to have declined by that much, without saying which. For {some} the figures "
        "since the inspection moved the probability by 0.05 or more."
    )


def information_sentence(table: pd.DataFrame) -> str:
    """Say where what is known of latent quality comes from (`bayes_csc.estimates.information`)."""
    first = table.nlargest(2, "share")
    parts = [
        f"{s:.0%} comes from {name.replace('_', ' ')}" for name, s in zip(first["source"], first["share"], strict=True)
    ]
    return (
        f"Of what the data say about latent quality, {joined(parts)}. Figures of one domain that share local practice "
        "are one source however many they are; what is supposed before any data is not counted."
    )
