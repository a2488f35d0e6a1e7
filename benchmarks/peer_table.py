"""The table of the peer benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

COLUMNS = (
    "peer", "seed", "compile, s", "sampling, s", "", "gradients", "divergences", "draws", "R-hat, largest",
    "ESS bulk", "ESS tail", "ESS/s", "ours/peer", "memory, GB", "worst",
)  # fmt: skip


def table(found: list[dict[str, Any]], settings: dict[str, Any], machine: str) -> str:
    """Lay the results out as Markdown.

    Parameters
    ----------
    found
        One result for each peer and seed.
    settings
        Of the run.
    machine
        What it ran on.
    """
    speed = {(r["peer"], r["seed"]): per_second(r) for r in found}
    found = sorted(
        found, key=lambda r: (-max(v for (p, _), v in speed.items() if p == r["peer"]), r["peer"], r["seed"])
    )
    versions: dict[str, str] = {}
    for r in found:
        versions |= r.get("versions", {})
    rows = [
        f"| {' | '.join(COLUMNS)} |",
        "|" + "---|" * len(COLUMNS),
        *(f"| {' | '.join(row(r, speed))} |" for r in found),
    ]
    listed = ", ".join(f"{name} {number}" for name, number in sorted(versions.items()))
    return "\n".join(["# Peers", "", *preamble(settings, machine, listed), "", *rows, ""])


def preamble(settings: dict[str, Any], machine: str, versions: str) -> list[str]:
    """Say what was measured, and how to read it."""
    named = settings["panel"]
    panel = Path(named).name
    if named == "simulated":
        size = (f"{settings[name]} {name}" for name in ("authorities", "years", "indicators"))
        panel = f"simulated, {', '.join(size)}"
    return [
        f"Panel {panel}, spec {settings['spec']}; {machine}; {versions}.",
        "",
        f"One posterior by every sampler: `bayes_csc_models.joint`, with counts and grades by their exact "
        f"likelihood. {settings['chains']} chains, {settings['cores']} at a time; the peers' warm-up "
        f"{settings['warmup']} and draws {settings['draws']} a chain, ours as `fit` has it by default. At most "
        f"{settings['minutes']:g} minutes of sampling: a peer that was stopped then is shown as such, with the "
        "effective sample size that it had. After the hyphen: states and deviations centred (c) or not (n). `pymc` "
        "samples `joint` as it stands; nutpie, NumPyro (through PyTensor's JAX) and Stan (the httpstan that PyStan 3 "
        "wraps, a process a chain) have it on arrays of series by years, with the same log density up to a constant "
        "(`peers.py check`). `ours` is the collapsed model, whose Gaussian sites for counts and grades move a mean by "
        "less than 0.1 posterior standard deviations (`tests/models/test_agreement.py`).",
        "",
        "ESS: the smallest over theta (authorities existing in a year, less their mean) and the hyperparameters. "
        "Sampling is everything from the compiled model to the draws: for ours also the mode, its curvature and the "
        "states. Gradients are leapfrog steps, warm-up included; those of our mode are not counted. An ESS of chains "
        "that disagree (R-hat well above 1.01) is not worth its face value. The ratio is of ESS per second, same "
        "seed; ratios under 2 are noise.",
    ]


def row(r: dict[str, Any], speed: dict[tuple[str, int], float]) -> list[str]:
    """Cells of one result."""
    if "ess_bulk" not in r:
        blank = [""] * (len(COLUMNS) - 5)
        return [r["peer"], str(r["seed"]), "", "", f"failed: {r['problem']}", *blank]
    mine, ours = speed[r["peer"], r["seed"]], speed.get(("ours", r["seed"]))
    ratio = "" if ours is None else (f"{ours / mine:.3g}" if mine else "no draws")
    rhat = "" if r["rhat"] is None else f"{r['rhat']:.2f}"
    return [
        r["peer"], str(r["seed"]), f"{r['compile']:.0f}", f"{r['seconds']:.0f}", "stopped" if r["stopped"] else "",
        f"{r['gradients']:,}", str(r["divergences"]), f"{r['chains']} × {r['draws']}", rhat, f"{r['ess_bulk']:.0f}",
        f"{r['ess_tail']:.0f}", f"{mine:.3g}", ratio, f"{r['memory']:.1f}", r["worst"],
    ]  # fmt: skip


def per_second(r: dict[str, Any]) -> float:
    """Effective draws per second of sampling: the smaller of bulk and tail; 0 without any."""
    return float(min(r["ess_bulk"], r["ess_tail"]) / r["seconds"]) if r.get("seconds") else 0.0
