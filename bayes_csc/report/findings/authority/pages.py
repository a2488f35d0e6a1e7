"""Everything that is said of each authority with a page, put together from the tables of a run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from bayes_csc.inference.fit import Fit
from bayes_csc.panel.calendar import grid_position
from bayes_csc.panel.describe.authority_record import AuthorityRecord, authority_records
from bayes_csc.panel.describe.composite import composite, composite_indicators
from bayes_csc.panel.describe.display_unit import DisplayUnit
from bayes_csc.panel.panel import Panel, inspection_dates, whole_grades
from bayes_csc.report.findings.authority.authority_findings import AuthorityFindings, indicator_figures, national_bands
from bayes_csc.report.findings.authority.caveats import caveats
from bayes_csc.report.findings.authority.change_density import change_density
from bayes_csc.report.findings.authority.paths import CALENDAR, fan, region_means
from bayes_csc.report.findings.companions import Missing


def directory_of(panel: Panel, codes: list[str], listed: list[str], with_page: list[str]) -> pd.DataFrame:
    """Who exists, who is of the group, and who has which page: `name`, `region`, `listed`, `slug`, by code."""
    table = panel.authorities.loc[codes, ["name", "region"]].rename_axis("authority")
    table["listed"] = table.index.isin(listed)
    table["slug"] = ["authority-" + slug if code in with_page else "" for code, slug in _slugs(codes).items()]
    return table


def _slugs(codes: Iterable[str]) -> dict[str, str]:
    """Return a file name for each code: letters, digits and hyphens, each once."""
    out: dict[str, str] = {}
    for code in codes:
        plain = re.sub(r"[^A-Za-z0-9]+", "-", code).strip("-") or "x"
        taken = {slug.casefold() for slug in out.values()}
        out[code] = next(s for s in (plain, *(f"{plain}-{i}" for i in range(2, len(taken) + 3)))
                         if s.casefold() not in taken)  # fmt: skip
    return out


def authority_pages(
    fit: Fit,
    directory: pd.DataFrame,
    declines: pd.DataFrame,
    ahead: pd.DataFrame | None,
    made_up: pd.DataFrame,
    expected: pd.DataFrame,
    sensitivity: pd.DataFrame | Missing,
    kept: dict[str, dict[str, Any]],
    *,
    cells: pd.DataFrame,
    units: dict[str, DisplayUnit],
    used: set[str],
    interval: float,
    rates: pd.DataFrame,
) -> tuple[AuthorityFindings, ...]:
    """What is said of each authority with a page, by name.

    Parameters
    ----------
    fit
        The run.
    directory
        From `directory_of`.
    declines, ahead, made_up, expected, sensitivity
        The report's tables; what is not told may be without rows.
    kept
        From `what_if`, by code.
    cells
        Current cells, with their own intervals.
    units, used, interval, rates
        As of `Findings`.
    """
    codes = [str(code) for code in declines["authority"] if directory["slug"][code]]
    by_code = _by_code(declines)
    next_by_code = {} if ahead is None else _by_code(ahead)
    regions = region_means(fit.posterior["theta"], fit.panel.authorities["region"])
    bands, now = national_bands(cells), float(fit.change.attrs["now"])
    grades, composites = fit.panel.latest_grades().grade.to_dict(), _composite(fit.panel)
    out = []
    for code, record in zip(codes, authority_records(fit.panel, codes), strict=True):
        row, following = by_code[code], next_by_code.get(code)
        path = fan(fit.posterior["theta"], code, interval, now)
        graded = _graded(record)
        own_sensitivity = (
            sensitivity if isinstance(sensitivity, Missing) else sensitivity[sensitivity["authority"] == code]
        )
        figures = indicator_figures(record, cells, bands, expected)
        out.append(
            AuthorityFindings(
                code=code, name=str(row["name"]), slug=str(directory["slug"][code]), region=str(row["region"]),
                forecast=following, decline=row,
                base_rate=_base_rate(rates, grades.get(code, np.nan)),
                contributions=made_up[made_up["authority"] == code], fan=path,
                region_path=regions[row["region"]].reindex(path.index),
                inspections=graded, density=change_density(fit.change, code), figures=figures,
                sensitivity=own_sensitivity, record=record,
                caveats=caveats(record, row, len(graded), used, begins=_begins(path, graded)),
                what_if=kept.get(code, {}),
                units=units,
                composite=composites.T[code],
            )
        )  # fmt: skip
    return tuple(out)


def _begins(path: pd.DataFrame, graded: pd.DataFrame) -> str:
    """Day on which a path begins, if after the last inspection by more than a month; else blank."""
    late = bool(path["position"].iloc[0] - graded["position"].max() > 1 / 12)
    return f"30 September {int(path.index[0]) - 1}" if late else ""


def _by_code(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Rows of a table by the authority's code."""
    return {str(row["authority"]): {str(k): v for k, v in row.items()} for row in table.to_dict("records")}


def _base_rate(rates: pd.DataFrame, grade: float) -> pd.Series | None:
    """Base rate of a grade; None where there is none."""
    return None if grade != grade else rates.T[int(grade)]


def _graded(record: AuthorityRecord) -> pd.DataFrame:
    """Inspections of an authority and the grade of each as a whole, oldest first."""
    rows = whole_grades(record.inspections)
    when = inspection_dates(rows)
    table = pd.DataFrame({"date": when, "grade": rows["grade"], "label": rows["label"], "framework": rows["framework"]})
    table["position"] = np.asarray(grid_position(when)) + CALENDAR
    return table.sort_values("date", ignore_index=True)


def _composite(panel: Panel) -> pd.DataFrame:
    """The composite of every authority; without years where no indicator has an agreed polarity."""
    return composite(panel) if composite_indicators(panel) else pd.DataFrame(index=panel.authorities.index)
