"""Simulated grades, figures and inspections follow from those before them, and from nothing after them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from panels_with_feedback import TIMED, flagged
from panels_with_subjudgements import with_sub_judgements
from scipy.stats import norm

from bayes_csc.errors import DataError
from bayes_csc.likelihood.prior_draws import PriorDraws, draw_prior, fitted
from bayes_csc.measurement.design import Design, design
from bayes_csc.measurement.judgements.inspection_timing import TIMING
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.panel.panel import OVERALL, Panel, inspection_dates
from bayes_csc.simulation import in_order
from bayes_csc.simulation import simulate as simulate_module
from bayes_csc.simulation.in_order import fed, judgement_score, own_cutpoints
from bayes_csc.simulation.possible_inspections import reporting_year, with_possible
from bayes_csc.simulation.simulate import often_suppressed, simulate, simulate_like
from bayes_csc.simulation.simulate_next import NEXT, simulate_ahead
from bayes_csc.simulation.template_panel import skeleton
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design, trajectory

Simulated = tuple[Panel, xr.DataTree]
EVERYTHING = {
    "previous": "cutpoints", "drift_sd": 0.1, "covariates": ["activity_1", "workforce_1 change"], "common": "share",
}  # fmt: skip
ALL = Spec.parse({"ratings": EVERYTHING})
PLAIN = Spec.parse({"ratings": {"previous": "none"}})
TIMED_ALL = Spec.parse({"ratings": {**EVERYTHING, "timing": True}})
ACTED = ("activity_1", "activity_2")


def truth_of(tree: xr.DataTree) -> xr.Dataset:
    return tree["posterior"].to_dataset()


@pytest.fixture(scope="module")
def judged() -> Simulated:
    """Many authorities, so that frequencies are near their probabilities; grades act on figures, and they on grades."""
    panel = skeleton(authorities=150, years=10, indicators=6, rng=np.random.default_rng(4), judged=True)
    panel = flagged(panel, *ACTED)
    return simulate_like(panel, trajectory, ALL, seed=11, suppressed=often_suppressed(panel))


@pytest.fixture(scope="module")
def timed() -> Simulated:
    return simulate(trajectory, TIMED_ALL, authorities=80, years=10, seed=2, judged=True)


def without_noise(d: Design, panel: Panel, truth: xr.DataTree) -> np.ndarray:
    """Expected latent value of each observation of the panel's own design at its truth, but for standard and level."""
    known = truth_of(truth)
    loading = np.zeros(int(d.observation.kind.max()) + 1)
    loading[-len(d.judged.domain) :] = known["judgement_loading"]
    if d.timing:
        loading[len(d.indicator)] = known["timing_loading"]
    inputs = {"offset": fed(d.observation, known), "loading": loading}
    return fitted(d, inputs, known["theta_raw"].sel(authority=list(d.authority)).to_numpy())


def test_grades_come_as_often_as_after_the_previous_grades_of_the_panel_itself(judged: Simulated) -> None:
    panel, truth = judged
    d, known = design(panel, ALL), truth_of(truth)
    at = (d.observation.indicator == JUDGEMENT).to_numpy()
    rows = d.observation[at]
    # what the panel's own design has as previous grades and covariates: nothing of the simulation's
    f = without_noise(d, panel, truth)[at] + d.weights(rows.position.to_numpy()) @ known["standard"].to_numpy()
    sd = known["inspection_sd"].sel(judged=[s.partition(":")[2] for s in rows.scale]).to_numpy()
    ends = (own_cutpoints(rows, known) - f[:, None]) / np.hypot(1.0, sd)[:, None]
    p = np.diff(np.column_stack([np.zeros(len(f)), norm.cdf(ends), np.ones(len(f))]), axis=1)[:, ::-1]
    came = rows.grade.to_numpy(dtype=int)[:, None] == np.arange(1, 5)
    assert len(rows) > 1200
    assert set(rows.previous) == {0, 1, 2, 3, 4}
    assert 0 < rows.earlier.sum() < len(rows)
    for level, of_level in rows.assign(place=np.arange(len(rows))).groupby("previous").place:
        # judgements of an inspection hang together: three of them are as good as one at worst
        spread = np.sqrt(3.0 * (p * (1 - p))[of_level].sum(axis=0))
        assert np.all(np.abs((came - p)[of_level].sum(axis=0)) < 4.0 * spread + 1e-9), level
    log_score = np.log(p[came]).mean()
    shuffled = np.random.default_rng(0).permutation(len(rows))
    assert log_score > np.log(p[shuffled][came]).mean() + 0.05


