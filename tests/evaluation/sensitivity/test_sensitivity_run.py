"""Sensitivity analyses of small panels: rows, verdicts, kept answers, refits, reweighting, and what must not matter."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import needs_chromium
from command_runner import command
from distributed import Client
from interpreted_density import by_python
from page_elements import Page
from scipy.special import ndtr
from sensitivity_base import BROKEN, LOG, base, breaking, hamlets, lenient, successions, traced
from shown_page import A4_TEXT, OVERLAPS, shown

from bayes_csc.errors import SpecError
from bayes_csc.estimates.decline import decline
from bayes_csc.evaluation.forecast.forecast import forecast
from bayes_csc.evaluation.sensitivity.answers.answer import Answer
from bayes_csc.evaluation.sensitivity.files import write_sensitivity
from bayes_csc.evaluation.sensitivity.plan.plan import Plan
from bayes_csc.evaluation.sensitivity.result import Sensitivity
from bayes_csc.evaluation.sensitivity.run import sensitivity
from bayes_csc.files.result_cache import Kept
from bayes_csc.likelihood.density import compile_density
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import design
from bayes_csc.panel.calendar import grid_position
from bayes_csc.panel.panel import Panel
from bayes_csc.report.export.browser import browser
from bayes_csc.report.pages.sensitivity_page import sensitivity_page
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import trajectory

PLAN = Plan.parse(
    {
        "name": "small",
        "scales": {"priors": ["measurement.level_sd", "loadings.agreed_sd"], "factors": [1.5]},
        "variant": [
            {"name": "again", "choice": "Monte Carlo error", "depth": "preview", "seed": 8},
            {"name": "level again", "choice": "check", "depth": "preview", "spec": {"measurement": {"level_sd": 3.0}}},
            {"name": "agreed again", "choice": "check", "depth": "preview", "spec": {"loadings": {"agreed_sd": 0.75}}},
            {"name": "without Elm", "choice": "authorities", "panel": {"smallest_population": 10000}},
            {"name": "impossible", "choice": "none", "spec": {"trend": {"succession_sd": BROKEN}}},
            {"name": "any decline", "choice": "epsilon", "question": {"epsilon": 0.0}},
            {"name": "since the report", "choice": "anchor", "question": {"anchor": "publication"}},
            {"name": "in a year", "choice": "horizon", "question": {"next_in_years": 1.0}},
        ],
    }
)


@pytest.fixture(scope="module", autouse=True)
def every_preview_passes() -> Iterator[None]:
    with lenient():
        yield


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """A scheduler and one worker in this process."""
    options = {"dashboard_address": "127.0.0.1:0", "set_as_default": False, "silence_logs": 50}
    with Client(processes=False, n_workers=1, threads_per_worker=1, **options) as here:
        yield here


@pytest.fixture(scope="module")
def done(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Sensitivity:
    cache = Kept(tmp_path_factory.mktemp("cache"), "npz")
    return sensitivity(base(), breaking, PLAN, client, group="all", cache=cache, force=True)


def rows(done: Sensitivity, name: str) -> pd.DataFrame:
    return done.rows[done.rows["variant"] == name].set_index("authority")


def test_the_base_is_what_decline_and_forecast_say_of_the_run(done: Sensitivity) -> None:
    own, said = rows(done, "base"), decline(base(), "all", force=True).set_index("authority")
    ahead = forecast(base(), trajectory, group="all", force=True).set_index("authority")
    for column in ("p_decline", "p_decline_mcse", "delta_lower", "delta_median", "delta_upper"):
        np.testing.assert_allclose(own[column], said[column].loc[own.index], atol=1e-9)
    np.testing.assert_allclose(own["p_next_worse"], ahead["p_next_worse"].loc[own.index], atol=1e-9)


def test_every_variant_has_a_row_for_every_authority_and_says_how_it_was_computed(done: Sensitivity) -> None:
    counts = done.rows.groupby("variant")["authority"].agg(set)
    assert all(codes == set(rows(done, "base").index) for codes in counts)
    depth = done.rows.drop_duplicates("variant").set_index("variant")["depth"].to_dict()
    assert depth["again"] == depth["level again"] == depth["without Elm"] == "preview"
    assert depth["any decline"] == depth["since the report"] == depth["in a year"] == "recomputed"
    assert depth["base"] == "base"
    assert depth["measurement.level_sd x 1.5"] == "reweighted"


@pytest.mark.parametrize(
    ("reweighted", "again"),
    [("measurement.level_sd x 1.5", "level again"), ("loadings.agreed_sd x 1.5", "agreed again")],
)
def test_reweighting_agrees_with_a_refit_within_monte_carlo_error(
    done: Sensitivity, reweighted: str, again: str
) -> None:
    about = {v["name"]: v for v in done.metadata["variants"]}[reweighted]
    assert about["depth"] == "reweighted"
    assert about["pareto_k"] < 0.7
    near, refit = rows(done, reweighted), rows(done, again)
    for name in ("p_decline", "p_next_worse"):
        gap = (near[name] - refit[name]).abs()
        assert (gap.dropna() < 0.1).all()
    error = np.hypot(near["p_decline_mcse"], refit["p_decline_mcse"])
    assert float(((near["p_decline"] - refit["p_decline"]).abs() / error).max()) < 6.0


def test_another_question_is_asked_of_the_bases_own_draws(done: Sensitivity) -> None:
    change = base().change.sel(change="since inspection")
    asked = rows(done, "any decline")
    p = ndtr(-change["mean"] / np.sqrt(change["variance"])).mean(("chain", "draw")).to_series()
    np.testing.assert_allclose(asked["p_decline"], p.loc[asked.index], atol=1e-9)
    later, own = rows(done, "since the report"), rows(done, "base")
    assert (later["delta_upper"] - later["delta_lower"] < own["delta_upper"] - own["delta_lower"]).mean() > 0.5
    day = base().panel.date.replace(year=base().panel.date.year + 1)
    ahead = forecast(base(), trajectory, group="all", date=day, force=True).set_index("authority")
    few = rows(done, "in a year")["p_next_worse"]  # by 400 of the base's 1,000 draws
    np.testing.assert_allclose(few, ahead["p_next_worse"].loc[own.index], atol=3e-2)
    assert float(grid_position(day)) > float(grid_position(base().panel.date))


def test_an_authority_left_out_has_a_row_without_numbers(done: Sensitivity) -> None:
    own = rows(done, "without Elm")
    assert own["note"].to_dict() == {code: "left out" if code == "401" else "" for code in own.index}
    assert np.isnan(own["p_decline"]["401"])
    assert own["p_decline"].notna().sum() == rows(done, "base")["p_decline"].notna().sum() - 1


def test_a_variant_that_fails_is_shown_counted_and_left_out_of_every_range(done: Sensitivity) -> None:
    assert "impossible" in done.failed
    own = rows(done, "impossible")
    assert set(own["gate"]) == {"failed"}
    about = {v["name"]: v for v in done.metadata["variants"]}
    assert about["impossible"]["failing"]
    assert (done.verdicts["failed"] >= 1).all()
    assert done.choices.set_index("choice")["failed"]["none"] == 1
    good = done.rows[(done.rows["gate"] == "passed") & ~done.rows["choice"].isin(["epsilon", "anchor", "horizon"])]
    by = done.verdicts.set_index("authority")
    np.testing.assert_allclose(by["p_decline_most"], good.groupby("authority")["p_decline"].max().loc[by.index])


def test_stacking_weighs_refits_of_the_same_observations_alone(done: Sensitivity) -> None:
    scores = done.scores.set_index("variant")
    assert scores["weight"].sum() == pytest.approx(1.0)
    assert set(scores.index) == {"base", "again", "level again", "agreed again"}
    assert scores["difference_loo"]["base"] == 0.0


def test_more_data_never_widen_an_answer(done: Sensitivity) -> None:
    assert done.value["reduction"].between(0.0, 1.0).mean() > 0.95
    assert set(done.value["data"]) >= {"one more year", "one more indicator", "an inspection now"}


def test_power_scaling_tells_priors_from_the_likelihood(done: Sensitivity) -> None:
    found = done.power.groupby("component")["sensitivity"].median()
    assert {"likelihood", "all priors"} <= set(found.index)
    assert (done.power["sensitivity"] >= 0).all()


def test_the_files_hold_what_was_found_and_the_page_is_closed(done: Sensitivity, tmp_path: Path) -> None:
    text = sensitivity_page(done)
    assert text == sensitivity_page(done)
    write_sensitivity(done, text, tmp_path)
    table = pd.read_csv(tmp_path / "sensitivity.csv", dtype={"authority": str})
    np.testing.assert_allclose(table["p_decline"], done.rows["p_decline"], atol=1e-6)
    record = json.loads((tmp_path / "sensitivity.json").read_text(encoding="utf-8"))
    assert record["metadata"]["panel_hash"] == hamlets().hash
    assert "same side" in record["metadata"]["rule"]["words"]
    assert sum(record["verdict_counts"].values()) == len(done.verdicts)
    page = Page(text)
    assert len(page.all("figure")) == 3
    assert not re.findall(r"(?:src|href)=\"(?!#)", text)
    assert "nothing here is a cause" in text
    assert "impossible" in text


def test_the_page_overlaps_nowhere_and_fits_screens_and_paper(done: Sensitivity, tmp_path: Path) -> None:
    needs_chromium()
    (tmp_path / "page.html").write_text(sensitivity_page(done), encoding="utf-8")
    with browser() as tab:
        for width in (360, 768, 1280):
            shown(tab, tmp_path, "page.html", width)
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            assert tab.evaluate(OVERLAPS) == []
        shown(tab, tmp_path, "page.html", A4_TEXT, media="print")
        assert tab.evaluate("document.documentElement.scrollWidth") <= A4_TEXT


# What is kept.


def test_a_killed_analysis_resumes_without_repeating_a_finished_fit(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, cache = tmp_path / "log", Kept(tmp_path / "kept", "npz")
    run, plan = base(), successions(0.2, 0.8)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv(LOG, str(log))
    with pytest.raises(KeyboardInterrupt):
        sensitivity(
            run, traced, plan, client, group="all", cache=cache, force=True, further=False, progress=at_the_last(killed)
        )
    while any(client.processing().values()):
        time.sleep(0.02)
    kept = {path.stem for path in cache.folder.glob("*.npz")}
    assert len(kept) == 3  # the base's forecast and scores, and a fit
    log.unlink()
    found = sensitivity(run, traced, plan, client, group="all", cache=cache, force=True, further=False)
    fitted = {line.split()[1] for line in log.read_text().splitlines()} - {f"{run.spec.trend.succession_sd:g}"}
    assert len(fitted) == 1
    assert found.rows.groupby("variant")["p_decline"].count().nunique() == 1


def at_the_last(action):  # type: ignore[no-untyped-def]
    """Progress that acts at the last of the answers."""

    def tell(now):  # type: ignore[no-untyped-def]
        if now.stage == "variants" and now.done == now.total:
            action()

    return tell


def test_an_answer_survives_its_file() -> None:
    shape = (2, 3, 2)
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"p_next_worse": [0.1, np.nan], "level": ["above", ""]}, index=["a", "b"])
    mean, variance = rng.normal(size=shape), rng.gamma(2.0, size=shape)
    one = Answer(("a", "b"), mean, variance, table, None, {"gate": "passed", "depth": "preview"})
    other = Answer.of_bytes(one.to_bytes())
    np.testing.assert_allclose(other.mean, mean, rtol=1e-6)
    assert other.authority == one.authority
    assert other.about == one.about
    assert other.forecast["level"].tolist() == ["above", ""]
    failed = Answer.of_bytes(Answer.failed("preview", "no").to_bytes())
    assert (failed.authority, failed.passed, failed.about["failing"]) == ((), False, ["no"])


# What must not matter.


def densities(panel: Panel, spec: Spec, points: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Log density at some points, and the points."""
    density = compile_density(trajectory(panel, spec))
    if points is None:
        points = density.first + 0.1 * np.random.default_rng(5).standard_normal((3, density.first.size))
    return np.array([density(x)[0] for x in points]), points


