"""The three-indicator model of an inadequate rating: in sample, as it was reported, and out of sample.

Hood, Grant, Jones and Goldacre 2016 (Children and Youth Services Review 67): a logistic regression on assessments or
conferences on time, re-referrals and agency workers "correctly predicted 68 per cent of inadequate ratings, but missed
the rest". The article gives neither the false positives nor a figure out of sample.

    logit P(inadequate) = b0 + b1 on_time + b2 re-referral + b3 agency        per inspection with an overall grade
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm

from bayes_csc.errors import UsageError
from bayes_csc.evaluation.studies.classification import performance
from bayes_csc.evaluation.studies.inspected import known_at_start, overall_inspections
from bayes_csc.evaluation.studies.intervals import INTERVAL, REPLICATES
from bayes_csc.evaluation.studies.study import Study, provenance, records
from bayes_csc.panel.panel import Panel

LAST_OF_STUDY = "2015-12-31"
"""Inspections that started by then are the study's, later ones its test."""
FIRST, LATER = "study years", "later years"
TIMELINESS = {
    "assessment": ("assessment_within_45_days", "assessment_within_45_days_lait"),
    "conference": ("conference_within_15_days",),
}
ON_TIME = "on_time"
OTHERS = {"re_referral": ("re_referral",), "agency": ("agency",)}
LEAD = ["sample", "timeliness", "predicted"]
STEP = 10.0
"""Odds ratios are for ten percentage points."""
FEWEST = 5
"""Events, and others, that a fit on earlier inspections needs."""
ARTICLE = 0.68
"""Share of the inadequate ratings that the article's model predicted, in sample."""


def three_indicators(panel: Panel, *, seed: int = 1, replicates: int = REPLICATES) -> Study:
    """Fit the three-indicator model to the years the study had and to later ones.

    Parameters
    ----------
    panel
        With the indicators of `TIMELINESS` and `OTHERS`.
    seed, replicates
        Of the bootstrap.

    Returns
    -------
    Study
        Tables `performance` (by sample, timeliness and how the predictions were made: in sample, leave one authority
        out, earlier to later; see `classification.performance`), `coefficients` (odds ratios per ten percentage
        points), `samples` (who is in which sample and what was known only after the fact) and `predictions`.

    Raises
    ------
    UsageError
        The panel lacks an indicator.
    """
    wanted = [key for keys in (*TIMELINESS.values(), *OTHERS.values()) for key in keys[:1]]
    if lost := [key for key in wanted if key not in panel.indicators]:
        raise UsageError(f"panel {panel.name}: no indicator {', '.join(lost)}; the study needs {', '.join(wanted)}")
    parts: dict[str, list[pd.DataFrame]] = {"performance": [], "coefficients": [], "samples": [], "predictions": []}
    for timeliness in TIMELINESS:
        data = model_data(panel, timeliness)
        complete = data[data["complete"]].reset_index(drop=True)
        onward = earlier_to_later(complete)
        for sample in (FIRST, LATER):
            labels = {"sample": sample, "timeliness": timeliness}
            parts["samples"].append(_sample(data[data["sample"] == sample]).assign(**labels))
            rows = complete[complete["sample"] == sample]
            if not _enough(rows["inadequate"].to_numpy()):
                continue
            parts["coefficients"].append(_odds(rows).assign(**labels))
            for how, made in _predictions(rows, onward).groupby("predicted", sort=False):
                score = performance(made, "inadequate", seed=seed, replicates=replicates)
                parts["performance"].append(score.assign(**labels, predicted=how))
                parts["predictions"].append(made.assign(**labels))
    tables = {name: _leading(tables) for name, tables in parts.items()}
    about = provenance(
        panel, study_years_end=LAST_OF_STUDY, article_sensitivity=ARTICLE, seed=seed, replicates=replicates,
        interval=INTERVAL,
    )  # fmt: skip
    title = "An inadequate rating predicted from timeliness, re-referrals and agency workers"
    return Study("three-indicators", title, tables, _words(tables), about)


def model_data(panel: Panel, timeliness: str) -> pd.DataFrame:
    """Inspections with their three indicators: on_time, re_referral and agency as shares, sample, inadequate.

    In the study's years a figure that nobody had published when the inspection started is replaced by the first that
    was published afterwards; in later years it is missing. `complete` tells whether all three are there.
    """
    inspections = overall_inspections(panel)
    first = inspections["start"] <= pd.Timestamp(LAST_OF_STUDY)
    out = known_at_start(inspections, panel, {ON_TIME: TIMELINESS[timeliness], **OTHERS}, first_if_none=first)
    return out.assign(
        sample=np.where(first, FIRST, LATER),
        inadequate=out["grade"] == len(panel.grades),
        complete=out[list(_names())].notna().all(axis=1),
    )


