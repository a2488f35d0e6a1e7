"""Surrey becomes East and West Surrey in April 2027: two more rows of a table, and nothing else.

Their codes, people and deprivation here are made up: those of the two new authorities are not published yet.
"""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from broken.workbooks import workbook

from bayes_csc.errors import DataError
from bayes_csc.likelihood.density import compile_density
from bayes_csc.measurement.design import Design, design
from bayes_csc.panel.geography import existing, predecessors
from bayes_csc.panel.panel import Panel
from bayes_csc.sources.ofsted.report_cards import CODE, DOMAINS, KIND, NAME, PUBLISHED, START, read_reports
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design

SURREY, EAST, WEST = "936", "944", "945"
END, BEGIN = pd.Timestamp("2027-03-31"), pd.Timestamp("2027-04-01")
LATER = datetime.date(2028, 3, 31)
INDICATORS = ("re_referral", "second_plan", "plan_over_2_years", "agency", "vacancy", "turnover")
NEAR = ["825", "850", "868", "886", SURREY, EAST, WEST]


def with_successors(panel: Panel) -> Panel:
    """The panel with the rows of the two successors, and Surrey's last day."""
    table = panel.authorities.copy()
    own = table.loc[SURREY]
    for code, name, share in ((EAST, "East Surrey", 0.45), (WEST, "West Surrey", 0.55)):
        table.loc[code] = own
        table.loc[code, ["name", "predecessors", "predecessor_weights"]] = [name, SURREY, "1"]
        table.loc[code, "population"] = round(share * own["population"])
        table.loc[code, "valid_from"] = BEGIN
    table.loc[SURREY, "successors"] = f"{EAST} {WEST}"
    table.loc[SURREY, "valid_to"] = END
    return replace(panel, authorities=table.sort_index())


def later(panel: Panel) -> Panel:
    """The panel in 2028: each successor with Surrey's figures of 2025 as its first year's, one with a judgement."""
    last = panel.cells[(panel.cells["authority"] == SURREY) & (panel.cells["year"] == 2025)]
    days = ("reference_start", "reference_end", "publication_date")
    moved = last.assign(year=2028, **{day: last[day] + pd.DateOffset(years=3) for day in days})
    first = [moved[moved["reference_start"] >= BEGIN].assign(authority=code) for code in (EAST, WEST)]
    judged = panel.inspections[panel.inspections["authority"] == SURREY]
    judged = judged[judged["publication_date"] == judged["publication_date"].max()]
    dates = {"start_date": pd.Timestamp("2027-10-04"), "publication_date": pd.Timestamp("2027-11-29")}
    return replace(
        panel,
        date=LATER,
        published_by=LATER,
        cells=pd.concat([panel.cells, *first], ignore_index=True),
        inspections=pd.concat([panel.inspections, judged.assign(authority=EAST, **dates)], ignore_index=True),
    )


def near(panel: Panel) -> Panel:
    """The panel of a few authorities around Surrey."""
    table = panel.authorities.loc[NEAR].assign(neighbours="")
    return replace(
        panel,
        authorities=table,
        cells=panel.cells[panel.cells["authority"].isin(NEAR)].reset_index(drop=True),
        inspections=panel.inspections[panel.inspections["authority"].isin(NEAR)].reset_index(drop=True),
        revisions=panel.revisions[panel.revisions["authority"].isin(NEAR)].reset_index(drop=True),
    )


@pytest.fixture(scope="module")
def surrey(shipped: Panel) -> Panel:
    return with_successors(shipped)


@pytest.fixture(scope="module")
def after(surrey: Panel) -> Panel:
    return later(surrey)


def block(d: Design) -> int:
    blocks = [tuple(d.authority[i] for i in each) for each in d.block]
    return blocks.index((SURREY, EAST, WEST))


