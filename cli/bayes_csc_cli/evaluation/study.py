"""`bayescsc study`: the founding studies, reproduced on a panel."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_csc_cli.evaluation.study_table import show

if TYPE_CHECKING:
    from bayes_csc.evaluation.studies.study import Study
    from bayes_csc.panel.panel import Panel

app = typer.Typer(
    name="study", no_args_is_help=True, help="Reproduce the founding studies, with what they did not report."
)
PanelOption = Annotated[Path | None, typer.Option("--panel", help="Panel folder; the embedded England panel.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="Folder for the tables as CSV and JSON.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same numbers.")]
ReplicatesOption = Annotated[int, typer.Option("--replicates", min=2, help="Bootstrap samples of authorities.")]


@app.command()
def three_indicators(
    panel: PanelOption = None,
    seed: SeedOption = 1,
    replicates: ReplicatesOption = 1000,
    out: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Predict inadequate ratings from timeliness, re-referrals and agency workers, in and out of sample."""
    from bayes_csc.evaluation.studies.three_indicators import three_indicators as study

    _give(study(_read(panel), seed=seed, replicates=replicates), out, json)


@app.command()
def ratings_and_outcomes(
    panel: PanelOption = None,
    year: Annotated[int | None, typer.Option("--year", help="One year of outcomes; all by default.")] = None,
    spec: Annotated[
        str, typer.Option("--spec", help="Spec of the model of two dimensions: a shipped one or a TOML file.")
    ] = "two_dimensions",
    model: Annotated[
        bool, typer.Option("--model/--no-model", help="Fit the model of two dimensions, by a preview, or leave it out.")
    ] = True,
    seed: SeedOption = 1,
    replicates: ReplicatesOption = 1000,
    out: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Associate overall grades with the outcomes of looked-after children and care leavers."""
    from bayes_csc.evaluation.studies.ratings_and_outcomes import ratings_and_outcomes as study
    from bayes_csc.inference.progress_line import shown
    from bayes_csc_models.specs import spec as read_spec
    from bayes_csc_models.two_dimensions import two_dimensions

    chosen = read_spec(spec)
    with shown() as progress:
        result = study(
            _read(panel), year=year, model=two_dimensions if model else None, spec=chosen, seed=seed,
            replicates=replicates, progress=progress,
        )  # fmt: skip
    _give(result, out, json)
    raise typer.Exit(4 if result.about["model_passed"] is False else 0)


@app.command()
def workforce_by_grade(
    panel: PanelOption = None,
    year: Annotated[int, typer.Option("--year", help="Year of the workforce census of 30 September.")] = 2015,
    graded: Annotated[
        datetime | None,
        typer.Option("--graded", formats=["%Y-%m-%d"], help="Grades published by this day; the census day."),
    ] = None,
    seed: SeedOption = 1,
    replicates: ReplicatesOption = 1000,
    out: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Agency, vacancy and turnover rates by grade, beside the article's figures of 2014/15."""
    from bayes_csc.evaluation.studies.workforce_by_grade import workforce_by_grade as study

    day = graded.date() if graded else None
    _give(study(_read(panel), year, graded=day, seed=seed, replicates=replicates), out, json)


@app.command()
def post_inspection(
    panel: PanelOption = None,
    indicator: Annotated[
        list[str] | None,
        typer.Option("--indicator", help="Key of an activity indicator (repeatable); else those flagged, or activity."),
    ] = None,
    spec: Annotated[str, typer.Option("--spec", help="Spec that they are added to: a shipped one or a TOML file.")] = (
        "baseline"
    ),
    model: Annotated[
        bool, typer.Option("--model/--no-model", help="Fit the model, by a preview, or only count.")
    ] = True,
    seed: SeedOption = 1,
    replicates: ReplicatesOption = 1000,
    out: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Activity in the two years after an inadequate judgement, and whether the sign found before is reproduced."""
    from bayes_csc.evaluation.studies.post_inspection import post_inspection as study
    from bayes_csc.inference.progress_line import shown
    from bayes_csc_models.specs import spec as read_spec
    from bayes_csc_models.trajectory import trajectory

    chosen = read_spec(spec)
    with shown() as progress:
        result = study(
            _read(panel), indicators=tuple(indicator or ()), model=trajectory if model else None, spec=chosen,
            seed=seed, replicates=replicates, progress=progress,
        )  # fmt: skip
    _give(result, out, json)
    raise typer.Exit(4 if result.about["model_passed"] is False else 0)


def _read(panel: Path | None) -> Panel:
    from bayes_csc.files.embedded_data import data_dir
    from bayes_csc.panel.panel import Panel

    return Panel.read(panel or data_dir())


def _give(study: Study, out: Path | None, json: bool) -> None:
    """Write what is asked for, and print it as tables or as JSON."""
    written = study.write(out) if out else []
    if json:
        typer.echo(study.to_json(), nl=False)
    else:
        show(study)
    for path in written:
        typer.echo(f"Wrote {path}", err=json)