def leave_one_authority_out(rows: pd.DataFrame) -> pd.DataFrame:
    """Probability (`p`) of each inspection from a fit to all other authorities, and their share of events (`base`)."""
    own = rows.groupby("authority").groups
    return pd.concat([_predicted(rows.drop(index=mine), rows.loc[mine]) for mine in own.values()]).loc[rows.index]


def earlier_to_later(rows: pd.DataFrame) -> pd.DataFrame:
    """Probability of each inspection from a fit to those published before the year in which it started.

    NaN in the years before which there are fewer than `FEWEST` events or others.
    """
    parts = [pd.DataFrame({"p": np.nan, "base": np.nan}, index=rows.index[:0])]
    for year, own in rows.groupby(rows["start"].dt.year):
        past = rows[rows["publication"] < pd.Timestamp(int(str(year)), 1, 1)]
        if _enough(past["inadequate"].to_numpy()):
            parts.append(_predicted(past, own))
    return pd.concat(parts).reindex(rows.index)


def _predictions(rows: pd.DataFrame, onward: pd.DataFrame) -> pd.DataFrame:
    """Each inspection's probability and base rate, one row per way of predicting it that there is."""
    made = {
        "in sample": _predicted(rows, rows),
        "leave one out": leave_one_authority_out(rows),
        "earlier to later": onward.loc[rows.index],
    }
    kept = rows[["authority", "start", *_names(), "inadequate"]]
    return pd.concat([kept.assign(**p, predicted=how) for how, p in made.items()]).dropna(subset="p")


def _names() -> tuple[str, ...]:
    return (ON_TIME, *OTHERS)


def _enough(event: np.ndarray) -> bool:
    return bool(min(event.sum(), (~event).sum()) >= FEWEST)


def _model(rows: pd.DataFrame) -> Any:
    return sm.GLM(rows["inadequate"].to_numpy(dtype=float), _predictors(rows), family=sm.families.Binomial())


def _predictors(rows: pd.DataFrame) -> np.ndarray:
    shares = 100.0 / STEP * rows[list(_names())].to_numpy(dtype=float)
    return np.column_stack([np.ones(len(rows)), shares])


def _predicted(past: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    p = _model(past).fit().predict(_predictors(rows))
    return pd.DataFrame({"p": p, "base": past["inadequate"].mean()}, index=rows.index)


def _odds(rows: pd.DataFrame) -> pd.DataFrame:
    groups = pd.factorize(rows["authority"], sort=True)[0]
    fit = _model(rows).fit(cov_type="cluster", cov_kwds={"groups": groups})
    low, high = np.exp(fit.conf_int(alpha=1.0 - INTERVAL)).T
    table = pd.DataFrame(
        {
            "indicator": ["constant", *_names()],
            "odds_ratio": np.exp(fit.params),
            "odds_ratio_lower": low,
            "odds_ratio_upper": high,
        }
    )
    return table[table["indicator"] != "constant"]


def _sample(rows: pd.DataFrame) -> pd.DataFrame:
    used = rows[rows["complete"]]
    out: dict[str, Any] = {
        "inspections": len(rows),
        "complete": len(used),
        "inadequate": int(rows["inadequate"].sum()),
        "inadequate_complete": int(used["inadequate"].sum()),
        "first_start": used["start"].min(),
        "last_start": used["start"].max(),
    }
    out |= {f"{name}_after_the_fact": int(used[f"{name}_after"].sum()) for name in _names()}
    return pd.DataFrame([out])


def _leading(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """One table, what the rows are of in front."""
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=LEAD)
    lead = [name for name in LEAD if name in table]
    return table[[*lead, *(c for c in table.columns if c not in lead)]]


def _words(tables: dict[str, pd.DataFrame]) -> tuple[str, ...]:
    words = [
        "Inadequate, against all other overall grades; one row per inspection, figures as published when it started.",
        "The study's years: the panel's first workforce census is of 30 September 2015, published in February 2016, "
        "so agency workers are known only after every one of those inspections, and may follow from the rating. The "
        "same holds of assessments within 45 days before October 2014. What is said of those years describes; even "
        "where it is out of sample it could not have been used. The study itself had other vintages, which are not "
        "public.",
        "In sample a model is judged by what it was fitted to. Out of sample: leave one authority out, and fits to the "
        "inspections published before the year. A model that adds nothing has an AUC of 0.5 and a log score gain of 0.",
    ]
    shown = tables["performance"]
    if not shown.empty:
        at = shown["sample"].eq(FIRST) & shown["predicted"].eq("in sample") & shown["rule"].str.startswith("above")
        parts = [
            f"{r.timeliness}, p {r.rule}: {r.caught} of {r.events} ({r.sensitivity:.0%}), {r.false_positives} of "
            f"{r.inspections - r.events} others flagged"
            for r in records(shown[at])
        ]
        words.append(
            f"The article's {ARTICLE:.0%} is in sample; it tells neither the cut nor what is flagged in vain. Here, in "
            f"the study's years: {'; '.join(parts)}."
        )
    return tuple(words)
