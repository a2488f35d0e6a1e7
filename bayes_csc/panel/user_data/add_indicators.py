"""A user's own indicators as rows of a panel: checked against its authorities and years, never fused with its own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.files.csv_toml import CELL_COLUMNS
from bayes_csc.files.decoding import read_bytes
from bayes_csc.files.row_checks import TableCheck, quoted
from bayes_csc.panel.calendar import publication_date
from bayes_csc.panel.cell_checks import check_authorities, names_of, sorted_return
from bayes_csc.panel.exact_copies import exact_copies
from bayes_csc.panel.geography import each
from bayes_csc.panel.panel import Panel
from bayes_csc.panel.user_data.figures import own_figures, shorthand
from bayes_csc.panel.user_data.figures_description import Description, OwnIndicator, read_description
from bayes_csc.panel.user_data.guess_text import date_advice, parse_date
from bayes_csc.panel.user_data.guess_year import YEAR, published_year, year_advice
from bayes_csc.panel.user_data.places import authority_of, codes_by_name, fits, place_advice
from bayes_csc.panel.user_data.sheet import read_sheet

REACH = 10
"""Years before the panel's first and after its last within which a figure is believed to be meant."""
PERIODS = "time_identifier"
"""Column by which the department's published files are known: what their periods are."""
README_HEAD = "## Own indicators"


@dataclass(frozen=True)
class OwnData:
    """A user's file, checked.

    Parameters
    ----------
    file
        Its path.
    description
        What it says of itself.
    cells
        Its figures as rows of a panel.
    """

    file: Path
    description: Description
    cells: pd.DataFrame


def read_own(described: Path, panel: Panel, *, file: Path | None = None) -> OwnData:
    """Read a user's file of own indicators.

    Parameters
    ----------
    described
        The TOML file that describes it.
    panel
        The panel whose authorities and years it is checked against.
    file
        The CSV or Excel file; where it is not given, the description names one in its own folder.

    Raises
    ------
    DataError
        Every problem of the description and of the file; of the file's figures only those that the description
        explains.
    """
    problems: list[str] = []
    description = read_description(described, problems)
    if description is None:
        raise DataError([*problems, *(form_problems(file) if file else [])])
    path = file or description.file
    if path is None:
        raise DataError(f'{described.name}: names no file; add file = "NAME.csv", or give the file on the command line')
    problems += _clashes(described.name, description, panel)
    table = read_sheet(path, description.needed, problems, sheet=description.sheet)
    if table is None or table.empty:
        raise DataError(problems)
    rows = [
        _own_cells(table, own, description, panel, path.name, problems)
        for own in description.indicators
        if {*own.columns.values(), *own.rows} <= set(table.columns)
    ]
    if problems:
        raise DataError(problems)
    cells = pd.concat(rows, ignore_index=True).astype({name: panel.cells[name].dtype for name in CELL_COLUMNS})
    if problems := exact_copies(pd.concat([panel.cells, cells], ignore_index=True)):
        raise DataError([f"{path.name}: {problem}" for problem in problems])
    return OwnData(file=path, description=description, cells=cells)


def form_problems(file: Path) -> list[str]:
    """What keeps a file from being a table, whatever its columns mean."""
    problems: list[str] = []
    read_sheet(file, (), problems)
    return problems


def with_own(panel: Panel, own: OwnData, *, name: str | None = None) -> Panel:
    """Add a user's indicators to a panel: each a named indicator beside the panel's, none changed or merged.

    Parameters
    ----------
    panel
        The panel that `own` was read against.
    own
        The checked file.
    name
        Name of the new panel.
    """
    described = own.description
    added = {one.indicator.key: replace(one.indicator, release=described.source) for one in described.indicators}
    if twice := sorted(set(added) & set(panel.indicators)):
        raise DataError([_taken(own.file.name, key) for key in twice])
    licence = "; ".join(filter(None, [panel.licence, f"{described.source}: {described.licence}"]))
    return replace(
        panel,
        name=name or f"{panel.name} with own indicators",
        indicators={**panel.indicators, **added},
        cells=pd.concat([panel.cells, own.cells], ignore_index=True),
        licence=licence,
        readme=_readme(panel, own),
        **_releases(panel, own),
    )


