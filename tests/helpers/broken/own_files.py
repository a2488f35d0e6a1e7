"""Users' files, each broken in one way, with the message it must give; a blank message where it must be read."""

from __future__ import annotations

import os
import re
from datetime import date

from broken.own_cases import (
    CSV,
    DESCRIPTION,
    HEADER,
    TABLE,
    changed,
    csv_bytes,
    described,
    excel,
    loop,
    made,
    renamed,
    sparse,
    with_row,
)
from broken.workbooks import Error, Formula, bomb, lying_bomb, members, packed, sheet_xml

AT_2 = r"own\.csv: row 2: authority 101 .Ashby., year 2023, indicator complaints_upheld: "
BINOMIAL_END = 'columns = { numerator = "upheld", denominator = "decided" }'
DATED = 'columns = { numerator = "upheld", denominator = "decided", publication_date = "town" }'

ACCEPTED = [
    csv_bytes("as it should be", CSV.encode()),
    csv_bytes("byte-order mark", b"\xef\xbb\xbf" + CSV.encode()),
    csv_bytes("Windows line ends", CSV.replace("\n", "\r\n").encode()),
    csv_bytes("old Macintosh line ends", CSV.replace("\n", "\r").encode()),
    csv_bytes("mixed line ends", CSV.replace("\n", "\r\n", 2).encode()),
    csv_bytes("no last line end", CSV.rstrip("\n").encode()),
    csv_bytes("blank lines", CSV.replace("\n", "\n\n").encode()),
    csv_bytes("blank columns and rows of a spreadsheet", CSV.replace("\n", ",,\n").encode() + b",,,,,,,\n"),
    changed("blanks about a field", "101,Ashby", " 101 , Ashby "),
    changed("a name in other letters", "Ashby", "ASHBY"),
    changed("another order of a joint return", "103,Castle", "103+102,"),
    excel("a workbook"),
    excel("a workbook with dates in a column that is not used", "", with_row(1, 5, date(2025, 3, 31))[:1] + TABLE[1:]),
]

ENCODING = [
    csv_bytes("UTF-16", CSV.encode("utf-16"), r"own\.csv: expected UTF-8, found UTF-16; save it as 'CSV UTF-8'"),
    csv_bytes("UTF-32", CSV.encode("utf-32"), "expected UTF-8, found UTF-32"),
    csv_bytes("UTF-16 without mark", CSV.encode("utf-16-le"), "row 1: found a NUL byte; .* UTF-16: export it again"),
    csv_bytes(
        "Windows-1252",
        CSV.replace("Ashby", "Åshby").encode("cp1252"),
        r"expected UTF-8, found byte 0xc5 at \d+, in row 2, which is 'Å' in Windows-1252; save it as UTF-8",
    ),
    changed("NUL byte", "Ashby", "As\0hby", r"own\.csv: row 2: found a NUL byte"),
    csv_bytes("empty file", b"", r"own\.csv: the file is empty; expected a header row with code, town, year"),
    csv_bytes("only white space", b"\n \n", "the file is empty"),
    csv_bytes("only commas", b",,,\n,,,\n", "the file is empty"),
    csv_bytes("only a header", CSV.splitlines()[0].encode(), r"own\.csv: only a header; expected a row per authority"),
    csv_bytes("a web page", b"<!DOCTYPE html>\n<html><body>404</body></html>\n", "column 'code' is missing"),
    csv_bytes("binary noise", bytes(range(1, 256)) * 20, "expected UTF-8, found byte 0x80"),
]

