"""Two or more runs side by side: what changed for whom, and whether data, spec or Monte Carlo error made it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayes_csc.errors import UsageError
from bayes_csc.estimates.decline import decline
from bayes_csc.evaluation.comparison.changes import data_changes, spec_changes
from bayes_csc.inference.chains import Progress
from bayes_csc.inference.fit import Fit, Model, preview
from bayes_csc.inference.groups import members
from bayes_csc.panel.indicator_selection import chosen_indicators

ERRORS = 2.0
"""Monte Carlo standard errors within which a difference is put down to them."""
NOISE, DATA, SPEC, BOTH, ANCHOR = "Monte Carlo error", "data", "spec", "data and spec", "a new inspection"
MODEL = "model or seed"


def compare(
    runs: Sequence[Fit],
    names: Sequence[str],
    *,
    group: str = "requires improvement",
    model: Model | None = None,
    force: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> pd.DataFrame:
    """Compare each run with the one before it.

    The difference of an authority's P(decline) is within Monte Carlo error if

        |p2 - p1| <= ERRORS sqrt(mcse1 ** 2 + mcse2 ** 2)

    Otherwise it is put down to what differs between the runs. Where both data and spec do, and a model is given, a
    preview of the new data under the old spec takes the difference apart: `by_data` = that one less p1, `by_spec` = p2
    less that one.

    Parameters
    ----------
    runs
        The earliest first; at least two.
    names
        What they are called.
    group
        Authorities that are in the group in any of the runs.
    model
        The function that built their model: then differences of data and spec are told apart.
    force
        Take runs that failed their gate.
    progress
        Of the preview.

    Returns
    -------
    pandas.DataFrame
        A row per authority and pair of runs: `authority`, `name`, `before`, `after` (names of the runs), their
        `p_decline_*`, `mcse_*`, `delta_*` and `last_inspection_*`; `difference` and its `error`; `why`; `by_data`,
        `by_spec`; and the numbers of figures `new`, `gone`, `restated` and of `judgements` that are in one alone.
        `attrs["pairs"]` says of each pair what differs.

    Raises
    ------
    UsageError
        Fewer than two runs, or two of one name.
    GateError
        A run failed its gate.
    """
    if len(runs) < 2 or len(set(names)) < len(runs):
        raise UsageError("expected two or more different runs")
    parts, pairs = [], []
    for one, other, before, after in zip(runs, runs[1:], names, names[1:], strict=False):
        codes = sorted({*members(one, group), *members(other, group)})
        tables = [_told(run, codes, force=force) for run in (one, other)]
        about = differences(one, other)
        table = _side_by_side(tables, one, other, about)
        if model is not None and about["data"] and about["spec"]:
            between = _told(_between(one, other, model, progress), codes, force=True)["p_decline"]
            table = table.assign(by_data=between - table["p_decline_1"], by_spec=table["p_decline_2"] - between)
        parts.append(table.assign(before=before, after=after).reset_index())
        pairs.append({"before": before, "after": after} | about)
    out = pd.concat(parts, ignore_index=True)
    first = ["authority", "name", "before", "after"]
    out = out[[*first, *(c for c in out.columns if c not in first)]]
    out.attrs["pairs"] = pairs
    return out


def differences(one: Fit, other: Fit) -> dict[str, Any]:
    """Say what differs between two runs.

    Returns
    -------
    dict
        `data` (whether), `panel_dates`, `spec` (every key that differs), `model`, `seed`, `versions` (that differ).
    """
    a, b = one.record, other.record
    old, new = a.get("versions", {}), b.get("versions", {})
    return {
        "data": a["panel_hash"] != b["panel_hash"],
        "panel_dates": [one.panel.date.isoformat(), other.panel.date.isoformat()],
        "spec": spec_changes(one.spec, other.spec),
        "model": [a.get("model"), b.get("model")] if a.get("model") != b.get("model") else [],
        "seed": [a["seed"], b["seed"]] if a["seed"] != b["seed"] else [],
        "versions": [f"{k} {old.get(k)} → {new.get(k)}" for k in sorted({*old, *new}) if old.get(k) != new.get(k)],
    }


def _told(run: Fit, codes: list[str], *, force: bool) -> pd.DataFrame:
    here = [code for code in codes if code in set(run.change.authority.to_numpy().astype(str))]
    table = decline(run, here, force=force).set_index("authority")
    return table.reindex(codes)


def _side_by_side(tables: Sequence[pd.DataFrame], one: Fit, other: Fit, about: dict[str, Any]) -> pd.DataFrame:
    columns = {"p_decline": "p_decline", "p_decline_mcse": "mcse", "delta_median": "delta"}
    columns["last_inspection"] = "last_inspection"
    a, b = (
        t[list(columns)].rename(columns={k: f"{v}_{i}" for k, v in columns.items()}) for i, t in enumerate(tables, 1)
    )
    out = a.join(b).assign(name=tables[1]["name"].fillna(tables[0]["name"]))
    out["difference"] = out["p_decline_2"] - out["p_decline_1"]
    out["error"] = np.hypot(out["mcse_1"], out["mcse_2"])
    used = sorted({*chosen_indicators(one.panel, one.spec), *chosen_indicators(other.panel, other.spec)})
    counts = data_changes(one.panel, other.panel, used) if about["data"] else pd.DataFrame(columns=["new"])
    out = out.join(counts.reindex(out.index).fillna(0).astype(int))
    out["why"] = [_why(row, about) for row in out.to_dict("records")]
    return out


def _why(row: dict[Any, Any], about: dict[str, Any]) -> str:
    if row["difference"] != row["difference"]:
        return "not in both"
    if row["last_inspection_1"] != row["last_inspection_2"]:
        return ANCHOR
    if abs(row["difference"]) <= ERRORS * row["error"]:
        return NOISE
    if about["data"] and about["spec"]:
        return BOTH
    return DATA if about["data"] else SPEC if about["spec"] else MODEL


def _between(one: Fit, other: Fit, model: Model, progress: Callable[[Progress], None] | None) -> Fit:
    """The new data under the old spec."""
    return preview(other.panel, model, spec=one.spec, seed=int(other.record["seed"]), progress=progress)
