"""What happens when the model is wrong: previews of panels whose data are not from it, beside panels that are.

    python benchmarks/robustness.py run --panels 10
    python benchmarks/robustness.py table

Panel n of each case has the truth, the inspections and the denominators of panel n of the model. The table goes between
the marks in docs/robustness.md; a panel that is done is not done again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
import xarray as xr
from markdown_table import markdown
from sbc import HERE, Record, parsed, part_of, spread
from scipy.special import expit

from bayes_csc.evaluation.dask_jobs import Job
from bayes_csc.files.result_cache import versions
from bayes_csc.inference.fit import fit
from bayes_csc.inference.reopen import revisit
from bayes_csc.likelihood.prior_draws import fitted
from bayes_csc.measurement.design import Design
from bayes_csc.measurement.judgements.scales import JUDGEMENT
from bayes_csc.panel.describe.outlying_changes import jumps
from bayes_csc.panel.panel import Panel
from bayes_csc.report.findings.fitted import fitted as expected_figures
from bayes_csc.simulation.calibration import Estimate, pooled, summary
from bayes_csc.simulation.recovery import recovery, true_change
from bayes_csc.simulation.simulate import Departure
from bayes_csc.simulation.simulate_next import simulate_ahead_like
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import trajectory

DOCUMENT = HERE.parent / "docs" / "robustness.md"
MARKS = "<!-- table: benchmarks/robustness.py -->", "<!-- end of table -->"
INTERVAL, WIDTH_OFF, SHAPE_OFF = 0.89, 0.05, 0.10
"""The method page's: of its predictive intervals, and from what on it calls an indicator's width or shape wrong."""
DF, BROKEN, BREAK, READ = 3.0, 0.1, 2.0, 0.5
"""Degrees of freedom; share of the series that break, by how many sds of their deviation; probits of agency's sd."""
Inputs = dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A way to be wrong.

    Attributes
    ----------
    label
        For the table.
    departure
        Latent values other than the model's.
    lose
        Cells taken out of the panel drawn.
    """

    label: str
    departure: Departure | None = None
    lose: Callable[[Panel, xr.DataTree, np.random.Generator], Panel] | None = None


def heavy_tails(
    layout: Design, given: Inputs, theta: np.ndarray, eta: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Deviations of each figure times an independent 1 / sqrt(chi2): Student-t of the same sd as before."""
    rows, middle = layout.observation, fitted(layout, given, theta)
    scale = np.where(rows.indicator == JUDGEMENT, 1.0, 1.0 / np.sqrt(rng.chisquare(DF, len(rows))))
    return middle + (eta - middle) * scale


