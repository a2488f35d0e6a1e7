"""Simulated panels with their truth: hyperparameters from the prior, states and data from the model.

The model is the one that is fitted afterwards, an argument here too, so that a fit of the panel is tested against
exactly what it claims (simulation-based calibration, Talts et al. 2018).
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr

from bayes_csc.errors import DataError, UsageError
from bayes_csc.files import netcdf, whole_folder
from bayes_csc.files.csv_toml import CELL_OPTIONAL
from bayes_csc.likelihood.prior_draws import centred, draw_latent, draw_prior
from bayes_csc.measurement.design import Design, design
from bayes_csc.measurement.judgements.inspection_timing import TIMING, WHITE_VARIANCE
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.panel.families import count_families, declared
from bayes_csc.panel.families.counts import CountFamily
from bayes_csc.panel.panel import DICTIONARY, INSPECTION, OVERALL, Panel
from bayes_csc.panel.supplementary import EARLIER_INSPECTIONS, PROVIDERS, VISITS
from bayes_csc.panel.vintages import no_revisions
from bayes_csc.simulation.in_order import drawn_in_order, of_panel, own_cutpoints
from bayes_csc.simulation.possible_inspections import KEY, those_taken, with_possible
from bayes_csc.simulation.template_panel import WORKFORCE, skeleton
from bayes_csc.spec import Spec

Model = Callable[[Panel, Spec], pm.Model]
Departure = Callable[[Design, dict[str, np.ndarray], np.ndarray, np.ndarray, np.random.Generator], np.ndarray]
"""Latent values in place of the model's: of its design, what its likelihood receives, theta, eta and a generator."""
TRUTH = "truth.nc"
SUPPRESSED = (1, 5)
"""Counts from the first to the second are suppressed, in indicators that have suppressed cells."""
CELL = ["authority", "indicator", "year"]


def simulate(
    model: Model, spec: Spec, *, authorities: int, years: int, indicators: int = 6, seed: int, judged: bool = False
) -> tuple[Panel, xr.DataTree]:
    """Invent a panel of any size and draw its truth and its data from the model.

    Denominators spread as England's do, so that small and suppressed counts occur: the counts 1 to 5 are suppressed,
    except in the workforce domain, which the last two or three indicators are from five on. Inspections fall about
    every three years, their dates independent of the truth unless the spec has their timing follow from it.

    Parameters
    ----------
    model
        Function of panel and spec, such as `bayes_csc_models.trajectory.trajectory`.
    spec
        Choices and priors; the cells of an indicator that it drops are not available.
    authorities, years, indicators
        How many; the grid of theta has a point more than the reporting years, for the panel's date.
    seed
        The same seed gives the same panel and truth.
    judged
        Whether inspections have sub-judgements, and most authorities a judgement of an earlier framework.

    Returns
    -------
    tuple of (Panel, xarray.DataTree)
        The panel, and its truth as group `posterior`: see `simulate_like`.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    panel = skeleton(authorities=authorities, years=years, indicators=indicators, rng=rng, judged=judged)
    return simulate_like(panel, model, spec, seed=seed, suppressed=often_suppressed(panel))


def often_suppressed(panel: Panel) -> set[str]:
    """Indicators of an invented panel whose small counts are suppressed: all but the workforce's."""
    return {key for key, indicator in panel.indicators.items() if indicator.domain != WORKFORCE}


def simulate_like(
    panel: Panel, model: Model, spec: Spec, *, seed: int, suppressed: set[str] | None = None,
    departure: Departure | None = None,
) -> tuple[Panel, xr.DataTree]:  # fmt: skip
    """Draw a truth and new data for the authorities, denominators and inspection dates of a panel.

    Cells without a figure stay as they are; denominators are rounded to whole numbers; only the judgements that inform
    theta are drawn, and an inspection's overall grade is made of its sub-judgements (`overall_of`). In an indicator
    with suppressed cells the counts 1 to 5 are suppressed.

    Where the model has grades act on later inspections or figures, or published figures on grades, all are drawn in the
    order of their dates (`in_order`); judgements of earlier frameworks are taken as given. With `ratings.timing` the
    model also says which authorities are inspected in which year, on a day drawn at random (`possible_inspections`).

    Parameters
    ----------
    panel
        Whose skeleton is used; its counts and grades are not.
    model
        Function of panel and spec.
    spec
        Choices and priors.
    seed
        The same seed gives the same panel and truth.
    suppressed
        Indicators whose counts from 1 to 5 are suppressed; by default those with suppressed cells.
    departure
        What makes the data other than the model's; the truth is what it would be without it.

    Returns
    -------
    tuple of (Panel, xarray.DataTree)
        The panel and its truth. Group `posterior` has `theta` (authority, year), less its mean over the authorities
        existing that year and blank for the others, as a fit reports it; `theta_raw` (authority, year), as drawn; and
        every hyperparameter; dims and coordinates are those of a posterior without chain and draw. Group `observation`
        has `eta`, the latent logit (higher is better) or score behind each count or grade.
    """
    if suppressed is None:
        hidden = panel.cells.status.eq("suppressed") & panel.cells.denominator.gt(0)
        suppressed = set(panel.cells.indicator[hidden])
    return _simulated(panel, model, spec, seed, suppressed, departure)


