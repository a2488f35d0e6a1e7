"""`bayescsc study`: what is printed and written, and how errors leave it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_runner import command
from paths import PANELS

from bayes_csc.errors import UsageError
from bayes_csc.evaluation.studies.study import Study, provenance
from bayes_csc.panel.panel import Panel
from bayes_csc_cli.evaluation.study_table import column_texts

HAMLETS = PANELS / "hamlets"


def test_a_study_is_written_as_json_and_a_csv_for_each_table(tmp_path: Path) -> None:
    table = pd.DataFrame({"grade": ["good", "bad"], "share": [0.25, np.nan], "day": pd.to_datetime(["2020-01-01"] * 2)})
    about = provenance(Panel.read(HAMLETS), seed=1)
    study = Study("made-up", "A title", {"rates": table}, ("A word.",), about)
    written = study.write(tmp_path / "new")
    assert [path.name for path in written] == ["made-up.json", "made-up-rates.csv"]
    content = json.loads(written[0].read_text())
    assert content["tables"]["rates"][1]["share"] is None
    assert content["tables"]["rates"][0] == {"grade": "good", "share": 0.25, "day": "2020-01-01"}
    assert content["words"] == ["A word."]
    assert content["about"]["panel_hash"] == Panel.read(HAMLETS).hash
    assert set(content["about"]["versions"]) >= {"bayescsc", "statsmodels"}
    rows = list(csv.DictReader(written[1].open()))
    assert rows[0] == {"grade": "good", "share": "0.25", "day": "2020-01-01"}


def test_a_file_where_the_folder_should_be_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UsageError, match="a file is there; give a folder as --out"):
        Study("s", "", {}, ()).write(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_an_estimate_and_its_interval_are_printed_in_one_column() -> None:
    table = pd.DataFrame(
        {"n": [3], "auc": [0.7], "auc_lower": [0.6], "auc_upper": [0.8], "top_share": [np.nan], "agrees": [None]}
    )
    assert column_texts(table) == {"n": ["3"], "auc": ["0.70 (0.60 to 0.80)"], "top share": [""], "agrees": [""]}
    assert list(column_texts(table, ("auc",))) == ["auc"]


def test_workforce_by_grade_prints_the_table_and_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("study", "workforce-by-grade", "--replicates", 20, "--out", tmp_path) == 0
    printed = capsys.readouterr().out
    assert "Workforce rates of 30 September 2015 by overall grade as published by 30 September 2015" in printed
    assert "16.1%" in printed
    assert "England" in printed
    assert f"Wrote {tmp_path / 'workforce-by-grade.json'}" in printed


def test_json_is_all_that_is_printed_if_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--year", 2024, "--graded", "2025-01-31", "--replicates", 20, "--json", "--out", tmp_path)
    assert command("study", "workforce-by-grade", *arguments) == 0
    content = json.loads(capsys.readouterr().out)
    assert content == json.loads((tmp_path / "workforce-by-grade.json").read_text())
    assert content["about"]["grades_published_by"] == "2025-01-31"


def test_ratings_and_outcomes_without_the_model_has_no_correlation(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("study", "ratings-and-outcomes", "--no-model", "--year", 2024, "--replicates", 20, "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert "correlation" not in content["tables"]
    assert {row["year"] for row in content["tables"]["years"]} == {2024}


def test_a_panel_without_what_a_study_needs_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("study", "three-indicators", "--panel", HAMLETS) == 2
    assert "the study needs assessment_within_45_days" in capsys.readouterr().err
    assert command("study", "workforce-by-grade", "--year", 2014) == 2
    assert "no workforce census of 2014" in capsys.readouterr().err
