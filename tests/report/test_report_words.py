"""The words of a report: each probability has one phrase, of a stated range; none says that a thing comes, or why.

And what its pages keep of the draws gives the reader the report's own figures.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_report import FORBIDDEN, findings, fitted

from bayes_csc.estimates.forecast.visit_decision import changed, sides
from bayes_csc.inference.probabilities import conditional_probability
from bayes_csc.report.export.plain import json_text
from bayes_csc.report.findings.authority.caveats import ALWAYS, USE, use_here
from bayes_csc.report.findings.authority.what_if import CHANCE_STEP, CHANGE_STEP, LEVELS, what_if
from bayes_csc.report.findings.words.contribution_words import REST, SMALL, contribution_sentence, with_figures
from bayes_csc.report.findings.words.sentences import (
    both_sentence,
    change_sentence,
    level_sentence,
    next_sentence,
)
from bayes_csc.report.findings.words.vocabulary import count_of, number, of_hundred, spread

VERBAL = re.compile(r"\b(un)?likely\b|\balmost certain\b|\bas likely as not\b")
"""Verbal ranges of a probability, which stand beside no interval."""


def test_the_first_sentence_is_the_finding_with_one_number_and_its_interval() -> None:
    for own in findings().pages:
        said = change_sentence(own.decline, "89%")
        assert not VERBAL.search(said)
        if own.inspected:
            first = said.partition(". Of 100")[0]
            assert re.match(r"The (data cannot tell whether|estimate of) its quality has (fallen|risen)", first)
            assert first.count("interval") == 1


@pytest.mark.parametrize(("count", "words"), [(0, "no figures"), (1, "1 figure"), (2, "2 figures"), (31, "31 figures")])
def test_a_count_has_its_plural_and_its_zero(count: int, words: str) -> None:
    assert count_of(count, "figure") == words


@given(st.floats(0.0, 1.0))
def test_a_natural_frequency_is_the_probability_to_the_nearest_of_a_hundred(p: float) -> None:
    words = of_hundred(p)
    if words.startswith("about"):
        assert abs(int(words.split()[1]) - 100 * p) <= 0.5 + 1e-9
    else:
        assert {"none": p == 0, "all": p == 1, "fewer than 1": 0 < p < 0.01, "more than 99": 0.99 < p < 1}[words]


@pytest.mark.parametrize(
    ("value", "form", "words"),
    [(0.125, "+.2f", "+0.12"), (-1.0, ".1f", "−1.0"), (-0.0004, "+.3f", "0.000"), (float("nan"), ".2f", "")],
)
def test_a_number_is_written_once_and_for_all(value: float, form: str, words: str) -> None:
    assert number(value, form) == words


def test_an_interval_with_a_missing_end_is_blank() -> None:
    assert spread(0.1, float("nan")) == ""


def test_no_sentence_of_a_report_says_will_or_names_a_cause() -> None:
    found = findings()
    said = [*ALWAYS, *USE, json_text(found).partition('"authorities": [')[2]]
    for own in found.pages:
        said += [change_sentence(own.decline, "89%"), contribution_sentence(with_figures(own)), *own.caveats]
        if own.forecast:
            said.append(next_sentence(own.forecast, own.base_rate, found.panel.grades, "89%"))
            said.append(level_sentence(own.forecast, 0.2, 4.0, "89%"))
    caught = [FORBIDDEN.search(text) for text in said]
    assert [m[0] for m in caught if m] == []


def test_no_sentence_gives_a_range_of_words_beside_a_probability() -> None:
    found = findings()
    for own in found.pages:
        said = [change_sentence(own.decline, "89%")]
        if own.forecast:
            said.append(next_sentence(own.forecast, own.base_rate, found.panel.grades, "89%"))
        assert not re.search(r"likely \(\d+% to \d+%\)|\(under \d+%\)|\(over \d+%\)", " ".join(said))


BASE = pd.Series({"grade_1": 0.1, "grade_2": 0.5, "grade_3": 0.3, "grade_4": 0.1, "number": 60.0}, name=3)


@pytest.mark.parametrize(
    ("change", "worse", "better", "said"),
    [
        (-0.26, 0.12, 0.58, "has fallen since the inspection (−0.26), and yet a better grade (0.58)"),
        (-0.26, 0.58, 0.12, ""),
        (0.26, 0.58, 0.12, "has risen since the inspection (+0.26), and yet a worse grade (0.58)"),
        (0.26, 0.12, 0.58, ""),
        (-0.1, 0.12, 0.58, ""),
        (-0.26, 0.3, 0.3, ""),
        (float("nan"), 0.12, 0.58, ""),
    ],
)
def test_a_change_and_a_next_grade_that_point_different_ways_are_reconciled(
    change: float, worse: float, better: float, said: str
) -> None:
    row = {"delta_median": change, "epsilon": 0.25}
    text = both_sentence(row, {"p_next_worse": worse, "p_next_better": better}, BASE)
    assert bool(text) == bool(said)
    assert said in text
    if said:
        assert f"of 60 judgements on record after the same grade, {'60%' if change < 0 else '10%'} were" in text
        assert "Both can hold" in text
    assert both_sentence(row, None, None) == ""


def test_contributions_have_their_figures_and_small_ones_are_the_rest() -> None:
    told = 0
    for own in findings().pages:
        parts = with_figures(own)
        known = own.contributions[own.contributions["kind"] != "total"]
        assert parts["contribution"].sum() == pytest.approx(known["contribution"].sum(), abs=1e-9)
        large = parts[parts["label"] != REST]
        assert (large["contribution"].abs() >= SMALL).all()
        assert len(large) == (known["contribution"].abs() >= SMALL).sum()
        told += int((large["now"] != "").sum())
        assert set(parts["better"]) <= {"higher", "lower", ""}
    assert told > 0


def test_the_sentence_of_the_change_has_the_numbers_of_its_row() -> None:
    own = next(p for p in findings().pages if p.code == "402")
    text = change_sentence(own.decline, "89%")
    assert of_hundred(own.decline["p_decline"]) in text
    assert f"probability {own.decline['p_decline']:.2f}" in text
    assert spread(own.decline["delta_lower"], own.decline["delta_upper"], "+.2f") in text


def test_an_authority_that_was_never_inspected_has_no_change_to_speak_of() -> None:
    own = next(p for p in findings().pages if p.code == "405")
    assert "no inspection on record" in change_sentence(own.decline, "89%")
    assert any("no graded inspection on record" in text for text in own.caveats)
    assert own.density is None
    assert own.base_rate is None


def test_what_is_true_of_an_authority_is_said_of_it() -> None:
    said = {p.code: " ".join(p.caveats) for p in findings().pages}
    assert "Only one inspection is on record" in said["402"]
    assert "8.1 years before the end of the data" in said["403"]
    assert "Its path begins on 30 September 2018, after the last inspection" in said["403"]
    assert [code for code, text in said.items() if "Its path begins" in text] == ["403"]
    assert "began on 1 April 2021 in the area of Juniper and Larch" in said["408"]
    assert "began" not in said["402"]


@pytest.mark.parametrize(
    ("gap", "p", "largest", "said"),
    [
        (np.nan, 0.3, 0.2, "no judgement to start from"), (0.5, 0.1, 0.2, "inspectors' own report says more"),
        (6.0, 0.1, 0.2, "neither the grade nor a change"), (2.0, 0.29, 0.2, "act on the last grade and the calendar"),
        (2.0, 0.1, -0.2, "“Agency” moved its estimate most"), (2.0, 0.1, 0.01, ""),
    ],
)  # fmt: skip
def test_how_to_use_a_page_begins_with_what_is_true_of_it(gap: float, p: float, largest: float, said: str) -> None:
    row: dict[str, object] = {"gap_years": gap, "p_decline": p, "p_decline_no_data": 0.3}
    parts = pd.DataFrame({"kind": ["indicator", "indicator", "prior"], "label": ["Agency", "Late", "prior: region"],
                          "contribution": [largest, 0.005, 0.9]})  # fmt: skip
    told = " ".join(use_here(row, parts))
    assert said in told
    assert ("moved its estimate most" in told) == (gap == gap and abs(p - 0.3) >= 0.05 and abs(largest) >= 0.05)
    assert bool(told) == bool(said)


def test_a_worse_grade_than_the_worst_is_not_spoken_of() -> None:
    own = next(p for p in findings().pages if p.code == "404")
    text = next_sentence(own.forecast or {}, own.base_rate, findings().panel.grades, "89%")
    assert "A worse grade does not exist" in text


# What a page keeps of the draws, for other settings.


def quantiles(steps: list[int], unit: float) -> np.ndarray:
    return np.cumsum(steps) * unit


def test_periods_give_the_tables_medians_intervals_and_probabilities() -> None:
    """The page interpolates linearly between the quantiles, as NumPy does."""
    found = findings()
    checked = 0
    for row in found.decline.to_dict("records"):
        kept = found.kept[row["authority"]]
        for period, prefix, p in (("inspection", "delta", "p_decline"), ("2", "recent_delta", "p_recent_decline")):
            if row[p] != row[p]:
                assert period not in kept["periods"]
                continue
            values = quantiles(kept["periods"][period], CHANGE_STEP)
            for level, end in ((0.055, "lower"), (0.5, "median"), (0.945, "upper")):
                assert np.interp(level, LEVELS, values) == pytest.approx(row[f"{prefix}_{end}"], abs=0.02)
            assert np.interp(-0.25, values, LEVELS) == pytest.approx(row[p], abs=0.006)
            checked += 1
    assert checked >= 10


def test_other_epsilons_give_what_all_draws_do() -> None:
    found, change = findings(), fitted().change
    values = quantiles(found.kept["402"]["periods"]["inspection"], CHANGE_STEP)
    own = change.sel(authority="402", change="since inspection")
    for epsilon in (0.0, 0.1, 0.5, 1.0):
        exact = float(conditional_probability(own, epsilon).mean())
        assert np.interp(-epsilon, values, LEVELS) == pytest.approx(exact, abs=0.006)


def test_a_period_of_years_is_that_of_the_sampled_paths_and_ends_where_an_authority_began() -> None:
    found, theta = findings(), fitted().posterior["theta"]
    known = theta.sel(authority="402", year=theta.year <= np.ceil(fitted().change.attrs["now"]))
    change = (known.isel(year=-1) - known.isel(year=-4)).to_numpy().ravel()
    values = quantiles(found.kept["402"]["periods"]["3"], CHANGE_STEP)
    np.testing.assert_allclose(values, np.quantile(change, LEVELS), atol=0.001)
    young, old = (set(found.kept[code]["periods"]) for code in ("408", "402"))
    assert young < old


def test_sides_by_the_kept_quantiles_are_those_of_the_forecast() -> None:
    found = findings()
    assert found.forecast is not None
    limit, told = found.about["threshold"], []
    for row in found.forecast.to_dict("records"):
        kept = found.kept[row["authority"]]
        if not row["level"]:
            assert "worse" not in kept
            continue
        found_sides = []
        for name in ("worse", "worse_no_data"):
            low, high = np.interp([0.055, 0.945], LEVELS, quantiles(kept[name], CHANCE_STEP))
            found_sides += sides((np.array([low]), np.array([high])), limit=limit)
        told.append((found_sides[0], row["level"]))
        told.append((changed(found_sides[:1], found_sides[1:])[0], row["level_changed"]))
        assert kept["p"] == pytest.approx(row["p_next_worse"], abs=5e-5)
    assert [pair for pair in told if pair[0] != pair[1]] == []
    assert len(told) >= 4


def test_without_judgements_nothing_of_the_next_one_is_kept() -> None:
    run = fitted()
    kept = what_if(run.posterior["theta"], run.change, ["402"], None, None)["402"]
    assert set(kept) == {"periods", "no_data"}
