"""Next year's release is one line of the catalogue: nothing else names a file or a release."""

from __future__ import annotations

import datetime
import importlib.resources
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from published import dictionary

from bayes_csc.panel import Panel
from bayes_csc.sources import england as reading
from bayes_csc.sources.catalogue import CATALOGUE, Catalogue, read_catalogue
from bayes_csc.sources.england import england
from bayes_csc.sources.official import Official

CELL = ["authority", "year", "indicator"]
NEXT = 'edition.2026 = "next"'


def with_next(folder: Path, release: str) -> Catalogue:
    """The toolkit's catalogue with one line more: the edition of 2026 of a release."""
    text = importlib.resources.files("bayes_csc.sources").joinpath(CATALOGUE).read_text("utf-8")
    head = f"[release.{release}]\n"
    assert head in text
    path = folder / "catalogue.toml"
    path.write_text(text.replace(head, f"{head}{NEXT}\n"), "utf-8")
    return read_catalogue(path)


def linked(official: Official, folder: Path) -> Path:
    """A copy of the official files, as links."""
    shutil.copytree(official.folder, folder, copy_function=lambda source, to: Path(to).symlink_to(source))
    return folder


def renamed(known: Catalogue, folder: Path, series: str) -> tuple[Path, Path]:
    """Where the edition of 2026 of a file goes, and that of 2025."""
    new, old = known.editions(series)[:2]
    path = folder / "raw" / new.path
    path.parent.mkdir(parents=True, exist_ok=True)
    return path, folder / "raw" / old.path


def published_again(known: Catalogue, folder: Path) -> None:
    """Every file of the census of 2025 under the name that it has in 2026."""
    for series in [dataset.series for dataset in known.datasets.values() if dataset.source == "cin-2026"]:
        new, old = renamed(known, folder, series)
        new.symlink_to(old.resolve())


def test_the_newest_edition_has_the_plain_id_and_the_one_before_its_year(tmp_path: Path) -> None:
    datasets = with_next(tmp_path, "cin").datasets
    assert datasets["cin_referrals"].path == (
        "dfe-cin-2026/c1_children_in_need_referrals_and_rereferrals_2013_to_2026.csv"
    )
    assert datasets["cin_referrals"].source == "cin-2026"
    assert datasets["cin_referrals"].archive.endswith("/releases/next/files")
    assert datasets["cin_referrals_2025"] == replace(
        read_catalogue().datasets["cin_referrals"], id="cin_referrals_2025"
    )


def test_no_reader_names_a_file_or_a_release_with_editions(root: Path) -> None:
    known = read_catalogue().datasets.values()
    renewed = {dataset.source for dataset in known if dataset.year is not None}
    names = {Path(dataset.path).name for dataset in known}
    for module in sorted((root / "bayes_csc" / "sources").glob("*.py")):
        texts = set(re.findall(r'"([^"\n]+)"', module.read_text("utf-8")))
        assert {text for text in texts if Path(text).name in names} == set(), module.name
        assert texts & renewed == set(), module.name


def test_the_same_figures_under_next_years_name_are_the_same_panel_of_another_release(
    official: Official, rebuilt: Panel, tmp_path: Path
) -> None:
    known, folder = with_next(tmp_path, "cin"), linked(official, tmp_path / "official")
    published_again(known, folder)
    later = datetime.date(2026, 6, 30)
    panel = england(folder, known, as_of=later)
    assert panel.date == panel.published_by == later
    assert "on 30 June 2026" in panel.readme
    ours, theirs = (each.cells.sort_values(CELL, ignore_index=True) for each in (panel, rebuilt))
    pd.testing.assert_frame_equal(ours, theirs.replace({"source": {"cin-2025": "cin-2026"}}))
    pd.testing.assert_frame_equal(panel.revisions, rebuilt.revisions)
    assert panel.releases is not None
    assert panel.releases.loc["cin-2026", "title"] == "Children in need, reporting year 2026"


def test_a_new_year_and_a_restated_figure_come_with_the_line_and_what_was_known_before_stays(
    official: Official, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "READERS", (reading.children_in_need,))
    known, folder = with_next(tmp_path, "cin"), linked(official, tmp_path / "official")
    published_again(known, folder)
    path, old = renamed(known, folder, "cin_referrals")
    path.unlink()
    table = pd.read_csv(old, dtype=str, keep_default_na=False)
    latest = table["time_period"] == "2025"
    added = table[latest].assign(time_period="2026")
    camden = latest & (table["old_la_code"] == "202")
    table.loc[camden, "referral_count"] = "3000"
    gone = table["time_period"] == "2013"
    pd.concat([table[~gone], added]).to_csv(path, index=False)
    current, earlier = reading.figures(Official(folder, known), dictionary())
    of = current.query("indicator == 're_referral'").set_index(["authority", "year"])
    assert set(of.query("year == 2026")["source"]) == {"cin-2026"}
    assert of.loc[("202", 2025), "denominator"] == 3000
    assert set(of.query("year == 2013")["source"]) == {"cin-2025"}  # a year that the new file no longer has
    before = earlier.query("indicator == 're_referral' and source == 'cin-2025'").set_index(["authority", "year"])
    assert before.loc[("202", 2025), "denominator"] != 3000
    assert before.index.get_level_values("year").min() == 2014
