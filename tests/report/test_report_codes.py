"""A whole report of a panel whose codes have capitals, small letters and both."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from simulated_report import fitted

from bayes_csc.inference.fit import Fit
from bayes_csc.report.findings.collect import Findings, gather
from bayes_csc.report.site import write_site
from bayes_csc_models import trajectory

NEW = ("E09000001", "GoodHope", "MEX", "RXX", "U01", "a6", "b7", "c8")


@pytest.fixture(scope="module")
def run() -> Fit:
    """The run that the other tests of the report share, under other codes in the same order."""
    old = fitted()
    code = dict(
        zip(sorted(str(c) for c in old.panel.authorities.index), _many(len(old.panel.authorities)), strict=True)
    )
    panel = old.panel
    table = panel.authorities.rename(index=code)
    for name in ("predecessors", "successors", "neighbours"):
        table[name] = [" ".join(code[c] for c in text.split()) for text in table[name]]
    cells = panel.cells.assign(authority=["+".join(code[c] for c in a.split("+")) for a in panel.cells["authority"]])
    inspections = panel.inspections.assign(authority=panel.inspections["authority"].map(code))
    panel = dataclasses.replace(panel, authorities=table, cells=cells, inspections=inspections)

    def renamed(data: xr.Dataset) -> xr.Dataset:
        named = {n: [code.get(str(v), v) for v in c.values] for n, c in data.coords.items() if c.dtype.kind in "OUT"}
        return data.assign_coords({n: (data[n].dims, v) for n, v in named.items()})

    parts: dict[str, Any] = {f.name: getattr(old, f.name) for f in dataclasses.fields(old)}
    parts = {n: renamed(v) if isinstance(v, xr.Dataset) else v for n, v in parts.items()}
    return Fit(**parts | {"panel": panel, "record": old.record | {"panel_hash": panel.hash}})


def _many(n: int) -> list[str]:
    return sorted([*NEW, *(f"z{k}" for k in range(n - len(NEW)))])[:n]


@pytest.fixture(scope="module")
def found(run: Fit) -> Findings:
    return gather(run, trajectory, Path("runs/none"), group="all", authorities=["MEX", "GoodHope"])


def test_every_authority_has_its_page_under_its_code(found: Findings, tmp_path: Path) -> None:
    here = set(found.decline["authority"])
    assert {"E09000001", "MEX", "U01", "c8"} <= here
    assert set(found.contributions["authority"]) == {page.code for page in found.pages} == here
    write_site(found, tmp_path / "site")
    assert (tmp_path / "site" / "authority-MEX.html").is_file()
