"""The README of the embedded England panel: releases, files with checksums, conventions and licence."""

from __future__ import annotations

import hashlib

import pandas as pd

from bayes_csc.panel.panel import Panel
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.ofsted.report_cards import Reconciled

LICENCE = """\
Contains public sector information licensed under the Open Government Licence v3.0 (Department for Education, Ofsted,
Ministry of Housing, Communities and Local Government, Department for Work and Pensions, HM Treasury, Office for
National Statistics; Crown copyright).
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
- **School and social worker.** Their figures have the dates of the releases that added them, more than a year after the
  period.
- **Means.** The mean score of strengths and difficulties stands in `value`, the children that it is of in
  `denominator`. A mean that is suppressed, or whose number of children is, is `not_available`.
- **Rounding.** Health checks of 2014 were published to the nearest 5: they are `suppressed`, between the limits that
  the rounding of both counts leaves.
- **Complements.** Where the files show a large part of a total but not the rest, a suppressed count may be all but one
  to five: it lies between 1 and its total.
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
  blank). Until December 2022 ILACS judged care leavers together with children in care: the domain is then
  `children_looked_after_and_care_leavers`. Under SIF `care_leavers` and `adoption` are parts of
  `children_looked_after`. A successor authority does not inherit its predecessor's judgement. An inspection without
  an overall grade (all of them from April 2026) has rows for its domains only. Grades are those of Ofsted's sheets;
  the start dates of SIF come from its reports.
- **Earlier inspections** (`earlier_inspections.csv`, 2009 to 2013) judged parts of a service, never all of it: SLAC
  (safeguarding, and services for looked-after children), CPI (child protection) and TLAC (looked-after children).
  Ofsted shows the grade "adequate" of that time as requires improvement. Only publication dates are known. No model
  uses them.
- **Visits** (`visits.csv`): focused and monitoring visits from March 2022 on, which give no grade.
  Releases before 2024-25 do not say when the letter was published.
- **Providers** (`providers.csv`): homes, agencies and other providers in the area of each authority, whoever runs
  them, by the grade of their latest full inspection on 31 March 2023 (with places), and the inspections of the year
  to that day. Later releases are not among the files. It describes the area, not the authority's own services.
- **Covariates** (`covariates.csv`) describe authorities; no model takes them for quality. Counts and spending of a
  year to 31 March are divided by the children aged 0 to 17 at the mid-year within it, as the Department for Education
  does. `spending_` GROUP is gross expenditure per child in prices of 2024-25 (HM Treasury's GDP deflator of March
  2026); `spending_` GROUP `_cash` is in pounds of the year. Section 251 to 2015-16, the Local Authority Interactive
  Tool from 2016-17; the groups are those of the tool, put together from the returns' lines before 2012-13, where the
  lines differ. The department doubts the figures of Middlesbrough and Wandsworth for 2024-25, and they are missing.
  Other returns hold evident errors, which stand as published (safeguarding in 2019-20 is seven times the usual in
  Salford, an eighth in Sandwell), so that a single year of one authority says little; `outturn_residential` is 0
  where residential care is not shown apart. Children in low income: DWP's counts of September 2022, and percentages
  of two editions of the tool that are calibrated differently, so that they are two covariates. The 2025 index of
  deprivation is aggregated from districts for counties. `rural_2021` is the share of people in districts that the
  2021 classification calls rural; there is no such class of counties.
"""


