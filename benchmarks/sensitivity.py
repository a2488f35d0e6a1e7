"""What a sensitivity analysis takes: time, memory, and what a second worker adds.

    python benchmarks/sensitivity.py RUN

The default plan with two single-threaded workers, and a cut of it (each year and each region left out, two priors
scaled) with one and with two, each in a process of its own on a copy of the run, nothing kept from before but compiled
code. The result goes to sensitivity.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from peer_process import machine, watched

HERE = Path(__file__).resolve().parent
CUT = """name = "cut"
[leave_out]
years = true
regions = true
[scales]
priors = ["pooling.region_sd", "measurement.deviation_sd"]
"""


def main() -> None:
    """Measure the three analyses and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="run folder; it is copied")
    parser.add_argument("--cut-only", action="store_true", help="leave the default plan out")
    parser.add_argument("--minutes", type=float, default=60.0, help="after which an analysis is killed")
    parser.add_argument("--work", type=Path, default=HERE.parent / "runs" / "sensitivity")
    parser.add_argument("--out", type=Path, default=HERE / "sensitivity.md")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    (options.work / "cut.toml").write_text(CUT, encoding="utf-8")
    cut = ["--plan", options.work / "cut.toml"]
    wanted = {"cut, 1 worker": [*cut, "--workers", 1], "cut, 2 workers": [*cut, "--workers", 2]}
    if not options.cut_only:
        wanted["default plan, 2 workers"] = ["--workers", 2]
    found = {name: measured(name, arguments, options) for name, arguments in wanted.items()}
    text = table(found)
    options.out.write_text(text, encoding="utf-8")
    print(text)


def measured(name: str, arguments: list[object], options: argparse.Namespace) -> dict[str, Any]:
    """Run one analysis in a process of its own."""
    folder = options.work / "run"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(options.run, folder)
    kept = options.work / "kept"
    shutil.rmtree(kept, ignore_errors=True)
    command = [sys.executable, "-m", "bayes_csc_cli", "sensitivity", folder, "--cache", kept, *arguments]
    before, began = children_seconds(), time.monotonic()
    problem, memory = watched(command, log=options.work / "log", limit=60.0 * options.minutes)
    seconds, cpu = time.monotonic() - began, children_seconds() - before
    print(f"{name}: {seconds:.0f} s, {cpu:.0f} s of CPU, {memory:.2f} GB {problem}", flush=True)
    found: dict[str, Any] = {"seconds": seconds, "cpu": cpu, "memory": memory, "problem": problem}
    if not problem:
        summary = json.loads((folder / "sensitivity.json").read_text(encoding="utf-8"))
        variants = summary["metadata"]["variants"][1:]
        depth = Counter(variant["depth"] for variant in variants)
        found |= {
            "variants": len(variants), "failed": len(summary["failed"]), "depth": depth,
            "base": "preview" if summary["metadata"]["preview"] else "full run",
            "panel": summary["metadata"]["panel"],
        }  # fmt: skip
    return found


def children_seconds() -> float:
    """CPU time of all processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(found: dict[str, dict[str, Any]]) -> str:
    """Lay the figures out."""
    first = next(iter(found.values()))
    about = f"{first.get('panel', '')}, base a {first.get('base', '')}"
    busy = os.getloadavg()[2]
    lines = [
        "# Sensitivity analyses", "",
        f"`bayescsc sensitivity` as a whole process, start-up and page included; {about}; {machine()}; load average "
        f"over the last quarter of an hour {busy:.1f}. Compiled code was there before; no answer was kept. Memory is "
        "the most that all processes together had at once, shared pages counted once.", "",
        "| analysis | variants | failed | depth | wall, s | CPU, s | memory, GB | |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, one in found.items():
        depth = ", ".join(f"{n} {kind}" for kind, n in one.get("depth", {}).items())
        lines.append(
            f"| {name} | {one.get('variants', '')} | {one.get('failed', '')} | {depth} | {one['seconds']:.0f} | "
            f"{one['cpu']:.0f} | {one['memory']:.2f} | {one['problem']} |"
        )
    one, two = found["cut, 1 worker"], found["cut, 2 workers"]
    gain = one["seconds"] / two["seconds"]
    lines += ["", f"Two workers do the cut {gain:.2f} times as fast as one.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
