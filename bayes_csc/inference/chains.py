"""Chains of one fit: sampled side by side, shown as they go, kept as they finish, resumed after a kill."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from bayes_csc.errors import InterruptedFitError, UsageError
from bayes_csc.files import netcdf, read_netcdf, reserved, write_files
from bayes_csc.inference.hmc import Chain, sample_chain
from bayes_csc.inference.posterior_mode import Start

WARMUP = 100
FEWEST_DRAWS = 4
"""Of a chain that an interrupt cut short: below, its diagnostics do not exist."""
POLL_SECONDS = 0.05
KEY = "fit"
"""Attribute of a kept chain: of which fit it is."""
FIRST_SD = 0.5
"""Of the chains' first points, in whitened coordinates."""


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
        So far.
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
    """A folder, made with the first finished chain, where chains wait for the others; each says of which fit it is.

    Attributes
    ----------
    folder
        The folder; one fit at a time has it open.
    key
        Plain values that tell whose chains they are.
    """

    folder: Path
    key: dict[str, Any]

    @contextmanager
    def opened(self, *, resume: bool) -> Iterator[Checkpoint]:
        """Reserve the folder for a fit, and remove what an earlier fit left, unless resuming it.

        Raises
        ------
        UsageError
            Another fit has it open; or the chains there belong to another panel, spec, seed or version.
        """
        with reserved(self.folder):
            if not resume:
                remove_chains(self.folder)
            for path in sorted(self.folder.glob("chain-*.nc")):
                self._read(path)
            yield self

    def path(self, chain: int) -> Path:
        """File of a chain."""
        return self.folder / f"chain-{chain}.nc"

    def read(self, chain: int) -> xr.DataTree | None:
        """A finished chain, or None."""
        return self._read(self.path(chain)) if self.path(chain).is_file() else None

    def _read(self, path: Path) -> xr.DataTree:
        try:
            tree = read_netcdf(path)
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: damaged ({error}); leave out --resume") from error
        if tree.attrs.get(KEY) != self._key:
            raise UsageError(f"{self.folder}: its chains are of other data, options or versions; leave out --resume")
        return tree

    def write(self, chain: int, tree: xr.DataTree) -> None:
        """Keep a finished chain: whole or not at all."""
        kept = tree.copy(deep=False)
        kept.attrs = tree.attrs | {KEY: self._key}
        write_files(self.folder, {self.path(chain).name: netcdf(kept)})

    @property
    def _key(self) -> str:
        return json.dumps(self.key, sort_keys=True)


def remove_chains(folder: Path) -> None:
    """Remove the folder of a checkpoint, if there is one."""
    if folder.is_dir():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


Begun = tuple[np.random.Generator, Chain]
"""A chain's generator and what it has drawn so far."""


