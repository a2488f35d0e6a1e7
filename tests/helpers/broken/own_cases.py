"""A user's file that is right, and how to break it in one way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from broken.workbooks import members, packed, sheet_xml, workbook

HEADER = ["code", "town", "year", "upheld", "decided", "score"]
ROWS: list[list[object]] = [
    ["101", "Ashby", 2023, 12, 80, "good"],
    ["102", "Barrow", 2023, 9, 60, "fair"],
    ["102", "Barrow", 2024, "c", 70, "poor"],
    ["103", "Castle", 2024, 20, 90, "good"],
]
TABLE: list[list[object]] = [list(HEADER), *ROWS]
CSV = "".join(",".join(map(str, row)) + "\n" for row in TABLE)
DESCRIPTION = """\
source = "local-2025"
year_ends = "03-31"
columns = { authority = "code", name = "town", year = "year" }

[symbols]
c = { lower = 1, upper = 5 }
x = "not_available"

[indicator.complaints_upheld]
label = "Complaints upheld"
definition = "Complaints decided in the year that were upheld."
family = "binomial"
polarity = "higher is worse"
numerator = "complaints upheld"
denominator = "complaints decided"
domain = "complaints"
publication_month = 7
columns = { numerator = "upheld", denominator = "decided" }

[indicator.peer_score]
label = "Peer score"
definition = "What visiting experts found."
family = "ordinal"
polarity = "higher is better"
domain = "peers"
publication_month = 7
categories = ["poor", "fair", "good"]
columns = { grade = "score" }
"""


@dataclass(frozen=True)
class Case:
    """A file that is made in a folder, and what must be said of it (a regular expression; blank: it is read)."""

    name: str
    make: Callable[[Path], Path]
    message: str = ""
    description: str = DESCRIPTION

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


def csv_bytes(name: str, data: bytes, message: str = "", **more: str) -> Case:
    def make(folder: Path) -> Path:
        (folder / "own.csv").write_bytes(data)
        return folder / "own.csv"

    return Case(name, make, message, **more)


def changed(name: str, old: str, new: str, message: str = "", **more: str) -> Case:
    assert old in CSV, old
    return csv_bytes(name, CSV.replace(old, new, 1).encode(), message, **more)


def described(name: str, old: str, new: str, message: str = "", data: str = CSV) -> Case:
    assert old in DESCRIPTION, old
    return csv_bytes(name, data.encode(), message, description=DESCRIPTION.replace(old, new, 1))


def excel(name: str, message: str = "", *tables: list[list[object]], merged: str = "", more: str = "") -> Case:
    def make(folder: Path) -> Path:
        workbook(folder / "own.xlsx", *(tables or (TABLE,)), merged=merged, more=more)
        return folder / "own.xlsx"

    return Case(name, make, message)


def made(name: str, message: str, how: Callable[[Path], object], file: str = "own.csv") -> Case:
    def make(folder: Path) -> Path:
        how(folder / file)
        return folder / file

    return Case(name, make, message)


def with_row(row: int, column: int, value: object) -> list[list[object]]:
    table = [list(line) for line in TABLE]
    table[row][column] = value
    return table


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(200_000_000)


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def renamed(old: str, new: str) -> Callable[[Path], None]:
    return lambda path: (path.parent / new).write_bytes(
        packed(members(sheet_xml(TABLE))) if old == "xlsx" else CSV.encode()
    )
