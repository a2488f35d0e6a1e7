"""A backtest: forecasters asked at past origins, and scored on the inspections that then came."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayes_csc.errors import UsageError
from bayes_csc.evaluation.backtest.events import HORIZONS, KEY, outcomes, straddling, targets
from bayes_csc.evaluation.backtest.forecasters.forecaster import Answer, Forecaster, description
from bayes_csc.evaluation.backtest.forecasters.pool import Parts, pool_name, pooled
from bayes_csc.evaluation.backtest.forecasters.stack import STACK, stacked
from bayes_csc.evaluation.backtest.known import known_at
from bayes_csc.evaluation.backtest.result import Backtest, later_release, with_chances
from bayes_csc.evaluation.backtest.summary import ALL, score_table
from bayes_csc.evaluation.dask_jobs import Job, results
from bayes_csc.files.result_cache import Kept, digest, versions
from bayes_csc.inference.chains import Progress
from bayes_csc.measurement.figures_used import data_days
from bayes_csc.panel.indicator_selection import default_indicators
from bayes_csc.panel.panel import Panel

if TYPE_CHECKING:
    from distributed import Client

ORIGINS = tuple(datetime.date(year, 1, 1) for year in range(2018, 2026))
GROUP = "requires improvement"
STAGE = "forecasting"


@dataclass(frozen=True)
class Task:
    """One forecaster at one origin; `key` is the digest of all that its answer depends on."""

    origin: datetime.date
    forecaster: Forecaster
    key: str

    def job(self, horizons: tuple[int, ...], seed: int) -> Job:
        """The work that answers it, on what was known at the origin."""
        call = partial(_answer, self.forecaster, self.origin, horizons, seed)
        return Job(self.key, f"{self.forecaster.name} at {self.origin}", self.origin.isoformat(), call)


def backtest(
    panel: Panel,
    forecasters: Sequence[Forecaster],
    client: Client,
    *,
    variants: Sequence[str] = (),
    pools: Sequence[Parts] = (),
    choice: str | None = None,
    origins: Sequence[datetime.date] = ORIGINS,
    horizons: tuple[int, ...] = HORIZONS,
    group: str = GROUP,
    seed: int = 1,
    checkpoint: Path | None = None,
    resume: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Backtest:
    """Ask every forecaster at every origin, and score the answers.

    Parameters
    ----------
    panel
        The whole panel; each forecaster gets what of it was known at the origin (`known.known_at`).
    forecasters
        The first is the model.
    client
        Of the cluster that computes (`bayes_csc.evaluation.dask_jobs.dask_client`).
    variants
        Names of forecasters that are variants of the baseline, not competitors.
    pools
        Names of the two forecasters of each linear pool (`pool.pooled`) that is scored beside them.
    choice
        Name of the forecaster or pool that is the forecast, with which the others are compared; the model by default.
    origins, horizons
        Days, and months after each within which an inspection starts.
    group
        Grade whose authorities are scored by themselves.
    seed
        Of the fits, the forests and the bootstrap.
    checkpoint
        Folder where answers are kept until the backtest is done.
    resume
        Take up the answers that an earlier, killed backtest left there, as far as nothing they depend on has changed.
    progress
        Called as answers come.

    Raises
    ------
    UsageError
        No such grade, two forecasters of one name, no such forecaster for a pool or choice, or no event to forecast.
    """
    grade = _checked(panel, forecasters, origins, group)
    choice = choice or forecasters[0].name
    if choice not in (names := [*(f.name for f in forecasters), *map(pool_name, pools)]):
        raise UsageError(f"no forecaster or pool is called {choice!r}; there are {', '.join(names)}")
    store = Kept(checkpoint) if checkpoint else None
    if store and not resume:
        store.close()
    depends = {"panel": panel.hash, "seed": seed, "horizons": horizons, "versions": versions()}
    tasks = [
        Task(o, f, digest(depends | {"origin": o.isoformat(), "forecaster": description(f)}))
        for f in forecasters
        for o in sorted(set(origins))
    ]
    found = _ask(panel, tasks, horizons, seed, client, store, progress or (lambda _: None))
    columns = [f"p_grade_{g}" for g in range(1, len(panel.grades) + 1)]
    rows, about = _rows(panel, found, horizons, columns, grade)
    if rows.empty:
        raise UsageError("no inspection with an overall grade started within a horizon of these origins; give others")
    roles = {f.name: "variant" if f.name in variants else "rival" for f in forecasters}
    roles[forecasters[0].name] = "model"
    weights = pd.DataFrame()
    if len(forecasters) > 1:
        mixed, weights = stacked(rows, columns)
        rows, roles = pd.concat([rows, mixed], ignore_index=True), roles | {STACK: "stack"}
    rows, roles, mixtures = _with_pools(rows, columns, pools, roles)
    roles[choice] = "baseline"
    scores = score_table(rows, columns, {group: grade, ALL: None}, choice, seed=seed)
    done = Backtest(
        with_chances(rows, columns), scores, about, weights, choice, group, roles,
        _metadata(panel, forecasters, found, seed, group, grade), mixtures,
    )  # fmt: skip
    if store:
        store.close()
    return done


def _with_pools(
    rows: pd.DataFrame, columns: list[str], pools: Sequence[Parts], roles: dict[str, str]
) -> tuple[pd.DataFrame, dict[str, str], dict[Parts, pd.DataFrame]]:
    """Rows and roles with those of the pools, and the weights of each."""
    found = {parts: pooled(rows, columns, parts) for parts in pools}
    mixed = [own for own, _ in found.values()]
    roles = roles | {pool_name(parts): "pool" for parts in pools}
    return pd.concat([rows, *mixed], ignore_index=True), roles, {parts: weight for parts, (_, weight) in found.items()}


def _checked(panel: Panel, forecasters: Sequence[Forecaster], origins: Sequence[datetime.date], group: str) -> int:
    """Number of the group's grade, if all else is as it must be."""
    names = [f.name for f in forecasters]
    problems = []
    if group not in panel.grades:
        problems.append(f"no grade {group!r} in panel {panel.name}; its grades are {', '.join(panel.grades)}")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        problems.append(f"two forecasters are called {', '.join(twice)}; give the specs different names")
    if not names or not origins:
        problems.append("a backtest needs a forecaster and an origin")
    if late := [o.isoformat() for o in origins if o > panel.date]:
        problems.append(
            f"origins after the panel's date, {panel.date}: {', '.join(late)}; nothing has come of them yet"
        )
    if problems:
        raise UsageError("\n".join(problems))
    return panel.grades.index(group) + 1


