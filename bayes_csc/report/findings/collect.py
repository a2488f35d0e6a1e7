"""Everything that a report says of a run, gathered once: what pages, tables and files are made from."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_csc.estimates.contributions import contributions
from bayes_csc.estimates.decline import INTERVAL, decline
from bayes_csc.estimates.information import DRAWS, shares
from bayes_csc.estimates.run_tables import about, refuse_failed
from bayes_csc.evaluation.backtest.shipped import shipped
from bayes_csc.evaluation.forecast.forecast import LOSS_RATIO
from bayes_csc.inference.fit import Fit, Model
from bayes_csc.inference.groups import members
from bayes_csc.inference.probabilities import EPSILON
from bayes_csc.inference.reopen import revisit
from bayes_csc.panel.calendar import grid_position
from bayes_csc.panel.describe.authority_record import AuthorityRecord, authority_records
from bayes_csc.panel.describe.composite import composite, composite_indicators
from bayes_csc.panel.describe.coverage import national
from bayes_csc.panel.describe.display_unit import DisplayUnit, display_units
from bayes_csc.panel.panel import Panel, inspection_dates, whole_grades
from bayes_csc.panel.revisions import current_cells
from bayes_csc.report.findings.age import made_on
from bayes_csc.report.findings.authority_findings import AuthorityFindings, indicator_figures, national_bands
from bayes_csc.report.findings.base_rates import base_rates
from bayes_csc.report.findings.caveats import caveats
from bayes_csc.report.findings.change_density import change_density
from bayes_csc.report.findings.companions import Missing, read_backtest, read_sensitivity, read_sensitivity_page
from bayes_csc.report.findings.fitted import Fitted, fitted, sampling_intervals
from bayes_csc.report.findings.hyperparameters import (
    energy_histograms,
    hyperparameter_table,
    rank_histograms,
    year_effects,
)
from bayes_csc.report.findings.next_inspections import next_inspections
from bayes_csc.report.findings.paths import CALENDAR, fan, region_means
from bayes_csc.report.findings.what_if import what_if

CHECK_DRAWS = 60
"""Draws of the hyperparameters that expected figures and predictive checks are averaged over."""
Told = Callable[[str], None]


@dataclass(frozen=True)
class Findings:
    """All that a report is made from.

    Attributes
    ----------
    about
        What every output carries: panel, hash, spec, seed, versions, interval, epsilon, loss ratio, group, the day it
        was `made`, and `old_panel`, a warning, where the panel is older than six months on that day.
    record
        What run.json says, its diagnostics as `gate`.
    spec, equations
        The spec as TOML; the model's docstring.
    panel
        The data.
    authorities
        Those that exist at the panel's date, by code: `name`, `region`, `listed` (in the group), `slug` of its page
        (blank without one).
    decline, forecast, contributions
        Tables of the run, of all authorities (contributions: of those with a page); no forecast without judgements.
    base_rates, national, year_effects, hyperparameters, ranks, energy, fitted, information
        See the modules of these names.
    backtest, sensitivity
        What lies beside the run, or what to run for it.
    sensitivity_page
        Text of the page of the sensitivity analysis; blank without one.
    pages
        What is said of each authority that has a page, by name.
    units
        How figures are shown, by indicator.
    used
        Keys of the indicators that the fit used.
    kept
        Quantiles of the draws of every authority, by code (`what_if`).
    """

    about: dict[str, Any]
    record: dict[str, Any]
    spec: str
    equations: str
    panel: Panel
    authorities: pd.DataFrame
    decline: pd.DataFrame
    forecast: pd.DataFrame | None
    contributions: pd.DataFrame | None
    base_rates: pd.DataFrame
    national: pd.DataFrame
    year_effects: pd.DataFrame
    hyperparameters: pd.DataFrame
    ranks: pd.DataFrame
    energy: pd.DataFrame
    fitted: Fitted
    information: pd.DataFrame
    backtest: dict[str, Any] | Missing
    sensitivity: pd.DataFrame | Missing
    sensitivity_page: str
    pages: tuple[AuthorityFindings, ...]
    units: dict[str, DisplayUnit]
    used: tuple[str, ...]
    kept: dict[str, dict[str, Any]]

    @property
    def listed(self) -> pd.DataFrame:
        """Rows of the table of declines that are of the group."""
        codes = self.authorities.index[self.authorities["listed"]]
        return self.decline[self.decline["authority"].isin(codes)].reset_index(drop=True)


def gather(
    fit: Fit,
    model: Model,
    run: Path,
    *,
    equations: str = "",
    group: str | Sequence[str] = "requires improvement",
    authorities: Iterable[str] = (),
    epsilon: float = EPSILON,
    interval: float = INTERVAL,
    loss_ratio: float = LOSS_RATIO,
    backtest: Path | None = None,
    forecasts: bool = True,
    force: bool = False,
    made: datetime.date | None = None,
    cores: int = 1,
    tell: Told = lambda _: None,
) -> Findings:
    """Gather everything that a report says of a run.

    Parameters
    ----------
    fit, model
        A run, and the function that built its model.
    run
        Its folder, beside which a backtest and a sensitivity analysis are looked for.
    equations
        The model in words and symbols, shown as they are.
    group
        The authorities listed first, each with a page (`group.members`).
    authorities
        Codes or names of more authorities with a page.
    epsilon, interval, loss_ratio
        As of `decline` and `forecast`.
    backtest
        Folder of a backtest, if it is not beside the run.
    forecasts
        Whether to compute the next inspections, the longest part.
    force
        Report a run that failed its gate, with a warning on every page.
    made
        The day the report is made, of which its age warning is; today unless another is given.
    cores
        With two, the next inspections of a large run are computed in a process of their own.
    tell
        Called with what is being computed.

    Raises
    ------
    GateError
        The run failed its gate.
    UsageError
        No such group or authority, or an impossible setting.
    """
    refuse_failed(fit, force=force)
    panel = fit.panel
    beside = _backtest(fit, run, backtest), read_sensitivity(run)
    listed = members(fit, group)
    more = members(fit, authorities) if (authorities := list(authorities)) else []
    with_page = list(dict.fromkeys([*listed, *more]))
    settings = {"group": group, "interval": interval, "loss_ratio": loss_ratio, "force": force}
    with next_inspections(fit, model, cores=cores if forecasts else 1, **settings) as next_ones:
        tell("declines")
        declines = decline(fit, "all", epsilon=epsilon, interval=interval, force=force)
        tell("contributions")
        made_up = contributions(fit, model, group=with_page, interval=interval, force=force)
        tell("expected figures")
        again = revisit(fit, model, draws=CHECK_DRAWS)
        expected = fitted(again, panel, seed=int(fit.record["seed"]), interval=interval)
        some = replace(again, points=again.points[:: CHECK_DRAWS // DRAWS])
        information = shares(some, panel, interval=interval)
        tell("hyperparameters")
        table = hyperparameter_table(fit, model, interval=interval)
        tell("next judgements")
        ahead, chances = next_ones() if forecasts else (None, None)
    if ahead is not None:
        declines = declines.join(ahead.set_index("authority")[["p_next_worse", "p_next_better"]], on="authority")
    cells = current_cells(panel)
    units = display_units(panel.indicators, cells)
    cells = cells.join(sampling_intervals(cells, panel.indicators, interval))
    told = about(fit, group, interval) | {
        "epsilon": epsilon, "loss_ratio": loss_ratio, "run": run.name, "panel_date": panel.date.isoformat(),
        "threshold": 1.0 / (1.0 + loss_ratio),
    } | made_on(panel.date, made or datetime.date.today()) | _reading(ahead)  # fmt: skip
    used = tuple(again.design.indicator) + tuple(again.design.ordinal)
    directory = _directory(panel, [str(c) for c in declines["authority"]], listed, with_page)
    tell("authorities")
    kept = what_if(fit.posterior["theta"], fit.change, list(directory.index), chances, ahead)
    rates = base_rates(panel)
    pages = _pages(
        fit, directory, declines, ahead, made_up, expected, beside[1], kept, cells=cells, units=units, used=set(used),
        interval=interval, rates=rates,
    )  # fmt: skip
    return Findings(
        about=told, record=fit.record | {"gate": fit.gate.summary()}, spec=fit.spec.to_toml(), equations=equations,
        panel=panel, authorities=directory, decline=declines, forecast=ahead, contributions=made_up,
        base_rates=rates, national=national(panel), year_effects=year_effects(fit, interval=interval),
        hyperparameters=table, ranks=rank_histograms(fit, table), energy=energy_histograms(fit), fitted=expected,
        information=information, backtest=beside[0], sensitivity=beside[1], sensitivity_page=read_sensitivity_page(run),
        pages=pages, units=units, used=used, kept=kept,
    )  # fmt: skip


def _reading(ahead: pd.DataFrame | None) -> dict[str, Any]:
    """What the metadata say of the forecast's columns, and from which day there is no overall grade."""
    return {} if ahead is None else {name: ahead.attrs[name] for name in ("no_overall_from", "how_to_read")}


