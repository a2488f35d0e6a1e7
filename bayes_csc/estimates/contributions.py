"""What moved an estimate: each indicator's, each judgement's and the prior's part in an authority's change."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
import xarray as xr

from bayes_csc.errors import UsageError
from bayes_csc.estimates.attribution import KINDS, Attribution, attributions
from bayes_csc.estimates.decline import INTERVAL, TOO_RECENT
from bayes_csc.estimates.run_tables import about, refuse_failed, write_table
from bayes_csc.inference.fit import Fit, Model
from bayes_csc.inference.groups import members
from bayes_csc.inference.reopen import revisit
from bayes_csc.measurement.design import Design
from bayes_csc.panel.panel import Panel

Quantity = Literal["since inspection", "recent", "now"]
DRAWS = 100
COLUMNS = (
    "authority", "name", "quantity", "kind", "domain", "source", "label", "contribution", "lower", "upper", "note",
)  # fmt: skip
TOTAL = "total"


def contributions(
    fit: Fit,
    model: Model,
    *,
    group: str | Sequence[str] = "requires improvement",
    quantity: Quantity = "since inspection",
    draws: int = DRAWS,
    interval: float = INTERVAL,
    force: bool = False,
) -> pd.DataFrame:
    """Take the estimates of a group apart: how much each indicator, each judgement and the prior moved them.

    Given the hyperparameters the estimate is a sum, exactly: of what each observation says (its smoother's weight times
    its residual at the prior mean, `estimates.smoother`), summed by indicator and by judgement; of the prior mean (the
    region's, and by deprivation); and of the nation's mean, on which theta is measured. Each part is averaged over
    draws of the hyperparameters. Parts say how the estimate is made up, not why anything changed.

    Two traps. Weights are partial: beside agency, vacancies say little of their own, and what they say may be of the
    deviation that both share, with either sign; such a domain is best read as a whole (sum over `domain`). And an
    indicator's weights need not cancel over the years, so that one which stays low may still pull a change down, where
    the last state rests on it more than the earlier one does.

    Parameters
    ----------
    fit
        A run.
    model
        The function that built its model.
    group
        As of `decline`.
    quantity
        "since inspection": theta(now) - theta(last inspection), as in `decline`; "recent": the change over the two
        years to the newest figure; "now": theta now. All relative to the nation's mean.
    draws
        Of the hyperparameters, at most.
    interval
        Probability of the equal-tailed intervals, over the draws: how sure each part's size is, not the estimate's own
        uncertainty, which `decline` has.
    force
        Give the table even if the run failed its gate.

    Returns
    -------
    pandas.DataFrame
        A row per authority and source, authorities by name; of each the indicators in the dictionary's order, the
        judgements by date, the prior, the nation's mean and the total (the mean of the estimate, and its interval over
        the draws). An indicator or judgement without a row was not observed. An authority never inspected has no change
        since: one row, of an empty total. Where authorities are linked (successors, joint returns) an indicator is that
        of all of them. `attrs` holds the metadata that every output carries.

    Raises
    ------
    GateError
        The run failed its gate.
    UsageError
        No such group, quantity or number of draws, or an impossible interval.
    DataError
        The model is not the one that was fitted.
    """
    refuse_failed(fit, force=force)
    problems = [f"expected 0 < interval < 1, found {interval}"] if not 0 < interval < 1 else []
    problems += [f"expected at least one draw, found {draws}"] if draws < 1 else []
    if quantity not in get_args(Quantity):
        problems.append(f"expected one of {', '.join(get_args(Quantity))}, found {quantity!r}")
    if problems:
        raise UsageError("\n".join(problems))
    codes = members(fit, group)
    again = revisit(fit, model, draws=draws)
    wanted = contrasts(fit, again.design, codes, quantity)
    parts = [_rows(fit.panel, part, interval) for part in attributions(again, wanted)]
    never = [
        {"authority": code, "kind": TOTAL, "source": TOTAL, "label": TOTAL} for code in codes if code not in wanted
    ]
    out = pd.concat([*parts, pd.DataFrame(never)], ignore_index=True)
    out["name"] = out.authority.map(fit.panel.authorities["name"])
    out["quantity"] = quantity
    out["domain"] = out.source.map({key: i.domain for key, i in fit.panel.indicators.items()}).fillna("")
    out["note"] = out.authority.map({code: _note(fit, code, quantity) for code in codes})
    out = out.sort_values(["name", "authority"], kind="stable", ignore_index=True).reindex(columns=list(COLUMNS))
    out.attrs.update(about(fit, group, interval) | {"quantity": quantity, "draws": len(again.points)})
    return out


def contrasts(fit: Fit, design: Design, codes: list[str], quantity: Quantity) -> dict[str, np.ndarray]:
    """Weights over the grid's years that make a quantity of theta, by authority; none without an inspection."""
    end = design.weights(np.array([fit.recent_until if quantity == "recent" else design.now]))[0]
    if quantity == "now":
        return dict.fromkeys(codes, end)
    since = fit.change.since.sel(authority=codes, change=quantity).to_numpy()
    then = design.weights(np.nan_to_num(since, nan=design.now))
    return {code: end - w for code, w, at in zip(codes, then, since, strict=True) if at == at}


