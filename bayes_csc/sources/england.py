"""The embedded England panel, built from the official files."""

from __future__ import annotations

import importlib.resources
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_csc.cell_check import CELL
from bayes_csc.errors import DataError
from bayes_csc.geography import existence
from bayes_csc.indicators import parse_dictionary
from bayes_csc.panel import Panel
from bayes_csc.sources.cin import children_in_need
from bayes_csc.sources.cin_early import data_confidence, early_children_in_need
from bayes_csc.sources.cin_rates import activity
from bayes_csc.sources.cla import looked_after
from bayes_csc.sources.cla_health import health
from bayes_csc.sources.cla_leavers import care_leavers
from bayes_csc.sources.cla_placement import placements
from bayes_csc.sources.cla_scores import strengths_and_difficulties
from bayes_csc.sources.covariates import covariates
from bayes_csc.sources.csww import workforce
from bayes_csc.sources.earlier import earlier_vintages
from bayes_csc.sources.lait import interactive_tool
from bayes_csc.sources.ofsted import earlier_judgements, judgements
from bayes_csc.sources.ofsted_visits import providers, visits
from bayes_csc.sources.places import places
from bayes_csc.sources.provenance import england_readme
from bayes_csc.sources.publications import release_table
from bayes_csc.vintages import chained, current_and_earlier

OFFICIAL = "raw"
DESCRIPTION = "england.toml"
READERS = (
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


def england(raw: Path) -> Panel:
    """Build the England panel of 2010 to 2025.

    Parameters
    ----------
    raw
        Folder that holds the official files in `raw/` and the tables computed from them in `derived/`.

    Returns
    -------
    Panel
        Ready to write.

    Raises
    ------
    DataError
        A file is missing or is not what its release documents.
    """
    if not (raw / OFFICIAL).is_dir():
        raise DataError(f"{raw}: expected a folder with the official files in {OFFICIAL}/; give it with --raw")
    described = description()
    problems: list[str] = []
    head, indicators = parse_dictionary({key: described[key] for key in ("panel", "indicator")}, DESCRIPTION, problems)
    if problems:
        raise DataError(problems)
    authorities = places(raw)
    official = raw / OFFICIAL
    current = pd.concat(
        [read(official, indicators) for read in READERS],
        ignore_index=True,
    )
    current = current.merge(data_confidence(official), on=CELL, how="left", validate="one_to_one")
    earlier = earlier_vintages(official, indicators)
    both = pd.concat([current, earlier])
    releases = release_table(described["release"], both, head.get("licence", ""), where=DESCRIPTION)
    known = (rows.assign(released=rows["source"].map(releases["published"])) for rows in (current, earlier))
    cells, revisions = current_and_earlier(while_existing(chained(*known), authorities))
    inspections = judgements(raw, started_by=head["date"], published_by=head["published_by"])
    panel = Panel(
        **head,
        indicators=indicators,
        cells=cells,
        inspections=inspections,
        authorities=authorities,
        revisions=revisions,
        releases=releases,
        covariates=covariates(raw, described["deflator"]),
        earlier_inspections=earlier_judgements(raw),
        visits=visits(raw, authorities, started_by=head["date"], published_by=head["published_by"]),
        providers=providers(raw, authorities),
    )
    return replace(panel, readme=england_readme(panel, raw))


def description() -> dict[str, Any]:
    """The panel's dates, indicator dictionary and releases, as written in england.toml."""
    return tomllib.loads(importlib.resources.files("bayes_csc.sources").joinpath(DESCRIPTION).read_text("utf-8"))


def while_existing(cells: pd.DataFrame, authorities: pd.DataFrame) -> pd.DataFrame:
    """Leave out cells about a period in which an authority did not exist.

    Releases give a row to every authority of their window in each of its years. A cell stays where the authority
    existed on some day of its reference period.
    """
    lifetime = existence(cells["authority"], authorities)
    alive = ~(cells["reference_end"] < lifetime["begun"]) & ~(cells["reference_start"] > lifetime["ended"])
    return cells[alive].reset_index(drop=True)
