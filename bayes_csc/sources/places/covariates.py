"""Characteristics of England's authorities by year: population, deprivation, low income, demand, place and spending."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.panel.supplementary import COVARIATES
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.finance.revenue_outturn import SUMMARY, share_of_services, social_care_outturn
from bayes_csc.sources.finance.spending import LAIT, gross_spending, interactive_tool
from bayes_csc.sources.places.authorities import LOOKUP, POPULATION, POPULATION_TO_2018, ons_codes
from bayes_csc.sources.readers.rda import read_rda
from bayes_csc.sources.readers.sheets import authority_codes, numbers, read_sheet
from bayes_csc.sources.readers.tables import EES_SYMBOLS, entries, local_authorities, read_table

OLDER_LAIT = "lait_2025"
LOW_INCOME = "low_income"
CLASSES_2021 = "rural_districts_2021"
DISTRICTS = "lookup_2023"
PEOPLE = "mye_2023"
# Columns of scores, by index and edition.
SCORE = re.compile(r"(imd|idaci)(20\d\d)_score")
# Counts over children aged 0 to 17, with the column of the count.
DEMAND = {
    "children_in_need_per_10000": ("cin_children", "At31_episodes"),
    "referrals_per_10000": (
        "cin_referrals",
        "referral_count",
    ),
}
# Groups with a consistent total in pounds for years before the population file begins.
IN_POUNDS = ("total", "looked_after", "safeguarding")


def covariates(official: Official, deflator: Mapping[str, Any]) -> pd.DataFrame:
    """Build the table of covariates.

    - `population_0_17`: children at mid-year.
    - `imd`, `idaci`: average scores of the indices of deprivation; the year is the edition.
    - `low_income_children`: children in relative low income before housing costs, in the year to 31 March; a count.
    - `low_income_percent_2025`, `low_income_percent_2026`: percentage of children under 16 in such families as
      published in May 2025 and, on another calibration, in April 2026; never one series.
    - `children_in_need_per_10000` on 31 March and `referrals_per_10000` in the year to it, over children aged 0 to 17
      at the mid-year before.
    - `rural_2021`: share of people (mid-2023) in districts that the classification of 2021 calls rural.
    - `spending_GROUP`: gross expenditure per child aged 0 to 17 at the mid-year before, in constant prices of the
      deflator's base, year to 31 March: value / children * index[base] / index[year].
    - `spending_GROUP_cash`: the same in pounds of the year, not per child.
    - `outturn_social_care`, `outturn_residential`: gross expenditure on children's social care, and on residential care
      of looked-after children, in the revenue outturn; per child and in constant prices as above. The two returns of an
      authority differ.
    - `social_care_share`: children's social care as a share of all service expenditure outside education.

    Parameters
    ----------
    official
        The official files.
    deflator
        `base`, the year of the prices, and `index`, the GDP deflator by year (as text), of years to 31 March.

    Returns
    -------
    pandas.DataFrame
        The panel's covariate columns; a figure that is not published has no row.
    """
    lookup = read_table(official.derived(LOOKUP), ["old_la_code", "la_name", "new_la_code", "other_new_la_codes"])
    population = _population(official)
    spending = gross_spending(official)
    # Bedfordshire and Cheshire ended on 1 April 2009 and are in no other file.
    spending = spending[spending["authority"].isin(lookup["old_la_code"])].assign(prefix="spending_")
    outturn = social_care_outturn(official).assign(prefix="outturn_")
    outturn["authority"] = outturn["ons"].map(ons_codes(lookup))
    parts = [
        population,
        _deprivation(lookup),
        _low_income(official, lookup),
        *(_percent(official, file) for file in (LAIT, OLDER_LAIT)),
        *(_demand(official, file, column, name, population) for name, (file, column) in DEMAND.items()),
        _rural(official, lookup),
        _constant_prices(pd.concat([spending, outturn]), population, deflator),
        _in_pounds(spending),
        _social_care_share(official, lookup),
    ]
    return pd.concat([part[list(COVARIATES.columns)] for part in parts], ignore_index=True)


def _population(official: Official) -> pd.DataFrame:
    path = official / POPULATION
    table = local_authorities(
        read_table(path, ["time_period", "geographic_level", "old_la_code", "population_estimate"])
    )
    table = table[table["population_estimate"] != "x"]
    latest = pd.DataFrame(
        {
            "authority": table["old_la_code"],
            "year": table["time_period"].astype(int),
            "value": [entry.lower for entry in entries(table["population_estimate"], EES_SYMBOLS, path)],
            "source": official.source(POPULATION),
        }
    )
    older = read_table(official / POPULATION_TO_2018, ["geog_c", "CLA_Pop2018"], encoding="cp1252").set_index("geog_c")
    gone = [code for code in ("835", "836", "837") if code not in set(latest["authority"])]
    years = older.loc[gone, [name for name in older.columns if name.startswith("CLA_Pop")]]
    rows = years.rename_axis("authority").reset_index().melt("authority", var_name="year", value_name="value")
    rows = rows.assign(year=rows["year"].str[-4:].astype(int), value=numbers(rows["value"], path), source="mye-2018")
    return pd.concat([latest, rows], ignore_index=True).assign(covariate="population_0_17")


def _deprivation(lookup: pd.DataFrame) -> pd.DataFrame:
    """Every index of deprivation in the lookup of authorities: a new edition is a column of it."""
    parts = []
    for column, covariate, year in (
        (found[0], found[1], found[2]) for found in map(SCORE.fullmatch, map(str, lookup)) if found
    ):
        scores = pd.DataFrame({"authority": lookup["old_la_code"], "value": pd.to_numeric(lookup[column])})
        source = pd.Series(f"imd-{year}", index=lookup.index)
        source = source.mask(lookup["imd_filled_from_lsoa"].str.contains(year), f"imd-{year}-lsoa")
        if (aggregated := f"imd{year}_is_aggregated") in lookup:
            source = source.mask(lookup[aggregated] == "1", f"imd-{year}-districts")
        parts.append(scores.assign(year=int(year), covariate=covariate, source=source).dropna(subset="value"))
    return pd.concat(parts)


def _low_income(official: Official, lookup: pd.DataFrame) -> pd.DataFrame:
    path = official / LOW_INCOME
    if not path.is_file():
        raise DataError(f"{path}: the file is missing; expected the official release file of that name")
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    header = next((place for place, line in enumerate(lines) if line.startswith('"Year"')), None)
    if header is None:
        raise DataError(f'{path}: no row begins with "Year"; expected the years of the extract there')
    table = read_table(path, ["Year"], skip=header)
    years = {name: int(name[:4]) + 1 for name in table.columns if name[:2] == "20" and "Annotations" not in name}
    # Wales, Scotland and Northern Ireland follow England, and then the notes.
    end = table.index[table["Year"] == "Somerset"]
    if len(end) != 1:
        raise DataError(f"{path}: expected one row about Somerset, the last of England, found {len(end)}")
    rows = table.loc[1 : end[0]]
    current = lookup[~lookup["old_la_code"].isin(["835", "836", "837", "928", "942", "943"])]
    codes = authority_codes(rows["Year"], dict(zip(current["old_la_code"], current["la_name"], strict=True)), path)
    wide = rows[list(years)].set_axis(list(years.values()), axis=1).assign(authority=codes)
    counts = wide.melt("authority", var_name="year", value_name="value")
    counts["value"] = numbers(counts["value"], path, ("", ".."))
    return counts.dropna(subset="value").assign(covariate="low_income_children", source=official.source(LOW_INCOME))


def _percent(official: Official, file: str) -> pd.DataFrame:
    table = interactive_tool(official / file, ["ChildPov"])
    # No authority is without such families: the tool has 0 for Leicestershire in 2015, where DWP counts 16,983.
    table = table[table["value"] > 0]
    return pd.DataFrame(
        {
            "authority": table["authority"],
            "year": table["Years"].astype(int),
            "value": table["value"].round(4),
            "covariate": f"low_income_percent_{official.year(file)}",
            "source": official.source(file),
        }
    )


def _demand(official: Official, file: str, column: str, covariate: str, population: pd.DataFrame) -> pd.DataFrame:
    path = official / file
    table = local_authorities(read_table(path, ["time_period", "geographic_level", "old_la_code", column]))
    figures = entries(table[column], EES_SYMBOLS, path)
    counts = pd.DataFrame(
        {
            "authority": table["old_la_code"],
            "year": table["time_period"].astype(int),
            "value": [entry.lower if entry.status == "observed" else float("nan") for entry in figures],
        }
    ).dropna()
    rates = per_child(counts, population)
    return rates.assign(value=(1e4 * rates["value"]).round(2), covariate=covariate, source=official.source(file))


def per_child(figures: pd.DataFrame, population: pd.DataFrame) -> pd.DataFrame:
    """Divide figures of years to 31 March by the children aged 0 to 17 at the mid-year inside them.

    The year to 31 March 2024 contains the mid-year of 2023, which is what the Department for Education divides by.
    Figures without a population are left out.
    """
    children = population[["authority", "year", "value"]].rename(columns={"value": "children"})
    merged = figures.merge(children.assign(year=children["year"] + 1), on=["authority", "year"])
    return merged.assign(value=merged["value"] / merged["children"])


def _rural(official: Official, lookup: pd.DataFrame) -> pd.DataFrame:
    classes = read_rda(official / CLASSES_2021).set_index("ltla24_code")["ruc"]
    areas = read_table(official / DISTRICTS, ["LTLA23CD", "UTLA23CD"])
    people = read_sheet(official / PEOPLE, "MYE2 - Persons", 8, ["Code", "All ages"]).set_index("Code")["All ages"]
    areas = areas[areas["UTLA23CD"].str.startswith("E")]
    table = pd.DataFrame(
        {
            "authority": areas["UTLA23CD"].map(ons_codes(lookup)),
            "people": numbers(areas["LTLA23CD"].map(people).fillna(""), official / PEOPLE),
            "rural": areas["LTLA23CD"].map(classes).map({"Rural": 1.0, "Urban": 0.0}),
        }
    )
    if lost := areas.loc[table.isna().any(axis=1), "LTLA23CD"].tolist():
        raise DataError(f"{official / CLASSES_2021}: no class, people or authority for {', '.join(lost)}")
    sums = table.assign(rural=table["rural"] * table["people"]).groupby("authority", as_index=False).sum()
    value = (sums["rural"] / sums["people"]).round(4)
    return sums.assign(value=value, year=2021, covariate="rural_2021", source=official.source(CLASSES_2021))


def _constant_prices(spending: pd.DataFrame, population: pd.DataFrame, deflator: Mapping[str, Any]) -> pd.DataFrame:
    index = {int(year): float(value) for year, value in deflator["index"].items()}
    if lost := sorted(set(spending["year"]) - set(index)):
        raise DataError(f"england.toml: [deflator] has no index for {', '.join(map(str, lost))}; add it")
    rates = per_child(spending, population)
    constant = rates["value"] * index[deflator["base"]] / rates["year"].map(index)
    return rates.assign(value=constant.round(2), covariate=rates["prefix"] + rates["group"])


def _in_pounds(spending: pd.DataFrame) -> pd.DataFrame:
    chosen = spending[spending["group"].isin(IN_POUNDS)]
    return chosen.assign(value=chosen["value"].round(), covariate="spending_" + chosen["group"] + "_cash")


def _social_care_share(official: Official, lookup: pd.DataFrame) -> pd.DataFrame:
    share = share_of_services(official)
    return share.assign(
        authority=share["ons"].map(ons_codes(lookup)),
        year=official.year(SUMMARY),
        covariate="social_care_share",
        source=official.source(SUMMARY),
    )
