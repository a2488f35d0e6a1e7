"""Whether a default fit passes its checks whatever the seed: England and three simulated panels.

    python benchmarks/seeds.py                                    all that is still to do; two minutes a fit of England
    python benchmarks/seeds.py --panels England --seeds 1 3

Each fit is a line of runs/seeds.jsonl as soon as it is done, and the same command takes up where it stopped; the table
goes to seeds.md, beside this file.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pandas as pd
from markdown_table import markdown

from bayes_csc import Panel, Spec
from bayes_csc.files.embedded_data import data_dir
from bayes_csc.inference.fit import fit
from bayes_csc.simulation.simulate import simulate
from bayes_csc_models.trajectory import trajectory

HERE = Path(__file__).resolve().parent
SIMULATED = {
    "40 authorities": {"authorities": 40, "years": 8, "indicators": 5, "seed": 11},
    "80 authorities": {"authorities": 80, "years": 10, "indicators": 8, "seed": 12},
    "150 authorities": {"authorities": 150, "years": 13, "indicators": 12, "seed": 13},
}


def main() -> None:
    """Fit what is still to do, then lay out all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--panels", nargs="+", default=["England", *SIMULATED], choices=["England", *SIMULATED])
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(1, 21)))
    parser.add_argument("--work", type=Path, default=HERE.parent / "runs" / "seeds.jsonl")
    options = parser.parse_args()
    options.work.parent.mkdir(parents=True, exist_ok=True)
    done = read(options.work)
    for name in options.panels:
        given = panel(name)
        known = {(line["panel"], line["hash"], line["seed"]) for line in done}
        for seed in (s for s in options.seeds if (name, given.hash, s) not in known):
            done.append(one(name, given, seed))
            print(json.dumps(done[-1]), flush=True)
            with options.work.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(done[-1]) + "\n")
    text = table(pd.DataFrame(done))
    (HERE / "seeds.md").write_text(text, encoding="utf-8")
    print(text)


def read(path: Path) -> list[dict[str, Any]]:
    """Read the fits that are done; a line cut short by a kill is left out."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []
    return [json.loads(line) for line in lines if line.endswith("}\n")]


def panel(name: str) -> Panel:
    """England as embedded, or a simulated panel with sub-judgements."""
    if name == "England":
        return Panel.read(data_dir())
    return simulate(trajectory, Spec(), judged=True, **SIMULATED[name])[0]


def one(name: str, given: Panel, seed: int) -> dict[str, Any]:
    """Fit as `bayescsc fit` does by default, and keep the verdict."""
    run = fit(given, trajectory, seed=seed)
    seconds = sum(run.record["seconds"].values())
    head = {"panel": name, "hash": given.hash, "seed": seed, "draws": run.record["draws"], "seconds": round(seconds, 1)}
    return head | run.gate.summary()


def table(done: pd.DataFrame) -> str:
    """Lay the result out as Markdown."""
    rows = []
    for name, part in done.groupby("panel", sort=False):
        draws = ", ".join(f"{n} of {d}" for d, n in part.draws.value_counts().sort_index().items())
        rows.append(
            {
                "panel": name, "passed": f"{part.passed.sum()} of {len(part)}", "fits of draws a chain": draws,
                "seconds, median (most)": f"{part.seconds.median():.0f} ({part.seconds.max():.0f})",
                "largest R-hat": f"{part.rhat.max():.4f}", "least bulk ESS": f"{part.ess_bulk.min():.0f}",
                "least tail ESS": f"{part.ess_tail.min():.0f}", "divergences": part.divergences.sum(),
            }
        )  # fmt: skip
    wrong = [f"- {r.panel}, seed {r.seed}: {'; '.join(r.failing)}. {r.advice}" for r in done[~done.passed].itertuples()]
    head = "Full fits by default (`benchmarks/seeds.py`), each seed once, failures below."
    return "\n".join(["# Every seed", "", head, "", markdown(pd.DataFrame(rows)), "", *wrong, *([""] if wrong else [])])


if __name__ == "__main__":
    main()
