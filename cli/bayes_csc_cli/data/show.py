"""`bayescsc data show`: all that a panel holds of one authority, beside the nation."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_csc_cli.text_table import terminal_width, text_table

if TYPE_CHECKING:
    import pandas as pd

    from bayes_csc.panel.describe.authority_record import AuthorityRecord
    from bayes_csc.panel.describe.display_unit import DisplayUnit
    from bayes_csc.panel.indicators import Indicator

SYMBOLS = {"not_available": "x", "not_applicable": "z", "no_row": "."}
JOINT = "+"


def show(
    authority: Annotated[str, typer.Argument(help="Code, name, or a part of a name that only one authority has.")],
    panel: Annotated[Path | None, typer.Option("--panel", help="Panel folder; England by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for pipelines.")] = False,
    indicator: Annotated[
        list[str] | None, typer.Option("--indicator", help="Key of an indicator (repeatable); all by default.")
    ] = None,
) -> None:
    """Print what a panel holds of one authority: figures, inspections, neighbours, predecessors, gaps and breaks."""
    import json

    from bayes_csc.files.embedded_data import data_dir
    from bayes_csc.panel.describe.authority_json import authority_json
    from bayes_csc.panel.describe.authority_record import authority_record, find_authority
    from bayes_csc.panel.describe.display_unit import display_units
    from bayes_csc.panel.panel import Panel

    data = Panel.read(panel or data_dir())
    record = authority_record(data, find_authority(data.authorities, authority))
    record = replace(record, indicators=chosen(record.indicators, indicator or []))
    if as_json:
        typer.echo(json.dumps(authority_json(record), ensure_ascii=False, allow_nan=False, indent=1))
    else:
        typer.echo(record_text(record, display_units(data.indicators, data.cells), terminal_width()))


def chosen(indicators: dict[str, Indicator], wanted: Sequence[str]) -> dict[str, Indicator]:
    """The indicators with the keys that are wanted, in the dictionary's order; all where none is.

    Parameters
    ----------
    indicators
        Of the panel, by key.
    wanted
        Keys.

    Raises
    ------
    UsageError
        A key that the panel has not.
    """
    from bayes_csc.errors import UsageError

    problems = []
    for key in dict.fromkeys(wanted):
        if key not in indicators:
            near = difflib.get_close_matches(key, list(indicators), 3)
            hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(indicators)}"
            problems.append(f"--indicator {key}: the panel has no such indicator; {hint}")
    if problems:
        raise UsageError("\n".join(problems))
    return {key: each for key, each in indicators.items() if not wanted or key in wanted}


def record_text(record: AuthorityRecord, units: dict[str, DisplayUnit], width: int) -> str:
    """Lay an authority's record out as text."""
    parts = [_facts(record, width), _inspections(record)]
    legend = (
        f"n: denominator. a-b in the first line: a suppressed count, in that range; {SYMBOLS['not_available']} not "
        f"available, {SYMBOLS['not_applicable']} not applicable, {SYMBOLS['no_row']} no row; {JOINT} joint return. "
        f"{record.panel['name']}: sums over authorities, or means; a-b where suppressed counts leave it."
    )
    parts.append("\n".join(["Figures", *_wrapped(legend, width)]))
    for key in record.indicators:
        cells = record.cells[record.cells["indicator"] == key]
        if len(cells):
            parts.append(_figures(record, key, cells, units[key], width))
    return "\n\n".join([*parts, _gaps(record, units, width)])


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width - 2, initial_indent="  ", subsequent_indent="    ")


def _facts(record: AuthorityRecord, width: int) -> str:
    from bayes_csc.panel.describe.panel_description import records

    facts, kin = record.facts, record.kin
    which = record.panel
    lines = [
        f"{facts['name']} ({record.code}), {facts['region']}",
        f"  {which['name']} {which['date']}, published by {which['published_by']}, panel {which['hash'][:12]}",
    ]
    known = {
        "existed from": facts["valid_from"], "to": facts["valid_to"], "deprivation": facts["deprivation"],
        "children aged 0 to 17": facts["population"],
    }  # fmt: skip
    texts = [f"{name} {_plain(value)}" for name, value in known.items() if value == value]
    lines += [f"  {', '.join(filter(None, [*texts, facts['rural_urban']]))}"]
    for relation in ("predecessor", "successor", "neighbour"):
        rows = kin[kin["relation"] == relation]
        ties = zip(rows["name"], rows["code"], rows["weight"], strict=True)
        names = [f"{name} ({code}{_weight(weight)})" for name, code, weight in ties]
        if names:
            lines += _wrapped(f"{relation}s: {', '.join(names)}", width)
    for row in records(record.joint_returns):
        what = f"joint return {row.authority} ({row.names}), {row.first_year} to {row.last_year}: "
        lines += _wrapped(what + ", ".join(row.indicators), width)
    return "\n".join(lines)


