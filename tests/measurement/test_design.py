"""The layout of the England panel and of a small one: blocks, joint returns, instants, signs, what a spec drops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from paths import PANELS

from bayes_csc.errors import DataError, SpecError
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design, design
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec


@pytest.fixture(scope="module")
def panel(shipped: Panel) -> Panel:
    """The panel that ships."""
    return shipped


@pytest.fixture(scope="module")
def england(panel: Panel) -> Design:
    """Its design under the baseline."""
    return design(panel, Spec())


@pytest.fixture(scope="module")
def hamlets() -> Panel:
    return Panel.read(PANELS / "hamlets")


def observed(d: Design, unit: str, indicator: str, year: int) -> pd.Series:
    rows = d.observation
    return rows[(rows.unit == unit) & (rows.indicator == indicator) & (rows.year == year)].iloc[0]


def state_weights(d: Design, at: int) -> dict[tuple[str, int], float]:
    """Weight of each authority's grid year in one observation, read back from the layout."""
    layout, n_year = layout_of(d), d.year.size
    first = d.block[d.observation.block.iloc[at]]
    span = slice(layout.row[at], layout.row[at + 1])
    return {
        (d.authority[first[s // n_year]], int(d.year[s % n_year])): float(w)
        for s, w in zip(layout.state[span], layout.weight[span], strict=True)
    }


def test_the_grid_runs_from_the_first_instant_to_the_point_after_the_panel_s_date(england: Design) -> None:
    assert england.year.tolist() == list(range(2013, 2028))
    assert england.now == pytest.approx(2026 + 92 / 365)  # 31 December 2025


@pytest.mark.parametrize(
    ("indicator", "year", "position"),
    [
        ("re_referral", 2020, 2020.0),  # children in need: the middle of the year to 31 March
        ("plan_over_2_years", 2020, 2020.5),  # plans at 31 March
        ("agency", 2025, 2026.0),  # census of 30 September 2025
        ("turnover", 2025, 2026.0),  # goes with its census
    ],
)
def test_reference_instants_on_the_grid(england: Design, indicator: str, year: int, position: float) -> None:
    assert observed(england, "202", indicator, year).position == pytest.approx(position, abs=0.003)


def test_kingston_and_richmond_are_one_workforce_return_weighted_by_their_children(england: Design) -> None:
    rows = england.observation
    at = int(np.flatnonzero((rows.unit == "314+318") & (rows.indicator == "agency") & (rows.year == 2020))[0])
    weights = state_weights(england, at)
    assert weights == pytest.approx({("314", 2021): 37121 / 81159, ("318", 2021): 44038 / 81159})
    assert ("314", "318") in [tuple(england.authority[i] for i in b) for b in england.block]


def test_an_instant_between_grid_points_is_interpolated(england: Design) -> None:
    rows = england.observation
    at = int(np.flatnonzero((rows.unit == "202") & (rows.indicator == "plan_over_2_years") & (rows.year == 2019))[0])
    weights = state_weights(england, at)
    assert weights == pytest.approx({("202", 2019): 0.5, ("202", 2020): 0.5}, abs=0.003)
    assert sum(weights.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("codes", [("928", "940", "941"), ("909", "942", "943"), ("835", "836", "837", "838", "839")])
def test_reorganised_counties_are_one_block_with_a_template_of_their_own(england: Design, codes: tuple[str]) -> None:
    blocks = [tuple(england.authority[i] for i in b) for b in england.block]
    assert codes in blocks
    assert england.block_template[blocks.index(codes)] != 0


def test_authorities_by_themselves_share_the_first_template(england: Design) -> None:
    alone = [t for b, t in zip(england.block, england.block_template, strict=True) if len(b) == 1]
    assert len(alone) == 145
    assert set(alone) == {0}


def test_northamptonshire_has_states_until_its_end_and_its_successors_after(england: Design) -> None:
    exists = dict(zip(england.authority, england.exists, strict=True))
    year = england.year
    assert year[exists["928"]].max() == 2021
    assert year[exists["940"]].min() == 2022
    assert year[exists["202"]].tolist() == year.tolist()


def test_every_observation_s_weights_sum_to_one_and_stay_in_its_block(england: Design) -> None:
    layout = layout_of(england)
    total = np.add.reduceat(layout.weight, layout.row[:-1])
    np.testing.assert_allclose(total, 1.0, atol=1e-12)
    sizes = np.diff(layout.block_state)[england.observation.block]
    assert (np.maximum.reduceat(layout.state, layout.row[:-1]) < sizes).all()


def test_groups_are_a_unit_s_indicator_or_its_domain_with_a_deviation(england: Design) -> None:
    rows = england.observation
    by_group = rows.groupby("group")
    assert (by_group.unit.nunique() == 1).all()
    own = rows[(rows.domain < 0) & (rows.indicator != "judgement")]
    assert (own.groupby("group").indicator.nunique() == 1).all()
    camden = rows[(rows.unit == "202") & rows.indicator.isin(["agency", "vacancy", "turnover"])]
    assert camden.group.nunique() == 1
    assert (rows[rows.indicator == "judgement"].groupby("group").inspection.nunique() == 1).all()


def test_signs_follow_the_polarity(england: Design) -> None:
    signs = england.observation.groupby("indicator").sign.unique()
    assert signs["agency"].tolist() == [-1.0]
    assert signs["conference_within_15_days"].tolist() == [1.0]
    assert signs["re_referral"].tolist() == [1.0]  # not agreed


def test_year_effects_are_zero_sum_paths_over_an_indicator_s_years(england: Design) -> None:
    steps = england.year_steps()
    for k in england.indicator:
        of_k = [i for i, (name, _) in enumerate(steps.labels) if name == k]
        np.testing.assert_allclose(steps.basis[of_k].sum(axis=0), 0.0, atol=1e-12)
        years = [t for name, t in steps.labels if name == k]
        at = [i for i, (name, _) in enumerate(steps.step_labels) if name == k]
        path = np.diff(steps.basis[np.ix_(of_k, at)], axis=0)
        np.testing.assert_allclose(path, np.eye(len(years) - 1), atol=1e-12)


def test_deprivation_is_standardised_over_the_authorities(england: Design) -> None:
    assert england.deprivation.mean() == pytest.approx(0.0, abs=1e-12)
    assert england.deprivation.std() == pytest.approx(1.0)


def test_an_earlier_cut_keeps_the_window_so_that_theta_keeps_its_scale(panel: Panel) -> None:
    earlier = design(panel.as_of(pd.Timestamp("2020-01-01").date()), Spec())
    full = design(panel, Spec())
    assert earlier.year[earlier.window].tolist() == full.year[full.window].tolist()


def test_interpolation_holds_theta_constant_beyond_the_grid(england: Design) -> None:
    w = england.weights(np.array([2000.0, 2013.0, 2015.25, 2026.0, 2030.0]))
    np.testing.assert_allclose(w @ england.year, [2013.0, 2013.0, 2015.25, 2026.0, 2027.0])


# What a spec drops, and its errors.


def test_dropped_indicators_and_domains_leave_no_observation(hamlets: Panel) -> None:
    assert design(hamlets, Spec(drop=("late",))).indicator == ("agency", "vacancy")
    d = design(hamlets, Spec(drop_domains=("workforce",)))
    assert set(d.observation.indicator) == {"late", "judgement"}
    assert d.domain == ()


def test_named_indicators_keep_the_spec_s_order(hamlets: Panel) -> None:
    assert design(hamlets, Spec(indicators=("late", "agency"))).indicator == ("late", "agency")


def test_a_spec_that_names_none_uses_the_default_indicators(hamlets: Panel) -> None:
    panel = replace(
        hamlets, indicators=hamlets.indicators | {"late": replace(hamlets.indicators["late"], default=False)}
    )
    assert design(panel, Spec()).indicator == ("agency", "vacancy")
    assert design(panel, Spec(indicators=("late", "agency"))).indicator == ("late", "agency")


def test_the_grid_is_that_of_the_default_indicators_and_the_named_ones(hamlets: Panel) -> None:
    cells = hamlets.cells.assign(indicator="early")
    shift = pd.DateOffset(years=10)
    cells = cells.assign(reference_start=cells.reference_start - shift, reference_end=cells.reference_end - shift)
    early = replace(hamlets.indicators["late"], key="early", default=False)
    panel = replace(
        hamlets, cells=pd.concat([hamlets.cells, cells]), indicators=hamlets.indicators | {"early": early}, window=None
    )
    alone = design(replace(hamlets, window=None), Spec())
    np.testing.assert_array_equal(design(panel, Spec()).year, alone.year)
    assert design(panel, Spec(indicators=("early", "agency"))).year[0] == alone.year[0] - 10


def test_a_domain_with_one_indicator_left_has_no_shared_deviation(hamlets: Panel) -> None:
    assert design(hamlets, Spec()).domain == ("workforce",)
    assert design(hamlets, Spec(drop=("vacancy",))).domain == ()


def test_without_ratings_there_is_no_judgement(hamlets: Panel) -> None:
    d = design(hamlets, Spec.parse({"ratings": {"use": False}}))
    assert "judgement" not in set(d.observation.indicator)
    assert d.judged.scale == ()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"indicators": ["nothing"]}, "no indicator 'nothing' in panel Hamlets\nits indicators: agency, late, vacancy"),
        ({"drop": ["nothing"]}, "no indicator 'nothing'"),
        ({"drop_domains": ["weather"]}, "no domain 'weather' in panel Hamlets"),
        (
            {"drop_domains": ["workforce", "assessment"], "ratings": {"use": False}},
            "leaves no indicator and no rating",
        ),
    ],
)
def test_a_spec_that_does_not_fit_the_panel_says_why(hamlets: Panel, spec: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        design(hamlets, Spec.parse(spec))


def test_a_missing_deprivation_score_is_refused_unless_it_is_not_used(hamlets: Panel) -> None:
    table = hamlets.authorities.copy()
    table.loc["403", "deprivation"] = np.nan
    lacking = replace(hamlets, authorities=table)
    with pytest.raises(DataError, match="no deprivation score for 403"):
        design(lacking, Spec())
    d = design(lacking, Spec.parse({"pooling": {"deprivation": False}}))
    assert not d.deprivation.any()


def test_keeping_every_observation_keeps_the_layout(hamlets: Panel) -> None:
    d = design(hamlets, Spec())
    again = d.kept(np.ones(len(d.observation), dtype=bool))
    for a, b in zip(layout_of(again), layout_of(d), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_design_is_kept_for_the_same_panel_and_spec_only(hamlets: Panel) -> None:
    laid_out = design(hamlets, Spec())
    assert design(hamlets, Spec()) is laid_out
    other = replace(hamlets, cells=hamlets.cells[hamlets.cells["indicator"] != "late"])
    assert len(design(other, Spec()).observation) < len(laid_out.observation)
    without = design(hamlets, Spec.parse({"ratings": {"use": False}}))
    assert len(without.observation) < len(laid_out.observation)
    assert design(hamlets, Spec()) is not laid_out  # the latest only
