"""The same posterior by other samplers: effective draws per second of PyMC, nutpie, NumPyro, Stan and ours.

    python benchmarks/peers.py check       does every peer's model have the density of `bayes_csc_models.joint`?
    python benchmarks/peers.py run         sample what is still to do, then write the table
    python benchmarks/peers.py table       write the table of what is there

A peer is a sampler and, after a hyphen, whether the states and the deviations are centred (c) or not (n): `nutpie-nc`.
`pymc` samples `bayes_csc_models.joint` itself, `ours` the collapsed model. Each peer and seed is a process of its own
and leaves one JSON file in the work folder; the same command takes up where it stopped.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from peer_effect import worth
from peer_model import agreement, dense_model, dense_point, joint_model, random_points
from peer_process import REQUIREMENTS, environment, installed, machine, watched
from peer_samplers import jax_functions, result, sample_numpyro, sample_nutpie, sample_ours, sample_pymc
from peer_stan import agreement as stan_agreement
from peer_stan import build, sample_stan
from peer_table import table

from bayes_csc.files.embedded_data import data_dir
from bayes_csc.measurement.design import Design, design
from bayes_csc.panel.panel import Panel
from bayes_csc.simulation.simulate import simulate
from bayes_csc.spec import Spec
from bayes_csc_models.specs import spec
from bayes_csc_models.trajectory import from_design, trajectory

HERE = Path(__file__).resolve().parent
PEERS = ("ours", "pymc", "nutpie-nn", "nutpie-nc", "nutpie-cn", "nutpie-cc", "numpyro-nc", "stan-nc")
SETTINGS = ("panel", "authorities", "years", "indicators", "spec", "minutes", "chains", "cores", "warmup", "draws")
TOLERANCE = 1e-6
"""Spread of the differences of log densities; Stan's normal quantiles have eight digits."""
PATIENCE = 30.0
"""Minutes beyond the cap, for compiling and for taking stock, after which a peer is killed."""


def main() -> None:
    """Do what the command line says."""
    options = parsed()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that a killed benchmark leaves no process behind
    options.work.mkdir(parents=True, exist_ok=True)
    {"run": run, "check": check, "density": density, "one": one, "table": write_table}[options.action](options)


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=("run", "check", "table", "one", "density"))
    parser.add_argument("--panel", default="england", help="an embedded panel, or a folder; `simulated` with the sizes")
    numbers = {"authorities": 8, "years": 6, "indicators": 3, "chains": 4, "cores": 2, "warmup": 1000, "draws": 1000}
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--peers", nargs="+", default=list(PEERS))
    parser.add_argument("--minutes", type=float, default=15.0, help="of sampling, at most, for each peer and seed")
    parser.add_argument("--spec", default="baseline")
    parser.add_argument("--work", type=Path, default=HERE.parent / "runs" / "peers")
    parser.add_argument("--out", type=Path, default=HERE / "peers.md")
    options = parser.parse_args()
    options.work = options.work.resolve()
    return options


def the_panel(options: argparse.Namespace) -> Panel:
    """Read or simulate the panel."""
    if options.panel == "simulated":
        size = {name: getattr(options, name) for name in ("authorities", "years", "indicators")}
        return simulate(trajectory, spec(options.spec), seed=1, **size)[0]
    folder = Path(options.panel)
    return Panel.read(folder if folder.is_dir() else data_dir(options.panel))


def run(options: argparse.Namespace) -> None:
    """Sample what is still to do, each peer in a process of its own."""
    settings = {name: getattr(options, name) for name in SETTINGS}
    kept = options.work / "settings.json"
    if kept.is_file() and json.loads(kept.read_text(encoding="utf-8")) != settings:
        raise SystemExit(f"{options.work} holds results of other settings; give another --work or remove it")
    kept.write_text(json.dumps(settings) + "\n", encoding="utf-8")
    for seed in options.seeds:
        for peer in options.peers:
            path = result_path(options.work, peer, seed)
            if not path.is_file():
                print(f"{peer}, seed {seed}", flush=True)
                measure(peer, seed, path, options)
    write_table(options)


def result_path(work: Path, peer: str, seed: int) -> Path:
    """File of a peer's result."""
    return work / f"result-{peer}-{seed}.json"


def measure(peer: str, seed: int, path: Path, options: argparse.Namespace) -> None:
    """Run one peer and keep its result, or what went wrong."""
    sampler = peer.split("-")[0]
    python = environment(sampler, options.work) if sampler in REQUIREMENTS else Path(sys.executable)
    known = [f"--{name}={getattr(options, name)}" for name in (*SETTINGS, "work")]
    command = [sys.executable if sampler == "stan" else python, __file__, "one", *known]
    unfinished = path.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    problem, memory = watched(
        [*command, f"--peers={peer}", f"--seeds={seed}"],
        log=path.with_suffix(".log"), limit=60.0 * (options.minutes + PATIENCE),
    )  # fmt: skip
    found = json.loads(unfinished.read_text(encoding="utf-8")) if unfinished.is_file() else {}
    found = {"peer": peer, "seed": seed, "problem": problem, "memory": memory} | found
    if sampler in REQUIREMENTS:
        found["versions"] = installed(python, REQUIREMENTS[sampler])
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    unfinished.unlink(missing_ok=True)
    print(f"  {problem or found['seconds']}", flush=True)


