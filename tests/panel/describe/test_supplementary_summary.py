"""What the page says of covariates, visits and providers is what the panel's tables hold."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from bayes_csc.panel.describe.panel_description import described
from bayes_csc.panel.describe.supplementary_summary import covariate_summary, provider_summary, visit_summary
from bayes_csc.panel.panel import Panel
from bayes_csc.report.pages.data_page import data_page


def test_the_spread_of_a_covariate_is_over_its_authorities(shipped: Panel) -> None:
    table = covariate_summary(shipped)
    assert table["authorities"].sum() == len(shipped.covariates)
    row = table.loc[("imd", 2019)]
    values = shipped.covariates.query("covariate == 'imd' and year == 2019")["value"]
    assert row["median"] == values.median()
    assert (row["lowest"], row["highest"]) == (values.min(), values.max())
    assert (table[["lowest", "lower", "median", "upper", "highest"]].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)


def test_every_visit_is_counted_once_by_type_and_calendar_year(shipped: Panel) -> None:
    table = visit_summary(shipped)
    assert table["visits"].sum() == len(shipped.visits)
    assert (table["authorities"] <= table["visits"]).all()
    years = table.index.get_level_values("year")
    assert (table["first"].dt.year == years).all()
    assert (table["last"].dt.year == years).all()


def test_providers_by_grade_are_those_of_the_release(shipped: Panel) -> None:
    # Table 8a of Ofsted's release: all providers on 31 March 2023.
    latest = provider_summary(shipped).loc[(2023, "latest full inspection")]
    assert latest[["outstanding", "good", "requires improvement", "inadequate"]].sum().tolist() == [468, 2447, 558, 73]
    assert latest["total"].sum() == 3546
    assert provider_summary(shipped)["total"].sum() == shipped.providers["number"].sum()


def test_a_panel_without_these_tables_has_no_sections_of_them(shipped: Panel) -> None:
    bare = replace(shipped, **{name: getattr(shipped, name)[:0] for name in ("covariates", "visits", "providers")})
    for summary in (covariate_summary, visit_summary, provider_summary):
        assert summary(bare).empty
    about = replace(
        described(shipped), covariates=covariate_summary(bare), visits=visit_summary(bare),
        providers=provider_summary(bare),
    )  # fmt: skip
    page = data_page(about)
    assert [key for key in ("covariates", "visits", "providers") if f'id="{key}"' in page] == []
    assert [key for key in ("coverage", "jumps") if f'id="{key}"' not in page] == []


@pytest.mark.parametrize("grade", [1.0, 9.0, float("nan")])
def test_a_grade_that_the_panel_has_no_word_for_stands_as_its_number(shipped: Panel, grade: float) -> None:
    one = pd.DataFrame(
        {"authority": ["202"], "year": [2023], "provision": ["Home"], "event": ["visit"], "grade": [grade],
         "number": [3.0], "places": [float("nan")], "source": ["r"]}
    )  # fmt: skip
    table = provider_summary(replace(shipped, providers=one))
    word = {1.0: "outstanding", 9.0: "9"}.get(grade, "no grade")
    assert table[word].tolist() == table["total"].tolist() == [3]
