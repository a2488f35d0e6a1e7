"""Forecasts lead with the sub-judgements; where an inspection gives no overall grade, that is said of it everywhere."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from interpreted_density import by_python
from matplotlib.colors import to_rgb
from page_elements import Page
from panel_without_overall import fitted as without_overall
from panel_without_overall import panel
from simulated_report import findings as without_sub_judgements

from bayes_csc import Fit, Panel, decline, forecast
from bayes_csc.errors import DataError, UsageError
from bayes_csc.estimates.forecast.overall_name import GIVEN, WOULD, overall_heading, overall_name
from bayes_csc.evaluation.forecast.forecast import write_by_date, write_forecast
from bayes_csc.report.charts.domain_chart import domain_chart
from bayes_csc.report.charts.single_chart import authority_chart
from bayes_csc.report.drawing.style import colour
from bayes_csc.report.export.markdown import markdown
from bayes_csc.report.export.plain import json_text
from bayes_csc.report.export.spreadsheet import write_workbook
from bayes_csc.report.findings.authority.single import OneChart
from bayes_csc.report.findings.collect import Findings, gather
from bayes_csc.report.findings.words.next_words import domains_of, next_headings
from bayes_csc.report.findings.words.sentences import composite_sentence, level_sentence, next_sentence
from bayes_csc.report.pages.authority_page import authority_page
from bayes_csc.report.pages.overview_page import overview_page
from bayes_csc.sources.england.panel import description
from bayes_csc_cli.run.decline import table_text
from bayes_csc_cli.run.forecast import show, show_domains
from bayes_csc_models import trajectory

FROM = datetime.date(2026, 4, 1)
DOMAINS = ("care", "leadership", "protection")
HEADING = "What the overall grade would have been at the next inspection"
PLAIN = re.compile(r"(?<!no )overall grade(?! would have been)", re.IGNORECASE)
"""The overall grade, called that of an inspection that gives none."""


@functools.cache
def fitted(start: datetime.date | None) -> Fit:
    """Of the hamlets at the end of September 2026, with sub-judgements; from `start` on there is no overall grade."""
    if start is not None:
        of = dataclasses.replace(panel(), no_overall_from=start)
        return dataclasses.replace(fitted(None), panel=of)
    return without_overall()


@functools.cache
def table(start: datetime.date | None, date: datetime.date | None = None) -> pd.DataFrame:
    with by_python():
        return forecast(fitted(start), trajectory, group="all", date=date)


@functools.cache
def found(start: datetime.date | None) -> Findings:
    with by_python():
        return gather(fitted(start), trajectory, Path("runs/none"), equations="theta = ...", group="all")


@functools.cache
def page(start: datetime.date | None, code: str = "404") -> str:
    own = next(p for p in found(start).pages if p.code == code)
    return authority_page(own, found(start).about, found(start).panel.grades, found(start).used, [])


def words(text: str) -> str:
    body = re.sub(r"<(script|style).*?</\1>", " ", text.partition("<body>")[2], flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


# The panel says it.


def test_the_day_is_data_of_the_panel_and_a_panel_without_it_is_what_it_was(tmp_path: Path) -> None:
    of = dataclasses.replace(panel(), no_overall_from=FROM)
    of.write(tmp_path / "a")
    assert 'no_overall_from = "2026-04-01"' in (tmp_path / "a" / "indicators.toml").read_text()
    back = Panel.read(tmp_path / "a")
    assert (back.no_overall_from, back.hash) == (FROM, of.hash)
    assert of.hash != panel().hash
    panel().write(tmp_path / "b")
    assert "no_overall" not in (tmp_path / "b" / "indicators.toml").read_text()
    assert Panel.read(tmp_path / "b").no_overall_from is None
    assert description()["panel"]["no_overall_from"] == "2026-04-01"


def test_a_day_that_is_none_is_refused(tmp_path: Path) -> None:
    dataclasses.replace(panel(), no_overall_from=FROM).write(tmp_path / "a")
    head = tmp_path / "a" / "indicators.toml"
    head.write_text(head.read_text().replace('"2026-04-01"', '"April 2026"'))
    with pytest.raises(DataError, match=r"no_overall_from must be a date such as .* found 'April 2026'"):
        Panel.read(tmp_path / "a")


# The table.


def test_the_columns_of_sub_judgements_come_first_and_have_their_names() -> None:
    columns = list(table(FROM).columns)
    wanted = [f"p_{d}_grade_{g}" for d in DOMAINS for g in range(1, 5)]
    assert [c for c in columns if c in {*wanted, "p_any_worse", "p_any_inadequate", "p_grade_1"}] == [
        "p_any_worse", "p_any_inadequate", *wanted, "p_grade_1",
    ]  # fmt: skip
    assert {f"{c}_{end}" for c in (*wanted, "p_any_worse", "p_any_inadequate") for end in ("lower", "upper")} <= {
        *columns
    }
    for domain in DOMAINS:
        grades = table(FROM)[[f"p_{domain}_grade_{g}" for g in range(1, 5)]]
        np.testing.assert_allclose(grades.sum(axis=1), 1.0, rtol=1e-6)
    row = table(FROM).set_index("authority").loc["404"]
    assert [row[f"last_grade_{d}"] for d in DOMAINS] == ["requires improvement", "good", "requires improvement"]
    assert row.p_any_inadequate >= max(row[f"p_{d}_grade_4"] for d in DOMAINS)


def test_a_row_says_whether_its_inspection_gives_an_overall_grade() -> None:
    assert not table(FROM).next_has_overall.any()
    assert table(None).next_has_overall.all()
    middle = datetime.date.fromisoformat(sorted(table(None).next_inspection_median)[3])
    some = table(middle)
    assert set(some.next_has_overall) == {True, False}
    assert (some.next_has_overall == (some.next_inspection_median < middle.isoformat())).all()
    numbers = [c for c in some if c.startswith("p_")]
    pd.testing.assert_frame_equal(some[numbers], table(None)[numbers])


def test_metadata_say_how_to_read_it(tmp_path: Path) -> None:
    write_forecast(table(FROM), tmp_path)
    about = json.loads((tmp_path / "forecast.json").read_text())["metadata"]
    assert about["no_overall_from"] == "2026-04-01"
    assert about["how_to_read"].startswith("Read the sub-judgements first: p_D_grade_1 (best) on")
    assert f"are of {WOULD}." in about["how_to_read"]
    assert "from 1 April 2026 on have no overall grade" in about["how_to_read"]
    known = table(None).attrs["how_to_read"]
    assert f"are of {GIVEN}." in known
    assert WOULD not in known
    assert without_sub_judgements().about["how_to_read"].startswith("p_grade_1 (best) on")
    day = datetime.date(2026, 12, 1)
    write_by_date([table(FROM, day), table(FROM, datetime.date(2027, 6, 1))], tmp_path)
    dates = json.loads((tmp_path / "forecast_dates.json").read_text())["metadata"]["dates"]
    assert all(WOULD in each["how_to_read"] for each in dates.values())


# The command line.


def test_the_printed_forecast_leads_with_the_sub_judgements(capsys: pytest.CaptureFixture[str]) -> None:
    show_domains(table(FROM))
    show(table(FROM))
    said = " ".join(capsys.readouterr().out.split())
    assert said.index("Sub-judgements of the next inspection") < said.index("any worse (89%)") < said.index(HEADING)
    assert "any inadequate (89%)" in said
    assert f"P(worse), which is of {WOULD}" in said
    assert f"An early visit pays where P(worse), of {WOULD}, is above 0.20" in said
    assert PLAIN.search(said) is None
    show(table(None))
    said = " ".join(capsys.readouterr().out.split())
    assert "Next overall grade, from" in said
    assert WOULD not in said


def test_one_inspection_with_and_others_without_an_overall_grade_are_told_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    middle = datetime.date.fromisoformat(sorted(table(None).next_inspection_median)[3])
    show(table(middle))
    said = " ".join(capsys.readouterr().out.split())
    assert f"{overall_heading([True, False], middle)}, from" in said
    assert f"where P(worse), of {overall_name([True, False], middle)}, is above 0.20" in said


def test_a_forecast_of_the_overall_grade_alone_is_printed_as_ever(capsys: pytest.CaptureFixture[str]) -> None:
    alone = without_sub_judgements().forecast
    assert alone is not None
    assert not {"p_any_worse", "p_any_inadequate"} & {*alone.columns}
    show_domains(alone)
    assert capsys.readouterr().out == ""
    show(alone)
    assert "Next overall grade, from" in " ".join(capsys.readouterr().out.split())


def test_the_table_of_declines_names_what_is_next() -> None:
    for start, name in ((FROM, WOULD), (None, GIVEN)):
        made = decline(fitted(start), "all", forecast=table(start))
        assert made.attrs["next_overall"] == name
        said = " ".join(table_text(made, 200).split())
        assert f"the probability that {name} at the next inspection is" in said


# Sentences.


def test_the_sentence_of_the_next_judgement_leads_with_the_domains() -> None:
    for start in (FROM, None):
        for own in found(start).pages:
            assert own.forecast
            text = next_sentence(own.forecast, own.base_rate, found(start).panel.grades, "89%")
            assert "have some domain judged worse" in text
            assert text.index("any domain is judged inadequate is") < text.index("Most probable by domain: care")
            rest = text[text.index("Most probable by domain") :]
            assert (f"gives no overall grade. W{WOULD[1:]}: of" in text.replace("to give", "gives")) == (start is FROM)
            assert (WOULD in rest.replace("What", "what")) == (start is FROM)
            decided = level_sentence(own.forecast, 0.2, 4.0, "89%")
            assert (f", of {WOULD}," in decided) == (start is FROM and bool(decided))


def test_without_sub_judgements_the_sentence_is_of_the_grade() -> None:
    own = next(p for p in without_sub_judgements().pages if p.code == "402")
    text = next_sentence(own.forecast or {}, own.base_rate, without_sub_judgements().panel.grades, "89%")
    assert "domain" not in text
    assert "The probability of a worse grade is" in text


# Pages, files.


def test_the_page_of_an_authority_leads_with_the_domains() -> None:
    said = words(page(FROM))
    section = said[said.rindex("The next judgement") :]
    assert section.index("any domain is judged inadequate") < section.index(f"W{WOULD[1:]}")
    parsed = Page(page(FROM))
    rows = parsed.table("Sub-judgements of Hazel at the next inspection")
    assert rows[0] == ["Domain", "Last grade", "Grade", "Probability", "89% from", "to"]
    row = table(FROM).set_index("authority").loc["404"]
    shown = {(cells[0], cells[2]): cells[3] for cells in rows[1:]}
    for domain in DOMAINS:
        for g, grade in enumerate(found(FROM).panel.grades, 1):
            assert float(shown[domain, grade]) == pytest.approx(row[f"p_{domain}_grade_{g}"], abs=6e-4)
    assert parsed.table(f"{HEADING} of Hazel")[0][0] == "Grade"
    assert "Next overall grade" not in said
    assert Page(page(None)).table("Next overall grade of Hazel")
    assert WOULD not in words(page(None))


def test_the_overview_leads_with_any_domain_and_names_what_the_rest_is_of() -> None:
    head, *rows = Page(overview_page(found(FROM))).table("Authorities of the group, by name")
    assert head[3:7] == [
        "P(any domain worse)", "P(any domain inadequate)", f"P(worse): {WOULD}", f"P(better): {WOULD}",
    ]  # fmt: skip
    known = table(FROM).set_index("name")
    for cells in rows:
        row = known.loc[cells[0]]
        for text, column in zip(cells[3:7], ("p_any_worse", "p_any_inadequate", "p_next_worse"), strict=False):
            assert text == (f"{row[column]:.2f}" if row[column] == row[column] else "")
    domains = Page(overview_page(found(FROM))).table("Sub-judgements at the next inspection")
    assert len(domains) == 1 + len(known) * len(DOMAINS)
    given = Page(overview_page(found(None))).table("Authorities of the group, by name")[0]
    assert given[5:7] == ["P(worse overall grade)", "P(better overall grade)"]
    alone = Page(overview_page(without_sub_judgements())).table("Authorities of the group, by name")[0]
    assert alone[3:5] == ["P(worse grade)", "P(better grade)"]


def test_markdown_json_and_the_workbook_say_the_same(tmp_path: Path) -> None:
    text = markdown(found(FROM))
    assert "| P(any domain worse) | P(any domain inadequate) | P(decline) |" in text
    assert f"P(worse): {WOULD} |" in text
    hazel = text[text.index("## Hazel") :]
    assert hazel.index("any domain is judged inadequate") < hazel.index(f"W{WOULD[1:]}")
    assert "| Domain | Last grade | P(outstanding) |" in hazel
    assert "| P(worse overall grade) |" in markdown(found(None))
    assert "| P(worse grade) |" in markdown(without_sub_judgements())
    whole = json.loads(json_text(found(FROM)))
    assert f"are of {WOULD}." in whole["metadata"]["how_to_read"]
    assert all(
        "no overall grade. What the overall grade would have been" in own["next"] for own in whole["authorities"]
    )
    write_workbook(found(FROM), tmp_path / "a.xlsx")
    notes = pd.read_excel(tmp_path / "a.xlsx", engine="calamine", sheet_name="notes").set_index("what")["value"]
    assert notes["How to read the forecast"] == found(FROM).about["how_to_read"]
    sheet = pd.read_excel(tmp_path / "a.xlsx", engine="calamine", sheet_name="forecast")
    assert domains_of(list(sheet.columns)) == list(DOMAINS)


def test_a_page_s_own_answer_says_what_its_probability_is_of() -> None:
    kept = found(FROM).kept["404"]
    assert kept["of"] == WOULD
    assert "of" not in found(None).kept["404"]


def test_headings_of_a_list_are_of_its_own_rows() -> None:
    middle = datetime.date.fromisoformat(sorted(table(None).next_inspection_median)[3])
    some = table(middle)
    early = list(some.authority[some.next_has_overall])
    assert next_headings(some, early, "inadequate")["p_next_worse"] == "P(worse overall grade)"
    assert next_headings(some, list(some.authority), "inadequate")["p_next_worse"].startswith("P(worse): the overall")
    assert next_headings(None, [], "bad") == {"p_next_worse": "P(worse grade)", "p_next_better": "P(better grade)"}


def test_the_chart_has_a_label_for_every_part_that_has_room_and_differs_in_lightness() -> None:
    row = {f"p_{d}_grade_{g}{end}": p for d in ("leadership", "care_leavers")
           for g, p in enumerate((0.03, 0.57, 0.3, 0.1), 1) for end in ("", "_lower", "_upper")}  # fmt: skip
    canvas = domain_chart(row | {"last_grade_leadership": "good", "last_grade_care_leavers": ""}, list("abcd"))
    said = [text.words for text in canvas.texts]
    assert {"leadership", "care leavers", "0.57", "0.30", "0.10", "last: good", *"abcd"} == {*said} - {""}
    fills = [to_rgb(colour(role)) for role, polygons in canvas.fills.items() if polygons]
    light = sorted(float(np.dot(fill, (0.2126, 0.7152, 0.0722))) for fill in fills)
    assert len(light) == 4
    assert np.diff(light).min() > 0.1


def test_the_chart_of_domains_is_drawn_alone_where_there_are_domains() -> None:
    def one(whole: Findings) -> OneChart:
        return OneChart("domains", whole.about, whole.pages, whole.panel.grades, whole.used)

    assert authority_chart(one(found(FROM)), "404").axes
    with pytest.raises(UsageError, match="for want of a forecast of sub-judgements"):
        authority_chart(one(without_sub_judgements()), "404")


# The composite beside theta.


@pytest.mark.parametrize(
    ("values", "change", "said"),
    [
        ({2021: -0.1, 2025: 0.3}, -0.2, "different ways: the plain mean has risen since, the estimate has fallen"),
        ({2021: 0.3, 2025: 0.1}, 0.2, "different ways: the estimate has risen since, the plain mean has fallen"),
        ({2021: 0.3, 2025: 0.1}, -0.2, "+0.10 in 2025, +0.30 in 2021, the last year before the last inspection."),
        ({2025: 0.1}, -0.2, "there is no other year to set beside"),
    ],
)
def test_the_composite_says_where_it_points_another_way(values: dict[int, float], change: float, said: str) -> None:
    row = {"last_grade": "good", "last_inspection": "2022-03-30", "delta_median": change}
    text = composite_sentence(pd.Series(values), row)
    assert text.startswith("A plain mean of the standardised indicators")
    assert said in text
    assert ("different ways" in text) == ("different ways" in said)


def test_the_composite_stands_beside_theta_s_path() -> None:
    own = next(p for p in without_sub_judgements().pages if p.code == "402")
    text = composite_sentence(own.composite, own.decline)
    assert text
    said = words(authority_page(own, without_sub_judgements().about, without_sub_judgements().panel.grades, (), []))
    section = said[said.rindex("Its trajectory") : said.rindex("The next judgement")]
    assert text in section
    assert composite_sentence(own.composite[:0], own.decline) == ""
    assert text in markdown(without_sub_judgements())
