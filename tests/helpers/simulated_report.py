"""A report's findings and pages, made once: the hamlets with a name that is markup, and authorities of every kind."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import re
from pathlib import Path

import pandas as pd
from paths import PANELS

from bayes_csc.inference.diagnostics import Gate
from bayes_csc.inference.fit import Fit, preview
from bayes_csc.panel.panel import Panel
from bayes_csc.report.findings.collect import Findings, gather
from bayes_csc_models import trajectory

HAMLETS = PANELS / "hamlets"
NASTY = "O’Brien, Æ <script>alert('1')</script> & \"$x$\""
FORBIDDEN = re.compile(
    r"\b(will|shall|because of|due to|caused?|causes|causing|led to|leads to|results? in|thanks to|owing to)\b", re.I
)
"""Words of certainty and of cause, which no sentence of a report has."""
PASSED = Gate(True, 1.001, 900.0, 800.0, 0.9, 0, (), "")


def hamlets() -> Panel:
    """Elm has a name that is markup, Fern was judged once, Gorse eight years ago, Ivy never; Hazel cannot get worse."""
    panel = Panel.read(HAMLETS)
    rows = panel.inspections
    rows = rows[rows["authority"] != "405"]
    once = (rows["authority"] == "402") & (rows["start_date"] < "2022-01-01")
    old = rows["authority"] == "403"
    rows = rows[~once & ~(old & (rows["start_date"] > "2019-01-01"))].copy()
    moved = rows["authority"] == "403"
    rows.loc[moved, ["start_date", "publication_date"]] = [pd.Timestamp("2014-09-10"), pd.Timestamp("2014-11-10")]
    rows.loc[moved, "grade"] = 3
    table = panel.authorities.copy()
    table.loc["401", "name"] = NASTY
    table.loc["402", "neighbours"] = "401 403"
    labels = {k: dataclasses.replace(i, label=f"{i.label} {NASTY}") for k, i in panel.indicators.items()}
    return dataclasses.replace(
        panel, inspections=rows.reset_index(drop=True), authorities=table, indicators=labels, readme=f"# {NASTY}\n"
    )


@functools.cache
def fitted() -> Fit:
    run = preview(hamlets(), trajectory, seed=3, chains=2, draws=40)
    return dataclasses.replace(run, gate=PASSED)


@functools.cache
def findings() -> Findings:
    made = datetime.date(2022, 12, 1)
    return gather(fitted(), trajectory, Path("runs/none"), equations="theta = ...", group="all", made=made)
