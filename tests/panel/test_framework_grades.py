"""A framework with five grades of its own, as announced for 2027: a change of data, from the folder to a forecast."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import pytest
from fabricated_changes import made_up as fit_of
from fabricated_draws import DRAWS, made_up
from interpreted_density import by_python
from panels_with_subjudgements import with_sub_judgements
from paths import PANELS
from scipy.special import ndtr, ndtri

from bayes_csc import Panel, Spec, decline
from bayes_csc.errors import DataError, UsageError
from bayes_csc.estimates.attribution import sources
from bayes_csc.estimates.forecast.cutpoints import GradeScales
from bayes_csc.estimates.forecast.grade_probabilities import best_first
from bayes_csc.estimates.forecast.overall_given_subjudgements import overall_table
from bayes_csc.evaluation.backtest.events import overall_judgements
from bayes_csc.inference.group_rule import chosen_by
from bayes_csc.inference.groups import members
from bayes_csc.likelihood.density import Density, compile_density
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design, design
from bayes_csc.measurement.judgements.inspection_rates import NEVER, Reinspection
from bayes_csc.measurement.judgements.post_inspection import after_worst
from bayes_csc.measurement.judgements.previous_grades import NONE, previous_grades
from bayes_csc.panel.describe.authority_record import authority_records
from bayes_csc.panel.framework_grades import merged_cutpoints, read_framework_grades
from bayes_csc.simulation.simulate import simulate_like
from bayes_csc_models.judgements import after_previous
from bayes_csc_models.trajectory import coordinates, from_design, trajectory

HAMLETS = PANELS / "hamlets"
NEW = "ILACS 2027"
LABELS = ("exceptional", "strong", "expected", "needs attention", "urgent improvement")
EQUIVALENT = (1, 2, 2, 3, 4)
LATEST = {
    "401": {"leadership": 5, "protection": 4},
    "402": {"leadership": 3, "protection": 2},
    "404": {"leadership": 4, "protection": 4, "care": 2},
}
SCALES = Spec.parse({"ratings": {"previous": "none"}})


def five(*, equivalent: bool = True) -> Panel:
    """The hamlets with sub-judgements and, in August 2022, three inspections of the new framework."""
    before = with_sub_judgements(Panel.read(HAMLETS))
    day, out = pd.Timestamp("2022-08-01"), pd.Timestamp("2022-09-20")
    rows = [
        (code, NEW, "full", day, out, domain, grade)
        for code, judged in LATEST.items()
        for domain, grade in judged.items()
    ]
    more = pd.DataFrame(rows, columns=before.inspections.columns)
    return dataclasses.replace(
        before,
        inspections=pd.concat([before.inspections, more], ignore_index=True),
        framework_grades={NEW: LABELS},
        equivalent_grades={NEW: EQUIVALENT} if equivalent else {},
    )


# The folder.


def test_the_panel_comes_back_from_its_folder(tmp_path: Path) -> None:
    panel = five()
    panel.write(tmp_path / "five", checked=True)
    again = Panel.read(tmp_path / "five")
    assert (again.framework_grades, again.equivalent_grades) == ({NEW: LABELS}, {NEW: EQUIVALENT})
    assert again.files() == panel.files()
    assert again.hash == panel.hash != dataclasses.replace(panel, equivalent_grades={}).hash
    assert (again.grades_of(NEW), again.grades_of("SIF")) == (LABELS, again.grades)


def test_a_panel_without_such_frameworks_has_the_files_it_had(shipped: Panel) -> None:
    for panel in (shipped, Panel.read(HAMLETS)):
        assert "framework_grades" not in panel.files()["indicators.toml"]
        assert "equivalent_grades" not in panel.files()["indicators.toml"]
        pd.testing.assert_frame_equal(panel.compared(panel.inspections), panel.inspections)


def test_a_grade_is_one_of_its_framework_s(tmp_path: Path) -> None:
    five().write(tmp_path / "five")
    path = tmp_path / "five" / "inspections.csv"
    text = path.read_text().replace(f"401,{NEW},full,2022-08-01,2022-09-20,leadership,5", "")
    text += f"401,{NEW},full,2022-08-01,2022-09-20,leadership,6\n401,ILACS,full,2022-08-01,2022-09-20,leadership,5\n"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        Panel.read(tmp_path / "five")
    said = str(caught.value)
    assert (
        f"401 (Elm), {NEW} started 2022-08-01 published 2022-09-20: grade must be a whole number from 1 (the best) to 5"
        in said
    )
    assert (
        "401 (Elm), ILACS started 2022-08-01 published 2022-09-20: grade must be a whole number from 1 (the best) to 4"
        in said
    )
    assert said.count("grade must be") == 2


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"framework_grades": ["a", "b"]}, "here: framework_grades must name frameworks, each with a list, found"),
        ({"framework_grades": {"N": ["a"]}}, "the grades of 'N' must be at least two different texts, best first"),
        ({"framework_grades": {"N": ["a", "A"]}}, "the grades of 'N' must be at least two different texts, best first"),
        ({"equivalent_grades": {"N": [1]}}, "equivalent_grades names 'N', which has no list in framework_grades; add"),
        (
            {"framework_grades": {"N": ["a", "b"]}, "equivalent_grades": {"N": [1, 2, 3]}},
            "expected for the 2 grades of 'N' as many whole numbers from 1 to 4 that never fall",
        ),
        ({"framework_grades": {"N": ["a", "b"]}, "equivalent_grades": {"N": [3, 2]}}, "that never fall"),
        ({"framework_grades": {"N": ["a", "b"]}, "equivalent_grades": {"N": [0, 2]}}, "numbers from 1 to 4"),
        ({"framework_grades": {"N": ["a", "b"]}, "equivalent_grades": {"N": [1, True]}}, "found [1, True]"),
    ],
)
def test_what_breaks_the_contract_is_said_once(table: dict[str, object], said: str) -> None:
    problems: list[str] = []
    found = read_framework_grades(table, ("o", "g", "r", "i"), "here", problems)
    assert len(problems) == 1
    assert said in problems[0]
    assert not any(found.values()) or "N" not in found.get("equivalent_grades", {})


def test_the_dictionary_reads_and_names_them(tmp_path: Path) -> None:
    five().write(tmp_path / "five")
    path = tmp_path / "five" / "indicators.toml"
    path.write_text(path.read_text().replace(json.dumps(list(EQUIVALENT)), "[1, 2]"))
    with pytest.raises(DataError, match=r"indicators.toml: \[panel\]: equivalent_grades: expected for the 5 grades"):
        Panel.read(tmp_path / "five")


# Labels, groups, what compares.


def test_grades_are_named_by_their_framework_and_compared_by_their_equivalents() -> None:
    panel = five()
    latest = panel.latest_grades()
    assert latest.label[["401", "402", "404"]].tolist() == ["urgent improvement", "expected", "needs attention"]
    assert latest.grade[["401", "402", "404"]].tolist() == [4, 2, 3]
    assert latest.label["403"] == "requires improvement"
    (record,) = authority_records(panel, ["404"])
    own = record.inspections[record.inspections.framework == NEW].set_index("domain").label
    assert own.to_dict() == {"leadership": "needs attention", "protection": "needs attention", "care": "strong"}
    assert "401" in chosen_by("worst = inadequate and leadership = inadequate", panel)
    assert "402" in chosen_by("worst = good", panel)
    assert "404" in chosen_by("any = requires improvement", panel)


def test_without_equivalents_they_compare_with_none() -> None:
    panel = five(equivalent=False)
    latest = panel.latest_grades()
    assert latest.label["401"] == "urgent improvement"
    assert latest.grade[["401", "402", "404"]].isna().all()
    assert latest.grade["403"] == 3
    assert Reinspection.of(panel).last.grade[["401", "403"]].tolist() == [NEVER, 3]
    assert overall_judgements(panel).grade.isna().sum() == len(LATEST)
    assert chosen_by("any = inadequate or any != inadequate", panel) == [
        code for code in chosen_by("any = inadequate or any != inadequate", five()) if code not in LATEST
    ]


def test_a_group_and_a_table_of_it_go_by_the_equivalents_or_by_the_framework_s_words() -> None:
    fit = fit_of(five())
    assert members(fit, "requires improvement") == ["403", "404", "405"]
    assert members(fit, "Urgent improvement") == ["401"]
    with pytest.raises(UsageError, match="no authority's latest grade is exceptional; --group all shows every"):
        members(fit, "exceptional")
    table = decline(fit, "all").set_index("authority")
    assert table.last_grade[["401", "402", "408"]].tolist() == ["urgent improvement", "expected", "good"]
    apart = fit_of(five(equivalent=False))
    assert members(apart, "requires improvement") == ["403", "405"]
    assert members(apart, "needs attention") == ["404"]


def test_a_previous_grade_is_one_of_the_panel_s() -> None:
    panel = five()
    asked = pd.DataFrame({"authority": ["401", "402", "402"], "domain": ["leadership", "leadership", "care"]})
    asked = asked.assign(day=pd.Timestamp("2023-01-01"))
    assert previous_grades(panel, asked).previous.tolist()[:2] == [4, 2]  # urgent improvement, expected
    assert previous_grades(five(equivalent=False), asked).previous.tolist()[:2] == [NONE, NONE]


def test_what_is_counted_by_grade_goes_by_the_equivalents() -> None:
    panel = five()
    assert Reinspection.of(panel).last.grade[["401", "402", "404"]].tolist() == [4, 2, 3]
    cell = panel.cells[(panel.cells.authority == "401") & (panel.cells.indicator == "late")].iloc[[-1]]
    ended = pd.Timestamp("2024-03-31")
    cell = cell.assign(year=2024, reference_start=ended, reference_end=ended)
    rows = pd.DataFrame({"unit": ["401"], "indicator": ["late"], "year": [2024]})
    assert after_worst(dataclasses.replace(panel, cells=cell), rows, {"late"}) == [1.0]  # urgent improvement
    old = panel.inspections[panel.inspections.framework != NEW]
    table = overall_table(panel, ("leadership", "protection"))
    without = overall_table(dataclasses.replace(panel, inspections=old), ("leadership", "protection"))
    np.testing.assert_array_equal(table.count, without.count)  # the new ones have no overall grade


# The model.


@pytest.fixture(scope="module")
def laid_out() -> Design:
    return design(five(), Spec())


@pytest.fixture(scope="module")
def density(laid_out: Design) -> Density:
    with by_python():
        return compile_density(from_design(laid_out, Spec()))


def test_scales_are_shifts_of_those_with_as_many_grades(laid_out: Design) -> None:
    judged = laid_out.judged
    above = {s: judged.scale[p] if p >= 0 else "" for s, p in zip(judged.scale, judged.parent, strict=True)}
    assert above == {
        "SIF:overall": "",
        "ILACS:leadership": "SIF:overall",
        "ILACS:protection": "SIF:overall",
        "ILACS:care": "ILACS:protection",
        f"{NEW}:leadership": "",
        f"{NEW}:protection": f"{NEW}:leadership",
        f"{NEW}:care": f"{NEW}:protection",
    }
    assert judged.size == (4, 4, 4, 4, 5, 5, 5)
    assert judged.later == tuple(s for s, p in above.items() if p)
    np.testing.assert_array_equal(judged.ancestry()[-2:], [[0, 0, 0, 1, 0], [0, 0, 0, 1, 1]])
    graded = laid_out.graded()
    rows = laid_out.observation.iloc[graded.at]
    mine = rows.scale.str.startswith(NEW).to_numpy()
    np.testing.assert_array_equal(graded.score[mine], 5 - rows.grade.to_numpy()[mine])
    np.testing.assert_array_equal(graded.score[~mine], 4 - rows.grade.to_numpy()[~mine])


def test_cutpoints_are_induced_by_the_shares_of_as_many_grades(density: Density) -> None:
    x = density.first + 0.3 * np.random.default_rng(4).normal(size=density.first.size)
    value = density.expand(x)
    cut, shift, stretch = (value[name] for name in ("cutpoints", "scale_shift", "scale_stretch"))
    assert cut.shape == (7, 4)
    assert np.isposinf(cut[:4, 3]).all()
    assert np.isfinite(cut[4:]).all()
    assert (np.diff(cut[4:], axis=1) > 0).all()
    base = ndtri(np.cumsum(value["grade_share_of_5"])[:-1])
    np.testing.assert_allclose(cut[4], base)
    np.testing.assert_allclose(cut[5], base[2] + shift[3] + np.exp(stretch[3]) * (base - base[2]))
    np.testing.assert_allclose(cut[0, :3], ndtri(np.cumsum(value["grade_share"])[:-1]))
    coords = density.names.coords
    assert list(coords["grade_of_5"]) == list(reversed(LABELS))
    assert list(coords["cutpoint"]) == ["1|2", "2|3", "3|4", "4|5"]


def test_each_grade_lies_between_its_own_scale_s_cutpoints(laid_out: Design, density: Density) -> None:
    real, cut = density.real(density.first), density.expand(density.first)["cutpoints"]
    graded = laid_out.graded()
    ends = [np.concatenate([[-np.inf], c[: n - 1], [np.inf]]) for c, n in zip(cut, laid_out.judged.size, strict=True)]
    low, high = (np.array([ends[f][s + k] for f, s in zip(graded.scale, graded.score, strict=True)]) for k in (0, 1))
    place = layout_of(laid_out).graded[graded.at]
    np.testing.assert_array_equal(real.low[place], low)
    np.testing.assert_array_equal(real.high[place], high)


def test_the_gradient_is_the_slope_of_the_density(density: Density) -> None:
    x = density.first + 0.2 * np.random.default_rng(5).normal(size=density.first.size)
    value, gradient = density(x)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    at = density.names.free["grade_share_of_5"]
    assert np.abs(gradient[at]).max() > 1e-3
    for k in range(at.start, at.stop):
        step = 1e-5 * np.eye(x.size)[k]
        slope = (density(x + step)[0] - density(x - step)[0]) / 2e-5
        assert gradient[k] == pytest.approx(slope, rel=1e-4, abs=1e-4)


def test_each_grade_lies_between_the_cutpoints_of_its_scale() -> None:
    d = design(five(), SCALES)
    with by_python():
        density = compile_density(from_design(d, SCALES))
        cut = density.posterior(density.first[None, None], [0]).cutpoints.to_numpy()[0, 0]
    real, graded = density.real(density.first), d.graded()
    for score, f, low, high in zip(graded.score, graded.scale, real.low, real.high, strict=True):
        ends = np.concatenate([[-np.inf], cut[f][: d.judged.size[f] - 1], [np.inf]])
        assert (low, high) == pytest.approx((ends[score], ends[score + 1]))


def test_previous_grades_have_an_effect_on_every_scale_but_distances_only_on_those_of_the_panel_s_grades() -> None:
    spec = Spec()
    d = design(five(), spec)
    with by_python():
        density = compile_density(from_design(d, spec))
    assert np.isfinite(density(density.first)[0])
    cutpoints = np.full((len(d.judged.scale), 4), np.inf)
    for f, size in enumerate(d.judged.size):
        cutpoints[f, : size - 1] = np.arange(size - 1.0)
    with pm.Model(coords=coordinates(d)):
        own = pm.draw(after_previous(d, spec, pt.constant(cutpoints)), random_seed=1, mode="FAST_COMPILE")
    scale = d.graded().scale
    new = np.array([d.judged.scale[f].startswith(NEW) for f in scale])
    assert new.any()
    np.testing.assert_array_equal(own[new], cutpoints[scale[new]])
    assert (own[~new] != cutpoints[scale[~new]]).any(axis=1).all()


def test_a_contribution_names_the_grade_in_its_framework_s_words(laid_out: Design) -> None:
    whole: Any = SimpleNamespace(observation=np.arange(len(laid_out.observation)))
    found = sources(laid_out, whole)
    assert set(found.grade[found.scale == f"{NEW}:leadership"]) == {"urgent improvement", "expected", "needs attention"}


def test_simulated_grades_are_of_their_framework() -> None:
    grades = []
    for seed in range(3):
        drawn, _ = simulate_like(five(), trajectory, Spec(), seed=seed)
        new = drawn.inspections.framework == NEW
        assert drawn.inspections.grade[new].between(1, 5).all()
        assert drawn.inspections.grade[~new].between(1, 4).all()
        grades += drawn.inspections.grade[new].tolist()
    assert 5 in grades


# The forecast.


def test_merged_cutpoints_give_the_sums_over_equivalent_grades() -> None:
    rng = np.random.default_rng(2)
    cut = np.sort(rng.normal(size=(6, 4)))
    own, merged = best_first(ndtr(cut)), best_first(ndtr(merged_cutpoints(cut, EQUIVALENT, 4)))
    np.testing.assert_allclose(merged, own @ (np.array(EQUIVALENT)[:, None] == np.arange(1, 5)), atol=1e-15)
    none_best = best_first(ndtr(merged_cutpoints(cut, (2, 2, 3, 4, 4), 4)))
    np.testing.assert_array_equal(none_best[:, 0], 0.0)


def test_a_forecast_is_in_grades_that_compare() -> None:
    rng = np.random.default_rng(3)
    scales = [f"{NEW}:{domain}" for domain in ("leadership", "protection", "care")]
    variables = {
        "judgement_loading": rng.uniform(0.5, 1.5, (DRAWS, 2)),
        "cutpoints": np.sort(rng.normal(size=(DRAWS, 3, 4))),
        "standard": rng.normal(size=(DRAWS, 5)),
    }
    dims = {"cutpoints": ("scale", "cutpoint"), "judgement_loading": ("judged",)}
    again = made_up(variables, dims, {"scale": scales, "judged": ["leadership", "protection"]})
    found = GradeScales.of(again, five())
    assert found.item == ("care", "leadership", "protection")
    np.testing.assert_array_equal(found.cutpoints[:, :, 0], variables["cutpoints"][:, [2, 0, 1]][..., [0, 1, 3]])
    assert found.before.tolist() == [[3, 4, 3], [2, 2, 2]]  # 401 and 402; care is what protection was
    with pytest.raises(DataError, match=r"'ILACS 2027', the latest framework, have no equivalents.*add equiv"):
        GradeScales.of(again, five(equivalent=False))
