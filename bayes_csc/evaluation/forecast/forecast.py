"""The next inspection of every authority: when, with which grade, and whether to visit before it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_csc.errors import UsageError
from bayes_csc.estimates.forecast.next_grade import HORIZON, NextGrade
from bayes_csc.estimates.forecast.overall_name import gives_overall, how_to_read
from bayes_csc.estimates.forecast.visit_decision import changed, expected_errors, sides, threshold, visit_value
from bayes_csc.estimates.run_tables import about, refuse_failed, without_overall, write_table
from bayes_csc.evaluation.forecast.pooled_forecast import Pooled, pooled_forecast
from bayes_csc.inference.fit import CORES, Fit, Model
from bayes_csc.inference.groups import members
from bayes_csc.inference.probabilities import batch_means_error
from bayes_csc.inference.reopen import Revisited
from bayes_csc.measurement.judgements.inspection_rates import Reinspection
from bayes_csc.panel.calendar import grid_date, grid_position
from bayes_csc.panel.panel import OVERALL

INTERVAL = 0.89
LOSS_RATIO = 4.0


def forecast(
    fit: Fit,
    model: Model,
    *,
    group: str | Sequence[str] = "requires improvement",
    date: datetime.date | None = None,
    interval: float = INTERVAL,
    loss_ratio: float = LOSS_RATIO,
    framework: str | None = None,
    again: Revisited | None = None,
    force: bool = False,
    cores: int = CORES,
    pool: Pooled | None = None,
) -> pd.DataFrame:
    """Forecast every authority's next inspection: each domain's grade, any worse, any inadequate, the overall grade.

    With draws s of the hyperparameters and weights w of the dates d that the next inspection may have,

        p_grade_g = mean over s of sum over d of w[d] P(grade g | theta(d) ~ N(m, v), hyperparameters s)

    and `_lower` and `_upper` are the interval of P: over s, of what is averaged, theta integrated out. Beside it
    `_given_now` is the interval of the same probability given theta now, a draw of it for each s, too: how far P would
    move if the authority's state were known. Both are given the national standard's path, which is drawn after the
    data. The dates' weights come from the panel's own gaps (`reinspection`), given that no inspection has started by
    the panel's date, on which what is known of inspections ends; they are averaged over the posterior of the rates of
    inspection, and so are the date's median and interval.

    Parameters
    ----------
    fit
        A run whose model has judgements.
    model
        The function that built its model.
    group
        The list for which errors to expect are summed up; every authority has a row.
    date
        Of the next inspection, of every authority; by default it is as uncertain as it is.
    interval
        Probability of the equal-tailed intervals.
    loss_ratio
        Cost of a decline that was missed, in visits in vain (`visit_decision` has the rule).
    framework
        Of the next inspection; by default the latest that the model knows.
    again
        The fit taken up again over `next_grade.years_ahead`, if it was already.
    force
        Give the table even if the run failed its gate.
    cores
        Threads.
    pool
        What `pooled_forecast` found of this fit, date and framework, where it has been computed already.

    Returns
    -------
    pandas.DataFrame
        Sorted by name, a row for every authority that exists at the panel's date; `attrs` holds the metadata that every
        output carries and the errors to expect. Probabilities of worse and better are NaN without a previous grade.
        Where the last inspection has no overall grade, `last_grade` is the worst of its sub-judgements, which is never
        better than its overall grade would have been, and the note says "no overall grade". Where an inspection of the
        date's median would give no overall grade (`Panel.no_overall_from`), `next_has_overall` is False, and columns of
        the overall grade say what it would have been. Without sub-judgements there are no columns of domains.

    Raises
    ------
    GateError
        The run failed its gate.
    UsageError
        A fit without judgements, a date that cannot be the next inspection's, an impossible interval or loss ratio.
    """
    refuse_failed(fit, force=force)
    _check(fit, date, interval, loss_ratio)
    codes, listed = members(fit, "all"), members(fit, group)
    when = Reinspection.of(fit.panel)
    pool = pool or pooled_forecast(fit, model, when, date=date, framework=framework, again=again, cores=cores)
    pool = pool.of(codes)
    found = pool.found
    latest = fit.panel.latest_grades().reindex(codes)
    last = latest.grade.to_numpy(dtype=float)
    out = _identity(fit, codes, listed)
    out = out.assign(**_dates(when, codes, date, interval))
    out["next_has_overall"] = gives_overall(list(out.next_inspection_median), fit.panel.no_overall_from)
    columns = {**_domains(found, fit.panel.grades, interval), **_grades(found, interval)}
    for name, sign in (("p_next_worse", 1), ("p_next_better", -1)):
        columns |= _summary(name, *found.moved(last, sign), interval=interval, chains=found.chains)
    columns |= _parts(pool, last)
    out = pd.concat([out, pd.DataFrame(columns, index=out.index)], axis=1)
    out = _decided(out, last < len(fit.panel.grades), loss_ratio)
    out["note"] = [
        "; ".join(filter(None, ("preview" * fit.preview, _note(fit, g, label), without_overall(whole))))
        for g, label, whole in zip(last, out.last_grade, latest.overall, strict=True)
    ]
    about_it = about(fit, group, interval) | {
        "date": None if date is None else date.isoformat(), "horizon_years": HORIZON, "loss_ratio": loss_ratio,
        "threshold": threshold(loss_ratio), "judged": list(found.item), "draws": len(found.marginal.overall),
        **pool.about, **_reading(fit, found, out),
        "expected": _expected(out, found.moved(last, 1)[1], loss_ratio, interval),
    }  # fmt: skip
    out = out.sort_values(["name", "authority"], ignore_index=True)
    out.attrs.update(about_it)
    return out


def by_date(fit: Fit, model: Model, dates: Sequence[datetime.date], **options: Any) -> list[pd.DataFrame]:
    """Forecast as if the next inspection of every authority were on each of several days: `forecast` of each.

    Parameters
    ----------
    fit, model
        As of `forecast`.
    dates
        Days; a day given twice counts once, and they are put in order.
    options
        The others of `forecast`.

    Raises
    ------
    UsageError
        As of `forecast`, of all days before anything is computed.
    """
    days = sorted(set(dates))
    problems: list[str] = []
    for day in days:
        try:
            _check(fit, day, options.get("interval", INTERVAL), options.get("loss_ratio", LOSS_RATIO))
        except UsageError as error:
            problems += str(error).splitlines()
    if problems:
        raise UsageError("\n".join(dict.fromkeys(problems)))
    return [forecast(fit, model, date=day, **options) for day in days]


def has_judgements(fit: Fit) -> bool:
    """Whether a fit's model has judgements to forecast with."""
    return "judgement_loading" in fit.posterior


