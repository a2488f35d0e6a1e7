"""The peers' samplers, each stopped after so many seconds with what it has drawn.

Every sampler returns `compile` and `seconds`, `gradients` and `divergences` (the latter after warm-up), `stopped`, and
`draws`: for every chain, arrays (draw, ...) of theta and the hyperparameters.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pymc as pm

from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import trajectory

Result = dict[str, Any]
POLL_SECONDS = 0.05


def sample_ours(panel: Panel, spec: Spec, *, seed: int, chains: int, cores: int, seconds: float, **_: Any) -> Result:
    """Fit as the library does by default; `seconds` of it are the mode, the chains and the states."""
    from bayes_csc.errors import InterruptedFitError
    from bayes_csc.inference.fit import fit

    gradients, began = [0], [0.0]

    def tell(progress: Any) -> None:
        gradients[0] = max(gradients[0], int(progress.gradients))
        if progress.stage == "sampling" and not began[0]:
            began[0] = time.monotonic()
            signal.setitimer(signal.ITIMER_REAL, seconds)
        if progress.stage == "states":
            signal.setitimer(signal.ITIMER_REAL, 0)

    with interrupted_by_alarm():
        try:
            run = fit(panel, trajectory, spec=spec, seed=seed, chains=chains, cores=cores, progress=tell)
        except InterruptedFitError:
            return result([], gradients=gradients[0], seconds=seconds, stopped=True)
    took = run.record["seconds"]
    names = [str(n) for n in run.posterior.data_vars]
    return result(
        [{n: run.posterior[n].isel(chain=c).to_numpy() for n in names} for c in range(run.posterior.sizes["chain"])],
        compile=took["compile"],
        seconds=sum(v for stage, v in took.items() if stage not in ("compile", "diagnostics")),
        stopped=bool(run.record["interrupted"]),
        gradients=gradients[0],
        divergences=int(run.sample_stats["diverging"].sum()),
    )


def result(draws: list[dict[str, np.ndarray]], **known: Any) -> Result:
    """Put a sampler's result together."""
    return {"compile": 0.0, "gradients": 0, "divergences": 0, "stopped": False, "draws": draws} | known


@contextmanager
def interrupted_by_alarm() -> Iterator[None]:
    """Raise KeyboardInterrupt, which PyMC and `fit` answer with what they have, when the timer runs out."""

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def sample_pymc(
    model: pm.Model, names: list[str], *,
    seed: int, chains: int, cores: int, warmup: int, draws: int, seconds: float,
) -> Result:  # fmt: skip
    """Sample by PyMC's own NUTS, a process for each chain."""
    gradients, divergences = 0, 0

    def count(trace: Any, draw: Any) -> None:
        nonlocal gradients, divergences
        for stats in draw.stats:
            gradients += int(stats["tree_size"])
            divergences += int(stats.get("diverging", False)) * (not draw.tuning)

    began = time.monotonic()
    with model, interrupted_by_alarm():
        points, step = pm.init_nuts(
            init="jitter+adapt_diag", chains=chains, random_seed=seed, progressbar=False, tune=warmup
        )
        compiled = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            trace = pm.sample(
                draws=draws, tune=warmup, chains=chains, cores=cores, step=step, initvals=points, var_names=names,
                random_seed=seed, callback=count, return_inferencedata=False, compute_convergence_checks=False,
                progressbar=False, nuts_sampler="pymc",
            )  # fmt: skip
        except (KeyboardInterrupt, ValueError, IndexError) as error:  # stopped before any chain had left its warm-up
            if time.monotonic() - compiled < seconds:
                raise
            trace, _ = None, error
    took = time.monotonic() - compiled
    kept = [] if trace is None else [{n: trace.get_values(n, chains=[c]) for n in names} for c in trace.chains]
    return result(
        kept, compile=compiled - began, seconds=took, stopped=took >= seconds, gradients=gradients,
        divergences=divergences,
    )  # fmt: skip