def refuse_existing(folder: str | os.PathLike[str], *, overwrite: bool) -> None:
    """Refuse a folder that is there and not empty, unless it is a panel to be replaced.

    Raises
    ------
    UsageError
        Saying what is there.
    """
    target = Path(folder)
    if not target.is_file() and not (target.is_dir() and any(target.iterdir())):
        return
    if not (target / DICTIONARY).is_file():
        raise UsageError(f"{target}: something is there that is no panel; give another folder")
    if not overwrite:
        raise UsageError(f"{target}: a panel is there; give another folder, or --overwrite to replace it")


def write_simulation(
    panel: Panel, truth: xr.DataTree, folder: str | os.PathLike[str], *, overwrite: bool = False
) -> None:
    """Write a simulated panel and its truth, `truth.nc`, whole or not at all; see `refuse_existing`."""
    with whole_folder(Path(folder)) as new:
        refuse_existing(folder, overwrite=overwrite)
        panel.write_into(new)
        (new / TRUTH).write_bytes(netcdf(truth))


def _simulated(
    panel: Panel, model: Model, spec: Spec, seed: int, suppressed: set[str], departure: Departure | None
) -> tuple[Panel, xr.DataTree]:
    panel = replace(panel, indicators=declared(panel.indicators, panel.cells))
    states, hyper, more = (np.random.SeedSequence(seed, spawn_key=(i,)) for i in (1, 2, 4))
    apart = np.random.default_rng(more)
    if spec.ratings.timing:
        panel = with_possible(panel, apart)
    blank = _blank(panel, spec)
    layout = design(blank, spec)
    prior = draw_prior(model(blank, spec), draws=1, seed=int(hyper.generate_state(1)[0]))
    rng = np.random.default_rng(states)
    inputs = prior.at(0)
    theta, eta = draw_latent(layout, inputs, rng)
    if departure:
        eta = departure(layout, inputs, theta, eta, np.random.default_rng([seed, 5]))
    hyperparameters = prior.hyperparameters.isel(draw=0, drop=True)
    # what of the score's unit variance the collapsed likelihood does not hold
    rest = np.sqrt(max(1.0 - inputs["white_sd"][-1] ** 2, 0.0))
    chance = Chance(rng, apart.random(eta.size), np.sqrt(1.0 - WHITE_VARIANCE) * apart.standard_normal(eta.size))

    def outcome(rows: pd.DataFrame, eta: np.ndarray) -> Panel:
        return _outcome(blank, layout, rows, eta, rest, hyperparameters, suppressed, chance)

    drawn_panel, eta = drawn_in_order(blank, layout, hyperparameters, eta, outcome)
    out = replace(drawn_panel, readme=_readme(panel, spec, seed), licence="")
    return out, _truth(layout, theta, eta, hyperparameters, seed, of_panel(out, blank, layout))


@dataclass(frozen=True)
class Chance:
    """Chance of what is drawn given the latent values: the same whenever it is asked.

    Attributes
    ----------
    rng
        At the state from which figures and scores are drawn; only copies of it are.
    uniform
        Of the count of each observation that a judgement acts on: its quantile.
    timing
        What of the noise of the score of being inspected its latent value does not have.
    """

    rng: np.random.Generator
    uniform: np.ndarray
    timing: np.ndarray


def _outcome(
    blank: Panel, layout: Design, rows: pd.DataFrame, eta: np.ndarray, rest: float, truth: xr.Dataset,
    suppressed: set[str], chance: Chance,
) -> Panel:  # fmt: skip
    """Panel with the figures, grades and inspections that follow from the latent values."""
    rng = copy.deepcopy(chance.rng)
    cells = _counted(blank, layout, eta, suppressed, rng, chance.uniform)
    inspections, score = blank.inspections, eta
    if layout.judged.scale or layout.ordinal:
        score = eta + rest * rng.standard_normal(eta.size)
    cells = _measured(blank, cells, layout, eta, score, truth, rng, chance.uniform)
    if layout.judged.scale:
        at = np.flatnonzero(rows.indicator == JUDGEMENT)
        inspections = _graded(blank, layout, score, own_cutpoints(rows.iloc[at], truth))
    if layout.timing:
        came = rows[rows.indicator.eq(TIMING) & (eta + chance.timing > 0.0)]
        inspections = those_taken(inspections, came[["unit", "year"]].set_axis(KEY, axis=1))
    return replace(blank, cells=cells, inspections=inspections)


