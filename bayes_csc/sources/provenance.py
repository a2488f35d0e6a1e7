"""The README of the embedded England panel: releases, files with checksums, conventions and licence."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd

from bayes_csc.panel import Panel
from bayes_csc.sources import cin, cla, csww, earlier, ofsted, places

LICENCE = """\
Contains public sector information licensed under the Open Government Licence v3.0 (Department for Education, Ofsted,
Ministry of Housing, Communities and Local Government, Office for National Statistics; Crown copyright).
"""
CONVENTIONS = """\
- **Cells.** `numerator / denominator = value` where `status` is `observed`. `suppressed`: the numerator lies between
  `lower` and `upper`; the denominator is blank where it is suppressed too. `not_available`: not returned, or withheld
  for poor quality or low reliability (`x`, `u`, `:`, `..`). `not_applicable`: the denominator is zero.
- **Intervals.** A suppressed count is 1 to 5. Where a row's total and its other parts are shown, arithmetic narrows
  that; where they show that a part was suppressed only to protect another, the limit of 5 does not bind it. A sum of
  bands that the total and the shown bands give exactly counts as observed. A full-time equivalent of the 2015 and 2016
  censuses that is suppressed lies between 0 and 5; `low` (rounds to zero but is not) lies between 0 and 0.05.
- **Years.** `year` is the release's own: the year to 31 March for children in need and children looked after, the
  census of 30 September for the workforce. Each year is read from the newest release that has it.
- **Publication dates** are nominal: the last day of the release's usual month (children in need October, workforce
  February, children looked after November), the first after the reference period. Some releases came out up to two
  months earlier or later (those of the pandemic year, and children looked after until 2017).
- **Vintages.** A cell that a later release restated has a row for each figure it had; the current one is the last
  published. The first is dated by the first publication of its period; a later one by the first release at hand that
  has it. A cell with one row was never restated as far as the files at hand show, and is dated by the first
  publication whatever release its figure is read from: where that release is a later one, the panel of a past day is
  known only as if in real time ("pseudo-real-time"). First vintages are at hand of the children in need census of
  2013 and 2025 (of assessments, 2022), of the workforce of 2015, 2016, 2022 and 2025, and of children looked after
  of 2013 to 2019, 2022 and 2025.
- **Secondary suppression.** `lower` and `upper` of a suppressed count follow the releases' rule: 1 to 5, and the next
  smallest part of a row where that would reveal it. Which part that was is not said. `widest_lower` and `widest_upper`
  (blank where the same, or where the total is not known) are what arithmetic alone allows, for a sensitivity analysis.
- **Gaps.** Placement moves are not in the files of 2015 to 2017; assessments by duration start in 2014 and end in 2022;
  care leavers aged 19 to 21 start in 2014 (earlier releases cover 19-year-olds only). Isles of Scilly is not in the
  looked-after files before 2017.
- **Breaks.** The denominator of suitable accommodation is all care leavers aged 19 to 21 to 2017 and, from 2018, the
  release's own total (about 2% fewer: without those who went abroad, were deported or whose residence is not known).
  Authorities moved to the single assessment during 2013-14: the assessments of 2014 are few in many and none in 44.
- **Joint returns.** `314+318` (Kingston upon Thames and Richmond upon Thames, workforce from 2016; the census of 2015
  has them apart) and `940+941` (North and West Northamptonshire, workforce from 2021) are one row about two
  authorities.
- **Authorities.** The key is the three-digit DfE code, which did not change when Barnsley, Buckinghamshire and others
  got a new ONS code. A cell or inspection belongs to the authority that existed then: Dorset is 835 to 31 March 2019
  and 838 after. `predecessor_weights` are shares of the successor's children aged 0 to 17 at the last mid-year before
  the change; for Bournemouth, Christchurch and Poole the part that came from old Dorset (Christchurch) is taken as
  Christchurch's share of old Dorset's people of all ages in 2011, because no file has its children alone.
- **Region** is one of nine government regions. **Deprivation** is the average score of the Index of Multiple
  Deprivation 2019, raw; for authorities created in 2021 and 2023 it is aggregated from small areas, and for those
  abolished in 2019 it is their 2015 score plus the change of their main successor. **Rural-urban** is the 2011
  classification; where none was published it follows from the districts' populations by the same thresholds.
  **Population** is children aged 0 to 17 at the latest mid-year available. **Neighbours** are the ten statistical
  neighbours of the DfE model of 2025, closest first.
