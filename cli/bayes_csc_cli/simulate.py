"""`bayescsc simulate`: a panel drawn from the model, with its truth beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def simulate(
    out: Annotated[Path, typer.Option("--out", help="Panel folder to write, with its truth in truth.nc.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same panel.")],
    authorities: Annotated[int, typer.Option("--authorities", help="How many local authorities, 2 or more.")],
    years: Annotated[int, typer.Option("--years", help="How many reporting years, 2 or more.")],
    indicators: Annotated[int, typer.Option("--indicators", help="How many indicators, 1 or more.")] = 6,
    spec: Annotated[str, typer.Option("--spec", help="Name of a shipped spec, or a TOML file.")] = "baseline",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a panel that is there.")] = False,
) -> None:
    """Draw truths from the prior and data from the model, and write them as a panel that `fit` reads."""
    from bayes_csc.files import reserved
    from bayes_csc.simulation.simulate import refuse_existing, simulate, write_simulation
    from bayes_csc_models.specs import spec as read_spec
    from bayes_csc_models.trajectory import trajectory

    with reserved(out):
        refuse_existing(out, overwrite=overwrite)
        panel, truth = simulate(
            trajectory, read_spec(spec), authorities=authorities, years=years, indicators=indicators, seed=seed
        )
        write_simulation(panel, truth, out, overwrite=overwrite)
    typer.echo(f"Wrote {len(panel.cells)} cells and {len(panel.inspections)} judgements, with their truth, to {out}")
