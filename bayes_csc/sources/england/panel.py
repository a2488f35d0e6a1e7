"""The embedded England panel, built from the official files."""

from __future__ import annotations

import datetime
import importlib.resources
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_csc.errors import DataError, UsageError
from bayes_csc.files.toml_text import parse_toml
from bayes_csc.panel.cell_checks import CELL
from bayes_csc.panel.geography import existence
from bayes_csc.panel.indicators import Indicator, parse_dictionary
from bayes_csc.panel.panel import Panel
from bayes_csc.panel.vintages import chained, current_and_earlier
from bayes_csc.sources.children_in_need.cin import children_in_need
from bayes_csc.sources.children_in_need.cin_early import data_confidence, early_children_in_need
from bayes_csc.sources.children_in_need.cin_rates import activity
from bayes_csc.sources.download.catalogue import Catalogue, read_catalogue
from bayes_csc.sources.download.official import RAW, Official
from bayes_csc.sources.download.publications import release_table, releases_of
from bayes_csc.sources.england.provenance import england_readme
from bayes_csc.sources.looked_after.cla import looked_after
from bayes_csc.sources.looked_after.cla_health import health
from bayes_csc.sources.looked_after.cla_leavers import care_leavers
from bayes_csc.sources.looked_after.cla_placement import placements
from bayes_csc.sources.looked_after.cla_scores import strengths_and_difficulties
from bayes_csc.sources.looked_after.lait import interactive_tool
from bayes_csc.sources.ofsted.outcomes import earlier_judgements, judgements
from bayes_csc.sources.ofsted.report_cards import judgements_to
from bayes_csc.sources.ofsted.visits import providers, visits
from bayes_csc.sources.places.authorities import places
from bayes_csc.sources.places.covariates import covariates
from bayes_csc.sources.readers.earlier import earlier_vintages
from bayes_csc.sources.workforce.csww import workforce

DESCRIPTION = "england.toml"
Reader = Callable[[Official, Mapping[str, Indicator]], pd.DataFrame]
READERS: tuple[Reader, ...] = (
    children_in_need,
    early_children_in_need,
    activity,
    workforce,
    looked_after,
    placements,
    health,
    strengths_and_difficulties,
    care_leavers,
    interactive_tool,
)


def england(
    folder: Path,
    catalogue: Catalogue | None = None,
    *,
    year: int | None = None,
    date: datetime.date | None = None,
    as_of: datetime.date | None = None,
) -> Panel:
    """Build the England panel, from 2010 on.

    Parameters
    ----------
    folder
        Holds the official files in `raw/` and the tables computed from them in `derived/`.
    catalogue
        What the files are called and which release each is of; that of the toolkit unless another is given.
    year
        The panel is about 31 March of this year: Ofsted's outcomes as at that day, published in the three months after
        it, and figures to that year; that of `england.toml` unless another is given.
    date
        The panel is about this day: inspections that started and were published by then, of Ofsted's outcomes and,
        where these end before it, of its reports (`ofsted_reports`); figures as they are at hand.
    as_of
        A day: the panel is then as it was known on it (`Panel.as_of`), figures too.

    Returns
    -------
    Panel
        Ready to write.

    Raises
    ------
    DataError
        A file is missing or is not what its release documents.
    UsageError
        A year before that of `england.toml`, or a year and a date.
    """
    if not (folder / RAW).is_dir():
        raise DataError(f"{folder}: expected a folder with the official files in {RAW}/; give it with --raw")
    official = Official(folder, catalogue or read_catalogue())
    described = description()
    problems: list[str] = []
    head, indicators = parse_dictionary({key: described[key] for key in ("panel", "indicator")}, DESCRIPTION, problems)
    if problems:
        raise DataError(problems)
    if year is not None and date is not None:
        raise UsageError(f"--year {year} and --date {date} both say what day the panel is about; give one of them")
    head = head if year is None else {**head, **about_year(year, head)}
    head = head if date is None else {**head, **about_day(date, head)}
    dates = {"started_by": head["date"], "published_by": head["published_by"]}
    authorities = places(official)
    known_by = min(head["published_by"], as_of or head["published_by"])
    reports = judgements_to(official, authorities, started_by=head["date"], published_by=known_by)
    current, earlier = figures(official, indicators)
    characteristics = covariates(official, described["deflator"])
    visited = visits(official, authorities, **dates)
    provided = providers(official, authorities)
    used = pd.concat([table["source"] for table in (current, earlier, characteristics, visited, provided)])
    used = used if reports is None else pd.concat([used, pd.Series(reports.sources, dtype=str)])
    releases = release_table(
        releases_of(described["release"], official.catalogue, used),
        pd.concat([current, earlier]),
        head.get("licence", ""),
        where=DESCRIPTION,
    )
    known = (rows.assign(released=rows["source"].map(releases["published"])) for rows in (current, earlier))
    cells, revisions = current_and_earlier(while_existing(chained(*known), authorities))
    panel = Panel(
        **head,
        indicators=indicators,
        cells=cells,
        inspections=judgements(official, authorities, **dates) if reports is None else reports.inspections,
        authorities=authorities,
        revisions=revisions,
        releases=releases,
        covariates=characteristics,
        earlier_inspections=earlier_judgements(official, authorities),
        visits=visited,
        providers=provided,
    )
    panel = panel if as_of is None else panel.as_of(as_of)
    return replace(panel, readme=england_readme(panel, official, reports))


