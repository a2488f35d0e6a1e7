"""A transition model: an ordered probit of the next grade with cutpoints of its own after each previous grade.

After previous grade p (or none), of an inspection that starts at time t under framework f, x the standardised
deprivation of the authority,

    P(grade <= g | p) = Phi(c[p, g] + drift(t) + shift[f] - beta x),    g = 1 .. K - 1, grade 1 the best

so that a drift upwards is one towards better grades, and a positive beta means worse grades where deprivation is high.
With K - 2 gaps between the cutpoints of a row,

    c[p, .] = a[p] + centred cumulative sums of exp(l[k] + d[p, k])
    a[p] ~ N(0, 1)        the mean of the row's cutpoints
    l[k] ~ N(0, 1)        log gaps that all rows share
    d[p, k] ~ N(0, 0.6)   how the gaps of a row differ from these
    drift                 a random walk, N(0, 0.15) a year, linear between whole years before the origin, where it is 0:
                          the value at the origin carries forward
    shift[f], beta        N(0, 0.5) each

The posterior mode is found with the exact gradient in coordinates in which every prior is N(0, 1); the probabilities
are means over draws of the Gaussian at the mode (Laplace).

With all sds of d and drift at zero it is an ordered probit on previous grade, framework and deprivation; with free
rows alone it is a smoothed table of transitions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular
from scipy.optimize import approx_fprime, minimize
from scipy.special import ndtr, ndtri

from bayes_csc.evaluation.backtest.events import YEAR_DAYS
from bayes_csc.evaluation.backtest.forecasters.base_rate import NO_PREVIOUS
from bayes_csc.evaluation.backtest.forecasters.forecaster import Answer
from bayes_csc.evaluation.backtest.forecasters.training_examples import past_inspections
from bayes_csc.panel.panel import Panel

FARTHEST = 1e6
"""Where a cutpoint at infinity stands, for arithmetic."""
TINY = 1e-300
ORDER = ["ago", "previous", "grade", "framework", "x"]
"""Events are taken in this order, so that what authorities are called changes nothing."""


@dataclass(frozen=True)
class Scales:
    """Standard deviations of the priors.

    Attributes
    ----------
    location, common_gap, gap, framework, deprivation
        Of a row's mean cutpoint, of the shared log gaps, of a row's departures from them, of a framework's shift and
        of the slope.
    drift
        Of the random walk, a year.
    """

    location: float = 1.0
    common_gap: float = 1.0
    gap: float = 0.6
    drift: float = 0.15
    framework: float = 0.5
    deprivation: float = 0.5


@dataclass(frozen=True)
class Events:
    """Past inspections as arrays.

    Attributes
    ----------
    row
        Previous grade, 0 for none (event,).
    grade
        From 0, the best (event,).
    design
        What drift, shifts and slope are multiplied with (event, effect), the priors' sds in it.
    grades
        How many grades there are.
    """

    row: np.ndarray
    grade: np.ndarray
    design: np.ndarray
    grades: int


@dataclass(frozen=True)
class TransitionFit:
    """A fitted transition model.

    Attributes
    ----------
    draws
        Of the coordinates (draw, parameter), about the mode.
    mode
        The mode itself.
    years
        Years of the drift.
    frameworks
        Those seen, the one of the latest start last.
    centre, scale
        Of deprivation.
    grades, scales
        How many grades; sds of the priors.
    """

    draws: np.ndarray
    mode: np.ndarray
    years: int
    frameworks: tuple[str, ...]
    centre: float
    scale: float
    grades: int
    scales: Scales

    def probabilities(
        self, previous: pd.Series, deprivation: pd.Series, *, framework: str | None = None
    ) -> pd.DataFrame:
        """Probability of each grade, 1 the best, of inspections from the origin on.

        Parameters
        ----------
        previous
            Grade of the judgement before, NaN for none.
        deprivation
            Of the authorities, in the same order; NaN stands for the mean.
        framework
            Of the inspections; the latest seen by default. The shift of one that was never seen has its prior: all
            probits are divided by sqrt(1 + framework ** 2).
        """
        row = previous.fillna(NO_PREVIOUS).to_numpy(dtype=int)
        x = np.nan_to_num((deprivation.to_numpy(dtype=float) - self.centre) / self.scale)
        design = np.zeros((row.size, self.years + len(self.frameworks) + 1))
        name = self.frameworks[-1] if framework is None and self.frameworks else framework
        width = 1.0
        if name in self.frameworks:
            design[:, self.years + self.frameworks.index(name)] = self.scales.framework
        else:
            width = float(np.hypot(1.0, self.scales.framework))
        design[:, -1] = -self.scales.deprivation * x
        total = np.zeros((row.size, self.grades))
        for point in self.draws:
            cut, _ = cutpoints(point, self.grades, self.scales)
            edge = cut[row] + (design @ point[-design.shape[1] :])[:, None]
            total += between(edge / width)
        p = total / total.sum(axis=1, keepdims=True)
        return pd.DataFrame(p, index=previous.index, columns=range(1, self.grades + 1))

    def about(self) -> dict[str, object]:
        """Effects at the mode, in probits, as plain values."""
        effects = self.mode[-(self.years + len(self.frameworks) + 1) :]
        walk = np.cumsum(self.scales.drift * effects[: self.years])
        shift = self.scales.framework * effects[self.years : -1]
        cut, _ = cutpoints(self.mode, self.grades, self.scales)
        return {
            "improvement_by_years_before": [round(float(v), 4) for v in walk],
            "framework": {f: round(float(v), 4) for f, v in zip(self.frameworks, shift, strict=True)},
            "deprivation": round(float(self.scales.deprivation * effects[-1]), 4),
            "cutpoints": [[round(float(v), 4) for v in row] for row in cut],
        }


@dataclass(frozen=True)
class Transition:
    """Forecasts of the transition model, as the module says."""

    name: str = "transitions"
    scales: Scales = Scales()
    draws: int = 400

    def __call__(self, known: Panel, targets: pd.DataFrame, *, seed: int) -> Answer:
        """Probabilities by previous grade and deprivation, alike at every horizon."""
        fitted = fit_transition(known, scales=self.scales, draws=self.draws, seed=seed)
        codes = targets.index.get_level_values("authority")
        deprivation = known.authorities["deprivation"].reindex(codes).set_axis(targets.index)
        return Answer(fitted.probabilities(targets["previous"], deprivation), fitted.about())


def fit_transition(known: Panel, *, scales: Scales | None = None, draws: int = 400, seed: int = 1) -> TransitionFit:
    """Fit the transition model to the inspections of a panel.

    Parameters
    ----------
    known
        The panel as known at the origin, which is its date.
    scales
        Sds of the priors.
    draws
        How many of the Gaussian at the mode.
    seed
        Of the draws.
    """
    scales = scales or Scales()
    past, origin = past_inspections(known), pd.Timestamp(known.date)
    there = known.authorities["deprivation"].dropna()
    centre, scale = float(there.mean() if there.size else 0.0), float(there.std(ddof=0) or 1.0) if there.size else 1.0
    whose = known.authorities["deprivation"].reindex(past["authority"])
    rows = pd.DataFrame(
        {
            "ago": (origin - past["start"]).dt.days / YEAR_DAYS,
            "previous": past["previous"].fillna(NO_PREVIOUS).astype(int),
            "grade": past["grade"].astype(int),
            "framework": past["framework"],
            "x": np.nan_to_num((whose.to_numpy(dtype=float) - centre) / scale),
        }
    ).sort_values(ORDER, ignore_index=True)
    frameworks = tuple(rows.groupby("framework")["ago"].min().sort_values(ascending=False, kind="stable").index)
    years = int(np.ceil(rows["ago"].max())) if len(rows) else 0
    events = Events(
        rows["previous"].to_numpy(), rows["grade"].to_numpy() - 1, _design(rows, years, frameworks, scales),
        len(known.grades),
    )  # fmt: skip
    mode = _mode(events, scales)
    sampled = _laplace(mode, events, scales, draws, seed)
    return TransitionFit(sampled, mode, years, frameworks, centre, scale, len(known.grades), scales)


def _design(rows: pd.DataFrame, years: int, frameworks: tuple[str, ...], scales: Scales) -> np.ndarray:
    """Columns of the drift (a step for each year before the origin), of the frameworks and of deprivation."""
    ago = rows["ago"].to_numpy(dtype=float)[:, None]
    steps = scales.drift * np.clip(ago - np.arange(years), 0.0, 1.0)
    which = scales.framework * (rows["framework"].to_numpy()[:, None] == np.array(frameworks, dtype=object))
    return np.hstack([steps, which.astype(float), -scales.deprivation * rows[["x"]].to_numpy(dtype=float)])


def cutpoints(point: np.ndarray, grades: int, scales: Scales) -> tuple[np.ndarray, np.ndarray]:
    """Cutpoints (row, cutpoint) of a point, and the gaps between them (row, gap); row 0 is of no previous grade."""
    rows, gaps = grades + 1, grades - 2
    a, common, own = np.split(point[: rows + gaps + rows * gaps], [rows, rows + gaps])
    gap = np.exp(scales.common_gap * common + scales.gap * own.reshape(rows, gaps))
    return scales.location * a[:, None] + gap @ _centred_steps(grades), gap


def _centred_steps(grades: int) -> np.ndarray:
    """What a gap adds to each cutpoint (gap, cutpoint), their mean unchanged."""
    steps = (np.arange(grades - 1) > np.arange(grades - 2)[:, None]).astype(float)
    return np.asarray(steps - steps.mean(axis=1, keepdims=True))


def between(edge: np.ndarray) -> np.ndarray:
    """Probability of each grade (event, grade) between increasing edges (event, cutpoint), accurate in either tail."""
    end = np.full((len(edge), 1), FARTHEST)
    whole = np.hstack([-end, edge, end])
    low, high = whole[:, :-1], whole[:, 1:]
    tail = low > 0.0
    low, high = np.where(tail, -high, low), np.where(tail, -low, high)
    return np.asarray(np.maximum(ndtr(high) - ndtr(low), TINY))


def objective(point: np.ndarray, events: Events, scales: Scales) -> tuple[float, np.ndarray]:
    """Negative log posterior density, up to a constant, and its gradient."""
    grades, effects = events.grades, events.design.shape[1]
    cut, gap = cutpoints(point, grades, scales)
    every = np.arange(len(events.grade))
    edge = cut[events.row] + (events.design @ point[-effects:])[:, None]
    p = between(edge)[every, events.grade]
    whole = np.hstack([np.full((len(edge), 1), -FARTHEST), edge, np.full((len(edge), 1), FARTHEST)])
    low, high = (_density(whole[every, events.grade + step]) / p for step in (0, 1))
    by_cut = np.zeros((grades + 1, grades + 1))
    np.add.at(by_cut, (events.row, events.grade + 1), high)
    np.add.at(by_cut, (events.row, events.grade), -low)
    by_cut = by_cut[:, 1:-1]
    by_log_gap = gap * (by_cut @ _centred_steps(grades).T)
    gradient = np.concatenate(
        [
            scales.location * by_cut.sum(axis=1),
            scales.common_gap * by_log_gap.sum(axis=0),
            scales.gap * by_log_gap.ravel(),
            events.design.T @ (high - low),
        ]
    )
    return 0.5 * float(point @ point) - float(np.log(p).sum()), point - gradient


def _density(u: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(-0.5 * np.minimum(np.abs(u), 40.0) ** 2) / np.sqrt(2.0 * np.pi))


def _mode(events: Events, scales: Scales) -> np.ndarray:
    rows, gaps = events.grades + 1, events.grades - 2
    start = np.zeros(rows + gaps + rows * gaps + events.design.shape[1])
    solved = minimize(objective, start, args=(events, scales), jac=True, method="BFGS",
                      options={"gtol": 1e-7, "maxiter": 2000})  # fmt: skip
    return np.asarray(solved.x)


def _laplace(mode: np.ndarray, events: Events, scales: Scales, draws: int, seed: int) -> np.ndarray:
    """Draws of the Gaussian at the mode, each standardised coordinate stratified into as many parts as draws."""
    slope = approx_fprime(mode, lambda at: objective(at, events, scales)[1], 1e-5)
    precision = 0.5 * (slope + slope.T)
    value, vector = np.linalg.eigh(precision)
    root = np.linalg.cholesky((vector * np.maximum(value, 0.1)) @ vector.T)
    rng = np.random.default_rng(seed)
    part = np.argsort(rng.random((mode.size, draws)), axis=1)
    z = ndtri((part + rng.random((mode.size, draws))) / draws)
    return mode + np.asarray(solve_triangular(root, z, lower=True, trans="T")).T
