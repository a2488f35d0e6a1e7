"""How long `bayescsc fit` takes, as a user waits for it: previews and full fits, and the first ever of a machine.

python benchmarks/times.py     some four minutes; writes times.md beside this file
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from peer_process import machine, watched

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "times.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        fit_once("preview", work, [])  # so that what follows is warm
        found = [fit_once("preview", work, []) for _ in range(options.repeats)]
        found += [fit_once("full", work, []) for _ in range(options.repeats)]
        empty = [f"PYTENSOR_FLAGS=base_compiledir={work / 'pytensor'}", f"NUMBA_CACHE_DIR={work / 'numba'}"]
        found += [fit_once("full, nothing compiled before", work, empty), fit_once("full, straight after", work, empty)]
    text = table(found)
    options.out.write_text(text, encoding="utf-8")
    print(text)


def fit_once(what: str, work: Path, environment: list[str]) -> dict[str, Any]:
    """Fit the embedded England panel by the command, in a process of its own."""
    out = work / "run"
    command = ["env", *environment, sys.executable, "-m", "bayes_csc_cli", "fit", "--overwrite", "--out", out]
    command += ["--preview"] if what == "preview" else []
    began = time.monotonic()
    problem, memory = watched(command, log=work / "log", limit=1800.0)
    seconds = time.monotonic() - began
    if problem:
        raise SystemExit(f"{what}: {problem}\n{(work / 'log').read_text(encoding='utf-8')}")
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    return {
        "what": what,
        "process": seconds,
        "stages": record["seconds"],
        "memory": memory,
        "versions": record["versions"],
    }


def table(found: list[dict[str, Any]]) -> str:
    """Lay the times out as Markdown."""
    stages = list(found[0]["stages"])
    versions = ", ".join(f"{name} {number}" for name, number in found[0]["versions"].items())
    rows = [
        f"| {r['what']} | {r['process']:.1f} | {sum(r['stages'].values()):.1f} | "
        f"{' | '.join(f'{r["stages"][stage]:.1f}' for stage in stages)} | {r['memory']:.2f} |"
        for r in found
    ]
    return "\n".join(
        [
            "# How long a fit takes",
            "",
            f"`bayescsc fit` of the embedded England panel, spec baseline, seed 1, each a process of its own; "
            f"{machine()}; {versions}. Seconds; the process has start-up, reading and writing besides the fit. "
            "Memory is the most that the process and its children had at once, looked at every half second. Where "
            "nothing was compiled before, the caches of PyTensor and Numba are new folders.",
            "",
            f"| | process | fit | {' | '.join(stages)} | memory, GB |",
            "|---" * (len(stages) + 4) + "|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    main()
