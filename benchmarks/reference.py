"""The full posterior and previews against a long reference run; `reference.json` and `accuracy.md` are what it wrote.

python benchmarks/reference.py make     the reference: 10 chains of 2,000 draws, some minutes
python benchmarks/reference.py check    a full fit and previews of several seeds against it
"""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from bayes_csc import Fit, Panel, fit
from bayes_csc.estimates.decline import decline
from bayes_csc.files.embedded_data import data_dir
from bayes_csc.inference.fit import preview
from bayes_csc_models import trajectory

HERE = Path(__file__).parent
REFERENCE, ACCURACY = HERE / "reference.json", HERE / "accuracy.md"
LEVELS = (0.05, 0.5, 0.95)
app = typer.Typer(add_completion=False)


def summary(run: Fit) -> dict[str, Any]:
    """Means, sds and quantiles of the hyperparameters and theta now; probabilities of decline of all authorities."""
    posterior = run.posterior.assign(theta_now=run.posterior.theta.isel(year=-2, drop=True)).drop_vars("theta")
    out = {}
    for name, draws in posterior.data_vars.items():
        flat = draws.to_numpy().reshape(draws.sizes["chain"] * draws.sizes["draw"], -1)
        values = [flat.mean(axis=0), flat.std(axis=0), *np.quantile(flat, LEVELS, axis=0)]
        out[str(name)] = np.round(np.stack(values), 6).tolist()
    table = decline(run, "all", force=True).set_index("authority").p_decline.dropna()
    return {"quantities": out, "p_decline": table.round(6).to_dict()}


def distance(run: Fit, reference: dict[str, Any]) -> dict[str, float]:
    """How far a run is from the reference: in probabilities, and in posterior sds of all quantities."""
    found = summary(run)
    p = (pd.Series(found["p_decline"]) - pd.Series(reference["p_decline"])).abs()
    mean_gap, sd_ratio = [], []
    for name, known in reference["quantities"].items():
        a, b = np.array(found["quantities"][name]), np.array(known)
        moves = b[1] > 1e-9
        mean_gap.append((np.abs(a[0] - b[0]) / np.maximum(b[1], 1e-12))[moves])
        sd_ratio.append((a[1] / np.maximum(b[1], 1e-12))[moves])
    gaps, ratios = np.concatenate(mean_gap), np.concatenate(sd_ratio)
    return {
        "p_95": float(p.quantile(0.95)), "p_max": float(p.max()),
        "mean_rms": float(np.sqrt(np.nanmean(gaps**2))), "mean_max": float(np.nanmax(gaps)),
        "sd_low": float(np.nanquantile(ratios, 0.01)), "sd_high": float(np.nanquantile(ratios, 0.99)),
    }  # fmt: skip


@app.command()
def make(chains: int = 10, draws: int = 2000, seed: int = 2024) -> None:
    """Run the reference on the embedded England panel and keep its summary."""
    run = fit(Panel.read(data_dir("england")), trajectory, seed=seed, chains=chains, draws=draws, progress=None)
    about = {**run.provenance(), "chains": chains, "draws": draws, "diagnostics": run.gate.summary()}
    REFERENCE.write_text(json.dumps(about | summary(run)) + "\n", encoding="utf-8")
    typer.echo(f"Wrote {REFERENCE.name}: R-hat {run.gate.rhat:.4f}, ESS {run.gate.ess_bulk:.0f}")


@app.command()
def check(seeds: Annotated[int, typer.Option(help="Previews.")] = 5) -> None:
    """Compare a full fit and previews with the reference, and write accuracy.md."""
    reference, panel = json.loads(REFERENCE.read_text(encoding="utf-8")), Panel.read(data_dir("england"))
    if reference["panel_hash"] != panel.hash:
        raise typer.BadParameter("the reference is of another panel; make it again")
    rows = []
    for kind, seed in [("full", 1), *(("preview", seed) for seed in range(1, seeds + 1))]:
        began = time.monotonic()
        run = (preview if kind == "preview" else fit)(panel, trajectory, seed=seed)
        seconds = time.monotonic() - began
        table = decline(run, "all", force=True)
        rows.append(
            {"run": f"{kind}, seed {seed}", "seconds": seconds, "gate": "passed" if run.gate.passed else "failed"}
            | distance(run, reference)
            | {"error said": float(table.p_decline_mcse.max())}
        )
        typer.echo(rows[-1])
    ACCURACY.write_text(report(rows, reference), encoding="utf-8")


def report(rows: list[dict[str, Any]], reference: dict[str, Any]) -> str:
    """Return the table as Markdown."""
    versions = ", ".join(f"{k} {v}" for k, v in reference["versions"].items())
    diagnostics = reference["diagnostics"]
    head = (
        "# Accuracy\n\nA full fit and previews of the England panel against a long run "
        f"({reference['chains']} chains of {reference['draws']} draws, R-hat {diagnostics['rhat']:.4f}, at least "
        f"{diagnostics['ess_bulk']:.0f} effective draws; `reference.json`). P: absolute difference of P(decline) of "
        "all authorities with an inspection. Means: differences of posterior means, of hyperparameters and theta, in "
        "posterior sds. Sds: 1st and 99th percentile of ratios. Said: the largest standard error that the run's own "
        "table states.\n\n"
        "| run | seconds | gate | P, 95% | P, worst | said | means, rms | means, worst | sds |\n"
        f"{'|---' * 9}|\n"
    )
    body = "".join(line(r) for r in rows)
    return f"{head}{body}\nSeconds are of the fit alone, warm, on {platform.machine()}, two cores. {versions}.\n"


def line(row: dict[str, Any]) -> str:
    """Return a row of the table."""
    return (
        f"| {row['run']} | {row['seconds']:.1f} | {row['gate']} | {row['p_95']:.4f} | {row['p_max']:.4f} | "
        f"{row['error said']:.4f} | {row['mean_rms']:.3f} | {row['mean_max']:.3f} | "
        f"{row['sd_low']:.2f} to {row['sd_high']:.2f} |\n"
    )


if __name__ == "__main__":
    app()
