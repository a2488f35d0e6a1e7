"""Panel folders, each broken in one way that is not one of a single value, with the message it must give."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CELLS, INSPECTIONS, AUTHORITIES, DICTIONARY = (
    *("indicators/assessment.csv", "inspections.csv", "authorities.csv"),
    "indicators.toml",
)


@dataclass(frozen=True)
class Case:
    """A change of one file of a panel, and what must be said of it (a regular expression; blank: it is read)."""

    name: str
    file: str
    change: Callable[[Path], object]
    message: str = ""

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


def text(old: str, new: str) -> Callable[[Path], object]:
    def change(path: Path) -> None:
        before = path.read_text(encoding="utf-8")
        assert old in before
        path.write_text(before.replace(old, new), encoding="utf-8")

    return change


def data(how: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(how(path.read_bytes()))


def instead(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def change(path: Path) -> None:
        path.unlink()
        make(path)

    return change


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(200_000_000)


def open_last_field(content: bytes) -> bytes:
    """A quotation mark opened in the last field of a row takes every later row into that field."""
    first, second, *rest = content.split(b"\n")
    return b"\n".join([first, second.replace(b",made", b',"made'), *rest])


ACCEPTED = [
    Case("byte-order mark", CELLS, data(lambda content: b"\xef\xbb\xbf" + content)),
    Case("mixed line ends", CELLS, data(lambda content: content.replace(b"\n", b"\r\n", 2))),
    Case("a joint return in another order", CELLS, text("101+102", "102+101")),
    Case("a script in a name", AUTHORITIES, text("Ashby", "<script>alert(1)</script>")),
    Case("a comma and quotation marks in a name", AUTHORITIES, text("Ashby", '"Ashby, ""the"" town"')),
    Case("letters of other languages", AUTHORITIES, text("Ashby", "Åsby 東京 O’Neil")),
    Case("two lines in a label", DICTIONARY, text('"Late assessments"', r'"Late\tassess\nments"')),
    Case("a table of another domain", DICTIONARY, text('"assessment"', '"other"')),
]

BROKEN = [
    Case("UTF-16", AUTHORITIES, data(lambda c: c.decode().encode("utf-16")), "authorities.csv: .* found UTF-16"),
    Case(
        "a control character in a name",
        AUTHORITIES,
        data(lambda c: c.replace(b"Ashby", b"Ash\x01by", 1)),
        r"authorities.csv: row 2: found the control character U\+0001, which cannot be shown; remove it",
    ),
    Case(
        "control character of Windows-1252",
        AUTHORITIES,
        data(lambda c: c.replace(b"Ashby", b"Ash\xc2\x92by", 1)),
        r"authorities.csv: row 2: found the control character U\+0092, .* '’' in Windows-1252: save the file as UTF-8",
    ),
    Case(
        "a control character in a label",
        DICTIONARY,
        text('"Late assessments"', r'"Late\u001fassessments"'),
        r"indicators.toml: found the control character U\+001F, which cannot be shown; remove it",
    ),
    Case(
        "NUL byte", CELLS, data(lambda c: c.replace(b"late", b"la\0te", 1)), "assessment.csv: row 2: found a NUL byte"
    ),
    Case("Windows-1252", AUTHORITIES, data(lambda c: c.replace(b"Ashby", b"\xc5shby")), "which is 'Å' in Windows-1252"),
    Case("empty file", INSPECTIONS, data(lambda c: b""), "inspections.csv: column 'authority' is missing"),
    Case("empty dictionary", DICTIONARY, data(lambda c: b""), r"indicators.toml: \[panel\]: name is missing"),
    Case("semicolons", CELLS, text(",", ";"), "assessment.csv: column 'authority' is missing"),
    Case("tabs", CELLS, text(",", "\t"), "assessment.csv: column 'authority' is missing"),
    Case("no header", CELLS, data(lambda c: c.split(b"\n", 1)[1]), "column 'authority' is missing"),
    Case("cut off", CELLS, data(lambda c: c[:-30]), r"assessment.csv: row \d+: expected 13 fields, found"),
    Case("a field too many", CELLS, text("20,80", "20,,80"), "row 2: expected 13 fields, found 14"),
    Case(
        "an open quotation mark in the last field", CELLS, data(open_last_field), "a quotation mark that is not closed"
    ),
    Case("shifted columns", CELLS, text("20,80,0.25", ",20,80"), "row 2: .* observed without its figure"),
    Case("swapped columns", CELLS, text("20,80,0.25", "80,20,4"), "numerator 80 is above its denominator 20"),
    Case("percentages", CELLS, text("20,80,0.25", "25,100,25"), "value 25 is not numerator / denominator, 25 / 100"),
    Case("thousands separator", CELLS, text("20,80,", '20,"1,080",'), "denominator must be a number or blank"),
    Case(
        "swapped codes", CELLS, text("101,2023", "2023,101"), "row 2: authority 2023, year 101, .*: year must be four"
    ),
    Case("Excel serial date", CELLS, text("2022-04-01", "44652"), "reference_start must be a date .* found '44652'"),
    Case("a joint return with itself", CELLS, text("101+102", "101+101"), "a joint return of an authority with itself"),
    Case(
        "a joint return twice",
        CELLS,
        lambda path: path.write_text(
            path.read_text()
            + "".join(
                line.replace("101+102", "102+101") + "\n" for line in path.read_text().splitlines() if "101+102" in line
            )
        ),
        "authority 101\\+102, .*: duplicate cell",
    ),
    Case("a reserved key", DICTIONARY, text("indicator.late", "indicator.judgement"), "stands for inspections"),
    Case("a domain that is a path", DICTIONARY, text('"assessment"', '"../assessment"'), "domain must be made of"),
    Case(
        "nested without end", DICTIONARY, text("[panel]", f"deep = {'[' * 5000}{']' * 5000}\n[panel]"), "not valid TOML"
    ),
    Case("a number without end", DICTIONARY, text("= 10", f"= {'1' * 5000}"), "indicators.toml: not valid TOML"),
    Case("a folder for a file", INSPECTIONS, instead(Path.mkdir), "inspections.csv: expected a file, found a folder"),
    Case(
        "a loop of links", INSPECTIONS, instead(lambda path: path.symlink_to(path.name)), "Too many levels of symbolic"
    ),
    Case(
        "a link to nothing", INSPECTIONS, instead(lambda path: path.symlink_to("gone")), "inspections.csv: the file is"
    ),
    Case("a pipe", CELLS, instead(os.mkfifo), "assessment.csv: expected a file, found a device or a pipe"),
    Case("200 MB", CELLS, instead(sparse), "assessment.csv: 200 MB is above the limit of 50 MB"),
    Case(
        "a folder among the cells", CELLS, lambda path: (path.parent / "more.csv").mkdir(), "more.csv: expected a file"
    ),
    Case("cells that are no indicators", CELLS, text(",late,", ",early,"), "the indicator is not in indicators.toml"),
]
