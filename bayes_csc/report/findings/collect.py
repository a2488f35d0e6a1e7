"""Everything that a report says of a run, gathered once: what pages, tables and files are made from."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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
from bayes_csc.panel.describe.coverage import national
from bayes_csc.panel.describe.display_unit import DisplayUnit, display_units
from bayes_csc.panel.panel import Panel
from bayes_csc.panel.revisions import current_cells
from bayes_csc.report.findings.age import made_on
from bayes_csc.report.findings.authority.authority_findings import AuthorityFindings
from bayes_csc.report.findings.authority.pages import authority_pages, directory_of
from bayes_csc.report.findings.authority.single import CHECK_DRAWS
from bayes_csc.report.findings.authority.what_if import what_if
from bayes_csc.report.findings.base_rates import base_rates
from bayes_csc.report.findings.companions import Missing, read_backtest, read_sensitivity, read_sensitivity_page
from bayes_csc.report.findings.fitted import Fitted, fitted, sampling_intervals
from bayes_csc.report.findings.hyperparameters import (
    energy_histograms,
    hyperparameter_table,
    rank_histograms,
    year_effects,
)
from bayes_csc.report.findings.next_inspections import next_inspections

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
    directory = directory_of(panel, [str(c) for c in declines["authority"]], listed, with_page)
    tell("authorities")
    kept = what_if(fit.posterior["theta"], fit.change, list(directory.index), chances, ahead)
    rates = base_rates(panel)
    pages = authority_pages(
        fit, directory, declines, ahead, made_up, expected.figures, beside[1], kept, cells=cells, units=units,
        used=set(used), interval=interval, rates=rates,
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


def _backtest(fit: Fit, run: Path, given: Path | None) -> dict[str, Any] | Missing:
    """Record of the backtest beside a run; else of the one that ships with its panel, and how that differs."""
    found = read_backtest(run, given)
    known = shipped(fit.panel, fit.spec) if isinstance(found, Missing) and not fit.own_model else None
    return found if known is None else known.record | {"mismatch": list(known.mismatch)}