def _releases(panel: Panel, own: OwnData) -> dict[str, Any]:
    """The table of releases with the file's own, where the panel has such a table."""
    table: pd.DataFrame | None = getattr(panel, "releases", None)
    if table is None:
        return {}
    texts: dict[str, Any] = {"title": own.file.name, "licence": own.description.licence, "published": pd.NaT}
    row = pd.DataFrame({name: [texts.get(str(name), "")] for name in table}, index=[own.description.source])
    return {"releases": pd.concat([table, row]).rename_axis(str(table.index.name))}


def _readme(panel: Panel, own: OwnData) -> str:
    content = read_bytes(own.file, [])
    digest = hashlib.sha256(content).hexdigest() if content is not None else "not known"
    head = "" if README_HEAD in panel.readme else f"\n{README_HEAD}\n"
    keys = ", ".join(f"`{one.indicator.key}`" for one in own.description.indicators)
    added = f"From the file of release `{own.description.source}` (SHA-256 `{digest}`): {keys}."
    return f"{(panel.readme or f'# {panel.name}').rstrip()}\n{head}\n{added}\n"


def _taken(where: str, key: str) -> str:
    return (
        f"{where}: [indicator.{key}]: the panel has an indicator of that key; give yours another: "
        "own figures are never fused with the panel's"
    )


def _clashes(where: str, description: Description, panel: Panel) -> list[str]:
    problems = []
    domains = {indicator.domain.casefold(): indicator.domain for indicator in panel.indicators.values()}
    for own in description.indicators:
        key, domain = own.indicator.key, own.indicator.domain
        if key in panel.indicators:
            problems.append(_taken(where, key))
        if domains.setdefault(domain.casefold(), domain) != domain:
            problems.append(
                f"{where}: [indicator.{key}]: domain {domain!r} differs from {domains[domain.casefold()]!r} only in "
                "capitals; write it the same, or name another"
            )
    if description.source in set(panel.cells["source"]):
        problems.append(f"{where}: source {description.source!r} is a release of the panel; give yours another name")
    return problems


def _own_cells(
    table: pd.DataFrame, own: OwnIndicator, description: Description, panel: Panel, file: str, problems: list[str]
) -> pd.DataFrame:
    """Cells of one indicator; every breach of its rows becomes a problem."""
    chosen = table
    for column, text in own.rows.items():
        chosen = chosen[chosen[column] == text]
        if chosen.empty and not table.empty:
            found = ", ".join(map(repr, sorted(set(table[column]))[:10]))
            problems.append(f"{file}: no row has {text!r} in column {column!r} for {own.indicator.key}; found {found}")
            return pd.DataFrame(columns=list(CELL_COLUMNS))
    roles = pd.DataFrame({role: chosen[column] for role, column in own.columns.items()}, index=chosen.index)
    if "year" not in roles:
        roles["year"] = roles["reference_end"].str[:4]
    if PERIODS in table:
        roles["year"] = [published_year(y, kind) for y, kind in zip(roles["year"], chosen[PERIODS], strict=True)]
    names = codes_by_name(panel)
    beside = roles["name"] if "name" in roles else pd.Series("", index=roles.index)
    meant = [authority_of(text, name, panel, names) for text, name in zip(roles["authority"], beside, strict=True)]
    roles = roles.assign(authority=list(map(sorted_return, meant)), indicator=own.indicator.key)
    own = replace(own, assumed=shorthand(share=own.indicator.distribution.share, published=PERIODS in table))
    check = TableCheck(
        file,
        roles,
        "authority {r.authority}, year {r.year}, indicator {r.indicator}",
        names=names_of(panel.authorities),
    )
    cells = pd.concat([roles[["authority", "indicator"]], own_figures(check, own)], axis=1)
    cells = cells.join(_periods(check, own, description, panel))
    _check_places(check, own, cells, panel)
    problems += check.problems()
    return cells.assign(source=description.source)[list(CELL_COLUMNS)]


