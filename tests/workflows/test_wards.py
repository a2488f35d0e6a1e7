"""A panel of another country and another service: grades on scales only, nothing counted, nothing English."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pandas as pd
import pytest
from command_runner import command
from paths import PANELS

from bayes_csc.measurement.judgements.scales import judgements
from bayes_csc.panel.geography import linked_blocks
from bayes_csc.panel.panel import Panel

WARDS = PANELS / "wards"


@pytest.fixture(scope="module")
def wards() -> Panel:
    return Panel.read(WARDS)


def test_it_is_read_and_checked_without_a_word_of_england(wards: Panel, capsys: pytest.CaptureFixture[str]) -> None:
    assert {indicator.family for indicator in wards.indicators.values()} == {"ordinal"}
    assert wards.cells.value.dropna().between(1, 5).all()
    assert wards.cells.numerator.isna().all()
    assert command("data", "check", WARDS) == 0
    said = capsys.readouterr().out
    assert re.search(
        r"panel Wards of two counties, \w{12}: 2 indicators of 6 authorities, 2020 to 2024: 51 observed", said
    )
    english = re.compile(r"\b(England|Ofsted|ILACS|SIF|DfE|council)\b")
    assert not any(english.search(text) for text in wards.files().values())


def test_it_comes_back_from_its_folder_with_names_as_they_are(wards: Panel, tmp_path: Path) -> None:
    wards.write(tmp_path / "copy", checked=True)
    again = Panel.read(tmp_path / "copy")
    assert again.files() == wards.files()
    assert again.authorities.loc["K1", "name"] == "Kristiansund <b>øst</b>"


def test_it_has_grades_blocks_and_an_earlier_state_of_its_own(wards: Panel) -> None:
    assert linked_blocks(wards.authorities, wards.cells.authority.unique()) == [
        ("A1",), ("A2",), ("B1",), ("B2",), ("K1",), ("V1",),
    ]  # fmt: skip
    assert set(wards.latest_grades().framework) == {"NS 1"}
    assert len(judgements(wards)) == 12
    earlier = wards.as_of(datetime.date(2022, 12, 31))
    assert set(earlier.cells[earlier.cells.indicator == "patients"].year) == {2020, 2021}
    assert set(earlier.cells[earlier.cells.indicator == "visit"].year) == {2020, 2021, 2022}


def test_own_indicators_are_added_to_it_under_its_own_codes(wards: Panel, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        'source = "egne-2024"\non_day = "12-31"\ncolumns = { authority = "avdeling", year = "år" }\n'
        '[indicator.falls]\nlabel = "Fall"\ndefinition = "Fall per liggedøgn."\nfamily = "poisson"\n'
        'polarity = "higher is worse"\nnumerator = "fall"\ndenominator = "liggedøgn"\ndomain = "safety"\n'
        'publication_month = 3\ncolumns = { numerator = "fall", denominator = "døgn" }\n',
        encoding="utf-8",
    )
    (tmp_path / "own.csv").write_text("avdeling,år,fall,døgn\nA1,2024,3,812.5\nV1,2024,0,640\n", encoding="utf-8")
    assert command("data", "add", WARDS, "--file", tmp_path / "own.csv", "--out", tmp_path / "new") == 0
    new = Panel.read(tmp_path / "new")
    falls = new.cells[new.cells.indicator == "falls"].set_index("authority")
    assert falls.loc["A1", "value"] == pytest.approx(3 / 812.5)
    assert falls.loc["A1", "reference_start"] == falls.loc["A1", "reference_end"] == pd.Timestamp("2024-12-31")
    assert list(new.indicators) == ["patients", "visit", "falls"]
