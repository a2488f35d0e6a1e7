"""The pages of a report: whole, closed, with the run's own numbers, names kept as text, and true of every authority."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from page_elements import Page
from simulated_report import FORBIDDEN, NASTY, findings, fitted

from bayes_csc.errors import DataError, UsageError
from bayes_csc.estimates.contributions import contributions, write_contributions
from bayes_csc.estimates.decline import decline, write_decline
from bayes_csc.estimates.information import in_words
from bayes_csc.evaluation.forecast.forecast import forecast, write_forecast
from bayes_csc.panel.describe.authority_record import authority_records
from bayes_csc.panel.panel import Panel
from bayes_csc.report.drawing.html import Content
from bayes_csc.report.drawing.style import look
from bayes_csc.report.export.markdown import markdown
from bayes_csc.report.findings.authority.caveats import caveats
from bayes_csc.report.findings.collect import Findings
from bayes_csc.report.findings.companions import Missing, read_backtest, read_sensitivity
from bayes_csc.report.findings.words.contribution_words import SMALL
from bayes_csc.report.findings.words.sentences import information_sentence, source_words
from bayes_csc.report.findings.words.vocabulary import count_of
from bayes_csc.report.pages.sections.backtest_section import backtest_section
from bayes_csc.report.site import check_report_target, pages, write_site
from bayes_csc_models import trajectory

Texts = dict[str, str]


@pytest.fixture(scope="module")
def texts() -> Texts:
    return dict(pages(findings(), cores=1))


@pytest.fixture(scope="module")
def parsed(texts: Texts) -> dict[str, Page]:
    return {name: Page(text) for name, text in texts.items()}


def test_every_authority_of_the_group_has_a_page_and_links_lead_to_pages_and_places(parsed: dict[str, Page]) -> None:
    assert len(parsed) == 3 + 6
    for page in parsed.values():
        ids = [e["id"] for e in page.elements if "id" in e]
        assert len(ids) == len(set(ids))
        links = [e["href"] for e in page.all("a")]
        assert {link.removeprefix("#") for link in links if link.startswith("#")} <= set(ids)
        assert {link for link in links if not link.startswith("#")} <= set(parsed)


def test_nothing_is_fetched(texts: Texts) -> None:
    for text in texts.values():
        assert not re.search(r"(?:src|href)=[\"']\s*(?:https?:)?//|@import|url\((?!#)", text)
        assert not re.search(r"\son[a-z]+=", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL))


def test_headings_are_in_order_and_pictures_have_a_name_a_finding_and_a_table(parsed: dict[str, Page]) -> None:
    for page in parsed.values():
        levels = [int(e["tag"][1]) for e in page.all("h1", "h2", "h3")]
        assert levels.count(1) == 1
        assert max(b - a for a, b in pairwise(levels)) == 1
        figures = page.all("figure")
        named = [e["aria-labelledby"].split() for e in page.all("svg", "div") if e.get("role") == "img"]
        assert len({tuple(ids) for ids in named}) == len(figures) > 1
        drawn = [e["class"].split()[-1] for e in page.all("svg") if "aria-labelledby" in e]
        assert drawn == ["wide", "narrow"] * (len(drawn) // 2)
        words = {e.get("id"): e["text"] for e in page.all("strong", "span")}
        for ids in named:
            finding, shown = (words[name] for name in ids)
            assert re.search(r"\d|no agreed direction", finding)
            assert shown
        behind = [e for e in page.all("table") if "figure" in e["inside"].split() and "details" in e["inside"].split()]
        assert len(behind) == len(figures)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """The tables of the run as its commands write them, read back from their files."""
    folder = tmp_path_factory.mktemp("tables")
    run, codes = fitted(), ",".join(p.code for p in findings().pages)
    ahead = forecast(run, trajectory, group="all")
    write_decline(decline(run, "all", forecast=ahead), folder)
    write_forecast(ahead, folder)
    write_contributions(contributions(run, trajectory, group=codes), folder)
    names = ("decline", "forecast", "contributions")
    return {name: pd.read_csv(folder / f"{name}.csv", dtype={"authority": str}) for name in names}


def off(text: str, value: float) -> float:
    """How far a number on a page is from that of a table, in halves of its last decimal: at most one if it is it."""
    decimals = len(text.partition(".")[2])
    return abs(float(text.replace("−", "-")) - value) / (0.5 * 10.0**-decimals)


def test_two_hundred_numbers_of_the_pages_are_those_of_the_runs_files(
    parsed: dict[str, Page], written: dict[str, pd.DataFrame]
) -> None:
    told: list[tuple[str, float]] = []
    changes = {cells[0]: cells for cells in parsed["index.html"].table("Changes since the last inspection")[1:]}
    listed = {cells[0]: cells for cells in parsed["index.html"].table("Authorities of the group, by name")[1:]}
    for row in written["decline"].to_dict("records"):
        shown = listed[row["name"]]
        told += [(shown[3], row["p_next_worse"]), (shown[4], row["p_next_better"])]
        if row["p_decline"] == row["p_decline"]:
            cells = changes[row["name"]]
            columns = ("gap_years", "delta_median", "delta_lower", "delta_upper", "p_decline", "p_decline_mcse",
                       "p_decline_no_data")  # fmt: skip
            told += zip(cells[1:8], (row[c] for c in columns), strict=True)
            told += zip(shown[5:8], (row[c] for c in ("p_decline", "p_decline_no_data", "delta_median")), strict=True)
            told += zip(shown[8].split(" to "), (row["delta_lower"], row["delta_upper"]), strict=True)
    for row in written["forecast"].to_dict("records"):
        grades = parsed[f"authority-{row['authority']}.html"].table(f"Next overall grade of {row['name']}")[1:]
        for g, cells in enumerate(grades, 1):
            told += zip(cells[1:4], (row[f"p_grade_{g}{end}"] for end in ("", "_lower", "_upper")), strict=True)
    for code, own in written["contributions"].groupby("authority"):
        rows = parsed[f"authority-{code}.html"].table("Contributions to the change")[1:]
        assert bool(rows) == (code != "405")
        parts = own[own["kind"] != "total"]
        large = parts[parts["contribution"].abs() >= SMALL]
        large = large.loc[large["contribution"].abs().sort_values(ascending=False, kind="stable").index]
        for cells, row in zip(rows, large.to_dict("records"), strict=False):
            told += zip(cells[6:9], (row[c] for c in ("contribution", "lower", "upper")), strict=True)
        if rows:
            assert len(rows) == len(large) + (len(large) < len(parts)) + 1
            assert rows[-1][0] == "total"
            told.append((rows[-1][6], parts["contribution"].sum()))
        effects = dict(zip(map(source_words, parts["label"]), parts["contribution"], strict=True))
        for n in range(1, 5):
            caption = f"The {count_of(n, 'indicator')} that moved the estimate most"
            told += [(c[6], effects[c[0]]) for c in parsed[f"authority-{code}.html"].table(caption)[1:]]
    known = [(text, value) for text, value in told if value == value]
    assert len(known) >= 200
    assert [text for text, value in told if value != value and text] == []
    assert [(text, value) for text, value in known if off(text, value) > 1.0 + 1e-6] == []


def test_the_paths_of_the_pages_are_those_of_the_posterior(parsed: dict[str, Page]) -> None:
    theta, checked = fitted().posterior["theta"], 0
    for own in findings().pages:
        for cells in parsed[f"{own.slug}.html"].table(f"Latent quality of {own.name}")[1:]:
            year = int(cells[0].split()[-1]) + 1
            draws = theta.sel(authority=own.code, year=year).to_numpy().ravel()
            for text, level in zip(cells[1:6], (0.5, 0.25, 0.75, 0.055, 0.945), strict=True):
                assert off(text, float(np.quantile(draws, level))) <= 1.0 + 1e-6
                checked += 1
    assert checked > 100


def test_the_indicators_tables_hold_every_cell_of_the_panel(parsed: dict[str, Page]) -> None:
    found = findings()
    own = next(p for p in found.pages if p.code == "402")
    rows = parsed[f"{own.slug}.html"].table("Indicators used by the model")[1:]
    cells = found.panel.cells[[("402" in unit.split("+")) for unit in found.panel.cells["authority"]]]
    seen = cells[cells["status"] == "observed"].set_index(["indicator", "year"])["value"]
    labels = {f"{i.label}, {found.units[k].name}": k for k, i in found.panel.indicators.items()}
    shown = {(labels[r[0]], int(r[1])): r[2] for r in rows if r[2]}
    assert len(shown) == len(seen)
    assert all(shown[place] == f"{100 * value:.1f}" for place, value in seen.items())  # type: ignore[index]


def test_names_that_are_markup_are_text(texts: Texts, parsed: dict[str, Page]) -> None:
    for name, page in parsed.items():
        assert "<script>alert" not in texts[name]
        assert [e.get("type", "") for e in page.all("script")] in ([], [""], ["application/json", ""])
    assert parsed["authority-401.html"].all("h1")[0]["text"] == NASTY
    assert any(e["text"] == NASTY for e in parsed["index.html"].all("a"))


def test_no_page_says_will_or_names_a_cause(parsed: dict[str, Page], with_analysis: Texts) -> None:
    again = {f"{name}, with an analysis": Page(text) for name, text in with_analysis.items()}
    for name, page in (parsed | again).items():
        said = page.all("body")[0]["text"]
        for script in page.all("script"):
            said = said.replace(script["text"], "")
        if not name.startswith(("method.html", "data.html")):  # which quote the panel's definitions
            assert FORBIDDEN.findall(said) == [], name


def test_an_authority_that_was_never_inspected_has_a_page_without_a_change(parsed: dict[str, Page]) -> None:
    page = parsed["authority-405.html"]
    text = page.all("main")[0]["text"]
    assert "Without an inspection on record there is no change since one" in text
    assert "nan" not in re.sub(r"[a-z]nan|nan[a-z]", "", text.casefold())
    assert page.table("Density of the change") == []
    assert len(page.table("Next overall grade of Ivy")) == 5


def test_the_overview_and_the_markdown_say_what_the_estimates_are_made_of(parsed: dict[str, Page]) -> None:
    made_of = findings().information
    assert made_of.share.sum() == pytest.approx(1.0)
    head, rows = in_words(made_of)
    assert parsed["index.html"].table("Sources by share") == [head, *rows]
    assert information_sentence(made_of) in parsed["index.html"].all("main")[0]["text"]
    assert f"| {' | '.join(rows[0])} |" in markdown(findings())


def test_a_page_of_a_successor_starts_where_it_began(parsed: dict[str, Page]) -> None:
    rows = parsed["authority-408.html"].table("Latent quality of Maple")[1:]
    assert rows[0][0] == "30 September 2021"


def test_missing_parts_name_the_command_that_makes_them(parsed: dict[str, Page]) -> None:
    text = parsed["index.html"].all("main")[0]["text"]
    assert "bayescsc backtest --out runs/none/backtest" in text
    assert "bayescsc sensitivity runs/none" in text
    assert "bayescsc sensitivity runs/none" in parsed["authority-402.html"].all("main")[0]["text"]


def test_the_same_findings_give_the_same_bytes_whatever_wrote_them(texts: Texts) -> None:
    assert dict(pages(findings(), cores=2)) == texts


def test_the_site_keeps_the_contract_and_replaces_only_a_report(tmp_path: Path, shared: Path) -> None:
    folder = tmp_path / "new" / "hamlets"
    written = write_site(findings(), folder, cores=1)
    check = [sys.executable, str(shared / "checks" / "contract.py"), "report", str(folder)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(written)} pages" in done.stdout
    with pytest.raises(UsageError, match="exists; give another --out"):
        check_report_target(folder, overwrite=False)
    check_report_target(folder, overwrite=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("x")
    with pytest.raises(UsageError, match="not the folder of a report"):
        check_report_target(tmp_path / "other", overwrite=True)


def test_a_sensitivity_analysis_beside_the_run_is_read_and_a_broken_one_refused(tmp_path: Path) -> None:
    assert isinstance(read_sensitivity(tmp_path), Missing)
    rows = pd.DataFrame({"authority": ["401"], "variant": ["no ratings"], "depth": ["preview"], "p_decline": [0.4]})
    rows.to_csv(tmp_path / "sensitivity.csv", index=False)
    table = read_sensitivity(tmp_path)
    assert isinstance(table, pd.DataFrame)
    assert list(table["authority"]) == ["401"]
    assert not table["question"].any()
    variants = [{"name": "no ratings", "asks_another_question": True}]
    record = {"metadata": {"variants": variants}, "authorities": [{"authority": "401", "verdict": "same side"}]}
    (tmp_path / "sensitivity.json").write_text(json.dumps(record))
    again = read_sensitivity(tmp_path)
    assert isinstance(again, pd.DataFrame)
    assert list(again["question"]) == [True]
    assert again.attrs["verdicts"] == {"401": "same side"}
    rows.drop(columns="depth").to_csv(tmp_path / "sensitivity.csv", index=False)
    with pytest.raises(DataError, match="without the columns depth"):
        read_sensitivity(tmp_path)


def test_a_backtest_is_found_beside_the_run_and_a_broken_one_refused(tmp_path: Path) -> None:
    assert isinstance(read_backtest(tmp_path), Missing)
    with pytest.raises(DataError, match=r"no backtest\.json in it"):
        read_backtest(tmp_path, tmp_path / "elsewhere")
    (tmp_path / "backtest").mkdir()
    (tmp_path / "backtest" / "backtest.json").write_text('{"metadata": {}}')
    with pytest.raises(DataError, match="not the record of a backtest"):
        read_backtest(tmp_path)


@pytest.mark.parametrize(("code", "name"), [("201", "City of London"), ("420", "Isles of Scilly")])
def test_tiny_authorities_of_england_are_said_to_be_mostly_hidden(shipped: Panel, code: str, name: str) -> None:
    (record,) = authority_records(shipped, [code])
    assert record.facts["name"] == name
    used = {k for k, i in shipped.indicators.items() if i.default}
    row: dict[str, object] = {"gap_years": 2.0, "p_decline": 0.3, "p_decline_no_data": 0.31, "delta_lower": -1.0}
    said = " ".join(caveats(record, row | {"delta_upper": 1.0}, 2, used))
    assert "suppressed because the counts are small" in said
    assert "have said next to nothing" in said
    assert "cannot tell which" in said


def test_gathered_numbers_are_finite_where_they_should_be() -> None:
    found = findings()
    assert np.isfinite(found.hyperparameters[["mean", "lower", "upper"]].to_numpy()).all()
    assert found.fitted.checks["inside"].between(0, 1).all()
    assert (found.base_rates["number"] > 0).any()


def words_of(content: Sequence[Content]) -> str:
    return " ".join("".join(part.itertext()) for part in content if isinstance(part, ET.Element))


def score(forecaster: str, name: str, value: float, difference: float) -> dict[str, object]:
    ends = {"lower": value - 0.1, "upper": value + 0.1}
    apart = {"difference_lower": difference - 0.05, "difference_upper": difference + 0.05}
    where = {"forecaster": forecaster, "group": "requires improvement", "horizon": 12, "score": name, "events": 80}
    return where | {"value": value, "difference": difference} | ends | apart


def test_the_record_of_past_forecasts_is_told_with_its_rivals_and_what_it_is_not_about() -> None:
    scores = [
        score(who, name, value + step, step)
        for name, value in (("auc_worse", 0.6), ("brier_worse", 0.15), ("log_score", -1.1))
        for who, step in (("baseline", 0.0), ("base rate", -0.02))
    ]
    record = {
        "metadata": {"panel_hash": "other", "how_to_read": "All of this is exploratory."},
        "baseline": "baseline", "roles": {"baseline": "baseline", "base rate": "rival"}, "scores": scores,
        "higher_is_better": {"auc_worse": True, "brier_worse": False, "log_score": True},
    }  # fmt: skip
    with look():
        text = words_of(backtest_section(record, findings().about))
    assert "80 inspections of authorities judged requires improvement, within 12 months" in text
    assert "Discrimination (AUC)" in text
    assert (
        "0.60 (0.50 to 0.70); the best of the competing forecasters, base rate: 0.58; the difference may be zero"
        in text
    )
    assert "another version of the panel" in text
    assert "All of this is exploratory." in text


def analysed() -> Findings:
    """The hamlets with a sensitivity analysis beside them: one variant failed, one asks another question."""
    found = findings()
    variants = [
        ("base", "base", 0.30, "passed"), ("no ratings", "ratings", 0.60, "passed"),
        ("no 2020", "years", 0.45, "passed"),
        ("no 2021", "years", 0.99, "failed"), ("epsilon 0.5", "epsilon", 0.10, "passed"),
    ]  # fmt: skip
    rows = pd.DataFrame([
        {"authority": p.code, "variant": name, "choice": choice, "depth": "preview", "gate": gate, "p_decline": p_i,
         "p_decline_mcse": 0.01, "question": choice == "epsilon"}
        for p in found.pages for name, choice, p_i, gate in variants
    ])  # fmt: skip
    rows.attrs.update({"rule": {"threshold": 0.5}, "verdicts": {p.code: "other side" for p in found.pages}})
    pages_ = tuple(dataclasses.replace(p, sensitivity=rows[rows["authority"] == p.code]) for p in found.pages)
    page = "<!doctype html>\n<html><body><main><h1>What would change the answer?</h1></main></body></html>\n"
    return dataclasses.replace(found, sensitivity=rows, pages=pages_, sensitivity_page=page)


@pytest.fixture(scope="module")
def with_analysis() -> Texts:
    return dict(pages(analysed(), cores=1))


def test_a_specification_curve_is_told_and_drawn_without_what_failed(with_analysis: Texts) -> None:
    own = Page(with_analysis["authority-402.html"])
    said = own.all("main")[0]["text"]
    assert (
        "Over 2 variants of the analysis the probability of a decline runs from 0.45 to 0.60; the side of 0.5 changes"
        in said
    )
    assert "1 variant failed its checks and is left out: no 2021." in said
    told = own.table("Probability of a decline in every variant")[1:]
    assert [(r[0], r[1], r[3]) for r in told] == [
        ("base", "base", "0.300"), ("epsilon", "epsilon 0.5", "0.100"), ("ratings", "no ratings", "0.600"),
        ("years", "no 2020", "0.450"),
    ]  # fmt: skip
    assert told[1][2] == "preview, another question"


def test_the_overview_says_which_answers_change_side_and_leads_to_the_analysis(with_analysis: Texts) -> None:
    page = Page(with_analysis["index.html"])
    said = page.all("main")[0]["text"]
    assert "2 variants of the analysis asked the same question and passed their checks." in said
    assert "For 6 of 6 authorities a variant changes the decision, as the table says." in said
    assert "The probabilities move most with: ratings (by 0.30 on average) and years (by 0.15 on average)." in said
    rows = page.table("Probability of a decline over all variants")[1:]
    assert {tuple(row[2:]) for row in rows} == {
        ("0.450", "0.525", "0.600", "2", "the side of 0.5 changes in 1 of them")
    }
    for name in ("index.html", "method.html", "data.html", "authority-402.html"):
        assert "sensitivity.html" in {e["href"] for e in Page(with_analysis[name]).all("a")}
    beside = Page(with_analysis["sensitivity.html"])
    assert {e["href"] for e in beside.all("a")} >= {"index.html", "method.html"}
    assert "What would change the answer?" in with_analysis["sensitivity.html"]