def _periods(check: TableCheck, own: OwnIndicator, description: Description, panel: Panel) -> pd.DataFrame:
    """Year, reference period and publication date of each row."""
    texts = check.table
    dates = {
        role: _dates(check, role, own.columns[role], description.date_format)
        for role in ("reference_start", "reference_end", "publication_date")
        if role in own.columns
    }
    valid = texts["year"].str.fullmatch(YEAR.pattern)
    advice = texts["year"].map(year_advice)
    if "year" in own.columns:
        check.note(
            ~valid, f"year (column {quoted(own.columns['year'])}): found {{r.year!r}}; {{advice}}", advice=advice
        )
    number = pd.to_numeric(texts["year"].where(valid), errors="coerce")
    if "reference_end" in dates:
        end = dates["reference_end"]
        start = dates.get("reference_start", end)
        number = number.where(valid, end.dt.year) if "year" in own.columns else end.dt.year
        check.note(
            (number - end.dt.year).abs() > 1,
            "year {r.year} is not that of its reference_end {r.reference_end}; mend one",
        )
    else:
        month, day = own.on_day or own.year_ends or (1, 1)
        end = pd.to_datetime(pd.DataFrame({"year": number, "month": month, "day": day}), errors="coerce")
        start = end if own.on_day else end - pd.DateOffset(years=1) + pd.Timedelta(days=1)
    if "reference_start" in dates:
        check.note(
            start > end, "reference_start {r.reference_start} is after reference_end {r.reference_end}; mend one"
        )
    known = panel.cells["year"] if len(panel.cells) else pd.Series([panel.date.year])
    first, last = int(known.min()), int(known.max())
    check.note(
        (number < first - REACH) | (number > last + REACH),
        f"year {{r.year}} is more than {REACH} years from the panel's, {first} to {last}; mend it",
    )
    nominal = _nominal(end, own.indicator.publication_month)
    published = dates["publication_date"].fillna(nominal) if "publication_date" in dates else nominal
    check.note(
        end > published, "published on {published:%Y-%m-%d}, before the end of its period, {end:%Y-%m-%d}; mend one",
        published=published, end=end,
    )  # fmt: skip
    periods = {"reference_start": start, "reference_end": end, "publication_date": published}
    return pd.DataFrame({"year": number.fillna(0).astype(int), **periods})


def _nominal(end: pd.Series, month: int) -> pd.Series:
    known = end.dropna()
    if known.empty:
        return end
    return publication_date(known, month).reindex(end.index)


def _dates(check: TableCheck, role: str, column: str, date_format: str | None) -> pd.Series:
    texts = check.table[role]
    parsed = [parse_date(text, date_format) for text in texts]
    days = pd.Series(pd.to_datetime(pd.Series(parsed, dtype=object), errors="coerce").to_numpy(), index=texts.index)
    named = quoted(column)
    blank = texts.eq("")
    if role != "publication_date":
        check.note(blank, f"{role} (column {named}) is blank")
    advice = texts.map(date_advice)
    check.note(
        days.isna() & ~blank,
        f"{role} (column {named}): expected a date such as 2025-03-31, found {{r.{role}!r}}; {{advice}}",
        advice=advice,
    )
    return days


def _check_places(check: TableCheck, own: OwnIndicator, cells: pd.DataFrame, panel: Panel) -> None:
    authorities, texts = panel.authorities, check.table["authority"]
    check.note(texts.eq(""), "authority is blank")
    names = codes_by_name(panel)
    advice = each(texts, lambda text: place_advice(text, names, panel))
    check_authorities(
        check, cells, authorities, unknown=f"unknown authority of panel {quoted(panel.name)}; {{advice}}", advice=advice
    )
    cell = ["authority", "year", "indicator"]
    first = cells.groupby(cell)["authority"].transform(lambda group: group.index[0])
    check.note(
        cells.duplicated(cell) & cells["year"].gt(0),
        "a second row for the same authority and year, after row {first}; keep one",
        first=first,
    )
    if "name" in own.columns:
        known = texts.map(authorities["name"])
        pairs = zip(check.table["name"], texts, strict=True)
        differs = pd.Series([not fits(name, code, authorities) for name, code in pairs], index=texts.index, dtype=bool)
        check.note(
            differs & check.table["name"].ne(""),
            "the code is that of {known!r}, but the name is {r.name!r}; write the code and the name of one authority",
            known=known,
        )
