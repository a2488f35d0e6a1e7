"""Contributions: exact sums, unmoved by what must not move them; the table, its files and its command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_runner import command
from paths import PANELS

from bayes_csc.errors import DataError, GateError, UsageError
from bayes_csc.estimates.attribution import Attribution, attributions, prior_parts
from bayes_csc.estimates.contributions import COLUMNS, Quantity, contrasts, contributions, labelled, write_contributions
from bayes_csc.inference.diagnostics import Gate
from bayes_csc.inference.fit import Fit, preview
from bayes_csc.inference.reopen import Revisited, revisit
from bayes_csc.likelihood.density import Density
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models import trajectory

HAMLETS = PANELS / "hamlets"
PASSED = Gate(True, 1.001, 900.0, 800.0, 0.9, 0, (), "")
FAILED = Gate(False, 1.2, 30.0, 20.0, 0.9, 0, ("loading[agency]: R-hat 1.200",), "run longer: double --draws")


@pytest.fixture(scope="module")
def panel() -> Panel:
    """The hamlets, Ivy never inspected."""
    hamlets = Panel.read(HAMLETS)
    inspections = hamlets.inspections[hamlets.inspections.authority != "405"].reset_index(drop=True)
    return replace(hamlets, inspections=inspections)


@pytest.fixture(scope="module")
def fit(panel: Panel) -> Fit:
    return replace(preview(panel, trajectory, chains=2, draws=20), gate=PASSED)


@pytest.fixture(scope="module")
def again(fit: Fit) -> Revisited:
    return revisit(fit, trajectory)


@pytest.fixture(scope="module")
def table(fit: Fit) -> pd.DataFrame:
    return contributions(fit, trajectory, group="all")


def taken_apart(fit: Fit, again: Revisited, quantity: Quantity) -> dict[str, Attribution]:
    wanted = contrasts(fit, again.design, list(again.design.authority), quantity)
    return {part.authority: part for part in attributions(again, wanted)}


def column(part: Attribution, source: str) -> np.ndarray:
    return part.value[:, list(part.source.source).index(source)]


# Sums.


@pytest.mark.parametrize("quantity", ["since inspection", "recent"])
def test_at_every_draw_the_terms_sum_to_the_conditional_mean_of_the_change(
    fit: Fit, again: Revisited, quantity: Quantity
) -> None:
    mean = fit.change["mean"].sel(change=quantity).stack(each=("chain", "draw"))
    parts = taken_apart(fit, again, quantity)
    inspected = set(again.design.authority) - {"405"}
    assert set(parts) == (inspected if quantity == "since inspection" else inspected | {"405"})
    for code, part in parts.items():
        wanted = mean.sel(authority=code).to_numpy()
        np.testing.assert_allclose(part.value.sum(axis=1), wanted, rtol=0, atol=1e-10)


def test_the_terms_of_theta_now_sum_to_its_conditional_mean_relative_to_the_nation(fit: Fit, again: Revisited) -> None:
    d = again.design
    parts = taken_apart(fit, again, "now")
    share = d.exists / d.exists.sum(axis=0)
    for draw, x in enumerate(again.points):
        real = again.density.real(x)
        mean = states(layout_of(d), real, d.year.size, share.ravel(), np.empty((len(d.block), 0)))[0].reshape(
            share.shape
        )
        relative = (mean - (share * mean).sum(axis=0)) @ d.weights(np.array([d.now]))[0]
        for a, code in enumerate(d.authority):
            np.testing.assert_allclose(parts[code].value[draw].sum(), relative[a], rtol=0, atol=1e-10)


def test_the_table_s_contributions_sum_to_its_total(table: pd.DataFrame) -> None:
    whole = table[table.kind == "total"].set_index("authority").contribution
    parts = table[table.kind != "total"].groupby("authority").contribution.sum()
    assert set(parts.index) == {"401", "402", "403", "404", "408"}
    np.testing.assert_allclose(parts, whole[parts.index], rtol=0, atol=1e-12)


def test_a_total_is_the_mean_over_draws_and_an_interval_its_quantiles(fit: Fit) -> None:
    rows = contributions(fit, trajectory, group="402", interval=0.8).set_index("source")
    of = fit.change["mean"].sel(authority="402", change="since inspection").to_numpy().ravel()
    wanted = [of.mean(), *np.quantile(of, [0.1, 0.9])]
    np.testing.assert_allclose(rows.loc["total", ["contribution", "lower", "upper"]].astype(float), wanted, atol=1e-10)


def test_the_parts_of_the_prior_are_those_of_the_model_and_leave_nothing(again: Revisited) -> None:
    d = again.design
    named = [again.density.expand(x) for x in again.points]
    mean = np.stack([again.density.real(x).mean for x in again.points]).reshape(-1, *d.exists.shape)
    parts = prior_parts(d, named, mean)
    assert set(parts) == {"region", "deprivation"}
    np.testing.assert_allclose(sum(parts.values()), mean, rtol=0, atol=1e-12)
    south = d.region_index == d.region.index("South")
    slope = np.diff(parts["region"][:, south], axis=2) / np.diff(d.time)
    np.testing.assert_allclose(slope, np.array([n["region_trend"][1] for n in named])[:, None, None] + 0 * slope)


def test_a_prior_of_another_model_is_a_part_of_its_own(again: Revisited) -> None:
    d = again.design
    mean = np.random.default_rng(0).normal(size=(1, *d.exists.shape))
    parts = prior_parts(d, [{}], mean)
    np.testing.assert_array_equal(parts["other"], mean)
    assert not parts["region"].any()
    assert not parts["deprivation"].any()


# What must not matter.


def test_an_indicator_whose_loading_is_zero_contributes_exactly_nothing(fit: Fit, again: Revisited) -> None:
    """One with a deviation of its own: with a domain's it would still tell of what its neighbours' deviation is."""
    loading = again.density.names.free["loading_agreed"]
    x = again.points[:3].copy()
    x[:, loading.start + list(again.density.names.coords["agreed"]).index("late")] = -1000.0  # the log of zero
    assert again.density.expand(x[0])["loading"][2] == 0.0
    for part in taken_apart(fit, replace(again, points=x), "since inspection").values():
        assert not column(part, "late").any()
        assert column(part, "agency").all()


def shuffled(panel: Panel, seed: int = 0) -> Panel:
    rng = np.random.default_rng(seed)
    cells, inspections = (
        t.iloc[rng.permutation(len(t))].reset_index(drop=True) for t in (panel.cells, panel.inspections)
    )
    authorities = panel.authorities.iloc[rng.permutation(len(panel.authorities))]
    return replace(panel, cells=cells, inspections=inspections, authorities=authorities)


def carried_over(x: np.ndarray, old: Density, new: Density) -> np.ndarray:
    """Draws of one density as draws of another whose labelled dimensions are in another order."""
    out = np.empty_like(x)
    for name, at in new.names.free.items():
        values = x[:, old.names.free[name]]
        for dim in new.names.dims[name]:
            here, there = (list(n.coords[dim]) for n in (old.names, new.names))
            if len(there) == values.shape[1] and here != there:
                values = values[:, [here.index(label) for label in there]]
        out[:, at] = values
    return out


def test_the_order_of_indicators_and_authorities_does_not_matter(fit: Fit, again: Revisited) -> None:
    spec = fit.spec.updated({"indicators": ("late", "vacancy", "agency")})
    said = fit.posterior[["theta"]]  # the draws have yet to be carried over to the other order
    turned = revisit(replace(fit, panel=shuffled(fit.panel), spec=spec, posterior=said), trajectory)
    labels = ["unit", "indicator", "year"]
    old, new = (
        r.design.observation.assign(scale=lambda t: t.scale.fillna(""))[[*labels, "scale"]] for r in (again, turned)
    )
    place = pd.Series(np.arange(len(old)), index=pd.MultiIndex.from_frame(old))[
        pd.MultiIndex.from_frame(new)
    ].to_numpy()
    density = turned.density.with_sites(again.density.z[place], again.density.variance[place])
    turned = Revisited(turned.design, density, carried_over(again.points, again.density, density))
    assert turned.design.indicator == ("late", "vacancy", "agency")
    before, after = (taken_apart(fit, r, "since inspection") for r in (again, turned))
    assert set(before) == set(after)
    for code, part in before.items():
        assert set(part.source.source) == set(after[code].source.source)
        for source in part.source.source:
            np.testing.assert_allclose(column(after[code], source), column(part, source), rtol=0, atol=1e-10)


# The table.


def test_a_row_is_of_an_indicator_a_judgement_the_prior_the_nation_or_the_total_in_that_order(
    table: pd.DataFrame,
) -> None:
    assert list(table.columns) == list(COLUMNS)
    rows = table[table.authority == "403"]
    assert list(zip(rows.kind, rows.source, strict=True)) == [
        ("indicator", "agency"), ("indicator", "vacancy"), ("indicator", "late"),
        ("judgement", "SIF:overall 2018-11-12 403"), ("judgement", "ILACS:overall 2020-02-03 403"),
        ("judgement", "ILACS:overall 2022-01-17 403"), ("prior", "prior region"), ("prior", "prior deprivation"),
        ("nation", "nation mean"), ("total", "total"),
    ]  # fmt: skip
    assert list(rows.label)[-6:] == [
        "ILACS:overall 2020-02-03: good", "ILACS:overall 2022-01-17: requires improvement", "prior: region",
        "prior: deprivation", "mean of Hamlets", "total",
    ]  # fmt: skip
    assert list(rows.domain) == ["workforce", "workforce", "assessment", *[""] * 7]
    assert list(dict.fromkeys(table.name)) == ["Elm", "Fern", "Gorse", "Hazel", "Ivy", "Maple"]


def test_judgements_of_linked_authorities_are_named(table: pd.DataFrame) -> None:
    labels = set(table[table.authority == "408"].label)
    assert {
        "SIF:overall 2018-11-12 of Juniper: good",
        "ILACS:overall 2020-02-03 of Larch: good",
        "ILACS:overall 2022-01-17: good",
    } <= labels


def test_an_authority_never_inspected_has_one_row_that_says_so_and_a_level_all_the_same(
    fit: Fit, table: pd.DataFrame
) -> None:
    (row,) = table[table.authority == "405"].to_dict("records")
    assert (row["kind"], row["note"]) == ("total", "preview; no inspection")
    assert np.isnan([row["contribution"], row["lower"], row["upper"]]).all()
    assert len(contributions(fit, trajectory, group="405")) == 1
    now = contributions(fit, trajectory, group="405", quantity="now")
    assert now.contribution.notna().all()
    assert set(now.note) == {"preview"}


@pytest.mark.usefixtures("interpreted")
def test_without_ratings_there_is_no_judgement_and_the_sum_is_exact_all_the_same(panel: Panel) -> None:
    spec = Spec().updated({"ratings": {"use": False}})
    unrated = replace(preview(panel, trajectory, spec=spec, chains=2, draws=10), gate=PASSED)
    rows = contributions(unrated, trajectory, group="402")
    assert set(rows.kind) == {"indicator", "prior", "nation", "total"}
    wanted = unrated.change["mean"].sel(authority="402", change="since inspection").mean()
    np.testing.assert_allclose(rows[rows.kind != "total"].contribution.sum(), wanted, rtol=0, atol=1e-10)


def test_a_gap_under_a_year_is_noted(table: pd.DataFrame) -> None:
    assert set(table[table.authority == "401"].note) == {"preview; too recent"}
    assert set(table[table.authority == "404"].note) == {"preview; too recent"}


def test_the_labelled_data_set_holds_the_table(table: pd.DataFrame) -> None:
    data = labelled(table)
    assert dict(data.sizes) == {"authority": 6, "source": 3 + 16 + 2 + 1}
    for row in table.itertuples():
        here = data.sel(authority=row.authority)
        of = here.total if row.kind == "total" else here.contribution.sel(source=row.source)
        np.testing.assert_array_equal(of, row.contribution)
        assert row.kind == "total" or str(here.kind.sel(source=row.source).item()) == row.kind
        assert str(here.name.item()) == row.name
    assert data.attrs == table.attrs


def test_fewer_draws_are_asked_for_as_of_revisit(fit: Fit, again: Revisited) -> None:
    few = contributions(fit, trajectory, group="402", draws=7)
    assert few.attrs["draws"] == 7
    part = taken_apart(fit, replace(again, points=revisit(fit, trajectory, draws=7).points), "since inspection")["402"]
    agency = few.set_index("source").contribution["agency"]
    assert agency == pytest.approx(column(part, "agency").mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"interval": 89.0}, "expected 0 < interval < 1, found 89"),
        ({"draws": 0}, "expected at least one draw, found 0"),
        ({"quantity": "ever"}, "expected one of since inspection, recent, now, found 'ever'"),
        ({"group": "nobody"}, "no group, authority code or name 'nobody'"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(fit: Fit, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        contributions(fit, trajectory, **options)  # type: ignore[arg-type]


@pytest.mark.usefixtures("interpreted")
def test_another_model_than_the_fitted_one_is_refused(fit: Fit) -> None:
    with pytest.raises(DataError, match="give the model that was fitted"):
        contributions(fit, lambda panel, spec: trajectory(panel, spec.updated({"ratings": {"use": False}})))


# The gate, the files and the command.


def test_a_failed_run_is_refused_unless_forced_and_then_warns_in_every_output(fit: Fit, tmp_path: Path) -> None:
    failed = replace(fit, gate=FAILED)
    with pytest.raises(GateError, match=r"loading\[agency\]: R-hat 1\.200\nWhat to try: run longer: double --draws"):
        contributions(failed, trajectory)
    write_contributions(contributions(failed, trajectory, force=True), tmp_path)
    rows = pd.read_csv(tmp_path / "contributions.csv")
    assert rows.note.str.endswith("diagnostics failed").all()
    metadata = json.loads((tmp_path / "contributions.json").read_text())["metadata"]
    assert "do not use these numbers" in metadata["warning"]


@pytest.fixture
def run(fit: Fit, tmp_path: Path) -> Path:
    fit.write(tmp_path / "run")
    return tmp_path / "run"


def test_the_command_writes_the_table_with_its_provenance_and_prints_the_largest_of_each_direction(
    fit: Fit, table: pd.DataFrame, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("contributions", run, "--group", "all") == 0
    said = capsys.readouterr().out
    back = pd.read_csv(run / "contributions.csv", dtype={"authority": str}).fillna({"domain": ""})
    pd.testing.assert_frame_equal(back, table, check_dtype=False, rtol=1e-9, atol=1e-12)
    written = json.loads((run / "contributions.json").read_text())
    assert written["metadata"] == json.loads(json.dumps(table.attrs))
    assert {"panel_hash", "spec", "seed", "versions", "preview", "quantity", "draws"} <= set(written["metadata"])
    assert len(written["rows"]) == len(table)
    assert "PREVIEW. " in said
    assert f"Wrote {run / 'contributions.csv'}" in said
    assert "not why anything changed" in " ".join(said.split())
    parts = table[table.kind != "total"]
    furthest = parts.groupby("authority").contribution.agg(lambda c: min(c.max(), -c.min())).idxmax()
    mine = parts[parts.authority == furthest].sort_values("contribution")
    for row in (mine.iloc[0], mine.iloc[-1]):
        assert abs(row.contribution) > 0.005
        assert f"{row.contribution:+.2f} {row.label}" in said
    assert "nan" not in said


def test_the_command_refuses_a_failed_run_with_4(fit: Fit, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(fit, gate=FAILED).write(run, overwrite=True)
    assert command("contributions", run) == 4
    assert "failed its diagnostics" in capsys.readouterr().err
    assert not (run / "contributions.csv").exists()
