"""What each direct dependency costs: time of its import, and room on disk. Rows for docs/dependencies.md."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from statistics import median

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
MODULES = {"arviz-stats": "arviz_stats", "python-calamine": "python_calamine", "scikit-learn": "sklearn",
           "tomli-w": "tomli_w"}  # fmt: skip
TIMES = 3
CLOCK = "import time; began = time.process_time(); import {module}; print(time.process_time() - began)"


def milliseconds(module: str) -> float:
    """Processor time of an import in a new process, with all that it imports."""
    program = [sys.executable, "-c", CLOCK.format(module=module)]
    return 1000 * median(
        float(subprocess.run(program, capture_output=True, text=True, check=True).stdout) for _ in range(TIMES)
    )


def megabytes(name: str) -> float:
    """Size of a distribution's own files, without those that it needs."""
    known = distribution(name)
    places = {Path(os.fspath(known.locate_file(file))) for file in known.files or ()}
    return sum(path.stat().st_size for path in places if path.is_file() and path.suffix != ".pyc") / 1e6


def main() -> None:
    """Print a row for each dependency."""
    with PYPROJECT.open("rb") as file:
        needed = tomllib.load(file)["project"]["dependencies"]
    for name in (re.split(r"[<>=!~ \[]", each)[0] for each in needed):
        print(f"| {name} | {milliseconds(MODULES.get(name, name)):.0f} | {megabytes(name):.1f} |", flush=True)


if __name__ == "__main__":
    main()
