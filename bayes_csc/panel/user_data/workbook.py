"""A sheet of an Excel workbook as rows of text, and what in a workbook cannot be read as a table.

A workbook is a zip archive of XML that may expand a thousandfold or claim a cell in its last row and column, both of
which would exhaust the memory of whoever reads it. So it is looked at, and packed anew, before it is opened.
"""

from __future__ import annotations

import datetime
import html
import io
import re
import zipfile
import zlib
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetVisibleEnum

from bayes_csc.files.spelling import some

LARGEST_CONTENT = 200_000_000
"""Bytes that all members of an archive may come to."""
MOST_CELLS = 5_000_000
"""Cells of the rectangle that holds everything in a sheet."""
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
SHEET_XML = re.compile(r"xl/worksheets/[^/]+\.xml")
REFERENCE = re.compile(rb"<c\b[^<>]*?\sr=[\"']([A-Za-z]{1,7})(\d{1,9})[\"']")
ROW_NUMBER = re.compile(rb"<row\b[^<>]*?\sr=[\"'](\d{1,12})[\"']")
ERROR = re.compile(
    rb"<c\b(?=[^<>]*\st=[\"']e[\"'])[^<>]*?\sr=[\"']([A-Z]+\d+)[\"'][^<>]*>(?:(?!</?c\b|<v>).){0,2000}<v>([^<]*)</v>",
    re.DOTALL,
)
NO_RESULT = re.compile(
    rb"<c\b[^<>]*?\sr=[\"']([A-Z]+\d+)[\"'][^<>]*>\s*<f\b(?:[^<>]*/>|[^<>]*>[^<]*</f>)\s*(?:(?:<v\s*/>|<v>\s*</v>)\s*)?</c>"
)
NAMED_AT_MOST = 5


def workbook_rows(
    data: bytes, name: str, problems: list[str], *, sheet: str | None = None
) -> list[tuple[int, list[str]]] | None:
    """Read one sheet of an .xlsx workbook.

    Parameters
    ----------
    data
        The workbook.
    name
        Name of its file, for messages.
    problems
        List that every problem is added to.
    sheet
        Name of the sheet; needed only where there are several.

    Returns
    -------
    list or None
        Number of each row as Excel shows it and its cells as text, dates as 2025-03-31; None where that is impossible.
    """
    members = _members(data, name, problems)
    if members is None:
        return None
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(_packed(members)))
        chosen = _chosen(book, name, problems, sheet)
        if chosen is None:
            return None
        found = len(problems)
        _merged(chosen, name, problems)
        _unreadable(members, chosen, name, problems)
        if len(problems) > found:
            return None
        rows = chosen.to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError, KeyError) as error:
        problems.append(f"{name}: not a workbook that can be read: {error}; open it in Excel and save it anew as .xlsx")
        return None
    except BaseException as error:
        # what fails inside the compiled reader is not an Exception
        if type(error).__name__ != "PanicException":
            raise
        problems.append(f"{name}: the workbook is damaged; open it in Excel and save it anew as .xlsx")
        return None
    return [(number, [cell_text(value) for value in row]) for number, row in enumerate(rows, start=1)]


def cell_text(value: Any) -> str:
    """Text of a cell: whole numbers without a decimal point, dates as 2025-03-31.

    Examples
    --------
    >>> [cell_text(value) for value in (202.0, 0.1, datetime.date(2025, 3, 31), " a ", True)]
    ['202', '0.1', '2025-03-31', 'a', 'TRUE']
    """
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)


def _members(data: bytes, name: str, problems: list[str]) -> dict[str, bytes] | None:
    """Members of the archive, none longer than it declares; None where they are too much to be opened."""
    if not data.startswith(ZIP):
        what = "a workbook of Excel before 2007 or one with a password" if data.startswith(OLE) else "something else"
        problems.append(
            f"{name}: expected an .xlsx workbook, found {what}; save it as .xlsx without a password, or as CSV"
        )
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            content = sum(member.file_size for member in archive.infolist())
            if content > LARGEST_CONTENT:
                problems.append(
                    f"{name}: expands to {content / 1e6:.0f} MB, above the limit of {LARGEST_CONTENT / 1e6:.0f} MB; "
                    "it was not opened: save the rows that are needed as CSV"
                )
                return None
            members = {member.filename: archive.read(member) for member in archive.infolist()}
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, OSError, ValueError, EOFError) as error:
        problems.append(f"{name}: the workbook is damaged: {error}; open it in Excel and save it anew as .xlsx")
        return None
    wide = [member for member, xml in members.items() if SHEET_XML.fullmatch(member) and _cells(xml) > MOST_CELLS]
    problems += [
        f"{name}: {member.rpartition('/')[2]}: its cells span more than {MOST_CELLS} from the first row and column; "
        "delete the stray cells far from the table"
        for member in wide
    ]
    return None if wide else members


