"""What is said of the breaches of a table: a line for each distinct cause, with a count and the first rows."""

from __future__ import annotations

import pandas as pd

from bayes_csc.files.row_checks import TableCheck


def check(n: int) -> TableCheck:
    table = pd.DataFrame({"authority": ["E1"] * n, "status": [f"s{k % 2}" for k in range(n)]}, index=range(2, n + 2))
    return TableCheck("cells.csv", table, "authority {r.authority}", names={"E1": "Elm"})


def test_one_fault_in_many_rows_is_one_line_with_its_count_and_first_rows() -> None:
    whole = check(2130)
    whole.note(whole.table["authority"].eq("E1"), "no such thing")
    assert whole.problems() == [
        "cells.csv: row 2: authority E1 (Elm): no such thing [2130 rows: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2120 more]"
    ]


def test_few_different_findings_of_one_rule_are_told_apart() -> None:
    few = check(4)
    few.note(few.table["status"].ne(""), "unknown status {r.status!r}")
    assert few.problems() == [
        "cells.csv: row 2: authority E1 (Elm): unknown status 's0' [2 rows: 2, 4]",
        "cells.csv: row 3: authority E1 (Elm): unknown status 's1' [2 rows: 3, 5]",
    ]


def test_many_different_findings_of_one_rule_are_one_line() -> None:
    many = check(40)
    many.note(many.table["status"].ne(""), "found {n}", n=pd.Series(range(40), index=many.table.index))
    (said,) = many.problems()
    assert said.startswith("cells.csv: row 2: authority E1 (Elm): found 0 [40 rows: 2, 3")
