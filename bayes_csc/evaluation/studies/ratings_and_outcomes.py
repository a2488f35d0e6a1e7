"""Do better ratings go with better outcomes? The cross-tabulation, with its two gaps closed, and as one correlation.

The analysis of CORC and the Nuffield Foundation found no association of Ofsted's ratings with the published outcomes of
looked-after children and care leavers: inadequate authorities were as likely as others to be among the best tenth. It
did not adjust for deprivation, and about half of the ratings were out of date.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from bayes_csc.errors import UsageError
from bayes_csc.evaluation.studies.dimension_fit import DimensionFit, dimension_fit
from bayes_csc.evaluation.studies.intervals import INTERVAL, REPLICATES, bootstrap, wilson
from bayes_csc.evaluation.studies.outcomes import OUTCOMES, UP_TO_DATE_YEARS, graded_outcomes, outcome_scores
from bayes_csc.evaluation.studies.sampled import Model
from bayes_csc.evaluation.studies.study import Study, provenance, records
from bayes_csc.inference.chains import Progress
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec

ADJUSTED = {"nothing": ("index", "top"), "deprivation": ("adjusted", "adjusted_top")}
RATINGS = ("all", "up to date")


def ratings_and_outcomes(
    panel: Panel, *, year: int | None = None, indicators: Sequence[str] = OUTCOMES, model: Model | None = None,
    spec: Spec | None = None, seed: int = 1, replicates: int = REPLICATES,
    progress: Callable[[Progress], None] | None = None,
) -> Study:  # fmt: skip
    """Associate overall grades with outcomes.

    Parameters
    ----------
    panel
        The data.
    year
        One year of outcomes; all years by default, an authority being one cluster.
    indicators
        Keys of the outcomes; those that the panel lacks are left out.
    model, spec
        A model of two dimensions and its spec; without a model no correlation of latent dimensions is given.
    seed, replicates
        Of the bootstrap, and the seed of the chains.
    progress
        Called as the model is fitted.

    Returns
    -------
    Study
        Tables `crosstab` (by what is adjusted for and which ratings count: the share of each grade's authorities in the
        best tenth, and their mean index), `association` (inadequate less all others, and the rank correlation of
        grade and index), `indicators` (rank correlation by indicator), `years` and, with a model, `correlation` and
        `loadings`.

    Raises
    ------
    UsageError
        The panel has no such outcomes, or not in this year.
    """
    keys = [key for key in indicators if key in panel.indicators]
    if not keys:
        raise UsageError(f"panel {panel.name}: none of the outcomes {', '.join(indicators)}; name others")
    scores = outcome_scores(panel, keys)
    rows = graded_outcomes(panel, scores)
    if year is not None:
        if year not in set(rows["year"]):
            raise UsageError(f"no outcomes of {year}; expected {rows['year'].min()} to {rows['year'].max()}")
        rows = rows[rows["year"] == year].reset_index(drop=True)
    options = {"seed": seed, "replicates": replicates}
    tables = {
        "crosstab": crosstab(panel, rows, **options),
        "association": association(panel, rows, **options),
        "indicators": by_indicator(rows, scores, **options),
        "years": by_year(panel, rows),
    }
    fitted = None if model is None or spec is None else dimension_fit(panel, model, spec, seed=seed, progress=progress)
    if fitted is not None:
        tables |= {"correlation": fitted.correlation, "loadings": fitted.loadings}
    about = provenance(
        panel, year=year, outcomes=keys, up_to_date_years=UP_TO_DATE_YEARS, interval=INTERVAL, **options,
        model=None if fitted is None else getattr(model, "__qualname__", str(model)),
        spec=None if fitted is None or spec is None else spec.name,
        model_passed=None if fitted is None else fitted.passed,
    )  # fmt: skip
    title = "Overall grades and the outcomes of looked-after children and care leavers"
    return Study("ratings-and-outcomes", title, tables, _words(rows, fitted), about)


def crosstab(panel: Panel, rows: pd.DataFrame, *, seed: int, replicates: int) -> pd.DataFrame:
    """Share of each grade's authorities among the best tenth, and their mean index, bootstrapped by authority."""
    out = []
    for adjusted, ratings in product(ADJUSTED, RATINGS):
        index, top = ADJUSTED[adjusted]
        chosen = _chosen(rows, ratings)
        for place, label in enumerate(panel.grades, start=1):
            mine = chosen[chosen["grade"] == place]
            if mine.empty:
                continue
            values = mine[[top, index]].to_numpy(dtype=float)

            def means(at: np.ndarray, values: np.ndarray = values) -> np.ndarray:
                return np.asarray(values[at].mean(axis=0))

            low, high = bootstrap(mine["authority"].to_numpy(), means, seed=seed, replicates=replicates)
            share, mean = means(np.arange(len(mine)))
            out.append(
                {
                    "adjusted_for": adjusted, "ratings": ratings, "grade": label, "authority_years": len(mine),
                    "authorities": mine["authority"].nunique(), "in_top": int(mine[top].sum()),
                    "top_share": share, "top_share_lower": low[0], "top_share_upper": high[0],
                    "index": mean, "index_lower": low[1], "index_upper": high[1],
                }
            )  # fmt: skip
    return pd.DataFrame(out)


