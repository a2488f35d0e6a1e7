"""The department's files as published, and authorities under the names that people write."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bayes_csc.errors import DataError
from bayes_csc.panel.panel import Panel
from bayes_csc.panel.user_data.add_indicators import OwnData, read_own
from bayes_csc.panel.user_data.places import authority_of, codes_by_name

DESCRIPTION = """
source = "published"
year_ends = "03-31"
rows = {{ geographic_level = "Local authority" }}
[columns]
authority = "{code}"
name = "la_name"
year = "time_period"
[indicator.seen]
label = "Seen"
definition = "Seen in time."
family = "binomial"
polarity = "higher is better"
numerator = "seen"
denominator = "of"
domain = "published"
publication_month = 10
columns = {{ numerator = "number", denominator = "total" }}
"""
HEAD = "time_period,time_identifier,geographic_level,old_la_code,new_la_code,la_name,number,total"
ROWS = [
    "202324,Financial year,National,,E92000001,England,900,1000",
    "202324,Financial year,Local authority,801,E06000023,\"Bristol, City of\",40,100",
    "202324,Financial year,Local authority,330,E08000025,Birmingham City Council,c,100",
    "202324,Financial year,Local authority,884,E06000019,Herefordshire,[low],100",
    "202324,Financial year,Local authority,202,E09000007,Camden,x,90",
    "202324,Financial year,Local authority,301,E09000002,Barking & Dagenham,[z],100",
]  # fmt: skip


def read(folder: Path, panel: Panel, code: str, rows: list[str]) -> OwnData:
    (folder / "own.toml").write_text(DESCRIPTION.format(code=code))
    (folder / "own.csv").write_text("\n".join([HEAD, *rows]) + "\n")
    return read_own(folder / "own.toml", panel, file=folder / "own.csv")


@pytest.mark.parametrize("code", ["old_la_code", "new_la_code", "la_name"])
def test_a_published_file_is_read_by_either_code_or_by_name(code: str, tmp_path: Path, shipped: Panel) -> None:
    cells = read(tmp_path, shipped, code, ROWS).cells.set_index("authority")
    assert list(cells.index) == ["801", "330", "884", "202", "301"]
    assert set(cells["year"]) == {2024}
    assert list(cells["status"]) == ["observed", "suppressed", "suppressed", "not_available", "not_applicable"]
    assert cells.loc["330", ["lower", "upper"]].to_list() == [0, 100]
    assert cells.loc["884", ["lower", "upper"]].to_list() == [1, 100]


def test_periods_that_are_no_years_are_said_to_be_none(tmp_path: Path, shipped: Panel) -> None:
    rows = [row.replace("202324,Financial", "201921,Financial") for row in ROWS]
    with pytest.raises(DataError) as caught:
        read(tmp_path, shipped, "old_la_code", rows)
    (said,) = caught.value.problems
    assert "found '201921'; a period of several years, 2019 to 2021" in said
    assert "[5 rows: 3, 4, 5, 6, 7]" in said


def test_a_name_of_another_authority_is_told_without_a_guess(tmp_path: Path, shipped: Panel) -> None:
    with pytest.raises(DataError, match="the code is that of 'Camden', but the name is 'Barnet'; write the code and"):
        read(tmp_path, shipped, "old_la_code", [ROWS[4].replace("Camden", "Barnet")])


def test_a_name_that_fits_two_is_not_resolved(shipped: Panel) -> None:
    table = shipped.authorities.copy()
    table.loc["202", "name"] = "Bristol"
    panel = dataclasses.replace(shipped, authorities=table)
    assert authority_of("Bristol City Council", "", panel, codes_by_name(panel)) == "Bristol City Council"
    assert authority_of("Bristol City Council", "", shipped, codes_by_name(shipped)) == "801"
