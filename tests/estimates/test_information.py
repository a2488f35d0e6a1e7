"""What theta is made of: shares that are those of the hat matrix, and of a fit without what they leave out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from interpreted_density import by_python
from panels_with_subjudgements import with_sub_judgements
from paths import PANELS
from scipy.linalg import block_diag

from bayes_csc.estimates.information import effective, in_words, shares
from bayes_csc.estimates.smoother import Block, smooth, stacked
from bayes_csc.inference.reopen import Revisited
from bayes_csc.likelihood.conditional_states import Cut
from bayes_csc.likelihood.density import compile_density
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import design
from bayes_csc.panel.panel import Panel
from bayes_csc.report.findings.words.sentences import information_sentence
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design

HAMLETS = PANELS / "hamlets"


@pytest.fixture(scope="module", autouse=True)
def interpreted_throughout() -> Iterator[None]:
    """A few points of each density are all that is wanted."""
    with by_python():
        yield


def panel() -> Panel:
    """The hamlets with sub-judgements; vacancies, which share a deviation with agency workers, are a user's own."""
    judged = with_sub_judgements(Panel.read(HAMLETS))
    return replace(judged, indicators=judged.indicators | {"vacancy": replace(judged.indicators["vacancy"], own=True)})


def again(of: Panel, spec: Spec | None = None) -> Revisited:
    spec = spec or Spec()
    d = design(of, spec)
    density = compile_density(from_design(d, spec))
    steps = np.random.default_rng(5).normal(scale=0.5, size=(3, density.first.size))
    return Revisited(d, density, density.first + steps)


@pytest.fixture(scope="module")
def hamlets() -> Revisited:
    return again(panel())


def test_the_effective_degrees_of_freedom_are_the_diagonal_of_the_hat_matrix(hamlets: Revisited) -> None:
    """tr(Theta A'SA) of a group is the sum over its observations of diag(A C A' (A C A' + Sigma)^-1)."""
    real = stacked(hamlets.density.real(x) for x in hamlets.points)
    for b in range(len(hamlets.design.block)):
        block = Block.of(hamlets.design, b)
        found = smooth(block, real)
        freedom = effective(found)
        for k in range(len(hamlets.points)):
            factor = block.template.matrix * real.scale[k, block.template.column_kind]
            a = [np.zeros((part.group.at.size, block.state.size)) for part in found.said]
            for rows, part in zip(a, found.said, strict=True):
                rows[:, part.group.state] = part.loading[k][:, None] * part.group.weight
            seen = np.concatenate(a) @ factor
            noise = block_diag(*(np.linalg.inv(part.precision[k]) for part in found.said))
            hat = np.diag(np.linalg.solve(seen @ seen.T + noise, seen @ seen.T))
            first = np.cumsum([0, *(part.group.at.size for part in found.said)])[:-1]
            np.testing.assert_allclose(freedom[k], np.add.reduceat(hat, first), rtol=0, atol=1e-9)


def test_the_shares_of_domains_and_judgements_sum_to_one_in_order(hamlets: Revisited) -> None:
    table = shares(hamlets, panel())
    assert table.source.tolist() == ["workforce", "assessment", "judgements"]
    assert table.share.sum() == pytest.approx(1.0, abs=1e-12)
    assert ((table.lower <= table.share) & (table.share <= table.upper) & (table.lower > 0)).all()


def test_without_the_users_own_they_are_those_of_the_design_without_their_figures(hamlets: Revisited) -> None:
    table, d = shares(hamlets, panel()), hamlets.design
    kept = d.observation.indicator.ne("vacancy").to_numpy()
    cut = Cut(d.kept(kept), np.flatnonzero(kept), np.flatnonzero(kept[layout_of(d).graded >= 0]), np.zeros(0, int))
    density: Any = SimpleNamespace(real=lambda x: cut.kept(hamlets.density.real(x)))
    without = shares(Revisited(cut.design, density, hamlets.points), panel())
    np.testing.assert_allclose(table.without_own, without.share, rtol=0, atol=1e-9)
    assert abs(table.without_own - table.share).max() > 0.01
    nobodys = shares(hamlets, Panel.read(HAMLETS))
    assert "without_own" not in nobodys
    np.testing.assert_array_equal(nobodys.share, table.share)


def test_without_indicators_all_of_it_comes_from_the_judgements() -> None:
    table = shares(again(panel(), Spec().updated({"measurement": {"use": False}})), panel())
    assert table[["source", "share"]].to_numpy().tolist() == [["judgements", 1.0]]
    assert information_sentence(table).startswith(
        "Of what the data say about latent quality, 100% comes from judgements. "
    )


def test_figures_of_one_domain_that_share_their_deviation_count_as_one_source(hamlets: Revisited) -> None:
    head, rows = in_words(shares(hamlets, panel()))
    assert head == ["Source", "Share", "89% interval", "Without your own"]
    assert [row[0] for row in rows] == ["workforce", "assessment", "judgements"]
    assert all(len(row) == 4 for row in rows)
