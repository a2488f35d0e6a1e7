"""Counts of children looked after (SSDA903): where they stand in long and wide files, and reading them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.panel.indicators import Indicator
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.readers.cells import summed_cells, year_to_march
from bayes_csc.sources.readers.tables import (
    EES_SYMBOLS,
    SFR_SYMBOLS,
    SMALL_COUNT,
    Entry,
    entries,
    local_authorities,
    read_table,
)

# The release of 2019 is the last in this form, and the first to write suppressed counts as those after it do.
WIDE_SYMBOLS = {**SFR_SYMBOLS, "c": SMALL_COUNT}
# Codes from here on are regions where a file has no column that tells them from authorities.
REGIONS_FROM = "970"


@dataclass(frozen=True)
class LongCount:
    """Where an indicator stands in a long file: one row per group and category, one column of counts.

    Parameters
    ----------
    indicator, file, years
        Key, id in the catalogue, and the years that are read from it.
    group
        Column that names the group, and the group.
    category, count
        Column that names what is counted, and the column of its count.
    numerator, denominator, others, secondary
        Categories; see `bayes_csc.sources.readers.cells.cell`. Other parts of the denominator exhaust it.
    also
        A second column and value that choose rows, where one is needed.
    within
        Categories that are parts of the numerator.
    times
        Units of exposure for each of the denominator's.
    first_published
        Day of the first publication of the years that were public in their indicator's usual month by then, but not
        at hand; a later year has its own.
    """

    indicator: str
    file: str
    years: range
    group: tuple[str, str]
    category: str
    count: str
    numerator: tuple[str, ...]
    denominator: str
    others: tuple[str, ...] = ()
    secondary: str = "numerator"
    also: tuple[str, str] | None = None
    within: tuple[str, ...] = ()
    times: int = 1
    first_published: str = ""


@dataclass(frozen=True)
class WideCount:
    """Where an indicator stands in a wide file of one year: one row per authority, one column per category.

    Parameters
    ----------
    indicator, file, year
        Key, id in the catalogue, and the year.
    numerator, denominator, others, exhaustive, secondary
        Columns; see `bayes_csc.sources.readers.cells.cell`.
    denominator_file
        Id of the file of the denominator, where it is another one.
    within
        Columns that are parts of the numerator.
    code
        Column of the authority's three-digit code.
    encoding
        Encoding of the file.
    times
        Units of exposure for each of the denominator's.
    """

    indicator: str
    file: str
    year: int
    numerator: tuple[str, ...]
    denominator: str
    others: tuple[str, ...] = ()
    exhaustive: bool = True
    secondary: str = "either"
    denominator_file: str = ""
    within: tuple[str, ...] = ()
    code: str = "geog_c"
    encoding: str = "cp1252"
    times: int = 1


Place = LongCount | WideCount


def columns(names: str, prefix: str = "", suffix: str = "") -> tuple[str, ...]:
    """Column names from their distinct parts, separated by blanks.

    Examples
    --------
    >>> columns("HE OE", "Act_", "19")
    ('Act_HE19', 'Act_OE19')
    """
    return tuple(f"{prefix}{name}{suffix}" for name in names.split())


def count_cells(official: Official, indicators: Mapping[str, Indicator], places: Sequence[Place]) -> pd.DataFrame:
    """Read the counts of these places.

    Parameters
    ----------
    official
        The official files.
    indicators
        The dictionary.
    places
        Where the counts stand.

    Returns
    -------
    pandas.DataFrame
        Cells of a panel; see `looked_after` about authorities that did not exist.

    Raises
    ------
    DataError
        A file is missing or is not what its release documents.
    """
    return pd.concat([_panel_rows(official, place, indicators[place.indicator]) for place in places])


def published(official: Official, place: Place) -> tuple[pd.DataFrame, dict[str, list[Entry]]]:
    """Read what is published at a place.

    Parameters
    ----------
    official
        The official files.
    place
        Where an indicator's parts stand.

    Returns
    -------
    tuple
        Authority and year, one row per figure, and the entries of each category or column in the same order.

    Raises
    ------
    DataError
        The file is missing or is not what its release documents.
    """
    return _long(official / place.file, place) if isinstance(place, LongCount) else _wide(official, place)


def _long(path: Path, place: LongCount) -> tuple[pd.DataFrame, dict[str, list[Entry]]]:
    chosen = [place.group] if place.also is None else [place.group, place.also]
    needed = ["time_period", "old_la_code", "geographic_level", *dict(chosen), place.category, place.count]
    table = local_authorities(read_table(path, needed))
    for column, value in chosen:
        table = table[table[column] == value]
    table = table[table["time_period"].isin(list(map(str, place.years)))]
    names = (*place.numerator, place.denominator, *place.others, *place.within)
    table = table[table[place.category].isin(names)]
    found = pd.Series(entries(table[place.count], EES_SYMBOLS, path), index=table.index, dtype=object)
    table = table.assign(entry=found)
    by = ["old_la_code", "time_period", place.category]
    twice = table.duplicated(by)
    parts = table[~twice].set_index(by)["entry"].unstack()
    if twice.any() or list(parts) != sorted(names) or parts.isna().any(axis=None):
        what = ", ".join(value for _, value in chosen)
        raise DataError(f"{path}: expected one row per authority and year for each of {', '.join(names)} ({what})")
    keys = parts.index.to_frame(index=False).set_axis(["authority", "year"], axis=1).astype({"year": int})
    return keys, {name: parts[name].tolist() for name in names}


def _wide(official: Official, place: WideCount) -> tuple[pd.DataFrame, dict[str, list[Entry]]]:
    names = [*place.numerator, place.denominator, *place.others, *place.within]
    own = names if not place.denominator_file else [name for name in names if name != place.denominator]
    table = _authority_rows(official / place.file, place, own)
    if place.denominator_file:
        other = _authority_rows(official / place.denominator_file, place, [place.denominator])
        table[place.denominator] = table[place.code].map(other.set_index(place.code)[place.denominator])
        lacking = ", ".join(table.loc[table[place.denominator].isna(), place.code])
        if lacking:
            raise DataError(
                f"{official / place.denominator_file}: no row for {lacking}, found in {(official / place.file).name}; "
                "expected the files of one release"
            )
    # Isles of Scilly, with nobody to count, has a row that breaks off in the file of those aged 17 and 18 of 2017.
    nobody = table[place.denominator] == "0"
    table.loc[nobody, names] = table.loc[nobody, names].replace("", ".")
    keys = pd.DataFrame({"authority": table[place.code].to_numpy(), "year": place.year})
    where = {place.denominator: official / (place.denominator_file or place.file)}
    return keys, {name: entries(table[name], WIDE_SYMBOLS, where.get(name, official / place.file)) for name in names}


def _authority_rows(path: Path, place: WideCount, names: list[str]) -> pd.DataFrame:
    """Columns of a wide file by authority, without its rows about regions, England and nothing."""
    code = place.code
    table = read_table(path, [code, *names], encoding=place.encoding)
    if "geog_l" in table:
        table = table[table["geog_l"] == "LA"]
    else:
        table = table[table[code].str.fullmatch(r"[2-9]\d\d") & (table[code] < REGIONS_FROM)]
    twice = ", ".join(table.loc[table[code].duplicated(), code].unique())
    if twice or table.empty:
        raise DataError(
            f"{path}: expected one row per local authority; found {f'more for {twice}' if twice else 'none'}; take the "
            "file as it was published"
        )
    return table[[code, *names]].copy()


def _panel_rows(official: Official, place: Place, indicator: Indicator) -> pd.DataFrame:
    keys, found = published(official, place)
    exhaustive = bool(place.others) if isinstance(place, LongCount) else place.exhaustive
    numerator = [found[name] for name in place.numerator]
    if place.within:
        numerator = [at_least(numerator[0], [found[name] for name in place.within])]
    exposure = [
        Entry(part.status, part.lower * place.times, part.upper * place.times) for part in found[place.denominator]
    ]
    rows = summed_cells(
        indicator, official.source(place.file), keys.join(year_to_march(keys["year"])), numerator, exposure,
        [found[name] for name in place.others], exhaustive=exhaustive, secondary=place.secondary,
    )  # fmt: skip
    if isinstance(place, LongCount) and place.first_published:
        first, usual = pd.Timestamp(place.first_published), rows["publication_date"]
        rows["publication_date"] = usual.where(usual >= first, first)
    return rows


def at_least(counts: Sequence[Entry], parts: Sequence[Sequence[Entry]]) -> list[Entry]:
    """Lift the limit of 5 from a suppressed count whose parts come to more: it was hidden to protect one of them.

    Parameters
    ----------
    counts
        The counts.
    parts
        Columns of parts of them, an entry for each count.

    Returns
    -------
    list of Entry
        The counts; one that was lifted lies between the sum of its parts and infinity.
    """
    return [
        Entry("suppressed", floor, float("inf")) if count.status == "suppressed" and floor > count.upper else count
        for count, floor in (
            (count, sum(part[i].lower for part in parts if part[i].status in ("observed", "suppressed")))
            for i, count in enumerate(counts)
        )
    ]
