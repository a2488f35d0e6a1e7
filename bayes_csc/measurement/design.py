"""The design of one analysis: a panel and a spec turned into labelled arrays in the order of the kernel."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import block_diag

from bayes_csc.errors import DataError
from bayes_csc.measurement.deprivation import deprivation_curve, standardised_deprivation
from bayes_csc.measurement.judgements.inspection_timing import TIMING, timing_rows
from bayes_csc.measurement.judgements.post_inspection import after_worst
from bayes_csc.measurement.judgements.scales import JUDGEMENT, Judged, judgement_rows, judgements
from bayes_csc.measurement.near_copies import deviation_groups
from bayes_csc.measurement.observations import observation_rows
from bayes_csc.measurement.state_prior import Succession, Template, block_template, own_template, path_basis
from bayes_csc.measurement.year_effects import YearSteps
from bayes_csc.panel.calendar import grid_position, reference_instant
from bayes_csc.panel.geography import codes_of, linked_blocks, predecessors
from bayes_csc.panel.indicator_selection import chosen_indicators, default_indicators
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Measurement, Spec


@dataclass(frozen=True)
class Graded:
    """The observations that are ordered categories: judgements, and cells of ordinal indicators.

    Attributes
    ----------
    at
        Their places among the observations.
    scale
        Index of the cutpoints of each: of its judgement's scale, or after those of its ordinal indicator.
    score
        Category of each, 0 the worst.
    """

    at: np.ndarray
    scale: np.ndarray
    score: np.ndarray


@dataclass(frozen=True, eq=False)
class Design:
    """Everything that the model functions need, and nothing of the posterior.

    Attributes
    ----------
    authority, region_index, deprivation
        Codes in block order, the region of each and its standardised deprivation score: (authority,), or (authority,
        year) where the score has a path.
    curve
        What of the deprivation's form is not linear, (authority, term): each term of mean zero, of sd one and
        uncorrelated with the score and the other terms; none of a linear form.
    region, year, domain
        Labels of the regions, grid points and of what shares a deviation: domains, and near-copies across them.
    indicator, ordinal
        Keys of the indicators with a link scale of their own, and of the ordinal ones.
    timing
        The key of inspections' timing, if that is observed. An observation's `kind` counts through the indicators, it,
        the ordinal indicators, then the domains judged.
    post_inspection
        Keys of the indicators on which a judgement of the worst grade has an effect.
    judged
        Domains and scales of the judgements.
    categories
        Number of categories of each ordinal indicator.
    window
        Grid points (indices) over which the trend is centred and scaled.
    now
        Grid position of the cut.
    observation
        One row per observation in kernel order; columns unit, indicator, kind, year, position, z, variance, sign,
        numerator, denominator, lower, upper, site, scale, grade, inspection, block, group; of inspections' timing also
        previous and since; of judgements, as the spec asks, previous, earlier and a column of each covariate; with
        `post_inspection` also after_worst.
    exists
        Whether each authority existed at each grid point (authority, year).
    grade
        Labels of the grades, best first.
    template
        The distinct covariance templates, the first for an authority by itself.
    block_template
        Index of each block's template.
    polarity
        Polarity of each indicator, the ordinal ones last.
    evaluated
        Indices of the blocks whose density counts; all by default.
    """

    authority: tuple[str, ...]
    region: tuple[str, ...]
    region_index: np.ndarray
    deprivation: np.ndarray
    curve: np.ndarray
    year: np.ndarray
    window: np.ndarray
    now: float
    indicator: tuple[str, ...]
    timing: tuple[str, ...]
    ordinal: tuple[str, ...]
    post_inspection: tuple[str, ...]
    categories: tuple[int, ...]
    polarity: tuple[str, ...]
    domain: tuple[str, ...]
    domain_index: np.ndarray
    judged: Judged
    block: tuple[tuple[int, ...], ...]
    template: tuple[Template, ...]
    block_template: tuple[int, ...]
    exists: np.ndarray
    grade: tuple[str, ...]
    observation: pd.DataFrame
    evaluated: np.ndarray | None = None

    @property
    def time(self) -> np.ndarray:
        """Years from the window's centre at each grid point, in decades."""
        return np.asarray((self.year - self.year[self.window].mean()) / 10.0)

    @property
    def first_graded(self) -> int:
        """Kind from which on observations are ordered categories."""
        return len(self.indicator) + len(self.timing)

    def year_steps(self) -> YearSteps:
        """Lay out the national year effects of the indicators over the years each was observed in."""
        rows = self.observation[~self.observation.indicator.isin([JUDGEMENT, TIMING])]
        observed = rows.groupby("indicator").year.unique()
        keys = (*self.indicator, *self.ordinal)
        years = [np.sort(observed.get(k, np.zeros(0, int))) for k in keys]
        blocks = []
        for y in years:
            path = np.tril(np.ones((y.size, y.size)), -1)[:, : max(y.size - 1, 0)]
            blocks.append(path - path.mean(axis=0) if y.size else path)
        return YearSteps(
            labels=[(k, int(t)) for k, y in zip(keys, years, strict=True) for t in y],
            step_labels=[(k, int(t)) for k, y in zip(keys, years, strict=True) for t in y[1:]],
            step_indicator=np.repeat(np.arange(len(years)), [max(y.size - 1, 0) for y in years]),
            step_scale=np.sqrt(np.concatenate([np.zeros(0), *(np.diff(y) for y in years)])),
            basis=block_diag(*blocks) if blocks else np.zeros((0, 0)),
        )

    def graded(self) -> Graded:
        """Return the observations that are ordered categories."""
        rows = self.observation
        at = np.flatnonzero(rows.kind >= self.first_graded)
        scales = (*self.judged.scale, *self.ordinal)
        sizes = np.array([*self.judged.size, *self.categories], dtype=int)
        if not at.size:  # then no row has a scale or a grade
            return Graded(at, at, at)
        scale = np.array([scales.index(f) for f in rows.scale.iloc[at]], dtype=int)
        return Graded(at, scale, sizes[scale] - rows.grade.to_numpy()[at].astype(int))

    def kept(self, mask: np.ndarray, *, blocks: np.ndarray | None = None) -> Design:
        """Return the design with only the observations of `mask` (same states, same order).

        With `blocks` (indices) the kernel leaves all other blocks out.
        """
        observation = self.observation[mask]
        return replace(self, observation=observation, evaluated=blocks)

    def deprivation_at(self, rows: pd.DataFrame) -> np.ndarray:
        """Deprivation of each observation's unit, of a path at the observation's instant."""
        x = self.deprivation
        if x.ndim > 1:
            members = rows["members"].map(list)
            part = self.weights(rows["position"].to_numpy())
            return np.array([s @ x[m] @ w for m, s, w in zip(members, rows["shares"], part, strict=True)])
        return _by_unit(rows, lambda members, shares: np.dot(x[members], shares))

    def curve_at(self, rows: pd.DataFrame) -> np.ndarray:
        """What of the deprivation's form is not linear, of each observation's unit (observation, term)."""
        return _by_unit(rows, lambda members, shares: np.dot(shares, self.curve[members]))

    def weights(self, position: np.ndarray) -> np.ndarray:
        """Interpolation weights (positions by years) of theta at grid positions, held constant beyond the ends."""
        place = np.clip(np.asarray(position, dtype=float), self.year[0], self.year[-1]) - self.year[0]
        low = np.minimum(np.floor(place).astype(int), self.year.size - 2) if self.year.size > 1 else np.zeros(1, int)
        part = place - low
        out = np.zeros((place.size, self.year.size))
        out[np.arange(place.size), low] = 1.0 - part
        if self.year.size > 1:
            out[np.arange(place.size), low + 1] += part
        return out


