"""What is said of every broken official file, and that the order of its rows and columns never matters."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pandas as pd
import pytest
from broken.official_files import BROKEN, EES, Case
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayes_csc.errors import DataError
from bayes_csc.panel.panel import Panel
from bayes_csc.sources.england.panel import england
from bayes_csc.sources.readers import tables
from bayes_csc.sources.readers.tables import (
    EES_SYMBOLS,
    SFR_SYMBOLS,
    dates,
    entries,
    local_authorities,
    read_table,
    years,
)

COLUMNS = ["time_period", "old_la_code", "geographic_level", "referrals", "within"]


def read(path: Path) -> dict[tuple[str, int], tuple[object, ...]]:
    """Figures of each authority and year, as a reader of a release takes them."""
    table = local_authorities(read_table(path, COLUMNS))
    columns = [entries(table[name], EES_SYMBOLS, path) for name in ("referrals", "within")]
    keys = zip(table["old_la_code"], years(table["time_period"], path), strict=True)
    return dict(zip(keys, zip(*columns, strict=True), strict=True))


@pytest.mark.parametrize("case", BROKEN, ids=str)
def test_a_broken_release_is_refused_with_its_file_row_and_column(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "release.csv"
    case.make(path)
    with pytest.raises(DataError, match=case.message):
        read(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(st.data())
def test_the_order_of_rows_and_columns_of_a_release_never_matters(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "release.csv"
    path.write_text(EES)
    expected = read(path)
    header, *rows = csv.reader(io.StringIO(EES))
    places = data.draw(st.permutations(range(len(header))))
    shuffled = [header, *data.draw(st.permutations(rows))]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([[row[place] for place in places] for row in shuffled])
    assert read(path) == expected


def test_the_whole_england_panel_is_the_same_from_files_with_rows_and_columns_in_another_order(
    shipped: Panel, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = shipped.hash  # which `tests/sources/england/test_panel.py` builds again
    plain = pd.read_csv

    def shuffled(*arguments: object, **options: object) -> pd.DataFrame:
        table: pd.DataFrame = plain(*arguments, **options)  # type: ignore[call-overload]
        if "Year" in table:  # whose nations follow each other, and then the notes
            return table
        if not {"LAD11NM", "RUC11"} <= set(table):  # whose two population columns are known by their place
            table = table.sample(frac=1, axis=1, random_state=2)
        return table.sample(frac=1, random_state=1)

    monkeypatch.setattr(tables.pd, "read_csv", shuffled)
    monkeypatch.setattr(tables, "_shape_problems", lambda *_, **__: [])  # the index is no longer that of the file
    assert england(shared / "data").hash == expected


@pytest.mark.parametrize("text", ["12,34", "1,2,3", "0x10", "1e400"])
def test_a_number_in_a_doubtful_form_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=rf"row 2: column 'n': .* found {re.escape(repr(text))}"):
        entries(pd.Series([text], name="n"), SFR_SYMBOLS, Path("a.csv"))


def test_an_unknown_symbol_in_a_table_that_was_laid_out_anew_names_its_authority_and_year() -> None:
    column = pd.Series(["?"], index=pd.MultiIndex.from_tuples([("202", "2024")]), name="Total")
    with pytest.raises(DataError, match=r"a\.csv: the row of \('202', '2024'\): column 'Total': expected a number"):
        entries(column, EES_SYMBOLS, Path("a.csv"))


def test_dates_may_be_blank_but_nothing_else() -> None:
    column = pd.Series(["2024-03-31", ""], name="started")
    assert dates(column, Path("a.csv")).to_list() == [pd.Timestamp("2024-03-31"), pd.NaT]
    with pytest.raises(DataError, match=r"a\.csv: row 3: column 'started': expected a date .*, found '31/03/2024'"):
        dates(column.replace("", "31/03/2024"), Path("a.csv"))
