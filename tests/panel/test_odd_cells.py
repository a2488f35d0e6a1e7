"""Dates far from a cell's year, and a count that alone is not whole, are errors of the data; so is an empty panel."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command_runner import command
from paths import PANELS

from bayes_csc.errors import DataError
from bayes_csc.panel.panel import Panel

CELLS = "indicators/assessment.csv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PANELS / "towns", tmp_path / "towns"))


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("reference_start", "0001-04-01", "reference_start 0001-04-01 is more than 10 years from the year of the cell"),
        ("publication_date", "9999-07-31", "publication_date 9999-07-31 is more than 30 years from the year"),
        ("denominator", "80.5", "denominator 80.5 is not a whole number, as the indicator's other counts are"),
    ],
)
def test_an_odd_value_is_refused(folder: Path, column: str, value: str, said: str) -> None:
    lines = (folder / CELLS).read_text().splitlines()
    fields = lines[1].split(",")
    fields[lines[0].split(",").index(column)] = value
    fields[lines[0].split(",").index("value")] = ""
    (folder / CELLS).write_text("\n".join([lines[0], ",".join(fields), *lines[2:]]) + "\n")
    with pytest.raises(DataError) as caught:
        Panel.read(folder)
    assert said in str(caught.value)


@pytest.mark.parametrize("file", ["authorities.csv", CELLS])
def test_a_panel_without_authorities_or_rows_ends_with_a_message(
    folder: Path, file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / file
    path.write_text(path.read_text().splitlines()[0] + "\n")
    if file == "authorities.csv":
        for other in (CELLS, "inspections.csv"):
            (folder / other).write_text((folder / other).read_text().splitlines()[0] + "\n")
    assert command("fit", "--panel", folder, "--preview", "--out", tmp_path / "run") in (2, 3)
    said = capsys.readouterr().err
    assert said.startswith("Error: ")
    assert "defect" not in said
