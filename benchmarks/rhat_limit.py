"""How often chains that agree fail the limit of R-hat, over all quantities and looks: at most once in a hundred.

    python benchmarks/rhat_limit.py [REPLICATES]      writes rhat_limit.md

Quantities are independent AR(1) series of four chains, looked at after 800, 1,200 and 1,600 draws, as `fit` does; those
of a posterior depend on each other, so that they fail together and more rarely. Beside it the fixed limit of 1.01 after
the first look.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from markdown_table import markdown
from scipy.signal import lfilter

from bayes_csc.inference.convergence import convergence, rhat_limit

QUANTITIES, CHAINS, LOOKS = 2000, 4, (800, 1200, 1600)
AUTOCORRELATIONS = (-0.3, 0.0, 0.33, 0.6)


def series(phi: float, rng: np.random.Generator) -> np.ndarray:
    """Stationary AR(1) series of unit variance (quantity, chain, draw)."""
    e = rng.standard_normal((QUANTITIES, CHAINS, LOOKS[-1])) * np.sqrt(1.0 - phi**2)
    e[..., 0] /= np.sqrt(1.0 - phi**2)
    return np.asarray(lfilter([1.0], [1.0, -phi], e, axis=2))


def main(replicates: int) -> None:
    """Simulate, and write the table."""
    rows = []
    for phi in AUTOCORRELATIONS:
        rng = np.random.default_rng(3)
        alarms, fixed = 0, 0
        for _ in range(replicates):
            x, failed = series(phi, rng), False
            for look, draws in enumerate(LOOKS):
                found = convergence(x[..., :draws])
                failed |= bool((found.rhat >= rhat_limit(found.within, halves=2 * CHAINS, draws=draws // 2)).any())
                fixed += bool((found.rhat >= 1.01).any()) if look == 0 else 0
            alarms += failed
        effective = CHAINS * LOOKS[0] * (1.0 - phi) / (1.0 + phi)
        rows.append(
            {
                "autocorrelation": phi, "effective draws at 800": f"{effective:,.0f}", "replicates": replicates,
                "above the limit at any look": alarms, "above 1.01 at the first look": fixed,
            }
        )  # fmt: skip
    text = (
        f"# False alarms of R-hat\n\n`python benchmarks/rhat_limit.py {replicates}`: replicates in which any of "
        f"{QUANTITIES:,} quantities of {CHAINS} chains that agree is above its limit "
        f"(`bayes_csc.inference.convergence.rhat_limit`).\n\n{markdown(pd.DataFrame(rows))}\n"
    )
    (Path(__file__).parent / "rhat_limit.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
