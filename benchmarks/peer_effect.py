"""What a sampler's draws are worth: effective sample sizes of theta and the hyperparameters."""

from __future__ import annotations

from typing import Any

import arviz_stats as az
import numpy as np
import xarray as xr

FEWEST_DRAWS = 4


def worth(draws: list[dict[str, np.ndarray]], exists: np.ndarray, names: list[str]) -> dict[str, Any]:
    """Smallest bulk and tail effective sample size, and largest R-hat, over theta and the hyperparameters.

    Parameters
    ----------
    draws
        For every chain, arrays (draw, ...) by name. Chains are cut to one length and the shortest left out, so that
        the most draws are kept.
    exists
        Whether each authority existed in each year; theta is taken there, less its mean over them, by year.
    names
        Hyperparameters.
    """
    lengths = sorted((len(chain["theta"]) for chain in draws), reverse=True)
    length = max(lengths, key=lambda n: n * sum(other >= n for other in lengths), default=0)
    out: dict[str, Any] = {"chains": 0, "draws": 0, "ess_bulk": 0.0, "ess_tail": 0.0, "rhat": None, "worst": ""}
    if length < FEWEST_DRAWS:
        return out
    kept = [chain for chain in draws if len(chain["theta"]) >= length]
    theta = np.stack([chain["theta"][:length] for chain in kept])
    theta = theta - np.where(exists, theta, 0.0).sum(axis=2, keepdims=True) / exists.sum(axis=0)
    values = {"theta": theta[..., exists]}
    values |= {n: np.stack([chain[n][:length] for chain in kept]).reshape(len(kept), length, -1) for n in names}
    labels = [f"{n}[{i}]" if v.shape[-1] > 1 else n for n, v in values.items() for i in range(v.shape[-1])]
    flat = xr.DataArray(np.concatenate(list(values.values()), axis=-1), dims=("chain", "draw", "entry"))
    bulk, tail = (az.ess(flat.to_dataset(name="x"), method=m)["x"].to_numpy() for m in ("bulk", "tail"))
    rhat = az.rhat(flat.to_dataset(name="x"))["x"].to_numpy()
    return out | {
        "chains": len(kept),
        "draws": length,
        "ess_bulk": _least(bulk),
        "ess_tail": _least(tail),
        "rhat": float(np.nanmax(rhat)) if np.isfinite(rhat).any() else None,
        "worst": labels[int(np.argmin(np.nan_to_num(bulk)))],
    }


def _least(ess: np.ndarray) -> float:
    """Smallest; 0 where a chain has not moved."""
    return float(np.min(np.nan_to_num(ess)))