LAYOUT = [
    csv_bytes(
        "semicolons", CSV.replace(",", ";").encode(), "columns separated by semicolons; save it as CSV with commas"
    ),
    csv_bytes("tabs", CSV.replace(",", "\t").encode(), "columns separated by tabs"),
    csv_bytes("vertical bars", CSV.replace(",", "|").encode(), "columns separated by vertical bars"),
    changed("open quotation mark", "Ashby", '"Ashby', "row 2: unexpected end of data; .* quotation mark"),
    changed("stray quotation mark", "Ashby", '"Ash"by', "row 2: ',' expected after '\"'; .* not closed or not doubled"),
    changed(
        "comma in a name without quotes", "Ashby", "Ashby, town", r"row 2: expected 6 fields, found 7; look for a comma"
    ),
    changed("cut-off line", "20,90,good\n", "20", r"own\.csv: row 5: expected 6 fields, found 4; .* cut off"),
    changed("missing column", "decided", "finished", "column 'decided' is missing; found code, town, year"),
    changed("column in other letters", "decided", "Decided", "column 'decided' is missing; .* is it 'Decided'"),
    changed("two columns of one name", "upheld,decided", "decided,decided", "row 1: column 'decided' appears twice"),
    csv_bytes(
        "a title above the header",
        b"Complaints of 2024,,,,,\n" + CSV.encode(),
        "row 1: expected the header, which is in row 2; delete the rows above it",
    ),
    csv_bytes("merged header of two rows", b",,,Complaints,,\n" + CSV.encode(), "the header, which is in row 2"),
    changed("a column without name", "decided,score", ",score", "row 1: no name for column E; .* merged cells"),
    changed(
        "header in the middle",
        "102,Barrow,2024",
        f"{','.join(HEADER)}\n102,Barrow,2024",
        r"own\.csv: row 4: repeats the header; delete it",
    ),
    changed("shifted row", "101,Ashby,2023,12,80,good", "101,Ashby,,2023,12,80", "row 2: .* year .*: found '';"),
    changed(
        "row shifted to the left",
        "101,Ashby,2023,12,80,good",
        "Ashby,2023,12,80,good,",
        "row 2: authority 101 .Ashby., year 12, .*year .column 'year'.: found '12'; write four digits",
    ),
]

FIGURES = [
    changed(
        "thousands separator",
        "12,80",
        '"1,200",8000',
        AT_2 + r"numerator \(column 'upheld'\): found '1,200', which is a number with thousands separators",
    ),
    changed("decimal comma", "12,80", '"12,5",80', "which is a decimal comma: write a decimal point"),
    changed("spaces in a number", "12,80", "12,8 000", "which is a number with spaces in it"),
    changed("percentage for a count", "12,80", "15%,80", "which is a percentage: give the counts it was made from"),
    changed(
        "rate for a count",
        "12,80",
        "15.3,80",
        AT_2 + "numerator 15.3 is not a whole number; a percentage or a rate is no",
    ),
    changed("proportion for a count", "12,80", "0.15,80", "numerator 0.15 is not a whole number"),
    csv_bytes(
        "denominators all 100",
        re.sub(r",\d+,(good|fair|poor)", r",100,\1", CSV).encode(),
        "every denominator is 100: these are percentages",
    ),
    changed("negative count", "12,80", "-12,80", AT_2 + "numerator is negative: -12; a count starts at 0"),
    changed("negative denominator", "12,80", "0,-80", "denominator is negative: -80"),
    changed(
        "swapped columns", "12,80", "80,12", AT_2 + "numerator 80 is above its denominator 12; are the columns swapped"
    ),
    changed("not a number", "12,80", "nan,80", "found 'nan', which is not a finite number"),
    changed("infinite", "12,80", "12,inf", "denominator .* found 'inf', which is not a finite number"),
    changed("too large a number", "12,80", "12,1e999", "found '1e999', which is not a finite number"),
    changed("digits of another script", "12,80", "١٢,80", "neither a number nor a declared symbol"),
    changed(
        "unknown symbol",
        "12,80",
        "?,80",
        r"found '\?', neither a number nor a declared symbol \('c', 'x'\); .* declare it",
    ),
    changed("bound", "12,80", "<5,80", "found '<5', which is a bound: declare it under symbols as suppressed"),
    changed("marked number", "12,80", "12*,80", "found '12\\*', which is a number with a mark"),
    changed("amount", "12,80", "12,£80", "found '£80', which is an amount with its currency"),
    changed("formula as text", "12,80", "=A1,80", "found '=A1', which is a formula: paste its value"),
    changed("Excel error as text", "12,80", "#REF!,80", "found '#REF!', which is an Excel error: mend the formula"),
    changed(
        "suppressed above its denominator", "c,70", "c,0", "row 4: .* the suppressed numerator is at least 1, above its"
    ),
    changed(
        "unknown grade",
        "80,good",
        "80,great",
        "row 2: .* peer_score: grade .* found 'great'; expected one of 'poor', 'fair'",
    ),
    changed("grade outside the scale", "80,good", "80,4", "found '4'; expected one of .*, a whole number from 1 to 3"),
    changed(
        "suppressed grade", "80,good", "80,c", "declared as a suppressed count, but family 'ordinal' counts nothing"
    ),
]