def _check(fit: Fit, date: datetime.date | None, interval: float, loss_ratio: float) -> None:
    problems = []
    if not has_judgements(fit):
        problems.append(
            "this run has no judgements (ratings.use = false, or a panel without inspections), so that it cannot "
            "forecast any; fit with ratings"
        )
    if not 0 < interval < 1 or not 0 < loss_ratio < np.inf:
        problems.append(f"expected 0 < interval < 1 and a finite loss ratio > 0, found {interval} and {loss_ratio}")
    now = grid_date(fit.change.attrs["now"])
    latest = grid_date(float(grid_position(fit.panel.date)) + HORIZON)
    if date is not None and not now <= date <= latest:
        problems.append(f"--date: expected a day from {now} (now) to {latest} ({HORIZON:g} years on), found {date}")
    if problems:
        raise UsageError("\n".join(problems))


def _identity(fit: Fit, codes: list[str], listed: list[str]) -> pd.DataFrame:
    latest = fit.panel.latest_grades().reindex(codes)
    return pd.DataFrame(
        {
            "authority": codes,
            "name": fit.panel.authorities["name"].loc[codes].to_numpy(),
            "listed": np.isin(codes, listed),
            "last_inspection": latest.start_date.dt.strftime("%Y-%m-%d").to_numpy(),
            "last_grade": latest.label.fillna("").to_numpy(),
        }
    )


def _dates(when: Reinspection, codes: list[str], date: datetime.date | None, interval: float) -> dict[str, list[str]]:
    """Median and interval of the next inspection's date."""
    levels = {"median": 0.5, "lower": (1.0 - interval) / 2.0, "upper": (1.0 + interval) / 2.0}
    if date is not None:
        return {f"next_inspection_{name}": [date.isoformat()] * len(codes) for name in levels}
    return {
        f"next_inspection_{name}": [
            grid_date(when.now + years).isoformat() for years in when.quantile(codes, level, HORIZON)
        ]
        for name, level in levels.items()
    }


def _reading(fit: Fit, found: NextGrade, table: pd.DataFrame) -> dict[str, Any]:
    """For metadata: the day from which there is no overall grade, and how to read the columns."""
    day = fit.panel.no_overall_from
    domains = [] if found.item == (OVERALL,) else list(found.item)
    return {
        "no_overall_from": None if day is None else day.isoformat(),
        "how_to_read": how_to_read(table, domains, fit.panel.grades[-1], day),
    }


def _domains(found: NextGrade, grades: Sequence[str], interval: float) -> dict[str, Any]:
    """Forecast of any worse, of any the worst and of each domain's grade, with its latest; none without domains."""
    if found.item == (OVERALL,):
        return {}
    out: dict[str, Any] = _with_ends("p_any_worse", found.marginal.any_worse, interval)
    out |= _with_ends("p_any_inadequate", found.marginal.any_worst, interval)
    for j, domain in enumerate(found.item):
        out[f"last_grade_{domain}"] = [grades[g - 1] if g > 0 else "" for g in found.before[:, j]]
        for g in range(found.marginal.domain.shape[3]):
            out |= _with_ends(f"p_{domain}_grade_{g + 1}", found.marginal.domain[:, :, j, g], interval)
    return out


