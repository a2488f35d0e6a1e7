"""One authority's record as plain values, for pipelines: stable keys, ISO dates, null for what is missing."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayes_csc.panel.describe.authority_record import AuthorityRecord
from bayes_csc.panel.panel import INSPECTION

CELL_KEYS = (
    *("year", "authority", "status", "value", "numerator", "denominator", "lower", "upper"),
    *("national", "national_lower", "national_upper", "reference_start", "reference_end", "publication_date", "source"),
)
DICTIONARY_KEYS = ("key", "label", "definition", "family", "polarity", "numerator", "denominator", "domain", "default")


def authority_json(record: AuthorityRecord) -> dict[str, Any]:
    """Turn a record into values that JSON knows.

    Parameters
    ----------
    record
        The record.

    Returns
    -------
    dict
        `panel`, `authority`, `indicators` (each with its `cells`), `inspections` (each with its `judgements`), `gaps`,
        `release_changes`, `revisions`, `notes`.
    """
    facts, kin = record.facts, record.kin
    related = {
        f"{relation}s": _rows(kin.loc[kin["relation"] == relation, ["code", "name", "weight"][: 2 + weighted]])
        for relation, weighted in (("predecessor", 1), ("successor", 0), ("neighbour", 0))
    }
    described = ("name", "region", "deprivation", "rural_urban", "population", "valid_from", "valid_to")
    return {
        "panel": record.panel,
        "authority": {
            "code": record.code,
            **{name: _plain(facts[name]) for name in described},
            **related,
            "joint_returns": _rows(record.joint_returns),
        },
        "indicators": [
            {
                **{name: getattr(indicator, name) for name in DICTIONARY_KEYS},
                "cells": _rows(record.cells.loc[record.cells["indicator"] == key, list(CELL_KEYS)]),
            }
            for key, indicator in record.indicators.items()
        ],
        "inspections": [
            {
                "framework": rows["framework"].iloc[0],
                "type": rows["type"].iloc[0],
                "start_date": _plain(rows["start_date"].iloc[0]),
                "publication_date": _plain(rows["publication_date"].iloc[0]),
                "judgements": {
                    row["domain"]: {"grade": _plain(row["grade"]), "label": row["label"]} for row in _rows(rows)
                },
            }
            for _, rows in record.inspections.groupby(INSPECTION, sort=False, dropna=False)
        ],
        "gaps": _rows(record.gaps),
        "release_changes": _rows(record.release_changes),
        "revisions": _rows(record.revisions),
        "notes": record.notes,
    }


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): _plain(value) for name, value in zip(table.columns, row, strict=True)}
        for row in table.itertuples(index=False, name=None)
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if value is None or pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    return value.item() if hasattr(value, "item") else value