def test_what_was_drawn_follows_from_the_panel_itself(judged: Simulated, timed: Simulated) -> None:
    # the latent values that grades came from have the effects of the previous grades and figures that the panel has
    for (panel, truth), spec in ((judged, ALL), (timed, TIMED_ALL)):
        d = design(panel, spec)
        drawn = truth["observation"].to_dataset()
        judgements = drawn.indicator.to_numpy() == JUDGEMENT
        rows = d.observation[d.observation.indicator == JUDGEMENT]
        assert list(drawn.authority.to_numpy()[judgements]) == list(rows.unit)
        np.testing.assert_allclose(drawn.position.to_numpy()[judgements], rows.position)
        f = without_noise(d, panel, truth)[(d.observation.indicator == JUDGEMENT).to_numpy()]
        f += d.weights(rows.position.to_numpy()) @ truth_of(truth)["standard"].to_numpy()
        noise = drawn["eta"].to_numpy()[judgements] - f
        sd = truth_of(truth)["inspection_sd"].sel(judged=[s.partition(":")[2] for s in rows.scale]).to_numpy()
        z = noise / sd  # the unit noise is in the grade; judgements of one inspection have one effect
        assert abs(z.mean()) < 4.0 * np.sqrt(4.0 / len(z))
        assert z.std() == pytest.approx(1.0, abs=4.0 * np.sqrt(4.0 / len(z)))
        for name in ("previous", *(c for c in rows if str(c).startswith("covariate "))):
            assert abs(np.corrcoef(z, rows[name].astype(float))[0, 1]) < 4.0 * np.sqrt(3.0 / len(z))


def test_a_huge_effect_of_the_previous_grade_determines_the_next() -> None:
    spec = Spec.parse({"ratings": {"previous": "effect", "previous_sd": 300.0}})
    panel, truth = simulate(trajectory, spec, authorities=40, years=10, indicators=1, seed=3, judged=True)
    rows = design(panel, spec).observation
    rows = rows[rows.indicator == JUDGEMENT]
    effect = truth_of(truth)["previous_effect"].to_numpy()
    far = np.abs(effect) > 40.0  # theta, standard, noise and cutpoints are some units
    assert far[1:].sum() >= 3
    certain = rows[far[rows.previous.to_numpy(dtype=int)]]
    assert len(certain) > 100
    expected = np.where(effect[certain.previous.to_numpy(dtype=int)] > 0.0, 1, 4)
    np.testing.assert_array_equal(certain.grade.to_numpy(dtype=int), expected)


def test_an_effect_of_zero_is_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    size: dict[str, Any] = {"authorities": 12, "years": 8, "indicators": 2, "seed": 5, "judged": True}
    plain, before = simulate(trajectory, PLAIN, **size)
    spec = Spec.parse({"ratings": {"previous": "cutpoints", "covariates": ["activity_1"]}})

    def without_effects(model: Any, *, draws: int, seed: int) -> PriorDraws:
        none = {
            "previous_effect": np.zeros((1, 5)), "previous_spacing": np.zeros((1, 5, 2)), "earlier_effect": np.zeros(1),
            "covariate_effect": np.zeros((1, 1)),
        }  # fmt: skip
        dims = [("previous",), ("previous", "cutpoint_gap"), (), ("covariate",)]
        known = draw_prior(trajectory(blank[0], PLAIN), draws=draws, seed=seed)
        zero = {name: (("draw", *dim), v) for (name, v), dim in zip(none.items(), dims, strict=True)}
        return replace(
            known, hyperparameters=known.hyperparameters.assign(zero).assign_coords(covariate=["activity_1"])
        )

    blank: list[Panel] = []
    monkeypatch.setattr(simulate_module, "draw_prior", without_effects)

    def kept(panel: Panel, spec: Spec) -> Any:
        blank.append(panel)

    panel, truth = simulate(kept, spec, **size)
    assert len(panel.earlier_inspections) > 0
    again = replace(panel, earlier_inspections=plain.earlier_inspections)
    assert again.hash == plain.hash
    np.testing.assert_allclose(truth["observation"]["eta"], before["observation"]["eta"], atol=1e-12)


def test_the_score_is_the_model_s(judged: Simulated) -> None:
    # what the collapsed likelihood receives less the same with all effects zero
    panel, _ = judged
    d = design(panel, ALL)
    known = draw_prior(from_design(d, ALL), draws=1, seed=3)
    truth = known.hyperparameters.isel(draw=0, drop=True)
    standard = np.zeros(len(d.observation))
    rows = d.observation[d.observation.indicator == JUDGEMENT]
    standard[rows.index] = d.weights(rows.position.to_numpy()) @ truth["standard"].to_numpy()
    found = (known.inputs["offset"][0] - standard)[rows.index]
    np.testing.assert_allclose(found, judgement_score(rows, truth), atol=1e-10)
    assert np.ptp(found) > 0.5
    cells = d.observation[d.observation.indicator == ACTED[1]]
    effect = float(truth["post_inspection_effect"].sel(post_inspection=ACTED[1]))
    np.testing.assert_allclose(fed(cells, truth), effect * cells.after_worst)


