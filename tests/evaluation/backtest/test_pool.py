"""The pool of two forecasters: its weight against a general integral, each inspection once, nothing from the future."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

from bayes_csc.errors import UsageError
from bayes_csc.evaluation.backtest.forecasters.pool import (
    outcomes_of,
    pool_name,
    pool_record,
    pool_weight,
    pooled,
    posterior_weight,
    recorded_pool,
    weight_as_of,
)

P = [f"p_grade_{g}" for g in range(1, 5)]
PARTS = ("model", "table")
DAYS = [datetime.date(year, 1, 1) for year in (2018, 2019, 2020, 2021)]


def event(origin: int, authority: str, start: str, grade: int) -> dict[str, object]:
    begun = pd.Timestamp(start)
    return {
        "origin": datetime.date(origin, 1, 1), "authority": authority, "grade": grade, "previous": 3.0,
        "start": begun, "published": begun + pd.Timedelta(days=60),
    }  # fmt: skip


def rows(seed: int = 0, authorities: int = 30) -> pd.DataFrame:
    """Every authority inspected each second year, an event of the two origins before it within 24 months."""
    rng = np.random.default_rng(seed)
    events = []
    for k in range(authorities):
        for year in (2018, 2020) if k % 2 else (2019, 2021):
            grade, start = int(rng.integers(1, 5)), f"{year}-{rng.integers(1, 12):02}-15"
            for origin in (year - 1, year):
                for horizon in (12, 24):
                    if origin >= 2018 and year - origin < horizon / 12:
                        events.append(event(origin, f"a{k:02}", start, grade) | {"horizon": horizon})
    table = pd.DataFrame(events)
    parts = []
    for name, sharp in (("model", 0.5), ("table", 0.3)):
        p = rng.dirichlet(np.ones(4), len(table)) * (1 - sharp)
        p[np.arange(len(table)), table["grade"] - 1] += sharp * (rng.random(len(table)) < 0.8)
        p = p / p.sum(axis=1, keepdims=True)
        parts.append(table.assign(forecaster=name).join(pd.DataFrame(p, columns=P)))
    return pd.concat(parts, ignore_index=True)


def test_the_weight_is_the_posterior_mean_under_a_beta_prior() -> None:
    rng = np.random.default_rng(1)
    model, other = rng.uniform(0.05, 0.9, 20), rng.uniform(0.05, 0.9, 20)

    def density(w: float) -> float:
        return float(w * (1 - w) * np.prod(2 * (w * model + (1 - w) * other)))

    expected = quad(lambda w: w * density(w), 0, 1)[0] / quad(density, 0, 1)[0]
    assert posterior_weight(model, other) == pytest.approx(expected, abs=1e-5)
    assert posterior_weight(other, model) == pytest.approx(1 - expected, abs=1e-5)


def test_an_inspection_that_is_an_event_at_two_origins_counts_once_as_forecast_at_the_later() -> None:
    table = rows()
    found = outcomes_of(table, P, 24, PARTS)
    own = table[(table.horizon == 24) & (table.forecaster == "model")]
    assert len(own) > len(found) == len(own.drop_duplicates(["authority", "start"]))
    late = own.sort_values("origin").drop_duplicates(["authority", "start"], keep="last")
    expected = [row[f"p_grade_{row.grade}"] for _, row in late.iterrows()]
    assert sorted(found["p_model"]) == pytest.approx(sorted(expected))
    earlier = own.index[own.duplicated(["authority", "start"], keep="last")]
    changed = table.assign(**{c: table[c].mask(table.index.isin(earlier), 0.25) for c in P})
    assert pool_weight(changed, P, DAYS[3], 24, PARTS) == pool_weight(table, P, DAYS[3], 24, PARTS)


def test_the_weight_of_a_day_knows_only_what_was_published_by_it() -> None:
    table = rows()
    late = table["published"] > pd.Timestamp(DAYS[2])
    changed = table.assign(grade=table["grade"].where(~late, 5 - table["grade"]))
    pool, weights = pooled(table, P, PARTS)
    again, other = pooled(changed, P, PARTS)
    known = [(day, h) for day in DAYS[:3] for h in (12, 24)]
    pd.testing.assert_frame_equal(weights.loc[known], other.loc[known], check_exact=True)
    assert not weights.equals(other)
    early = pool["origin"] <= DAYS[2]
    pd.testing.assert_frame_equal(pool.loc[early, P], again.loc[early, P], check_exact=True)
    assert weights.loc[(DAYS[0], 12), "weight"] == 0.5
    for (day, horizon), weight in weights["weight"].items():
        assert weight == pytest.approx(pool_weight(table, P, day, horizon, PARTS), abs=1e-12)


def test_a_pool_is_the_mixture_of_its_parts_by_its_weight() -> None:
    table = rows()
    pool, weights = pooled(table, P, PARTS)
    key = ["origin", "horizon", "authority"]
    model, other, mixed = (
        frame.set_index(key)[P].sort_index()
        for frame in (table[table.forecaster == "model"], table[table.forecaster == "table"], pool)
    )
    w = np.array([weights.loc[(origin, horizon), "weight"] for origin, horizon, _ in mixed.index])[:, None]
    np.testing.assert_allclose(mixed, w * model + (1 - w) * other)
    assert set(pool["forecaster"]) == {pool_name(PARTS)} == {"model + table"}


def test_the_record_gives_the_weight_as_of_any_day() -> None:
    table = rows()
    record = pool_record(table, P, PARTS)
    for day in [*DAYS, datetime.date(2020, 7, 14), datetime.date(2030, 1, 1)]:
        for horizon in (12, 24):
            expected = pool_weight(table, P, day, horizon, PARTS)
            assert weight_as_of(record, horizon, day) == pytest.approx(expected, abs=1e-5)
    assert weight_as_of(record, 12, DAYS[0]) == 0.5
    assert weight_as_of(record, 60, DAYS[3]) == weight_as_of(record, 24, DAYS[3])
    assert recorded_pool({"pool": [record | {"other": "forest"}, record]}, PARTS) == record
    assert recorded_pool({}, PARTS) is None
    assert (record["name"], record["model"], record["other"]) == ("model + table", "model", "table")


def test_a_part_without_forecasts_is_said() -> None:
    with pytest.raises(UsageError, match="a pool needs the forecasts of forest; add them to the backtest"):
        pooled(rows(), P, ("model", "forest"))
