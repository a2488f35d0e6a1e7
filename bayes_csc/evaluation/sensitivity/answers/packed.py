"""Plain values and arrays as one compressed file: what jobs give back, and what is kept of them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

HEADER = "header"


def packed(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Pack plain values and arrays (none called "header")."""
    file = io.BytesIO()
    named: dict[str, Any] = {HEADER: np.frombuffer(json.dumps(header).encode(), dtype=np.uint8), **arrays}
    np.savez_compressed(file, **named)
    return file.getvalue()


def unpacked(content: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The plain values and arrays that `packed` was given."""
    with np.load(io.BytesIO(content)) as file:
        arrays = dict(file)
    header: dict[str, Any] = json.loads(arrays.pop(HEADER).tobytes())
    return header, arrays


def packed_table(table: pd.DataFrame) -> bytes:
    """Pack a table of texts and numbers."""
    return packed({"columns": table.to_dict("list")}, {})


def unpacked_table(content: bytes) -> pd.DataFrame:
    """The table that `packed_table` was given."""
    return pd.DataFrame(unpacked(content)[0]["columns"])