def _grades(found: NextGrade, interval: float) -> dict[str, np.ndarray]:
    """Forecast of each overall grade, with its interval."""
    out: dict[str, np.ndarray] = {}
    for g in range(found.marginal.overall.shape[2]):
        out |= _with_ends(f"p_grade_{g + 1}", found.marginal.overall[..., g], interval)
        out |= _ends(f"p_grade_{g + 1}_given_now", found.given_now.overall[..., g], interval)
    return out


def _parts(pool: Pooled, last: np.ndarray) -> dict[str, np.ndarray]:
    """The model's weight in the pool, and what each part says by itself; nothing where the model stands alone."""
    if pool.other is None:
        return {}
    out = {"model_weight": pool.weight}
    number = np.arange(1, pool.other.overall.shape[2] + 1)
    beyond = np.where(np.isnan(last)[:, None], np.nan, number > last[:, None])
    for name, chances in (("model", pool.model.marginal), ("transitions", pool.other)):
        overall = chances.overall.mean(axis=0)
        out |= {f"p_grade_{g + 1}_{name}": overall[:, g] for g in range(overall.shape[1])}
        out[f"p_next_worse_{name}"] = (overall * beyond).sum(axis=1)
    return out


def _with_ends(name: str, draws: np.ndarray, interval: float) -> dict[str, np.ndarray]:
    """Mean and ends of the equal-tailed interval of draws (draw, authority)."""
    return {name: draws.mean(axis=0), **_ends(name, draws, interval)}


def _summary(
    name: str, marginal: np.ndarray, given_now: np.ndarray, without: np.ndarray, *, interval: float, chains: int
) -> dict[str, np.ndarray]:
    """Forecast, its intervals, its Monte Carlo error, and the forecast without data since the inspection."""
    each = len(marginal) // chains
    draws = marginal[: each * chains].reshape(chains, each, -1)
    error = batch_means_error(xr.DataArray(draws, dims=("chain", "draw", "authority")))
    return {
        name: marginal.mean(axis=0), **_ends(name, marginal, interval), f"{name}_mcse": error.to_numpy(),
        **_ends(f"{name}_given_now", given_now, interval),
        f"{name}_no_data": without.mean(axis=0), **_ends(f"{name}_no_data", without, interval),
    }  # fmt: skip


def _ends(name: str, draws: np.ndarray, interval: float) -> dict[str, np.ndarray]:
    """Ends of the equal-tailed interval of draws (draw, authority)."""
    lower, upper = np.quantile(draws, [(1.0 - interval) / 2.0, (1.0 + interval) / 2.0], axis=0)
    return {f"{name}_lower": lower, f"{name}_upper": upper}


def _decided(table: pd.DataFrame, can_fall: np.ndarray, loss_ratio: float) -> pd.DataFrame:
    """Add what an early visit is worth, its side of the level and whether the data since changed it, where P is."""
    ends = ("", "_lower", "_upper", "_no_data_lower", "_no_data_upper")
    p = {end: np.where(can_fall, table[f"p_next_worse{end}"], np.nan) for end in ends}
    limit = threshold(loss_ratio)
    now, before = (sides((p[f"{which}_lower"], p[f"{which}_upper"]), limit=limit) for which in ("", "_no_data"))
    worth = {f"visit_value{end}": visit_value(p[end], loss_ratio) for end in ends[:3]}
    return table.assign(**worth, level=now, level_changed=changed(now, before))


def _expected(table: pd.DataFrame, given_now: np.ndarray, loss_ratio: float, interval: float) -> dict[str, Any]:
    """Errors to expect of visiting early above the level, in the group and of all."""
    p = np.where(table.visit_value.isna(), np.nan, table.p_next_worse)
    out = {}
    for name, rows in (("group", np.flatnonzero(table.listed)), ("all", np.arange(len(table)))):
        side = table.level.iloc[rows].tolist()
        out[name] = expected_errors(p[rows], given_now[:, rows], side, loss_ratio=loss_ratio, interval=interval)
    return out


def _note(fit: Fit, grade: float, label: str) -> str:
    if grade != grade:
        return "its last grade compares with none of the panel's" if label else "no inspection"
    return "already the worst grade" if grade == len(fit.panel.grades) else ""


def write_by_date(tables: Sequence[pd.DataFrame], folder: Path) -> None:
    """Write tables of several dates as forecast_dates.csv and forecast_dates.json, a row per authority and date."""
    whole = pd.concat(
        [each.rename(columns={"next_inspection_median": "date"}) for each in tables], ignore_index=True
    ).drop(columns=["next_inspection_lower", "next_inspection_upper"])
    per_date = ("date", "expected", "how_to_read")
    whole.attrs.update({key: value for key, value in tables[0].attrs.items() if key not in per_date})
    whole.attrs["dates"] = {each.attrs["date"]: {key: each.attrs[key] for key in per_date[1:]} for each in tables}
    write_table(whole, folder, "forecast_dates")


def write_forecast(table: pd.DataFrame, folder: Path) -> None:
    """Write forecast.csv and forecast.json (metadata and the same rows) into a run folder."""
    write_table(table, folder, "forecast")
