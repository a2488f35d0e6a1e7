"""The authorities of England, 2013 to 2025: regions, deprivation, population, neighbours and reorganisations."""

from __future__ import annotations

import pandas as pd

from bayes_csc.files.csv_toml import AUTHORITY_COLUMNS
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.readers.tables import EES_SYMBOLS, entries, local_authorities, read_table

LOOKUP = "la_lookup.csv"
POPULATION = "population"
POPULATION_TO_2018 = "cla_2019_cla"
NEIGHBOURS = "neighbours_2025"
RURAL = "rural_districts"

# Authorities abolished in 2019 have no IMD 2019 score: theirs of 2015 plus the change of the successor that took most
# of their children.
MAIN_SUCCESSOR = {"835": "838", "836": "839", "837": "839"}
# Christchurch went from old Dorset to Bournemouth, Christchurch and Poole. No file has its children alone: its share of
# old Dorset's people of all ages in 2011 stands in for its share of the children.
SPLIT, RECEIVER = "835", "839"
# Districts of 2011 that make up the authorities without a published rural-urban class.
DISTRICTS = {
    "835": ("Christchurch", "East Dorset", "North Dorset", "Purbeck", "West Dorset", "Weymouth and Portland"),
    "836": ("Poole",),
    "837": ("Bournemouth",),
    "928": (
        *("Corby", "Daventry", "East Northamptonshire", "Kettering", "Northampton", "South Northamptonshire"),
        "Wellingborough",
    ),
    "942": ("Allerdale", "Carlisle", "Copeland"),
    "943": ("Barrow-in-Furness", "Eden", "South Lakeland"),
}
# Classes by the share of people in rural areas or hub towns; none of these authorities is in a conurbation.
RURAL_CLASSES = (
    (0.80, "Mainly Rural"),
    (0.50, "Largely Rural"),
    (0.26, "Urban with Significant Rural"),
    (0.00, "Urban with City and Town"),
)


def places(official: Official) -> pd.DataFrame:
    """Build the table of authorities.

    Parameters
    ----------
    official
        The official files.

    Returns
    -------
    pandas.DataFrame
        Indexed by DfE code, the panel's authority columns.
    """
    lookup = read_table(official.derived(LOOKUP), ["old_la_code", "la_name", "government_region", "imd2019_score"])
    lookup = lookup.set_index("old_la_code").rename_axis("code").sort_index()
    children, districts = _children(official), _districts(official)
    people = districts["people"]
    christchurch = people["Christchurch"] / people[list(DISTRICTS[SPLIT])].sum()
    made_of = lookup["predecessors"].str.split(";")
    weights = {code: _weights(str(code), old, children, christchurch) for code, old in made_of.items()}
    table = pd.DataFrame(
        {
            "name": lookup["la_name"],
            "region": lookup["government_region"],
            "deprivation": _deprivation(lookup),
            "rural_urban": _rural_urban(districts, lookup["rural_urban_2011_6fold"]),
            "predecessors": lookup["predecessors"].str.replace(";", " "),
            "predecessor_weights": pd.Series(weights),
            "successors": lookup["successors"].str.replace(";", " "),
            "valid_from": pd.to_datetime(lookup["valid_from"].replace("", None)),
            "valid_to": pd.to_datetime(lookup["valid_to"].replace("", None)),
            "population": children.reindex(lookup.index),
            "neighbours": _neighbours(official).reindex(lookup.index, fill_value=""),
        }
    )
    return table[list(AUTHORITY_COLUMNS[1:])]


def ons_codes(lookup: pd.DataFrame) -> dict[str, str]:
    """Code of an authority by each ONS code that it has had."""
    pairs = zip(lookup["old_la_code"], lookup["new_la_code"] + " " + lookup["other_new_la_codes"], strict=True)
    return {ons: code for code, codes in pairs for ons in codes.replace(";", " ").split()}


def _deprivation(lookup: pd.DataFrame) -> pd.Series:
    """Average score of the Index of Multiple Deprivation 2019."""
    score = {year: pd.to_numeric(lookup[f"imd{year}_score"]) for year in (2015, 2019)}
    filled = score[2019].copy()
    for code, successor in MAIN_SUCCESSOR.items():
        filled[code] = round(score[2015][code] + score[2019][successor] - score[2015][successor], 3)
    return filled


def _children(official: Official) -> pd.Series:
    """Children aged 0 to 17 at the latest mid-year with a figure."""
    path = official / POPULATION
    table = local_authorities(
        read_table(path, ["time_period", "geographic_level", "old_la_code", "population_estimate"])
    )
    latest = table[table["population_estimate"] != "x"].sort_values("time_period").groupby("old_la_code").tail(1)
    figures = [entry.lower for entry in entries(latest["population_estimate"], EES_SYMBOLS, path)]
    children = pd.Series(figures, index=latest["old_la_code"].to_numpy())
    older = read_table(official / POPULATION_TO_2018, ["geog_c", "CLA_Pop2018"], encoding="cp1252").set_index("geog_c")
    return pd.concat([children, older.loc[list(MAIN_SUCCESSOR), "CLA_Pop2018"].str.replace(",", "").astype(float)])


def _weights(code: str, made_of: list[str], children: pd.Series, christchurch: float) -> str:
    """Shares of a successor's children by the predecessor they lived in.

    `christchurch` is the share of old Dorset's children who went to Bournemouth, Christchurch and Poole.
    """
    if made_of == [""]:
        return ""
    part = [children[old] * (christchurch if (old, code) == (SPLIT, RECEIVER) else 1.0) for old in made_of]
    return " ".join(f"{share / sum(part):.4f}" for share in part)


def _districts(official: Official) -> pd.DataFrame:
    """People in each district of 2011, and those in rural areas or hub towns."""
    path = official / RURAL
    table = read_table(path, ["LAD11NM", "RUC11"], encoding="cp1252").set_index("LAD11NM")
    rural, people = table.columns[-3], table.columns[-2]
    needed = [name for names in DISTRICTS.values() for name in names]
    return (
        table.loc[needed, [rural, people]]
        .set_axis(["rural", "people"], axis=1)
        .replace(",", "", regex=True)
        .astype(float)
    )


def _rural_urban(districts: pd.DataFrame, published: pd.Series) -> pd.Series:
    """Rural-urban class of 2011 in six; where none was published, from the districts by the same thresholds."""
    filled = published.copy()
    for code, names in DISTRICTS.items():
        total = districts.loc[list(names)].sum()
        share = total["rural"] / total["people"]
        filled[code] = next(name for least, name in RURAL_CLASSES if share >= least)
    return filled


def _neighbours(official: Official) -> pd.Series:
    """Ten statistical neighbours of each current authority (DfE model of 2025), closest first."""
    names = [f"SN_{place}" for place in range(1, 11)]
    table = read_table(official / NEIGHBOURS, ["old_la_code", *names]).set_index("old_la_code")
    return table[names].agg(" ".join, axis=1)
