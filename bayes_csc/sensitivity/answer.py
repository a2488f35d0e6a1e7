"""What one variant says: every authority's change and forecast, its diagnostics, and how well it predicts."""

from __future__ import annotations

import dataclasses
import datetime
import io
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayes_csc.calendar import grid_date, grid_position
from bayes_csc.fit import KEPT, Fit, Model
from bayes_csc.forecast import forecast, has_judgements
from bayes_csc.next_grade import DRAWS, years_ahead
from bayes_csc.panel import OVERALL
from bayes_csc.revisit import Revisited, revisit
from bayes_csc.sensitivity.plan import Question
from bayes_csc.sensitivity.predictive import Predictive, predictive
from bayes_csc.states import last_inspections, states_given_draws

FORECAST = (
    "p_next_worse", "p_next_worse_lower", "p_next_worse_upper", "p_next_worse_mcse", "p_next_worse_no_data",
)  # fmt: skip
SINCE = "since inspection"


@dataclass(frozen=True)
class Answer:
    """The answer of one variant about every authority; nothing but `about` if it failed.

    Attributes
    ----------
    authority
        Codes.
    mean, variance
        Of the change given each draw of the hyperparameters (chain, draw, authority).
    forecast
        By authority: the columns `FORECAST` and `decision`; empty without judgements.
    predictive
        Its log scores; None where they were not asked for.
    about
        `depth`, `gate` ("passed" or "failed"), `failing` (what failed), `seconds`, `seed` and what else is to be told.
    """

    authority: tuple[str, ...]
    mean: np.ndarray
    variance: np.ndarray
    forecast: pd.DataFrame
    predictive: Predictive | None = None
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether it may be used."""
        return bool(self.about["gate"] == "passed")

    def to_bytes(self) -> bytes:
        """The answer as a compressed file of arrays."""
        header = {
            "authority": self.authority, "decision": self.forecast.get("decision", pd.Series(dtype=str)).tolist(),
            "forecast": self.forecast.index.tolist(), "about": self.about,
        }  # fmt: skip
        arrays: dict[str, Any] = {"mean": self.mean.astype(np.float32), "variance": self.variance.astype(np.float32)}
        arrays["table"] = self.forecast.reindex(columns=list(FORECAST)).to_numpy(dtype=float)
        if self.predictive is not None:
            values = {f.name: getattr(self.predictive, f.name) for f in dataclasses.fields(Predictive)}
            header["predictive"] = {"data": values.pop("data"), "block": values.pop("block")}
            arrays |= values
        file = io.BytesIO()
        np.savez_compressed(file, header=np.frombuffer(json.dumps(header).encode(), dtype=np.uint8), **arrays)
        return file.getvalue()

    @classmethod
    def of_bytes(cls, content: bytes) -> Answer:
        """The answer that `to_bytes` gave."""
        with np.load(io.BytesIO(content)) as file:
            arrays = dict(file)
        header = json.loads(arrays.pop("header").tobytes())
        mean, variance = (arrays.pop(name).astype(float) for name in ("mean", "variance"))
        table = pd.DataFrame(arrays.pop("table"), index=header["forecast"], columns=list(FORECAST))
        scored = header.get("predictive")
        return cls(
            tuple(header["authority"]), mean, variance, table.assign(decision=header["decision"]),
            Predictive(scored["data"], tuple(scored["block"]), **arrays) if scored else None, header["about"],
        )  # fmt: skip

    @classmethod
    def failed(cls, depth: str, reason: str) -> Answer:
        """The answer of a variant that could not be computed."""
        nothing = np.empty((1, 0, 0))
        about = {"depth": depth, "gate": "failed", "failing": [reason], "seconds": None}
        return cls((), nothing, nothing, pd.DataFrame(columns=[*FORECAST, "decision"]), None, about)


def answer_of(
    run: Fit, model: Model, *, question: Question | None = None, scored: bool = True, cores: int = 1
) -> Answer:
    """Read the answer to a question off a run.

    Parameters
    ----------
    run, model
        A run, and the function that built its model.
    question
        What is asked; as `decline` and `forecast` do, by default.
    scored
        Whether to score its predictions, too.
    cores
        Threads.
    """
    question = question or Question()
    again = revisit(run, model, horizon=years_ahead(run), draws=DRAWS)
    if question.anchor is None:
        mean, variance = _moments(run)
    else:
        mean, variance = _anchored(run, again, question, cores)
    table = pd.DataFrame(columns=[*FORECAST, "decision"])
    if has_judgements(run):
        date = None
        if question.next_in_years is not None:
            date = grid_date(float(grid_position(run.panel.date)) + question.next_in_years)
        found = forecast(run, model, group="all", date=date, again=again, force=True, cores=cores)
        table = found.set_index("authority")[[*FORECAST, "decision"]]
    about = {
        "depth": "preview" if run.preview else "full", "gate": "passed" if run.gate.passed else "failed",
        "failing": list(run.gate.failing), "seed": run.record["seed"], "seconds": sum(run.record["seconds"].values()),
    }  # fmt: skip
    authority = tuple(str(code) for code in run.change.authority.to_numpy())
    return Answer(authority, mean, variance, table, predictive(again) if scored else None, about)


def _moments(run: Fit) -> tuple[np.ndarray, np.ndarray]:
    change = run.change.sel(change=SINCE).transpose("chain", "draw", "authority")
    step = -(-change.sizes["chain"] * change.sizes["draw"] // KEPT)
    thin = change.isel(draw=slice(0, None, step))
    return thin["mean"].to_numpy(), thin["variance"].to_numpy()


def _anchored(run: Fit, again: Revisited, question: Question, cores: int) -> tuple[np.ndarray, np.ndarray]:
    """Moments of the change since another day than the last inspection's start."""
    since = last_inspections(run.panel, again.design.authority)
    if question.anchor == "publication":
        reported = reports(run, again.design.authority)
        since = np.where(np.isnan(since), np.nan, reported)
    elif isinstance(question.anchor, datetime.date):
        since = np.full(since.size, float(grid_position(question.anchor)))
    n_chain = run.unconstrained.x.sizes["chain"]
    each = len(again.points) // n_chain
    points = again.points[: n_chain * each].reshape(n_chain, each, -1)
    coords = {"chain": range(n_chain), "draw": range(each)}
    draws = xr.DataArray(points, dims=("chain", "draw", "coordinate"), coords=coords)
    _, change = states_given_draws(
        again.density, again.design, draws, since,
        seed=int(run.record["seed"]), cores=cores, no_data_every=each + 1,
    )  # fmt: skip
    found = change.sel(change=SINCE).transpose("chain", "draw", "authority")
    return found["mean"].to_numpy(), found["variance"].to_numpy()


def reports(run: Fit, authority: tuple[str, ...]) -> np.ndarray:
    """Grid position of the publication of each authority's last overall judgement, NaN where it has none."""
    overall = run.panel.inspections[run.panel.inspections["domain"] == OVERALL]
    latest = overall.sort_values(["start_date", "publication_date"]).groupby("authority")["publication_date"].last()
    return np.asarray(grid_position(latest.reindex(list(authority))))
