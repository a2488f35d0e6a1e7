"""Every kind of chart of small made-up data, as a function of its width in inches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from bayes_csc.evaluation.backtest.scoring.reliability import Reliability
from bayes_csc.panel.describe.display_unit import DisplayUnit
from bayes_csc.report.charts.change_chart import change_chart
from bayes_csc.report.charts.contribution_chart import contribution_chart
from bayes_csc.report.charts.domain_chart import domain_chart
from bayes_csc.report.charts.fan_chart import fan_chart
from bayes_csc.report.charts.grade_chart import grade_chart
from bayes_csc.report.charts.hexagon_chart import hexagon_chart
from bayes_csc.report.charts.interval_chart import interval_chart
from bayes_csc.report.charts.method.backtest_charts import (
    RELIABILITY_KEYS,
    difference_chart,
    flag_chart,
    reliability_panels,
)
from bayes_csc.report.charts.method.check_charts import RANK_KEYS, check_chart, energy_chart, rank_panels
from bayes_csc.report.charts.method.model_diagram import model_diagram
from bayes_csc.report.charts.method.sensitivity_charts import CURVE_KEYS, heat_map, specification_panels, tornado_chart
from bayes_csc.report.charts.method.specification_chart import specification_chart
from bayes_csc.report.charts.panels.covariate_chart import covariate_panels
from bayes_csc.report.charts.panels.indicator_chart import COLUMN, indicator_keys, indicator_panels
from bayes_csc.report.charts.panels.national_chart import national_panels
from bayes_csc.report.charts.panels.series_chart import series_panels
from bayes_csc.report.charts.status_charts import authority_chart, coverage_chart
from bayes_csc.report.drawing.canvas import Canvas
from bayes_csc.report.drawing.layout import Key, side_by_side

GRADES = ("outstanding", "good", "requires improvement", "inadequate")
FORECASTERS = ("the model", "base rate", "last grade", "transitions", "a name that is too long to be shown")
YEARS = np.arange(2016, 2026)
PERCENT = DisplayUnit(100.0, "%", 1)


def trajectory(width: float) -> Canvas:
    middle = np.linspace(0.6, -0.5, 10)
    steps = {"median": 0.0, "lower": -0.9, "upper": 0.9, "inner_lower": -0.35, "inner_upper": 0.35}
    path = pd.DataFrame({"position": YEARS - 0.25} | {name: middle + step for name, step in steps.items()}, index=YEARS)
    judged = pd.DataFrame({"date": pd.to_datetime(["2013-05-01", "2016-03-01", "2018-09-01", "2021-06-01"])})
    judged = judged.assign(label=[GRADES[3], GRADES[2], GRADES[1], GRADES[0]], grade=[4, 3, 2, 1])
    judged["position"] = [2013.33, 2016.16, 2018.67, 2021.42]
    change = {"delta_median": -0.48, "delta_lower": -1.1, "delta_upper": 0.2, "last_inspection": "2021-06-01"}
    region = pd.Series(np.linspace(0.2, 0.1, 10), index=YEARS)
    about: Any = SimpleNamespace(fan=path, inspections=judged, region_path=region, region="North", decline=change)
    return fan_chart(about, "Hamlets", 0.89, 4, width)


def change(width: float) -> Canvas:
    x = np.linspace(-2.0, 2.0, 81)
    bell = np.exp(-((x + 0.2) ** 2) / 0.4)
    table = pd.DataFrame({"change": x, "density": bell, "no_data": 0.6 * np.exp(-(x**2) / 1.2)})
    return change_chart(table, 0.25, width)


def grades(width: float) -> Canvas:
    p = {"": 0.2, "_lower": 0.05, "_upper": 0.5}
    row = {f"p_grade_{g}{end}": value * g / 2 for g in (1, 2, 3, 4) for end, value in p.items()}
    base = pd.Series({"grade_1": 0.1, "grade_2": 0.4, "grade_3": 0.3, "grade_4": 0.2, "number": 50})
    return grade_chart(row, base, GRADES, width)


def domains(width: float) -> Canvas:
    row: dict[str, Any] = {}
    for domain, shares in (("help_and_protection", (0.05, 0.4, 0.4, 0.15)), ("care_leavers", (0.2, 0.6, 0.17, 0.03))):
        row[f"last_grade_{domain}"] = "good"
        for g, p in enumerate(shares, 1):
            row |= {f"p_{domain}_grade_{g}{end}": p * f for end, f in (("", 1.0), ("_lower", 0.5), ("_upper", 1.5))}
    return domain_chart(row, GRADES, width)


def contributions(width: float) -> Canvas:
    values = np.array([0.3, -0.2, 0.1, 0.05])
    labels = ["Agency social workers on 30 September", "a label that is long enough to be cut somewhere before its end",
              "Turnover", "the rest"]  # fmt: skip
    parts = pd.DataFrame({"label": labels, "contribution": values})
    return contribution_chart(parts.assign(lower=values - 0.1, upper=values + 0.1), 0.25, width)


def loadings(width: float) -> Canvas:
    middle = np.linspace(-1.0, 1.0, 7)
    rows = pd.DataFrame({"label": [f"Indicator number {i}" for i in range(7)], "middle": middle})
    return interval_chart(rows.assign(lower=middle - 0.5, upper=middle + 0.7), label="loading", width=width)


def hexagons(width: float) -> Canvas:
    number = np.arange(24)
    places = pd.DataFrame({"name": [f"n{i}" for i in number], "column": number % 5, "row": number // 5})
    p = np.where(number == 7, np.nan, number / 23)
    return hexagon_chart(places.assign(p=p, listed=number % 4 == 0), width)


def indicators(width: float) -> Canvas:
    years = np.arange(2018, 2024)
    rows = pd.DataFrame({"indicator": np.repeat(list("abcdef"), 6), "year": np.tile(years, 6)})
    value = 0.4 + 0.03 * np.sin(np.arange(36.0))
    value[::7] = np.nan
    rows = rows.reindex(columns=["indicator", "year", *COLUMN]).assign(
        value=value, own_lower=value - 0.02, own_upper=value + 0.02, band_lower=0.3, band_upper=0.5, neighbours=0.42,
        fitted=0.41, fitted_lower=0.39, fitted_upper=0.43, national=0.4,
        range_lower=np.where(np.isnan(value), 0.35, np.nan), range_upper=np.where(np.isnan(value), 0.36, np.nan),
    )  # fmt: skip
    labels = {key: f"Indicator {key}, which has a long enough name" for key in "abcdef"}
    better = dict(zip("abcdef", ("higher is better", "lower is better", "not agreed") * 2, strict=True))
    panels = indicator_panels(rows, labels, dict.fromkeys(labels, PERCENT), (2018, 2023), better)
    return side_by_side(panels, width, indicator_keys(rows))


def series(width: float) -> Canvas:
    keys = np.repeat(["a", "b", "c"], 10)
    mean = np.sin(np.arange(30.0) / 4)
    rows = pd.DataFrame({"indicator": keys, "year": np.tile(YEARS, 3), "mean": mean})
    labels = {"a": "First", "b": "Second, with more words than one line holds", "c": "Third"}
    rows = rows.assign(lower=mean - 0.2, upper=mean + 0.3)
    panels = series_panels(rows, labels, dict.fromkeys(labels, "up is better"))
    return side_by_side(panels, width)


def national(width: float) -> Canvas:
    index = pd.MultiIndex.from_product([["a", "b"], YEARS], names=["indicator", "year"])
    lower = np.concatenate([np.linspace(0.1, 0.2, 10), np.full(10, np.nan)])
    table = pd.DataFrame({"lower": lower, "upper": lower + 0.03}, index=index)
    units = dict.fromkeys("ab", PERCENT)
    better = {"a": "lower is better", "b": "not agreed"}
    labels = {"a": "Vacancies", "b": "Never published"}
    return side_by_side(national_panels(table, labels, units, better), width)


def covariates(width: float) -> Canvas:
    index = pd.MultiIndex.from_product([["child_population", "deprivation"], YEARS], names=["covariate", "year"])
    middle = np.concatenate([np.linspace(40_000, 52_000, 10), np.linspace(0.15, 0.2, 10)])
    table = pd.DataFrame({"lower": 0.8 * middle, "median": middle, "upper": 1.3 * middle}, index=index)
    return side_by_side(covariate_panels(table), width)


def coverage(width: float) -> Canvas:
    index = pd.MultiIndex.from_product([["a", "b", "c"], YEARS], names=["indicator", "year"])
    names = ["observed", "suppressed", "not_available", "not_applicable", "no_row"]
    counts = np.array([[(7 * i + 3 * j) % 11 for j in range(5)] for i in range(30)])
    labels = {"a": "Agency social workers on 30 September", "b": "Second", "c": "Third"}
    return coverage_chart(pd.DataFrame(counts, columns=names, index=index), labels, width)


def statuses(width: float) -> Canvas:
    kinds = ["observed", "suppressed", "not_available", "not_applicable", "no_row"]
    codes = [f"{400 + i}" for i in range(10)]
    rows = [(code, year, kinds[(i * 3 + year) % 5]) for i, code in enumerate(codes) for year in YEARS]
    table = pd.DataFrame(rows, columns=["authority", "year", "status"])
    return authority_chart(table, {code: f"Hamlet {code}" for code in codes}, width)


def scores() -> pd.DataFrame:
    step = np.linspace(-0.02, 0.03, len(FORECASTERS))
    table = pd.DataFrame({"difference": step, "difference_lower": step - 0.01, "difference_upper": step + 0.02})
    return table.set_axis(list(FORECASTERS))


def differences(width: float) -> Canvas:
    tables = {"log score": scores(), "squared error of P(worse)": -scores()}
    return difference_chart(tables, {"log score": True, "squared error of P(worse)": False}, width)


def flags(width: float) -> Canvas:
    rates = (0.1, 0.2, 0.3)
    value = 0.05 + scores()["difference"]
    parts = {rate: pd.DataFrame({"value": rate + value, "lower": rate - 0.05, "upper": rate + 0.2}) for rate in rates}
    return flag_chart(rates, pd.concat(parts, axis=1), width)


def reliability(width: float) -> Canvas:
    x = np.linspace(0.05, 0.45, 9)
    curve = pd.DataFrame({"forecast": x, "recalibrated": np.clip(x + 0.05 * np.sin(9 * x), 0, 1), "lower": x - 0.04})
    curve = curve.assign(upper=x + 0.06, events=[3, 9, 12, 14, 10, 7, 5, 2, 1])
    found: Any = SimpleNamespace(curve=curve)
    diagrams: Mapping[str, Reliability] = dict.fromkeys(FORECASTERS[:3], found)
    return side_by_side(reliability_panels(diagrams), width, RELIABILITY_KEYS)


def variants() -> pd.DataFrame:
    """Five authorities under eight variants: one failed, two ask another question."""
    names = ["base", "no ratings", "no 2020", "no 2021", "prior: wide", "prior: narrow", "epsilon 0.1", "epsilon 0.5"]
    choices = ["base", "ratings", "years", "years", "prior: loading", "prior: loading", "epsilon", "epsilon"]
    rows = [
        {"authority": f"{400 + i}", "name": f"Hamlet {i}", "variant": name, "choice": choice,
         "p_decline": float(np.clip(0.1 + 0.15 * i + 0.05 * np.sin(3 * j + i), 0, 1)), "p_decline_mcse": 0.01,
         "gate": "failed" if name == "no 2021" else "passed", "question": choice == "epsilon"}
        for i in range(5) for j, (name, choice) in enumerate(zip(names, choices, strict=True))
    ]  # fmt: skip
    return pd.DataFrame(rows)


QUESTIONS = ("epsilon 0.1", "epsilon 0.5")


def curves(width: float) -> Canvas:
    return side_by_side(specification_panels(variants(), 0.5, QUESTIONS), width, CURVE_KEYS)


def heat(width: float) -> Canvas:
    groups = {choice: list(dict.fromkeys(own["variant"])) for choice, own in variants().groupby("choice", sort=False)}
    return heat_map(variants(), list(groups.items()), width)


def tornado(width: float) -> Canvas:
    names = [f"choice {i}" for i in range(5)]
    rows = pd.DataFrame({"choice": names, "least": -0.1, "most": np.linspace(0.2, 0.01, 5), "moved_most": 0.25})
    return tornado_chart(rows, width)


def specification(width: float) -> Canvas:
    rows = variants()[variants()["authority"] == "402"]
    table = rows.assign(base=rows["variant"] == "base", error=2 * rows["p_decline_mcse"])
    return specification_chart(table[["choice", "p_decline", "error", "base", "question"]], 0.5, width)


def ranks(width: float) -> Canvas:
    index = pd.MultiIndex.from_product([["loading[agency]", "sd_level"], [1, 2]], names=["entry", "chain"])
    heights = 0.1 + 0.02 * np.sin(np.arange(40.0)).reshape(4, 10)
    return side_by_side(rank_panels(pd.DataFrame(heights, index=index)), width, RANK_KEYS[:2])


def energy(width: float) -> Canvas:
    x = np.linspace(-40.0, 40.0, 41)
    table = pd.DataFrame({"energy": x, "marginal": np.exp(-(x**2) / 300), "step": np.exp(-(x**2) / 250)})
    return energy_chart(table, width)


def checks(width: float) -> Canvas:
    table = pd.DataFrame({"inside_inner": [0.5, 0.62, 0.41], "inside": [0.9, 0.95, 0.8]}, index=list("abc"))
    return check_chart(table, {"a": "Agency social workers on 30 September", "b": "Second", "c": "Third"}, 0.89, width)


def legends(width: float) -> Canvas:
    """A legend alone, with every sign."""
    signs = ("fill", "solid", "dashed", "dotted", "bar", "interval", "dot", "ring", "square", "diamond")
    return side_by_side([], width, [Key("line", sign, f"the sign {sign}") for sign in signs])


CHARTS: dict[str, Callable[[float], Canvas]] = {
    made.__name__: made
    for made in (
        trajectory, change, grades, domains, contributions, loadings, hexagons, indicators, series, national,
        covariates, coverage, statuses, differences, flags, reliability, curves, heat, tornado, specification, ranks,
        energy, checks, model_diagram, legends,
    )
}  # fmt: skip