def test_permuting_authorities_changes_nothing_at_all() -> None:
    panel = hamlets()
    turned = replace(
        panel, authorities=panel.authorities.iloc[::-1], cells=panel.cells.sample(frac=1.0, random_state=1),
        inspections=panel.inspections.sample(frac=1.0, random_state=2),
    )  # fmt: skip
    one, points = densities(panel, Spec())
    other, _ = densities(turned, Spec(), points)
    np.testing.assert_array_equal(one, other)
    assert design(turned, Spec()).authority == design(panel, Spec()).authority


def test_relabelling_regions_changes_nothing_at_all() -> None:
    panel = hamlets()
    old = sorted(panel.authorities["region"].unique())
    assert len(old) > 1
    names = {name: f"region {i}" for i, name in enumerate(reversed(old))}  # in the opposite order of the alphabet
    renamed = replace(panel, authorities=panel.authorities.assign(region=panel.authorities["region"].map(names)))
    assert [names[region] for region in design(panel, Spec()).region] == list(design(renamed, Spec()).region)
    one, points = densities(panel, Spec())
    np.testing.assert_array_equal(one, densities(renamed, Spec(), points)[0])


def test_flipping_a_polarity_with_its_sign_changes_nothing_at_all() -> None:
    panel = hamlets()
    key = next(k for k, i in panel.indicators.items() if i.family == "binomial" and i.polarity == "higher is worse")
    mine = panel.cells["indicator"] == key
    cells = panel.cells.copy()
    n = cells["denominator"]
    cells["numerator"] = cells["numerator"].mask(mine, n - cells["numerator"])
    lower, upper = cells["lower"].copy(), cells["upper"].copy()
    cells["lower"], cells["upper"] = lower.mask(mine, n - upper), upper.mask(mine, n - lower)
    indicators = panel.indicators | {key: replace(panel.indicators[key], polarity="higher is better")}
    one, points = densities(panel, Spec())
    other, _ = densities(replace(panel, cells=cells, indicators=indicators), Spec(), points)
    np.testing.assert_allclose(one, other, rtol=1e-12)


