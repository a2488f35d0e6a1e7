"""No text in a CSV file is a formula, every number is a number, and what is read back is what was written."""

from __future__ import annotations

import ast
import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paths import PANELS

from bayes_csc import Panel
from bayes_csc.estimates.run_tables import write_table
from bayes_csc.files.csv_toml import as_meant, csv_text, guarded, read_csv, table_text, unguarded
from bayes_csc.sources.download.receipts import Receipt, read_receipts, write_receipts

SIGNS = "=+-@\t\r"
NASTY = [f"{sign}cmd|' /C calc'!A0" for sign in SIGNS] + ["'=1", "''@x", "-", "-1+A1", "'", "'plain'"]


@pytest.mark.parametrize("text", [f"{sign}A1" for sign in SIGNS] + ["-", "+", "-1+A1", "-1 =A1", "=1", "@1", "'=1"])
def test_a_text_that_a_spreadsheet_would_compute_is_kept_from_it(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["-1", "+2.5", "-1,234.5", "+3%", "-0.1 to +0.2", "-0.1 (-0.2 to +0.1)", "", "a=b", "'a"]
)
def test_numbers_and_plain_texts_stay(text: str) -> None:
    assert guarded(text) == text


@given(st.text(alphabet="'=+-@\t\r1,. toA", max_size=8) | st.text())
def test_what_was_guarded_is_read_as_it_was(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text)[:1] or guarded(text)[0] not in "=@\t\r"


@pytest.mark.parametrize("write", [csv_text, table_text])
def test_the_writers_guard_texts_and_names_of_columns_and_leave_numbers(write: object, tmp_path: Path) -> None:
    table = pd.DataFrame({"name": NASTY, "number": np.linspace(-1.5, 1.0, len(NASTY)), "=mixed": ["=1", -2.0] * 6})
    assert callable(write)
    head, *rows = csv.reader(io.StringIO(write(table), newline=""))
    assert [row[0] for row in rows] == [guarded(text) for text in NASTY]
    assert [float(row[1]) for row in rows] == pytest.approx(table["number"])
    assert {row[2] for row in rows} == ({"'=1", "-2"} if write is csv_text else {"'=1", "-2.0"})
    assert head[:2] == ["name", "number"]
    assert write is csv_text or head[2] == "'=mixed"


def test_results_keep_all_digits_of_their_numbers() -> None:
    table = pd.DataFrame({"p": [0.1 + 0.2, -1.0 / 3.0, np.nan], "n": [1, 2, 3], "yes": [True, False, True]})
    assert table_text(table) == table.to_csv(index=False, lineterminator="\n")


def test_a_panel_of_such_names_comes_back_as_it_was_with_the_same_hash(tmp_path: Path) -> None:
    panel = Panel.read(PANELS / "hamlets")
    names = [text.strip() for text in NASTY if "\r" not in text and "\t" not in text]
    authorities = panel.authorities.assign(name=[f"{names[n % len(names)]} {n}" for n in range(len(panel.authorities))])
    nasty = replace(panel, authorities=authorities)
    nasty.write(tmp_path / "panel")
    again = Panel.read(tmp_path / "panel")
    pd.testing.assert_frame_equal(again.authorities, nasty.authorities)
    assert again.hash == nasty.hash
    text = (tmp_path / "panel" / "authorities.csv").read_text(encoding="utf-8")
    fields = [field for row in csv.reader(io.StringIO(text)) for field in row]
    assert [field for field in fields if field[:1] in tuple(SIGNS)] == []


@pytest.mark.parametrize("text", ["name,n\n'=A1,-1\n", 'name,n\n"\'=A1",-1\n'], ids=["plain", "quoted"])
def test_both_ways_to_read_take_the_guard_off(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    problems: list[str] = []
    table = read_csv(tmp_path / "a.csv", ("name", "n"), problems)
    assert table is not None
    assert table.to_numpy().tolist() == [["=A1", "-1"]]
    assert problems == []


def test_tables_of_a_run_are_guarded_and_read_back(tmp_path: Path) -> None:
    table = pd.DataFrame({"authority": ["1", "2"], "name": ["=HYPERLINK(1)", "Ash"], "delta": [-0.25, 0.5]})
    write_table(table, tmp_path, "decline")
    text = (tmp_path / "decline.csv").read_text(encoding="utf-8")
    assert text == "authority,name,delta\n1,'=HYPERLINK(1),-0.25\n2,Ash,0.5\n"
    back = as_meant(pd.read_csv(tmp_path / "decline.csv", dtype={"authority": str}))
    pd.testing.assert_frame_equal(back, table, check_dtype=False)


def test_receipts_are_guarded_and_read_back(tmp_path: Path) -> None:
    receipt = Receipt("id", "a.csv", "=s", "@title", "-", "u", "1", "2026-01-01T00:00:00+00:00", "1", "0", "+e", "")
    write_receipts(tmp_path, {"a.csv": receipt})
    assert "'@title" in (tmp_path / "provenance.csv").read_text(encoding="utf-8")
    assert read_receipts(tmp_path) == {"a.csv": receipt}


def test_nothing_else_writes_csv(root: Path) -> None:
    """The writers of `files/csv_toml.py`, and the receipts, which call `guarded` on every field."""
    writers = {
        path.relative_to(root).as_posix()
        for top in ("bayes_csc", "models", "cli")
        for path in (root / top).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("to_csv", "writer", "DictWriter")
    }
    assert writers == {"bayes_csc/files/csv_toml.py", "bayes_csc/sources/download/receipts.py"}