def england_readme(panel: Panel, official: Official, reports: Reconciled | None = None) -> str:
    """Write the README of the England panel.

    Parameters
    ----------
    panel
        The panel.
    official
        The official files that were read, whose checksums are listed.
    reports
        How the judgements were put together where some are from Ofsted's reports; None where its tables have them all.

    Returns
    -------
    str
        Markdown.
    """
    cells, grades = panel.cells, panel.latest_grades()["label"]
    counts = ", ".join(f"{(grades == grade).sum()} {grade}" for grade in panel.grades)
    sections = [
        f"# The England panel\n\n{len(cells)} cells of {len(panel.indicators)} indicators, {cells['year'].min()} to "
        f"{cells['year'].max()}; {len(panel.whole_grades())} inspections; "
        f"{len(panel.authorities)} authorities, past and present. `bayescsc data build` writes this folder.\n",
        "Latest overall grades among the authorities that exist on "
        f"{panel.date:%-d %B %Y} (published by {panel.published_by:%-d %B %Y}): {counts}.\n",
        f"## Licence\n\n{LICENCE}",
        f"## Conventions\n\n{CONVENTIONS}",
        *([] if reports is None else [f"## Inspections from reports\n\n{_reports_text(panel, reports)}"]),
        f"## Indicators\n\n{_indicator_table(panel)}",
        f"## Covariates\n\n{_covariate_table(panel.covariates)}",
        f"## Restated figures\n\n{_revision_table(panel)}",
        f"## Releases\n\n{_release_table(panel)}",
        f"## Files\n\nSHA-256 of every file read.\n\n{_file_table(official)}",
    ]
    return "\n".join(sections)


def _reports_text(panel: Panel, reports: Reconciled) -> str:
    """Which inspections only the reports have, and where they and Ofsted's tables differ."""
    names = panel.authorities["name"]
    new, different = (
        table.assign(name=table["authority"].map(names), day=table["start_date"].dt.strftime("%-d %B %Y"))
        for table in (reports.added, reports.differences)
    )
    added = "; ".join(new["name"] + " " + new["day"])
    text = (
        f"Ofsted's newest table of outcomes ends before {panel.date:%-d %B %Y}. Later inspections are those that a "
        "public tool reads from Ofsted's reports every week, the latest of each authority alone, so that one between "
        f"two files may be missing. In the reports only ({len(reports.added)}): {added or 'none'}. Inspections that "
        f"both have: {reports.compared}. Where they differ Ofsted's tables stand ({len(reports.differences)} times)"
    )
    if reports.differences.empty:
        return f"{text}.\n"
    rows = ["| authority | start | what | Ofsted's table | report as read |", "|---|---|---|---|---|"]
    shown = different[["name", "day", "what", "ofsted", "reports"]].fillna("unknown").replace("", "none")
    rows += [f"| {name} | {day} | `{what}` | {one} | {other} |" for name, day, what, one, other in shown.to_numpy()]
    return f"{text}:\n\n" + "\n".join(rows) + "\n"


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


def _covariate_table(covariates: pd.DataFrame) -> str:
    years = _spans(covariates, "covariate")
    rows = ["| covariate | years | figures | smallest | median | largest |", "|" + "---|" * 6]
    for key, values in covariates.groupby("covariate")["value"]:
        spread = " | ".join(f"{figure:,.4g}" if abs(figure) < 1e4 else f"{figure:,.0f}" for figure in (
            values.min(), values.median(), values.max()
        ))  # fmt: skip
        rows.append(f"| `{key}` | {years[str(key)]} | {len(values)} | {spread} |")
    return "\n".join(rows) + "\n"


def _sources(panel: Panel) -> pd.DataFrame:
    """Release and year of every cell, covariate, visit and count of providers."""
    visits = panel.visits.assign(year=panel.visits["start_date"].dt.year)
    tables = (panel.cells, panel.covariates, visits, panel.providers)
    return pd.concat([table[["source", "year"]] for table in tables])


def _release_table(panel: Panel) -> str:
    years, before = _spans(_sources(panel), "source"), _spans(panel.revisions, "source")
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


def _file_table(official: Official) -> str:
    rows = ["| file | SHA-256 |", "|---|---|"]
    for name in sorted(official.opened):
        rows.append(f"| `{name}` | `{hashlib.sha256((official.folder / name).read_bytes()).hexdigest()}` |")
    return "\n".join(rows) + "\n"
