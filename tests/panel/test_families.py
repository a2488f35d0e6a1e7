"""Rates, values and ordered categories: their link scales, their exact likelihoods, and one density with the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytensor.tensor as pt
import pytest
from panel_of_every_family import with_every_family
from paths import PANELS
from pytensor.compile.mode import Mode
from scipy.special import logsumexp
from scipy.stats import poisson

from bayes_csc.likelihood.count_sites import Counts
from bayes_csc.likelihood.kernel import Real, value_and_gradient
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design, design
from bayes_csc.panel.families import declared
from bayes_csc.panel.indicators import parse_dictionary
from bayes_csc.panel.panel import Panel
from bayes_csc.simulation.simulate import simulate_like
from bayes_csc.spec import Spec
from bayes_csc_models.likelihood import count_logp
from bayes_csc_models.trajectory import trajectory

PLAIN = Mode("py", None)

HAMLETS = PANELS / "hamlets"
NO_RATINGS = Spec.parse({"ratings": {"use": False}})


@pytest.fixture(scope="module")
def hamlets() -> Panel:
    return Panel.read(HAMLETS)


@pytest.fixture(scope="module")
def panel(hamlets: Panel) -> Panel:
    return with_every_family(hamlets)


@pytest.fixture(scope="module")
def laid_out(panel: Panel) -> Design:
    return design(panel, Spec())


def rows_of(d: Design, key: str) -> pd.DataFrame:
    return d.observation[d.observation.indicator == key]


# Link scales.


def test_a_rate_is_a_log_ratio_of_count_to_expected_count(panel: Panel, laid_out: Design) -> None:
    cells = panel.cells[panel.cells.indicator.eq("incidents")]
    seen = cells[cells.status.eq("observed")]
    count = cells.numerator.fillna((cells.lower + cells.upper) / 2)
    overall = (count.sum() + 0.5) / cells.denominator.sum()
    rows = rows_of(laid_out, "incidents").dropna(subset="numerator").set_index(["unit", "year"])
    at = seen.set_index(["authority", "year"])
    expected = at.denominator * overall
    z = -np.log((at.numerator + 0.5) / expected)  # higher is worse
    np.testing.assert_allclose(rows.z, z.loc[rows.index], rtol=1e-12)
    np.testing.assert_allclose(rows.variance, 1.0 / (at.numerator.loc[rows.index] + 0.5), rtol=1e-12)


def test_a_value_is_centred_and_has_the_variance_of_a_mean_of_its_units(panel: Panel, laid_out: Design) -> None:
    cells = panel.cells[panel.cells.indicator.eq("wellbeing")].set_index(["authority", "year"])
    rows = rows_of(laid_out, "wellbeing").set_index(["unit", "year"])
    cells = cells.loc[rows.index]
    unit = cells.value.std(ddof=0)
    np.testing.assert_allclose(rows.z, (cells.value - cells.value.mean()) / unit, atol=1e-12)
    np.testing.assert_allclose(rows.variance, (7.0 / unit) ** 2 / cells.denominator, rtol=1e-12)
    cells = panel.cells[panel.cells.indicator.eq("caseload")].set_index(["authority", "year"])
    rows = rows_of(laid_out, "caseload").set_index(["unit", "year"])
    log = np.log(cells.loc[rows.index].value)
    np.testing.assert_allclose(rows.z, log.mean() - log, atol=1e-12)
    np.testing.assert_allclose(rows.variance, 0.25 / cells.loc[rows.index].denominator, rtol=1e-12)


def test_a_declared_typical_figure_moves_the_link_scale_and_nothing_else(panel: Panel) -> None:
    moved = replace(panel.indicators["caseload"], typical=20.0)
    other = design(replace(panel, indicators=panel.indicators | {"caseload": moved}), Spec())
    a, b = rows_of(design(panel, Spec()), "caseload"), rows_of(other, "caseload")
    assert np.ptp((a.z - b.z).to_numpy()) < 1e-12
    assert abs(float((a.z - b.z).iloc[0])) > 0.01
    pd.testing.assert_frame_equal(a.drop(columns="z"), b.drop(columns="z"))


def test_the_best_category_is_grade_one_whichever_way_it_counts(panel: Panel, laid_out: Design) -> None:
    up = rows_of(laid_out, "opinion").set_index(["unit", "year"])
    values = panel.cells[panel.cells.indicator.eq("opinion")].set_index(["authority", "year"]).value
    np.testing.assert_array_equal(up.grade, 6 - values.loc[up.index])
    worse = replace(panel.indicators["opinion"], polarity="higher is worse")
    down = rows_of(design(replace(panel, indicators=panel.indicators | {"opinion": worse}), Spec()), "opinion")
    np.testing.assert_array_equal(down.set_index(["unit", "year"]).grade.loc[up.index], values.loc[up.index])


# Likelihoods.


def exact_rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "family": "poisson", "sign": [1.0, -1.0, 1.0, -1.0], "numerator": [0.0, 7.0, np.nan, np.nan],
            "denominator": [2.5, 4.0, 3.0, 90.0], "lower": [np.nan, np.nan, 1.0, 0.0],
            "upper": [np.nan, np.nan, 5.0, 3.0],
        }
    )  # fmt: skip


@pytest.mark.parametrize("z", [-1.3, 0.0, 0.8])
def test_a_count_and_an_interval_have_the_poisson_probability(z: float) -> None:
    rows = exact_rows()
    mean = rows.denominator * np.exp(rows.sign * z)
    wanted = [
        poisson.logpmf(0, mean[0]),
        poisson.logpmf(7, mean[1]),
        logsumexp(poisson.logpmf(np.arange(1, 6), mean[2])),
        logsumexp(poisson.logpmf(np.arange(4), mean[3])),
    ]
    found = count_logp(rows, pt.constant(np.full(4, z))).eval()
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_sites_see_the_same_likelihood_up_to_a_constant() -> None:
    rows, z = exact_rows(), np.linspace(-2.0, 2.0, 9)
    exact = np.stack([count_logp(rows, pt.constant(np.full(4, v))).eval() for v in z], axis=1)
    found = Counts.of(rows).log_likelihood(np.tile(z, (4, 1)))
    np.testing.assert_allclose(np.ptp(found - exact, axis=1), 0.0, atol=1e-9)


def test_judgements_and_the_same_grades_as_an_ordinal_indicator_have_one_density(hamlets: Panel) -> None:
    # the first by the kernel's route for authorities side by side, the second by the one for linked blocks
    spec = Spec(indicators=("late",))
    judged = design(hamlets, spec)
    overall = hamlets.inspections[hamlets.inspections.domain.eq("overall")].dropna(subset="start_date")
    hamlets = replace(hamlets, inspections=overall)
    judged = design(hamlets, spec)
    cells = pd.DataFrame(
        {
            "authority": overall.authority, "year": np.arange(len(overall)) + 1900, "indicator": "grade",
            "value": overall.grade.astype(float), "status": "observed", "reference_start": overall.start_date,
            "reference_end": overall.start_date, "publication_date": overall.publication_date, "source": "made",
        }
    )  # fmt: skip
    grade = replace(
        hamlets.indicators["late"], key="grade", family="ordinal", polarity="higher is worse",
        reference_instant="end", categories=len(hamlets.grades),
    )  # fmt: skip
    panel = replace(hamlets, indicators=hamlets.indicators | {"grade": grade}, cells=pd.concat([hamlets.cells, cells]))
    told = design(panel, Spec(indicators=("late", "grade"), ratings=NO_RATINGS.ratings))
    rng = np.random.default_rng(3)
    a, b = (d.observation[d.observation.kind > 0].sort_values(["unit", "position"]) for d in (judged, told))
    np.testing.assert_allclose(a.position, b.position, atol=0.01)  # two days are snapped to a grid point
    np.testing.assert_array_equal(a.grade, b.grade)
    cutpoints = np.array([-np.inf, -1.2, 0.1, 1.0, np.inf])
    values = []
    for d in (judged, told):
        rng = np.random.default_rng(3)
        kinds, rows, graded = len(d.indicator) + len(d.ordinal) + 1, d.observation, d.graded()
        one = np.zeros(kinds)
        offset = np.where(rows.kind > 0, 0.3, -1.0)
        real = Real(
            z=rows.z.to_numpy(float), variance=rows.variance.to_numpy(float), offset=offset,
            loading=np.where(np.arange(kinds) > 0, 0.8, 0.4), mean=rng.normal(size=d.exists.size),
            scale=np.array([0.7, 0.2, 0.6, 0.5]), ar_sd=one + 0.3, ar_phi=one + 0.8, white_sd=one + 0.2,
            domain_sd=one.copy(), domain_phi=np.zeros(0), domain_white=np.zeros(0), low=cutpoints[graded.score],
            high=cutpoints[graded.score + 1],
        )  # fmt: skip
        values.append(value_and_gradient(layout_of(d), real)[0])
    assert values[0] == pytest.approx(values[1], rel=2e-3)


# Together.


def test_the_model_has_a_loading_for_every_indicator_and_cutpoints_for_every_ordinal_one(panel: Panel) -> None:
    model = trajectory(panel)
    assert list(model.coords["indicator"]) == ["incidents", "caseload", "wellbeing"]
    assert list(model.coords["ordinal"]) == ["opinion"]
    assert model["opinion_cutpoints"].type.shape == (4,) or model["opinion_cutpoints"].ndim == 1
    assert np.isfinite(model.compile_logp(mode=PLAIN)(model.initial_point()))


def test_figures_drawn_at_the_truth_average_to_it() -> None:
    at = with_every_family(Panel.read(HAMLETS))
    known = declared(at.indicators, at.cells)
    rng = np.random.default_rng(1)
    for key, tolerance in (("incidents", 0.02), ("caseload", 0.02), ("wellbeing", 0.02)):
        rows = rows_of(design(replace(at, indicators=known), Spec()), key)
        eta = np.full(len(rows), 0.4)
        many = np.stack([known[key].distribution.draw(rows, known[key], eta, rng) for _ in range(4000)]).mean(axis=0)
        sign, spread = rows.sign.iloc[0], known[key].spread or 1.0
        wanted = {
            "incidents": rows.denominator * np.exp(sign * 0.4),
            "caseload": known[key].typical * np.exp(sign * 0.4 + rows.variance / 2),
            "wellbeing": known[key].typical + spread * sign * 0.4 + 0.0 * rows.z,
        }[key]
        np.testing.assert_allclose(many, wanted, rtol=tolerance)


def test_a_simulated_panel_of_every_family_is_read_back(panel: Panel, tmp_path: Path) -> None:
    simulated, truth = simulate_like(panel, trajectory, Spec(), seed=2)
    simulated.write(tmp_path / "panel")
    again = Panel.read(tmp_path / "panel")
    assert again.hash == simulated.hash
    opinion = again.cells[again.cells.indicator.eq("opinion") & again.cells.status.eq("observed")]
    assert set(opinion.value) == {1.0, 2.0, 3.0, 4.0, 5.0}
    assert "opinion_cutpoints" in truth["posterior"]
    # the link scale of the simulated panel is that of its truth
    assert again.indicators["caseload"].typical == pytest.approx(
        declared(panel.indicators, panel.cells)["caseload"].typical
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": "ordinal"}, "categories is missing"),
        ({"family": "ordinal", "categories": 1}, "categories must be a whole number of at least 2, found 1"),
        (
            {"family": "binomial", "typical": 3.0},
            "typical is for the families gaussian, lognormal, poisson, not binomial",
        ),
        ({"family": "lognormal", "typical": -3.0}, "typical must be above zero, found -3.0"),
        ({"family": "gaussian", "unit_sd": "wide"}, "unit_sd must be a number, found 'wide'"),
        ({"family": "lognormal", "spread": 2.0}, "spread is for the families gaussian, not lognormal"),
    ],
)
def test_a_dictionary_that_contradicts_its_family_says_so(change: dict[str, object], message: str) -> None:
    table = {
        "label": "L", "definition": "D.", "polarity": "not agreed", "numerator": "n", "denominator": "d",
        "domain": "d", "release": "r", "reference_instant": "end", "publication_month": 1,
    }  # fmt: skip
    problems: list[str] = []
    parse_dictionary({"indicator": {"k": table | change}}, "indicators.toml", problems)
    assert any(message in problem for problem in problems), problems
