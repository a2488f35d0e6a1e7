"""Tables that are made to cost time or memory: each is answered or refused in time, and no content is a crash."""

from __future__ import annotations

import io
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from broken.workbooks import members, sheet_xml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayes_csc.files.csv_toml import read_csv
from bayes_csc.panel.user_data.sheet import read_sheet
from bayes_csc.panel.user_data.workbook import workbook_rows

SECONDS, BYTES = 2.0, 500_000_000
"""For each MB of input, and at least one."""


def packed(parts: dict[str, str] | dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    "part",
    ["<c ", "<row ", "<c t='e' r='A1'>", "<c r='A1'><f>", "<c r='A1'><f/>      ", "<c r='A1' ", "<mergeCell ", "<v>"],
)
def test_a_sheet_of_one_part_again_and_again_is_refused_in_time(part: str) -> None:
    parts = members(sheet_xml([["code", "year"]], more=part * (1_200_000 // len(part))))
    data, problems = packed(parts), list[str]()
    started = time.process_time()
    workbook_rows(data, "own.xlsx", problems)
    assert time.process_time() - started < 2 * SECONDS


@pytest.mark.parametrize("name", ["xl/workbook.xml", "xl/_rels/workbook.xml.rels"])
@pytest.mark.parametrize("part", ["<sheet ", "<a:sheet name='", "<Relationship ", "<x:", " "])
def test_a_workbook_s_index_of_one_part_again_and_again_is_refused_in_time(name: str, part: str) -> None:
    parts = members(sheet_xml([["code", "year"]]))
    parts[name] += part * (1_000_000 // len(part))
    started = time.process_time()
    workbook_rows(packed(parts), "own.xlsx", [])
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize(
    "text",
    ["," * 1_000_000, "a,b\n" * 60_000, '"' * 1_000_000, '"a,' * 300_000, "\n" * 100_000, "a" * 1_000_000,
     "a,b\n" + "," * 1_000_000, ("a," * 1999 + "a\n") * 250],
    ids=["columns", "rows", "quotes", "open quotes", "blank lines", "one word", "a wide row", "wide rows"],
)  # fmt: skip
def test_a_csv_file_of_one_part_again_and_again_is_answered_or_refused_in_time_and_memory(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "own.csv"
    path.write_text(text)
    tracemalloc.start()
    for read in (lambda p: read_sheet(path, ("code", "year"), p), lambda p: read_csv(path, ("code", "year"), p)):
        problems: list[str] = []
        read(problems)
        assert problems
        assert len(problems[0]) < 3000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < BYTES
    started = time.process_time()
    read_sheet(path, ("code", "year"), [])
    assert time.process_time() - started < SECONDS


MARKS = ("code", "year", ",", "\n", "\r", '"', ";", "\t", "1", "é", "\0", " ", "[c]", "=")


@settings(max_examples=120, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300) | st.lists(st.sampled_from(MARKS)).map("".join).map(str.encode))
def test_any_content_of_a_csv_file_is_a_table_or_a_problem(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes(content)
    for read in (lambda p: read_sheet(path, ("code",), p), lambda p: read_csv(path, ("code",), p)):
        problems: list[str] = []
        assert read(problems) is not None or problems


@settings(max_examples=60, deadline=2000)
@given(st.integers(0, 6), st.integers(0, 3000), st.binary(min_size=1, max_size=40))
def test_a_workbook_with_any_damage_is_a_table_or_a_problem(member: int, place: int, damage: bytes) -> None:
    parts = {name: text.encode() for name, text in members(sheet_xml([["code", "year"], ["101", 2024]])).items()}
    name = list(parts)[member % len(parts)]
    place %= len(parts[name]) + 1
    parts[name] = parts[name][:place] + damage + parts[name][place + len(damage) :]
    problems: list[str] = []
    assert workbook_rows(packed(parts), "own.xlsx", problems) is not None or problems
