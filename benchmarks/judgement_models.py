"""Candidates for the judgement model, held to the rule that was fixed before they were compared.

    python benchmarks/judgement_models.py run [SEED…]     forecasts of each candidate at each origin, kept in runs/
    python benchmarks/judgement_models.py select          the rule on the mean over the seeds; writes
                                                          judgement_models.md

The candidates, in the order of simplicity that `docs/preregistration.md` states, and the rule,
`bayes_csc.evaluation.backtest.scoring.selection`. Pools are made of the means over the seeds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from markdown_table import markdown

from bayes_csc import Panel
from bayes_csc.evaluation.backtest.forecasters.all_forecasters import latent_forecasters
from bayes_csc.evaluation.backtest.forecasters.base_rate import BaseRate
from bayes_csc.evaluation.backtest.forecasters.pool import Parts, pool_name, pooled
from bayes_csc.evaluation.backtest.forecasters.transition import Transition
from bayes_csc.evaluation.backtest.run import backtest
from bayes_csc.evaluation.backtest.scoring.selection import Rule, averaged, chosen_by_earlier_origins, select
from bayes_csc.evaluation.dask_jobs import dask_client
from bayes_csc.files.embedded_data import data_dir
from bayes_csc.spec import Spec
from bayes_csc_models import trajectory

HERE = Path(__file__).parent
KEPT = HERE.parent / "runs" / "judgement_models"
SEEDS = (1, 2, 3)
STATE = {"previous": "effect", "common": "share"}
CANDIDATES = {
    "baseline": {},
    "drift": {"drift_sd": 0.1},
    "previous grade": STATE,
    "previous grade and drift": STATE | {"drift_sd": 0.1},
    "cutpoints by previous grade": STATE | {"drift_sd": 0.1, "previous": "cutpoints"},
    "covariates": STATE | {"drift_sd": 0.1, "covariates": ["agency", "agency change", "assessment_within_45_days"]},
}
"""Models by name, the simplest first: what they have in `ratings` that the baseline of before had not."""
OLD = {"drift_sd": 0.0, "previous": "none", "common": "separate", "covariates": []}
TABLE, TRANSITIONS = BaseRate().name, Transition().name


def specs() -> list[Spec]:
    """The specs of the candidates that are models."""
    return [Spec(name=name).updated({"ratings": OLD | changes}) for name, changes in CANDIDATES.items()]


def pools() -> list[Parts]:
    """Each model with the plain table and with the transition model."""
    return [(name, other) for name in CANDIDATES for other in (TABLE, TRANSITIONS)]


def rule() -> Rule:
    """The rule, with the candidates in order: each model, then its pools."""
    order = [TABLE, TRANSITIONS]
    for name in CANDIDATES:
        order += [name, *(pool_name(parts) for parts in pools() if parts[0] == name)]
    return Rule(tuple(order), "baseline", {pool_name(parts): parts[0] for parts in pools()}, 3)


def run(seeds: list[int]) -> None:
    """Forecast at every origin with each seed, and keep the rows."""
    panel = Panel.read(data_dir())
    KEPT.mkdir(parents=True, exist_ok=True)
    forecasters = [*latent_forecasters(trajectory, specs()), BaseRate(), Transition()]
    for seed in seeds:
        with dask_client(None, workers=2) as client:
            done = backtest(
                panel, forecasters, client, seed=seed, checkpoint=KEPT / f"seed-{seed}.partial", resume=True
            )
        done.rows[done.rows.forecaster.isin([f.name for f in forecasters])].to_pickle(KEPT / f"seed-{seed}.pickle")
        print(f"seed {seed} done", flush=True)
        for name in CANDIDATES:
            answers = done.metadata["forecasters"][name]["answers"]
            print(
                f"  {name}: checks failed at {[o[:4] for o, a in answers.items() if not a['gate_passed']]}", flush=True
            )


def chosen() -> None:
    """Hold the candidates to the rule and write what came of it."""
    paths = sorted(KEPT.glob("seed-*.pickle"))
    runs = [pd.read_pickle(path) for path in paths]
    columns = [name for name in runs[0].columns if str(name).startswith("p_grade_")]
    mean = averaged(runs, columns)
    rows = mean
    for parts in pools():
        rows = pd.concat([rows, pooled(mean, columns, parts)[0]], ignore_index=True)
    found = select(rows, columns, rule())
    table = found.table.round(4)
    print(table.to_string())
    print("choice:", found.choice)
    print(chosen_by_earlier_origins(rows, columns, rule()))
    text = f"# Candidates for the judgement model\n\n`python benchmarks/judgement_models.py`, {len(paths)} seeds.\n\n"
    text += f"{markdown(table.reset_index())}\n\nChoice by the rule: **{found.choice}**.\n"
    (HERE / "judgement_models.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["run", "select"])
    parser.add_argument("seeds", nargs="*", type=int, default=list(SEEDS))
    asked = parser.parse_args()
    if asked.what == "run":
        run(asked.seeds)
    else:
        chosen()