def one(options: argparse.Namespace) -> None:
    """Sample one peer with one seed, in this process."""
    peer, seed = options.peers[0], options.seeds[0]
    chosen, panel = spec(options.spec), the_panel(options)
    d = design(panel, chosen)
    names = [v.name for v in from_design(d, chosen).free_RVs]
    found = sampled(peer, panel, d, chosen, ["theta", *names], seed, options)
    draws = found.pop("draws")
    packages = [
        p for p in ("pymc", "nutpie", "bayescsc") if p.startswith(peer.split("-")[0].replace("ours", "bayescsc"))
    ]
    found |= worth(draws, d.exists, names) | {
        "versions": {name: version(name) for name in packages},
    }
    unfinished = result_path(options.work, peer, seed).with_suffix(".part")
    unfinished.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def sampled(
    peer: str, panel: Panel, d: Design, chosen: Spec, names: list[str], seed: int,
    options: argparse.Namespace,
) -> dict[str, Any]:  # fmt: skip
    """Sample by a peer."""
    sampler, _, how = peer.partition("-")
    known: dict[str, Any] = {name: getattr(options, name) for name in ("chains", "cores", "warmup", "draws")}
    known |= {"seed": seed, "seconds": 60.0 * options.minutes}
    if sampler == "ours":
        return sample_ours(panel, chosen, **known)
    if sampler == "pymc" and not how:
        return sample_pymc(joint_model(d, chosen)[0], names, **known)
    if sampler == "stan":
        python = environment("stan", options.work)
        return result(**sample_stan(d, chosen, python, options.work, states=how[0], deviations=how[1], **known))
    model = dense_model(d, chosen, states=how[0], deviations=how[1])
    by = {"pymc": sample_pymc, "nutpie": sample_nutpie, "numpyro": sample_numpyro}
    return by[sampler](model, names, **known)


def check(options: argparse.Namespace) -> None:
    """Compare every peer's log density with that of `joint`, on small panels; stop with an error if one differs."""
    wrong = []
    for name, differences in compared(options):
        spread = float(np.ptp(differences))
        print(f"{name}: log density less joint's {differences[0]:.6f}, constant to {spread:.1e}", flush=True)
        wrong += [name] if not spread < TOLERANCE else []
    if wrong:
        raise SystemExit(f"not the same posterior: {', '.join(wrong)}")


def compared(options: argparse.Namespace) -> Iterator[tuple[str, np.ndarray]]:
    """Give the differences of log densities of every model at random points of two small panels."""
    python = environment("stan", options.work)
    build(python, options.work)
    chosen = spec(options.spec)
    for label, panel in check_panels(options):
        d = design(panel, chosen)
        for states, deviations in ("nn", "nc", "cn", "cc"):
            yield f"{label}, dense {states}{deviations}", agreement(d, chosen, states=states, deviations=deviations)
            yield (
                f"{label}, stan {states}{deviations}",
                stan_agreement(d, chosen, python, options.work, states=states, deviations=deviations),
            )
    log = options.work / "density.log"
    known = [f"--{name}={getattr(options, name)}" for name in (*SETTINGS, "work")]
    problem, _ = watched([environment("numpyro", options.work), __file__, "density", *known], log=log, limit=600.0)
    if problem:
        raise SystemExit(f"numpyro: {problem}")
    for line in log.read_text(encoding="utf-8").splitlines():
        if line.startswith("{"):
            for name, values in json.loads(line).items():
                yield name, np.array(values)


def check_panels(options: argparse.Namespace) -> Iterator[tuple[str, Panel]]:
    """Small panels: with a joint return and a reorganisation, and a simulated one with a shared deviation."""
    yield "hamlets", Panel.read(HERE.parent / "tests" / "panels" / "hamlets")
    yield "simulated", simulate(trajectory, spec(options.spec), authorities=8, years=6, indicators=5, seed=1)[0]


def density(options: argparse.Namespace) -> None:
    """Print the differences of NumPyro's log density, in JAX, in this process (which has JAX)."""
    chosen = spec(options.spec)
    for label, panel in check_panels(options):
        d = design(panel, chosen)
        value, points = random_points(d, chosen, number=5)
        model = dense_model(d, chosen, states="n", deviations="n")
        potential, _ = jax_functions(model, ["theta"])
        out = []
        for point in points:
            values = value(point)
            here = dense_point(model, point, values)
            out.append(-float(potential([here[v.name] for v in model.value_vars])) - values["log_density"])
        print(json.dumps({f"{label}, JAX nn": out}), flush=True)


def write_table(options: argparse.Namespace) -> None:
    """Write what there is as a table."""
    found = [json.loads(p.read_text(encoding="utf-8")) for p in sorted(options.work.glob("result-*.json"))]
    settings = json.loads((options.work / "settings.json").read_text(encoding="utf-8"))
    text = table(found, settings, machine())
    options.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