_latest: tuple[weakref.ref[Panel], Spec, Design] | None = None


def design(panel: Panel, spec: Spec) -> Design:
    """Lay out a panel for a spec.

    Raises
    ------
    SpecError
        The spec names an indicator or domain the panel does not have, or leaves no data.
    DataError
        No authority with data, or no deprivation score.
    """
    global _latest
    if not (_latest and _latest[0]() is panel and _latest[1] == spec):  # a fit asks for its own, and its model again
        _latest = weakref.ref(panel), spec, _laid_out(panel, spec)
    return _latest[2]


def _laid_out(panel: Panel, spec: Spec) -> Design:
    if panel.cells.empty:
        raise DataError(f"{panel.name}: the indicator files have no row of figures; there is nothing to fit")
    keys = chosen_indicators(panel, spec)
    blocks = linked_blocks(panel.authorities, panel.cells.authority.unique())
    authority = tuple(code for block in blocks for code in block)
    table = panel.authorities.loc[list(authority)]
    index = {code: i for i, code in enumerate(authority)}

    observation, judged = _observed(panel, spec, keys, authority)
    fed_back = tuple(k for k in keys if panel.indicators[k].post_inspection)
    if fed_back:
        observation["after_worst"] = after_worst(panel, observation, fed_back)

    year, window, now = _grid(panel, keys)
    year = np.append(year, year[-1] + 1 + np.arange(spec.horizon))
    region = tuple(dict.fromkeys(table.region))  # by whom it has, not by its name: another name changes nothing
    ordinal = tuple(k for k in keys if panel.indicators[k].distribution.ordered)
    metric = tuple(k for k in keys if k not in ordinal)
    shared_by = _shared(panel, metric, spec.measurement, observation)
    domain = tuple(dict.fromkeys(shared_by.values()))
    own = own_template(path_basis(spec.trend.kind, year.size, window, spec.trend.autocorrelation), window)
    score, curve = np.zeros(len(authority)), np.zeros((len(authority), 0))
    if spec.pooling.deprivation:
        score = standardised_deprivation(panel, authority, spec.pooling.deprivation_score, year, window)
        score, curve = deprivation_curve(score, spec.pooling.deprivation_form)
    templates, which = _templates(panel, blocks, own, int(year[0]))
    out = Design(
        authority=authority,
        region=region,
        region_index=np.array([region.index(r) for r in table.region]),
        deprivation=score,
        curve=curve,
        year=year,
        window=window,
        now=now,
        indicator=metric,
        timing=(TIMING,) if spec.ratings.timing else (),
        ordinal=ordinal,
        post_inspection=fed_back,
        categories=tuple(panel.indicators[k].categories or 0 for k in ordinal),
        polarity=tuple(panel.indicators[k].polarity for k in (*metric, *ordinal)),
        domain=domain,
        domain_index=np.array([domain.index(shared_by[k]) if k in shared_by else -1 for k in metric], dtype=int),
        judged=judged,
        block=tuple(tuple(index[code] for code in block) for block in blocks),
        template=templates,
        block_template=which,
        exists=_exists(table, year),
        grade=panel.grades,
        observation=observation,
    )
    return replace(out, observation=_ordered(out, observation, panel))


