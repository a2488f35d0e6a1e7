"""Is the posterior calibrated? Fit simulated panels, truths from the prior, and count.

    python benchmarks/calibration.py
    python benchmarks/calibration.py --preview --out benchmarks/calibration_preview.json

Each panel's recovery is kept as soon as it is fitted; the same command takes up where it stopped. The result goes to
calibration.json, and as a table to calibration.md, beside this file.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayes_csc.fit import CHAINS, DRAWS, PREVIEW_DRAWS, fit
from bayes_csc.next_recovery import next_recovery
from bayes_csc.recovery import DELTA, HYPERPARAMETERS, THETA, recovery, summary
from bayes_csc.simulate_ahead import NEXT, simulate_ahead
from bayes_csc_models.specs import spec
from bayes_csc_models.trajectory import trajectory

HERE = Path(__file__).resolve().parent
SIZE = ("authorities", "years", "indicators")
SETTINGS = (*SIZE, "spec", "seed", "draws", "chains", "preview")


def main() -> None:
    """Fit the panels that are still to do, then put all of them together."""
    options = parsed()
    settings = {name: getattr(options, name) for name in SETTINGS}
    work: Path = options.work
    work.mkdir(parents=True, exist_ok=True)
    same_settings(work / "settings.json", settings)
    for number in range(options.panels):
        path = work / f"panel-{number:03}.nc"
        if not path.is_file():
            started = time.monotonic()
            tree = one_panel(number, options)
            unfinished = path.with_suffix(".part")
            tree.to_netcdf(unfinished, engine="h5netcdf")
            unfinished.rename(path)
            failed = "" if tree.attrs["gate_passed"] else f"; its gate failed: {tree.attrs['failing']}"
            print(f"panel {number}: {time.monotonic() - started:.0f} s{failed}", flush=True)
    panels = [read(work / f"panel-{number:03}.nc") for number in range(options.panels)]
    result = {"settings": settings, "gate_failed": sum(not p.attrs["gate_passed"] for p in panels), **summary(panels)}
    options.out.write_text(json.dumps(rounded(result), indent=1) + "\n", encoding="utf-8")
    options.out.with_suffix(".md").write_text(table(result), encoding="utf-8")
    print(table(result))


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    numbers = {"panels": 20, "authorities": 60, "years": 10, "indicators": 6, "seed": 1}
    for name, default in (*numbers.items(), ("chains", CHAINS), ("cores", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--draws", type=int, help=f"Of a chain; {DRAWS}, or {PREVIEW_DRAWS} of a preview.")
    parser.add_argument("--preview", action="store_true", help="Previews: for P(decline) and P(next worse).")
    parser.add_argument("--spec", default="baseline")
    parser.add_argument("--work", type=Path, default=HERE.parent / "runs" / "calibration")
    parser.add_argument("--out", type=Path, default=HERE / "calibration.json")
    options = parser.parse_args()
    options.draws = options.draws or (PREVIEW_DRAWS if options.preview else DRAWS)
    return options


def same_settings(path: Path, settings: dict[str, Any]) -> None:
    """Refuse to mix panels of other settings with these."""
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != settings:
        raise SystemExit(f"{path.parent} holds panels of other settings; give another --work or remove it")
    path.write_text(json.dumps(settings) + "\n", encoding="utf-8")


def one_panel(number: int, options: argparse.Namespace) -> xr.DataTree:
    """Simulate, fit, and place the truth."""
    chosen, seed = spec(options.spec), 1000 * options.seed + number
    panel, truth = simulate_ahead(trajectory, chosen, seed=seed, **{name: getattr(options, name) for name in SIZE})
    run = fit(
        panel, trajectory, spec=chosen, seed=seed, draws=options.draws, chains=options.chains, cores=options.cores,
        preview=options.preview,
    )  # fmt: skip
    tree = recovery(run, truth)
    tree[NEXT] = xr.DataTree(next_recovery(run, trajectory, truth, cores=options.cores))
    tree.attrs = {
        "seed": seed,
        "gate_passed": int(run.gate.passed),
        "failing": "; ".join(run.gate.failing),
        "seconds": float(sum(run.record["seconds"].values())),
    }
    return tree


def read(path: Path) -> xr.DataTree:
    """Read one panel's recovery."""
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        return tree.load()


def rounded(value: Any) -> Any:
    """Round every number to four digits after the point."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value


def table(result: dict[str, Any]) -> str:
    """Lay the result out as Markdown."""
    size, quantities = result["settings"], result["quantities"]

    names = [THETA, DELTA, HYPERPARAMETERS, *(n for n in quantities if n not in (THETA, DELTA, HYPERPARAMETERS))]
    rows = [
        f"| {name} | {q['n']} | {cell(q['coverage_50'])} | {cell(q['coverage_89'])} | {cell(q['location'])} "
        f"| {cell(q['dispersion'])} |" + ("" if size["preview"] else f" {q.get('uniformity', np.nan):.2f} |")
        for name, q in ((name, quantities[name]) for name in names)
    ]
    ranks = ("", "") if size["preview"] else (" ranks, p |", "---|")
    return "\n".join(
        [
            "# Calibration",
            "",
            f"{result['panels']} simulated panels of {size['authorities']} authorities, {size['years']} years and "
            f"{size['indicators']} indicators; truths from the prior of the spec {size['spec']}; {size['chains']} "
            f"chains of {size['draws']} draws{' (previews)' * size['preview']}; seed {size['seed']}. "
            f"{result['gate_failed']} of the fits failed the gate; they are counted all the same. In brackets 95% "
            "bounds from the spread between panels. Calibrated is: coverage as named, location 0.5, dispersion 1 "
            "(more: too narrow)" + (", p value of the ranks not small." if ranks[0] else "."),
            "",
            f"| quantity | values a panel | covered by 50% | covered by 89% | location | dispersion |{ranks[0]}",
            f"|---|---|---|---|---|---|{ranks[1]}",
            *rows,
            "",
            *events("P(decline)", result["decline"]),
            *events(f"P(next grade worse), {result[NEXT]['forecasts']} inspections to come", result[NEXT]),
        ]
    )


def cell(estimate: dict[str, float]) -> str:
    """Write a mean with its bounds."""
    return f"{estimate['mean']:.3f} ({estimate['lower']:.3f} to {estimate['upper']:.3f})"


def events(name: str, found: dict[str, Any]) -> list[str]:
    """Lay out how forecasts of an event came true."""
    bins = [
        f"| {b['n']} | {b['forecast']:.3f} | {b['frequency']:.3f} | {b['lower']:.3f} to {b['upper']:.3f} "
        f"| {'inside' if b['inside'] else 'outside'} |"
        for b in found["reliability"]
    ]
    return [
        f"{name}: base rate {cell(found['base_rate'])}, more than forecast by {cell(found['excess'])}; Brier score "
        f"{cell(found['brier'])}, better than the best constant forecast by {cell(found['brier_gain'])}.",
        "",
        "| forecasts | mean forecast | frequency | consistency band | |",
        "|---|---|---|---|---|",
        *bins,
        "",
    ]


if __name__ == "__main__":
    main()