PLACES = [
    changed(
        "unknown authority",
        "101,Ashby",
        "999,",
        "row 2: authority 999, .* unknown authority .* such as 101 .Ashby., 102 .Barrow., 103",
    ),
    changed(
        "a misspelt name for a code",
        "101,Ashby",
        "Ashbyy,Ashby",
        "unknown authority .*; give the code of that authority, 101",
    ),
    changed("code with a decimal", "101,Ashby", "101.0,Ashby", "unknown authority .*; write '101'"),
    changed("code with a zero before", "101,Ashby", "0101,Ashby", "unknown authority .*; write '101'"),
    changed("blank authority", "101,Ashby", ",Ashby", "row 2: .* authority is blank"),
    changed(
        "swapped codes",
        "102,Barrow,2024",
        "103,Barrow,2024",
        "row 4: .* the code is that of 'Castle', but the name is 'Barrow'; write the code and the name of one",
    ),
    changed(
        "authority not existing yet",
        "103,Castle,2024",
        "103,Castle,2022",
        "row 5: authority 103 .Castle., .* ends before the authority existed, from 2023-04-01; give its pred",
    ),
    changed(
        "authority not existing any more",
        "101,Ashby,2023",
        "101,Ashby,2025",
        "starts after the authority ended, on 2024-03-31; give its successor's code",
    ),
    changed("joint return with itself", "101,Ashby", "101+101,", "a joint return of an authority with itself"),
    changed(
        "duplicated row",
        "102,Barrow,2024",
        "102,Barrow,2023",
        "row 4: .* a second row for the same authority and year, after row 3; keep one",
    ),
    changed(
        "authority and year swapped", "101,Ashby,2023", "2023,Ashby,101", "row 2: .* year .*: found '101'; .* swapped"
    ),
    changed(
        "year out of range", "102,Barrow,2024", "102,Barrow,2042", "year 2042 is more than 10 years from the panel's"
    ),
    changed("year of two digits", "102,Barrow,2024", "102,Barrow,24", "found '24'; write four digits"),
    changed(
        "financial year",
        "102,Barrow,2024",
        "102,Barrow,2023-24",
        "found '2023-24'; write the year in which it ends, 2024",
    ),
    changed("year with a decimal", "102,Barrow,2024", "102,Barrow,2024.0", "found '2024.0'; write 2024"),
    changed("date for a year", "102,Barrow,2024", "102,Barrow,31/03/2024", "found '31/03/2024'; a date: write 2024"),
]

DATES = [
    csv_bytes(
        f"{name} as publication date",
        re.sub("Ashby", text, CSV).encode(),
        message,
        description=DESCRIPTION.replace('name = "town", ', "").replace(BINOMIAL_END, DATED),
    )
    for name, text, message in (
        (
            "day and month in text",
            "1 July 2023",
            r"publication_date \(column 'town'\): expected a date .* found '1 July 2023'",
        ),
        ("English date", "01/07/2023", "found '01/07/2023'; write it so, or say date_format = \"day/month/year\""),
        ("Excel serial date", "45108", "found '45108'; Excel's number of the day 2023-07-01"),
        ("31 June", "2023-06-31", "expected a date such as 2025-03-31, found '2023-06-31'"),
        (
            "a day before the period ended",
            "2023-01-31",
            "published on 2023-01-31, before the end of its period, 2023-03-31",
        ),
    )
]

FILES = [
    made("a file of 200 MB", r"own\.csv: 200 MB is above the limit of 50 MB", sparse),
    made("a loop of links", "the file cannot be read: Too many levels of symbolic links", loop),
    made("a pipe", "expected a file, found a device or a pipe", lambda path: os.mkfifo(path)),
    made("a link to nothing", r"own\.csv: the file is missing from", lambda path: path.symlink_to("gone.csv")),
    made("no file", r"own\.csv: the file is missing from", lambda path: None),
    made(
        "a workbook called CSV",
        "expected CSV, found an Excel workbook; give it the ending .xlsx",
        renamed("xlsx", "own.csv"),
    ),
    made(
        "CSV called a workbook",
        "expected an .xlsx workbook, found something else",
        renamed("csv", "own.xlsx"),
        "own.xlsx",
    ),
    made(
        "an old workbook",
        "found a workbook of Excel before 2007 or one with a password",
        lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0" * 100),
        "own.xlsx",
    ),
    made("another format", r"own\.ods: expected \.csv or \.xlsx", renamed("csv", "own.ods"), "own.ods"),
    made(
        "a zip bomb",
        r"own\.xlsx: expands to 30\d MB, above the limit of 200 MB; it was not opened",
        lambda path: bomb(path, 300),
        "own.xlsx",
    ),
    made("a zip bomb that lies about its size", "the workbook is damaged", lying_bomb, "own.xlsx"),
    made(
        "half a workbook",
        r"the workbook is damaged: .*; open it in Excel and save it anew",
        lambda path: path.write_bytes(packed(members(sheet_xml(TABLE)))[:900]),
        "own.xlsx",
    ),
    made(
        "a zip of something else",
        "not a workbook that can be read",
        lambda path: path.write_bytes(packed({"a": "b"})),
        "own.xlsx",
    ),
]