def _composite(panel: Panel) -> pd.DataFrame:
    """The composite of every authority; without years where no indicator has an agreed polarity."""
    return composite(panel) if composite_indicators(panel) else pd.DataFrame(index=panel.authorities.index)


def _backtest(fit: Fit, run: Path, given: Path | None) -> dict[str, Any] | Missing:
    """Record of the backtest beside a run; else of the one that ships with its panel, and how that differs."""
    found = read_backtest(run, given)
    known = shipped(fit.panel, fit.spec) if isinstance(found, Missing) and not fit.own_model else None
    return found if known is None else known.record | {"mismatch": list(known.mismatch)}


def _directory(panel: Panel, codes: list[str], listed: list[str], with_page: list[str]) -> pd.DataFrame:
    """Who exists, who is of the group, and who has which page."""
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


def _pages(
    fit: Fit,
    directory: pd.DataFrame,
    declines: pd.DataFrame,
    ahead: pd.DataFrame | None,
    made_up: pd.DataFrame,
    expected: Fitted,
    sensitivity: pd.DataFrame | Missing,
    kept: dict[str, dict[str, Any]],
    *,
    cells: pd.DataFrame,
    units: dict[str, DisplayUnit],
    used: set[str],
    interval: float,
    rates: pd.DataFrame,
) -> tuple[AuthorityFindings, ...]:
    """What is said of each authority with a page, by name."""
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
        figures = indicator_figures(record, cells, bands, expected.figures)
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
                what_if=kept[code],
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
