"""A user's own indicators in a panel: named, apart from the panel's, and gone again when they are dropped."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from broken.own_cases import CSV, DESCRIPTION, HEADER, ROWS
from broken.workbooks import workbook
from command_runner import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paths import PANELS

from bayes_csc.errors import DataError
from bayes_csc.measurement.design import design
from bayes_csc.panel.panel import Panel
from bayes_csc.panel.user_data.add_indicators import OwnData, read_own, with_own
from bayes_csc.spec import Spec

TOWNS = PANELS / "towns"
SHARES = DESCRIPTION.split("[indicator.peer_score]")[0]


@pytest.fixture(scope="module")
def towns() -> Panel:
    return Panel.read(TOWNS)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "own.toml").write_text(DESCRIPTION)
    (tmp_path / "own.csv").write_text(CSV)
    return tmp_path


def own(folder: Path, panel: Panel, file: str = "own.csv") -> OwnData:
    return read_own(folder / "own.toml", panel, file=folder / file)


def test_nothing_of_the_panel_is_changed_and_each_added_figure_is_under_its_own_key(mine: Path, towns: Panel) -> None:
    new = with_own(towns, own(mine, towns))
    old_cells = new.cells[new.cells.indicator.isin(list(towns.indicators))]
    pd.testing.assert_frame_equal(old_cells, towns.cells)
    assert {key: new.indicators[key] for key in towns.indicators} == towns.indicators
    assert list(new.indicators) == ["late", "complaints_upheld", "peer_score"]
    assert set(new.cells[~new.cells.indicator.isin(["late"])].source) == {"local-2025"}
    assert new.name == "Two towns with own indicators"
    assert new.indicators["peer_score"].categories == 3
    assert new.indicators["peer_score"].denominator == "1 poor, 2 fair, 3 good"


def test_a_panel_does_not_take_the_same_indicator_twice(mine: Path, towns: Panel) -> None:
    added = own(mine, towns)
    with pytest.raises(DataError, match=r"\[indicator.peer_score\]: the panel has an indicator of that key"):
        with_own(with_own(towns, added), added)


def test_a_dropped_own_indicator_leaves_the_design_of_the_panel_without_it(tmp_path: Path, towns: Panel) -> None:
    (tmp_path / "own.toml").write_text(SHARES)
    (tmp_path / "own.csv").write_text(CSV)
    new = with_own(towns, own(tmp_path, towns))
    with_it = design(new, Spec()).observation
    assert set(with_it.indicator) == {"late", "complaints_upheld", "judgement"}
    without, before = (design(p, Spec(drop=d)) for p, d in ((new, ("complaints_upheld",)), (towns, ())))
    pd.testing.assert_frame_equal(without.observation, before.observation)
    assert without.year.tolist() == before.year.tolist()


def test_the_new_panel_says_where_its_own_indicators_are_from(mine: Path, towns: Panel) -> None:
    added = own(mine, towns)
    assert added.description.source == "local-2025"
    assert "SHA-256" in with_own(towns, added).readme
    assert with_own(towns, added).licence == "local-2025: not stated"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(st.data())
def test_the_order_of_rows_columns_and_codes_of_a_file_never_matters(
    mine: Path, towns: Panel, data: st.DataObject
) -> None:
    header, *rows = csv.reader(io.StringIO(CSV + "103+102,,2024,1,9,fair\n"))
    (mine / "own.csv").write_text(CSV + "102+103,,2024,1,9,fair\n")
    expected = with_own(towns, own(mine, towns)).hash
    places = data.draw(st.permutations(range(len(header))))
    shuffled = [header, *data.draw(st.permutations(rows))]
    with (mine / "other.csv").open("w", newline="") as file:
        csv.writer(file).writerows([[row[place] for place in places] for row in shuffled])
    assert with_own(towns, own(mine, towns, "other.csv")).hash == expected


def test_a_workbook_gives_the_same_panel_as_its_csv(mine: Path, towns: Panel) -> None:
    workbook(mine / "own.xlsx", [list(HEADER), *ROWS])
    assert with_own(towns, own(mine, towns, "own.xlsx")).hash == with_own(towns, own(mine, towns)).hash


FIGURE = st.one_of(
    st.integers(-3, 120).map(str), st.sampled_from(["c", "x", "", "0", "1.5", "?", "1,000", "nan", "#N/A"])
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
@given(rows=st.lists(st.tuples(FIGURE, FIGURE, st.sampled_from(["good", "2", "4", "x", ""])), min_size=4, max_size=4))
def test_what_is_accepted_passes_the_panels_contract_and_the_rest_is_refused_in_sentences(
    mine: Path, towns: Panel, rows: list[tuple[str, str, str]]
) -> None:
    lines = [[*map(str, place[:3]), *figures] for place, figures in zip(ROWS, rows, strict=True)]
    with (mine / "own.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *lines])
    new, problems = None, ()
    try:
        new = with_own(towns, own(mine, towns))
    except DataError as error:
        problems = error.problems
    assert (new is None) == bool(problems)
    assert all(re.match(r"own\.csv: ", problem) for problem in problems)
    if new is not None:
        new.write(mine / "panel", checked=True)
        assert Panel.read(mine / "panel").hash == new.hash


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    place=st.integers(0, 4000), junk=st.binary(min_size=1, max_size=6), name=st.sampled_from(["own.xlsx", "own.toml"])
)
def test_a_damaged_workbook_or_description_is_read_or_refused_but_never_a_traceback(
    mine: Path, towns: Panel, place: int, junk: bytes, name: str
) -> None:
    (mine / "own.toml").write_text(DESCRIPTION)
    workbook(mine / "own.xlsx", [list(HEADER), *ROWS])
    content = bytearray((mine / name).read_bytes())
    start = place % len(content)
    content[start : start + len(junk)] = junk
    (mine / name).write_bytes(content)
    with contextlib.suppress(DataError):
        assert len(own(mine, towns, "own.xlsx").cells) > 0


# Families and periods.


def one(tmp_path: Path, towns: Panel, description: str, rows: str) -> pd.Series:
    (tmp_path / "own.toml").write_text(
        'source = "s"\ncolumns = { authority = "a", year = "y" }\n[indicator.k]\nlabel = "K"\ndefinition = "K."\n'
        f'polarity = "not agreed"\ndomain = "d"\npublication_month = 7\n{description}'
    )
    (tmp_path / "own.csv").write_text(rows)
    return read_own(tmp_path / "own.toml", towns, file=tmp_path / "own.csv").cells.iloc[0]


COUNTED = 'numerator = "n"\ndenominator = "d"\n'


def test_a_count_over_an_exposure_may_exceed_it_and_keeps_its_range(tmp_path: Path, towns: Panel) -> None:
    text = f'family = "poisson"\n{COUNTED}year_ends = "12-31"\ncolumns = {{ numerator = "n", denominator = "e" }}\n'
    cell = one(tmp_path, towns, text, "a,y,n,e\n102,2023,7,2.5\n")
    assert (cell.numerator, cell.denominator, cell.value) == (7, 2.5, 2.8)
    text += 'symbols = { "<6" = { lower = 0, upper = 5 } }\n'
    cell = one(tmp_path, towns, text, "a,y,n,e\n102,2023,<6,2.5\n")
    assert (cell.status, cell.lower, cell.upper, cell.denominator) == ("suppressed", 0, 5, 2.5)


def test_a_value_keeps_the_number_of_units_it_averages_over(tmp_path: Path, towns: Panel) -> None:
    text = 'family = "gaussian"\non_day = "09-30"\ncolumns = { value = "v", denominator = "units" }\n'
    cell = one(tmp_path, towns, text, "a,y,v,units\n102,2023,-1.5,40\n")
    assert (cell.value, cell.denominator, cell.status) == (-1.5, 40, "observed")
    assert cell.reference_start == cell.reference_end == pd.Timestamp("2023-09-30")
    assert pd.isna(cell.numerator)


def test_a_lognormal_value_is_above_zero(tmp_path: Path, towns: Panel) -> None:
    text = 'family = "lognormal"\non_day = "09-30"\ncolumns = { value = "v" }\n'
    with pytest.raises(DataError, match="value 0 is not above 0"):
        one(tmp_path, towns, text, "a,y,v\n102,2023,0\n")


def test_full_time_equivalents_may_be_fractions_where_that_is_said(tmp_path: Path, towns: Panel) -> None:
    text = f'family = "binomial"\n{COUNTED}on_day = "09-30"\ncolumns = {{ numerator = "n", denominator = "e" }}\n'
    cell = one(tmp_path, towns, text + "fractions = true\n", "a,y,n,e\n102,2023,2.5,10.0\n")
    assert cell.value == 0.25


def test_a_share_of_nobody_is_not_applicable_and_a_hidden_total_leaves_its_count_known(
    tmp_path: Path, towns: Panel
) -> None:
    text = (
        f'family = "binomial"\n{COUNTED}on_day = "09-30"\ncolumns = {{ numerator = "n", denominator = "e" }}\n'
        "symbols = { c = { lower = 1, upper = 5 } }\n"
    )
    assert one(tmp_path, towns, text, "a,y,n,e\n102,2023,0,0\n").status == "not_applicable"
    cell = one(tmp_path, towns, text, "a,y,n,e\n102,2023,2,c\n")
    assert (cell.status, cell.lower, cell.upper) == ("suppressed", 2, 2)
    assert pd.isna(cell.denominator)
    assert one(tmp_path, towns, text, "a,y,n,e\n102,2023,c,3\n").upper == 3


def test_the_rows_of_a_long_file_are_told_apart_by_a_column(tmp_path: Path, towns: Panel) -> None:
    text = (
        f'family = "binomial"\n{COUNTED}on_day = "09-30"\ncolumns = {{ numerator = "n", denominator = "e" }}\n'
        'rows = { what = "upheld" }\n'
    )
    cell = one(tmp_path, towns, text, "a,y,what,n,e\n102,2023,other,8,9\n102,2023,upheld,2,9\n")
    assert cell.numerator == 2
    with pytest.raises(DataError, match="no row has 'upheld' in column 'what' for k; found 'Upheld'"):
        one(tmp_path, towns, text, "a,y,what,n,e\n102,2023,Upheld,8,9\n")


def test_dates_of_the_file_date_its_figures(tmp_path: Path, towns: Panel) -> None:
    (tmp_path / "own.toml").write_text(
        'source = "s"\ndate_format = "day/month/year"\n[indicator.k]\nlabel = "K"\ndefinition = "K."\n'
        f'polarity = "not agreed"\ndomain = "d"\npublication_month = 7\nfamily = "binomial"\n{COUNTED}'
        'columns = { authority = "a", reference_start = "from", reference_end = "to", publication_date = "out", '
        'numerator = "n", denominator = "e" }\n'
    )
    (tmp_path / "own.csv").write_text("a,from,to,out,n,e\n102,01/01/2023,31/12/2023,2024-02-03,1,2\n")
    cell = read_own(tmp_path / "own.toml", towns, file=tmp_path / "own.csv").cells.iloc[0]
    assert cell.year == 2023
    assert [cell[name].strftime("%Y-%m-%d") for name in ("reference_start", "reference_end", "publication_date")] == [
        "2023-01-01", "2023-12-31", "2024-02-03",
    ]  # fmt: skip


# The example of the documentation.


def test_the_example_of_the_documentation_does_what_it_says(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (root / "docs" / "own-indicators.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"^```(csv|toml)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    commands = re.findall(r"^bayescsc (data .*)$", text, re.MULTILINE)
    (tmp_path / "local.csv").write_text(blocks["csv"])
    (tmp_path / "local.toml").write_text(blocks["toml"])
    (tmp_path / "data").mkdir()
    shutil.copytree(root / "data" / "england", tmp_path / "data" / "england")
    monkeypatch.chdir(tmp_path)
    assert [command(*line.split()) for line in commands] == [0, 0]
    assert "Wrote 12 cells of complaints_upheld, incidents, peer_visit beside the panel's" in capsys.readouterr().out
    new, england = Panel.read("mine"), Panel.read("data/england")
    added = {"complaints_upheld", "incidents", "peer_visit"}
    assert set(new.indicators) - set(england.indicators) == added == {k for k, i in new.indicators.items() if i.own}
    assert new.licence == f"{england.licence}; local-2025: not to be published"
