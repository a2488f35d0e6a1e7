"""What one variant says: every authority's change and forecast, its diagnostics, and how well it predicts."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from bayes_csc.estimates.forecast.next_grade import DRAWS, years_ahead
from bayes_csc.evaluation.forecast.forecast import has_judgements
from bayes_csc.evaluation.sensitivity.answers.packed import packed, unpacked
from bayes_csc.evaluation.sensitivity.answers.predictive import Predictive, data_digest, predictive
from bayes_csc.evaluation.sensitivity.answers.worse import FORECAST, NOTHING, Worse
from bayes_csc.evaluation.sensitivity.plan.plan import Question
from bayes_csc.inference.fit import KEPT, Fit, Model
from bayes_csc.inference.reopen import Revisited, revisit
from bayes_csc.likelihood.conditional_states import last_inspections, states_given_draws
from bayes_csc.panel.calendar import grid_date, grid_position

SINCE = "since inspection"
SCORED = 96
"""Draws by which every fit is scored, the base too: importance sampling by few draws is biased, by the same number of
them alike."""


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
        By authority: the columns `FORECAST` and `level`; empty without judgements.
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
            "authority": self.authority, "level": self.forecast["level"].tolist(),
            "forecast": self.forecast.index.tolist(), "about": self.about,
        }  # fmt: skip
        arrays: dict[str, Any] = {"mean": self.mean.astype(np.float32), "variance": self.variance.astype(np.float32)}
        arrays["table"] = self.forecast.reindex(columns=list(FORECAST)).to_numpy(dtype=float)
        if self.predictive is not None:
            scored, values = self.predictive.parts()
            header["predictive"] = scored
            arrays |= values
        return packed(header, arrays)

    @classmethod
    def of_bytes(cls, content: bytes) -> Answer:
        """The answer that `to_bytes` gave."""
        header, arrays = unpacked(content)
        mean, variance = (arrays.pop(name).astype(float) for name in ("mean", "variance"))
        table = pd.DataFrame(arrays.pop("table"), index=header["forecast"], columns=list(FORECAST))
        scored = header.get("predictive")
        return cls(
            tuple(header["authority"]), mean, variance, table.assign(level=header["level"]),
            Predictive.of_parts(scored, arrays) if scored else None, header["about"],
        )  # fmt: skip

    @classmethod
    def failed(cls, depth: str, reason: str) -> Answer:
        """The answer of a variant that could not be computed."""
        nothing = np.empty((1, 0, 0))
        about = {"depth": depth, "gate": "failed", "failing": [reason], "seconds": None, "draws": None}
        return cls((), nothing, nothing, NOTHING, None, about)


def answer_of(
    run: Fit, model: Model, *, question: Question | None = None, data: str | None = None, cores: int = 1
) -> Answer:
    """Read the answer to a question off a run.

    Parameters
    ----------
    run, model
        A run, and the function that built its model.
    question
        What is asked; as `decline` and `forecast` do, by default.
    data
        Digest of the observations (`predictive.data_digest`) of which predictions are scored: only fits of the same
        ones can be compared.
    cores
        Threads.
    """
    question = question or Question()
    again = revisit(run, model, horizon=years_ahead(run), draws=DRAWS)
    mean, variance = moments(run) if question.anchor is None else anchored(run, again, question.anchor, cores=cores)
    table = NOTHING
    if has_judgements(run):
        table = Worse.of(run, model, again, date=inspected_on(run, question), cores=cores).table()
    scores = None
    if data == data_digest(again.design):
        scores = predictive(revisit(run, model, horizon=years_ahead(run), draws=SCORED))
    return Answer(authorities(run), mean, variance, table, scores, about_fit(run))


def authorities(run: Fit) -> tuple[str, ...]:
    """Codes of the authorities that a run has an estimate of."""
    return tuple(str(code) for code in run.change.authority.to_numpy())


def about_fit(run: Fit) -> dict[str, Any]:
    """What an answer tells of the fit it was read off."""
    return {
        "depth": "preview" if run.preview else "full", "gate": "passed" if run.gate.passed else "failed",
        "failing": list(run.gate.failing), "seed": run.record["seed"], "seconds": sum(run.record["seconds"].values()),
        "draws": int(run.unconstrained.sizes["chain"] * run.unconstrained.sizes["draw"]),
    }  # fmt: skip


def inspected_on(run: Fit, question: Question) -> datetime.date | None:
    """Day of the next inspection that a question supposes; None where it is as uncertain as it is."""
    if question.next_in_years is None:
        return None
    return grid_date(float(grid_position(run.panel.date)) + question.next_in_years)


def moments(run: Fit) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance (chain, draw, authority) of the change since the last inspection."""
    change = run.change.sel(change=SINCE).transpose("chain", "draw", "authority")
    step = -(-change.sizes["chain"] * change.sizes["draw"] // KEPT)
    thin = change.isel(draw=slice(0, None, step))
    return thin["mean"].to_numpy(), thin["variance"].to_numpy()


def anchored(
    run: Fit, again: Revisited, anchor: Literal["publication"] | datetime.date, *, cores: int
) -> tuple[np.ndarray, np.ndarray]:
    """Moments of the change since a day, or the last inspection's report, and not since that inspection's start."""
    since = last_inspections(run.panel, again.design.authority)
    if isinstance(anchor, datetime.date):
        since = np.full(since.size, float(grid_position(anchor)))
    else:
        since = np.where(np.isnan(since), np.nan, reports(run, again.design.authority))
    n_chain = run.unconstrained.x.sizes["chain"]
    each = len(again.points) // n_chain
    points = again.points[: n_chain * each].reshape(n_chain, each, -1)
    coords = {"chain": range(n_chain), "draw": range(each)}
    draws = xr.DataArray(points, dims=("chain", "draw", "coordinate"), coords=coords)
    _, change, _ = states_given_draws(
        again.density, again.design, draws, since,
        seed=int(run.record["seed"]), cores=cores, no_data_every=each + 1,
    )  # fmt: skip
    found = change.sel(change=SINCE).transpose("chain", "draw", "authority")
    return found["mean"].to_numpy(), found["variance"].to_numpy()


def reports(run: Fit, authority: tuple[str, ...]) -> np.ndarray:
    """Grid position of the publication of each authority's last inspection, NaN where it has none."""
    whole = run.panel.whole_grades()
    latest = whole.sort_values(["start_date", "publication_date"]).groupby("authority")["publication_date"].last()
    return np.asarray(grid_position(latest.reindex(list(authority))))
