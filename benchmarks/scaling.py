"""How time and memory grow with authorities, years and indicators.

    python benchmarks/scaling.py

One factor varies at a time. Each size is a process of its own and leaves one JSON file in the work folder; the same
command takes up where it stopped. The result goes to scaling.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
from peer_process import machine, watched

from bayes_csc.inference.fit import preview
from bayes_csc.likelihood.collapsed_op import collapsed_inputs
from bayes_csc.likelihood.kernel import Real, value_and_gradient
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import design
from bayes_csc.simulation.simulate import simulate
from bayes_csc_models.specs import spec
from bayes_csc_models.trajectory import from_design, trajectory

HERE = Path(__file__).resolve().parent
FACTORS = {"authorities": (150, 1500, 15000), "years": (13, 40), "indicators": (10, 40)}
MEASURED = {
    "cells": "cells", "gradient": "gradient, ms", "design": "design, s", "layout": "of it layout, s",
    "model": "model, s", "preview": "preview, s", "simulate": "simulate, s", "memory": "memory, GB",
}  # fmt: skip
GRADIENT_SECONDS = 2.0
"""Spent on repeating the gradient; the median is taken."""


def main() -> None:
    """Measure the sizes that are still to do, then write the table."""
    options = parsed()
    options.work.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that a killed benchmark leaves no process behind
    if options.one:
        measure_one(options)
        return
    base = {name: getattr(options, name)[0] for name in FACTORS}
    sizes = [base | {name: n} for name in FACTORS for n in getattr(options, name)]
    found: dict[str, dict[str, Any]] = {}
    for size in sizes:
        key = "-".join(str(n) for n in size.values())
        path = options.work / f"{key}.json"
        if not path.is_file():
            print(key, flush=True)
            measured(size, path, options)
        found[key] = size | json.loads(path.read_text(encoding="utf-8"))
    text = table(list(found.values()), base)
    options.out.write_text(text, encoding="utf-8")
    print(text)


def parsed() -> argparse.Namespace:
    """Read the command line; the first number of a factor is its base."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, numbers in FACTORS.items():
        parser.add_argument(f"--{name}", type=int, nargs="+", default=list(numbers))
    parser.add_argument("--spec", default="baseline")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=30.0, help="after which a size is killed")
    parser.add_argument("--work", type=Path, default=HERE.parent / "runs" / "scaling")
    parser.add_argument("--out", type=Path, default=HERE / "scaling.md")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def measured(size: dict[str, int], path: Path, options: argparse.Namespace) -> None:
    """Measure one size in a process of its own; keep what it had measured if it is killed."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    known = [f"--{name}={n}" for name, n in size.items()]
    known += [f"--{name}={getattr(options, name)}" for name in ("spec", "seed", "work")]
    problem, memory = watched(
        [sys.executable, __file__, *known, f"--one={part}"], log=path.with_suffix(".log"), limit=60.0 * options.minutes
    )
    found = json.loads(part.read_text(encoding="utf-8")) if part.is_file() else {}
    path.write_text(json.dumps({"memory": memory, "problem": problem} | found) + "\n", encoding="utf-8")
    part.unlink(missing_ok=True)


def measure_one(options: argparse.Namespace) -> None:
    """Measure one size in this process, keeping every figure as soon as it is there."""
    found: dict[str, float] = {}

    def timed(name: str, action: Callable[[], Any]) -> Any:
        began = time.monotonic()
        out = action()
        keep(name, time.monotonic() - began)
        return out

    def keep(name: str, value: float) -> None:
        found[name] = value
        unfinished = options.one.with_suffix(".writing")
        unfinished.write_text(json.dumps(found), encoding="utf-8")
        os.replace(unfinished, options.one)

    chosen = spec(options.spec)
    size = {name: getattr(options, name)[0] for name in FACTORS}
    panel, _ = timed("simulate", lambda: simulate(trajectory, chosen, seed=options.seed, **size))
    keep("cells", len(panel.cells))
    d = timed("design", lambda: design(panel, chosen))
    timed("layout", lambda: layout_of(d, d.observation))
    model = timed("model", lambda: from_design(d, chosen))
    values = pm.draw(collapsed_inputs(model), random_seed=options.seed, mode="FAST_COMPILE")
    real = Real(*(np.ascontiguousarray(value, dtype=float) for value in values))
    keep("gradient", gradient_seconds(lambda: value_and_gradient(layout_of(d), real)))
    run = timed("preview", lambda: preview(panel, trajectory, spec=chosen, seed=options.seed))
    keep("passed", run.gate.passed)


def gradient_seconds(evaluate: Callable[[], Any]) -> float:
    """Median time of an evaluation; the first, which may compile, does not count."""
    evaluate()
    times: list[float] = []
    while sum(times) < GRADIENT_SECONDS or len(times) < 3:
        began = time.perf_counter()
        evaluate()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def table(found: list[dict[str, Any]], base: dict[str, int]) -> str:
    """Lay the result out as Markdown: the sizes, and the exponent of each measure in each factor."""
    sizes = [
        f"| {' | '.join(str(r[name]) for name in FACTORS)} | {' | '.join(cell(r, m) for m in MEASURED)} "
        f"| {r['problem'] or ('' if r['passed'] else 'gate failed')} |"
        for r in found
    ]
    slopes = []
    for factor in FACTORS:
        varied = [r for r in found if all(r[other] == base[other] for other in FACTORS if other != factor)]
        slopes.append(f"| {factor} | {' | '.join(exponent(varied, factor, m) for m in MEASURED)} |")
    return "\n".join(
        [
            "# Scaling",
            "",
            f"Simulated panels; {machine()}. The gradient is one evaluation of the collapsed likelihood with its "
            "gradient on one core, in place of which a model adds its priors; design is panel to labelled arrays; "
            "memory is the most that the whole process had, simulation and preview included. A preview that did not "
            "pass its gate is marked.",
            "",
            f"| {' | '.join(FACTORS)} | {' | '.join(MEASURED.values())} | |",
            "|" + "---|" * (len(FACTORS) + len(MEASURED) + 1),
            *sizes,
            "",
            "Exponents: least-squares slopes of log measure on log factor, the others at their base (1: linear).",
            "",
            f"| factor | {' | '.join(name.partition(',')[0] for name in MEASURED.values())} |",
            "|" + "---|" * (1 + len(MEASURED)),
            *slopes,
            "",
        ]
    )


def cell(r: dict[str, Any], measure: str) -> str:
    """One figure, blank where there is none."""
    if measure not in r:
        return ""
    if measure == "cells":
        return f"{r[measure]:,.0f}"
    return f"{r[measure] * 1000:.2f}" if measure == "gradient" else f"{r[measure]:.2f}"


def exponent(found: list[dict[str, Any]], factor: str, measure: str) -> str:
    """Slope of log measure on log factor; blank with fewer than two figures."""
    pairs = [(r[factor], r[measure]) for r in found if r.get(measure, 0.0) > 0.0]
    if len({n for n, _ in pairs}) < 2:
        return ""
    slope = np.polyfit(*(np.log([pair[i] for pair in pairs]) for i in (0, 1)), 1)[0]
    return f"{slope:.2f}"


if __name__ == "__main__":
    main()
