"""`bayescsc model`: what a spec's model is and what its priors say before any data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from bayes_csc.simulation.prior_predictive import Implied

app = typer.Typer(name="model", no_args_is_help=True, help="Look at the model before fitting it.")


@app.callback()
def _model() -> None:
    """Keep `show` a command of its own while it is the only one."""


@app.command()
def show(
    spec: Annotated[str, typer.Option("--spec", help="Name of a shipped spec, or a TOML file.")] = "baseline",
    panel: Annotated[Path | None, typer.Option("--panel", help="Panel folder; the embedded England panel.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the prior draws.")] = 0,
) -> None:
    """Print a spec's equations and priors, its parameter count, and what the priors imply before any data."""
    import inspect

    from bayes_csc.files.embedded_data import data_dir
    from bayes_csc.panel.panel import Panel
    from bayes_csc.simulation.prior_predictive import implied_by_prior, parameters
    from bayes_csc_models.specs import spec as read_spec
    from bayes_csc_models.trajectory import trajectory

    chosen, data = read_spec(spec), Panel.read(panel or data_dir())
    typer.echo(inspect.getdoc(inspect.getmodule(trajectory)))
    typer.echo(parameter_text(parameters(trajectory(data, chosen))))
    typer.echo(implied_text(implied_by_prior(data, trajectory, chosen, seed=seed)))


def parameter_text(table: pd.DataFrame) -> str:
    """Lay the hyperparameters out as lines of text, with their count."""
    name, prior = (max(len(text) for text in texts) for texts in (table.index, table.prior))
    lines = [f"  {row.Index:<{name}}  ~ {row.prior:<{prior}}  {row.dims}".rstrip() for row in table.itertuples()]
    return "\n".join(["", f"Priors ({table['size'].sum()} parameters free to vary)", *lines])


def implied_text(implied: Implied) -> str:
    """Lay out what the priors imply as lines of text."""
    level, change = f"{implied.probability:.0%}", implied.change
    width = max(len(str(name)) for name in (*implied.rates.index, *implied.decline.index))
    rates = [
        f"  {key:<{width}}  sd {row['sd']:4.1f} ({row['sd_lower']:.1f} to {row['sd_upper']:.1f})   "
        f"{level} range {row['width']:4.1f} wide ({row['width_lower']:.1f} to {row['width_upper']:.1f})"
        for key, row in (100.0 * implied.rates).iterrows()
    ]
    declines = [
        f"  {period:<{width}}  {row['p_decline']:.2f} ({row['lower']:.2f} to {row['upper']:.2f})   "
        f"sd of the change {row['delta_sd']:.2f} over {row['years']:.1f} years"
        for period, row in implied.decline.iterrows()
    ]
    return "\n".join(
        [
            "",
            f"Before any data ({implied.draws} prior draws; in brackets the {level} interval over draws)",
            "",
            "Spread of each indicator's rate across authorities in its last year, percentage points",
            *rates,
            "",
            f"Change of theta in a year: sd {change.sd:.2f}, {level} range {change.lower:.2f} to {change.upper:.2f}",
            "",
            f"P(decline), theta falling by more than {implied.epsilon:g}; in brackets the share of authorities",
            *declines,
        ]
    )
