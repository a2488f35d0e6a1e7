"""Panels that no model can be fitted to are refused before anything is compiled, with the reason."""

from __future__ import annotations

import dataclasses
import time

import pytest
from paths import PANELS

from bayes_csc.errors import BayesCscError, DataError
from bayes_csc.inference.fit import fit
from bayes_csc.panel.panel import Panel
from bayes_csc_models import trajectory


def of(codes: list[str]) -> Panel:
    panel = Panel.read(PANELS / "hamlets")
    table = panel.authorities.loc[codes].assign(predecessors="", predecessor_weights="", successors="", neighbours="")
    cells = panel.cells[panel.cells["authority"].isin(codes)].reset_index(drop=True)
    inspections = panel.inspections[panel.inspections["authority"].isin(codes)].reset_index(drop=True)
    return dataclasses.replace(panel, authorities=table, cells=cells, inspections=inspections)


def test_one_authority_alone_is_refused_with_the_reason() -> None:
    started = time.process_time()
    with pytest.raises(DataError, match="one authority alone, 401; theta is relative to the mean of all"):
        fit(of(["401"]), trajectory)
    assert time.process_time() - started < 10


def test_a_panel_without_authorities_or_rows_is_refused() -> None:
    with pytest.raises(BayesCscError):
        fit(of([]), trajectory)
