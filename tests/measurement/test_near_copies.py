"""Indicators told twice: found whatever their counts, told apart from what only goes together, refused if the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_runner import command

from bayes_csc.files.embedded_data import data_dir
from bayes_csc.measurement.near_copies import NEAR, beyond_theta, correlations, near_copies
from bayes_csc.measurement.observations import observation_rows
from bayes_csc.panel.exact_copies import exact_copies
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Counts

UNITS, YEARS = 150, 12


@pytest.fixture(scope="module")
def england() -> Panel:
    return Panel.read(data_dir("england"))


def rows_of(figures: dict[str, tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """Observations of indicators by their z and sampling variances, (unit, year)."""
    unit, year = np.indices(next(iter(figures.values()))[0].shape)
    parts = [
        {"unit": unit.ravel(), "year": year.ravel(), "indicator": key, "z": z.ravel(), "variance": v.ravel()}
        for key, (z, v) in figures.items()
    ]
    return pd.concat(map(pd.DataFrame, parts), ignore_index=True)


def told(eta: np.ndarray, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Empirical logits and their sampling variances of counts out of n."""
    p = (rng.binomial(n, 1.0 / (1.0 + np.exp(-eta))) + 0.5) / (n + 1.0)
    return np.log(p / (1.0 - p)), 1.0 / (n * p * (1.0 - p))


@pytest.mark.parametrize("n", [100, 500, 5000])
@pytest.mark.parametrize("kind", ["random walk", "constant"])
def test_what_is_told_twice_with_a_little_error_is_found_whatever_its_counts(kind: str, n: int) -> None:
    rng = np.random.default_rng(n)
    steps = rng.normal(size=(UNITS, YEARS)).cumsum(axis=1)
    one, other = (0.5 * s / s.std() - 0.8 for s in (steps, rng.permutation(steps)))
    if kind == "constant":
        one, other = (np.repeat(s[:, :1], YEARS, axis=1) for s in (one, other))
    figures = {key: told(eta, n, rng) for key, eta in {"a": one, "b": one, "elsewhere": other}.items()}
    figures["c"] = told(one + 0.15 * rng.normal(size=one.shape), n, rng)
    found = near_copies(rows_of(figures))
    assert {frozenset(p) for p in zip(found["first"], found["second"], strict=True)} == {
        frozenset(p) for p in (("a", "b"), ("a", "c"), ("b", "c"))
    }
    assert (found.cells == UNITS * YEARS).all()


def test_without_sampling_error_it_is_the_correlation_within_the_years_of_the_cells_both_have() -> None:
    rng = np.random.default_rng(1)
    z = rng.normal(size=(2, UNITS, YEARS)) + 3.0 * np.arange(YEARS)
    z[1] -= 0.7 * z[0]
    rows = rows_of({key: (x, np.zeros_like(x)) for key, x in zip("ab", z, strict=True)})
    rows = rows[rng.uniform(size=len(rows)) < 0.8]
    within = rows.z - rows.groupby(["indicator", "year"]).z.transform("mean")
    wide = rows.assign(z=within).pivot(index=["unit", "year"], columns="indicator", values="z").dropna()
    found = correlations(rows)
    assert found.correlation.tolist() == pytest.approx([wide.corr().loc["a", "b"]], abs=1e-12)
    assert found.cells.tolist() == [len(wide)]
    assert correlations(rows[rows.unit < 19]).empty  # too few units to tell


def test_englands_near_copies_are_all_of_one_domain(england: Panel) -> None:
    pairs = correlations(observation_rows(england.cells, england.indicators, Counts()))
    domain, default = ({k: getattr(i, name) for k, i in england.indicators.items()} for name in ("domain", "default"))
    near = pairs[pairs.correlation.abs() >= NEAR]
    assert len(near) > 10
    assert near["first"].map(domain).tolist() == near["second"].map(domain).tolist()
    both = near["first"].map(default) & near["second"].map(default)
    assert near[both][["first", "second"]].to_numpy().tolist() == [["agency", "vacancy"]]


def test_englands_figures_are_nowhere_the_same_and_a_copy_of_some_is(england: Panel) -> None:
    assert exact_copies(england.cells) == []
    copy = england.cells[england.cells.indicator.eq("vacancy")].assign(indicator="copy")
    assert exact_copies(pd.concat([england.cells, copy])) == [
        f"vacancy and copy have the same figures in all {copy.status.eq('observed').sum()} cells that both have; "
        "keep one of them"
    ]
    copy.loc[copy.index[copy.status.eq("observed")][:1], "numerator"] += 1
    assert exact_copies(pd.concat([england.cells, copy])) == []


