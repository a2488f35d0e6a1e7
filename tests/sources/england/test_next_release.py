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
from published_totals import dictionary

from bayes_csc.errors import UsageError
from bayes_csc.panel.panel import Panel
from bayes_csc.sources.download.catalogue import CATALOGUE, Catalogue, read_catalogue
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.england import panel as reading
from bayes_csc.sources.england.panel import england
from bayes_csc.sources.looked_after import cla_placement
from bayes_csc.sources.looked_after.cla_counts import count_cells
from bayes_csc.sources.ofsted.outcomes import judgements
from bayes_csc.sources.ofsted.visits import visits
from bayes_csc.sources.places import covariates
from bayes_csc.sources.places.authorities import LOOKUP, places
from bayes_csc.sources.readers.tables import read_table

CELL = ["authority", "year", "indicator"]
NEXT = 'edition.2026 = "next"'


def with_next(folder: Path, release: str) -> Catalogue:
    """The toolkit's catalogue with one line more: the edition of 2026 of a release."""
    text = importlib.resources.files("bayes_csc.sources.download").joinpath(CATALOGUE).read_text("utf-8")
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
    for module in sorted((root / "bayes_csc" / "sources").rglob("*.py")):
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


def test_the_tables_of_an_older_release_have_a_line_of_their_own(tmp_path: Path) -> None:
    line = 'edition.2026 = { archive = "https://explore-education-statistics.service.gov.uk/next" }'
    text = importlib.resources.files("bayes_csc.sources.download").joinpath(CATALOGUE).read_text("utf-8")
    for release in ("cla_in_touch", "cla_missing", "stability_school", "stability_workers"):
        text = text.replace(f"[release.{release}]\n", f"[release.{release}]\n{line}\n")
    (tmp_path / "catalogue.toml").write_text(text, "utf-8")
    official = Official(tmp_path, read_catalogue(tmp_path / "catalogue.toml"))
    assert official / "cla_missing" == (
        tmp_path / "raw/dfe-cla-2026/la_children_who_were_missing_or_away_from_placement_without_authorisation.csv"
    )
    assert official.dataset("cla_care_leavers_in_touch").member == "la_care_leavers_intouch.csv"
    assert official.source("cla_care_leavers_in_touch") == "cla-2026"
    assert official.source("cla_school_moves") == official.source("cla_social_workers") == "cla-stability-2026"
    assert [dataset.year for dataset in official.catalogue.editions("cla_missing")] == [2026, 2024]


def test_the_next_outcomes_of_ofsted_need_no_line_but_the_year_that_the_panel_is_about(
    official: Official, tmp_path: Path
) -> None:
    folder = linked(official, tmp_path / "official")
    new, old = renamed(official.catalogue, folder, "ofsted_outcomes")
    new.symlink_to(old.resolve())
    later, authorities = Official(folder), places(official)
    head = {"date": datetime.date(2025, 3, 31), "published_by": datetime.date(2025, 6, 30), "window": (2013, 2025)}
    about = reading.about_year(2026, head)
    assert about == {
        "date": datetime.date(2026, 3, 31),
        "published_by": datetime.date(2026, 6, 30),
        "window": (2013, 2026),
    }
    dates = {"started_by": about["date"], "published_by": about["published_by"]}
    found = judgements(later, authorities, **dates)
    assert later.opened >= {"raw/ofsted-outcomes/LA_Inspection_Outcomes_as_at_31_March_2026.ods"}
    assert found.equals(judgements(official, authorities, started_by=head["date"], published_by=head["published_by"]))
    assert set(visits(later, authorities, **dates)["source"]) == {"ofsted-la-2026", "ofsted-la-2024", "ofsted-csc-2023"}
    with pytest.raises(UsageError, match="--year: expected 2025 or later, found 2024"):
        reading.about_year(2024, head)


def test_a_new_index_of_deprivation_is_a_column_of_the_lookup(official: Official) -> None:
    lookup = read_table(official.derived(LOOKUP), []).assign(imd2029_score="12.5", idaci2029_score="")
    scores = covariates._deprivation(lookup).query("year == 2029")
    assert scores["covariate"].unique().tolist() == ["imd"]
    assert scores["source"].unique().tolist() == ["imd-2029"]
    assert len(scores) == len(lookup)


def test_a_figure_is_public_in_its_usual_month_unless_that_is_before_the_release_that_added_it(
    official: Official,
) -> None:
    place = next(place for place in cla_placement.LONG if place.indicator == "three_social_workers")
    rows = count_cells(official, dictionary(), [place, replace(place, first_published="2024-01-31")])
    assert rows["publication_date"].astype(str).unique().tolist() == ["2025-12-31", "2024-07-31"]


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
