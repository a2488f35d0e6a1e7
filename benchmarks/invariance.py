"""What noise that a user adds as indicators of their own does to England's answer: it should do nothing.

    python benchmarks/invariance.py run [--seeds 20] [--case NAME ...]     resumable: a line of JSON for each fit
    python benchmarks/invariance.py table                                  writes benchmarks/invariance.md

Each case adds indicators that know nothing of quality to the embedded panel: counts whose logits are a level and noise,
which a case's indicators have in common but for a small error. Each fit is 4 chains of 100 draws, of the seed of its
noise, and is compared with a fit of England without them of the same seed. `net` takes off what two seeds of England's
own fit differ by: the median of their largest |change of P(decline)| in the group.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from markdown_table import markdown
from scipy.special import expit

from bayes_csc.errors import BayesCscError
from bayes_csc.estimates.decline import decline
from bayes_csc.files.embedded_data import data_dir
from bayes_csc.inference.fit import Fit, fit
from bayes_csc.panel.panel import Panel
from bayes_csc_models.trajectory import trajectory

HERE = Path(__file__).parent
RESULTS, TABLE = HERE / "invariance.jsonl", HERE / "invariance.md"
TEMPLATE, YEARS, ERROR_SD, NOISE_SD = "agency", range(2015, 2026), 0.1, 0.8
DRAWS = 100


@dataclass(frozen=True)
class Case:
    """Indicators that are noise: how it moves, the domain of each indicator, and out of how many units they count."""

    noise: str
    domains: tuple[str, ...]
    units: int = 1000


CASES = {
    "one, a random walk": Case("random walk", ("x",)),
    "two of one domain": Case("random walk", ("x", "x")),
    "five of one domain": Case("random walk", ("x",) * 5),
    "two domains of two": Case("random walk", ("x", "x", "y", "y")),
    "two, white noise": Case("white", ("x", "x")),
    "two, a constant per authority": Case("constant", ("x", "x")),
    "two, a regional pattern": Case("regional", ("x", "x")),
    "two, very precise": Case("random walk", ("x", "x"), 100_000),
    "two, very noisy": Case("random walk", ("x", "x"), 20),
    "near-copies in two domains": Case("random walk", ("x", "y")),
}


def noise(kind: str, panel: Panel, authority: pd.Index, rng: np.random.Generator) -> np.ndarray:
    """Noise (authority, year) of sd `NOISE_SD` on average over the years."""
    n, t = len(authority), len(YEARS)
    if kind == "random walk":
        path = np.cumsum(rng.standard_normal((n, t)), axis=1)
    elif kind == "white":
        path = rng.standard_normal((n, t))
    elif kind == "constant":
        path = np.repeat(rng.standard_normal((n, 1)), t, axis=1)
    else:
        region = panel.authorities.region[authority].factorize()[0]
        path = np.cumsum(rng.standard_normal((region.max() + 1, t)), axis=1)[region]
    return np.asarray(NOISE_SD * path / path.std())


def with_noise(panel: Panel, case: Case, seed: int) -> Panel:
    """The panel with a case's indicators beside its own; two of one domain share their noise, and so do all."""
    rng = np.random.default_rng([seed, *map(ord, case.noise)])
    like = panel.cells[(panel.cells.indicator == TEMPLATE) & panel.cells.year.isin(YEARS)]
    authority = pd.Index(like.authority.unique())
    authority = authority[authority.isin(panel.authorities.index)]
    paths = {d: noise(case.noise, panel, authority, rng) for d in dict.fromkeys(case.domains)}
    if case.domains == ("x", "y"):
        paths["y"] = paths["x"]
    parts, indicators = [], dict(panel.indicators)
    place = {code: i for i, code in enumerate(authority)}
    like = like[like.authority.isin(authority)]
    a, t = like.authority.map(place).to_numpy(), like.year.to_numpy() - YEARS[0]
    for i, domain in enumerate(case.domains):
        key = f"noise_{i + 1}"
        logit = -1.0 + paths[domain][a, t] + ERROR_SD * rng.standard_normal(len(like))
        count = rng.binomial(case.units, expit(logit)).astype(float)
        cells = like.assign(
            indicator=key, numerator=count, denominator=float(case.units), value=count / case.units, status="observed",
            lower=np.nan, upper=np.nan,
        )  # fmt: skip
        parts.append(cells)
        indicators[key] = replace(panel.indicators[TEMPLATE], key=key, label=key, domain=f"noise {domain}")
    return replace(panel, cells=pd.concat([panel.cells, *parts], ignore_index=True), indicators=indicators)


