"""A report as an Office Open XML workbook: typed cells, a heading that stays, filters, and a sheet of notes.

Written by hand because it is little: a zip of a few XML files (ECMA-376, part 1). Texts are inline strings, which no
program takes for formulas, whatever they begin with; the same report gives the same bytes.
"""

from __future__ import annotations

import io
import math
import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_csc.files import write_files
from bayes_csc.report.findings.collect import Findings
from bayes_csc.report.findings.tables import NOTES, tables

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Date of every file in the archive, the earliest that zip knows."""
HEADING, DATE = "1", "2"
DAY_ZERO = pd.Timestamp("1899-12-30")
WIDEST = 60
# Not allowed in XML 1.0, whatever a name holds.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write_workbook(found: Findings, path: Path) -> None:
    """Write a report's tables as one workbook, a sheet each, after a sheet of notes."""
    about = found.about
    parts = tables(found)
    notes = [
        *([("Warning", about["old_panel"])] if "old_panel" in about else []),
        ("Report", f"{about['panel']}, {about['group']}"), ("Made on", about["made"]),
        ("Panel dated", about["panel_date"]), ("Data", about["data_days"]),
        ("Figures until", about["figures_until"]), ("Judgements until", about["judgements_until"]),
        ("Panel hash", about["panel_hash"]), ("Spec", about["spec"]), ("Seed", about["seed"]),
        ("Version", about["versions"]["bayescsc"]), ("Interval", about["interval"]["probability"]),
        ("Smallest decline", about["epsilon"]), ("Loss ratio", about["loss_ratio"]),
        ("Preview", "yes" if about["preview"] else "no"),
        ("Diagnostics", "passed" if about["gate_passed"] else about.get("warning", "failed")),
        *([("How to read the forecast", about["how_to_read"])] if "how_to_read" in about else []),
        *((f"Sheet {name}", NOTES[name]) for name in parts),
    ]  # fmt: skip
    sheets = {"notes": pd.DataFrame(notes, columns=["what", "value"], dtype=object)} | parts
    write_sheets(sheets, path)


def write_sheets(sheets: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write tables as a workbook, whole or not at all."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _files(sheets).items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), text, zipfile.ZIP_DEFLATED)
    write_files(path.parent, {path.name: buffer.getvalue()})


def _files(sheets: Mapping[str, pd.DataFrame]) -> dict[str, bytes]:
    paths = [f"xl/worksheets/sheet{n}.xml" for n in range(1, len(sheets) + 1)]
    types = ET.Element("Types", xmlns=f"{PACKAGE}/content-types")
    ET.SubElement(
        types, "Default", Extension="rels", ContentType="application/vnd.openxmlformats-package.relationships+xml"
    )
    ET.SubElement(types, "Default", Extension="xml", ContentType="application/xml")
    kinds = {"xl/workbook.xml": "sheet.main", "xl/styles.xml": "styles"} | dict.fromkeys(paths, "worksheet")
    for name, kind in kinds.items():
        ET.SubElement(types, "Override", PartName=f"/{name}", ContentType=f"{KIND}.{kind}+xml")
    book = ET.Element("workbook", {"xmlns": MAIN, "xmlns:r": LINKS})
    listed = ET.SubElement(book, "sheets")
    for n, name in enumerate(sheets, 1):
        ET.SubElement(listed, "sheet", {"name": name[:31], "sheetId": f"{n}", "r:id": f"rId{n}"})
    inside = [("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)] + [("styles", "styles.xml")]
    made = {
        "[Content_Types].xml": types, "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": book, "xl/_rels/workbook.xml.rels": _relations(inside), "xl/styles.xml": _styles(),
    } | {path: _sheet(table) for path, table in zip(paths, sheets.values(), strict=True)}  # fmt: skip
    return {name: ET.tostring(root, encoding="UTF-8", xml_declaration=True) for name, root in made.items()}


def _relations(targets: Sequence[tuple[str, str]]) -> ET.Element:
    root = ET.Element("Relationships", xmlns=f"{PACKAGE}/relationships")
    for n, (kind, target) in enumerate(targets, 1):
        ET.SubElement(root, "Relationship", Id=f"rId{n}", Type=f"{LINKS}/{kind}", Target=target)
    return root


def _styles() -> ET.Element:
    """Plain, a bold heading, and a date: the three styles, in this order."""
    text = (
        '<styleSheet><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
        '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="3"><xf/><xf fontId="1" applyFont="1"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs>'
        "</styleSheet>"
    )
    root = ET.fromstring(text)
    root.set("xmlns", MAIN)
    return root


def _sheet(table: pd.DataFrame) -> ET.Element:
    root = ET.Element("worksheet", xmlns=MAIN)
    view = ET.SubElement(ET.SubElement(root, "sheetViews"), "sheetView", workbookViewId="0")
    ET.SubElement(view, "pane", ySplit="1", topLeftCell="A2", activePane="bottomLeft", state="frozen")
    columns = ET.SubElement(root, "cols")
    for n, name in enumerate(table.columns, 1):
        longest = table[name].astype(str).str.len().max() if table[name].dtype.kind not in "fiu" else 10
        width = min(max(len(str(name)), int(longest or 0)) + 2, WIDEST)
        ET.SubElement(columns, "col", min=f"{n}", max=f"{n}", width=f"{width}", customWidth="1")
    data = ET.SubElement(root, "sheetData")
    head = ET.SubElement(data, "row", r="1")
    for n, name in enumerate(table.columns):
        _cell(head, f"{_letters(n)}1", str(name), HEADING)
    for r, row in enumerate(table.itertuples(index=False, name=None), 2):
        line = ET.SubElement(data, "row", r=f"{r}")
        for n, value in enumerate(row):
            _cell(line, f"{_letters(n)}{r}", value)
    if len(table):
        ET.SubElement(root, "autoFilter", ref=f"A1:{_letters(len(table.columns) - 1)}{len(table) + 1}")
    return root


def _cell(line: ET.Element, place: str, value: Any, style: str = "0") -> None:
    """Add one typed cell; none where the value is missing."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return
    if isinstance(value, pd.Timestamp):
        cell = ET.SubElement(line, "c", r=place, s=DATE)
        ET.SubElement(cell, "v").text = f"{(value - DAY_ZERO).days}"
    elif isinstance(value, bool) or type(value).__name__ == "bool":
        cell = ET.SubElement(line, "c", r=place, s=style, t="b")
        ET.SubElement(cell, "v").text = "1" if value else "0"
    elif isinstance(value, int | float) or hasattr(value, "dtype"):
        cell = ET.SubElement(line, "c", r=place, s=style)
        ET.SubElement(cell, "v").text = repr(value.item() if hasattr(value, "item") else value)
    else:
        cell = ET.SubElement(line, "c", r=place, s=style, t="inlineStr")
        text = ET.SubElement(ET.SubElement(cell, "is"), "t", {"xml:space": "preserve"})
        text.text = FORBIDDEN.sub("\ufffd", str(value))


def _letters(number: int) -> str:
    """Return the letters of a column, from 0.

    Examples
    --------
    >>> _letters(0), _letters(25), _letters(26), _letters(701)
    ('A', 'Z', 'AA', 'ZZ')
    """
    out = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        out = chr(65 + rest) + out
    return out
