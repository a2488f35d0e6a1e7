"""Build, evaluate and sample a Stan program; run by the Python of an environment that has httpstan.

    python peer_stan_run.py build PROGRAM
    python peer_stan_run.py density PROGRAM DATA.npz POINTS.npz
    python peer_stan_run.py sample PROGRAM DATA.npz OUT.jsonl SEED CHAIN WARMUP DRAWS

`sample` writes a line per iteration as it goes (warm-up?, leapfrog steps, divergent?, then theta and the
hyperparameters, whose names are the first line), so that what a killed process has drawn is kept.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpstan.compile
import httpstan.models
import httpstan.services.arguments as arguments
import numpy as np

LEFT_OUT = (
    "state.", "deviation.", "domain_deviation.", "domain_white.", "white_innovation.", "inspection_effect.", "scale.",
    "line.",
)  # fmt: skip
FUNCTION = "hmc_nuts_diag_e_adapt"
INIT_RADIUS = 1.0
"""As PyMC's jitter: Stan's own 2 starts farther out than any other peer."""


def main() -> None:
    """Do what the command line says."""
    action, program, *rest = sys.argv[1:]
    text = Path(program).read_text(encoding="utf-8")
    name = httpstan.models.calculate_model_name(text)
    if action == "build":
        try:
            httpstan.models.import_services_extension_module(name)
        except KeyError:  # not built yet
            build(text)
        return
    module = httpstan.models.import_services_extension_module(name)
    data = dict(np.load(rest[0]))
    if action == "density":
        print(json.dumps(densities(module, data, dict(np.load(rest[1])))))
    else:
        sample(module, data, Path(rest[1]), *map(int, rest[2:]))


def build(text: str) -> None:
    """Compile a program; httpstan would give its translation to C++ one second, too little for one so long."""
    run = partial(patient, subprocess.run)
    httpstan.compile.subprocess = SimpleNamespace(run=run, TimeoutExpired=subprocess.TimeoutExpired)
    asyncio.run(httpstan.models.build_services_extension_module(text))


def patient(run: Callable[..., Any], arguments: Any, *, timeout: float, **known: Any) -> Any:
    """Run a process for as long as it takes."""
    return run(arguments, **known)


def densities(module: Any, data: dict[str, np.ndarray], points: dict[str, np.ndarray]) -> list[float]:
    """Log density on the constrained scale at every point (first axis of every array)."""
    out = []
    for i in range(len(next(iter(points.values())))):
        point = {name: np.asarray(values[i], dtype=float) for name, values in points.items()}
        out.append(module.log_prob(data, module.transform_inits(data, point), False))
    return out


def sample(module: Any, data: dict[str, np.ndarray], out: Path, seed: int, chain: int, warmup: int, draws: int) -> None:
    """Sample one chain, writing every iteration as it is drawn."""
    given = {"data": data, "init": {}, "random_seed": seed, "chain": chain, "num_warmup": warmup, "num_samples": draws}
    given |= {"save_warmup": True, "init_radius": INIT_RADIUS}
    for name in arguments.function_arguments(FUNCTION, module):
        if name not in given:
            given[name] = arguments.lookup_default(arguments.Method.SAMPLE, name)
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.join(folder, "socket"))
        server.listen(4)
        done = threading.Event()
        with out.open("w", encoding="utf-8") as file:
            # Stan's derivatives need the main thread; it lets go of Python's lock while it samples
            reader = threading.Thread(target=receive, args=(server, done, file, warmup))
            reader.start()
            try:
                getattr(module, f"{FUNCTION}_wrapper")(os.path.join(folder, "socket"), **given)
            finally:
                done.set()
                reader.join()


def receive(server: socket.socket, done: threading.Event, file: Any, warmup: int) -> None:
    """Read what the writers send until the sampler is done."""
    waiting: dict[socket.socket, bytes] = {}
    names: list[str] = []
    count = 0
    while not done.is_set() or waiting:
        for ready in select.select([server, *waiting], [], [], 0.1)[0]:
            if ready is server:
                waiting[server.accept()[0]] = b""
                continue
            part = ready.recv(1 << 20)
            if not part:
                waiting.pop(ready).strip()
                ready.close()
                continue
            *lines, waiting[ready] = (waiting[ready] + part).split(b"\n")
            for line in lines:
                if b'"topic":"sample"' not in line[:60]:
                    continue
                values = json.loads(line)["values"]
                if not isinstance(values, dict):
                    continue  # a remark on the adaptation
                if not names:
                    names = [name for name in values if "__" not in name and not name.startswith(LEFT_OUT)]
                    file.write(json.dumps(names) + "\n")
                row = [int(count < warmup), values["n_leapfrog__"], values["divergent__"]]
                file.write(json.dumps([*row, *(values[name] for name in names)]) + "\n")
                file.flush()
                count += 1


if __name__ == "__main__":
    main()