def answer(run: Fit) -> tuple[pd.Series, pd.DataFrame]:
    """P(decline) of the group, and theta's posterior mean (authority, year)."""
    table = decline(run, force=True)
    table = table.set_index(table.columns[0])
    return table.p_decline, run.posterior.theta.mean(("chain", "draw")).to_pandas()


def differences(a: tuple[pd.Series, pd.DataFrame], b: tuple[pd.Series, pd.DataFrame]) -> dict[str, float]:
    """Largest and mean |change of P(decline)|, and root mean square change of theta in sds between authorities."""
    p = (a[0] - b[0]).abs()
    move = (a[1] - b[1]).to_numpy()
    return {
        "largest": float(p.max()), "mean": float(p.mean()),
        "theta": float(np.sqrt(np.nanmean(move**2)) / np.nanstd(b[1].to_numpy())),
    }  # fmt: skip


def run_all(seeds: Iterable[int], cases: Iterable[str], draws: int) -> None:
    """Fit what has not been fitted yet."""
    panel = Panel.read(data_dir("england"))
    done = {(r["case"], r["seed"]) for r in read()}
    for seed in seeds:
        todo = [name for name in cases if (name, seed) not in done]
        if not todo and ("none", seed) in done:
            continue
        base = answer(fit(panel, trajectory, seed=seed, draws=draws))
        np.savez(HERE / f".invariance-{seed}.npz", p=base[0].to_numpy(), theta=base[1].to_numpy())
        for name in todo:
            line = {"case": name, "seed": seed}
            try:
                run = fit(with_noise(panel, CASES[name], seed), trajectory, seed=seed, draws=draws)
                line |= differences(answer(run), base) | {"passed": run.gate.passed, "rhat": run.gate.rhat}
            except BayesCscError as error:
                line |= {"refused": str(error)}
            write(line)
        for other in seeds:
            kept = HERE / f".invariance-{other}.npz"
            if other != seed and kept.exists():
                held = np.load(kept)
                theta = pd.DataFrame(held["theta"], base[1].index, base[1].columns)
                write(
                    {"case": "none", "seed": seed, "other": other}
                    | differences((pd.Series(held["p"], base[0].index), theta), base)
                )


def write(line: dict[str, object]) -> None:
    """Keep one fit's line."""
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    print(line, flush=True)


def read() -> list[dict[str, object]]:
    """All lines that are kept."""
    return [json.loads(t) for t in RESULTS.read_text(encoding="utf-8").splitlines()] if RESULTS.exists() else []


def table(lines: list[dict[str, object]]) -> pd.DataFrame:
    """A row a case: fits, the quantiles of the largest change over seeds, net of two seeds' own, and theta's change."""
    own = pd.DataFrame([r for r in lines if r["case"] == "none"])
    between = float(own.largest.median())
    rows = []
    for name in CASES:
        mine = pd.DataFrame([r for r in lines if r["case"] == name])
        if mine.empty:
            continue
        refused = int(mine.refused.notna().sum()) if "refused" in mine else 0
        largest = mine.largest.dropna()
        rows.append(
            {
                "case": name, "fits": len(mine), "refused": refused,
                "median": f"{largest.median():.3f}", "95th percentile": f"{largest.quantile(0.95):.3f}",
                "net median": f"{max(largest.median() - between, 0.0):.3f}",
                "net 95th": f"{max(largest.quantile(0.95) - between, 0.0):.3f}",
                "mean over the group": f"{mine['mean'].mean():.3f}", "theta, rms in sds": f"{mine.theta.median():.3f}",
            }
        )  # fmt: skip
    rows.append({"case": "nothing added, another seed", "fits": len(own), "refused": 0,
                 "median": f"{between:.3f}", "95th percentile": f"{own.largest.quantile(0.95):.3f}",
                 "net median": "", "net 95th": "", "mean over the group": f"{own['mean'].mean():.3f}",
                 "theta, rms in sds": f"{own.theta.median():.3f}"})  # fmt: skip
    return pd.DataFrame(rows)


def main() -> None:
    """Run, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "table"])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--case", nargs="*", default=list(CASES))
    options = parser.parse_args()
    if options.what == "run":
        run_all(range(1, options.seeds + 1), options.case, options.draws)
    text = (
        "# What added noise does\n\nLargest |change of P(decline)| in the group that requires improvement, over seeds; "
        f"each fit 4 chains of {options.draws} draws (`python benchmarks/invariance.py`).\n\n"
    )
    TABLE.write_text(text + markdown(table(read())) + "\n", encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
