"""Official files, each broken in one way, with the message its reader must give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

EES = """\
time_period,geographic_level,old_la_code,la_name,referrals,within
2024,National,,England,"1,200",300
2024,Local authority,202,Camden,"1,050",250
2024,Local authority,203,Greenwich,150,c
2025,Local authority,202,Camden,z,x
2025,Local authority,203,"Greenwich, Royal Borough of",0,low
"""


@dataclass(frozen=True)
class Case:
    """A file in place of a release, and what must be said of it (a regular expression)."""

    name: str
    make: Callable[[Path], object]
    message: str

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


def changed(name: str, old: str, new: str, message: str) -> Case:
    assert old in EES
    return Case(name, lambda path: path.write_text(EES.replace(old, new, 1), encoding="utf-8"), message)


def raw(name: str, content: bytes, message: str) -> Case:
    return Case(name, lambda path: path.write_bytes(content), message)


BROKEN = [
    Case("no file", lambda path: None, r"release\.csv: the file is missing; expected the official release file"),
    Case("a folder", Path.mkdir, r"release\.csv: the file is missing"),
    Case("a loop of links", lambda path: path.symlink_to(path.name), r"release\.csv: the file is missing"),
    raw("empty", b"", r"release\.csv: expected a CSV file in utf-8-sig: No columns to parse"),
    raw(
        "a web page",
        b"<!DOCTYPE html>\n<title>Sorry</title>\n",
        "column 'time_period' is missing; found <!DOCTYPE",
    ),
    raw(
        "Windows-1252", EES.replace("Camden", "Cåmden").encode("cp1252"), r"release\.csv: expected a CSV file in utf-8"
    ),
    raw("UTF-16", EES.encode("utf-16"), r"release\.csv: expected a CSV file in utf-8"),
    changed("a missing column", "referrals", "Referrals", "row 1: column 'referrals' is missing; found time_period,"),
    raw("a letter row", b"A,B,C,D,E,F\n" + EES.encode(), "column 'referrals' is missing; .* row 2 holds the names"),
    raw(
        "cut off within a row",
        EES.encode()[:-5],
        "row 6, the last: 5 fields, fewer than the 6 of the header; .* cut off",
    ),
    raw(
        "rows longer than the header",
        EES.replace("\n2", ",\n2").replace("within,\n", "within\n").encode(),
        "row 2: more fields than the 6 of the header",
    ),
    changed("one row too long", "Camden,z", "Camden,1,z", "Expected 6 fields in line 5, saw 7"),
    changed(
        "an unknown symbol",
        "250",
        "(s)",
        r"row 3: column 'within': expected a number .* one of c, .*'\(s\)'",
    ),
    changed("a negative count", "250", "-4", "row 3: column 'within': expected a number of at least 0 .* found '-4'"),
    changed(
        "an infinite count", "250", "inf", "row 3: column 'within': expected a number of at least 0 .* found 'inf'"
    ),
    changed("a percentage", "250", "25%", "row 3: column 'within': .* found '25%'"),
    changed("a decimal comma", "250", '"2,5"', "row 3: column 'within': .* found '2,5'"),
    changed("a blank count", ",250", ",", "row 3: column 'within': .* found ''"),
    changed("a year that is none", "2025", "2024-25", "row 5: column 'time_period': expected a year, found '2024-25'"),
]
