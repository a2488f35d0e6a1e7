"""The backtest that ships with an embedded panel: how good its forecasts have been, for reports to quote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from bayes_csc.errors import DataError, UsageError
from bayes_csc.evaluation.backtest.summary import ALL
from bayes_csc.files.embedded_data import backtest_files, data_dir
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec


@dataclass(frozen=True)
class ShippedBacktest:
    """The record of a backtest, and what it is not about.

    Attributes
    ----------
    record
        What backtest.json holds (`backtest.files.record`).
    mismatch
        How the panel or the spec that it is quoted for differs from those it was run on, a sentence each; empty where
        they are the same.
    """

    record: dict[str, Any]
    mismatch: tuple[str, ...]

    def quotes(self, group: str) -> list[str]:
        """Sentences about a group, or about all where the backtest does not have it: events, AUC and log score.

        They are of the shortest horizon, in which every event counts once.
        """
        findings = self.record["findings"]
        shortest = min(row["horizon"] for row in findings)
        groups = {row["group"] for row in findings}
        chosen = group if group in groups else ALL
        said = [row["text"] for row in findings if row["horizon"] == shortest and row["group"] == chosen]
        return [self.record["counts"][str(shortest)], *said]


def shipped(panel: Panel, spec: Spec | None = None) -> ShippedBacktest | None:
    """Find the backtest that ships with the panel of this name.

    Parameters
    ----------
    panel
        The panel that reports are about; another edition than the backtest's is a mismatch.
    spec
        What was fitted to it, if the backtest is to be quoted for a fit.

    Returns
    -------
    ShippedBacktest or None
        None where no backtest of such a panel ships.

    Raises
    ------
    DataError
        A file that ships is not the record of a backtest.
    """
    for path in backtest_files():
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            about = record["metadata"]
            model = about.get("model", record["baseline"])
            run_on, fitted = about["panel_hash"], about["forecasters"][model].get("spec")
            record["findings"], record["counts"]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{path}: not the record of a backtest ({type(error).__name__}: {error}); `make backtest` makes it anew"
            ) from error
        if about["panel"] == panel.name:
            return ShippedBacktest(record, _mismatch(panel, spec, about, run_on, fitted))
    return None


def recorded_pool_of(panel: Panel, spec: Spec) -> tuple[dict[str, Any] | None, str]:
    """Find the pool by which a model's forecasts of a panel are to be mixed with those of past transitions.

    Parameters
    ----------
    panel
        The panel of a run: of the record's edition, or that as it was known on an earlier day (`Panel.as_of`).
    spec
        Of the run.

    Returns
    -------
    tuple
        The entry that the record chose (`pool.pool_record`), or None; and why there is none, a sentence.
    """
    for path in backtest_files():
        record = json.loads(path.read_text(encoding="utf-8"))
        about = record["metadata"]
        if about["panel"] != panel.name:
            continue
        chosen = next((pool for pool in record.get("pool", []) if pool["name"] == record["baseline"]), None)
        if chosen is None:
            return None, f"the backtest of {panel.name} that ships has no pool"
        if about["forecasters"][chosen["model"]].get("spec") != spec.model_dump(mode="json"):
            return None, f"the backtest of {panel.name} that ships is of another spec than {spec.name}"
        if about["panel_hash"] != panel.hash and not _earlier(panel, about["panel_hash"], path.stem):
            return None, f"the backtest that ships is of another edition of the panel {panel.name}"
        return chosen, ""
    return None, f"no backtest of the panel {panel.name} ships"


def _earlier(panel: Panel, run_on: str, name: str) -> bool:
    """Whether a panel is the embedded one of this hash as it was known on the panel's date."""
    try:
        whole = Panel.read(data_dir(name))
    except UsageError:
        return False
    return panel.date < whole.date and whole.hash == run_on and whole.as_of(panel.date).hash == panel.hash


def _mismatch(
    panel: Panel, spec: Spec | None, about: dict[str, Any], run_on: str, fitted: dict[str, Any] | None
) -> tuple[str, ...]:
    said = []
    if run_on != panel.hash:
        said.append(
            f"It was run on another edition of the panel {panel.name} (of {about['panel_date']}, {run_on[:12]}; this "
            f"one is of {panel.date}, {panel.hash[:12]}): `bayescsc backtest` runs it on yours."
        )
    if spec is not None and fitted != spec.model_dump(mode="json"):
        said.append(
            f"It was run with another spec ({(fitted or {}).get('name', 'none')}; this one is {spec.name}): "
            "`bayescsc backtest --spec` runs it with yours."
        )
    return tuple(said)
