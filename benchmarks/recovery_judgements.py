"""Are the parameters of the judgement model's options recovered? Fit previews of simulated panels, and count.

    python benchmarks/recovery_judgements.py --panels 40

Truths come from the prior; grades are drawn in the order of their dates. The result goes to recovery_judgements.md.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import xarray as xr

from bayes_csc.fit import preview
from bayes_csc.recovery import DELTA, THETA, recovery, summary
from bayes_csc.simulate import simulate
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import trajectory

SIZE = {"authorities": 60, "years": 10, "indicators": 6}
SPEC = Spec.parse(
    {
        "name": "all options of the judgement model",
        "ratings": {
            "previous": "cutpoints", "drift_sd": 0.1, "covariates": ["activity_1", "workforce_1 change"],
            "common": "share",
        },
    }
)  # fmt: skip
NEW = (
    "previous_effect", "no_previous_effect", "previous_contrast", "previous_spacing", "earlier_effect",
    "standard_drift", "covariate_effect", "common_sd", "theta_share",
)  # fmt: skip
BESIDE = (THETA, DELTA, "judgement_loading", "inspection_sd", "cutpoints", "standard")


def main() -> None:
    """Fit the panels one after the other, and write the table after every ten."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("panels", 40), ("seed", 1), ("chains", 4), ("cores", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    panels, failed, text = [], 0, ""
    for number in range(options.panels):
        started, seed = time.monotonic(), 1000 * options.seed + number
        panel, truth = simulate(trajectory, SPEC, seed=seed, judged=True, **SIZE)
        run = preview(panel, trajectory, spec=SPEC, seed=seed, chains=options.chains, cores=options.cores)
        failed += not run.gate.passed
        panels.append(recovery(run, truth))
        print(f"panel {number}: {time.monotonic() - started:.0f} s; {run.gate.failing}", flush=True)
        if number + 1 == options.panels or number % 10 == 9:
            text = table(summary(panels), panels[0]["below"].to_dataset(), failed, options)
            Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


def table(found: dict[str, Any], one: xr.Dataset, failed: int, options: argparse.Namespace) -> str:
    """Lay the result out as Markdown."""
    rows = [
        f"| {name} | {q['n']} | {cell(q['coverage_50'])} | {cell(q['coverage_89'])} | {cell(q['location'])} "
        f"| {cell(q['dispersion'])} |"
        for name, q in ((name, found["quantities"][name]) for name in (*NEW, *BESIDE) if name in one)
    ]
    return "\n".join(
        [
            "# Recovery of the judgement model's options",
            "",
            f"`python benchmarks/recovery_judgements.py --panels {found['panels']} --seed {options.seed}`: "
            f"{found['panels']} simulated panels of {SIZE['authorities']} authorities, {SIZE['years']} years, "
            f"{SIZE['indicators']} indicators and three sub-judgements; truths from the prior with every option on; "
            f"previews of {options.chains} chains. {failed} of the fits failed the gate; they are counted too. "
            "In brackets 95% bounds from the spread between panels: with few panels they are wide. Recovered is: "
            "coverage as named, location 0.5, dispersion 1 (more: too narrow).",
            "",
            "| quantity | values a panel | covered by 50% | covered by 89% | location | dispersion |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            f"Bounds without the value of a calibrated fit: {outside(found['quantities'], one)}.",
            "",
        ]
    )


def outside(quantities: dict[str, Any], one: xr.Dataset) -> str:
    """Name the quantities whose bounds of 89% coverage or of dispersion leave out what they should be."""
    said = []
    for name in (n for n in (*NEW, *BESIDE) if n in one):
        measured = {
            "89% coverage": (quantities[name]["coverage_89"], 0.89),
            "dispersion": (quantities[name]["dispersion"], 1),
        }
        lost = [what for what, (q, right) in measured.items() if not q["lower"] <= right <= q["upper"]]
        if lost:
            said.append(f"{name} ({' and '.join(lost)})")
    return ", ".join(said) or "none"


def cell(estimate: dict[str, float]) -> str:
    """Write a mean with its bounds."""
    return f"{estimate['mean']:.3f} ({estimate['lower']:.3f} to {estimate['upper']:.3f})"


if __name__ == "__main__":
    main()
