"""Panels whose inspections have sub-judgements."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from bayes_csc.panel.panel import Panel

PARTS = {"leadership": "leadership", "protection": "protection", "care": "protection"}
"""Domains judged; "care" has the loading of "protection"."""


def with_sub_judgements(panel: Panel, *, framework: str = "ILACS", seed: int = 0) -> Panel:
    """Add to every inspection of a framework sub-judgements near its overall grade; some have three, some two."""
    rng = np.random.default_rng(seed)
    chosen = panel.inspections[panel.inspections.framework == framework]
    parts = [
        chosen.assign(domain=domain, grade=(chosen.grade + rng.integers(-1, 2, len(chosen))).clip(1, 4))
        for domain in PARTS
    ]
    parts[-1] = parts[-1].iloc[::2]
    inspections = pd.concat([panel.inspections, *parts], ignore_index=True)
    return replace(panel, inspections=inspections, sub_judgements=PARTS)