def sample_nutpie(
    model: pm.Model, names: list[str], *,
    seed: int, chains: int, cores: int, warmup: int, draws: int, seconds: float,
) -> Result:  # fmt: skip
    """Sample by nutpie, a chain at a time on each core."""
    import nutpie

    began = time.monotonic()
    density = nutpie.compile_pymc_model(model, var_names=names)
    compiled = time.monotonic()
    waiting, running, done = list(range(chains)), dict[int, Any](), list[Any]()
    steps: dict[int, int] = {}

    def start(c: int) -> None:
        def listen(now: Any) -> None:
            steps[c] = int(now[0].total_num_steps)

        running[c] = nutpie.sample(
            density, draws=draws, tune=warmup, chains=1, cores=1, seed=seed * 1000 + c, save_warmup=False,
            progress_bar=False, blocking=False, progress_callback=listen, progress_rate=100,
        )  # fmt: skip

    stopped = False
    while waiting or running:
        while waiting and len(running) < cores:
            start(waiting.pop(0))
        time.sleep(POLL_SECONDS)
        stopped = time.monotonic() - compiled > seconds
        for c in [c for c, sampler in running.items() if stopped or _finished(sampler)]:
            sampler = running.pop(c)
            done.append(sampler.abort() if stopped else sampler.wait())
        if stopped:
            break
    took = time.monotonic() - compiled
    return result(
        [{n: tree["posterior"][n].isel(chain=0).to_numpy() for n in names} for tree in done],
        compile=compiled - began, seconds=took, stopped=stopped, gradients=sum(steps.values()),
        divergences=sum(int(tree["sample_stats"]["diverging"].sum()) for tree in done),
    )  # fmt: skip


def _finished(sampler: Any) -> bool:
    try:
        return bool(sampler.is_finished)
    except TimeoutError:  # nutpie 0.16 raises it where the sampler is busy
        return False


def sample_numpyro(
    model: pm.Model, names: list[str], *,
    seed: int, chains: int, cores: int, warmup: int, draws: int, seconds: float,
) -> Result:  # fmt: skip
    """Sample by NumPyro's NUTS on the model's density in JAX, 64 bit, a CPU device for each core."""
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={cores}"
    import jax
    from numpyro.infer import NUTS

    began = time.monotonic()
    potential, expand = jax_functions(model, names)
    kernel = NUTS(potential_fn=potential)
    states = []
    for c in range(chains):
        rng = np.random.default_rng([seed, c])
        start = [v + rng.uniform(-1.0, 1.0, np.shape(v)) for v in _initial(model)]
        state = kernel.init(jax.random.PRNGKey(seed * 1000 + c), warmup, init_params=start)
        states.append(jax.device_put(state, jax.devices()[c % cores]))
    one = jax.jit(lambda state: kernel.sample(state, (), {}))
    steps = [one.lower(states[k]).compile() for k in range(min(cores, chains))]
    compiled = time.monotonic()

    def chain(c: int) -> tuple[int, int, list[Any]]:
        state, drawn, gradients, divergences = states[c], [], 0, 0
        for i in range(warmup + draws):
            if time.monotonic() - compiled > seconds:
                break
            state = steps[c % cores](state)
            gradients += int(state.num_steps)
            if i >= warmup:
                divergences += int(state.diverging)
                drawn.append([np.asarray(v) for v in expand(state.z)])
        return gradients, divergences, drawn

    with ThreadPoolExecutor(cores) as pool:
        parts = list(pool.map(chain, range(chains)))
    took = time.monotonic() - compiled
    drawn = [dict(zip(names, map(np.stack, zip(*part[2], strict=True)), strict=True)) for part in parts if part[2]]
    return result(
        drawn,
        compile=compiled - began, seconds=took, stopped=took > seconds, gradients=sum(p[0] for p in parts),
        divergences=sum(p[1] for p in parts),
    )  # fmt: skip


def jax_functions(model: pm.Model, names: list[str]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Give minus the log density of a list of unconstrained values, and the named variables at them, in JAX."""
    import jax
    from pymc.sampling.jax import get_jaxified_graph

    jax.config.update("jax_enable_x64", True)
    density = get_jaxified_graph(inputs=model.value_vars, outputs=[model.logp()])
    wanted = model.replace_rvs_by_values([model[n] for n in names])
    expand = get_jaxified_graph(inputs=model.value_vars, outputs=wanted)
    return (lambda z: -density(*z)[0]), jax.jit(lambda z: expand(*z))


def _initial(model: pm.Model) -> list[np.ndarray]:
    point = model.initial_point()
    return [np.asarray(point[v.name], dtype=float) for v in model.value_vars]
