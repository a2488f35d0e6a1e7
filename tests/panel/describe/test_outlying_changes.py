"""Jumps: what is one, what is not, and the ones of England that are known errors of recording."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from paths import PANELS
from scipy import stats

from bayes_csc.panel.describe.outlying_changes import jumps
from bayes_csc.panel.families import FAMILIES
from bayes_csc.panel.panel import Panel

HAMLETS = PANELS / "hamlets"
YEARS = range(2010, 2020)


def made(seed: int, *, places: int = 60, people: int = 400) -> Panel:
    """Many places of one proportion each, whose counts vary by chance alone around the same 30%."""
    rng = np.random.default_rng(seed)
    panel = Panel.read(HAMLETS)
    rows = [(f"{place}", year) for place in range(places) for year in YEARS]
    cells = pd.DataFrame(rows, columns=["authority", "year"]).assign(
        indicator="late", denominator=float(people), status="observed", lower=np.nan, upper=np.nan, source="made"
    )
    cells["numerator"] = rng.binomial(people, 0.3, len(cells)).astype(float)
    cells["value"] = cells["numerator"] / people
    for name in ("reference_start", "reference_end", "publication_date"):
        cells[name] = pd.to_datetime(cells["year"].astype(str) + "-03-31")
    return replace(panel, cells=cells)


def changed(panel: Panel, authority: str, year: int, value: float) -> Panel:
    cells = panel.cells.copy()
    here = (cells["authority"] == authority) & (cells["year"] == year)
    cells.loc[here, "value"] = value
    cells.loc[here, "numerator"] = (value * cells.loc[here, "denominator"]).round()
    return replace(panel, cells=cells)


def test_chance_alone_gives_standard_normal_changes() -> None:
    z = jumps(made(1), threshold=0.0)["z"]
    assert len(z) == 60 * (len(YEARS) - 1)
    assert z.std() == pytest.approx(1.0, abs=0.1)  # Monte Carlo error of 540 dependent changes: 0.04
    assert stats.kurtosis(z) == pytest.approx(0.0, abs=0.6)  # its standard error: 0.21
    assert jumps(made(1)).empty


def test_one_wrong_figure_is_a_jump_there_and_one_back() -> None:
    found = jumps(changed(made(2), "7", 2015, 0.75))
    found = found.set_index("year").sort_index()
    assert (set(found["authority"]), list(found.index)) == ({"7"}, [2015, 2016])
    assert np.sign(found["z"]).tolist() == [1.0, -1.0]


def test_the_same_change_in_few_counts_is_none() -> None:
    assert jumps(changed(made(2, people=8), "7", 2015, 0.75)).empty


def test_a_step_that_all_take_together_is_none() -> None:
    panel = made(3)
    later = panel.cells["year"] >= 2015
    cells = panel.cells.assign(
        numerator=panel.cells["numerator"].where(~later, (panel.cells["numerator"] * 2).clip(upper=400))
    )
    assert jumps(replace(panel, cells=cells.assign(value=cells["numerator"] / cells["denominator"]))).empty


def test_a_gap_or_a_suppressed_count_is_none() -> None:
    wrong = changed(made(2), "7", 2015, 0.75)
    hidden = wrong.cells["status"].where(
        ~((wrong.cells["authority"] == "7") & wrong.cells["year"].isin([2014, 2016])), "suppressed"
    )
    assert jumps(replace(wrong, cells=wrong.cells.assign(status=hidden))).empty


def test_z_is_its_formula_by_hand() -> None:
    panel = made(4, places=5)
    steps = jumps(panel, threshold=0.0)
    p = (panel.cells["numerator"] + 0.5) / 401
    wide = panel.cells.assign(y=np.log(p / (1 - p)), v=1 / (400 * p * (1 - p))).pivot(
        index="authority", columns="year", values=["y", "v"]
    )
    change = wide["y"].diff(axis=1).iloc[:, 1:]
    noise = (wide["v"] + wide["v"].shift(1, axis=1)).iloc[:, 1:]
    own = change - change.median()
    usual = (1.4826 * np.median(np.abs(own.to_numpy()))) ** 2
    z = own / np.sqrt(noise + max(usual - np.median(noise.to_numpy()), 0.0))
    found = steps.pivot(index="authority", columns="year", values="z")
    np.testing.assert_allclose(found, z, rtol=1e-12)


def test_scales_of_the_other_families() -> None:
    cells = pd.DataFrame({"numerator": [12.0], "denominator": [100.0], "value": [0.12]})
    rate = FAMILIES["poisson"].link(cells).iloc[0]
    assert (rate["y"], rate["variance"]) == (np.log(12.5 / 100), 1 / 12.5)
    assert FAMILIES["lognormal"].link(cells).iloc[0].tolist() == [np.log(0.12), 0.0]
    assert FAMILIES["ordinal"].link(cells).iloc[0].tolist() == [0.12, 0.0]


def test_figures_that_never_change_are_no_jumps() -> None:
    panel = made(5)
    indicators = {**panel.indicators, "late": replace(panel.indicators["late"], family="gaussian")}
    assert jumps(replace(panel, indicators=indicators, cells=panel.cells.assign(value=3.0)), threshold=1.0).empty


def test_england_has_the_jumps_that_its_releases_show(shipped: Panel) -> None:
    found = jumps(shipped).set_index(["authority", "indicator", "year"])
    # c1_children_in_need_referrals_and_rereferrals_2013_to_2025.csv: Slough, 3,460 of 5,688 referrals in 2017 without
    # further action, 29 of 2,774 the year before; Wakefield, 12,209 referrals in 2016 and 4,016 in 2017
    slough = found.loc[("871", "no_further_action", 2017)]
    assert (round(slough["value"] * slough["n"]), slough["n"], slough["n_from"]) == (3460, 5688, 2774)
    assert (found.loc[("384", "re_referral", 2017)][["n_from", "n"]] == [12209, 4016]).all()
    default = [key for key, indicator in shipped.indicators.items() if indicator.default]
    assert 10 < found.index.get_level_values("indicator").isin(default).sum() < 60
