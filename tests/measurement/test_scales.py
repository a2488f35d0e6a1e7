"""Which judgements inform theta, on which scales, and what a scale is a shift of."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from panels_with_subjudgements import PARTS, with_sub_judgements
from paths import PANELS

from bayes_csc.files.embedded_data import data_dir
from bayes_csc.likelihood.density import compile_density
from bayes_csc.measurement.design import design
from bayes_csc.measurement.judgements.scales import JUDGEMENT, Judged, judgements
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design


@pytest.fixture(scope="module")
def england() -> Panel:
    return Panel.read(data_dir())


@pytest.fixture(scope="module")
def hamlets() -> Panel:
    return with_sub_judgements(Panel.read(PANELS / "hamlets"))


def test_an_inspection_counts_by_its_sub_judgements_and_only_without_any_by_its_overall_grade(hamlets: Panel) -> None:
    rows = judgements(hamlets)
    about = rows.groupby("inspection").agg(framework=("framework", "first"), domains=("domain", set))
    assert all(d == {"overall"} for d in about.domains[about.framework == "SIF"])
    assert all({"leadership", "protection"} <= d <= set(PARTS) for d in about.domains[about.framework == "ILACS"])
    whole = judgements(hamlets, overall=True)
    assert set(whole.domain) == {"overall"}
    assert whole.inspection.nunique() == rows.inspection.nunique() == len(whole)


def test_england_s_scales_follow_those_of_their_domain(england: Panel) -> None:
    judged = Judged.of(judgements(england), england.sub_judgements)
    assert judged.domain == ("leadership", "help_and_protection", "children_looked_after", "care_leavers")
    above = {s: judged.scale[p] if p >= 0 else "" for s, p in zip(judged.scale, judged.parent, strict=True)}
    assert above == {
        "SIF:leadership": "",
        "SIF:help_and_protection": "SIF:leadership",
        "SIF:children_looked_after": "SIF:leadership",
        "SIF:care_leavers": "SIF:leadership",
        "ILACS:leadership": "SIF:leadership",
        "ILACS:help_and_protection": "SIF:help_and_protection",
        "ILACS:children_looked_after_and_care_leavers": "SIF:children_looked_after",
        "ILACS:children_looked_after": "ILACS:children_looked_after_and_care_leavers",
        "ILACS:care_leavers": "SIF:care_leavers",
    }
    assert judged.several


def test_a_scale_has_the_shifts_of_all_its_ancestors() -> None:
    judged = Judged(("a", "b"), ("1:a", "1:b", "2:b", "3:b"), (0, 1, 1, 1), (-1, 0, 1, 2))
    expected = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]]
    np.testing.assert_array_equal(judged.ancestry(), expected)


def test_the_order_of_judgements_does_not_matter(england: Panel) -> None:
    rows = judgements(england)
    shuffled = rows.sample(frac=1.0, random_state=1)
    assert Judged.of(shuffled, england.sub_judgements) == Judged.of(rows, england.sub_judgements)


def test_a_domain_without_a_loading_declared_has_its_own() -> None:
    rows = pd.DataFrame(
        {"framework": "A", "domain": ["x", "y", "y"], "position": [1.0, 1.0, 2.0], "inspection": [1, 1, 2]}
    )
    assert Judged.of(rows, {"x": "x"}) == Judged(("x", "y"), ("A:x", "A:y"), (0, 1), (-1, 0), True)


def test_cutpoints_are_those_of_the_parent_shifted_and_stretched(hamlets: Panel) -> None:
    d = design(hamlets, Spec())
    density = compile_density(from_design(d, Spec()))
    named = density.expand(density.first + 0.3 * np.random.default_rng(3).normal(size=density.first.size))
    cutpoints, shift, stretch = named["cutpoints"], named["scale_shift"], named["scale_stretch"]
    for i, above in enumerate(d.judged.parent):
        if above >= 0:
            middle = cutpoints[above, 1]
            expected = middle + shift[i - 1] + np.exp(stretch[i - 1]) * (cutpoints[above] - middle)
            np.testing.assert_allclose(cutpoints[i], expected, rtol=1e-10)


def test_a_kind_has_the_loading_of_its_domain_and_the_items_of_an_inspection_are_one_group(hamlets: Panel) -> None:
    d = design(hamlets, Spec())
    rows = d.observation[d.observation.indicator == JUDGEMENT]
    for scale, about in zip(d.judged.scale, d.judged.scale_domain, strict=True):
        assert set(rows.kind[rows.scale == scale]) == {len(d.indicator) + about}
    assert rows.groupby("group").inspection.nunique().eq(1).all()
    assert rows.groupby("inspection").group.nunique().eq(1).all()
