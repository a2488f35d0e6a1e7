"""Is the posterior calibrated? Fit simulated panels, truths from the prior, and count.

    python benchmarks/calibration.py

Each panel's recovery is kept as soon as it is fitted; the same command takes up where it stopped. The result goes to
calibration.json, and as a table to calibration.md, beside this file.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import xarray as xr

from bayes_csc.fit import CHAINS, DRAWS, fit
from bayes_csc.recovery import DELTA, HYPERPARAMETERS, THETA, recovery, summary
from bayes_csc.simulate import simulate
from bayes_csc_models.specs import spec
from bayes_csc_models.trajectory import trajectory

HERE = Path(__file__).resolve().parent
SIZE = ("authorities", "years", "indicators")
SETTINGS = (*SIZE, "spec", "seed", "draws", "chains")


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
    numbers = {"panels": 20, "authorities": 60, "years": 10, "indicators": 6, "seed": 1, "draws": DRAWS}
    for name, default in (*numbers.items(), ("chains", CHAINS), ("cores", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--spec", default="baseline")
    parser.add_argument("--work", type=Path, default=HERE.parent / "runs" / "calibration")
    parser.add_argument("--out", type=Path, default=HERE / "calibration.json")
    return parser.parse_args()


def same_settings(path: Path, settings: dict[str, Any]) -> None:
    """Refuse to mix panels of other settings with these."""
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != settings:
        raise SystemExit(f"{path.parent} holds panels of other settings; give another --work or remove it")
    path.write_text(json.dumps(settings) + "\n", encoding="utf-8")


def one_panel(number: int, options: argparse.Namespace) -> xr.DataTree:
    """Simulate, fit, and place the truth."""
    chosen, seed = spec(options.spec), 1000 * options.seed + number
    panel, truth = simulate(trajectory, chosen, seed=seed, **{name: getattr(options, name) for name in SIZE})
    run = fit(
        panel, trajectory, spec=chosen, seed=seed, draws=options.draws, chains=options.chains, cores=options.cores
    )
    tree = recovery(run, truth)
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
    size, quantities, decline = result["settings"], result["quantities"], result["decline"]

    def cell(estimate: dict[str, float]) -> str:
        return f"{estimate['mean']:.3f} ({estimate['lower']:.3f} to {estimate['upper']:.3f})"

    names = [THETA, DELTA, HYPERPARAMETERS, *(n for n in quantities if n not in (THETA, DELTA, HYPERPARAMETERS))]
    rows = [
        f"| {name} | {q['n']} | {cell(q['coverage_50'])} | {cell(q['coverage_89'])} | {cell(q['location'])} "
        f"| {cell(q['dispersion'])} | {format(q['uniformity'], '.2f') if 'uniformity' in q else ''} |"
        for name, q in ((name, quantities[name]) for name in names)
    ]
    bins = [
        f"| {b['n']} | {b['forecast']:.3f} | {b['frequency']:.3f} | {b['lower']:.3f} to {b['upper']:.3f} "
        f"| {'inside' if b['inside'] else 'outside'} |"
        for b in decline["reliability"]
    ]
    return "\n".join(
        [
            "# Calibration",
            "",
            f"{result['panels']} simulated panels of {size['authorities']} authorities, {size['years']} years and "
            f"{size['indicators']} indicators; truths from the prior of the spec {size['spec']}; {size['chains']} "
            f"chains of {size['draws']} draws; seed {size['seed']}. {result['gate_failed']} of the fits failed the "
            "gate; they are counted all the same. In brackets 95% bounds from the spread between panels. Calibrated "
            "is: coverage as named, location 0.5, dispersion 1 (more: too narrow), p value of the ranks not small.",
            "",
            "| quantity | values a panel | covered by 50% | covered by 89% | location | dispersion | ranks, p |",
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
            f"P(decline): base rate {cell(decline['base_rate'])}, Brier score {cell(decline['brier'])}, better than "
            f"the best constant forecast by {cell(decline['brier_gain'])}.",
            "",
            "| forecasts | mean forecast | frequency | consistency band | |",
            "|---|---|---|---|---|",
            *bins,
            "",
        ]
    )


if __name__ == "__main__":
    main()