def _plain(value: object) -> str:
    return (
        f"{value:%Y-%m-%d}" if hasattr(value, "strftime") else f"{value:g}" if isinstance(value, float) else str(value)
    )


def _weight(weight: float) -> str:
    return "" if weight != weight else f", {weight:.0%} of the children"


def _inspections(record: AuthorityRecord) -> str:
    lines = ["Inspections"]
    keys = ["publication_date", "framework", "start_date", "type"]
    for (published, _, started, kind), rows in record.inspections.groupby(keys, sort=False, dropna=False):
        begun = f"started {started:%Y-%m-%d}" if started == started else "start not known"
        grades = dict(zip(rows["domain"], rows["label"], strict=True))
        overall = grades.pop("overall", "no overall grade")
        rest = ", ".join(f"{domain.replace('_', ' ')} {label}" for domain, label in grades.items())
        lines.append(f"  {kind}, {begun}, published {published:%Y-%m-%d}: {overall.upper()}")
        lines += [f"    {rest}"] if rest else []
    return "\n".join(lines if len(lines) > 1 else ["Inspections: none"])


def _figures(record: AuthorityRecord, key: str, cells: pd.DataFrame, unit: DisplayUnit, width: int) -> str:
    indicator = record.indicators[key]
    rows = {int(row["year"]): row for _, row in cells.iterrows()}
    absent = {
        int(year): SYMBOLS[status]
        for year, status in zip(
            *(record.gaps.loc[record.gaps["indicator"] == key, name] for name in ("year", "status")), strict=True
        )
    }
    years = range(min({**rows, **absent}), max({**rows, **absent}) + 1)
    lines = {
        "value": [_value(rows[y], unit) if y in rows else absent.get(y, ".") for y in years],
        "n": [_count(rows[y]["denominator"]) if y in rows else "" for y in years],
        record.panel["name"]: [
            unit.range_text(rows[y]["national_lower"], rows[y]["national_upper"]) if y in rows else "" for y in years
        ],
    }
    table = text_table(
        [f"  {key}", *map(str, years)], [[f"  {name}", *texts] for name, texts in lines.items() if any(texts)], width
    )
    better = "no agreed direction" if indicator.polarity == "not agreed" else indicator.polarity
    title = ", ".join(filter(None, [indicator.label, unit.name, better]))
    return f"{title}\n{table}"


def _value(cell: pd.Series, unit: DisplayUnit) -> str:
    if cell["status"] == "observed":
        text = unit.text(cell["value"])
        if not text:  # a count's value may be left blank
            text = unit.text(cell["numerator"] / cell["denominator"]) if cell["denominator"] else ""
    elif cell["status"] == "suppressed":
        text = f"{cell['lower']:g}-{cell['upper']:g}"
    else:
        text = SYMBOLS[cell["status"]]
    return text + (JOINT if JOINT in cell["authority"] else "")


def _count(denominator: float) -> str:
    return "" if denominator != denominator else f"{denominator:.10g}"


def _gaps(record: AuthorityRecord, units: dict[str, DisplayUnit], width: int) -> str:
    from bayes_csc.panel.describe.panel_description import records

    lines = ["Gaps and breaks"]
    for (key, status), rows in record.gaps.groupby(["indicator", "status"], sort=False):
        years = ", ".join(map(str, rows["year"]))
        lines += _wrapped(f"{key}: {str(status).replace('_', ' ')} {years}", width)
    for indicator, rows in record.release_changes.groupby("indicator", sort=False):
        changes = [f"{row.source_from} to {row.source} in {row.year}" for row in records(rows)]
        lines += _wrapped(f"{indicator!s}: read from another release: {'; '.join(changes)}", width)
    for row in records(record.revisions):
        unit = units[row.indicator]
        then = _restated(unit.text(row.value_from) or row.status_from, row.denominator_from)
        now = _restated(unit.text(row.value) or row.status, row.denominator)
        lines += _wrapped(f"{row.indicator} {row.year}: {row.source_from} said {then}, {row.source} says {now}", width)
    lines += [
        line for name, text in record.notes.items() for line in _wrapped(f"{name}, all authorities: {text}", width)
    ]
    return "\n".join(lines if len(lines) > 1 else ["Gaps and breaks: none on record"])


def _restated(figure: str, denominator: float) -> str:
    return figure.replace("_", " ") + (f" of {_count(denominator)}" if denominator == denominator else "")
