"""What one chart of some authorities is made from, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_csc.estimates.contributions import contributions
from bayes_csc.estimates.decline import INTERVAL, decline
from bayes_csc.estimates.run_tables import about, refuse_failed
from bayes_csc.inference.fit import Fit, Model
from bayes_csc.inference.groups import members
from bayes_csc.inference.probabilities import EPSILON
from bayes_csc.inference.reopen import revisit
from bayes_csc.panel.describe.display_unit import display_units
from bayes_csc.panel.revisions import current_cells
from bayes_csc.report.findings.authority.authority_findings import AuthorityFindings
from bayes_csc.report.findings.authority.pages import authority_pages, directory_of
from bayes_csc.report.findings.base_rates import base_rates
from bayes_csc.report.findings.companions import Missing, read_sensitivity
from bayes_csc.report.findings.fitted import fitted, sampling_intervals
from bayes_csc.report.findings.next_inspections import next_inspections

CHECK_DRAWS = 60
"""Draws of the hyperparameters that expected figures are averaged over."""
NO_FIGURES = pd.DataFrame(columns=["unit", "indicator", "year", "value", "lower", "upper"])
NO_PARTS = pd.DataFrame(columns=["authority", "kind", "source", "label", "domain", "contribution", "lower", "upper"])


@dataclass(frozen=True)
class OneChart:
    """What a chart is made from.

    Attributes
    ----------
    kind
        Which chart.
    about
        Run, panel, interval and epsilon.
    pages
        What is said of each authority, as far as the chart tells it.
    grades
        Best first.
    used
        Keys of the indicators that the fit used.
    """

    kind: str
    about: dict[str, Any]
    pages: tuple[AuthorityFindings, ...]
    grades: tuple[str, ...]
    used: tuple[str, ...]


def gather_chart(
    fit: Fit, model: Model, run: Path, kind: str, authorities: Sequence[str], *, force: bool = False
) -> OneChart:
    """Compute what one chart of some authorities needs.

    Parameters
    ----------
    fit, model
        A run, and the function that built its model.
    run
        Its folder, beside which a sensitivity analysis is looked for.
    kind
        One of `single_chart.CHARTS`.
    authorities
        Codes or names.
    force
        Draw a run that failed its gate.

    Raises
    ------
    GateError
        The run failed its gate.
    UsageError
        No such authority.
    """
    refuse_failed(fit, force=force)
    panel, codes = fit.panel, members(fit, authorities)
    declines = decline(fit, codes, epsilon=EPSILON, interval=INTERVAL, force=force)
    ahead = None
    if kind in ("domains", "grades"):
        with next_inspections(fit, model, group=codes, interval=INTERVAL, force=force) as found:
            ahead, _ = found()
    parts = NO_PARTS
    if kind == "contributions":
        parts = contributions(fit, model, group=codes, interval=INTERVAL, force=force)
    expected, used = NO_FIGURES, tuple(panel.indicators)
    if kind == "indicators":
        again = revisit(fit, model, draws=CHECK_DRAWS)
        expected = fitted(again, panel, seed=int(fit.record["seed"]), interval=INTERVAL).figures
        used = tuple(again.design.indicator) + tuple(again.design.ordinal)
    cells = current_cells(panel)
    units = display_units(panel.indicators, cells)
    cells = cells.join(sampling_intervals(cells, panel.indicators, INTERVAL))
    told = about(fit, list(authorities), INTERVAL) | {"epsilon": EPSILON, "run": run.name,
                                                     "panel_date": panel.date.isoformat()}  # fmt: skip
    beside = read_sensitivity(run) if kind == "specification" else Missing("", "")
    pages = authority_pages(
        fit, directory_of(panel, codes, codes, codes), declines, ahead, parts, expected, beside, {}, cells=cells,
        units=units, used=set(used), interval=INTERVAL, rates=base_rates(panel),
    )  # fmt: skip
    return OneChart(kind, told, pages, panel.grades, used)
