"""The registered check of `docs/preregistration.md`: forecasts as of 31 March 2025 beside the inspections since.

    python benchmarks/registered_check.py        writes registered_check.md

It needs a panel with the inspections that started after that day (`bayescsc data build --date 2025-12-31`).
"""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from markdown_table import markdown

from bayes_csc import Panel
from bayes_csc.estimates.forecast.next_grade import NextGrade, next_grade
from bayes_csc.evaluation.backtest.forecasters.all_forecasters import latent_forecasters, rivals
from bayes_csc.evaluation.backtest.forecasters.base_rate import BaseRate
from bayes_csc.evaluation.backtest.forecasters.latent import preview_of
from bayes_csc.evaluation.backtest.forecasters.transition import Transition
from bayes_csc.evaluation.backtest.known import known_at
from bayes_csc.evaluation.backtest.run import backtest
from bayes_csc.evaluation.backtest.scoring.scores import brier, log_score, ranked_probability_score
from bayes_csc.evaluation.backtest.summary import chance_of_worse, resampled
from bayes_csc.evaluation.dask_jobs import dask_client
from bayes_csc.evaluation.forecast.pooled_forecast import transition_chances
from bayes_csc.files.embedded_data import data_dir
from bayes_csc.measurement.judgements.inspection_rates import Reinspection
from bayes_csc.panel.panel import OVERALL
from bayes_csc_models import trajectory
from bayes_csc_models.specs import spec as read_spec

HERE = Path(__file__).parent
ORIGIN, HORIZON, SEEDS = datetime.date(2025, 3, 31), 12, (1, 2, 3)
MIDDLE = (pd.Timestamp(ORIGIN) + pd.DateOffset(months=HORIZON // 2)).date()
INTERVAL = 0.89
MODEL, OTHER, WEIGHT = "baseline", Transition().name, 0.430
"""What the rule chose, and the model's weight in the pool from outcomes that were published by the origin."""
POOL = f"{MODEL} + {OTHER}"


def overall_forecasts(panel: Panel) -> pd.DataFrame:
    """Rows of a backtest at the one origin, the mean of three seeds, with the pool."""
    columns = [f"p_grade_{g}" for g in range(1, len(panel.grades) + 1)]
    specs = [read_spec(MODEL), read_spec(str(HERE / "before.toml"))]
    forecasters = [*latent_forecasters(trajectory, specs), *rivals(trajectory, specs[0])]
    runs = []
    for seed in SEEDS:
        with dask_client(None, workers=2) as client:
            runs.append(backtest(panel, forecasters, client, origins=[ORIGIN], horizons=(HORIZON,), seed=seed).rows)
    rows = pd.concat(runs).groupby(["forecaster", "authority"], sort=False)[columns].mean()
    about = runs[0].drop_duplicates("authority").set_index("authority")[["name", "start", "previous", "grade"]]
    rows = rows.reset_index().join(about, on="authority")
    part = {name: rows[rows.forecaster == name].set_index("authority") for name in (MODEL, OTHER)}
    pool = part[MODEL].assign(forecaster=POOL)
    pool[columns] = WEIGHT * part[MODEL][columns] + (1.0 - WEIGHT) * part[OTHER][columns]
    return pd.concat([pool.reset_index(), rows], ignore_index=True)


def domain_forecasts(panel: Panel) -> dict[str, tuple[NextGrade, np.ndarray]]:
    """P(grade) of each domain (authority, item, grade) by the model, past transitions, the plain table and the pool."""
    known, model, found = known_at(panel, ORIGIN), [], None
    for seed in SEEDS:
        run = preview_of(known, trajectory, read_spec(MODEL), seed)
        found = next_grade(
            run, trajectory, Reinspection.of(known), date=MIDDLE, given_now=False, without=False, cores=2
        )  # fmt: skip
        model.append(found.marginal.domain.mean(axis=0))
    out = {MODEL: (found, np.mean(model, axis=0))}
    for name in (OTHER, BaseRate().name):
        out[name] = (found, transition_chances(known, found, name, seed=1).domain[0])
    out[POOL] = (found, WEIGHT * out[MODEL][1] + (1.0 - WEIGHT) * out[OTHER][1])
    return out


def domain_scores(panel: Panel, came: pd.DataFrame) -> pd.DataFrame:
    """Mean log score over the domains judged of each inspection (authority, forecaster)."""
    rows = panel.inspections[panel.inspections.domain != OVERALL].merge(
        came[["authority", "start"]], left_on=["authority", "start_date"], right_on=["authority", "start"]
    )
    scores = {}
    for name, (found, p) in domain_forecasts(panel).items():
        own = rows[rows.domain.isin(found.item)]
        at = [found.authority.index(code) for code in own.authority]
        item = [found.item.index(domain) for domain in own.domain]
        log = np.log(p[at, item, own.grade.to_numpy(dtype=int) - 1])
        scores[name] = pd.Series(log, index=own.authority.to_numpy()).groupby(level=0).mean()
    return pd.DataFrame(scores)


def interval(values: np.ndarray, cluster: np.ndarray) -> str:
    """A mean with its interval by drawing authorities."""
    weight = resampled(cluster, 1)
    drawn = weight @ values / weight.sum(axis=1)
    lower, upper = np.quantile(drawn, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2])
    return f"{values.mean():+.3f} ({lower:+.3f} to {upper:+.3f})"


def main() -> None:
    """Run the check and write it."""
    panel = Panel.read(data_dir())
    rows = overall_forecasts(panel)
    columns = [name for name in rows if str(name).startswith("p_grade_")]
    lines, logs = [], {}
    for name, own in rows.groupby("forecaster", sort=False):
        own = own.sort_values("authority")
        p, grade, one = own[columns].to_numpy(), own.grade.to_numpy(dtype=int), np.ones(len(own))
        worse = chance_of_worse(own, columns)
        there = worse.notna().to_numpy()
        event = (own.grade > own.previous).to_numpy()[there]
        logs[name] = np.log(p[np.arange(len(p)), grade - 1])
        lines.append(
            {
                "forecaster": name, "log score": f"{log_score(p, grade, one):.3f}",
                "RPS": f"{ranked_probability_score(p, grade, one):.3f}",
                "Brier, worse": f"{brier(worse[there].to_numpy(), event, np.ones(event.size)):.3f}",
                "expected and came worse": f"{worse.sum():.1f}, {event.sum()}",
                "pool less it, log score": "" if name == POOL else interval(logs[POOL] - logs[name], np.arange(len(p))),
            }
        )  # fmt: skip
    came = rows[rows.forecaster == POOL]
    domains = domain_scores(panel, came)
    sub = [
        {"forecaster": name, "sub-judgements, log score": f"{domains[name].mean():.3f}",
         "pool less it": "" if name == POOL else interval((domains[POOL] - domains[name]).to_numpy(), domains.index)}
        for name in domains
    ]  # fmt: skip
    before = pd.crosstab(came.previous.fillna(0).astype(int), came.grade)
    text = "\n\n".join(
        [
            "# Registered check", f"Forecasts as of {ORIGIN} of {len(came)} inspections that started since; panel "
            f"`{panel.hash[:12]}`. Intervals of 89% by drawing authorities.", markdown(pd.DataFrame(lines)),
            markdown(pd.DataFrame(sub)), "Previous grade (rows) and grade (columns), 1 the best:",
            markdown(before.rename_axis("before").reset_index()),
        ]
    )  # fmt: skip
    (HERE / "registered_check.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