def about_year(year: int, head: Mapping[str, Any]) -> dict[str, Any]:
    """What a panel about 31 March of a year has in place of the described dates and window.

    Ofsted's outcomes are as at that day, and published by the end of June.

    Raises
    ------
    UsageError
        A year before the described one.
    """
    day = datetime.date(year, 3, 31)
    return {**about_day(day, head, option="--year"), "published_by": datetime.date(year, 6, 30)}


def about_day(day: datetime.date, head: Mapping[str, Any], option: str = "--date") -> dict[str, Any]:
    """What a panel about another day has in place of the described dates and window.

    Raises
    ------
    UsageError
        A day in a year before the described one.
    """
    later = day.year - head["date"].year
    if later < 0:
        raise UsageError(
            f"{option}: expected {head['date'].year} or later, found {day.year}; for what was known on an earlier day, "
            "--as-of"
        )
    first, last = head["window"]
    return {"date": day, "published_by": day, "window": (first, last + later)}


def figures(official: Official, indicators: Mapping[str, Indicator]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the figures of every release.

    A year that the newest edition of a release no longer has comes from the edition before it, and so on.

    Parameters
    ----------
    official
        The official files.
    indicators
        The dictionary.

    Returns
    -------
    tuple of pandas.DataFrame
        Cells of a panel as the newest release of each has them, with the confidence in their data, and as the releases
        before have them.
    """
    parts = [_every_edition(read, official, indicators) for read in READERS]
    current = pd.concat([now for now, _ in parts], ignore_index=True)
    before = [earlier_vintages(official, indicators), *(older for _, older in parts if not older.empty)]
    confident = current.merge(data_confidence(official), on=CELL, how="left", validate="one_to_one")
    return confident, pd.concat(before, ignore_index=True)


def _every_edition(
    read: Reader, official: Official, indicators: Mapping[str, Indicator]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a reader reads, and the same cells in earlier editions; a cell that only those have is among the former."""
    current = read(official, indicators)
    earlier = current.iloc[:0]
    for before, releases in official.before(set(current["source"])):
        rows = read(before, indicators)
        rows = rows[rows["source"].isin(releases)]
        gone = ~pd.MultiIndex.from_frame(rows[CELL]).isin(pd.MultiIndex.from_frame(current[CELL]))
        current = pd.concat([current, rows[gone]], ignore_index=True)
        earlier = pd.concat([earlier, rows[~gone]], ignore_index=True)
    return current, earlier


def description() -> dict[str, Any]:
    """The panel's dates, indicator dictionary and releases, as written in england.toml."""
    content = importlib.resources.files("bayes_csc.sources.england").joinpath(DESCRIPTION).read_bytes()
    problems: list[str] = []
    values = parse_toml(content, DESCRIPTION, problems)
    if values is None:
        raise DataError(problems)
    return values


def while_existing(cells: pd.DataFrame, authorities: pd.DataFrame) -> pd.DataFrame:
    """Leave out cells about a period in which an authority did not exist.

    Releases give a row to every authority of their window in each of its years. A cell stays where the authority
    existed on some day of its reference period.
    """
    lifetime = existence(cells["authority"], authorities)
    alive = ~(cells["reference_end"] < lifetime["begun"]) & ~(cells["reference_start"] > lifetime["ended"])
    return cells[alive].reset_index(drop=True)