def _packed(members: dict[str, bytes]) -> bytes:
    """Archive that holds exactly these members: the reader meets nothing that was not looked at."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return out.getvalue()


def _cells(xml: bytes) -> int:
    """Cells of the rectangle from the first cell of a sheet to its last."""
    last_row = last_column = 1
    for letters, digits in REFERENCE.findall(xml):
        last_column = max(last_column, _column_number(letters.decode()))
        last_row = max(last_row, int(digits))
    return max([last_row, *map(int, ROW_NUMBER.findall(xml))]) * last_column


def _unreadable(members: dict[str, bytes], sheet: CalamineSheet, name: str, problems: list[str]) -> None:
    """Note errors, and formulas without a stored result: both would be read as blanks."""
    xml = members[_member(members, sheet.name)]
    if errors := [f"{cell.decode()} ({what.decode()})" for cell, what in ERROR.findall(xml)]:
        problems.append(
            f"{name}: cell {some(errors, NAMED_AT_MOST)}: an Excel error; mend the formula, or leave the cell blank"
        )
    if cells := [cell.decode() for cell in NO_RESULT.findall(xml)]:
        problems.append(
            f"{name}: cell {some(cells, NAMED_AT_MOST)}: a formula without a stored result; "
            "open the workbook in Excel and save it, or paste the values"
        )


def _member(members: dict[str, bytes], sheet: str) -> str:
    """Member of the archive that holds a sheet; ValueError where the workbook does not say."""
    identifiers = {
        html.unescape(found[1]): tag
        for tag in re.findall(r"<(?:\w+:)?sheet\s[^<>]*>", members["xl/workbook.xml"].decode())
        if (found := re.search(r"\sname=[\"']([^\"']*)[\"']", tag))
    }
    found = re.search(r"\s\w+:id=[\"']([^\"']*)[\"']", identifiers.get(sheet, ""))
    for tag in re.findall(r"<(?:\w+:)?Relationship\s[^<>]*>", members["xl/_rels/workbook.xml.rels"].decode()):
        said = dict(re.findall(r"\s(Id|Target)=[\"']([^\"']*)[\"']", tag))
        if found and said.get("Id") == found[1]:
            target = said.get("Target", "")
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise ValueError(f"no sheet {sheet!r} in it")


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def column_letters(number: int) -> str:
    """Name of a column as Excel shows it.

    Examples
    --------
    >>> [column_letters(n) for n in (1, 26, 27, 703)]
    ['A', 'Z', 'AA', 'AAA']
    """
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _chosen(book: CalamineWorkbook, name: str, problems: list[str], sheet: str | None) -> CalamineSheet | None:
    names = [about.name for about in book.sheets_metadata if about.visible == SheetVisibleEnum.Visible]
    if sheet is not None and sheet not in book.sheet_names:
        problems.append(f"{name}: no sheet {sheet!r}; its sheets are {some(book.sheet_names)}")
        return None
    if sheet is None and len(names) != 1:
        problems.append(f'{name}: has the sheets {", ".join(names)}; say which with sheet = "NAME" in the description')
        return None
    return book.get_sheet_by_name(sheet or names[0])


def _merged(sheet: CalamineSheet, name: str, problems: list[str]) -> None:
    ranges = [
        f"{column_letters(left + 1)}{top + 1}:{column_letters(right + 1)}{bottom + 1}"
        for (top, left), (bottom, right) in sheet.merged_cell_ranges or []
    ]
    if ranges:
        problems.append(
            f"{name}: merged cells {some(ranges, NAMED_AT_MOST)}; a table has one header row with one name per column: "
            "unmerge them and fill in each cell"
        )
