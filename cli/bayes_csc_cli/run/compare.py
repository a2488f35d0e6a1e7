"""`bayescsc compare`: runs side by side, and why they differ."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_csc_cli.text_table import terminal_width, text_table

if TYPE_CHECKING:
    import pandas as pd


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders of `bayescsc fit`, the earliest first.")],
    group: Annotated[
        str, typer.Option("--group", help="Authorities that are in it in any of the runs.")
    ] = "requires improvement",
    apart: Annotated[
        bool, typer.Option("--apart/--no-apart", help="Where data and spec both differ, tell them apart by a preview.")
    ] = True,
    out: Annotated[Path | None, typer.Option("--out", help="CSV file to write the rows to.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Take runs that failed their diagnostics.")] = False,
) -> None:
    """Print what changed from each run to the next, for whom, and why."""
    from bayes_csc.evaluation.comparison.compare import compare as compare_runs
    from bayes_csc.files import write_files
    from bayes_csc.files.csv_toml import table_text
    from bayes_csc.inference.fit import Fit
    from bayes_csc.inference.progress_line import shown
    from bayes_csc.own_model import check_model
    from bayes_csc_models.trajectory import trajectory

    fits = [Fit.read(run) for run in runs]
    for fit in fits if apart else []:
        check_model(fit, trajectory)
    with shown() as progress:
        table = compare_runs(
            fits, [str(run) for run in runs], group=group, model=trajectory if apart else None, force=force,
            progress=progress,
        )  # fmt: skip
    typer.echo(comparison_text(table, terminal_width()))
    if out is not None:
        write_files(out.parent, {out.name: table_text(table)})
        typer.echo(f"Wrote {out}")


def comparison_text(table: pd.DataFrame, width: int) -> str:
    """Lay each pair of runs out as text: what differs, then the authorities, the largest difference first."""
    parts = []
    for pair in table.attrs["pairs"]:
        own = table[(table["before"] == pair["before"]) & (table["after"] == pair["after"])]
        own = own.sort_values("difference", key=abs, ascending=False, na_position="last", kind="stable")
        parts += ["\n".join(pair_lines(pair)), text_table(HEADER, [_row(row) for row in own.to_dict("records")], width)]
    return "\n\n".join(parts)


HEADER = ["", "before", "after", "difference", "± error", "by data", "by spec", "figures", "judgements", "why"]


def pair_lines(pair: dict[str, Any]) -> list[str]:
    """Say what differs between two runs."""
    lines = [f"{pair['before']} → {pair['after']}"]
    first, second = pair["panel_dates"]
    lines.append(f"data: {f'differ (panels dated {first} and {second})' if pair['data'] else 'the same'}")
    lines += [f"spec: {change}" for change in pair["spec"]] or ["spec: the same"]
    lines += [f"{name}: {' → '.join(map(str, pair[name]))}" for name in ("model", "seed") if pair[name]]
    return lines + [f"version: {change}" for change in pair["versions"]]


def _row(row: dict[Any, Any]) -> list[str]:
    moved = {kind: row.get(kind, 0) for kind in ("new", "gone", "restated")}
    figures = ", ".join(f"{n:.0f} {kind}" for kind, n in moved.items() if n == n and n)
    judged = row.get("judgements", 0)
    return [
        str(row["name"]), _number(row["p_decline_1"]), _number(row["p_decline_2"]), _number(row["difference"], "+.2f"),
        _number(row["error"], ".3f"), _number(row.get("by_data"), "+.2f"), _number(row.get("by_spec"), "+.2f"),
        figures, f"{judged:.0f}" if judged == judged and judged else "", str(row["why"]),
    ]  # fmt: skip


def _number(value: float | None, style: str = ".2f") -> str:
    return "" if value is None or value != value else f"{value:{style}}"
