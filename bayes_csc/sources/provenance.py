"""The README of the embedded England panel: releases, files with checksums, conventions and licence."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bayes_csc.panel import Panel
from bayes_csc.sources import (
    cin,
    cin_early,
    cin_rates,
    cla,
    csww,
    lait,
    lait_totals,
    ofsted,
    places,
    population,
)

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
- **Rates without counts.** Where only a rate is published (`lait-2025`, `lait-2026`), the sampling variance comes
  from an implied denominator, and the numerator is the interval that the rounding of the rate allows: `observed`
  where it holds one whole number, `suppressed` with `lower` and `upper` where it holds more. The denominators: plans
  of more than 3 months on 31 March for reviews in time (0.1% fewer than those of at least 3 months, by 2013 to 2022);
  children looked after on 31 March for placements over 20 miles away; episodes with an assessment and its factors for
  assessments within 45 days, because the assessments of 2023 to 2025 are in no file: 80% of them in 2018 to 2022 and
  always fewer, so that the variance is too wide by a quarter, typically; children aged 0 to 17 at the mid-year before
  for care applications, whose own population is not published. Such a numerator is the rate times the denominator,
  not a count of cases.
- **Interactive Tool.** A dash loses the reason and is `not_available`. Rates of care applications under codes of
  authorities that had ended (old Dorset's, Northamptonshire's) are left out, and those of old Dorset in 2017 to 2019
  are `not_available`: it is not said what area they are about. Its placements far away are those of the counts
  published for 2017, but not for 2018 and 2019 (37 of 92 and 45 of 135 authorities are apart by more than rounding).
  Its absence rates add nothing to the census and are not read.
- **Activity.** Counts over children aged 0 to 17 at the mid-year before, by the estimates revised after the census of
  2021; those of Dorset, Poole and Bournemouth before 2019 are not in that file, and are as estimated before it
  (mid-2012 is in no file, so that their rates of 2013 are `not_available`).
- **Early returns.** The censuses of 2010 to 2013 also hide a total that differs from its part by 1 to 5: then nothing
  bounds it and the cell is `not_available`. Core assessments of 2010 are left out because the authorities' counts come
  to 72% where the release's England row says 78%.
- **Absence.** `value` is the share of working days lost (253 a year, 254 in 2020 and 2024), `denominator` the social
  workers in post. A rate that rounds to 0.0% (six returns) or whose days are suppressed is `not_available`.
- **Caseload** starts in 2017. The census of 2015 divides children in need by all social workers, which is an indicator
  of its own; the average caseload of 2016 is over social workers whose number is not published, and is left out.
- **Years.** `year` is the release's own: the year to 31 March for children in need and children looked after, the
  census of 30 September for the workforce. Each year is read from the newest release that has it.
- **Publication dates** are nominal: the last day of the release's usual month (children in need October, workforce
  February, children looked after November), the first after the reference period. They date the first publication of
  a period; the values are those of the release in `source`, which may have been restated since. Some releases came
  out up to two months earlier or later (those of the pandemic year, and children looked after until 2017).
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


def england_readme(panel: Panel, releases: Mapping[str, str], raw: Path) -> str:
    """Write the README of the England panel.

    Parameters
    ----------
    panel
        The panel.
    releases
        Titles by release id.
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
        f"## Releases\n\n{_release_table(cells, releases)}",
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


def _release_table(cells: pd.DataFrame, releases: Mapping[str, str]) -> str:
    years = _spans(cells, "source")
    rows = ["| id | release | years used |", "|---|---|---|"]
    rows += [f"| `{key}` | {title} | {years[key]} |" for key, title in releases.items()]
    return "\n".join(rows) + "\n"


def _spans(cells: pd.DataFrame, by: str) -> dict[str, str]:
    """First and last year of each group of cells."""
    return {
        str(key): str(years.min()) if years.nunique() == 1 else f"{years.min()}-{years.max()}"
        for key, years in cells.groupby(by)["year"]
    }


def _file_table(raw: Path) -> str:
    official = {count.file for count in cin.COUNTS} | {place.file for place in (*cla.LONG, *cla.WIDE)}
    official |= {csww.INDICATORS, *(file for _, file in csww.EARLIER.values())}
    official |= {rate.file for rate in cin_rates.RATES} | {file for _, file in cin_early.FILES.values()}
    official |= {population.ESTIMATES, *population.BEFORE_2019, *lait.FILES.values(), lait_totals.FACTORS}
    official |= {name for name, _, _, _, _ in lait_totals.LOOKED_AFTER}
    official |= {name for name, _ in lait_totals.LOOKED_AFTER_BEFORE.values()}
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
