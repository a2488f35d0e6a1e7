"""A fit: panel, spec and posterior, and the run folder that keeps them."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import pymc as pm
import xarray as xr

from bayes_csc.errors import DataError, UsageError
from bayes_csc.files import files_below, netcdf, read_netcdf, whole_folder
from bayes_csc.inference.chains import WARMUP, Begun, Checkpoint, Progress, remove_chains, sample_chains
from bayes_csc.inference.diagnostics import LONGER, Gate, gate, preview_gate
from bayes_csc.inference.posterior_mode import find_start
from bayes_csc.inference.variables import described
from bayes_csc.inference.warm_start import Nearby
from bayes_csc.likelihood.conditional_states import last_inspections, states_given_draws
from bayes_csc.likelihood.count_sites import block_normalisers
from bayes_csc.likelihood.density import Density, compile_density
from bayes_csc.likelihood.function_cache import building_graphs
from bayes_csc.likelihood.kernel.compile_ahead import compiled_beside
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design, design
from bayes_csc.own_model import own_model
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec

DRAWS, CHAINS, CORES = 800, 4, 2
GOES_ON = (1.5, 2.0, 3.0)
"""How many times the default draws a full fit goes on to, with the same generator and step size, where fewer missed the
checks for want of draws."""
PREVIEW_DRAWS, PREVIEW_WARMUP = 32, 10
NO_DATA_EVERY = 4
KEPT = 2000
"""Draws that a run has at most: of those sampled, evenly spaced, theta is computed for so many."""
PACKAGES = ("bayescsc", "pymc", "pytensor", "numba", "numpy", "scipy", "arviz", "xarray", "pandas")
POSTERIOR, SPEC, RECORD, PANEL = "posterior.nc", "spec.toml", "run.json", "panel"
HASHES = "sha256"
"""Key of the record: the hash of each file that belongs to the run, and of the rest of the record."""
GROUPS = ("posterior", "sample_stats", "log_likelihood", "change", "unconstrained")
WIDTH = 13
"""Of the names of what a run says of itself."""
Model = Callable[[Panel, Spec], pm.Model]


@dataclass(frozen=True, repr=False)
class Fit:
    """A finished fit.

    Attributes
    ----------
    panel, spec
        What was fitted.
    posterior
        theta (chain, draw, authority, year) relative to England's mean of the year, and every hyperparameter. Evenly
        spaced draws of those sampled, at most `KEPT`: theta's are all but independent.
    sample_stats
        The sampler's statistics, of all draws.
    log_likelihood
        Log density of what was observed of each `block` (chain, draw, block), an authority or several that are linked,
        given the hyperparameters: blocks are independent. A count stands as a Gaussian site times its normaliser.
    change
        Moments of the changes of theta given each draw (`states.states_given_draws`).
    unconstrained
        `x`, the hyperparameters in the sampler's coordinates (chain, draw, coordinate), and the observations with
        their fitted sites, `z` and `variance` (observation): what `revisit` computes with.
    gate
        The diagnostics' verdict.
    record
        What run.json says: panel hash, seed, draws, versions, timings.
    more
        Further groups of the file by name, if they were asked for (`simulation.predictive_groups`).
    computed
        Its design and density, where it was computed in this process, after what they are of: the model function, the
        panel and the spec.
    """

    panel: Panel
    spec: Spec
    posterior: xr.Dataset
    sample_stats: xr.Dataset
    log_likelihood: xr.Dataset
    change: xr.Dataset
    unconstrained: xr.Dataset
    gate: Gate
    record: dict[str, Any]
    more: dict[str, xr.Dataset] = field(default_factory=dict, repr=False, compare=False)
    computed: tuple[tuple[Model, Panel, Spec], Design, Density] | None = field(default=None, repr=False, compare=False)

    @property
    def preview(self) -> bool:
        """Whether this is a quick answer and not the full posterior."""
        return bool(self.record.get("preview", False))

    @property
    def own_model(self) -> dict[str, str] | None:
        """The model's `file`, `function`, `sha256` and `text`, where it is not one that ships."""
        return self.record.get("own_model")

    @property
    def recent_until(self) -> float:
        """Grid position where the recent change ends: the newest figure's; now in runs that do not say."""
        return float(self.change.attrs.get("recent_until", self.change.attrs["now"]))

    def __repr__(self) -> str:
        """Say what was fitted, how, and whether its checks passed, a line each."""
        return "\n".join([type(self).__name__, *(f"  {name:<{WIDTH}}{value}" for name, value in self._said().items())])

    def _repr_html_(self) -> str:
        """Say the same as a table."""
        cells = (f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in self._said().items())
        return f"<table><caption>{type(self).__name__}</caption>{''.join(cells)}</table>"

    def _said(self) -> dict[str, str]:
        record, gate, sizes = self.record, self.gate, self.posterior.sizes
        years = self.posterior.indexes.get("year", [])
        span = f", {years[0]} to {years[-1]}" if len(years) else ""
        chains, draws = (record.get(f"{name}s", sizes.get(name, 0)) for name in ("chain", "draw"))
        own = f" of {self.own_model['file']}, which does not ship" if self.own_model else ""
        said = {
            "panel": f"{self.panel.name}, {self.panel.date:%d %B %Y}, hash {record['panel_hash'][:12]}",
            "model": f"{record.get('model', '')}{own}, spec {record['spec']}",
            "draws": f"{chains} chains of {draws}, seed {record['seed']}{', a preview' if self.preview else ''}",
            "theta": f"{sizes.get('authority', 0)} authorities{span}",
            "checks": f"{'passed' if gate.passed else 'FAILED'}: R-hat at most {gate.rhat:.3f}, effective draws at "
            f"least {gate.ess_bulk:.0f}, {gate.divergences} divergences",
            "made with": f"bayescsc {record['versions'].get('bayescsc', '')}",
        }
        return said | ({} if gate.passed else {"what to try": gate.advice})

    def provenance(self) -> dict[str, Any]:
        """Return what every output carries: data hash, spec, seed and versions."""
        kept = {key: self.record[key] for key in ("panel", "panel_hash", "spec", "seed", "versions")}
        own = {name: self.own_model[name] for name in ("file", "function", "sha256")} if self.own_model else None
        return kept | {"preview": self.preview} | ({"own_model": own} if own else {})

    def write(self, folder: Path, *, overwrite: bool = False) -> None:
        """Write the run folder, whole or not at all.

        Raises
        ------
        UsageError
            The folder exists and `overwrite` is not set, or is not a run folder.
        """
        with whole_folder(Path(folder)) as new:
            check_target(Path(folder), overwrite=overwrite)
            self.panel.write_into(new / PANEL)
            tree = self.to_datatree()
            packed = {"zlib": True, "complevel": 1}
            compressed = {f"/{n}": dict.fromkeys(g.data_vars, packed) for n, g in tree.children.items()}
            (new / POSTERIOR).write_bytes(netcdf(tree, compressed))
            (new / SPEC).write_text(self.spec.to_toml(), encoding="utf-8")
            record = self.record | {"diagnostics": self.gate.summary()}
            record |= {HASHES: _hashes(new) | {RECORD: _digest(record)}}
            (new / RECORD).write_text(json.dumps(record, indent=2, allow_nan=False) + "\n", encoding="utf-8")

    def to_datatree(self) -> xr.DataTree:
        """Return the groups of `posterior.nc`, as ArviZ takes them, with what every variable is."""
        groups = {name: getattr(self, name) for name in GROUPS} | self.more
        labels = {key: indicator.label for key, indicator in self.panel.indicators.items()}
        names = {str(code): str(name) for code, name in self.panel.authorities["name"].items()}
        tree = xr.DataTree.from_dict({f"/{n}": described(g, n, labels, names) for n, g in groups.items()})
        library = {"inference_library": "bayescsc", "inference_library_version": self.record["versions"]["bayescsc"]}
        tree.attrs = {"panel_hash": self.record["panel_hash"], "seed": self.record["seed"]} | library
        return tree

    @classmethod
    def read(cls, folder: str | os.PathLike[str], *, whole: bool = False) -> Self:
        """Read a run folder.

        Parameters
        ----------
        folder
            Where it is.
        whole
            With `more`, the groups that no command needs: it takes three times as long.

        Raises
        ------
        DataError
            It is not one, or a file of it is missing or is not the one that was written.
        """
        root = Path(folder)
        if lost := [name for name in (RECORD, SPEC, POSTERIOR, PANEL) if not (root / name).exists()]:
            raise DataError(
                f"{root}: not a run folder (without {', '.join(lost)}); `bayescsc fit --out {root}` makes one"
            )
        try:
            record = json.loads((root / RECORD).read_text(encoding="utf-8"))
            written = record.pop(HASHES, {})
            there = _hashes(root) | {RECORD: _digest(record)}
            verdict = Gate.of_summary(record.pop("diagnostics"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{root / RECORD}: not a record of a fit ({error}); fit again") from error
        if not written:
            raise DataError(f"{root}: a run of an older version, without hashes of its files; fit again")
        if changed := sorted({name for name, _ in there.items() ^ written.items()}):
            raise DataError(f"{root}: changed since the run was written: {', '.join(changed)}; fit again")
        tree = read_netcdf(root / POSTERIOR, None if whole else GROUPS)
        if lost := [name for name in GROUPS if name not in tree.children]:
            raise DataError(f"{root / POSTERIOR}: without {', '.join(lost)}, of an older version; fit again")
        groups: dict[str, Any] = {name: tree[name].to_dataset() for name in GROUPS}
        groups["more"] = {name: group.to_dataset() for name, group in tree.children.items() if name not in GROUPS}
        return cls(
            panel=Panel.read(root / PANEL),
            spec=Spec.read(root / SPEC),
            gate=verdict,
            record=record,
            **groups,
        )


def check_target(folder: Path, *, overwrite: bool) -> None:
    """Refuse a run folder that exists, unless it is to be overwritten and is a run folder.

    Raises
    ------
    UsageError
        With what to do.
    """
    if not folder.exists():
        return
    if not overwrite:
        raise UsageError(f"{folder} exists; give another --out, or --overwrite to replace it")
    if not folder.is_dir() or (any(folder.iterdir()) and not (folder / RECORD).is_file()):
        raise UsageError(f"{folder} is not a run folder, so it is not replaced; give another --out")


def _hashes(root: Path) -> dict[str, str]:
    """SHA-256 of the posterior, the spec and the panel's tables, by path."""
    parts = [path for path in files_below(root / PANEL) if path.suffix in (".csv", ".toml")]
    paths = [root / POSTERIOR, root / SPEC, *parts]
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _digest(record: dict[str, Any]) -> str:
    """SHA-256 of a record's content."""
    return hashlib.sha256(json.dumps(record, sort_keys=True, allow_nan=False).encode()).hexdigest()


def fit(
    panel: Panel,
    model: Model,
    *,
    spec: Spec | None = None,
    seed: int = 1,
    draws: int | None = None,
    chains: int = CHAINS,
    warmup: int | None = None,
    cores: int = CORES,
    preview: bool = False,
    checkpoint: Path | None = None,
    keep_chains: bool = False,
    resume: bool = False,
    nearby: Nearby | None = None,
    again: int | None = None,
    panel_hash: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Fit:
    """Fit a model to a panel.

    Parameters
    ----------
    panel
        The data.
    model
        Function of panel and spec that builds the model, such as `bayes_csc_models.trajectory`.
    spec
        Choices and priors; the baseline by default.
    seed, draws, chains, warmup, cores
        Of the sampling; the result depends on all but `cores`. By default those of a full fit or of a preview; a full
        fit that then misses its checks for want of draws goes on by itself (`GOES_ON`), all draws kept.
    preview
        A quick answer: the same posterior by a hundred draws or two, judged by the error of its probabilities of
        decline (`diagnostics.preview_gate`).
    checkpoint
        Folder where finished chains are kept until the fit is done, so that `resume` can take them up.
    keep_chains
        Leave them there, for the caller to remove when the fit is written (`chains.remove_chains`).
    resume
        Take up the chains of an earlier, killed fit of the same data, spec, seed and versions.
    nearby
        Where a posterior much like this one lies, to start from.
    again
        Draws of each chain of a second attempt from the same start, should the first fail its gate.
    panel_hash
        What stands for the panel's hash in the record, where the fit is not kept: the hash takes its time.
    progress
        Called as the fit goes on.

    Raises
    ------
    SpecError, DataError
        The spec and the panel do not go together.
    UsageError
        `resume` with chains of another fit; another fit has the checkpoint open.
    InterruptedFitError
        Ctrl-C before any chain had left its warm-up; later it only cuts the fit short.
    """
    spec = spec or Spec()
    tell = progress or (lambda _: None)
    clock = _Clock()
    goes_on = draws is None and not preview and again is None
    draws = draws or (PREVIEW_DRAWS if preview else DRAWS)
    lengths = [draws, *([again] if again else []), *([int(draws * more) for more in GOES_ON] if goes_on else [])]
    warmup = warmup or (PREVIEW_WARMUP if preview else WARMUP)
    laid_out = design(panel, spec)
    if len(laid_out.authority) < 2:
        raise DataError(
            f"{panel.name}: one authority alone, {laid_out.authority[0]}; theta is relative to the mean of all, so at "
            "least two are needed"
        )
    record: dict[str, Any] = {
        "panel": panel.name,
        "panel_date": panel.date.isoformat(),
        "panel_hash": panel_hash or panel.hash,
        "spec": spec.name,
        "model": getattr(model, "__qualname__", str(model)),
        "preview": preview,
        "seed": seed,
        "draws": draws,
        "chains": chains,
        "warmup": warmup,
        "versions": {name: version(name) for name in PACKAGES},
    } | ({"own_model": own} if (own := own_model(model)) else {})
    key = record | {"whole_spec": spec.model_dump(mode="json")}
    with Checkpoint(checkpoint, key).opened(resume=resume) if checkpoint else nullcontext() as store:
        tell(Progress("compiling", 0, 1))
        with building_graphs(), compiled_beside(layout_of(laid_out)) as first_time:
            if first_time:
                tell(Progress("compiling, this first time for a minute or two", 0, 1))
            built = model(panel, spec)
            density = compile_density(built)
        clock.lap("compile")
        tell(Progress("finding the mode", 0, 1))
        start = find_start(density, laid_out, cores=cores, rough=nearby.seen(built, density) if nearby else None)
        clock.lap("start")
        begun: dict[int, Begun] = {}
        before: Gate | None = None
        for length in lengths:
            tree, interrupted = sample_chains(
                start, seed=seed, draws=length, chains=chains, warmup=warmup, cores=cores,
                checkpoint=None if length == again else store, begun=begun, progress=tell,
            )  # fmt: skip
            clock.lap("sampling")
            sampled, stats = tree["posterior"].to_dataset(), tree["sample_stats"].to_dataset()
            kept = slice(0, None, -(-sampled.sizes["chain"] * sampled.sizes["draw"] // KEPT))
            x = tree["unconstrained"].to_dataset().x.isel(draw=kept)
            theta, change, density_of = states_given_draws(
                start.density, laid_out, x, last_inspections(panel, laid_out.authority),
                seed=seed, cores=cores, no_data_every=NO_DATA_EVERY,
                progress=lambda done, total: tell(Progress("states", done, total)),
            )  # fmt: skip
            clock.lap("states")
            verdict = (
                preview_gate(change, stats) if preview else gate(stats, sampled, theta.to_dataset(), before=before)
            )
            clock.lap("diagnostics")
            if verdict.passed or interrupted or (goes_on and verdict.advice != LONGER):
                break
            before = verdict
        posterior = sampled.isel(draw=kept).assign(theta=theta)
        density_of += block_normalisers(laid_out, start.density.real(x.mean(("chain", "draw")).to_numpy()))
        record |= {"draws": length, "first_draws": draws, "seconds": clock.laps, "interrupted": interrupted}
        if checkpoint and not keep_chains:
            remove_chains(checkpoint)
        sites = {"z": ("observation", start.density.z), "variance": ("observation", start.density.variance)}
        computed = (model, panel, spec), laid_out, start.density
        return Fit(
            panel, spec, posterior, stats, density_of.to_dataset(name="observed"), change,
            xr.Dataset({"x": x} | sites), verdict, record, computed=computed,
        )  # fmt: skip


def preview(panel: Panel, model: Model, **options: Any) -> Fit:
    """Give a quick answer, good enough to think with: `fit` with `preview=True`, which takes the same options."""
    return fit(panel, model, preview=True, **options)


class _Clock:
    """Seconds spent on each stage of a fit."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.monotonic()

    def lap(self, stage: str) -> None:
        now = time.monotonic()
        self.laps[stage] = round(self.laps.get(stage, 0.0) + now - self._since, 2)
        self._since = now