def breaks(layout: Design, given: Inputs, theta: np.ndarray, eta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A lasting step of either sign in a tenth of the series, at a year within the series."""
    rows = layout.observation
    kind = rows.kind.to_numpy()
    sd = np.sqrt(given["ar_sd"] ** 2 + given["domain_sd"] ** 2 + given["white_sd"] ** 2)[kind]
    series = rows.groupby(["unit", "indicator"], sort=False)
    number = series.ngroup().to_numpy()
    n = number.max() + 1
    sign = np.where(rng.random(n) < BROKEN, rng.choice([-1.0, 1.0], n), 0.0)[number]
    first, last = (series.year.transform(f).to_numpy() for f in ("min", "max"))
    after = rows.year.to_numpy() >= first + 1 + np.floor(rng.random(n)[number] * np.maximum(last - first, 1))
    return eta + np.where(rows.indicator == JUDGEMENT, 0.0, BREAK * sd * sign * after)


def strongest(layout: Design, given: Inputs) -> int:
    """The indicator that says most of theta: the largest loading per sd of its deviation."""
    n = len(layout.indicator)
    sd = np.sqrt(given["ar_sd"] ** 2 + given["domain_sd"] ** 2 + given["white_sd"] ** 2)[:n]
    return int(np.argmax(np.abs(given["loading"][:n]) / sd))


def theta_part(layout: Design, given: Inputs, theta: np.ndarray) -> np.ndarray:
    """What of each observation's expectation is its loading times theta."""
    return fitted(layout, given | {"offset": np.zeros(len(layout.observation))}, theta)


def drifts(layout: Design, given: Inputs, theta: np.ndarray, eta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The strongest indicator's loading falls in a line from its value in the first year to nothing in the last."""
    rows = layout.observation
    passed = (rows.year - layout.year[0]) / (layout.now - layout.year[0])
    gone = np.clip(passed.to_numpy(dtype=float), 0.0, 1.0) * (rows.kind == strongest(layout, given)).to_numpy()
    return eta - gone * theta_part(layout, given, theta)


def flips(layout: Design, given: Inputs, theta: np.ndarray, eta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The strongest indicator's loading has the other sign in one region."""
    rows = layout.observation
    mine = np.array([layout.region_index[m[0]] == 0 for m in rows.members])
    return eta - 2.0 * (mine & (rows.kind == strongest(layout, given)).to_numpy()) * theta_part(layout, given, theta)


def reads(layout: Design, given: Inputs, theta: np.ndarray, eta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Judges see the share of agency workers itself: half a probit per sd of its latest figure among authorities."""
    rows = layout.observation.assign(eta=eta)
    seen = rows[rows.indicator == "agency"]
    seen = seen.assign(z=(seen.eta - seen.groupby("year").eta.transform("mean")) / seen.eta.std())
    judged = rows[rows.indicator == JUDGEMENT][["unit", "position"]].reset_index().sort_values("position")
    latest = pd.merge_asof(
        judged, seen[["unit", "position", "z"]].sort_values("position"), on="position", by="unit"
    ).set_index("index").z.fillna(0.0)  # fmt: skip
    return eta + READ * latest.reindex(rows.index).fillna(0.0).to_numpy()


def hides(panel: Panel, truth: xr.DataTree, rng: np.random.Generator) -> Panel:
    """Figures are missing the more often, the worse they are: a sixth of all, a third of those an sd below average."""
    seen = truth["observation"].to_dataset().to_dataframe()
    seen = seen[seen.indicator.isin(list(panel.indicators))]
    group = seen.groupby(["indicator", "year"]).eta
    z = ((seen.eta - group.transform("mean")) / group.transform("std")).fillna(0.0)
    gone = seen[rng.random(len(seen)) < expit(-2.0 - 1.3 * z)]
    place = ["authority", "indicator", "year"]
    lost = pd.MultiIndex.from_frame(panel.cells[place]).isin(pd.MultiIndex.from_frame(gone[place]))
    lost &= panel.cells.status.isin(["observed", "suppressed"]).to_numpy()
    blank = {name: panel.cells[name].mask(lost) for name in ("numerator", "value", "lower", "upper")}
    return replace(panel, cells=panel.cells.assign(**blank, status=panel.cells.status.mask(lost, "not_available")))


CASES = {
    "model": Case("data from the model"),
    "tails": Case("Student-t deviations, 3 degrees of freedom", heavy_tails),
    "breaks": Case("a break in a tenth of the series", breaks),
    "drift": Case("the strongest indicator's loading fades to nothing", drifts),
    "flip": Case("the strongest indicator's loading is reversed in a region", flips),
    "reads": Case("judgements read agency directly", reads),
    "hides": Case("bad figures are missing more often", lose=hides),
}


def one_panel(name: str, number: int, common: tuple[Panel, Spec]) -> Record:
    """Simulate a panel of a case, preview it, place its truth, and ask the checks."""
    panel, spec = common
    case = CASES[name]
    drawn, truth = simulate_ahead_like(
        part_of(panel, number), trajectory, spec, seed=number, departure=case.departure
    )  # fmt: skip
    if case.lose:
        drawn = case.lose(drawn, truth, np.random.default_rng([number, 8]))
    spec = spec.updated({"measurement": {"across_domains": True}})  # as it ships
    run = fit(drawn, trajectory, spec=spec, seed=number, preview=True, cores=1, panel_hash="simulated")
    again = revisit(run, trajectory)
    checks = expected_figures(again, drawn, seed=1, interval=INTERVAL).checks
    change_error = {}
    known = truth["posterior"].to_dataset()
    for kind in ("since inspection", "recent"):
        delta = true_change(run, again.design, known.theta, kind)
        mean = run.change["mean"].sel(change=kind, authority=delta.authority).mean(("chain", "draw"))
        change_error[kind] = [float((mean - delta).mean()), float(((mean - delta) ** 2).mean() ** 0.5)]
    off = (run.posterior.theta.mean(("chain", "draw")) - known.theta).to_numpy()
    return {
        "kind": name,
        "number": number,
        "source": versions()["source"],
        "seconds": run.record["seconds"]["sampling"],
        "gate": run.gate.passed,
        "change_error": change_error,
        "theta_error": float(np.sqrt(np.nanmean(off**2))),
        "width": int((abs(checks.inside - INTERVAL) > WIDTH_OFF).sum()),
        "shape": int((abs(checks.inside_inner - 0.5) > SHAPE_OFF).sum()),
        "jumps": len(jumps(drawn)),
        **recovery(run, trajectory, xr.DataTree.from_dict({"posterior": known[["theta"]]}), seed=number, cores=1),
    }


def run(options: argparse.Namespace) -> None:
    """Do the panels that are not done yet."""
    names = [(name, n) for n in range(options.panels) for name in CASES]
    left = [(name, n) for name, n in names if not (options.work / f"{name}-{n:04}.json").is_file()]
    jobs = [Job(f"{name}-{n:04}", f"{name} {n}", "panel", partial(one_panel, name, n)) for name, n in left]
    spread(jobs, options)


def table(options: argparse.Namespace) -> None:
    """Put the table into the document."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(options.work.glob("*-*.json"))]
    by = {name: {r["number"]: r for r in records if r["kind"] == name} for name in CASES}
    there = sorted(set.intersection(*(set(own) for own in by.values())))
    rows = [
        row(case.label, [by[name][n] for n in there], [by["model"][n] for n in there]) for name, case in CASES.items()
    ]
    text = DOCUMENT.read_text(encoding="utf-8")
    (before, _, rest), (start, end) = text.partition(MARKS[0]), MARKS
    after = rest.partition(end)[2]
    made = f"{start}\n\n{len(there)} panels of each case; in brackets 95% bounds by drawing panels again.\n\n"
    DOCUMENT.write_text(f"{before}{made}{markdown(pd.DataFrame(rows))}\n\n{end}{after}", encoding="utf-8")
    print(markdown(pd.DataFrame(rows)))


def row(label: str, records: Sequence[Record], right: Sequence[Record]) -> dict[str, str]:
    """Row of a case, beside the same panels of the model."""
    found = summary(records)
    theta, change, decline = (
        found["pits"]["theta"],
        found["pits"]["change since inspection"],
        found["events"]["decline"],
    )
    error = np.array([[r["theta_error"], *r["change_error"]["since inspection"]] for r in records])
    base = np.array([r["theta_error"] for r in right])
    one = np.ones(len(records))
    return {
        "data": label,
        "theta, 50% and 89%": f"{covered(theta, 'coverage_50')}, {covered(theta, 'coverage_89')}",
        "change, 50% and 89%": f"{covered(change, 'coverage_50')}, {covered(change, 'coverage_89')}",
        "error of theta, times the model's": interval(pooled(error[:, 0], base), ".2f"),
        "mean error of the change": interval(pooled(error[:, 1], one), "+.3f"),
        "P(decline) came more often by": interval(Estimate(**decline["excess"]), "+.3f"),
        "its Brier score": f"{decline['brier']['mean']:.3f}",
        "gate failed": share([not r["gate"] for r in records]),
        "width check": share([r["width"] > 0 for r in records]),
        "shape check": share([r["shape"] > 0 for r in records]),
        "jumps": f"{np.mean([r['jumps'] for r in records]):.0f}",
    }


def covered(q: Record, key: str) -> str:
    """Write a coverage in per cent with its bounds."""
    return f"{100 * q[key]['mean']:.0f} ({100 * q[key]['lower']:.0f} to {100 * q[key]['upper']:.0f})"


def interval(estimate: Estimate, form: str) -> str:
    """Write a figure with its bounds."""
    return f"{estimate.mean:{form}} ({estimate.lower:{form}} to {estimate.upper:{form}})"


def share(values: Sequence[bool]) -> str:
    """Write how many."""
    return f"{sum(values)} of {len(values)}"


if __name__ == "__main__":
    given = parsed(panels=10)
    given.work = given.work.with_name("robustness") if given.work.name == "sbc" else given.work
    run(given) if given.what == "run" else table(given)
