"""When an authority is inspected next: rates counted by hand, closed quarters, conditional probabilities."""

from __future__ import annotations

import dataclasses
import datetime

import numpy as np
import pandas as pd
import pytest
from paths import PANELS

from bayes_csc.measurement.judgements.inspection_rates import NEVER, OpenTime, Reinspection, inspection_rates
from bayes_csc.panel.calendar import grid_position
from bayes_csc.panel.panel import Panel

HAMLETS = PANELS / "hamlets"


def spells(*rows: tuple[int, float, bool]) -> pd.DataFrame:
    """Rows of grade, length in years and whether it ended in an inspection."""
    grade, length, event = zip(*rows, strict=True)
    return pd.DataFrame({"grade": grade, "begun": 0.0, "ended": length, "event": event})


def test_events_and_exposure_are_counted_by_band_and_grade() -> None:
    found = inspection_rates(spells((1, 1.2, True), (1, 0.75, False), (2, 0.3, True), (2, 7.0, False)), 2)
    events, exposure = found.events.to_pandas(), found.exposure.to_pandas()
    assert events.loc[1].to_numpy().nonzero()[0].tolist() == [2]  # 1.0 to 1.5 years
    assert events.loc[2].to_numpy().nonzero()[0].tolist() == [0]
    np.testing.assert_allclose(exposure.loc[1].iloc[:4], [1.0, 0.75, 0.2, 0.0])
    np.testing.assert_allclose(exposure.loc[2].iloc[:2], [0.8, 0.5])
    np.testing.assert_allclose(exposure.loc[2].iloc[-1], 2.0)  # all beyond five years
    np.testing.assert_allclose(events.loc[NEVER], events.loc[1] + events.loc[2])
    np.testing.assert_allclose(exposure.loc[NEVER].sum(), 1.2 + 0.75 + 0.3 + 7.0)


def test_a_rate_is_the_gamma_poisson_mean_about_its_band_s_and_that_about_the_whole() -> None:
    found = inspection_rates(spells((1, 1.2, True), (1, 0.75, False), (2, 0.3, True)), 2)
    whole = (2 + 1) / (2.25 + 3.0)
    band = (1 + 1) / (1.3 + 1 / whole)
    np.testing.assert_allclose(found.rate.sel(grade=NEVER, band=0.0), band)
    np.testing.assert_allclose(found.rate.sel(grade=2, band=0.0), (1 + 1) / (0.3 + 1 / band))
    np.testing.assert_allclose(found.rate.sel(grade=1, band=0.0), (0 + 1) / (1.0 + 1 / band))


def quarterly(skipped: str) -> pd.Series:
    """Five starts a quarter of 2018 to 2022, but for some."""
    quarters = [q for q in pd.period_range("2018Q1", "2022Q4", freq="Q") if str(q) not in skipped.split()]
    return pd.Series([q.to_timestamp() + pd.Timedelta(days=10 * i) for q in quarters for i in range(5)])


def test_quarters_without_any_inspection_are_no_time() -> None:
    clock = OpenTime.of(quarterly("2020Q2 2020Q3"), pd.Timestamp("2022-12-31"))
    day = [grid_position(datetime.date.fromisoformat(d)) for d in ("2020-04-01", "2020-10-01", "2021-10-01")]
    middle = grid_position(datetime.date(2020, 7, 1))
    np.testing.assert_allclose(clock.closed, [[day[0], middle], [middle, day[1]]])
    at = clock(np.array(day))
    np.testing.assert_allclose(np.diff(at), [0.0, day[2] - day[1]])


def test_a_quarter_at_the_end_is_closed_too_but_not_one_that_is_not_over() -> None:
    until = pd.Timestamp("2022-11-30")
    assert len(OpenTime.of(quarterly("2022Q3 2022Q4"), until).closed) == 1


def test_a_quiet_quarter_of_a_small_panel_says_nothing() -> None:
    few = quarterly("2020Q2")[::2]
    assert len(OpenTime.of(few, pd.Timestamp("2022-12-31")).closed) == 0


def steady(last: dict[str, str], grade: int = 3) -> Reinspection:
    """Gaps of three to four years after grade 3, in a hundred authorities; `last` are those to forecast."""
    panel = Panel.read(HAMLETS)
    rows = [
        (f"x{i}", pd.Timestamp("2009-01-01") + pd.Timedelta(days=10 * i + turn * (1096 + 60 * (i % 7))))
        for i in range(120)
        for turn in range(5)
    ]
    rows += [(code, pd.Timestamp(day)) for code, day in last.items()]
    inspections = pd.DataFrame(rows, columns=["authority", "start_date"])
    inspections = inspections.assign(
        framework="F", type="full", domain="overall", grade=grade, publication_date=inspections.start_date
    )
    codes = dict.fromkeys(inspections.authority)
    table = panel.authorities.reindex([*panel.authorities.index[:0], *codes])
    return Reinspection.of(
        dataclasses.replace(panel, date=datetime.date(2022, 1, 1), inspections=inspections, authorities=table)
    )


