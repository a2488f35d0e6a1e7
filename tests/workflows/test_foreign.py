"""A panel of another world: clinics in provinces, scored by visitors in ordered categories, and nothing else."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayes_csc.files.csv_toml import AUTHORITY_COLUMNS, CELL_COLUMNS, INSPECTION_COLUMNS
from bayes_csc.inference.fit import preview
from bayes_csc.measurement.design import design
from bayes_csc.panel.indicators import Indicator
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import trajectory

CLINICS, YEARS = 24, range(2018, 2024)
SPEC = Spec.parse({"name": "clinics", "pooling": {"deprivation": False}, "ratings": {"use": False}})


def scored(key: str, polarity: str, categories: int) -> Indicator:
    return Indicator(
        key=key, label=key.capitalize(), definition=f"Visitors' score of {key}.", family="ordinal", polarity=polarity,
        numerator="score", denominator="visit", domain="visits", release="visitors", reference_instant="end",
        publication_month=12, categories=categories,
    )  # fmt: skip


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """Latent quality (clinic, year): clinics differ, and half of them rise while the others fall."""
    rng = np.random.default_rng(5)
    slope = np.where(np.arange(CLINICS) % 2 == 0, 0.5, -0.5)
    return rng.normal(size=CLINICS)[:, None] + slope[:, None] * (np.arange(len(YEARS)) - 2.5)


@pytest.fixture(scope="module")
def clinics(truth: np.ndarray) -> Panel:
    rng = np.random.default_rng(6)
    indicators = {
        "welcome": scored("welcome", "higher is better", 5), "waiting": scored("waiting", "higher is worse", 4),
        "care": scored("care", "higher is better", 5),
    }  # fmt: skip
    codes = [f"C{c:02}" for c in range(CLINICS)]
    rows = []
    for key, indicator in indicators.items():
        size = indicator.categories or 0
        edges = np.linspace(-1.5, 1.5, size - 1)
        for c, code in enumerate(codes):
            for t, year in enumerate(YEARS):
                score = 1.5 * truth[c, t] + rng.normal()
                category = 1 + int((score > edges).sum())
                value = category if indicator.polarity == "higher is better" else size + 1 - category
                day = pd.Timestamp(year, 6, 30)
                rows.append(
                    {
                        "authority": code, "year": year, "indicator": key, "value": float(value), "status": "observed",
                        "reference_start": day, "reference_end": day, "publication_date": pd.Timestamp(year, 12, 31),
                        "source": "visitors",
                    }
                )  # fmt: skip
    cells = pd.DataFrame(rows, columns=list(CELL_COLUMNS))
    for name in ("numerator", "denominator", "lower", "upper"):
        cells[name] = np.nan
    authorities = pd.DataFrame("", index=codes, columns=[c for c in AUTHORITY_COLUMNS if c != "code"])
    authorities = authorities.assign(
        name=[f"Clínica {c}" for c in codes], region=["North", "South", "Hills"] * (CLINICS // 3),
        deprivation=np.nan, population=np.nan, valid_from=pd.NaT, valid_to=pd.NaT,
    )  # fmt: skip
    return Panel(
        name="Clinics", date=datetime.date(2023, 12, 31), grades=("good", "bad"), indicators=indicators, cells=cells,
        inspections=pd.DataFrame(columns=list(INSPECTION_COLUMNS)), authorities=authorities,
    )  # fmt: skip


def test_it_is_written_and_read_back(clinics: Panel, tmp_path: Path) -> None:
    clinics.write(tmp_path / "clinics")
    again = Panel.read(tmp_path / "clinics")
    assert again.hash == clinics.hash
    assert design(again, SPEC).ordinal == ("welcome", "waiting", "care")


@pytest.mark.usefixtures("interpreted")
def test_a_preview_finds_who_rises_and_who_falls(clinics: Panel, truth: np.ndarray, tmp_path: Path) -> None:
    clinics.write(tmp_path / "clinics")
    run = preview(Panel.read(tmp_path / "clinics"), trajectory, spec=SPEC, seed=1)
    theta = run.posterior.theta.mean(("chain", "draw")).sel(year=list(YEARS)).to_numpy()
    centred = truth - truth.mean(axis=0)
    assert np.corrcoef(theta.ravel(), centred.ravel())[0, 1] > 0.85
    change = run.change["mean"].sel(change="recent").mean(("chain", "draw")).to_numpy()
    assert (np.sign(change) == np.where(np.arange(CLINICS) % 2 == 0, 1.0, -1.0)).mean() > 0.8
