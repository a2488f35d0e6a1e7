"""Covariates of judgements: published figures of the day, standardised within their year."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from paths import PANELS

from bayes_csc.errors import SpecError
from bayes_csc.measurement.design import design
from bayes_csc.measurement.judgements.covariates import (
    covariate_column,
    covariate_key,
    covariates_of,
    judgement_covariates,
)
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.panel.panel import Panel
from bayes_csc.simulation.template_panel import skeleton
from bayes_csc.spec import Spec

KEY = "activity_3"  # higher is worse, published in October
NAMES = (KEY, f"{KEY} change")


@pytest.fixture(scope="module")
def panel() -> Panel:
    rng = np.random.default_rng(2)
    panel = skeleton(authorities=9, years=6, indicators=3, rng=rng)
    share = rng.uniform(0.2, 0.8, len(panel.cells))
    return replace(panel, cells=panel.cells.assign(numerator=(share * panel.cells.denominator).round()))


def ask(panel: Panel, code: str, day: str, names: tuple[str, ...] = NAMES) -> np.ndarray:
    asked = pd.DataFrame({"authority": [code], "day": [pd.Timestamp(day)]})
    return judgement_covariates(panel, names, asked)[0]


def standardised(panel: Panel, year: int) -> pd.Series:
    """By hand: empirical logits, turned so that higher is better, less their mean, over their sd."""
    cells = panel.cells[(panel.cells.indicator == KEY) & (panel.cells.year == year)].set_index("authority")
    z = -np.log((cells.numerator + 0.5) / (cells.denominator - cells.numerator + 0.5))
    return (z - z.mean()) / z.std(ddof=0)


def test_level_and_change_are_standardised_within_the_year(panel: Panel) -> None:
    assert panel.indicators[KEY].polarity == "higher is worse"
    now, before = standardised(panel, 2024), standardised(panel, 2022)
    for code in panel.authorities.index[:3]:
        np.testing.assert_allclose(ask(panel, code, "2024-12-01"), [now[code], now[code] - before[code]], atol=1e-12)


def test_a_figure_counts_from_the_day_of_its_publication(panel: Panel) -> None:
    code = panel.authorities.index[0]
    day = panel.cells.publication_date[(panel.cells.indicator == KEY) & (panel.cells.year == 2024)].iloc[0]
    on, ago = (ask(panel, code, str((day - pd.Timedelta(days=n)).date()))[0] for n in (0, 1))
    assert on == pytest.approx(standardised(panel, 2024)[code])
    assert ago == pytest.approx(standardised(panel, 2023)[code])


def test_the_vintage_is_the_one_that_was_current_and_the_scale_that_of_the_first(panel: Panel) -> None:
    code, other = panel.authorities.index[:2]
    mine = panel.cells.indicator.eq(KEY) & panel.cells.year.eq(2024)
    restated = pd.Timestamp("2025-02-01")
    changed = mine & panel.cells.authority.eq(code)
    cells = panel.cells.assign(
        numerator=panel.cells.numerator.mask(changed, 1.0),
        publication_date=panel.cells.publication_date.mask(changed, restated),
    )
    later = replace(panel, cells=cells, revisions=panel.cells[changed])
    first = standardised(panel, 2024)
    assert ask(later, code, "2025-01-31")[0] == pytest.approx(first[code])
    assert ask(later, code, "2025-02-01")[0] > first[code] + 1.0
    assert ask(later, other, "2025-02-01")[0] == pytest.approx(first[other])


def test_what_is_missing_is_zero(panel: Panel) -> None:
    code = panel.authorities.index[0]
    gone = panel.cells.authority.eq(code) & panel.cells.indicator.eq(KEY)
    cells = panel.cells.assign(
        status=panel.cells.status.mask(gone, "not_available"),
        numerator=panel.cells.numerator.mask(gone),
        denominator=panel.cells.denominator.mask(gone),
    )
    np.testing.assert_array_equal(ask(replace(panel, cells=cells), code, "2024-12-01"), [0.0, 0.0])
    first_year = int(panel.cells.year.min())
    assert ask(panel, code, f"{first_year}-12-01")[1] == 0.0  # no figure of two years before
    np.testing.assert_array_equal(ask(panel, code, "2010-01-01"), [0.0, 0.0])


def test_a_figure_that_is_the_same_for_all_says_nothing(panel: Panel) -> None:
    even = panel.cells.assign(numerator=10.0, denominator=40.0)
    np.testing.assert_array_equal(ask(replace(panel, cells=even), panel.authorities.index[0], "2024-12-01"), [0.0, 0.0])


def test_a_joint_return_counts_for_each_of_its_own() -> None:
    hamlets = Panel.read(PANELS / "hamlets")
    joint = hamlets.cells[
        hamlets.cells.authority.str.contains("+", regex=False) & hamlets.cells.status.eq("observed")
    ].iloc[0]
    one, two = joint.authority.split("+")
    day = str((joint.publication_date + pd.Timedelta(days=1)).date())
    found = [ask(hamlets, code, day, (str(joint.indicator),))[0] for code in (one, two)]
    assert found[0] == found[1] != 0.0


def test_an_unknown_indicator_is_refused_by_name(panel: Panel) -> None:
    with pytest.raises(SpecError, match=r"has no indicator wrong; name an indicator's key, or \"KEY change\""):
        ask(panel, panel.authorities.index[0], "2024-12-01", ("wrong change", KEY))


def test_no_covariates_are_no_columns(panel: Panel) -> None:
    assert ask(panel, panel.authorities.index[0], "2024-12-01", ()).shape == (0,)
    assert covariate_key(NAMES[1]) == covariate_key(NAMES[0]) == KEY


def test_the_design_has_a_column_for_each_as_of_the_start_of_the_inspection(panel: Panel) -> None:
    spec = Spec.parse({"ratings": {"covariates": list(NAMES)}})
    rows = design(panel, spec).observation
    assert covariates_of(rows) == list(NAMES)
    rows = rows[rows.indicator == JUDGEMENT]
    starts = panel.inspections.sort_values(["authority", "start_date"])
    for code, mine in starts.groupby("authority"):
        own = rows[rows.unit == code].sort_values("position")
        expected = [ask(panel, str(code), str(day.date())) for day in mine.start_date]
        found = own[[covariate_column(name) for name in NAMES]].to_numpy(dtype=float)
        np.testing.assert_allclose(found, expected, atol=1e-12)
