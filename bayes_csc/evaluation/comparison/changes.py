"""What differs between two runs' data and specs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from bayes_csc.panel.geography import codes_of
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec

CELL = ["authority", "indicator", "year"]
FIGURES = ["numerator", "denominator", "value", "status", "lower", "upper"]
JUDGED = ["authority", "framework", "start_date", "publication_date", "domain", "grade"]
KINDS = ("new", "gone", "restated", "judgements")


def spec_changes(one: Spec, other: Spec) -> list[str]:
    """Every key whose value differs, with both values; the name is no choice.

    Examples
    --------
    >>> spec_changes(Spec(), Spec().updated({"trend": {"kind": "AR(1)"}}))
    ["trend.kind: 'random walk' → 'AR(1)'"]
    """
    before, after = (dict(_flat(spec.model_dump(mode="json", exclude={"name"}))) for spec in (one, other))
    return [f"{key}: {value!r} → {after[key]!r}" for key, value in before.items() if value != after[key]]


def _flat(values: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def data_changes(one: Panel, other: Panel, indicators: list[str]) -> pd.DataFrame:
    """Count what differs of each authority's data, of the indicators in use.

    Parameters
    ----------
    one, other
        Panels, the earlier first.
    indicators
        Keys.

    Returns
    -------
    pandas.DataFrame
        By authority: `new` and `gone` figures, `restated` ones, and `judgements` that are in one panel alone. A joint
        return counts for each of its authorities.
    """
    cells = [_cells(panel, indicators) for panel in (one, other)]
    both = cells[0].add_suffix("_1").join(cells[1].add_suffix("_2"), how="outer")
    known = [both[f"status_{i}"].isin(["observed", "suppressed"]) for i in (1, 2)]
    same = pd.Series(True, index=both.index)
    for name in FIGURES:
        a, b = both[f"{name}_1"], both[f"{name}_2"]
        same &= (a == b) | (a.isna() & b.isna())
    flags = {"new": ~known[0] & known[1], "gone": known[0] & ~known[1], "restated": known[0] & known[1] & ~same}
    counted = pd.DataFrame(flags).groupby(level="authority").sum()
    counted = counted.join(_judgements(one, other), how="outer").fillna(0).astype(int).rename_axis("authority")
    alone = counted.reset_index()
    alone["authority"] = alone["authority"].map(codes_of)
    return alone.explode("authority").groupby("authority").sum().reindex(columns=list(KINDS), fill_value=0)


def _cells(panel: Panel, indicators: list[str]) -> pd.DataFrame:
    rows = panel.cells[panel.cells["indicator"].isin(indicators)]
    return rows.set_index(CELL)[FIGURES]


def _judgements(one: Panel, other: Panel) -> pd.Series:
    rows = [panel.inspections[JUDGED] for panel in (one, other)]
    either = pd.concat([r.drop_duplicates() for r in rows])
    alone = either[~either.duplicated(keep=False)]
    return alone.groupby("authority").size().rename("judgements")
