"""How `bayescsc data caseload` shows and writes its table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def show(table: pd.DataFrame) -> None:
    """Print the table as wide as the terminal allows, with what it means; in order of names, without any colour."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    demand = table.attrs["demand"].replace("_", " ")
    out = Table(
        title=f"Cases per full-time equivalent case holder, {table['year'].iloc[0]}",
        caption=f"Expected and ranges: of authorities alike in deprivation, children aged 0 to 17 and {demand}, "
        f"without the authority itself. Share below: of such authorities with a lower caseload. {table.attrs['about']}",
    )
    for name in ("authority", "case holders", "caseload", "expected", "50% range", "89% range", "share below"):
        out.add_column(name, justify="left" if name == "authority" else "right")
    for row in table.sort_values("name").itertuples():
        out.add_row(
            escape(str(row.name)), f"{row.case_holders:.0f}", f"{row.caseload:.1f}", f"{row.expected:.1f}",
            f"{row.lower_50:.1f} to {row.upper_50:.1f}", f"{row.lower_89:.1f} to {row.upper_89:.1f}",
            f"{row.share_below:.0%}",
        )  # fmt: skip
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(out)
    if table.attrs["left_out"]:
        console.print(f"Left out, without a figure: {', '.join(table.attrs['left_out'])}", markup=False, style=None)


def write(table: pd.DataFrame, path: Path) -> None:
    """Write the table as CSV, whole or not at all, rounded to four significant decimals."""
    from bayes_csc.files import write_files
    from bayes_csc.files.csv_toml import csv_text

    write_files(path.parent, {path.name: csv_text(table.round(4))})