def shown(loading: dict[str, float], seed: int, *, extra: float = 0.0) -> tuple[pd.DataFrame, dict[str, str]]:
    """Correlations of indicators that show one state, each in a domain of its own; a and b have more in common."""
    rng = np.random.default_rng(seed)
    theta, common = rng.normal(size=(2, UNITS, YEARS))
    figures = {}
    for key, h in loading.items():
        own = rng.normal(size=theta.shape)
        shared = extra if key in "ab" else 0.0
        figures[key] = h * theta + np.sqrt(shared) * common + np.sqrt(1 - h**2 - shared) * own, np.zeros_like(theta)
    return correlations(rows_of(figures)), {key: key for key in loading}


def test_a_pair_goes_together_by_more_than_a_state_that_others_show_only_if_it_has_more_in_common() -> None:
    strong = dict.fromkeys("abcd", 0.85)
    assert beyond_theta(*shown(strong, 1)).empty  # though they correlate 0.72
    weak = {"a": 0.0, "b": 0.0, "c": 0.5, "d": 0.5, "e": 0.3}
    found = beyond_theta(*shown(weak, 2, extra=0.5))
    assert found[["first", "second"]].to_numpy().tolist() == [["a", "b"]]
    assert found.correlation.item() == pytest.approx(0.5, abs=0.06)
    assert found.elsewhere.item() < 0.1
    pairs, domain = shown(weak, 2, extra=0.5)
    assert beyond_theta(pairs, domain | {"b": "a"}).empty  # of one domain
    two = pairs[pairs["first"].isin(["a", "b"]) & pairs["second"].isin(["a", "b"])]
    assert beyond_theta(two, domain).empty  # no third to tell by
    assert len(beyond_theta(two.assign(correlation=NEAR), domain)) == 1


def test_no_pair_of_englands_baseline_goes_together_beyond_theta_but_a_noise_told_twice_does(england: Panel) -> None:
    default = {k: i for k, i in england.indicators.items() if i.default}
    cells = england.cells[england.cells.indicator.isin(list(default))]
    rows = observation_rows(cells, default, Counts())
    domain = {k: i.domain for k, i in default.items()}
    assert beyond_theta(correlations(rows), domain).empty
    rng = np.random.default_rng(1)
    unit, place = pd.factorize(rows[rows.indicator.eq("vacancy")].unit)[0], rows[rows.indicator.eq("vacancy")]
    walk = rng.normal(size=(unit.max() + 1, 20)).cumsum(axis=1)[unit, place.year - 2010]
    noise = [
        place.assign(indicator=key, z=walk / walk.std() + 0.8 * rng.normal(size=len(place)), variance=0.0)
        for key in ("one", "two")
    ]
    found = beyond_theta(correlations(pd.concat([rows, *noise])), domain | {"one": "one", "two": "two"})
    assert found[["first", "second"]].to_numpy().tolist() == [["one", "two"]]


def brought(folder: Path, panel: Panel, error: int) -> Path:
    """Vacancies as an indicator of the user's own, every second count with an error."""
    cells = panel.cells[panel.cells.indicator.eq("vacancy") & panel.cells.status.eq("observed")]
    count = (cells.numerator + error * (np.arange(len(cells)) % 2)).clip(upper=cells.denominator)
    table = pd.DataFrame({"a": cells.authority, "y": cells.year, "n": count, "of": cells.denominator})
    table.to_csv(folder / "local.csv", index=False)
    (folder / "local.toml").write_text(
        'source = "local"\non_day = "09-30"\n[indicator.empty_posts]\nlabel = "P"\ndefinition = "P."\n'
        'family = "binomial"\npolarity = "higher is worse"\nnumerator = "empty"\ndenominator = "posts"\n'
        'domain = "posts"\npublication_month = 2\nfractions = true\n'
        'columns = { authority = "a", year = "y", numerator = "n", denominator = "of" }\n'
    )
    return folder / "local.csv"


def test_a_users_copy_of_an_indicator_is_refused_by_name(
    england: Panel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = brought(tmp_path, england, 0)
    assert command("data", "check", file) == 3
    assert "vacancy and empty_posts have the same figures in all" in capsys.readouterr().err
    assert command("data", "add", data_dir("england"), "--file", file, "--out", tmp_path / "new") == 3
    assert not (tmp_path / "new").exists()
    cells = england.cells[england.cells.indicator.ne("turnover")]
    copy = cells[cells.indicator.eq("vacancy")].assign(indicator="turnover")
    replace(england, cells=pd.concat([cells, copy]), revisions=england.revisions[:0]).write(tmp_path / "panel")
    assert command("data", "check", tmp_path / "panel") == 3
    assert "vacancy and turnover have the same figures" in capsys.readouterr().err


def test_a_users_near_copy_of_an_indicator_is_named(
    england: Panel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = brought(tmp_path, england, 2)
    assert command("data", "check", file) == 0
    line = "vacancy and empty_posts are near-copies: apart from sampling error their figures correlate 1.00"
    said = capsys.readouterr().out
    assert line in said
    assert "missing_incidents" not in said  # the panel's own pairs are not the user's
    assert command("data", "add", data_dir("england"), "--file", file, "--out", tmp_path / "new") == 0
    assert line in capsys.readouterr().out
