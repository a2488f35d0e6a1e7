"""Which of England's domains share a deviation, held to the backtest's rule.

    python benchmarks/domains.py run [SEED…]     forecasts of each candidate at each origin, kept in runs/
    python benchmarks/domains.py select          the rule on the mean over the seeds; writes domains.md

The baseline shares a deviation in every domain of two or more indicators. Candidates leave domains out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from markdown_table import markdown

from bayes_csc import Panel
from bayes_csc.evaluation.backtest.forecasters.all_forecasters import latent_forecasters
from bayes_csc.evaluation.backtest.run import backtest
from bayes_csc.evaluation.backtest.scoring.selection import Rule, averaged, select
from bayes_csc.evaluation.dask_jobs import dask_client
from bayes_csc.files.embedded_data import data_dir
from bayes_csc.spec import Spec
from bayes_csc_models import trajectory

HERE = Path(__file__).parent
KEPT = HERE.parent / "runs" / "domains"
SEEDS = (1, 2)
CANDIDATES = {
    "every domain": (),
    "without referral": ("referral",),
    "without protection": ("protection",),
    "without referral and protection": ("referral", "protection"),
}
"""Domains that do not share a deviation, by name."""


def run(seeds: list[int]) -> None:
    """Forecast at every origin with each seed, and keep the rows."""
    panel = Panel.read(data_dir())
    KEPT.mkdir(parents=True, exist_ok=True)
    specs = [Spec(name=name).updated({"measurement": {"unshared": left}}) for name, left in CANDIDATES.items()]
    for seed in seeds:
        with dask_client(None, workers=2) as client:
            done = backtest(
                panel, latent_forecasters(trajectory, specs), client, seed=seed,
                checkpoint=KEPT / f"seed-{seed}.partial", resume=True,
            )  # fmt: skip
        done.rows[done.rows.forecaster.isin(list(CANDIDATES))].to_pickle(KEPT / f"seed-{seed}.pickle")
        print(f"seed {seed} done", flush=True)


def chosen() -> None:
    """Apply the rule and write the table."""
    runs = [pd.read_pickle(path) for path in sorted(KEPT.glob("seed-*.pickle"))]
    columns = [name for name in runs[0].columns if str(name).startswith("p_grade_")]
    found = select(averaged(runs, columns), columns, Rule(tuple(CANDIDATES), "every domain", {}, 3))
    seeds = len(runs)
    text = (
        "# Which of England's domains share a deviation\n\nThe backtest's rule (`backtest.scoring.selection`), "
        f"probabilities averaged over {seeds} seeds: gains in the mean log score over the baseline, every domain "
        f"sharing one (`python benchmarks/domains.py`).\n\n{markdown(found.table.round(4).reset_index())}\n\n"
        f"Chosen: {found.choice}.\n"
    )
    (HERE / "domains.md").write_text(text, encoding="utf-8")
    print(text)


def main() -> None:
    """Run or select."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "select"])
    parser.add_argument("seeds", nargs="*", type=int, default=list(SEEDS))
    options = parser.parse_args()
    run(options.seeds) if options.what == "run" else chosen()


if __name__ == "__main__":
    main()
