"""Forecasters and panels for the tests of backtests: cheap, importable by workers, and of known answers."""

from __future__ import annotations

import datetime
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from bayes_csc.evaluation.backtest.forecasters.forecaster import Answer
from bayes_csc.panel.panel import Panel
from bayes_csc.simulation.template_panel import skeleton


@dataclass(frozen=True)
class Constant:
    """The same probabilities for every target."""

    name: str
    probabilities: tuple[float, ...] = (0.1, 0.4, 0.3, 0.2)

    def __call__(self, known: Panel, targets: pd.DataFrame, *, seed: int) -> Answer:
        return answered(targets, self.probabilities)


@dataclass(frozen=True)
class Slow:
    """Takes its time, and leaves a line with its process and origin in a file when it begins."""

    name: str
    log: str
    seconds: float

    def __call__(self, known: Panel, targets: pd.DataFrame, *, seed: int) -> Answer:
        noted(self.log, known)
        time.sleep(self.seconds)
        return answered(targets, (0.2, 0.3, 0.3, 0.2))


@dataclass(frozen=True)
class Breaking:
    """Fails at one origin, unless a file is there; leaves a line in a file otherwise."""

    name: str
    origin: datetime.date
    mended: str
    log: str

    def __call__(self, known: Panel, targets: pd.DataFrame, *, seed: int) -> Answer:
        if known.date == self.origin and not Path(self.mended).exists():
            raise RuntimeError("broken on purpose")
        noted(self.log, known)
        return answered(targets, (0.25, 0.25, 0.25, 0.25))


def noted(log: str, known: Panel) -> None:
    with Path(log).open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()} {known.date}\n")


def answered(targets: pd.DataFrame, probabilities: tuple[float, ...]) -> Answer:
    rows = np.tile(probabilities, (len(targets), 1))
    return Answer(pd.DataFrame(rows, index=targets.index, columns=range(1, len(probabilities) + 1)))


def invented(authorities: int = 14, years: int = 11, seed: int = 3) -> Panel:
    """An invented panel with a successor, restated cells and dated covariates."""
    panel = skeleton(authorities=authorities, years=years, indicators=3, rng=np.random.default_rng(seed))
    first, second = panel.authorities.index[:2]
    table = panel.authorities.copy()
    table.loc[first, ["successors", "valid_to"]] = [second, pd.Timestamp("2020-03-31")]
    table.loc[second, ["predecessors", "predecessor_weights", "valid_from"]] = [first, "1", pd.Timestamp("2020-04-01")]
    cells = panel.cells.assign(numerator=(panel.cells.denominator * 0.3).round())
    cells = cells[~((cells.authority == second) & (cells.reference_end < "2020-04-01"))]
    cells = cells[~((cells.authority == first) & (cells.reference_end > "2020-03-31"))].reset_index(drop=True)
    inspections = panel.inspections
    when = inspections.start_date
    wrong = (inspections.authority == second) & (when < "2020-04-01")
    wrong |= (inspections.authority == first) & (when > "2020-03-31")
    restated = cells[cells.year == 2018]
    return replace(
        panel,
        authorities=table,
        cells=cells.assign(
            publication_date=cells.publication_date.where(cells.year != 2018, pd.Timestamp("2020-06-30"))
        ),
        revisions=restated.assign(numerator=restated.numerator + 1.0),
        inspections=inspections[~wrong].reset_index(drop=True),
        covariates=covariates(panel),
    )


def covariates(panel: Panel) -> pd.DataFrame:
    codes = list(panel.authorities.index)
    rng = np.random.default_rng(8)
    return pd.DataFrame(
        [
            {"authority": code, "year": year, "covariate": name, "value": float(value), "source": "made"}
            for name, years, middle in (("imd", (2015, 2019, 2025), 20.0), ("population_0_17", range(2014, 2025), 5e4))
            for year in years
            for code, value in zip(codes, middle * rng.uniform(0.5, 1.5, len(codes)), strict=True)
        ]
    )