def _shared(panel: Panel, metric: tuple[str, ...], prior: Measurement, rows: pd.DataFrame) -> dict[str, str]:
    """What each indicator that is not alone shares a deviation with (`near_copies.deviation_groups`)."""
    own = {k: panel.indicators[k].domain for k in metric if not {panel.indicators[k].domain, "*"} & {*prior.unshared}}
    group = deviation_groups(rows, own) if prior.across_domains else own
    size = Counter(group.values())
    return {k: name for k, name in group.items() if size[name] > 1}


def _by_unit(rows: pd.DataFrame, function: Callable[[list[int], tuple[float, ...]], Any]) -> np.ndarray:
    """Function of the members and shares of each observation's unit, computed once a unit."""
    place, _ = pd.factorize(rows.unit)
    first = np.unique(place, return_index=True)[1]
    members, shares = rows.members.iloc[first], rows.shares.iloc[first]
    return np.array([function(list(m), s) for m, s in zip(members, shares, strict=True)])[place]


def _observed(
    panel: Panel, spec: Spec, keys: tuple[str, ...], authority: tuple[str, ...]
) -> tuple[pd.DataFrame, Judged]:
    """Cells, judgements and timing of inspections, as observations one below the other."""
    cells = panel.cells[panel.cells.indicator.isin(keys)]
    parts = [observation_rows(cells, {k: panel.indicators[k] for k in keys}, spec.counts)]
    judged = Judged()
    if spec.ratings.use:
        ratings = judgements(
            panel, overall=spec.ratings.judgements == "overall", lead=spec.ratings.lead_years,
            previous=spec.ratings.previous != "none", covariates=spec.ratings.covariates,
        )  # fmt: skip
        judged = Judged.of(ratings, panel.sub_judgements, panel.grades_of)
        parts.append(judgement_rows(ratings))
    if spec.ratings.timing:
        parts.append(timing_rows(panel, authority))
    observation = pd.concat(parts, ignore_index=True)
    if observation.empty:
        lost = f"observed cell of the indicators {', '.join(keys)}" if keys else "judgement, and the spec no indicator"
        raise DataError(f"panel {panel.name}: no {lost}")
    return observation, judged


