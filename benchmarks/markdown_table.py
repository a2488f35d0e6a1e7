"""Tables of the benchmarks as Markdown."""

from __future__ import annotations

import pandas as pd


def markdown(table: pd.DataFrame) -> str:
    """Return a table as Markdown, its index left out.

    Examples
    --------
    >>> print(markdown(pd.DataFrame({"a": [1], "b": ["x"]})))
    | a | b |
    |---|---|
    | 1 | x |
    """
    head = f"| {' | '.join(map(str, table.columns))} |\n|{'---|' * table.shape[1]}"
    rows = [f"| {' | '.join(map(str, row))} |" for row in table.itertuples(index=False)]
    return "\n".join([head, *rows])
