"""Excel workbooks written by hand, so that each can be wrong in one way."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/"


class Formula(str):
    """A formula that has no stored result."""


class Error(str):
    """A cell with an error, such as #REF!."""


def cell(value: object, column: int, row: int) -> str:
    at = f'r="{chr(ord("A") + column)}{row}"'
    if isinstance(value, Formula):
        return f"<c {at}><f>{escape(value)}</f></c>"
    if isinstance(value, Error):
        return f'<c {at} t="e"><v>{value}</v></c>'
    if isinstance(value, date):
        return f'<c {at} s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, int | float):
        return f"<c {at}><v>{value}</v></c>"
    return f'<c {at} t="inlineStr"><is><t>{escape(str(value))}</t></is></c>' if value != "" else ""


def sheet_xml(rows: list[list[object]], *, merged: str = "", more: str = "") -> str:
    lines = [
        f'<row r="{n}">{"".join(cell(value, column, n) for column, value in enumerate(row))}</row>'
        for n, row in enumerate(rows, start=1)
    ]
    merges = f'<mergeCells count="1"><mergeCell ref="{merged}"/></mergeCells>' if merged else ""
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}{more}</sheetData>{merges}</worksheet>'


def members(*sheets: str) -> dict[str, str]:
    names = [f"Sheet{n}" for n in range(1, len(sheets) + 1)]
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/{name.lower()}.xml" ContentType="{kind}.worksheet+xml"/>' for name in names
    )
    links = "".join(
        f'<Relationship Id="r{n}" Type="{OFFICE}/worksheet" Target="worksheets/{name.lower()}.xml"/>'
        for n, name in enumerate(names)
    )
    listed = "".join(f'<sheet name="{name}" sheetId="{n + 1}" r:id="r{n}"/>' for n, name in enumerate(names))
    formats = '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs>'
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>{overrides}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}relationships"><Relationship Id="r1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}relationships">{links}<Relationship Id="s" '
        f'Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}">{formats}</styleSheet>',
        **{f"xl/worksheets/{name.lower()}.xml": sheet for name, sheet in zip(names, sheets, strict=True)},
    }


def packed(parts: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


def workbook(path: Path, *tables: list[list[object]], merged: str = "", more: str = "") -> None:
    path.write_bytes(packed(members(*(sheet_xml(rows, merged=merged, more=more) for rows in tables))))


def bomb(path: Path, megabytes: int) -> None:
    """An archive of a few kilobytes that expands to many megabytes."""
    path.write_bytes(packed({**members(sheet_xml([["a"]])), "xl/media/image1.bin": "0" * (megabytes * 1_000_000)}))


def lying_bomb(path: Path) -> None:
    """An archive whose directory says that its member is ten bytes long."""
    data = packed({**members(sheet_xml([["a"]])), "xl/media/image1.bin": "0" * 1_000_000})
    size = (1_000_000).to_bytes(4, "little")
    path.write_bytes(re.sub(re.escape(size), (10).to_bytes(4, "little"), data))