def _grid(panel: Panel, keys: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, float]:
    """Grid points, the window among them, and the position of now.

    The grid covers the panel's window, so that an earlier cut keeps the scale of theta, and the default indicators, so
    that now is the same whichever of them is left out.
    """
    covered = dict.fromkeys((*default_indicators(panel), *keys))
    instants = np.concatenate(
        [
            grid_position(
                reference_instant(
                    panel.cells.reference_start[panel.cells.indicator == key],
                    panel.cells.reference_end[panel.cells.indicator == key],
                    indicator.reference_instant,
                )
            )
            for key, indicator in ((key, panel.indicators[key]) for key in covered)
        ]
    )
    now = max(float(grid_position(panel.date)), float(instants.max()))
    year = np.arange(int(np.floor(instants.min() + 0.01)), int(np.ceil(now - 0.01)) + 1)
    first, last = panel.window or (int(year[0]), int(year[-1]))
    year = np.arange(min(first, int(year[0])), max(last, int(year[-1])) + 1)
    window = np.flatnonzero((year >= first) & (year <= last))
    return year, window, now


def _templates(
    panel: Panel, blocks: list[tuple[str, ...]], own: Template, first_year: int
) -> tuple[tuple[Template, ...], tuple[int, ...]]:
    templates, which, old = [own], [], predecessors(panel.authorities)
    for block in blocks:
        if len(block) == 1:
            which.append(0)
            continue
        successions = [
            Succession(
                tuple(block.index(c) for c in old[code]),
                tuple(old[code].values()),
                float(grid_position(panel.authorities.valid_from[code])),
            )
            if code in old
            else None
            for code in block
        ]
        which.append(len(templates))
        templates.append(block_template(own, successions, first_year))
    return tuple(templates), tuple(which)


def _exists(table: pd.DataFrame, year: np.ndarray) -> np.ndarray:
    """Whether each authority existed within half a year of each grid point (authority, year)."""
    start = grid_position(table.valid_from)
    end = grid_position(table.valid_to)
    start, end = np.where(np.isnan(start), -np.inf, start), np.where(np.isnan(end), np.inf, end)
    return (start[:, None] <= year + 0.5 + 1e-9) & (end[:, None] >= year - 0.5 - 1e-9)


def _ordered(design: Design, observation: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Attach block, group and kind, and sort into kernel order."""
    index = {code: i for i, code in enumerate(design.authority)}
    block_of = {i: b for b, block in enumerate(design.block) for i in block}
    kind = {k: i for i, k in enumerate((*design.indicator, *design.timing, *design.ordinal))}
    judged = design.judged
    of_scale = {s: len(kind) + d for s, d in zip(judged.scale, judged.scale_domain, strict=True)}
    units = observation.unit.drop_duplicates()
    members = {u: tuple(index[c] for c in codes_of(u)) for u in units}
    rows = observation.reindex(columns=list(dict.fromkeys([*observation.columns, "scale", "inspection"])))
    out = rows.assign(
        block=rows.unit.map({u: block_of[m[0]] for u, m in members.items()}),
        kind=rows.indicator.map(kind).fillna(rows.scale.map(of_scale)).astype(int),
    )
    inspected = len(design.domain) if judged.several else -1  # an inspection's effect is a domain's deviation
    of_none = [-1] * len((*design.timing, *design.ordinal))
    domain = np.array([*design.domain_index, *of_none, *[inspected] * len(judged.domain)])
    out["domain"] = domain[out.kind].astype(int)
    number = pd.Series(np.arange(len(out)))
    together = out.inspection.fillna(number + out.inspection.max()) if judged.scale else number
    graded = (out.kind >= design.first_graded).to_numpy()
    series = np.where(out.domain >= 0, "d" + out.domain.astype(str), "k" + pd.Series(out.kind.astype(str)).str.zfill(3))
    out["series"] = np.where(graded, "z" + together.astype(int).astype(str).str.zfill(7), series)
    out = out.sort_values(["block", "unit", "series", "kind", "year", "position"], kind="stable", ignore_index=True)
    out["group"] = out.groupby(["block", "unit", "series"], sort=False).ngroup()
    population = panel.authorities.population.loc[list(design.authority)].to_numpy()
    shares = {
        u: (1.0,) if len(m) == 1 else tuple(population[i] / sum(population[j] for j in m) for i in m)
        for u, m in members.items()
    }
    out["members"] = [members[u] for u in out.unit]
    out["shares"] = [shares[u] for u in out.unit]
    return out.drop(columns="series")
