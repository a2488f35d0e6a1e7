"""Simulated panels whose next inspections are known: what a forecast of them says can be held against what comes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from bayes_csc.errors import DataError
from bayes_csc.estimates.forecast.cutpoints import latest_items
from bayes_csc.estimates.forecast.next_grade import HORIZON
from bayes_csc.measurement.design import design
from bayes_csc.panel.calendar import grid_position
from bayes_csc.panel.geography import existing
from bayes_csc.panel.panel import OVERALL, Panel, inspection_dates
from bayes_csc.simulation.simulate import Departure, Model, often_suppressed, simulate_like
from bayes_csc.simulation.template_panel import INSPECTION_GAP, skeleton
from bayes_csc.spec import Spec

NEXT = "next"
EARLIEST = 0.02
"""Years after the panel's date before which no next inspection starts."""


def simulate_ahead(
    model: Model, spec: Spec, *, authorities: int, years: int, indicators: int = 6, seed: int, judged: bool = False
) -> tuple[Panel, xr.DataTree]:
    """Invent a panel and draw its truth and data from the model, the next inspection of every authority among them.

    The next inspections are drawn with everything else, by the model, in the framework of the latest one, and then
    taken out of the panel: whatever the model holds of judgements, they have; each follows from the grades drawn before
    it where the model says so. Their dates fall about three years after the last inspection of the invented skeleton
    and are independent of the truth, also where the dates of the inspections before them follow from it
    (`ratings.timing`).

    Parameters
    ----------
    model, spec, authorities, years, indicators, seed, judged
        As of `simulate`.

    Returns
    -------
    tuple of (Panel, xarray.DataTree)
        The panel without its next inspections, and its truth: group `posterior` as of `simulate`, on the panel's own
        grid; group `observation`, with the next inspections; and group `next` with the overall `grade` and the
        `position` of each authority's next inspection, and its `domain_grade` (authority, domain) where it has
        sub-judgements.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(3,)))
    panel = skeleton(authorities=authorities, years=years, indicators=indicators, rng=rng, judged=judged)
    return simulate_ahead_like(panel, model, spec, seed=seed, suppressed=often_suppressed(panel), rng=rng)


def simulate_ahead_like(
    panel: Panel, model: Model, spec: Spec, *, seed: int, suppressed: set[str] | None = None,
    departure: Departure | None = None, rng: np.random.Generator | None = None,
) -> tuple[Panel, xr.DataTree]:  # fmt: skip
    """Draw a truth and data for the skeleton of a panel, as `simulate_like` does, and the next inspections with them.

    Parameters
    ----------
    panel, model, spec, seed, suppressed, departure
        As of `simulate_like`.
    rng
        Of the dates of the next inspections; of the seed by default.

    Returns
    -------
    tuple of (Panel, xarray.DataTree)
        As of `simulate_ahead`.
    """
    coming = next_inspections(panel, rng or np.random.default_rng([seed, 3]))
    longer = replace(panel, inspections=pd.concat([panel.inspections, coming], ignore_index=True))
    ahead_spec = spec.updated({"horizon": spec.horizon + int(np.ceil(HORIZON)) + 1})
    drawn, truth = simulate_like(longer, model, ahead_spec, seed=seed, suppressed=suppressed, departure=departure)
    later = inspection_dates(drawn.inspections) > pd.Timestamp(panel.date)
    coming = drawn.inspections[later]
    known = replace(drawn, inspections=drawn.inspections[~later].reset_index(drop=True))
    last = int(design(known, spec).year[-1])
    posterior = truth["posterior"].to_dataset()
    for dim in ("year", "grade_step"):
        if dim in posterior.coords:
            posterior = posterior.sel({dim: posterior[dim] <= last})
    parts = {"posterior": posterior, "observation": truth["observation"].to_dataset(), NEXT: _graded(coming)}
    return known, xr.DataTree.from_dict(parts)


def _graded(coming: pd.DataFrame) -> xr.Dataset:
    """Grades and positions of one inspection of each authority."""
    came = coming[coming.domain.eq(OVERALL)].set_index("authority")
    out = xr.Dataset(
        {
            "grade": ("authority", came.grade.to_numpy(dtype=int)),
            "position": ("authority", np.asarray(grid_position(came.start_date), dtype=float)),
        },
        coords={"authority": came.index.to_numpy(dtype=str)},
    )
    parts = coming[~coming.domain.eq(OVERALL)].pivot(index="authority", columns="domain", values="grade")
    if len(parts):
        grades = parts.loc[came.index].to_numpy(dtype=int)
        out = out.assign(domain_grade=(("authority", "domain"), grades)).assign_coords(domain=list(parts.columns))
    return out


def next_inspections(panel: Panel, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of one inspection of every authority there is that was inspected, after the panel's date, still ungraded.

    It judges what the latest one did. The gap is normal as the skeleton's are, given that nothing came by the panel's
    date.

    Raises
    ------
    DataError
        No authority of the panel was inspected.
    """
    overall = panel.inspections[panel.inspections.domain == OVERALL].sort_values(["authority", "start_date"])
    if overall.empty:
        raise DataError(f"panel {panel.name}: no inspection, so that there is none to follow it")
    rows = overall[overall.authority.isin(existing(panel.authorities, panel.date))]
    rows = rows.groupby("authority").tail(1).sort_values("authority")
    since = (pd.Timestamp(panel.date) - rows.start_date).dt.days.to_numpy() / 365.25
    gap = np.maximum(np.array([_longer_gap(s, rng) for s in since]), since + EARLIEST)
    gap = np.minimum(gap, since + HORIZON)
    start = rows.start_date + pd.to_timedelta(np.ceil(gap * 365.25).astype(int), unit="D")
    framework, item = latest_items(panel, list(panel.inspections.framework + ":" + panel.inspections.domain))
    rows = rows.assign(start_date=start, publication_date=start + pd.Timedelta(days=60), framework=framework, grade=1)
    return pd.concat([rows.assign(domain=domain) for domain in dict.fromkeys((OVERALL, *item))])


def _longer_gap(since: float, rng: np.random.Generator, *, tries: int = 1000) -> float:
    """A gap of the skeleton's distribution that is longer than what has passed; what has passed where none is."""
    mean, sd = INSPECTION_GAP
    gaps = rng.normal(mean, sd, tries)
    longer = gaps[gaps > since]
    return float(longer[0]) if longer.size else since
