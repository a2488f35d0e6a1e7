"""A picture of one authority's trajectory."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayes_csc.calendar import grid_position
from bayes_csc.errors import UsageError
from bayes_csc.fit import Fit
from bayes_csc.panel import inspection_dates, whole_grades

BANDS = ((0.89, "#c6d9ec"), (0.50, "#7fa8d1"))
MARKERS = ("^", "o", "s", "v")


def trajectory_picture(fit: Fit, authority: str) -> Figure:
    """Draw theta of one authority as a fan, its region behind it, and its judgements at their dates.

    Parameters
    ----------
    fit
        A run.
    authority
        Its code.

    Raises
    ------
    UsageError
        The run has no such authority.
    """
    if authority not in fit.posterior.authority:
        raise UsageError(
            f"no authority {authority!r} in this run; expected a code such as {fit.panel.authorities.index[0]}"
        )
    row = fit.panel.authorities.loc[authority]
    theta = fit.posterior.theta
    own = theta.sel(authority=authority).dropna("year", how="all")
    year = own.year.to_numpy() - 0.25  # grid point t is 30 September of t - 1, three quarters into that year
    same = [a for a in theta.authority.to_numpy() if fit.panel.authorities.region[a] == row.region]
    region = theta.sel(authority=same, year=own.year).mean(("chain", "draw", "authority"))

    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for probability, colour in BANDS:
        tail = (1 - probability) / 2
        low, high = own.quantile([tail, 1 - tail], ("chain", "draw")).to_numpy()
        axes.fill_between(year, low, high, color=colour, lw=0, label=f"{probability:.0%} interval")
    axes.plot(year, own.median(("chain", "draw")), color="#1f3b5c", lw=2, label="median")
    axes.plot(year, region, color="#666666", ls="--", lw=1, label=f"mean of {row.region}")
    axes.axhline(0, color="#666666", lw=0.8)
    axes.annotate(fit.panel.name, (year[0], 0), (2, 3), textcoords="offset points", fontsize=8, color="#444444")
    _judgements(fit, authority, axes)
    axes.set(ylabel="latent quality (better is up)", title=f"{row['name']}: latent service quality")
    axes.margins(x=0.02)
    figure.legend(loc="outside lower left", fontsize=8, ncols=4, frameon=False)
    source = f"panel {fit.record['panel_hash'][:12]}, spec {fit.spec.name}, seed {fit.record['seed']}"
    axes.set_xlabel(source, fontsize=6, color="#666666", loc="right")
    return figure


def _judgements(fit: Fit, authority: str, axes: Axes) -> None:
    rows = whole_grades(fit.panel.inspections)
    rows = rows[rows.authority == authority]
    when = np.asarray(grid_position(inspection_dates(fit.panel.inspections).loc[rows.index])) - 0.25
    top = axes.get_ylim()[1]
    for x, grade, label in zip(when, rows.grade, fit.panel.labels(rows), strict=True):
        axes.axvline(x, color="#999999", lw=0.6, ls=":")
        marker = MARKERS[(int(grade) - 1) % len(MARKERS)]
        axes.plot([x], [top], marker, color="#1f3b5c", clip_on=False)
        axes.annotate(label, (x, top), (4, -10), textcoords="offset points", fontsize=8)
