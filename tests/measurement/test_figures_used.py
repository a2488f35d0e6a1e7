"""Figures after the last inspection, and the days to which data run, on hamlets whose judgements run ahead of figures.

Fern was inspected in November 2022; the newest figures are of 30 September 2022.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from paths import ROOT
from run_of_2022 import DAY, HAMLETS, SAID, ahead, fitted

from bayes_csc import Fit, Panel, Spec, decline
from bayes_csc.estimates.contributions import contributions
from bayes_csc.estimates.decline import write_decline
from bayes_csc.measurement.figures_used import (
    NO_FIGURES,
    DataDays,
    data_days,
    figures_since,
    newest_figure,
    used_figures,
    without_figures,
)
from bayes_csc.panel.calendar import grid_position, reference_instant
from bayes_csc.panel.indicator_selection import chosen_indicators
from bayes_csc.panel.panel import inspection_dates
from bayes_csc_models import trajectory


def counted(panel: Panel, code: str, after: pd.Timestamp) -> int:
    """Known cells of an authority, alone or jointly, whose reference instant is after a day; one by one."""
    found = 0
    for cell in panel.cells[panel.cells["status"].isin(["observed", "suppressed"])].to_dict("records"):
        kind = panel.indicators[cell["indicator"]].reference_instant
        instant = reference_instant(pd.Series([cell["reference_start"]]), pd.Series([cell["reference_end"]]), kind)[0]
        found += code in cell["authority"].split("+") and instant > after
    return found


@pytest.mark.parametrize("day", ["2018-09-30", "2020-06-30", "2021-09-30", "2022-03-30", "2022-09-30"])
def test_figures_are_counted_after_the_inspection_with_those_of_joint_returns(day: str) -> None:
    codes = list(HAMLETS.authorities.index)
    last = pd.Series(grid_position(pd.Timestamp(day)), index=codes)
    found = figures_since(used_figures(HAMLETS, Spec()), last)
    assert found.to_dict() == {code: counted(HAMLETS, code, pd.Timestamp(day)) for code in codes}
    assert (found == 0).all() == (day == "2022-09-30")


def test_only_figures_of_indicators_that_the_fit_uses_count() -> None:
    last = pd.Series({"404": 2020.0})
    every, one = (figures_since(used_figures(HAMLETS, Spec(indicators=k)), last)["404"] for k in ((), ("late",)))
    assert 0 < one < every
    none = Spec().updated({"measurement": {"use": False}})
    assert figures_since(used_figures(HAMLETS, none), last)["404"] == 0


def test_the_table_counts_figures_since_the_last_inspection_and_says_where_there_are_none(tmp_path: Path) -> None:
    table = decline(fitted(), "all")
    panel = ahead()
    when = inspection_dates(panel.inspections).groupby(panel.inspections["authority"]).max()
    wanted = {code: counted(panel, code, when[code]) for code in table.authority if code != "405"}
    rows = table.set_index("authority")
    assert rows.figures_since.drop("405").to_dict() == wanted
    assert pd.isna(rows.figures_since["405"])
    assert [code for code, n in wanted.items() if n == 0] == ["402"]
    assert rows.note["402"] == f"preview; {NO_FIGURES}; too recent"
    assert not rows.note.drop("402").str.contains("no figures").any()
    assert rows.p_decline["402"] == pytest.approx(rows.p_decline_no_data["402"], abs=0.02)
    write_decline(table, tmp_path)
    written = (tmp_path / "decline.csv").read_text().splitlines()
    at = written[0].split(",").index("figures_since")
    assert sorted(line.split(",")[at] for line in written[1:]) == sorted(["", *map(str, wanted.values())])
    told = {r["authority"]: r for r in json.loads((tmp_path / "decline.json").read_text())["rows"]}
    assert (told["405"]["figures_since"], told["402"]["figures_since"]) == (None, 0)
    assert [without_figures(r) for r in table.to_dict("records")] == [code == "402" for code in table.authority]


# The recent change.


def test_the_recent_change_is_of_the_two_years_to_the_newest_figure() -> None:
    fit = fitted()
    assert fit.change.attrs["now"] > 2023.2
    assert fit.recent_until == 2023.0
    about = decline(fit).attrs
    assert (about["now"], about["recent_from"], about["recent_until"]) == ("2022-12-31", "2020-09-30", "2022-09-30")
    theta = fit.posterior["theta"].sel(authority="404")
    drawn = (theta.sel(year=2023) - theta.sel(year=2021)).mean()
    assert fit.change["mean"].sel(authority="404", change="recent").mean() == pytest.approx(float(drawn), abs=0.05)


def test_contributions_to_the_recent_change_are_to_the_same_change() -> None:
    table = contributions(fitted(), trajectory, group="404", quantity="recent")
    total = table.set_index("kind").contribution["total"]
    assert total == pytest.approx(float(fitted().change["mean"].sel(authority="404", change="recent").mean()), abs=1e-6)


def test_without_a_figure_the_recent_change_ends_now() -> None:
    rows = pd.DataFrame({"indicator": ["judgement"], "position": [2022.1]})
    assert newest_figure(rows, 2023.25) == 2023.25
    assert (
        newest_figure(pd.DataFrame({"indicator": ["agency", "judgement"], "position": [2020.0, 2022.1]}), 2023.25)
        == 2020.0
    )


def test_a_run_written_before_reads_and_its_recent_change_ends_now(tmp_path: Path) -> None:
    change = fitted().change.assign_attrs()
    change.attrs = {"now": change.attrs["now"]}
    dataclasses.replace(fitted(), change=change).write(tmp_path / "run")
    back = Fit.read(tmp_path / "run")
    about = decline(back, "all").attrs
    assert (about["recent_from"], about["recent_until"]) == ("2020-12-31", "2022-12-31")
    fitted().write(tmp_path / "run", overwrite=True)
    assert Fit.read(tmp_path / "run").recent_until == 2023.0


# The days to which data run.


def test_a_panel_says_to_which_days_figures_and_judgements_run() -> None:
    assert data_days(ahead()).sentence == SAID
    about = decline(fitted()).attrs
    assert about["data_days"] == SAID
    assert (about["figures_until"], about["judgements_until"]) == ("2022-09-30", "2022-12-31")


def test_the_days_are_of_the_indicators_used_and_of_known_figures() -> None:
    assert data_days(HAMLETS, ["late"]).figures == datetime.date(2022, 3, 31)
    assert data_days(HAMLETS, []).sentence == "No figures; judgements published by 30 September 2022."
    cells = HAMLETS.cells.copy()
    cells.loc[cells["year"] == 2022, "status"] = "not_available"
    assert data_days(dataclasses.replace(HAMLETS, cells=cells)).figures == datetime.date(2021, 9, 30)
    spec = Spec().updated({"measurement": {"use": False}})
    assert data_days(HAMLETS, chosen_indicators(HAMLETS, spec)).metadata()["figures_until"] is None


def test_where_inspections_had_to_start_earlier_than_they_were_published_both_days_are_said() -> None:
    later = dataclasses.replace(HAMLETS, published_by=DAY)
    assert data_days(later).sentence == (
        "Figures run to 30 September 2022; judgements published by 31 December 2022, of inspections started by "
        "30 September 2022."
    )
    assert data_days(HAMLETS.as_of(datetime.date(2021, 6, 30))).sentence == (
        "Figures run to 30 September 2020; judgements published by 30 June 2021."
    )
    new = HAMLETS.inspections.assign(publication_date=pd.Timestamp("2022-10-05"))
    found = data_days(dataclasses.replace(HAMLETS, inspections=new))
    assert found == DataDays(datetime.date(2022, 9, 30), datetime.date(2022, 10, 5), datetime.date(2022, 9, 30))
    none = dataclasses.replace(HAMLETS, inspections=HAMLETS.inspections.iloc[:0])
    assert data_days(none).judgements == datetime.date(2022, 9, 30)


def test_the_panel_of_england_runs_to_the_newest_workforce_census() -> None:
    england = Panel.read(ROOT / "data" / "england")
    figures = used_figures(england, Spec())
    assert float(np.max(figures["position"])) == 2026.0 == grid_position(datetime.date(2025, 9, 30))