def _blank(panel: Panel, spec: Spec) -> Panel:
    """Return the panel with a placeholder for each count to come, and none where the spec leaves an indicator out.

    Nothing of the real figures stays: no earlier vintage, no doubt of a release in them, no wider interval. Judgements
    of earlier frameworks stay where the model has the grade before: they are given, as the dates are.
    """
    chosen = design(panel, spec)
    used = panel.cells.indicator.isin((*chosen.indicator, *chosen.ordinal))
    cells = panel.cells.assign(denominator=panel.cells.denominator.round(), value=np.nan)
    cells = cells.drop(columns=[name for name in CELL_OPTIONAL if name in cells])
    figure = cells.status.isin(["observed", "suppressed"])
    known = figure & used & cells.denominator.gt(0)
    lost = figure & ~known & (cells.status.eq("observed") | ~used)
    cells["numerator"] = (cells.denominator / 2).round().where(known)
    cells["status"] = cells.status.mask(known, "observed").mask(lost, "not_available")
    cells[["lower", "upper"]] = cells[["lower", "upper"]].mask(known | lost)
    for key, indicator in panel.indicators.items():
        if not indicator.distribution.counted:
            at = panel.cells.indicator.eq(key) & panel.cells.status.eq("observed") & used
            cells["denominator"] = panel.cells.denominator.where(at, cells.denominator)
            cells["status"] = cells.status.mask(at, "observed")
            cells["value"] = cells.value.mask(at, indicator.typical or 1.0)
            cells["numerator"] = cells.numerator.mask(at)
    parts = () if spec.ratings.judgements == "overall" else panel.sub_judgements
    before = spec.ratings.use and spec.ratings.previous != "none"
    inspections = panel.inspections[panel.inspections.domain.isin((OVERALL, *parts))].reset_index(drop=True)
    return replace(
        panel,
        cells=cells.reset_index(drop=True),
        revisions=no_revisions(),
        inspections=inspections,
        earlier_inspections=panel.earlier_inspections if before else EARLIER_INSPECTIONS.empty(),
        visits=VISITS.empty(),
        providers=PROVIDERS.empty(),
    )


def _counted(
    panel: Panel, layout: Design, eta: np.ndarray, suppressed: set[str], rng: np.random.Generator, uniform: np.ndarray
) -> pd.DataFrame:
    """Cells with the counts of shares, the small ones of some indicators suppressed.

    Counts that a judgement acts on are the quantiles at `uniform`, so that none of them moves another.
    """
    rows = layout.observation
    n, link = rows.denominator.to_numpy(dtype=float), rows.sign.to_numpy(dtype=float) * eta
    acted, count = rows.indicator.isin(layout.post_inspection).to_numpy(), np.full(len(rows), np.nan)
    for family, at in count_families(rows.family):
        if family.share:
            free, bound = at[~acted[at]], at[acted[at]]
            count[free] = family.law(link[free], n[free]).rvs(random_state=rng)
            count[bound] = family.law(link[bound], n[bound]).ppf(uniform[bound])
    drawn = rows[["unit", "indicator", "year"]].set_axis(CELL, axis=1).assign(count=count).dropna(subset="count")
    cells = panel.cells.merge(drawn, on=CELL, how="left", validate="one_to_one")
    hidden = cells["count"].between(*SUPPRESSED) & cells.indicator.isin(suppressed)
    counted = cells["count"].notna()
    cells["numerator"] = cells["count"].where(counted & ~hidden)
    cells["status"] = cells.status.mask(hidden, "suppressed")
    cells["lower"] = cells.lower.mask(hidden, float(SUPPRESSED[0]))
    cells["upper"] = cells.upper.mask(hidden, np.minimum(cells.denominator, SUPPRESSED[1]))
    return cells.drop(columns="count")