def association(panel: Panel, rows: pd.DataFrame, *, seed: int, replicates: int) -> pd.DataFrame:
    """Inadequate less all others in the best tenth and in the index; rank correlation of a better grade with the index.

    Ranks are within the year, so that drifting standards are not taken for an association.
    """
    out = []
    for adjusted, ratings in product(ADJUSTED, RATINGS):
        index, top = ADJUSTED[adjusted]
        chosen = _chosen(rows, ratings)
        worst = (chosen["grade"] == len(panel.grades)).to_numpy()
        values = chosen[[top, index]].to_numpy(dtype=float)
        better, outcome = _year_ranks(-chosen["grade"], chosen["year"]), _year_ranks(chosen[index], chosen["year"])

        def measures(
            at: np.ndarray, worst: np.ndarray = worst, values: np.ndarray = values, a: np.ndarray = better,
            b: np.ndarray = outcome,
        ) -> np.ndarray:  # fmt: skip
            w = worst[at]
            if w.all() or not w.any():
                return np.array([np.nan, np.nan, _correlation(a[at], b[at])])
            return np.append(values[at][w].mean(axis=0) - values[at][~w].mean(axis=0), _correlation(a[at], b[at]))

        here = measures(np.arange(len(chosen)))
        low, high = bootstrap(chosen["authority"].to_numpy(), measures, seed=seed, replicates=replicates)
        row: dict[str, object] = {"adjusted_for": adjusted, "ratings": ratings, "authority_years": len(chosen)}
        for k, name in enumerate(("top_difference", "index_difference", "rank_correlation")):
            row |= {name: here[k], f"{name}_lower": low[k], f"{name}_upper": high[k]}
        out.append(row)
    return pd.DataFrame(out)


def by_indicator(rows: pd.DataFrame, scores: pd.DataFrame, *, seed: int, replicates: int) -> pd.DataFrame:
    """Rank correlation, within years, of a better grade with each outcome (all ratings, nothing adjusted for)."""
    out = []
    for key, mine in scores.merge(rows[["authority", "year", "grade"]]).groupby("indicator"):
        mine = mine.sort_values(["year", "authority"])
        a, b = _year_ranks(-mine["grade"], mine["year"]), _year_ranks(mine["score"], mine["year"])

        def measure(at: np.ndarray, a: np.ndarray = a, b: np.ndarray = b) -> np.ndarray:
            return np.array([_correlation(a[at], b[at])])

        low, high = bootstrap(mine["authority"].to_numpy(), measure, seed=seed, replicates=replicates)
        row = {"indicator": key, "years": mine["year"].nunique(), "authority_years": len(mine)}
        out.append(
            row
            | {
                "rank_correlation": _correlation(a, b),
                "rank_correlation_lower": low[0],
                "rank_correlation_upper": high[0],
            }
        )
    return pd.DataFrame(out)


def by_year(panel: Panel, rows: pd.DataFrame) -> pd.DataFrame:
    """Of each year: authorities with a grade and an index, up-to-date ratings, inadequate ones and those in the top."""
    out = []
    for year, mine in rows.groupby("year"):
        worst = mine[mine["grade"] == len(panel.grades)]
        low, high = wilson(int(worst["top"].sum()), len(worst))
        out.append(
            {
                "year": year, "graded": len(mine), "up_to_date": int(mine["up_to_date"].sum()),
                "inadequate": len(worst), "inadequate_in_top": int(worst["top"].sum()),
                "top_share": worst["top"].mean(), "top_share_lower": low, "top_share_upper": high,
            }
        )  # fmt: skip
    return pd.DataFrame(out)


def _chosen(rows: pd.DataFrame, ratings: str) -> pd.DataFrame:
    return rows if ratings == "all" else rows[rows["up_to_date"]]


def _year_ranks(values: pd.Series, year: pd.Series) -> np.ndarray:
    """Ranks within each year, 0 to 1 at most, centred."""
    return np.asarray(values.groupby(year).transform(lambda v: (rankdata(v) - 0.5) / len(v) - 0.5))


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    sd = a.std() * b.std()
    return float(((a - a.mean()) * (b - b.mean())).mean() / sd) if sd > 0 else np.nan


def _words(rows: pd.DataFrame, fitted: DimensionFit | None) -> tuple[str, ...]:
    words = [
        "The index is the mean of the outcomes, each standardised over the authorities of its year and coded so that "
        "higher is better; the best tenth is of the year's authorities, so that without an association each grade has "
        "about 10% in it. Adjusted: less its regression on deprivation in the year.",
        f"A rating counts for the outcomes of a year if its inspection started by 31 March of that year, and is up to "
        f"date if at most {UP_TO_DATE_YEARS:g} years before: {rows['up_to_date'].mean():.0%} of the "
        f"{len(rows)} authority-years are.",
        "Some of these outcomes are records of a service rather than what became of a child, some inspectors read the "
        "same figures, and small numbers make the best tenth partly luck. No association is no proof of none, and an "
        "association has no direction.",
    ]
    if fitted is not None:
        row = fitted.correlation.iloc[0]
        words.append(
            f"Latent dimensions: among authorities of the same region and deprivation, what workforce, process and "
            f"judgements share correlates {row['correlation']:.2f} with what the outcomes share ({INTERVAL:.0%} "
            f"interval {row['correlation_lower']:.2f} to {row['correlation_upper']:.2f}; the prior is uniform from -1 "
            f"to 1). By a preview of {row['draws']:.0f} draws; the error of that mean is {row['mcse']:.3f}."
        )
        second = fitted.loadings[fitted.loadings["dimension"] == 2].nlargest(3, "mean")
        most = ", ".join(f"{r.indicator} ({r.mean:.2f})" for r in records(second))
        words.append(
            f"What the outcomes share shows most in {most}, logits or units per sd: read the correlation as one with "
            "that. It changes with the outcomes that are put in (docs/studies.md)."
        )
        if not fitted.passed:
            words.append(
                f"This preview failed its diagnostics (R-hat {row['rhat']:.2f}, {row['divergences']:.0f} divergences): "
                "do not use its correlation."
            )
    return tuple(words)
