"""Vintages: a panel of a past day is what was known then, and nothing that was published later can change it."""

from __future__ import annotations

import datetime
import functools
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import PANELS

from bayes_csc.errors import DataError
from bayes_csc.panel.panel import Panel
from bayes_csc.panel.vintages import chained, current_and_earlier
from bayes_csc.simulation.simulate import simulate_like
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import trajectory

TOWNS = PANELS / "towns"
DAYS = [datetime.date(2023, 10, 31) + datetime.timedelta(days=91 * i) for i in range(8)]
PLACES = [("101", 2022), ("102", 2022), ("102", 2023)]


def row(authority: str, year: int, published: datetime.date, numerator: int) -> dict[str, object]:
    return {
        "authority": authority, "year": year, "indicator": "late", "numerator": float(numerator), "denominator": 100.0,
        "value": numerator / 100, "status": "observed", "lower": float("nan"), "upper": float("nan"),
        "reference_start": pd.Timestamp(year - 1, 4, 1), "reference_end": pd.Timestamp(year, 3, 31),
        "publication_date": pd.Timestamp(published), "source": f"made {published}",
    }  # fmt: skip


def panel_of(rows: list[dict[str, object]]) -> Panel:
    """The towns with these vintages of their cells."""
    cells, revisions = current_and_earlier(pd.DataFrame(rows))
    return replace(towns(), cells=cells, revisions=revisions)


@functools.cache
def towns() -> Panel:
    return Panel.read(TOWNS)


vintages = st.lists(
    st.tuples(st.sampled_from(PLACES), st.sampled_from(DAYS), st.integers(0, 100)),
    min_size=1,
    max_size=14,
    unique_by=lambda item: item[:2],
).map(lambda items: [row(*place, day, numerator) for place, day, numerator in items])
days = st.sampled_from(DAYS).flatmap(lambda day: st.integers(-1, 1).map(lambda off: day + datetime.timedelta(off)))


# The panel of a past day.


@settings(deadline=None, max_examples=40)
@given(vintages, days)
def test_the_panel_of_a_day_is_that_of_the_vintages_published_by_then(
    rows: list[dict[str, object]], day: datetime.date
) -> None:
    past = panel_of(rows).as_of(day)
    known = [r for r in rows if r["publication_date"] <= pd.Timestamp(day)]
    if not known:
        assert past.cells.empty
        assert past.revisions.empty
        return
    built = panel_of(known)
    inspections = built.inspections[built.inspections["publication_date"] <= pd.Timestamp(day)]
    assert past.hash == replace(built, date=day, published_by=day, inspections=inspections).hash
    assert not past.cells.duplicated(["authority", "year", "indicator"]).any()


@settings(deadline=None, max_examples=40)
@given(vintages, days, days)
def test_the_panel_of_a_day_holds_the_panels_of_all_days_before(
    rows: list[dict[str, object]], one: datetime.date, other: datetime.date
) -> None:
    first, second = sorted((one, other))
    panel = panel_of(rows)
    assert panel.as_of(second).as_of(first).hash == panel.as_of(first).hash
    assert panel.as_of(first).as_of(first).hash == panel.as_of(first).hash
    assert len(panel.as_of(first).cells) <= len(panel.as_of(second).cells)


@settings(deadline=None, max_examples=40)
@given(vintages, days, st.integers(0, 100))
def test_what_is_published_after_a_day_changes_nothing_in_its_panel(
    rows: list[dict[str, object]], day: datetime.date, other: int
) -> None:
    after = [
        r if r["publication_date"] <= pd.Timestamp(day) else {**r, "numerator": float(other), "value": other / 100}
        for r in rows
    ]
    assert panel_of(after).as_of(day).hash == panel_of(rows).as_of(day).hash


@settings(deadline=None, max_examples=40)
@given(vintages, st.randoms(use_true_random=False))
def test_the_order_of_vintages_never_matters(rows: list[dict[str, object]], random: object) -> None:
    shuffled = rows.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert panel_of(shuffled).hash == panel_of(rows).hash


def test_earlier_vintages_come_back_from_the_folder_and_are_part_of_the_hash(tmp_path: Path) -> None:
    first, second = row("101", 2022, DAYS[0], 10), row("101", 2022, DAYS[4], 12)
    panel = panel_of([second, first, row("102", 2023, DAYS[1], 7)])
    panel.write(tmp_path / "panel")
    again = Panel.read(tmp_path / "panel")
    assert again.files() == panel.files()
    assert again.cells.set_index("authority")["numerator"].to_dict() == {"101": 12.0, "102": 7.0}
    assert again.revisions["numerator"].tolist() == [10.0]
    assert again.as_of(DAYS[3]).cells.set_index("authority")["numerator"].to_dict() == {"101": 10.0, "102": 7.0}
    assert panel_of([second, row("102", 2023, DAYS[1], 7)]).hash != panel.hash


