"""Draws in the order of dates: each simulated grade acts on the inspections and figures that come after it.

    judgement     score = still + previous_effect[grade before] + earlier_effect 1{earlier framework}
                          + covariate_effect' x                       (`previous_grades`, `judgement_covariates`)
    figure        eta   = still + post_inspection_effect[k] w         (`feedback`)
    inspected?    score = still + timing_grade[grade before] + timing_since[time since]     (`timing`)

"still" is all that no grade and no figure acts on: theta, standard, deviations, noise. It is drawn once. Each outcome
is then a function of what came before it, so that every pass over all of them, with the panel of the pass before, makes
one more date right. When a pass changes nothing, every outcome follows from those before it: that is the draw in the
order of dates, and there is no other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from bayes_csc.errors import DataError
from bayes_csc.estimates.forecast.cutpoints import after_previous
from bayes_csc.measurement.design import Design
from bayes_csc.measurement.judgements.covariates import COLUMN, covariates_of, judgement_covariates
from bayes_csc.measurement.judgements.inspection_timing import TIMING, timing_rows
from bayes_csc.measurement.judgements.post_inspection import after_worst
from bayes_csc.measurement.judgements.previous_grades import previous_grades
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.panel.panel import INSPECTION, Panel, inspection_dates

Outcome = Callable[[pd.DataFrame, np.ndarray], Panel]
"""Panel with the grades, figures and inspections that observations of these columns and latent values give."""


def judgement_score(rows: pd.DataFrame, truth: xr.Dataset) -> np.ndarray:
    """What the grade before and the covariates add to the score of each judgement, in probits.

        previous_effect[previous] + earlier_effect earlier + covariate_effect' x

    Parameters
    ----------
    rows
        Judgements, with `previous`, `earlier` and a column of each covariate, as far as the model has them.
    truth
        One value of each hyperparameter; what is not there adds nothing.
    """
    out = np.zeros(len(rows))
    if "previous_effect" in truth:
        out += truth["previous_effect"].to_numpy()[rows.previous.to_numpy(dtype=int)]
    if "earlier_effect" in truth:
        out += truth["earlier_effect"].item() * rows.earlier.to_numpy(dtype=float)
    if "covariate_effect" in truth:
        values = rows[[COLUMN + str(name) for name in truth["covariate"].to_numpy()]]
        out += values.to_numpy(dtype=float) @ truth["covariate_effect"].to_numpy()
    return out


def fed(rows: pd.DataFrame, truth: xr.Dataset) -> np.ndarray:
    """What grades and figures before each observation add to its latent value, on its own scale.

    Parameters
    ----------
    rows
        Observations of a design, or the same with other columns `previous`, `earlier`, covariates, `after_worst` and
        `since`.
    truth
        One value of each hyperparameter.
    """
    out = np.zeros(len(rows))
    judged = rows.indicator.eq(JUDGEMENT).to_numpy()
    out[judged] = judgement_score(rows[judged], truth)
    if "post_inspection_effect" in truth:
        effect = dict(zip(truth["post_inspection"].to_numpy(), truth["post_inspection_effect"].to_numpy(), strict=True))
        out += rows.indicator.map(effect).fillna(0.0).to_numpy(dtype=float) * rows.after_worst.to_numpy(dtype=float)
    if "timing_grade" in truth:
        timed = rows.indicator.eq(TIMING).to_numpy()
        mine = rows[timed]
        out[timed] += truth["timing_grade"].to_numpy()[mine.previous.to_numpy(dtype=int)]
        out[timed] += truth["timing_since"].to_numpy()[mine.since.to_numpy(dtype=int)]
    return out


def own_cutpoints(rows: pd.DataFrame, truth: xr.Dataset) -> np.ndarray:
    """Cutpoints (judgement, cutpoint) of each judgement, stretched after its previous grade if the model has that.

    The effect of the previous grade is not in them: it is in the score (`judgement_score`).
    """
    cutpoints = truth["cutpoints"].transpose("scale", "cutpoint")
    scale = cutpoints.get_index("scale").get_indexer(pd.Index(rows.scale))
    own = np.array(cutpoints.to_numpy()[scale])
    if "previous_spacing" not in truth:
        return own
    spacing = truth["previous_spacing"].transpose("previous", "cutpoint_gap").to_numpy()
    value = {"previous_effect": np.zeros((1, len(spacing))), "previous_spacing": spacing[None]}
    used = spacing.shape[1] + 1
    like_panel = np.isfinite(own).sum(axis=1) == used
    levels = after_previous(cutpoints.to_numpy()[None, :, :used], value)[0]
    own[like_panel, :used] = levels[scale, rows.previous.to_numpy(dtype=int)][like_panel]
    return own


def drawn_in_order(
    blank: Panel, layout: Design, truth: xr.Dataset, eta: np.ndarray, outcome: Outcome
) -> tuple[Panel, np.ndarray]:
    """Draw everything in the order of dates.

    Parameters
    ----------
    blank
        Panel whose skeleton is drawn for, with every inspection that there may be.
    layout
        Its design.
    truth
        One value of each hyperparameter.
    eta
        Latent value of each observation, with what the blank panel's own grades and figures add.
    outcome
        What follows from the observations' columns and latent values; the same noise at every call.

    Returns
    -------
    tuple of (Panel, numpy.ndarray)
        The panel drawn, and the latent values with what its own grades and figures add.

    Raises
    ------
    DataError
        What was drawn acts on something before it, so that no order exists.
    """
    rows = layout.observation
    columns = [c for c in rows if c in ("previous", "earlier", "after_worst", "since") or str(c).startswith(COLUMN)]
    if not columns:
        return outcome(rows, eta), eta
    still, asked = eta - fed(rows, truth), questions(blank, rows)
    for _ in range(2 * asked.day.nunique() + layout.year.size + 3):
        eta = still + fed(rows, truth)
        panel = outcome(rows, eta)
        found = _columns_of(panel, layout, asked)
        if found[columns].equals(rows[columns]):
            return panel, eta
        rows = found
    raise DataError(
        f"panel {blank.name}: inspections and figures act on each other in a circle, so that they cannot be drawn in "
        "order; a figure is published before its period ends, or the pauses between inspections depend on them: take "
        "another seed"
    )


def questions(panel: Panel, rows: pd.DataFrame) -> pd.DataFrame:
    """`authority`, `domain` and `day` of each judgement among observations, by their order."""
    table = panel.inspections
    judged = rows[rows.indicator.eq(JUDGEMENT)]
    day = inspection_dates(table).groupby(table.groupby(INSPECTION, dropna=False).ngroup()).first()
    return pd.DataFrame(
        {
            "authority": judged.unit.to_numpy(),
            "domain": [scale.partition(":")[2] for scale in judged.scale],
            "day": day.reindex(judged.inspection).to_numpy(),
        }
    )


def of_panel(panel: Panel, blank: Panel, layout: Design) -> np.ndarray:
    """Which observations of the blank panel's design are of the panel drawn: no judgement of what did not come."""
    rows = layout.observation
    out = np.ones(len(rows), dtype=bool)
    if layout.timing and layout.judged.scale:
        asked = questions(blank, rows)
        came = pd.MultiIndex.from_arrays([panel.inspections.authority, inspection_dates(panel.inspections)])
        out[rows.indicator.eq(JUDGEMENT)] = pd.MultiIndex.from_frame(asked[["authority", "day"]]).isin(came)
    return out


def _columns_of(panel: Panel, layout: Design, asked: pd.DataFrame) -> pd.DataFrame:
    """The design's observations with the columns that a panel's own grades, figures and inspections give them."""
    rows = layout.observation.copy()
    judged = rows.indicator.eq(JUDGEMENT).to_numpy()
    if "earlier" in rows:
        before = previous_grades(panel, asked)
        rows.loc[judged, "previous"] = before.previous.to_numpy()
        rows.loc[judged, "earlier"] = before.earlier.to_numpy()
    if names := [str(name) for name in covariates_of(rows)]:
        rows.loc[judged, [COLUMN + name for name in names]] = judgement_covariates(panel, names, asked)
    if layout.post_inspection:
        rows["after_worst"] = after_worst(panel, rows, layout.post_inspection)
    if layout.timing:
        timed = rows.indicator.eq(TIMING).to_numpy()
        now = timing_rows(panel, layout.authority).set_index(["unit", "year"])[["previous", "since"]]
        now = now.reindex(pd.MultiIndex.from_frame(rows.loc[timed, ["unit", "year"]]))
        for name in ("previous", "since"):
            rows.loc[timed, name] = now[name].where(now[name].notna(), rows.loc[timed, name].to_numpy()).to_numpy()
    return rows