def test_figures_after_a_judgement_of_the_worst_grade_have_its_effect(judged: Simulated) -> None:
    panel, truth = judged
    d, known = design(panel, ALL), truth_of(truth)
    drawn = truth["observation"].to_dataset().to_dataframe().merge(
        d.observation[["unit", "indicator", "year", "after_worst"]].rename(columns={"unit": "authority"}),
        on=["authority", "indicator", "year"],
    )  # fmt: skip
    for key in ACTED:
        mine = drawn[drawn.indicator == key]
        assert (mine.after_worst > 0).sum() > 50
        theta = known["theta_raw"].sel(authority=mine.authority.to_numpy()).to_numpy()  # it is low after a worst grade
        shown = (d.weights(mine.position.to_numpy()) * theta).sum(axis=1)
        mine = mine.assign(eta=mine.eta - float(known["loading"].sel(indicator=key)) * shown)
        # within authorities and years, the slope of the latent value on the part of the period is the effect
        x, y = (mine[c] - mine.groupby("authority")[c].transform("mean") for c in ("after_worst", "eta"))
        x, y = (v - v.groupby(mine.year).transform("mean") for v in (x, y))
        slope = (x * y).sum() / (x**2).sum()
        error = np.sqrt(((y - slope * x) ** 2).mean() / (x**2).sum())
        # the deviations are autocorrelated: two standard errors more
        assert abs(slope - float(known["post_inspection_effect"].sel(post_inspection=key))) < 6.0 * error


def test_an_invented_panel_may_have_sub_judgements_and_an_earlier_framework(tmp_path: Path) -> None:
    size: dict[str, Any] = {"authorities": 60, "years": 6, "indicators": 2}
    plain = skeleton(**size, rng=np.random.default_rng(1))
    panel = skeleton(**size, rng=np.random.default_rng(1), judged=True)
    assert len(panel.inspections) == 4 * len(plain.inspections)
    overall = panel.inspections[panel.inspections.domain == OVERALL]
    assert list(overall.start_date) == list(plain.inspections.start_date)
    pd.testing.assert_frame_equal(panel.cells, plain.cells)
    assert 40 < len(panel.earlier_inspections) < 60
    assert panel.earlier_inspections.publication_date.max() < panel.inspections.start_date.min()
    panel.write(tmp_path / "panel", checked=True)


# Timing.


def test_who_is_inspected_follows_the_probit_of_the_panel_s_own_record(timed: Simulated) -> None:
    panel, truth = timed
    d, known = design(panel, TIMED_ALL), truth_of(truth)
    rows = d.observation[d.observation.indicator == TIMING]
    f = without_noise(d, panel, truth)[rows.index]
    f += float(known["timing_level"]) + known["timing_year_effect"].sel(timing_year=rows.year.to_list()).to_numpy()
    f += float(known["timing_deprivation_slope"]) * d.deprivation_at(rows)
    p, came = norm.cdf(f), rows.numerator.to_numpy()
    assert len(rows) > 600
    assert set(rows.previous) == {0, 1, 2, 3, 4}
    for level in range(5):
        of = (rows.previous == level).to_numpy()
        assert abs((came - p)[of].sum()) < 4.0 * np.sqrt((p * (1 - p))[of].sum()) + 1e-9
    for band in range(5):
        of = (rows.since == band).to_numpy()
        assert abs((came - p)[of].sum()) < 4.0 * np.sqrt((p * (1 - p))[of].sum()) + 1e-9


def test_at_most_one_inspection_a_year_is_drawn_and_those_before_the_first_year_stay(timed: Simulated) -> None:
    panel, _ = timed
    rng = np.random.default_rng(np.random.SeedSequence(2, spawn_key=(0,)))
    own = skeleton(authorities=80, years=10, indicators=6, rng=rng, judged=True)
    overall = panel.inspections[panel.inspections.domain == OVERALL]
    year = reporting_year(overall.start_date)
    first = reporting_year(own.inspections.start_date).min()
    later = overall[year > first]
    assert not pd.DataFrame({"a": later.authority, "y": year[year > first]}).duplicated().any()
    stay = own.inspections[reporting_year(own.inspections.start_date) == first]
    kept = panel.inspections[reporting_year(panel.inspections.start_date) == first]
    assert sorted(stay.start_date) == sorted(kept.start_date)
    assert panel.inspections.groupby(["authority", "start_date"]).domain.nunique().eq(4).all()


