"""The embedded England panel, built from the official files."""

from __future__ import annotations

import importlib.resources
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_csc.errors import DataError
from bayes_csc.geography import existence
from bayes_csc.indicators import parse_dictionary
from bayes_csc.panel import Panel
from bayes_csc.sources.cin import children_in_need
from bayes_csc.sources.cin_early import early_children_in_need
from bayes_csc.sources.cin_rates import activity
from bayes_csc.sources.cla import looked_after
from bayes_csc.sources.csww import workforce
from bayes_csc.sources.lait import interactive_tool
from bayes_csc.sources.ofsted import judgements
from bayes_csc.sources.places import places
from bayes_csc.sources.provenance import england_readme

OFFICIAL = "raw"
DESCRIPTION = "england.toml"


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
    cells = pd.concat(
        [
            children_in_need(official, indicators),
            early_children_in_need(official, indicators),
            activity(official, indicators),
            workforce(official, indicators),
            looked_after(official, indicators),
            interactive_tool(official, indicators),
        ],
        ignore_index=True,
    )
    inspections = judgements(raw, started_by=head["date"], published_by=head["published_by"])
    panel = Panel(
        **head,
        indicators=indicators,
        cells=while_existing(cells, authorities),
        inspections=inspections,
        authorities=authorities,
    )
    return replace(panel, readme=england_readme(panel, described["release"], raw))


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
