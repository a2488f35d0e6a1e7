"""One authority's record: who is meant, what is shown, and that the JSON says the same."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest
from command_runner import command
from paths import PANELS

from bayes_csc.errors import UsageError
from bayes_csc.panel.describe.authority_json import authority_json
from bayes_csc.panel.describe.authority_record import authority_record, find_authority, readme_note
from bayes_csc.panel.describe.coverage import national
from bayes_csc.panel.panel import Panel

HAMLETS = PANELS / "hamlets"


@pytest.fixture(scope="module")
def england(shipped: Panel) -> Panel:
    return shipped


@pytest.mark.parametrize(
    ("wanted", "code"),
    [("204", "204"), ("Hackney", "204"), ("hACKNEY ", "204"), ("hackn", "204"), ("Kent", "886"), ("Scilly", "420")],
)
def test_an_authority_is_found_by_code_name_or_part_of_a_name(england: Panel, wanted: str, code: str) -> None:
    assert find_authority(england.authorities, wanted) == code


def test_accents_do_not_matter() -> None:
    authorities = Panel.read(HAMLETS).authorities.replace({"name": {"Elm": "Élm-sur-Mer"}})
    assert find_authority(authorities, "elm-SUR") == "401"
    assert find_authority(authorities, "ÉLM") == "401"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("dorset", r"'dorset' fits several authorities; give a code: 835 Dorset \(to 2019-03-31\), 838 Dorset \(from "),
        ("north", r"fits several authorities.*392 North Tyneside.*929 Northumberland"),
        ("e", r"and \d+ more$"),
        ("Hackney Council", r"no authority is called 'Hackney Council'.*near it: 204 Hackney"),
        ("nowhere", "no authority is called 'nowhere'; expected a code such as 201, a name or a part of one$"),
        ("", "no authority is called ''"),
        ("[", r"no authority is called '\['"),
    ],
)
def test_an_ambiguous_or_unknown_name_lists_the_candidates(england: Panel, wanted: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find_authority(england.authorities, wanted)


def test_a_record_has_every_cell_of_its_authority_and_no_other(england: Panel) -> None:
    found = sum(len(authority_record(england, code).cells) for code in ("314", "204"))
    own = england.cells["authority"].isin(["314", "314+318", "204"])
    assert found == own.sum()


def test_a_joint_return_is_in_the_record_of_both(england: Panel) -> None:
    for code in ("314", "318"):
        (joint,) = authority_record(england, code).joint_returns.to_dict("records")
        assert joint["authority"] == "314+318"
        assert joint["names"] == "Kingston upon Thames and Richmond upon Thames"
        assert (joint["indicators"], joint["first_year"], joint["last_year"]) == (
            ("agency", "vacancy", "turnover", "absence", "caseload"), 2016, 2025,
        )  # fmt: skip


def test_figures_stand_beside_the_national_ones_of_the_same_year(england: Panel) -> None:
    cells = authority_record(england, "886").cells.set_index(["indicator", "year"])
    expected = national(england)["value"].reindex(cells.index)
    pd.testing.assert_series_equal(cells["national"], expected, check_names=False)


def test_the_years_of_the_attack_on_hackney_are_gaps(england: Panel) -> None:
    gaps = authority_record(england, "204").gaps
    assert gaps.query("indicator == 're_referral'")[["year", "status"]].to_numpy().tolist() == [
        [2021, "not_available"],
        [2022, "not_available"],
    ]


def test_years_before_an_authority_or_after_it_are_no_gaps(england: Panel) -> None:
    for code in ("941", "928"):
        assert authority_record(england, code).gaps.query("indicator == 're_referral'").empty


def test_kin_are_named_both_ways(england: Panel) -> None:
    new, old = authority_record(england, "839").kin, authority_record(england, "835").kin
    parts = new[new["relation"] == "predecessor"]
    assert dict(zip(parts["code"], parts["weight"], strict=True)) == {"835": 0.1176, "836": 0.4002, "837": 0.4822}
    assert set(old.loc[old["relation"] == "successor", "name"]) == {"Dorset", "Bournemouth, Christchurch and Poole"}
    assert len(new[new["relation"] == "neighbour"]) == 10


def test_a_change_of_release_is_on_record(england: Panel) -> None:
    changes = authority_record(england, "204").release_changes.query("indicator == 'agency'")
    assert changes["year"].tolist() == [2016, 2017]
    assert changes["source"].tolist() == ["csww-sfr08-2017", "csww-2025"]


def test_notes_are_those_of_the_readme(england: Panel) -> None:
    assert authority_record(england, "204").notes["Breaks"].startswith("The denominator of suitable accommodation is")
    assert readme_note("# Nothing", "Gaps") == ""
    assert readme_note("- **Gaps.** One\n  and two.\nThree", "Gaps") == "One and two."


def test_a_restated_figure_is_in_the_record() -> None:
    panel = Panel.read(HAMLETS)
    earlier = panel.cells.query("authority == '403' and indicator == 'late' and year == 2020").assign(
        value=0.25, publication_date=pd.Timestamp("2020-06-30"), source="first"
    )
    record = authority_record(replace(panel, cells=pd.concat([panel.cells, earlier])), "403")
    assert record.revisions[["indicator", "year", "value_from"]].to_numpy().tolist() == [["late", 2020, 0.25]]
    assert record.cells.query("indicator == 'late' and year == 2020")["value"].tolist() == [0.307692]


# Printing.


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert command("data", "show", *arguments) == 0
    return capsys.readouterr().out


def test_the_text_has_figures_suppressed_counts_and_joint_returns(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, "fern", "--panel", HAMLETS)
    assert said.startswith(
        f"Fern (402), North\n  Hamlets 2022-09-30, published by 2022-09-30, panel {Panel.read(HAMLETS).hash[:12]}"
    )
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert "agency 2018 2019 2020 2021 2022" in lines
    assert "value 11.4 x 13.9+ 12.3+ 13.8+" in lines
    assert "value 1-5 25.6 1-5 26.7" in lines
    assert "n 30 164 27 206" in lines
    assert "joint return 401+402 (Elm and Fern), 2020 to 2022: agency, vacancy" in lines
    assert "full, started 2022-01-17, published 2022-03-18: GOOD" in lines


def test_a_narrow_terminal_gets_narrow_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    lines = printed(capsys, "204").splitlines()
    tables = [line for line in lines if line.startswith(("  value", "  n ", "  England "))]
    assert len(tables) > 60
    assert max(map(len, tables)) <= 70


def test_the_json_says_what_the_panel_says(england: Panel, capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(printed(capsys, "Kingston upon Thames", "--json"))
    assert list(told) == [
        "panel", "authority", "indicators", "inspections", "gaps", "release_changes", "revisions", "notes"
    ]  # fmt: skip
    assert told["panel"] == {
        "name": "England", "date": "2025-12-31", "published_by": "2025-12-31", "hash": england.hash
    }  # fmt: skip
    assert told["authority"]["code"] == "314"
    assert told["authority"]["valid_from"] is None
    rows = [(cell["year"], each["key"], cell["numerator"]) for each in told["indicators"] for cell in each["cells"]]
    own = england.cells[england.cells["authority"].isin(["314", "314+318"])]
    expected = {(row.year, row.indicator): row.numerator for row in own.itertuples()}
    assert len(rows) == len(expected)
    assert {(year, key): count for year, key, count in rows if count is not None} == {
        place: count for place, count in expected.items() if count == count
    }
    overall = [each["judgements"]["overall"]["grade"] for each in told["inspections"]]
    mine = england.inspections.query("authority == '314' and domain == 'overall'").sort_values("publication_date")
    assert overall == mine["grade"].tolist()


def test_the_json_of_every_authority_is_json(england: Panel) -> None:
    small = replace(england, cells=england.cells[england.cells["indicator"].isin(["agency", "plan_over_2_years"])])
    for code in ("201", "420", "835", "839", "941"):
        json.dumps(authority_json(authority_record(small, code)), allow_nan=False)


def test_an_ambiguous_name_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("data", "show", "dorset") == 2
    assert capsys.readouterr().err.startswith("Error: 'dorset' fits several authorities; give a code: 835")