def test_a_possible_inspection_is_like_the_latest_by_its_day_and_falls_where_inspections_go_on(shipped: Panel) -> None:
    panel = with_possible(shipped, np.random.default_rng(1))
    possible = panel.inspections[panel.inspections.timing_year.notna()]
    assert (reporting_year(possible.start_date) == possible.timing_year).all()
    closed = possible.start_date.between("2020-04-01", "2020-12-31")
    assert not closed.any()
    start = shipped.inspections.groupby("framework").start_date.agg(["min", "max"])
    assert set(possible.framework[possible.start_date < start["min"]["ILACS"]]) == {"SIF"}
    assert set(possible.framework[possible.start_date > start["max"]["SIF"] + pd.Timedelta(days=60)]) == {"ILACS"}
    after = possible[possible.start_date > "2024-01-01"]
    assert {"care_leavers", "children_looked_after", OVERALL} <= set(after.domain)
    assert "children_looked_after_and_care_leavers" not in set(after.domain)


def test_without_ratings_inspections_are_drawn_and_their_grades_say_nothing() -> None:
    panel, truth = simulate(trajectory, TIMED, authorities=8, years=6, indicators=2, seed=1)
    assert panel.inspections.grade.between(1, 4).all()
    assert "timing_grade" in truth["posterior"]
    assert "judgement_loading" not in truth["posterior"]
    assert list(panel.inspections.columns) == list(skeleton(
        authorities=2, years=2, indicators=1, rng=np.random.default_rng(0)
    ).inspections.columns)  # fmt: skip


# Panels of every kind.


def test_every_option_together_gives_a_panel_that_is_read_back(root: Path, tmp_path: Path) -> None:
    hamlets = with_sub_judgements(flagged(Panel.read(root / "tests" / "panels" / "hamlets"), "late"))
    spec = Spec.parse({"ratings": {**EVERYTHING, "covariates": ["late", "agency change"], "timing": True}})
    if "agency" not in hamlets.indicators:
        spec = spec.updated({"ratings": {"covariates": ["late"]}})
    one, two = (simulate_like(hamlets, trajectory, spec, seed=3) for _ in range(2))
    assert one[0].hash == two[0].hash
    xr.testing.assert_identical(truth_of(one[1]), truth_of(two[1]))
    one[0].write(tmp_path / "panel")
    assert Panel.read(tmp_path / "panel").hash == one[0].hash
    assert len(one[1]["observation"]["eta"]) == len(design(one[0], spec).observation)


def test_the_next_inspection_follows_from_the_last_one_drawn() -> None:
    spec = Spec.parse({"ratings": {"previous": "effect", "previous_sd": 300.0}})
    panel, truth = simulate_ahead(trajectory, spec, authorities=30, years=8, indicators=1, seed=6, judged=True)
    came, effect = truth[NEXT].to_dataset(), truth_of(truth)["previous_effect"].to_numpy()
    assert list(came.domain.to_numpy()) == sorted(panel.sub_judgements)
    record = panel.inspections.assign(when=inspection_dates(panel.inspections)).sort_values("when")
    last = record.groupby(["authority", "domain"]).grade.last()
    seen = 0
    for code in came.authority.to_numpy():
        for domain in came.domain.to_numpy():
            own = effect[int(last[code, domain])]
            if abs(own) > 40.0:
                seen += 1
                assert int(came.domain_grade.sel(authority=code, domain=domain)) == (1 if own > 0 else 4)
    assert seen > 30


def test_every_option_is_simulated_ahead() -> None:
    panel, truth = simulate_ahead(trajectory, TIMED_ALL, authorities=10, years=6, seed=1, judged=True)
    assert (inspection_dates(panel.inspections) <= pd.Timestamp(panel.date)).all()
    assert truth[NEXT]["grade"].isin([1, 2, 3, 4]).all()
    assert list(truth["posterior"].year.to_numpy()) == list(design(panel, TIMED_ALL).year)


def test_a_circle_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = iter(range(10_000))
    found = in_order._columns_of

    def never_the_same(*given: Any) -> pd.DataFrame:
        rows = found(*given)
        return rows.assign(previous=rows.previous.fillna(0).astype(int) * 0 + next(turn) % 2)

    monkeypatch.setattr(in_order, "_columns_of", never_the_same)
    spec = Spec.parse({"ratings": {"previous": "effect"}})
    with pytest.raises(DataError, match="act on each other in a circle"):
        simulate(trajectory, spec, authorities=4, years=4, indicators=1, seed=1)
