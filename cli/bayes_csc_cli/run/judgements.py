"""`bayescsc judgements`: what the judgements follow, and how the overall grade follows from the others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_csc_cli.text_table import terminal_width, text_table

if TYPE_CHECKING:
    import pandas as pd

    from bayes_csc.inference.fit import Fit


def judgements(
    run: Annotated[Path, typer.Argument(help="Run folder of `bayescsc fit`.")],
    alone: Annotated[
        bool, typer.Option("--alone/--no-alone", help="Fit the indicators without ratings, too: a preview.")
    ] = True,
    interval: Annotated[float, typer.Option("--interval", help="Probability of the intervals.")] = 0.89,
    force: Annotated[bool, typer.Option("--force", help="Show the tables of a run that failed.")] = False,
) -> None:
    """Print the loadings on theta, whether indicators alone find them, and P(overall grade | sub-judgements)."""
    from bayes_csc.estimates.forecast.overall_given_subjudgements import overall_of_run, write_overall
    from bayes_csc.estimates.loadings import loadings, write_loadings
    from bayes_csc.inference.fit import Fit

    fit, written = Fit.read(run), ["loadings"]
    table = loadings(fit, interval=interval, force=force)
    write_loadings(table, run)
    typer.echo(loading_text(table))
    if alone and (held_out := held_out_table(fit, run, interval=interval, force=force)) is not None:
        written.append("indicators_alone")
        typer.echo(f"\n{alone_text(held_out)}")
    if (overall := overall_of_run(fit, force=force)) is not None:
        write_overall(overall, run)
        written.append("overall")
        typer.echo(f"\n{overall_text(overall)}")
    typer.echo("\nWrote " + ", ".join(f"{run / name}.csv" for name in written) + " and the same as .json")


def held_out_table(fit: Fit, run: Path, **options: Any) -> pd.DataFrame | None:
    """Fit a preview without ratings, hold its theta against the judgements, write; None where there is no such fit."""
    from bayes_csc.estimates.judgement_free import indicators_alone, without_ratings, write_indicators_alone
    from bayes_csc.inference.fit import preview
    from bayes_csc.inference.progress_line import shown
    from bayes_csc_models.trajectory import trajectory

    if fit.own_model or not {"judgement_loading", "loading"} <= set(fit.posterior):
        return None
    with shown() as progress:
        without = preview(
            fit.panel, trajectory, spec=without_ratings(fit), seed=int(fit.record["seed"]), progress=progress
        )
    table = indicators_alone(fit, without, trajectory, **options)
    write_indicators_alone(table, run)
    return table


def loading_text(table: pd.DataFrame) -> str:
    """Lay the loadings out: of judgements, of domains, of indicators."""
    about = table.attrs
    percent = f"{about['interval']['probability']:.0%}"
    parts = [
        *([str(about["warning"])] if "warning" in about else []),
        f"{'PREVIEW. ' * about['preview']}Loadings: how much follows a unit of theta ({about['panel']} "
        f"{about['panel_hash'][:12]}, spec {about['spec']}, seed {about['seed']}). Associations, not effects.",
    ]
    for kind, title in (
        ("judgement", "Judgements"),
        ("domain", "Domains of indicators (mean of their loadings)"),
        ("indicator", "Indicators (coded so that higher is better where the polarity is agreed)"),
    ):
        rows = [
            [row["label"], f"{row['mean']:.2f}", f"{row['lower']:.2f} to {row['upper']:.2f}",
             f"{row['p_negative']:.2f}" if row["polarity"] == "not agreed" else "", row["unit"]]
            for row in table[table.kind == kind].to_dict("records")
        ]  # fmt: skip
        if rows:
            header = [title, "mean", percent, "P(negative)", "unit"]
            parts.append(text_table(header, rows, terminal_width()))
    return "\n\n".join(parts)


def alone_text(table: pd.DataFrame) -> str:
    """Lay out how far indicators alone go with the judgements held out."""
    about: dict[str, Any] = {str(key): value for key, value in table.attrs.items()}
    percent = f"{about['interval']['probability']:.0%}"
    names = {
        "slope": "slope", "slope_within": "within regions", "loading": "loading with ratings",
        "concordance": "concordance", "concordance_within": "within regions",
    }  # fmt: skip
    header = [f"Indicators alone ({percent})", "judgements", *names.values()]
    rows = [
        [row["judged"].replace("_", " "), str(row["inspections"]), *(_with_interval(row, name) for name in names)]
        for row in table.to_dict("records")
    ]
    theta = "; ".join(
        f"{name} {found['of_means']:.2f} (draws {found['of_draws']:.2f}, {found['lower']:.2f} to {found['upper']:.2f})"
        for name, found in about["theta"].items()
    )
    carried = "; ".join(
        f"{row['label']} {row['mean']:.2f} ({row['mean_with_ratings']:.2f})" for row in about["alone"]["loadings"]
    )
    failed = "" if about["alone"]["gate_passed"] else " Its own check FAILED: read it as a sketch."
    return "\n".join(
        [
            text_table(header, rows, terminal_width()),
            "Slope: probits of a judgement per unit of theta estimated from the indicators, no judgement seen (a "
            f"preview).{failed} Concordance: of two inspections with different grades, how often the better one has "
            "the higher theta; 0.50 is no association. Within regions: theta less the mean of its region.",
            f"Correlation of theta with and without ratings, posterior means: {theta}.",
            f"Loadings without ratings (with them): {carried}.",
            verdict(table),
        ]
    )


def verdict(table: pd.DataFrame) -> str:
    """Say of which domains indicators alone find the judgements, by the intervals of the slopes."""
    said = []
    for where, name in (("", "slope_lower"), (" within regions", "slope_within_lower")):
        rows = [(str(row["judged"]).replace("_", " "), row[name] > 0.0) for row in table.to_dict("records")]
        found, lost = (", ".join(each for each, there in rows if there is wanted) for wanted in (True, False))
        said += [f"Indicators alone find what these judgements follow{where}, to some degree: {found}."] * bool(found)
        said += [f"They cannot be told to find{where}: {lost}."] * bool(lost)
    return " ".join([*said, "Inspectors read the same indicators, so that agreement validates neither."])


def overall_text(table: pd.DataFrame) -> str:
    """Lay out P(overall | sub-judgements) of the patterns seen most."""
    shown = 12
    judged, grades = table.attrs["judged"], table.attrs["grades"]
    header = [*(name.replace("_", " ") for name in judged), "inspections", *(f"P({grade})" for grade in grades)]
    rows = [
        [*(grades[int(row[name]) - 1] for name in judged), str(row["inspections"]),
         *(f"{row[grade]:.2f}" for grade in grades)]
        for row in table.head(shown).to_dict("records")
    ]  # fmt: skip
    more = f"{len(table) - shown} more patterns, and standard deviations, are in overall.csv. " * (len(table) > shown)
    return "\n".join(
        [
            "P(overall grade | sub-judgements), from the inspections that have them all",
            text_table(header, rows, terminal_width(), left=len(judged)),
            f"{more}Patterns with few inspections lean on the worst sub-judgement and the mean of the others.",
        ]
    )


def _with_interval(row: dict[Any, Any], name: str) -> str:
    return f"{row[name]:.2f} ({row[f'{name}_lower']:.2f} to {row[f'{name}_upper']:.2f})"
