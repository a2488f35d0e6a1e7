"""The hamlets with two inspections of after April 2026, which have sub-judgements and no overall grade."""

from __future__ import annotations

import datetime
import functools
from dataclasses import replace

import pandas as pd
from interpreted_density import by_python
from panels_with_subjudgements import with_sub_judgements
from paths import PANELS

from bayes_csc.inference.diagnostics import Gate
from bayes_csc.inference.fit import Fit, preview
from bayes_csc.panel.panel import Panel
from bayes_csc_models import trajectory

HAMLETS = PANELS / "hamlets"
LATEST = {
    "401": ("2026-05-11", {"leadership": 2, "protection": 2, "care": 1}),
    "404": ("2026-06-15", {"leadership": 2, "protection": 3, "care": 3}),
}
"""Elm was judged requires improvement before, Hazel inadequate."""


def panel(date: str = "2026-09-30") -> Panel:
    """Earlier inspections of ILACS have the sub-judgements, too."""
    before = with_sub_judgements(Panel.read(HAMLETS))
    rows = [
        (code, "ILACS", "full", pd.Timestamp(day), pd.Timestamp(day) + pd.Timedelta(days=60), domain, grade)
        for code, (day, judged) in LATEST.items()
        for domain, grade in judged.items()
    ]
    more = pd.DataFrame(rows, columns=before.inspections.columns)
    inspections = pd.concat([before.inspections, more], ignore_index=True)
    return replace(before, date=datetime.date.fromisoformat(date), inspections=inspections)


@functools.cache
def fitted() -> Fit:
    """Of the panel's judgements, its figures ending in 2022: the path is long, and the draws are few."""
    with by_python():
        run = preview(panel(), trajectory, seed=3, chains=2, draws=8)
    return replace(run, gate=Gate(True, 1.001, 900.0, 800.0, 0.9, 0, (), ""))
