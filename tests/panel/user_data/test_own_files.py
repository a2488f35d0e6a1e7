"""What is said of every broken file of a user, and that nothing is left of it."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pandas as pd
import pytest
from broken.own_cases import CSV, DESCRIPTION, Case
from broken.own_files import ACCEPTED, BROKEN, FILES
from command_runner import command
from paths import PANELS

from bayes_csc.panel.panel import Panel

TOWNS = PANELS / "towns"


def made(case: Case, folder: Path) -> Path:
    folder.mkdir()
    (folder / "own.toml").write_text(case.description, encoding="utf-8")
    return case.make(folder)


@pytest.mark.parametrize("case", ACCEPTED, ids=str)
def test_a_file_of_another_program_is_read_as_it_was_meant(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = made(case, tmp_path / "mine")
    out = tmp_path / "panel"
    assert command("data", "check", file, "--panel", TOWNS) == 0
    assert command("data", "add", TOWNS, "--file", file, "--out", out) == 0
    assert "no problem found: local-2025: 2 indicators" in capsys.readouterr().out
    cells = Panel.read(out).cells
    own = cells[cells.indicator == "complaints_upheld"].set_index(["authority", "year"])
    assert own.loc[("101", 2023), ["numerator", "denominator", "value", "status"]].to_list() == [
        12,
        80,
        0.15,
        "observed",
    ]
    assert own.loc[("102", 2024), ["lower", "upper", "denominator", "status"]].to_list() == [1, 5, 70, "suppressed"]
    assert own.loc[("101", 2023), "reference_start"] == pd.Timestamp("2022-04-01")
    assert own.loc[("101", 2023), "publication_date"] == pd.Timestamp("2023-07-31")
    scores = cells[cells.indicator == "peer_score"].sort_values(["authority", "year"])
    assert sorted(scores.value) == [1, 2, 3, 3]


@pytest.mark.parametrize("case", BROKEN, ids=str)
def test_a_broken_file_is_refused_with_its_message_and_leaves_nothing(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = made(case, tmp_path / "mine")
    assert command("data", "check", file, "--panel", TOWNS) == 3
    said = capsys.readouterr().err
    assert re.search(case.message, said), said
    assert "Unexpected" not in said
    before = sorted(tmp_path.rglob("*"))
    assert command("data", "add", TOWNS, "--file", file, "--out", tmp_path / "panel") == 3
    assert capsys.readouterr().err == said
    assert sorted(tmp_path.rglob("*")) == before


def test_the_corpus_is_large_and_each_of_its_files_is_broken_in_a_way_of_its_own() -> None:
    assert len(BROKEN) >= 60
    assert len({case.name for case in (*BROKEN, *ACCEPTED)}) == len(BROKEN) + len(ACCEPTED)


def test_a_file_too_large_to_be_meant_is_refused_at_once(tmp_path: Path) -> None:
    for case in FILES:
        if "200 MB" in case.name or "bomb" in case.name:
            file = made(case, tmp_path / str(case))
            started = time.perf_counter()
            command("data", "check", file, "--panel", TOWNS)
            assert time.perf_counter() - started < 5


def test_all_problems_of_a_file_are_named_at_once_in_the_order_of_its_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.toml").write_text(DESCRIPTION)
    (tmp_path / "own.csv").write_text(CSV.replace("12,80", "?,80").replace("9,60", "90,60").replace("103,", "104,"))
    assert command("data", "check", tmp_path / "own.csv", "--panel", TOWNS) == 3
    lines = capsys.readouterr().err.splitlines()
    rows = [int(found[1]) for line in lines if (found := re.search(r"row (\d+): .*complaints_upheld", line))]
    assert rows == [2, 3, 5]
    assert any("row 5" in line and "peer_score" in line for line in lines)


def test_several_files_are_checked_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.toml").write_text(DESCRIPTION)
    (tmp_path / "own.csv").write_text(CSV.replace("12,80", "90,80"))
    assert command("data", "check", TOWNS, tmp_path / "own.csv", "--panel", TOWNS) == 3
    said = capsys.readouterr()
    assert f"{TOWNS}: no problem found: panel Two towns" in said.out
    assert "numerator 90 is above its denominator 80" in said.err


def test_files_without_a_description_are_named_together_each_with_what_its_form_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "first.csv").write_text(CSV)
    (tmp_path / "second.csv").write_text(CSV)
    wrong = [tmp_path / "first.csv", tmp_path / "second.csv", tmp_path / "gone.csv"]
    assert command("data", "check", *wrong, "--panel", TOWNS) == 2
    said = capsys.readouterr().err
    assert [f"{path}: no description {path.stem}.toml beside it; write one" in said for path in wrong[:2]] == [True] * 2
    assert f"{wrong[2]}: no such file" in said
    wrong[1].write_text(CSV.replace("12,80", "12"))
    assert command("data", "check", *wrong, "--panel", TOWNS) == 3
    more = capsys.readouterr().err
    assert "second.csv: row 2: expected 6 fields, found 5" in more
    assert all(f"{path}: no " in more for path in wrong)


def test_a_broken_description_does_not_hide_a_broken_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.toml").write_text(DESCRIPTION.replace('"local-2025"', "2025"))
    (tmp_path / "own.csv").write_text(CSV.replace(",", ";"))
    assert command("data", "check", tmp_path / "own.csv", "--panel", TOWNS) == 3
    said = capsys.readouterr().err
    assert "own.toml: source must be a text in quotes, found 2025" in said
    assert "own.csv: columns separated by semicolons" in said


def test_a_column_that_is_missing_hides_no_problem_of_the_other_indicators(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.toml").write_text(DESCRIPTION)
    (tmp_path / "own.csv").write_text(CSV.replace("score", "points", 1).replace("12,80", "90,80"))
    assert command("data", "check", tmp_path / "own.csv", "--panel", TOWNS) == 3
    said = capsys.readouterr().err
    assert "own.csv: column 'score' is missing" in said
    assert "row 2: authority 101 (Ashby), year 2023, indicator complaints_upheld: numerator 90 is above" in said


def test_the_description_may_name_its_file_and_be_checked_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.toml").write_text('file = "figures.csv"\n' + DESCRIPTION)
    (tmp_path / "figures.csv").write_text(CSV)
    assert command("data", "check", tmp_path / "own.toml", "--panel", TOWNS) == 0
    assert "2 indicators of 3 authorities, 2023 to 2024: 7 observed, 1 suppressed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["data", "check"],
        ["data", "check", "alone.csv"],
        ["data", "check", "a.csv", "b.csv", "--describe", "c.toml"],
        ["data", "add", "towns", "--file", "alone.csv"],
        ["data", "add", "towns", "--file", "own.csv", "--out", "towns"],
    ],
)
def test_wrong_usage_exits_with_2(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alone.csv").write_text(CSV)
    assert command(*arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["check"], ["add", "data/england", "--out", "new", "--file"]])
def test_a_mistyped_name_is_a_file_that_is_not_there(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("data", *arguments, tmp_path / "complaint.csv") == 2
    assert "complaint.csv: no such file" in capsys.readouterr().err