def _measured(
    panel: Panel, cells: pd.DataFrame, layout: Design, eta: np.ndarray, score: np.ndarray, truth: xr.Dataset,
    rng: np.random.Generator, uniform: np.ndarray,
) -> pd.DataFrame:  # fmt: skip
    """Cells with the rates, values and categories drawn; rates that a judgement acts on as such counts are."""
    rows = layout.observation
    out = cells.set_index(CELL)
    for key in (*layout.indicator, *layout.ordinal):
        indicator, family = panel.indicators[key], panel.indicators[key].distribution
        if family.share:
            continue
        at = np.flatnonzero(rows.indicator == key)
        index = pd.MultiIndex.from_frame(rows.iloc[at][["unit", "indicator", "year"]].set_axis(CELL, axis=1))
        if family.ordered:
            better = 1 + (score[at, None] > truth[f"{key}_cutpoints"].to_numpy()).sum(axis=1)
            size = indicator.categories or 0
            out.loc[index, "value"] = better if indicator.sign > 0 else size + 1.0 - better
        elif isinstance(family, CountFamily) and key in layout.post_inspection:
            n = rows.denominator.to_numpy(dtype=float)[at]
            out.loc[index, "numerator"] = family.law(indicator.sign * eta[at], n).ppf(uniform[at])
        else:
            column = "numerator" if family.counted else "value"
            out.loc[index, column] = family.draw(rows.iloc[at], indicator, eta[at], rng)
    return out.reset_index()[list(cells.columns)]


def _graded(panel: Panel, layout: Design, score: np.ndarray, ends: np.ndarray) -> pd.DataFrame:
    """Inspections with the grades that the scores have between the cutpoints (judgement, cutpoint) of each."""
    rows = layout.observation
    at = np.flatnonzero(rows.indicator == JUDGEMENT)
    chosen = rows.iloc[at]
    size = dict(zip(layout.judged.scale, layout.judged.size, strict=True))
    grade = chosen.scale.map(size).to_numpy() - (score[at, None] > ends).sum(axis=1)
    drawn = pd.DataFrame({"scale": chosen.scale, "inspection": chosen.inspection.astype(int), "drawn": grade})
    table = panel.inspections.assign(
        scale=panel.inspections.framework + ":" + panel.inspections.domain,
        inspection=panel.inspections.groupby(INSPECTION, dropna=False).ngroup(),
    )
    merged = table.merge(drawn, on=["scale", "inspection"], how="left", validate="one_to_one")
    made = {
        number: overall_of(part.drawn, len(panel.grades_of(str(framework))))
        for (number, framework), part in merged.dropna(subset="drawn").groupby(["inspection", "framework"])
    }
    whole = merged.domain.eq(OVERALL) & merged.drawn.isna()
    merged["grade"] = merged.drawn.fillna(merged.inspection.map(made).where(whole))
    if merged.grade.isna().any():
        raise DataError(f"panel {panel.name}: {merged.grade.isna().sum()} judgements are not in the model's design")
    return merged[list(panel.inspections.columns)].astype({"grade": int})


def overall_of(grades: pd.Series, worst: int) -> int:
    """Overall grade of simulated sub-judgements: the worst grade if any has it, else the median, rounded up.

    Examples
    --------
    >>> overall_of(pd.Series([2, 2, 3]), 4), overall_of(pd.Series([2, 3]), 4), overall_of(pd.Series([2, 2, 4]), 4)
    (2, 3, 4)
    """
    return worst if grades.max() == worst else int(np.ceil(grades.median()))


def _truth(
    layout: Design, theta: np.ndarray, eta: np.ndarray, hyperparameters: xr.Dataset, seed: int, kept: np.ndarray
) -> xr.DataTree:
    coords = {"authority": list(layout.authority), "year": layout.year.tolist()}
    states = {
        name: xr.DataArray(values, dims=("authority", "year"), coords=coords)
        for name, values in (("theta", np.where(layout.exists, centred(layout, theta), np.nan)), ("theta_raw", theta))
    }
    rows = layout.observation.loc[kept, ["unit", "indicator", "year", "position"]]
    rows = rows.rename(columns={"unit": "authority"})
    labels = {name: ("observation", values.to_numpy()) for name, values in rows.items()}
    truth = hyperparameters.assign(states).assign_attrs(seed=seed, centred="theta: over existing authorities, by year")
    observation = xr.Dataset({"eta": ("observation", eta[kept])}, coords=labels)
    return xr.DataTree.from_dict({"posterior": truth, "observation": observation})


def _readme(panel: Panel, spec: Spec, seed: int) -> str:
    return (
        f"# {panel.name}\n\nSimulated by `bayescsc simulate` with seed {seed} from the priors of the spec "
        f"{spec.name!r}: no figure or grade here is of a real authority. `{TRUTH}` holds what they were drawn from.\n"
    )
