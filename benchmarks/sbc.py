"""Simulation-based calibration of the model that ships: panels of England's shape at a third of its authorities.

    python benchmarks/sbc.py run --previews 500 --full 100
    python benchmarks/sbc.py table

Truths are drawn from the prior, data and next inspections from the model (`simulate_ahead_like`); panel n of the
previews and of the full fits is the same. A panel that is done is in the work folder or in sbc.json.xz and is not done
again: a batch may be killed at any time and started again. What goes together across domains has a deviation of its own
by a look at the figures, which no prior describes (in England's nothing does): truths are without it, and where the
figures of a panel ask for it a second preview has it. The table writes sbc.json.xz, sbc.md and sbc.png beside this
file from what there is.
"""

from __future__ import annotations

import argparse
import json
import lzma
import signal
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markdown_table import markdown
from matplotlib.figure import Figure

from bayes_csc.evaluation.dask_jobs import WORKERS, Job, dask_client, results
from bayes_csc.evaluation.sensitivity.plan.panel_change import of_authorities
from bayes_csc.files.embedded_data import data_dir
from bayes_csc.files.result_cache import versions
from bayes_csc.inference.diagnostics import SIGNED
from bayes_csc.inference.fit import fit
from bayes_csc.measurement.design import design
from bayes_csc.panel.geography import linked_blocks
from bayes_csc.panel.panel import Panel
from bayes_csc.simulation.calibration import FORECAST_EDGES, Estimate, band, pooled, summary
from bayes_csc.simulation.recovery import recovery
from bayes_csc.simulation.simulate_next import simulate_ahead_like
from bayes_csc.spec import Spec
from bayes_csc_models.specs import spec as read_spec
from bayes_csc_models.trajectory import trajectory

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / "runs" / "sbc"
PREVIEW, FULL = "preview", "full"
KINDS = {PREVIEW: "previews", FULL: "full fits"}
PART = 3
"""One authority in so many, of each region."""
COLUMNS = 6
SHOWN = ("decline", "recent decline", "overall: worse")
Record = dict[str, Any]


def part_of(panel: Panel, number: int) -> Panel:
    """A panel of every third authority of each region, drawn by a number; linked ones stay together."""
    table, blocks = panel.authorities, linked_blocks(panel.authorities, ())
    order = np.random.default_rng([number, 0]).permutation(len(blocks))
    order = sorted(order, key=lambda b: str(table.region[blocks[b][0]]))
    kept = [code for b in order[number % PART :: PART] for code in blocks[b]]
    return of_authorities(panel, table.index[table.index.isin(kept)])


def one_panel(kind: str, number: int, common: tuple[Panel, Spec]) -> Record:
    """Simulate a panel, fit it and place its truth; what fails says so."""
    panel, spec = common
    out: Record = {"kind": kind, "number": number, "source": versions()["source"]}
    doing, began = "simulating", time.process_time()
    try:
        drawn, truth = simulate_ahead_like(part_of(panel, number), trajectory, spec, seed=number)
        doing, simulated = "fitting", time.process_time()
        run = fit(drawn, trajectory, spec=spec, seed=number, preview=kind == PREVIEW, cores=1, panel_hash="simulated")
        doing, fitted = "placing the truth", time.process_time()
        out |= {"gate": run.gate.passed, "failing": list(run.gate.failing)[:3], "draws": run.record["draws"]}
        out |= recovery(run, trajectory, truth, seed=number, cores=1)
        ends = (began, simulated, fitted, time.process_time())
        across = spec.updated({"measurement": {"across_domains": True}})
        if kind == PREVIEW and design(drawn, across).domain != design(drawn, spec).domain:
            doing, truth["posterior"] = "fitting across domains", truth["posterior"].to_dataset()[["theta"]]
            run = fit(drawn, trajectory, spec=across, seed=number, preview=True, cores=1, panel_hash="simulated")
            out["across"] = recovery(run, trajectory, truth, seed=number, cores=1)
        out["seconds"] = [round(b - a, 1) for a, b in pairwise(ends)]
    except Exception as error:  # every panel counts, whatever it dies of
        out["error"] = f"{doing}: {type(error).__name__}: {str(error)[:300]}"
    return out


def done(work: Path, archive: Path) -> dict[tuple[str, int], Record]:
    """Panels that are done, by kind and number."""
    kept = json.loads(lzma.decompress(archive.read_bytes())) if archive.is_file() else []
    kept += [json.loads(path.read_text(encoding="utf-8")) for path in sorted(work.glob("*-*.json"))]
    return {(record["kind"], record["number"]): record for record in kept}