def test_two_vintages_of_a_day_and_two_reference_periods_of_a_cell_are_refused(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TOWNS, tmp_path / "towns"))
    cells = folder / "indicators" / "assessment.csv"
    text = cells.read_text(encoding="utf-8")
    cells.write_text(text + "101,2023,late,21,80,,observed,,,2022-04-01,2023-03-31,2023-10-31,made\n", encoding="utf-8")
    with pytest.raises(DataError, match="duplicate cell; keep one row per authority, year, indicator and publication"):
        Panel.read(folder)
    cells.write_text(text + "101,2023,late,21,80,,observed,,,2022-05-01,2023-03-31,2024-10-31,made\n", encoding="utf-8")
    with pytest.raises(DataError, match="another vintage of the cell has another reference period than 2022-05-01 to"):
        Panel.read(folder)


def test_a_simulated_panel_keeps_no_vintage_of_the_real_one(hamlets: Panel) -> None:
    old = hamlets.cells.iloc[:1]
    earlier = old.assign(publication_date=old["reference_end"])
    simulated, _ = simulate_like(replace(hamlets, revisions=earlier), trajectory, Spec(), seed=1)
    assert simulated.revisions.empty


@pytest.fixture(scope="module")
def hamlets() -> Panel:
    """A small panel of counts and judgements."""
    return Panel.read(PANELS / "hamlets")


# From releases to vintages.

RELEASED = [datetime.date(2023, 10, 31), datetime.date(2024, 10, 31), datetime.date(2025, 10, 31)]


def in_release(number: int, numerator: int) -> dict[str, object]:
    return {
        **row("101", 2023, RELEASED[0], numerator),
        "source": f"release {number}",
        "released": pd.Timestamp(RELEASED[number]),
    }


def vintages_of(*figures: int) -> pd.DataFrame:
    rows = [in_release(number, figure) for number, figure in enumerate(figures)]
    return chained(pd.DataFrame(rows[-1:]), pd.DataFrame(rows[:-1])).sort_values("publication_date")


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ((10, 10, 10), [(10, 0, 2)]),
        ((10, 10, 12), [(10, 0, 1), (12, 2, 2)]),
        ((10, 12, 12), [(10, 0, 0), (12, 1, 2)]),
        ((10, 12, 10), [(10, 0, 0), (12, 1, 1), (10, 2, 2)]),
    ],
)
def test_a_figure_is_dated_by_its_first_publication_and_a_restated_one_by_the_release_that_shows_it(
    figures: tuple[int, ...], expected: list[tuple[int, int, int]]
) -> None:
    """Expected: the figure, the release that dates it and the release it is read from."""
    found = vintages_of(*figures)
    assert found["numerator"].tolist() == [figure for figure, _, _ in expected]
    assert found["publication_date"].dt.date.tolist() == [RELEASED[dated] for _, dated, _ in expected]
    assert found["source"].tolist() == [f"release {source}" for _, _, source in expected]


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=3))
def test_on_the_day_of_a_release_its_figures_are_the_known_ones(figures: list[int]) -> None:
    found = vintages_of(*figures)
    for number, figure in enumerate(figures):
        current, _ = current_and_earlier(found[found["publication_date"] <= pd.Timestamp(RELEASED[number])])
        assert current["numerator"].tolist() == [figure]


def test_a_cell_that_only_an_earlier_release_has_is_left_out() -> None:
    alone = pd.DataFrame([in_release(0, 10) | {"authority": "102"}])
    found = chained(pd.DataFrame([in_release(2, 12)]), alone)
    assert found["authority"].tolist() == ["101"]


def test_a_change_of_status_or_denominator_is_a_restatement() -> None:
    hidden = in_release(0, 10) | {"numerator": float("nan"), "value": float("nan"), "status": "suppressed"}
    hidden |= {"lower": 1.0, "upper": 5.0}
    assert len(chained(pd.DataFrame([in_release(2, 10)]), pd.DataFrame([hidden]))) == 2
    more = in_release(0, 10) | {"denominator": 101.0, "value": float("nan")}
    assert len(chained(pd.DataFrame([in_release(2, 10)]), pd.DataFrame([more]))) == 2


def test_a_cell_of_two_current_releases_and_a_restatement_before_its_original_are_refused() -> None:
    twice = pd.DataFrame([in_release(1, 10), in_release(2, 12)])
    with pytest.raises(DataError, match="authority 101, year 2023, indicator late: two current releases have it"):
        chained(twice, pd.DataFrame([in_release(0, 10)]))
    early = in_release(2, 12) | {"released": pd.Timestamp(2023, 1, 1)}
    with pytest.raises(DataError, match="release 2 restates it, but is dated 2023-01-01, not after the figure"):
        chained(pd.DataFrame([early]), pd.DataFrame([in_release(0, 10)]))