def sample_chains(
    start: Start,
    *,
    seed: int,
    draws: int,
    chains: int,
    cores: int,
    warmup: int = WARMUP,
    checkpoint: Checkpoint | None = None,
    begun: dict[int, Begun] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[xr.DataTree, bool]:
    """Sample chains, `cores` at a time; chain c depends on the seed and c alone.

    Parameters
    ----------
    start
        Density and coordinates.
    seed, draws, chains, cores, warmup
        Of the sampling.
    checkpoint
        Where finished chains are kept and taken from.
    begun
        Chains of fewer draws, by number, to go on with; what is drawn now is put there.
    progress
        Called a few times a second.

    Returns
    -------
    tuple of (tree, interrupted)
        Groups `posterior`, `sample_stats` and `unconstrained`, dims (chain, draw, ...). After an interrupt: what was
        drawn, chains cut to one length and the shortest left out, so that the most draws are kept.

    Raises
    ------
    InterruptedFitError
        No chain had left its warm-up.
    """
    trees: dict[int, xr.DataTree] = {}
    for c in range(chains):
        kept = checkpoint.read(c) if checkpoint else None
        if kept is not None and kept["posterior"].sizes["draw"] == draws:
            trees[c] = kept
    begun = {} if begun is None else begun
    counts = {c: (0, 0, 0) for c in range(chains) if c not in trees}
    stopped, began, resumed, interrupted = threading.Event(), time.monotonic(), len(trees), False

    def one(c: int) -> xr.DataTree:
        def told(done: int, divergences: int, gradients: int) -> bool:
            counts[c] = done, divergences, gradients
            return not stopped.is_set()

        other = start.second if c == chains - 1 > 0 else None
        rng, so_far = begun.get(c) or (np.random.default_rng([seed, c]), None)
        drawn = _drawn(start, other, rng, draws, warmup, told, so_far)
        begun[c] = rng, drawn
        return _tree(start, drawn, c)

    with threadpool_limits(1), ThreadPoolExecutor(cores) as threads:
        running = {threads.submit(one, c): c for c in counts}
        try:
            while running:
                finished, _ = wait(running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                for future in finished:
                    c = running.pop(future)
                    trees[c] = future.result()
                    if checkpoint:
                        checkpoint.write(c, trees[c])
                if progress:
                    progress(_progress(counts, draws + warmup, chains, resumed, began))
        except BaseException as stop:
            stopped.set()
            interrupted = isinstance(stop, KeyboardInterrupt)
            if not interrupted:
                raise
            trees |= {c: future.result() for future, c in running.items() if not future.cancel()}
    return _joined(trees), interrupted


def _drawn(
    start: Start, mode: np.ndarray | None, rng: np.random.Generator, draws: int, warmup: int,
    told: Callable[[int, int, int], bool], so_far: Chain | None,
) -> Chain:  # fmt: skip
    """Sample a chain from about a mode, the centre of the coordinates by default, or go on with one."""
    density, coordinates = start.density, start.coordinates

    def log_density(y: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = density(coordinates.point(y))
        return value, coordinates.gradient(gradient)

    first = np.zeros(coordinates.centre.size) if mode is None else coordinates.place(mode)
    if so_far is None:
        step = FIRST_SD * rng.standard_normal(first.size)
        while step.any() and not np.isfinite(log_density(first + step)[0]):  # from there a chain would never move
            step *= 0.5
        first = first + step
    return sample_chain(log_density, first, rng, draws=draws, warmup=warmup, told=told, so_far=so_far)


def _tree(start: Start, drawn: Chain, chain: int) -> xr.DataTree:
    """What is kept of a chain."""
    density = start.density
    x = start.coordinates.point(drawn.y)[None]
    statistics = {
        "diverging": drawn.diverging,
        "energy": drawn.energy,
        "n_steps": drawn.n_steps,
        "step_size": np.full(drawn.energy.size, drawn.step_size),
    }
    coords = {"chain": [chain], "draw": np.arange(x.shape[1])}
    return xr.DataTree.from_dict(
        {
            "/posterior": density.posterior(x, [chain]),
            "/sample_stats": xr.Dataset({k: (("chain", "draw"), v[None]) for k, v in statistics.items()}, coords),
            "/unconstrained": xr.Dataset({"x": (("chain", "draw", "coordinate"), x)}, coords),
        }
    )


def _joined(trees: dict[int, xr.DataTree]) -> xr.DataTree:
    drawn = {c: t["posterior"].sizes["draw"] for c, t in sorted(trees.items())}
    length = max(drawn.values(), key=lambda n: n * sum(other >= n for other in drawn.values()), default=0)
    if length < FEWEST_DRAWS:
        raise InterruptedFitError("interrupted before any chain had left its warm-up: nothing is written")
    kept = [c for c, n in drawn.items() if n >= length]
    return xr.DataTree.from_dict(
        {
            f"/{name}": xr.concat(
                [trees[c][name].to_dataset().isel(draw=slice(0, length)) for c in kept], dim="chain", join="outer"
            )
            for name in ("posterior", "sample_stats", "unconstrained")
        }
    )


def _progress(
    counts: dict[int, tuple[int, int, int]], length: int, chains: int, resumed: int, began: float
) -> Progress:
    now, divergences, gradients = (sum(column) for column in zip(*counts.values(), strict=True))
    total = chains * length
    passed = time.monotonic() - began
    left = passed / now * (total - resumed * length - now) if now else None
    return Progress("sampling", resumed * length + now, total, divergences, gradients, left)
