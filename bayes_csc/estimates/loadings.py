"""What follows theta, and how much: the loading of every judgement and indicator, with its interval."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from bayes_csc.errors import UsageError
from bayes_csc.estimates.run_tables import about, refuse_failed, write_table
from bayes_csc.inference.fit import Fit

INTERVAL = 0.89
JUDGEMENT, DOMAIN, INDICATOR = "judgement", "domain", "indicator"
LOADING = "judgement_loading"


def loadings(fit: Fit, *, interval: float = INTERVAL, force: bool = False) -> pd.DataFrame:
    """Loadings on theta: of each domain judged, each domain of indicators and each indicator.

    A domain's is the mean of its indicators' loadings, all coded as the model codes them (higher is better where the
    polarity is agreed), so that it is zero where they follow theta in opposite directions.

    Parameters
    ----------
    fit
        A run.
    interval
        Probability of the equal-tailed intervals.
    force
        Give the table even if the run failed its gate.

    Returns
    -------
    pandas.DataFrame
        Columns `kind` (judgement, domain or indicator), `key`, `label`, `domain`, `polarity`, `unit` (per unit of
        theta), `mean`, `sd`, `lower`, `upper` and `p_negative`; `attrs` holds the metadata that every output carries.

    Raises
    ------
    GateError
        The run failed its gate.
    UsageError
        An impossible interval, or a run without loadings.
    """
    refuse_failed(fit, force=force)
    if not 0 < interval < 1:
        raise UsageError(f"expected 0 < interval < 1, found {interval}")
    judged = _judgement_rows(fit, interval)
    indicators, draws = _indicator_rows(fit, interval)
    rows = [*judged, *_domain_rows(indicators, draws, interval), *indicators]
    if not rows:
        raise UsageError("this run's model has no loadings, neither of judgements nor of indicators")
    out = pd.DataFrame(rows)
    out["note"] = "preview" if fit.preview else ""
    out.attrs.update(about(fit, "all", interval))
    return out


def _judgement_rows(fit: Fit, interval: float) -> list[dict[str, object]]:
    if LOADING not in fit.posterior:
        return []
    values = fit.posterior[LOADING]
    return [
        {
            "kind": JUDGEMENT, "key": str(key), "label": str(key).replace("_", " "), "domain": str(key),
            "polarity": "higher is better", "unit": "probits", **_summary(values.sel(judged=key), interval),
        }
        for key in values.judged.to_numpy()
    ]  # fmt: skip


def _indicator_rows(fit: Fit, interval: float) -> tuple[list[dict[str, object]], list[xr.DataArray]]:
    """Rows of the indicators in the dictionary's order, and the draws of each."""
    found = {
        str(key): fit.posterior[name].sel({dim: key})
        for name, dim in (("loading", "indicator"), ("ordinal_loading", "ordinal"))
        if name in fit.posterior
        for key in fit.posterior[dim].to_numpy()
    }
    keys = [key for key in fit.panel.indicators if key in found]
    rows: list[dict[str, object]] = []
    for key in keys:
        indicator = fit.panel.indicators[key]
        rows.append(
            {
                "kind": INDICATOR, "key": key, "label": indicator.label, "domain": indicator.domain,
                "polarity": indicator.polarity, "unit": indicator.distribution.unit, **_summary(found[key], interval),
            }
        )  # fmt: skip
    return rows, [found[key] for key in keys]


def _domain_rows(rows: list[dict[str, object]], draws: list[xr.DataArray], interval: float) -> list[dict[str, object]]:
    """Rows of the domains whose indicators share a unit."""
    out = []
    for domain in dict.fromkeys(row["domain"] for row in rows):
        mine = [i for i, row in enumerate(rows) if row["domain"] == domain]
        unit = {rows[i]["unit"] for i in mine}
        polarity = {rows[i]["polarity"] == "not agreed" for i in mine}
        if len(unit) > 1:
            continue
        mean = xr.concat([draws[i].reset_coords(drop=True) for i in mine], "indicator").mean("indicator")
        out.append(
            {
                "kind": DOMAIN, "key": domain, "label": str(domain).replace("_", " "), "domain": domain,
                "polarity": "not agreed" if True in polarity else "agreed", "unit": unit.pop(),
                **_summary(mean, interval),
            }
        )  # fmt: skip
    return out


def _summary(draws: xr.DataArray, interval: float) -> dict[str, float]:
    values = draws.to_numpy().ravel()
    lower, upper = np.quantile(values, [(1.0 - interval) / 2.0, (1.0 + interval) / 2.0])
    return {
        "mean": float(values.mean()), "sd": float(values.std(ddof=1)), "lower": float(lower), "upper": float(upper),
        "p_negative": float((values < 0.0).mean()),
    }  # fmt: skip


def write_loadings(table: pd.DataFrame, folder: Path) -> None:
    """Write loadings.csv and loadings.json (metadata and the same rows) into a run folder."""
    write_table(table, folder, "loadings")