def test_leaving_out_an_indicator_whose_loading_is_zero_changes_nothing_at_all() -> None:
    # Its part of the log density is a function of its own level, year effects and noise: the rest has one posterior.
    key = "late"
    indicators = hamlets().indicators | {key: replace(hamlets().indicators[key], polarity="not agreed")}
    panel = replace(hamlets(), indicators=indicators)
    spec = Spec().updated({"measurement": {"unshared": ["*"]}})
    with by_python():
        whole, part = (compile_density(trajectory(panel, s)) for s in (spec, spec.updated({"drop": [key]})))
    laid_out, kept = design(panel, spec), design(panel, spec.updated({"drop": [key]}))
    assert laid_out.indicator == (*kept.indicator, key)  # so that its values are the last of every variable
    rng, n_year = np.random.default_rng(6), kept.year.size
    here, nobody = whole.first + 0.3 * rng.standard_normal(whole.first.size), np.zeros(kept.exists.size)
    here[whole.names.free["loading_not_agreed"]] = 0.0
    gaps = []
    for _ in range(3):
        there = part.first + 0.3 * rng.standard_normal(part.first.size)
        for name, at in part.names.free.items():
            first = whole.names.free[name].start
            here[first : first + at.stop - at.start] = there[at]
        gaps.append(whole(here)[0] - part(there)[0])
        for a, b in zip(
            states(layout_of(laid_out), whole.real(here), n_year, nobody, np.empty((len(laid_out.block), 0)))[:4],
            states(layout_of(kept), part.real(there), n_year, nobody, np.empty((len(kept.block), 0)))[:4],
            strict=True,
        ):
            np.testing.assert_allclose(a, b, atol=1e-9)
    np.testing.assert_allclose(gaps, gaps[0], atol=1e-7)


# The command.


def test_the_command_refuses_a_plan_before_anything_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base().write(tmp_path / "run")
    (tmp_path / "p.toml").write_text('[[variant]]\nname = "x"\nchoice = "y"\nspec = { drop = ["agencey"] }\n')
    assert command("sensitivity", tmp_path / "run", "--plan", tmp_path / "p.toml") == 2
    assert "no indicator 'agencey' in the panel; did you mean 'agency'?" in capsys.readouterr().err
    assert not (tmp_path / "run" / "sensitivity.csv").exists()
    (tmp_path / "p.toml").write_text('[scales]\npriors = ["pooling.region_sd"]\n')
    assert command("sensitivity", tmp_path / "run", "--plan", tmp_path / "p.toml", "--check") == 0
    assert "pooling.region_sd x 2" in capsys.readouterr().out


def test_a_plan_without_variants_is_refused() -> None:
    from bayes_csc.evaluation.sensitivity.plan.expand import expand

    with pytest.raises(SpecError, match="the plan has no variant"):
        expand(Plan(), hamlets(), Spec())