def test_the_time_that_has_passed_without_an_inspection_is_taken_into_account() -> None:
    found = steady({"new": "2021-12-01", "due": "2018-12-01"})
    new, due = found.probabilities(["new", "due"], np.arange(0.0, 6.1, 0.5))
    np.testing.assert_allclose([new.sum(), due.sum()], 1.0, rtol=1e-12)
    assert new[:4].sum() < 0.15
    assert due[:2].sum() > 0.8
    rate = found.table.rate.sel(grade=3).to_numpy()
    at = float(found.last.years["due"])
    spent = np.array([3.5 - at, at + 0.5 - 3.5])  # band 3.0 to 3.5, then the next
    np.testing.assert_allclose(found.cumulative(["due"], np.array([0.5])), [[rate[6:8] @ spent]], rtol=1e-12)
    events = found.table.events.sel(grade=3).to_numpy()[6:8]
    none = (1 + spent * rate[6:8] / (events + 1)) ** -(events + 1)
    np.testing.assert_allclose(due[0], 1 - none.prod(), rtol=1e-12)


def test_quantiles_of_the_date_invert_its_distribution() -> None:
    found = steady({"new": "2021-12-01", "due": "2018-12-01"})
    for level in (0.055, 0.5, 0.945):
        years = found.quantile(["new", "due"], level, 20.0)
        by = [found.started([c], np.array([y]))[0, 0] for c, y in zip(("new", "due"), years, strict=True)]
        np.testing.assert_allclose(by, level, atol=0.02)  # to the day
    np.testing.assert_array_equal(found.quantile(["new"], 1 - 1e-12, 2.0), [2.0])  # capped


YEARS = np.arange(0.0, 6.1, 0.5)


def small() -> Reinspection:
    """The hamlets' record: eighteen inspections."""
    return Reinspection.of(Panel.read(HAMLETS))


def test_the_probability_that_none_has_started_is_the_average_over_draws_of_the_rates() -> None:
    found, codes = small(), ["401", "402", "407"]
    rng, draws = np.random.default_rng(1), 40_000
    shape = found.table.events.to_numpy() + 1.0
    rate = rng.standard_gamma(shape, (draws, *shape.shape)) * found.table.rate.to_numpy() / shape
    by = found.started(codes, YEARS)
    for code, mine in zip(codes, by, strict=True):
        at, own = found.last.years[code], rate[:, found.last.grade[code]]
        edges = np.append(found.table.band.to_numpy(), np.inf)
        spent = np.diff(np.clip(edges, at, at + YEARS[:, None]), axis=1)
        none = np.exp(-own @ spent.T)
        np.testing.assert_allclose(1.0 - mine, none.mean(axis=0), atol=4.0 * none.std(axis=0).max() / np.sqrt(draws))


def test_with_many_inspections_the_rates_are_known_and_their_means_are_all_that_counts() -> None:
    found, codes = small(), ["401", "402", "407"]
    many = dataclasses.replace(found, table=found.table.assign(shape=found.table["shape"] * 1e9))
    plug_in = 1.0 - np.exp(-found.cumulative(codes, YEARS))
    np.testing.assert_allclose(many.started(codes, YEARS), plug_in, atol=1e-8)
    assert (found.started(codes, YEARS)[:, 1:] < plug_in[:, 1:] - 0.005).all()  # Jensen: not knowing, one waits longer


def test_not_knowing_the_rates_widens_the_date_s_interval() -> None:
    found, codes = small(), list(Panel.read(HAMLETS).authorities.index)
    known = dataclasses.replace(found, table=found.table.assign(shape=found.table["shape"] * 1e9))
    width, narrow = (r.quantile(codes, 0.945, 40.0) - r.quantile(codes, 0.055, 40.0) for r in (found, known))
    assert (width >= narrow).all()
    assert (width > narrow + 0.1).any()


def test_the_order_of_authorities_and_inspections_changes_nothing() -> None:
    panel, found = Panel.read(HAMLETS), small()
    codes = list(panel.authorities.index)
    mixed = dataclasses.replace(
        panel,
        inspections=panel.inspections.iloc[::-1].reset_index(drop=True),
        authorities=panel.authorities.iloc[::-1],
    )
    again = Reinspection.of(mixed)
    np.testing.assert_array_equal(again.probabilities(codes, YEARS), found.probabilities(codes, YEARS))
    np.testing.assert_array_equal(again.quantile(codes[::-1], 0.5, 6.0)[::-1], small().quantile(codes, 0.5, 6.0))


def test_an_authority_never_inspected_has_the_rates_of_all() -> None:
    hamlets = Panel.read(HAMLETS)
    kept = hamlets.inspections[hamlets.inspections.authority != "405"]
    found = Reinspection.of(dataclasses.replace(hamlets, inspections=kept))
    assert found.last.grade["405"] == NEVER
    rate = float(found.table.rate.sel(grade=NEVER)[min(int(found.last.years["405"] / 0.5), 10)])
    assert found.cumulative(["405"], np.array([0.01]))[0, 0] == pytest.approx(0.01 * rate)


def test_inspections_after_the_date_and_not_yet_published_are_no_exposure() -> None:
    hamlets = Panel.read(HAMLETS)
    whole = Reinspection.of(dataclasses.replace(hamlets, published_by=None))
    day = pd.Timestamp(hamlets.date) - pd.Timedelta(days=30)
    cut = Reinspection.of(dataclasses.replace(hamlets, published_by=day.date()))
    lost = float(whole.table.exposure.sel(grade=NEVER).sum() - cut.table.exposure.sel(grade=NEVER).sum())
    assert lost > 0
    np.testing.assert_allclose(whole.last.years, cut.last.years)
