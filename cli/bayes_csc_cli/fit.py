"""`bayescsc fit`: the posterior of a panel, written as one run folder."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

DAYS = ["%Y-%m-%d"]


def fit(
    panel: Annotated[Path | None, typer.Option("--panel", help="Panel folder; England by default.")] = None,
    spec: Annotated[str, typer.Option("--spec", help="Name of a shipped spec, or a TOML file.")] = "baseline",
    model: Annotated[
        str | None, typer.Option("--model", help="Your own model instead: FILE.py or FILE.py:FUNCTION, which runs.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same numbers.")] = 1,
    draws: Annotated[int | None, typer.Option("--draws", min=4, help="Draws of each chain after its warm-up.")] = None,
    chains: Annotated[int | None, typer.Option("--chains", min=1, help="Chains.")] = None,
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=DAYS, help="Use only what was published by this day.")
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="A quick answer of a few seconds, with an estimate of its own error.")
    ] = False,
    ratings: Annotated[
        bool | None, typer.Option("--ratings/--no-ratings", help="Let inspection grades inform the estimate or not.")
    ] = None,
    drop: Annotated[list[str] | None, typer.Option("--drop", help="Leave out an indicator (repeatable).")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Run folder; runs/NAME OF PANEL by default.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a run that is there.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Take up the finished chains of a killed fit.")] = False,
) -> None:
    """Fit the model and write a run folder; Ctrl-C keeps what was drawn."""
    from bayes_csc.estimates.information import information_shares
    from bayes_csc.files import reserved
    from bayes_csc.files.embedded_data import data_dir
    from bayes_csc.inference.chains import remove_chains
    from bayes_csc.inference.fit import CHAINS, check_target
    from bayes_csc.inference.fit import fit as fit_model
    from bayes_csc.inference.progress_line import shown
    from bayes_csc.own_model import read_model
    from bayes_csc.panel.panel import Panel
    from bayes_csc.simulation.predictive_groups import with_predictions
    from bayes_csc_models.specs import spec as read_spec
    from bayes_csc_models.trajectory import trajectory

    data = Panel.read(panel or data_dir("england"))
    data = data.as_of(as_of.date()) if as_of else data
    use = {} if ratings is None else {"use": ratings} | ({} if ratings else {"timing": False})
    changes = {"ratings": use} | ({"drop": drop} if drop else {})
    chosen, built_by = read_spec(spec).updated(changes), read_model(model) if model else trajectory
    target = out or Path("runs") / run_name(data.name)
    partial = target.parent / f".{target.name}.partial"
    with reserved(target):
        check_target(target, overwrite=overwrite)
        with shown() as progress:
            run = fit_model(
                data, built_by, spec=chosen, seed=seed, draws=draws, chains=chains or CHAINS, preview=preview,
                checkpoint=None if preview else partial,  # not worth its second
                keep_chains=True, resume=resume, progress=progress,
            )  # fmt: skip
        run = run if preview else with_predictions(run, built_by)
        run.write(target, overwrite=overwrite)
        if not preview:
            remove_chains(partial)
    typer.echo(report(run, target, information_shares(run, built_by)))
    raise typer.Exit(0 if run.gate.passed else 4)


def run_name(panel: str) -> str:
    """Name of a run folder after a panel, which may be called anything: letters, digits and hyphens.

    Examples
    --------
    >>> run_name("England"), run_name("../Simulated, 60 authorities")
    ('england', 'simulated-60-authorities')
    """
    return re.sub(r"[^\w]+", "-", panel.lower()).strip("-") or "panel"


def report(run: object, target: Path, made_of: pd.DataFrame) -> str:
    """Say what was written and whether it can be trusted."""
    from bayes_csc.estimates.information import in_words
    from bayes_csc.inference.fit import Fit
    from bayes_csc.measurement.near_copies import near_copy_sentences
    from bayes_csc.panel.indicator_selection import chosen_indicators
    from bayes_csc_cli.text_table import text_table

    if not isinstance(run, Fit):
        raise TypeError(f"expected a Fit, found {type(run).__name__}")
    gate, seconds = run.gate, sum(run.record["seconds"].values())
    lines = [f"Wrote {target} ({seconds:.0f} s; panel {run.record['panel_hash'][:12]}, seed {run.record['seed']})"]
    if run.record["interrupted"]:
        lines.append("Interrupted: it holds what was drawn until then.")
    first, last = run.record.get("first_draws", run.record["draws"]), run.record["draws"]
    if not run.preview and last > first:
        lines.append(f"{first} draws a chain were too few for the checks, so the fit went on to {last}.")
    verdict = "passed" if gate.passed else "FAILED"
    if run.preview:
        lines[0] = f"PREVIEW: {lines[0][0].lower()}{lines[0][1:]}"
        lines.append(
            f"Its own check: R-hat of P(decline) at most {gate.rhat:.2f}, effective draws at least "
            f"{gate.ess_bulk:.0f}, {gate.divergences} divergences: {verdict}"
        )
    else:
        lines.append(
            f"Diagnostics: R-hat at most {gate.rhat:.3f}, effective draws at least {gate.ess_bulk:.0f} (bulk) and "
            f"{gate.ess_tail:.0f} (tail), {gate.divergences} divergences, E-BFMI {gate.ebfmi:.2f}: {verdict}"
        )
    lines += [f"  {line}" for line in gate.failing]
    lines += ["What theta is made of, by share of its information:", text_table(*in_words(made_of), 80)]
    used = chosen_indicators(run.panel, run.spec)
    lines += near_copy_sentences(
        run.panel.cells, {k: run.panel.indicators[k] for k in used}, of=used, counts=run.spec.counts
    )
    if not gate.passed:
        lines.append(f"What to try: {gate.advice}")
    return "\n".join(lines)