def test_a_panel_with_the_successors_keeps_its_contract(after: Panel, tmp_path: Path) -> None:
    side = {
        name: getattr(after, name).iloc[:0] for name in ("covariates", "visits", "providers", "earlier_inspections")
    }
    after = replace(after, **side)
    after.write(tmp_path / "later", checked=True)
    again = Panel.read(tmp_path / "later")
    assert predecessors(again.authorities)[EAST] == predecessors(again.authorities)[WEST] == {SURREY: 1.0}
    alive = existing(again.authorities, LATER)
    assert SURREY not in alive
    assert {EAST, WEST} <= set(alive)
    assert len(alive) == 154
    latest = again.latest_grades()
    assert EAST in latest.index
    assert not {SURREY, WEST} & set(latest.index)


def test_figures_of_a_successor_before_its_day_are_refused(surrey: Panel, tmp_path: Path) -> None:
    early = surrey.cells[(surrey.cells["authority"] == SURREY) & (surrey.cells["year"] == 2025)].assign(authority=EAST)
    broken = replace(near(surrey), cells=pd.concat([near(surrey).cells, early], ignore_index=True))
    with pytest.raises(DataError, match="before the authority existed, from 2027-04-01; give its predecessor's code"):
        broken.write(tmp_path / "early", checked=True)


def test_before_their_day_the_successors_change_nothing_for_others(shipped: Panel, surrey: Panel) -> None:
    spec = Spec(indicators=INDICATORS)
    before, now = design(shipped, spec), design(surrey, spec)
    assert now.year.tolist() == before.year.tolist()
    exists = dict(zip(now.authority, now.exists, strict=True))
    assert exists[SURREY].all()
    assert not exists[EAST].any()
    assert now.block_template[block(now)] != 0
    columns = ["unit", "indicator", "year", "z", "variance", "position"]
    one, other = (
        d.observation[columns].sort_values([*columns[:3], "position"], ignore_index=True) for d in (before, now)
    )
    pd.testing.assert_frame_equal(one, other)


def test_in_2028_their_paths_follow_on_from_surreys(after: Panel) -> None:
    d = design(after, Spec(indicators=INDICATORS))
    at = block(d)
    exists = dict(zip(d.authority, d.exists, strict=True))
    assert d.year[exists[SURREY]].max() == 2027
    assert d.year[exists[EAST]].min() == d.year[exists[WEST]].min() == 2028
    rows = d.observation[d.observation["block"] == at]
    assert set(rows.loc[rows["position"] > 2028, "unit"]) == {EAST, WEST}
    assert set(rows.loc[rows["position"] < 2027, "unit"]) == {SURREY}
    # a successor's path has every innovation that Surrey's had, and its own after them
    template = d.template[d.block_template[at]].matrix.reshape(3, d.year.size, -1)
    last = int(np.flatnonzero(d.year == 2027)[0])
    shared = np.flatnonzero(template[0, last])[2:]  # after the level and the slope, which goes on
    for successor in (1, 2):
        np.testing.assert_allclose(template[successor, -1, shared], template[0, last, shared])
        assert (template[successor, -1] != 0).sum() > len(shared) + 2


@pytest.mark.usefixtures("interpreted")
def test_a_fit_of_the_panel_of_2028_has_a_density(after: Panel) -> None:
    spec = Spec(indicators=INDICATORS)
    density = compile_density(from_design(design(near(after), spec), spec))
    for shift in (0.0, 0.1):
        value, gradient = density(density.first + shift)[:2]
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


def test_a_report_about_a_successor_is_read_once_it_has_its_row(shipped: Panel, surrey: Panel, tmp_path: Path) -> None:
    row = [EAST, "east surrey", "standard", "04/10/2027", "29/11/27", "", *["good"] * 4]
    workbook(tmp_path / "reports.xlsx", [[CODE, NAME, KIND, START, PUBLISHED, *DOMAINS.values()], row])
    assert set(read_reports(tmp_path / "reports.xlsx", surrey.authorities)["authority"]) == {EAST}
    with pytest.raises(DataError, match=r"no authority with the code '944' .*; add it to la_lookup.csv"):
        read_reports(tmp_path / "reports.xlsx", shipped.authorities)