def _note(fit: Fit, code: str, quantity: Quantity) -> str:
    notes = ["preview"] if fit.preview else []
    if quantity == "since inspection":
        gap = fit.change.attrs["now"] - float(fit.change.since.sel(authority=code, change=quantity))
        notes += ["no inspection"] if gap != gap else ["too recent"] if gap < TOO_RECENT else []
    return "; ".join(notes)


def _rows(panel: Panel, part: Attribution, interval: float) -> pd.DataFrame:
    """Rows of one authority: its sources in order, averaged over the draws, and their total."""
    tail = (1.0 - interval) / 2.0
    value = np.column_stack([part.value, part.value.sum(axis=1)])
    source = pd.concat([part.source, pd.DataFrame([{"kind": TOTAL, "source": TOTAL}])], ignore_index=True).fillna("")
    lower, upper = np.quantile(value, [tail, 1.0 - tail], axis=0)
    rows = source.assign(
        authority=part.authority,
        label=[
            _label(panel, part.authority, *row)
            for row in zip(*(source[c] for c in ("kind", "source", "unit", "scale", "date", "grade")), strict=True)
        ],
        contribution=value.mean(axis=0),
        lower=lower,
        upper=upper,
    )
    kind = rows.kind.map({k: i for i, k in enumerate((*KINDS, TOTAL))})
    place = rows.source.map({k: i for i, k in enumerate(panel.indicators)}).fillna(0)
    order = rows.assign(by_kind=kind, place=place).sort_values(["by_kind", "place", "date", "scale"], kind="stable")
    return order[["authority", "kind", "source", "label", "contribution", "lower", "upper"]]


def _label(panel: Panel, authority: str, kind: str, source: str, unit: str, scale: str, date: str, grade: str) -> str:
    """Say what a source is, in words."""
    if kind == "indicator":
        return panel.indicators[source].label
    if kind == "judgement":
        whose = "" if unit == authority else f" of {panel.authorities.loc[unit, 'name']!s}"
        return f"{scale} {date}{whose}: {grade}"
    if kind == "timing":
        return "when it was inspected"
    return f"mean of {panel.name}" if kind == "nation" else source.replace("prior ", "prior: ")


def labelled(table: pd.DataFrame) -> xr.Dataset:
    """Return the table as `contribution`, `lower` and `upper` by authority and source, the total apart.

    NaN where a source is not one of an authority's. `total`, `total_lower` and `total_upper` are by authority; `name`
    and `kind` label the authorities and the sources.
    """
    numbers = ["contribution", "lower", "upper"]
    is_total = table.kind.eq(TOTAL)
    parts = table[~is_total].set_index(["authority", "source"])[numbers].to_xarray()
    total = table[is_total].set_index("authority")[numbers].to_xarray()
    names = {"contribution": "total", "lower": "total_lower", "upper": "total_upper"}
    out = parts.reindex(authority=total.authority).assign(total.rename(names))
    kind = table[~is_total].drop_duplicates("source").set_index("source").kind.loc[out.source.to_numpy()]
    name = table[is_total].set_index("authority")["name"].loc[out.authority.to_numpy()]
    out = out.assign_coords(kind=("source", kind.to_numpy(str)), name=("authority", name.to_numpy(str)))
    return out.assign_attrs(table.attrs)


def write_contributions(table: pd.DataFrame, folder: Path) -> None:
    """Write contributions.csv and contributions.json (metadata and the same rows) into a run folder.

    A warning about a failed gate stands in the JSON's metadata and in every row's note.
    """
    write_table(table, folder, "contributions")
