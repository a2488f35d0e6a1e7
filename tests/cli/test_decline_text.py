"""The printed table of declines: one line an authority at 80 columns, all columns where there is room."""

from __future__ import annotations

import pandas as pd
import pytest

from bayes_csc.errors import UsageError
from bayes_csc.panel.panel import Panel
from bayes_csc_cli.data.show import chosen
from bayes_csc_cli.run.decline import table_text

NAN = float("nan")
LONGEST = "Bournemouth, Christchurch and Poole"


def table() -> pd.DataFrame:
    """Three authorities, the last never inspected."""
    rows = [
        ("Suffolk", "2024-06-12", -0.26, -0.91, 0.39, 0.512, 0.44, 0.3, 7, ""),
        (LONGEST, "2021-12-06", 0.1, -1.25, 1.45, 0.3, 0.3, 0.2, 4, "preview"),
        ("Ivy", "", NAN, NAN, NAN, NAN, NAN, 0.1, pd.NA, "no inspection"),
    ]
    columns = ["name", "last_inspection", "delta_median", "delta_lower", "delta_upper", "p_decline",
               "p_decline_no_data", "p_recent_decline", "figures_since", "note"]  # fmt: skip
    made = pd.DataFrame(rows, columns=columns)
    made.attrs.update(
        panel="England", panel_hash="7fb5afc29f75", spec="baseline", seed=1, preview=False, now="2025-09-30",
        interval={"probability": 0.89}, epsilon=0.25, recent_until="2025-09-30", data_days="Figures to September 2025.",
    )  # fmt: skip
    return made


def test_at_80_columns_an_authority_is_one_line_and_nothing_is_cut() -> None:
    lines = table_text(table(), 80).splitlines()
    assert max(map(len, lines)) <= 80
    own = [" ".join(line.split()) for line in lines if line.startswith("Suffolk")]
    assert own == ["Suffolk Jun 24 51% −0.26 [−0.91, 0.39]"]
    assert [" ".join(line.split()) for line in lines if line.startswith(LONGEST)] == [
        f"{LONGEST} Dec 21 30% 0.10 [−1.25, 1.45]"
    ]
    assert "Ivy" in lines


def test_with_room_there_are_all_columns_on_the_same_line() -> None:
    narrow, wide = table_text(table(), 80), table_text(table(), 200)
    assert "no data" not in narrow
    row = next(line for line in wide.splitlines() if line.startswith("Suffolk"))
    assert " ".join(row.split()) == "Suffolk Jun 24 51% −0.26 [−0.91, 0.39] 44% 30% 7"
    assert next(line for line in wide.splitlines() if line.startswith("Ivy")).endswith("no inspection")


def test_an_unknown_indicator_names_the_nearest(shipped: Panel) -> None:
    assert list(chosen(shipped.indicators, ["vacancy", "agency"])) == [
        key for key in shipped.indicators if key in ("vacancy", "agency")
    ]
    assert chosen(shipped.indicators, []) == shipped.indicators
    with pytest.raises(UsageError, match=r"--indicator agenc: .*did you mean agency"):
        chosen(shipped.indicators, ["agenc"])
