"""Chains of one fit: sampled side by side, shown as they go, kept as they finish, resumed after a kill."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import nutpie
import xarray as xr
from threadpoolctl import threadpool_limits

from bayes_csc.errors import InterruptedFitError, UsageError

WARMUP = 150
TARGET_ACCEPT = 0.7
"""Below nutpie's 0.8: in whitened coordinates half the leapfrog steps do, and R-hat of the scales falls as fast."""
FEWEST_DRAWS = 4
"""Of a chain that an interrupt cut short: below, its diagnostics do not exist."""
POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Progress:
    """How far a stage of a fit is.

    Attributes
    ----------
    stage
        What is being done.
    done, total
        Steps of it.
    divergences
        So far, after the warm-up.
    gradients
        Leapfrog steps so far.
    seconds_left
        Estimate, None while there is none.
    """

    stage: str
    done: int
    total: int
    divergences: int = 0
    gradients: int = 0
    seconds_left: float | None = None


@dataclass(frozen=True)
class Checkpoint:
    """A folder, made with the first finished chain, where chains wait for the others; `key` tells whose they are."""

    folder: Path
    key: dict[str, Any]

    def open(self, *, resume: bool) -> None:
        """Remove what an earlier fit left, unless resuming it.

        Raises
        ------
        UsageError
            The chains there belong to another panel, spec, seed or version.
        """
        key = self.folder / "key.json"
        if not resume or not key.is_file():
            self.close()
        elif json.loads(key.read_text()) != json.loads(json.dumps(self.key)):
            raise UsageError(f"{self.folder}: its chains are of other data, options or versions; leave out --resume")

    def path(self, chain: int) -> Path:
        """File of a chain."""
        return self.folder / f"chain-{chain}.nc"

    def read(self, chain: int) -> xr.DataTree | None:
        """A finished chain, or None."""
        if not self.path(chain).is_file():
            return None
        with xr.open_datatree(self.path(chain), engine="h5netcdf") as tree:
            return tree.load()

    def write(self, chain: int, tree: xr.DataTree) -> None:
        """Keep a finished chain: whole or not at all."""
        key, part = self.folder / "key.json", self.folder / f"chain-{chain}.part"
        if not key.is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(self.key))
            part.rename(key)
        tree.to_netcdf(part, engine="h5netcdf")
        part.rename(self.path(chain))

    def close(self) -> None:
        """Remove the folder, if there is one."""
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            path.unlink()
        self.folder.rmdir()


def sample_chains(
    density: Any,
    *,
    seed: int,
    draws: int,
    chains: int,
    cores: int,
    warmup: int = WARMUP,
    checkpoint: Checkpoint | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[xr.Dataset, xr.Dataset, bool]:
    """Sample chains by NUTS, `cores` at a time; chain c depends on the seed and c alone.

    Parameters
    ----------
    density
        A compiled nutpie model.
    seed, draws, chains, cores, warmup
        Of the sampling.
    checkpoint
        Where finished chains are kept and taken from.
    progress
        Called a few times a second.

    Returns
    -------
    tuple of (posterior, sample_stats, interrupted)
        Dims (chain, draw, ...). After an interrupt: what was drawn, chains cut to one length and the shortest left out,
        so that the most draws are kept.

    Raises
    ------
    InterruptedFitError
        No chain had left its warm-up.
    """
    trees: dict[int, xr.DataTree] = {}
    for c in range(chains):
        kept = checkpoint.read(c) if checkpoint else None
        if kept is not None:
            trees[c] = kept
    waiting = [c for c in range(chains) if c not in trees]
    running: dict[int, Any] = {}
    state: dict[int, Any] = {}
    began, interrupted = time.monotonic(), False
    resumed = len(trees)

    def start(c: int) -> None:
        def listen(now: Any) -> None:
            state[c] = now[0]

        running[c] = nutpie.sample(
            density,
            draws=draws,
            tune=warmup,
            chains=1,
            cores=1,
            target_accept=TARGET_ACCEPT,
            seed=int(np.random.SeedSequence([seed, c]).generate_state(1)[0]),
            save_warmup=False,
            progress_bar=False,
            blocking=False,
            progress_callback=listen,
            progress_rate=100,
        )

    with threadpool_limits(1):
        try:
            while waiting or running:
                while waiting and len(running) < cores:
                    start(waiting.pop(0))
                time.sleep(POLL_SECONDS)
                for c in [c for c, sampler in running.items() if _finished(sampler)]:
                    trees[c] = _tidy(running.pop(c).wait(), c)
                    if checkpoint:
                        checkpoint.write(c, trees[c])
                if progress:
                    progress(_progress(state, draws + warmup, chains, resumed, began))
        except KeyboardInterrupt:
            interrupted = True
            trees |= {c: _tidy(sampler.abort(), c) for c, sampler in running.items()}
        except BaseException:
            for sampler in running.values():  # they read memory that this process is about to give back
                sampler.cancel()
            raise
    return (*_joined(trees), interrupted)


def _finished(sampler: Any) -> bool:
    try:
        return bool(sampler.is_finished)
    except TimeoutError:  # nutpie 0.16 raises it where the sampler is busy
        return False


def _tidy(tree: Any, chain: int) -> xr.DataTree:
    """Posterior and the sampler's statistics of one chain, labelled by its number."""
    groups = {}
    for name in ("posterior", "sample_stats"):
        group = tree[name].to_dataset()
        if name == "sample_stats":
            group = group[["diverging", "energy", "n_steps", "step_size"]]
        groups[f"/{name}"] = group.assign_coords(chain=[chain])
    return xr.DataTree.from_dict(groups)


def _joined(trees: dict[int, xr.DataTree]) -> tuple[xr.Dataset, xr.Dataset]:
    drawn = {c: t["posterior"].sizes["draw"] for c, t in sorted(trees.items())}
    length = max(drawn.values(), key=lambda n: n * sum(other >= n for other in drawn.values()), default=0)
    if length < FEWEST_DRAWS:
        raise InterruptedFitError("interrupted before any chain had left its warm-up: nothing is written")
    kept = [c for c, n in drawn.items() if n >= length]
    joined = [
        xr.concat([trees[c][name].to_dataset().isel(draw=slice(0, length)) for c in kept], dim="chain", join="outer")
        for name in ("posterior", "sample_stats")
    ]
    return joined[0], joined[1]


def _progress(state: dict[int, Any], length: int, chains: int, resumed: int, began: float) -> Progress:
    seen = list(state.values())
    now = sum(int(s.finished_draws) for s in seen)
    total = chains * length
    passed = time.monotonic() - began
    left = passed / now * (total - resumed * length - now) if now else None
    return Progress(
        "sampling",
        resumed * length + now,
        total,
        sum(int(s.divergences) for s in seen),
        sum(int(s.total_num_steps) for s in seen),
        left,
    )