def run(options: argparse.Namespace) -> None:
    """Do the panels that are not done yet."""
    wanted = [(PREVIEW, n) for n in range(options.previews)] + [(FULL, n) for n in range(options.full)]
    there = done(options.work, options.archive)
    jobs = [
        Job(f"{kind}-{number:04}", f"{kind} {number}", "panel", partial(one_panel, kind, number))
        for kind, number in wanted if (kind, number) not in there
    ]  # fmt: skip
    print(f"{len(wanted) - len(jobs)} of {len(wanted)} panels are done", flush=True)
    spread(jobs, options)


def spread(jobs: Sequence[Job], options: argparse.Namespace) -> None:
    """Do jobs on the panel and the spec, and keep each record as it comes; it may be killed at any time."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options.work.mkdir(parents=True, exist_ok=True)
    spec = read_spec(options.spec).updated({"measurement": {"across_domains": False}})
    common = {"panel": (Panel.read(data_dir()), spec)}
    with dask_client(options.scheduler, workers=options.workers) as client:
        for job, record in results(jobs, common, client=client, stage="calibration", progress=lambda _: None):
            part = options.work / f"{job.key}.part"
            part.write_text(json.dumps(record, separators=(",", ":")), encoding="utf-8")
            part.rename(part.with_suffix(".json"))
            print(job.key, record.get("error") or record["seconds"], *record.get("failing", [])[:1], flush=True)


def table(options: argparse.Namespace) -> None:
    """Put all panels together."""
    there = done(options.work, options.archive)
    records = [there[key] for key in sorted(there)]
    text = json.dumps(records, separators=(",", ":"), sort_keys=True)
    options.archive.write_bytes(lzma.compress(text.encode(), preset=9))
    for name, pits in ((n, r["pits"]) for r in records if "pits" in r for n in SIGNED):
        pits.pop(name, None)
    parts = [part for kind in KINDS if (part := report([r for r in records if r["kind"] == kind], options))]
    chosen = [r for r in records if "pits" in r]
    chart(chosen, options.archive.with_suffix("").with_suffix(".png"))
    head = (
        "# Simulation-based calibration\n\n`python benchmarks/sbc.py table`. Panels of England's years, indicators and "
        f"inspections and a third of its authorities; truths from the prior of the spec {options.spec}, data from the "
        "model. Every panel counts, whatever its gate. In brackets 95% bounds by drawing panels again. Calibrated is: "
        "location 0.5, dispersion 1 (more: too narrow), coverage as named; p, of the PITs of one element a panel, not "
        "small: of 40 quantities the smallest is below 0.05 with probability 0.9, below 0.001 with 0.04. The overall "
        "grade is simulated by a rule and forecast by a table learnt from the panel, so that it need not be calibrated."
        f" {', '.join(f'`{name}`' for name in SIGNED)} is not here: in a domain of three indicators or more it has two "
        "mirror images, of which a fit finds one. What is printed of it, `domain_share_signed`, is here."
        "\n\n![PITs of one element a panel](sbc.png)\n"
    )
    options.archive.with_suffix("").with_suffix(".md").write_text(
        "\n".join([head, *parts, paired(records)]), encoding="utf-8"
    )


def report(records: Sequence[Record], options: argparse.Namespace) -> str:
    """Section of the previews or of the full fits."""
    if not records:
        return ""
    kind, fitted = str(records[0]["kind"]), [r for r in records if "pits" in r]
    lost = Counter(str(r["error"]).split(": after")[0] for r in records if "error" in r)
    wanted, found = vars(options)[KINDS[kind].split()[0]], summary(fitted)
    seconds = np.array([r["seconds"] for r in fitted])
    middle = np.median(seconds, axis=0)
    lines = [
        f"## {KINDS[kind].capitalize()}: {len(records)} of {wanted}" + " (partial)" * (len(records) < wanted), "",
        f"{len(fitted)} fitted, of which {sum(not r['gate'] for r in fitted)} failed their gate; {len(records)} panels "
        f"of {len({r['source'] for r in records})} version(s) of the source. Seconds of one core, medians: "
        f"{middle[0]:.0f} to simulate, {middle[1]:.0f} to fit, {middle[2]:.0f} to place.",
        *(f"\n{n} not fitted: {why}" for why, n in lost.items()), "",
        markdown(pd.DataFrame([pit_row(name, q) for name, q in found["pits"].items()])), "",
        markdown(pd.DataFrame([event_row(name, e) for name, e in found["events"].items()])), "",
    ]  # fmt: skip
    for name in SHOWN:
        rows = found["events"][name]["reliability"]
        bins = [
            {"forecasts": r["n"], "mean forecast": f"{r['forecast']:.3f}", "frequency": f"{r['frequency']:.3f}",
             "consistency band": f"{r['lower']:.3f} to {r['upper']:.3f}", "": "" if r["inside"] else "outside"}
            for r in rows
        ]  # fmt: skip
        lines += [f"{name}, by forecast:", "", markdown(pd.DataFrame(bins)), ""]
    return "\n".join(lines)


def paired(records: Sequence[Record]) -> str:
    """Section of what is paired: previews and full fits, and previews with what the figures ask for and without."""
    by = {kind: {r["number"]: r for r in records if r["kind"] == kind and "pits" in r} for kind in KINDS}
    both = sorted(set(by[PREVIEW]) & set(by[FULL]))
    lines = ["## Paired", ""]
    size = len(FORECAST_EDGES) - 1
    for name in ("decline", "recent decline") if len(both) > 1 else ():
        more = [[sum(by[kind][n]["events"][name][size : 2 * size]) for n in both] for kind in KINDS]
        number = np.array([sum(by[FULL][n]["events"][name][:size]) for n in both])
        lines += [f"Mean P({name}) of previews less full fits, {len(both)} panels: "
                  f"{signed(pooled(np.subtract(*more), number))}.", ""]  # fmt: skip
    asked = [r for r in by[PREVIEW].values() if "across" in r]
    lines += [
        f"The figures of {len(asked)} of {len(by[PREVIEW])} panels ask for a deviation shared across domains.",
        "",
    ]
    if asked:
        found = {"without it": summary(asked), "with it": summary([r["across"] for r in asked])}
        rows = [
            {"previews": how, **pit_row(name, each["pits"][name])}
            for name in ("theta", "change since inspection", "recent change") for how, each in found.items()
        ]  # fmt: skip
        events = [
            {"previews": how, **event_row(name, each["events"][name])}
            for name in SHOWN for how, each in found.items()
        ]  # fmt: skip
        lines += [markdown(pd.DataFrame(rows)), "", markdown(pd.DataFrame(events)), ""]
    return "\n".join(lines)


def signed(e: Estimate) -> str:
    """Write a difference with its bounds."""
    return f"{e.mean:+.4f} ({e.lower:+.4f} to {e.upper:+.4f})"


def pit_row(name: str, q: Record) -> dict[str, str]:
    """Row of a quantity."""
    shown = {key: bounds(q[key]) for key in ("location", "dispersion", "coverage_50", "coverage_89")}
    return {"quantity": name, "values a panel": f"{q['values']:.0f}", "p": f"{q['uniformity']:.3f}", **shown}


def event_row(name: str, e: Record) -> dict[str, str]:
    """Row of an event."""
    return {
        "event": name, "forecasts": f"{e['forecasts']}", "frequency": bounds(e["base_rate"]),
        "more than forecast by": bounds(e["excess"]), "Brier score": f"{e['brier']['mean']:.3f}",
        "better than a constant by": bounds(e["gain"]),
        "bins outside": f"{sum(not r['inside'] for r in e['reliability'])} of {len(e['reliability'])}",
        "p": f"{e['p']:.3f}",
    }  # fmt: skip


def bounds(estimate: dict[str, float]) -> str:
    """Write a figure with its bounds."""
    return f"{estimate['mean']:.3f} ({estimate['lower']:.3f} to {estimate['upper']:.3f})"


def chart(records: Sequence[Record], path: Path) -> None:
    """ECDF of one PIT a panel less the uniform's, with simultaneous bands: a cell for each quantity."""
    names = list(dict.fromkeys(name for r in records for name in r["pits"]))
    rows = -(-len(names) // COLUMNS)
    figure = Figure(figsize=(11, 1.3 * rows), layout="constrained")
    cells = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for cell in cells[len(names) :]:
        cell.set_axis_off()
    for cell, name in zip(cells, names, strict=False):
        for kind, colour in zip(KINDS, ("#2b6ca3", "#c4622d"), strict=True):
            u = np.sort([r["pits"][name][0] for r in records if r["kind"] == kind and r["pits"].get(name)])
            if len(u) > 1:
                z, lower, upper = band(len(u))
                cell.fill_between(z, lower, upper, color=colour, alpha=0.15, linewidth=0)
                cell.plot(z, np.searchsorted(u, z, side="right") / len(u) - z, color=colour, linewidth=0.9)
        cell.set_title(name, fontsize=7)
        cell.tick_params(labelsize=6)
    figure.supxlabel("PIT; blue: previews, orange: full fits; 95% simultaneous bands", fontsize=8)
    figure.savefig(path, dpi=100, metadata={"Software": None})


def parsed(**numbers: int) -> argparse.Namespace:
    """Read the command line: what to do, and how many of what."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("run", "table"))
    for name, default in (*numbers.items(), ("workers", WORKERS)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--scheduler", help="Of a Dask cluster; by default one starts here.")
    parser.add_argument("--spec", default="baseline")
    parser.add_argument("--work", type=Path, default=WORK)
    parser.add_argument("--archive", type=Path, default=HERE / "sbc.json.xz")
    return parser.parse_args()


if __name__ == "__main__":
    given = parsed(previews=500, full=100)
    run(given) if given.what == "run" else table(given)
