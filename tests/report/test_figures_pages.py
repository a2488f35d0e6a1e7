"""What pages, table and files say of an authority without figures since its inspection, before any probability."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
from page_elements import Page
from run_of_2022 import SAID, fitted

from bayes_csc import decline
from bayes_csc.measurement.figures_used import NO_FIGURES
from bayes_csc.report.export.markdown import markdown
from bayes_csc.report.export.plain import json_text
from bayes_csc.report.export.spreadsheet import write_workbook
from bayes_csc.report.findings.authority.what_if import CHANGE_STEP, LEVELS
from bayes_csc.report.findings.collect import Findings, gather
from bayes_csc.report.findings.words.sentences import (
    change_sentence,
    figures_words,
    group_without_figures,
    recent_words,
)
from bayes_csc.report.pages.authority_page import authority_page
from bayes_csc.report.pages.method_page import method_page
from bayes_csc.report.pages.overview_page import overview_page
from bayes_csc_cli.run.decline import table_text
from bayes_csc_models import trajectory

PROBABILITY = re.compile(r"0\.\d\d|of 100 authorities|\(\d+% to \d+%\)")


@functools.cache
def found() -> Findings:
    return gather(fitted(), trajectory, Path("runs/none"), group="all")


@functools.cache
def page(code: str) -> str:
    own = next(p for p in found().pages if p.code == code)
    return authority_page(own, found().about, found().panel.grades, found().used, [])


def content(text: str) -> str:
    """The words of a page's body in their order, without its script and style."""
    body = re.sub(r"<(script|style).*?</\1>", " ", text.partition("<body>")[2], flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_the_page_of_an_authority_without_figures_begins_with_that() -> None:
    said = content(page("402"))
    first = PROBABILITY.search(said)
    assert first
    assert said.index(NO_FIGURES) < first.start()
    assert "almost what the model expects before seeing any data" in said[: first.start()]
    assert NO_FIGURES not in content(page("404"))
    answer = next(e["text"] for e in Page(page("402")).all("p") if e["inside"].endswith("section"))
    assert answer.startswith(f"There are {NO_FIGURES}: ")


def test_the_rows_of_the_overview_say_it_before_the_probabilities() -> None:
    parsed = Page(overview_page(found()))
    listed = {cells[0]: cells for cells in parsed.table("Authorities of the group, by name")[1:]}
    assert listed["Fern"][2] == f"2022-11-14; {NO_FIGURES}"
    assert listed["Hazel"][2] == "2022-01-17"
    head, *rows = parsed.table("Probability of a decline by authority")
    assert head[2:] == ["Figures since", "P(decline)"]
    told = dict(zip(found().decline["name"], found().decline.to_dict("records"), strict=True))
    assert {cells[0]: cells[2] for cells in rows} == {name: figures_words(row) for name, row in told.items()}
    said = content(overview_page(found()))
    assert said.index(f"Of 1 of 6 authorities there are {NO_FIGURES}") < said.index("In short")
    assert f"Of 1 of 6 authorities (Fern) there are {NO_FIGURES}" in said[said.index("The authorities: all") :]
    assert "Fern" not in said[: said.index("In short")]


def test_markdown_and_json_say_it_before_the_probabilities() -> None:
    lines = markdown(found()).splitlines()
    row = next(line for line in lines if line.startswith("| Fern |"))
    assert row.split(" | ")[1] == f"2022-11-14; {NO_FIGURES}"
    after = [line for line in lines[lines.index("## Fern") + 1 :] if line]
    assert after[0].startswith(f"There are {NO_FIGURES}: ")
    assert not next(line for line in lines[lines.index("## Hazel") + 1 :] if line).startswith("There are")
    told = {entry["authority"]: entry for entry in json.loads(json_text(found()))["authorities"]}
    assert list(told["402"]).index("figures") < list(told["402"]).index("change")
    assert told["402"]["figures"].startswith(f"There are {NO_FIGURES}")
    assert told["404"]["figures"] is None


def test_the_printed_table_says_it_before_the_probabilities() -> None:
    said = table_text(decline(fitted(), "all"), 200)
    assert said.startswith(f"Of 1 of 6 authorities (Fern) there are {NO_FIGURES}: ")
    row = next(line for line in said.splitlines() if line.startswith("Fern "))
    assert "  Nov 22  " in row
    assert NO_FIGURES in row
    assert "years to 2022-09-30" in " ".join(said.split())
    assert NO_FIGURES not in table_text(decline(fitted(), "404"), 200)


def test_a_group_is_said_by_name_and_one_authority_by_its_own() -> None:
    rows = pd.DataFrame({"name": ["Elm", "Fern", "Gorse"], "figures_since": pd.array([0, None, 0], dtype="Int64")})
    assert group_without_figures(rows).startswith(f"Of 2 of 3 authorities (Elm and Gorse) there are {NO_FIGURES}")
    assert group_without_figures(rows[:1]).startswith(f"There are {NO_FIGURES}")
    assert group_without_figures(rows[1:2]) == ""


def test_without_figures_nothing_is_said_of_what_they_have_said() -> None:
    own = next(p for p in found().pages if p.code == "402")
    said = " ".join([change_sentence(own.decline, "89%"), *own.caveats])
    assert "figures since then" not in said
    assert "they have said next to nothing" not in said
    assert said.count(NO_FIGURES) == 2


def test_every_page_says_to_which_days_its_data_run(tmp_path: Path) -> None:
    for text in (overview_page(found()), method_page(found()), page("402"), page("405")):
        assert SAID in next(e["text"] for e in Page(text).all("footer"))
    assert SAID in markdown(found()).splitlines()
    assert json.loads(json_text(found()))["metadata"]["data_days"] == SAID
    write_workbook(found(), tmp_path / "report.xlsx")
    notes = pd.read_excel(tmp_path / "report.xlsx", engine="calamine", sheet_name="notes").set_index("what")["value"]
    assert (notes["Data"], notes["Figures until"], notes["Judgements until"]) == (SAID, "2022-09-30", "2022-12-31")
    table = pd.read_excel(tmp_path / "report.xlsx", engine="calamine", sheet_name="decline", dtype={"authority": str})
    assert table.set_index("authority").figures_since.isna().to_dict() == {
        code: code == "405" for code in table["authority"]
    }


def test_the_recent_change_is_named_by_its_last_day() -> None:
    assert recent_words(found().about) == "the two years to 30 September 2022"
    for code in ("402", "405"):
        assert "over the two years to 30 September 2022" in content(page(code)).lower().replace(
            "september", "September"
        )
    options = {e["text"] for e in Page(page("404")).all("option")}
    wanted = {"since the last inspection", *(f"over the {n} to 30 September 2022" for n in ("year", "3 years"))}
    assert wanted <= options


def test_periods_to_ask_about_end_at_the_newest_figure() -> None:
    theta = fitted().posterior["theta"].sel(authority="404")
    change = (theta.sel(year=2023) - theta.sel(year=2020)).to_numpy().ravel()
    kept = np.cumsum(found().kept["404"]["periods"]["3"]) * CHANGE_STEP
    np.testing.assert_allclose(kept, np.quantile(change, LEVELS), atol=0.001)


def test_periods_between_grid_points_are_of_the_interpolated_path() -> None:
    from bayes_csc.report.findings.authority.what_if import _periods

    theta = fitted().posterior["theta"]
    own = theta.sel(authority="404")
    half = {t: 0.5 * (own.sel(year=t) + own.sel(year=t + 1)).to_numpy().ravel() for t in (2022, 2020)}
    found = _periods(theta, ["404"], 2022.5)
    np.testing.assert_allclose(found[2][0], np.quantile(half[2022] - half[2020], LEVELS), atol=1e-6)
    assert max(found) == int(2022.5 - float(theta.year[0]))