EXCEL = [
    excel("merged cells", "merged cells D1:E1; a table has one header row with one name per column", merged="D1:E1"),
    excel("two sheets", "has the sheets Sheet1, Sheet2; say which with sheet = ", TABLE, TABLE),
    excel("an Excel error", r"own\.xlsx: cell D2 \(#REF!\): an Excel error", with_row(1, 3, Error("#REF!"))),
    excel("a division by zero", r"cell D2 \(#DIV/0!\): an Excel error", with_row(1, 3, Error("#DIV/0!"))),
    excel("a formula without result", "cell D2: a formula without a stored result", with_row(1, 3, Formula("E2/2"))),
    excel(
        "a stray cell far away",
        "sheet1.xml: its cells span more than 5000000",
        more='<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
    ),
    excel("a percentage in Excel", "numerator 0.15 is not a whole number", with_row(1, 3, 0.15)),
    excel("a date in Excel for a count", "found '2024-03-31', which is a date", with_row(1, 3, date(2024, 3, 31))),
    excel("an empty sheet", "the file is empty", []),
]

DESCRIPTIONS = [
    described(
        "a path outside the folder",
        "source = ",
        'file = "../own.csv"\nsource = ',
        r"own\.toml: file '../own.csv' is outside the description's folder; put it there",
    ),
    described(
        "an absolute path", "source = ", 'file = "/etc/passwd"\nsource = ', "is outside the description's folder"
    ),
    described("not TOML", "[symbols]", "[symbols", r"own\.toml: not valid TOML"),
    described("nested without end", "[symbols]", "deep = " + "[" * 5000 + "]" * 5000 + "\n[symbols]", "not valid TOML"),
    described("a number without end", "publication_month = 7", "publication_month = " + "7" * 5000, "not valid TOML"),
    described("unknown key", "year_ends", "year_end", r"own\.toml: unknown key 'year_end'; the keys are file, sheet"),
    described(
        "no period", 'year_ends = "03-31"', "", "no period; name columns.reference_end, or columns.year with year_ends"
    ),
    described(
        "an impossible day", "03-31", "02-30", "year_ends must be a month and a day such as \"03-31\", found '02-30'"
    ),
    described("no source", 'source = "local-2025"', "", "source is missing; name the release"),
    described("a release of the panel", '"local-2025"', '"made"', "source 'made' is a release of the panel"),
    described(
        "a key of the panel", "complaints_upheld", "late", "the panel has an indicator of that key; .* never fused"
    ),
    described("a reserved key", "complaints_upheld", "judgement", "the key 'judgement' stands for inspections"),
    described(
        "a key that is a path", "[indicator.peer_score]", '[indicator."../x"]', "key must be made of letters, digits"
    ),
    described("a domain that is a path", '"complaints"', '"../complaints"', "domain must be made of letters"),
    described(
        "a domain in other letters", '"complaints"', '"Assessment"', "differs from 'assessment' only in capitals"
    ),
    described(
        "unknown family", "binomial", "normal", r"\[indicator.complaints_upheld\]: family must be one of 'binomial'"
    ),
    described("no column for the count", 'numerator = "upheld", ', "", "columns.numerator is missing"),
    described("an unknown role", 'numerator = "upheld"', 'count = "upheld"', "unknown role columns.count"),
    described(
        "a symbol that means nothing", '"not_available"', '"unknown"', "symbols.'x' must be one of not_available"
    ),
    described(
        "a range the wrong way round", "lower = 1, upper = 5", "lower = 5, upper = 1", "symbols.'c' must be one of"
    ),
    described(
        "no categories", 'categories = ["poor", "fair", "good"]', "", "categories must be at least two different texts"
    ),
    described(
        "the same category twice", '"fair", "good"', '"fair", "Fair"', "categories must be at least two different texts"
    ),
    described(
        "indicators that are no tables",
        "[indicator.peer_score]",
        "[indicator]\n",
        r"\[indicator.label\]: expected a table",
    ),
    described("nothing described", DESCRIPTION[DESCRIPTION.index("[indicator.c") :], "", r"no \[indicator.KEY\] table"),
]

BROKEN = [*ENCODING, *LAYOUT, *FIGURES, *PLACES, *DATES, *FILES, *EXCEL, *DESCRIPTIONS]