def _ask(
    panel: Panel, tasks: list[Task], horizons: tuple[int, ...], seed: int, client: Client, store: Kept | None,
    progress: Callable[[Progress], None],
) -> list[tuple[Task, Answer]]:  # fmt: skip
    """Answers of all tasks, in their order: those kept on disk, and those that are computed now."""
    kept = {task.key: text for task in tasks if store and (text := store.read(task.key))}
    found = {key: Answer.of_json(text) for key, text in kept.items()}
    missing = [task for task in tasks if task.key not in found]
    known = {day.isoformat(): known_at(panel, day) for day in sorted({task.origin for task in missing})}
    jobs = [task.job(horizons, seed) for task in missing]
    for job, answer in results(jobs, known, client=client, stage=STAGE, progress=progress):
        found[job.key] = answer
        if store:
            store.write(job.key, answer.to_json())
    return [(task, found[task.key]) for task in tasks]


def _answer(
    forecaster: Forecaster, origin: datetime.date, horizons: tuple[int, ...], seed: int, known: Panel
) -> Answer:
    return forecaster(known, targets(known, origin, horizons), seed=seed)


def _rows(
    panel: Panel, found: list[tuple[Task, Answer]], horizons: tuple[int, ...], columns: list[str], grade: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forecasts of the inspections that came, and what there was at each origin."""
    rows, origins = [], []
    for origin in sorted({task.origin for task, _ in found}):
        known, came = known_at(panel, origin), outcomes(panel, origin, horizons)
        asked = targets(known, origin, horizons)
        events = asked[["previous", "gap"]].join(came, how="inner")
        events = events.assign(origin=origin, name=panel.authorities["name"].reindex(events.index, level=KEY[0]))
        for task, answer in found:
            if task.origin == origin:
                p = answer.probabilities.set_axis(columns, axis="columns").loc[events.index]
                rows.append(events.join(p).assign(forecaster=task.forecaster.name).reset_index())
        shown = known.cells[known.cells["indicator"].isin(default_indicators(panel))]
        for horizon in horizons:
            own = events[events.index.get_level_values("horizon") == horizon]
            worse = own["grade"] > own["previous"]
            origins.append(
                {
                    "origin": origin, "horizon": horizon, "events": len(own), "worse": int(worse.sum()),
                    "of_group": int((own["previous"] == grade).sum()),
                    "worse_of_group": int(worse[own["previous"] == grade].sum()),
                    "straddling": straddling(panel, origin),
                    "not_forecast": int((came.index.get_level_values("horizon") == horizon).sum()) - len(own),
                    "later_release": later_release(shown, panel.releases, origin),
                    "whole": pd.Timestamp(origin) + pd.DateOffset(months=horizon) <= pd.Timestamp(panel.date),
                }
            )  # fmt: skip
    return pd.concat(rows, ignore_index=True), pd.DataFrame(origins)


def _metadata(
    panel: Panel, forecasters: Sequence[Forecaster], found: list[tuple[Task, Answer]], seed: int, group: str, grade: int
) -> dict[str, Any]:
    answered: dict[str, dict[str, Any]] = {f.name: {} for f in forecasters}
    for task, answer in found:
        answered[task.forecaster.name][task.origin.isoformat()] = answer.about
    return {
        "panel": panel.name,
        "panel_date": panel.date.isoformat(),
        "panel_hash": panel.hash,
        **data_days(panel, default_indicators(panel)).metadata(),
        "grades": list(panel.grades),
        "group": group,
        "group_grade": grade,
        "seed": seed,
        "versions": versions(),
        "model": forecasters[0].name,
        "forecasters": {f.name: description(f) | {"answers": answered[f.name]} for f in forecasters},
    }