- **Inspections** are those under SIF and ILACS that started by the panel's date and were published by
  `published_by`, one row per judgement; grade 1 is the best. Six SIF inspections have no known start (`start_date` is
  blank). Before January 2023 ILACS judged care leavers together with children in care. A successor authority does
  not inherit its predecessor's judgement.
"""


def england_readme(panel: Panel, raw: Path) -> str:
    """Write the README of the England panel.

    Parameters
    ----------
    panel
        The panel.
    raw
        Folder of the files, whose checksums are listed.

    Returns
    -------
    str
        Markdown.
    """
    cells, grades = panel.cells, panel.latest_grades()["grade"].map(lambda grade: panel.grades[grade - 1])
    counts = ", ".join(f"{(grades == grade).sum()} {grade}" for grade in panel.grades)
    sections = [
        f"# The England panel\n\n{len(cells)} cells of {len(panel.indicators)} indicators, {cells['year'].min()} to "
        f"{cells['year'].max()}; {(panel.inspections['domain'] == 'overall').sum()} inspections; "
        f"{len(panel.authorities)} authorities, past and present. `bayescsc data build` writes this folder.\n",
        "Latest overall grades among the authorities that exist on "
        f"{panel.date:%-d %B %Y} (published by {panel.published_by:%-d %B %Y}): {counts}.\n",
        f"## Licence\n\n{LICENCE}",
        f"## Conventions\n\n{CONVENTIONS}",
        f"## Indicators\n\n{_indicator_table(panel)}",
        f"## Restated figures\n\n{_revision_table(panel)}",
        f"## Releases\n\n{_release_table(panel)}",
        f"## Files\n\nSHA-256 of every file read.\n\n{_file_table(raw)}",
    ]
    return "\n".join(sections)


def _indicator_table(panel: Panel) -> str:
    counts = panel.cells.groupby(["indicator", "status"]).size().unstack(fill_value=0)
    years = _spans(panel.cells, "indicator")
    rows = [
        "| key | indicator | polarity | years | observed | suppressed | not available | not applicable |",
        "|" + "---|" * 8,
    ]
    for key, indicator in panel.indicators.items():
        number = counts.reindex(
            columns=["observed", "suppressed", "not_available", "not_applicable"], fill_value=0
        ).loc[key]
        rows.append(
            f"| `{key}` | {indicator.label} | {indicator.polarity} | {years[key]} | {' | '.join(map(str, number))} |"
        )
    return "\n".join(rows) + "\n"


def _release_table(panel: Panel) -> str:
    years, before = _spans(panel.cells, "source"), _spans(panel.revisions, "source")
    rows = ["| id | release | years used | years of which it has an earlier vintage |", "|---|---|---|---|"]
    if panel.releases is not None:
        rows += [
            f"| `{key}` | {title} | {years.get(str(key), '')} | {before.get(str(key), '')} |"
            for key, title in panel.releases["title"].items()
        ]
    return "\n".join(rows) + "\n"


def _revision_table(panel: Panel) -> str:
    """Number of cells that a later release restated, by indicator and the release that was restated."""
    rows = ["| indicator | release | years | cells restated later |", "|---|---|---|---|"]
    for key in panel.indicators:
        restated = panel.revisions[panel.revisions["indicator"] == key]
        years = _spans(restated, "source")
        for source, number in restated.groupby("source").size().items():
            rows.append(f"| `{key}` | `{source}` | {years[str(source)]} | {number} |")
    return "\n".join(rows) + "\n"


def _spans(cells: pd.DataFrame, by: str) -> dict[str, str]:
    """First and last year of each group of cells."""
    return {
        str(key): str(years.min()) if years.nunique() == 1 else f"{years.min()}-{years.max()}"
        for key, years in cells.groupby(by)["year"]
    }


def _file_table(raw: Path) -> str:
    official = {count.file for count in cin.COUNTS} | {place.file for place in (*cla.LONG, *cla.WIDE)}
    official |= {csww.INDICATORS, *(file for _, file in csww.EARLIER.values())} | earlier.FILES
    derived = {
        ofsted.JUDGEMENTS,
        places.LOOKUP,
        places.POPULATION,
        places.POPULATION_TO_2018,
        places.NEIGHBOURS,
        places.RURAL,
    }
    rows = ["| file | SHA-256 |", "|---|---|"]
    for name in sorted({f"raw/{file}" for file in official} | derived):
        rows.append(f"| `{name}` | `{hashlib.sha256((raw / name).read_bytes()).hexdigest()}` |")
    return "\n".join(rows) + "\n"
