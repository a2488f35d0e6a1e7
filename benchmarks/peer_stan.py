"""The peer Stan: data of its program, its environment, its chains."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from peer_arrays import arrays_of, columns_of, trend_unit
from peer_model import random_points
from scipy.linalg import helmert

from bayes_csc.measurement.design import Design
from bayes_csc.measurement.judgements.covariates import covariate_column
from bayes_csc.spec import Spec
from bayes_csc_models.effects import UNIT
from bayes_csc_models.joint import theta_weights
from bayes_csc_models.judgements import STEP, drift_time, shared
from bayes_csc_models.trajectory import shared_parts

HERE = Path(__file__).resolve().parent
PROGRAM, RUN = HERE / "peer_joint.stan", HERE / "peer_stan_run.py"
SAMPLED = {
    "state_innovation": "state", "deviation_innovation": "deviation", "domain_innovation": "domain_deviation",
}  # fmt: skip
SCALARS = (
    "region_level_variance", "region_trend_variance", "deprivation_level", "deprivation_trend", "standard_variance",
    "inspection_sd", "standard_drift", "no_previous_effect", "earlier_effect", "theta_share",
)  # fmt: skip
"""Scalars of the model; arrays of length one in the program, because a choice can leave them out."""
OPTIONAL = (
    *SCALARS, "white_innovation", "inspection_effect", "domain_share", "domain_agreement", "domain_autocorrelation",
    "domain_white_share", "judgement_loading", "common_sd", "previous_contrast", "covariate_effect", "standard_scaled",
    "scale_shift", "scale_stretch", "deprivation_slope", "loading_agreed", "loading_not_agreed",
)  # fmt: skip
"""What a panel or a choice can leave out; then it is empty in the program."""


def stan_data(d: Design, spec: Spec, *, states: str, deviations: str) -> dict[str, np.ndarray]:
    """Return the program's data, integers and floats told apart by their types."""
    if (spec.loadings.agreed, spec.loadings.not_agreed) != ("half-normal", "normal"):
        raise SystemExit("the Stan program has half-normal loadings where polarity is agreed, normal ones elsewhere")
    if set(d.observation.family[d.observation.site]) - {"binomial"} or d.ordinal or len(set(d.judged.size)) > 1:
        raise SystemExit("the Stan program has counts of a total, values and judgements on scales of as many grades")
    data = {
        "centred_states": int(states == "c"), "centred_deviations": int(deviations == "c"),
        "use_region": int(spec.pooling.region and len(d.region) > 1),
        "use_deprivation": int(spec.pooling.deprivation), "use_ratings": int(bool(d.judged.scale)),
        **_states(d, spec), **_cells(d), **_domains(d), **_judgements(d, spec), **_priors(d, spec),
    }  # fmt: skip
    return {name: np.asarray(value) for name, value in data.items()}


def _states(d: Design, spec: Spec) -> dict[str, Any]:
    c = columns_of(d)
    n_year = d.year.size
    entries = []
    for block, place in c.linked:
        rows = (np.array(d.block[block])[:, None] * n_year + np.arange(n_year)).ravel()
        matrix = d.template[d.block_template[block]].matrix
        entries += [(rows[i], place[j], matrix[i, j]) for i, j in zip(*np.nonzero(matrix), strict=True)]
    entries.sort()
    starts = np.searchsorted([e[0] for e in entries], np.arange(len(d.authority) * n_year + 1)) + 1
    parts = 2 + int(spec.trend.kind != "straight line")
    return {
        "A": len(d.authority), "Y": n_year, "R": len(d.region), "K": len(d.indicator), "P": parts,
        "region": d.region_index + 1, "deprivation": d.deprivation.astype(float), "time": d.time,
        "helmert": helmert(len(d.region)) if len(d.region) > 1 else np.zeros((0, 1)),
        "C": c.kind.size, "A1": c.own.size, "C1": c.place.shape[1], "column_kind": c.kind.astype(int) + 1,
        "own": d.template[0].matrix.astype(float), "own_authority": c.own + 1, "own_column": c.place + 1,
        "trend_unit": trend_unit(d), "n_nonzero": len(entries),
        "linked_value": np.array([e[2] for e in entries], dtype=float),
        "linked_column": np.array([e[1] + 1 for e in entries], dtype=int), "linked_start": starts,
        "share_concentration": np.array(spec.trend.share_concentration[:parts], dtype=float),
    }  # fmt: skip


def _cells(d: Design) -> dict[str, Any]:
    a, steps = arrays_of(d), d.year_steps()
    rows = d.observation.iloc[a.cell]
    counted = rows.site.to_numpy(dtype=bool)
    values, counts = rows[~counted], rows[counted]
    observed = counts.numerator.notna()
    agreed = np.array([p != "not agreed" for p in d.polarity])
    x = [np.dot(d.deprivation[list(m)], s) for m, s in zip(rows.members, rows.shares, strict=True)]
    return {
        "S": a.series_unit.size, "T": a.years, "U": len(a.unit_authority), "M": a.unit_share.shape[1],
        "Q": len(a.weight), "N": len(rows), "series_kind": a.series_kind.astype(int) + 1,
        "unit_authority": a.unit_authority + 1, "unit_share": a.unit_share, "weight": a.weight,
        "series": a.series + 1, "year": a.time + 1, "unit": a.unit + 1, "instant": a.position + 1,
        "effect": steps.index(rows) + 1, "unit_deprivation": np.array(x, dtype=float),
        "n_effect": len(steps.labels), "n_step": len(steps.step_labels), "step_basis": steps.basis.astype(float),
        "step_scale": steps.step_scale, "n_value": len(values), "n_count": len(counts),
        "value": np.flatnonzero(~counted) + 1, "count": np.flatnonzero(counted) + 1,
        "z": values.z.to_numpy(dtype=float), "variance": values.variance.to_numpy(dtype=float),
        "confidence_variance": counts.confidence_variance.to_numpy(dtype=float),
        "sign": counts.sign.to_numpy(dtype=float), "denominator": counts.denominator.to_numpy(dtype=float),
        "lower_count": np.where(observed, counts.numerator, counts.lower).astype(float),
        "upper_count": np.where(observed, counts.numerator, counts.upper).astype(float),
        "Ka": int(agreed.sum()), "Kn": int((~agreed).sum()), "agreed": np.flatnonzero(agreed) + 1,
        "not_agreed": np.flatnonzero(~agreed) + 1,
    }  # fmt: skip


def _domains(d: Design) -> dict[str, Any]:
    a = arrays_of(d)
    parts = sorted(shared_parts(d), key=lambda part: part[1])  # shares, then agreements, which have a sign
    members = [(k, i, len(part[2]) == 2 and k == part[2][0]) for i, part in enumerate(parts) for k in part[2]]
    kind, of, lead = (np.array([m[j] for m in members], dtype=int) for j in range(3))
    signed = sum(part[1] for part in parts)
    return {
        "D": len(d.domain), "Kd": len(members), "SD": a.domain_of.size, "ND": a.domain_cell.size,
        "shared_kind": kind + 1, "share_of": of + 1, "lead": lead, "Ks": len(parts) - signed, "Kg": signed,
        "domain_of": a.domain_of.astype(int) + 1, "domain_cell": a.domain_cell + 1,
        "domain_series": a.domain_series.astype(int) + 1,
    }  # fmt: skip


def _judgements(d: Design, spec: Spec) -> dict[str, Any]:
    n, several, ratings = d.year.size, d.judged.several, spec.ratings
    graded = d.graded()
    rows = d.observation.iloc[graded.at]
    dependent = bool(len(rows)) and ratings.previous != "none"
    columns = [covariate_column(name) for name in ratings.covariates] if len(rows) else []
    basis = np.tril(np.ones((n, n)), -1)[:, : n - 1]
    authority = theta_weights(d)[0][graded.at, 0] // n if rows.size else np.zeros(0, dtype=int)
    inspection = pd.factorize(rows.inspection)[0] if several else np.zeros(len(rows), dtype=int)
    return {
        "J": len(rows), "G": len(d.grade), "F": len(d.judged.scale), "L": len(d.judged.domain),
        "I": int(inspection.max()) + 1 if several else 0, "judged_authority": authority + 1, "score": graded.score + 1,
        "scale_of": graded.scale + 1, "about": rows.kind.to_numpy(dtype=int) - d.first_graded + 1,
        "inspection": inspection + 1, "several": int(several), "ancestry": d.judged.ancestry(),
        "judged_weight": d.weights(rows.position.to_numpy()),
        "standard_basis": basis - basis[d.window].mean(axis=0) if rows.size else np.zeros((0, 0)),
        "use_drift": int(bool(len(rows)) and ratings.drift_sd > 0), "drift_time": drift_time(d),
        "use_previous": int(dependent), "use_spacing": int(dependent and ratings.previous == "cutpoints"),
        "previous": rows.previous.to_numpy(dtype=int) + 1 if dependent else np.ones(len(rows), dtype=int),
        "grade_helmert": helmert(len(d.grade)), "use_earlier": int(dependent and bool(rows.earlier.any())),
        "earlier": rows.earlier.to_numpy(dtype=float) if dependent else np.zeros(len(rows)),
        "n_covariate": len(columns), "covariate": rows[columns].to_numpy(dtype=float).reshape(len(rows), len(columns)),
        "use_share": int(shared(d, spec)),
    }  # fmt: skip


def _priors(d: Design, spec: Spec) -> dict[str, Any]:
    pooling, measurement, ratings = spec.pooling, spec.measurement, spec.ratings
    return {
        "region_sd": pooling.region_sd, "region_trend_sd": pooling.region_trend_sd, "region_df": pooling.region_df,
        "deprivation_level_sd": pooling.deprivation_sd, "deprivation_trend_sd": pooling.deprivation_trend_sd,
        "succession_sd": spec.trend.succession_sd, "agreed_sd": spec.loadings.agreed_sd,
        "not_agreed_sd": spec.loadings.not_agreed_sd, "level_sd": measurement.level_sd,
        "year_sd": measurement.year_sd, "deprivation_slope_sd": measurement.deprivation_sd,
        "deviation_scale": measurement.deviation_sd, "white_prior": np.array(measurement.white_share),
        "autocorrelation_prior": np.array(measurement.autocorrelation),
        "domain_prior": np.array(measurement.domain_share), "judgement_sd": ratings.loading_sd,
        "grade_concentration": ratings.grade_concentration, "shift_sd": ratings.scale_shift_sd,
        "spread_sd": ratings.scale_spread_sd, "standards_sd": ratings.standards_sd,
        "standards_df": ratings.standards_df, "inspection_scale": ratings.inspection_sd,
        "drift_sd": ratings.drift_sd, "previous_sd": ratings.previous_sd, "spacing_sd": ratings.previous_spacing_sd,
        "earlier_sd": ratings.earlier_sd, "covariate_sd": ratings.covariate_sd, "common_scale": ratings.common_sd,
        "share_prior": np.array(ratings.theta_share),
        "region_precision": len(d.block) / len(d.region) / UNIT, "standard_precision": len(d.block) / STEP,
    }  # fmt: skip


def build(python: Path, work: Path) -> float:
    """Compile the program once; give the seconds that it took when it was compiled."""
    record = work / "stan-build.json"
    began = time.monotonic()
    subprocess.run([python, RUN, "build", PROGRAM], check=True, env=environment(work), stdout=subprocess.DEVNULL)
    if not record.is_file() or json.loads(record.read_text())["program"] != PROGRAM.read_text(encoding="utf-8"):
        seconds = time.monotonic() - began
        record.write_text(json.dumps({"program": PROGRAM.read_text(encoding="utf-8"), "seconds": seconds}))
    return float(json.loads(record.read_text())["seconds"])


def environment(work: Path) -> dict[str, str]:
    """Environment variables of the program's processes: compiled models are kept in the work folder."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"XDG_CACHE_HOME": str(work / "stan-cache")}


def agreement(d: Design, spec: Spec, python: Path, work: Path, *, states: str, deviations: str) -> np.ndarray:
    """Log density of the Stan program less that of `joint` at random points, Jacobians taken out."""
    value, points = random_points(d, spec, number=5)
    values = [value(point) for point in points]
    given: dict[str, np.ndarray] = {}
    jacobian = np.zeros(len(points))
    centred = {"state": states == "c", "deviation": deviations == "c", "domain_deviation": deviations == "c"}
    for name in values[0]:
        if name.startswith("log_jacobian_") and centred[name.removeprefix("log_jacobian_")]:
            jacobian += np.array([float(v[name]) for v in values])
        elif "log_" not in name and not centred.get(name):
            to = SAMPLED.get(name, name)
            stacked = np.stack([v[to if centred.get(to) else name] for v in values])
            given[to] = stacked[:, None] if to in SCALARS else stacked
    data = stan_data(d, spec, states=states, deviations=deviations)
    absent: dict[str, tuple[int, ...]] = dict.fromkeys(OPTIONAL, (0,))
    absent |= {"domain_deviation": (0, int(data["T"])), "domain_white": (0, int(data["T"])), "grade_share": (1,)}
    absent |= {"previous_spacing": (0, len(d.grade) - 2)}
    for name, shape in absent.items():
        given.setdefault(name, np.ones((len(points), *shape)))
    np.savez(work / "stan-check-data.npz", **data)
    np.savez(work / "stan-check-points.npz", **given)
    command = [python, RUN, "density", PROGRAM, work / "stan-check-data.npz", work / "stan-check-points.npz"]
    done = subprocess.run(command, check=True, env=environment(work), capture_output=True, text=True)
    density = np.array(json.loads(done.stdout.splitlines()[-1]))
    return density + jacobian - np.array([v["log_density_constrained"] for v in values])


def sample_stan(
    d: Design, spec: Spec, python: Path, work: Path, *,
    states: str, deviations: str, seed: int, chains: int, cores: int, warmup: int, draws: int, seconds: float,
) -> dict[str, Any]:  # fmt: skip
    """Sample the program, `cores` chains at a time, for at most so many seconds; see `peer_samplers`."""
    compile_seconds = build(python, work)
    name = f"stan-{states}{deviations}-{seed}"
    np.savez(work / f"{name}.npz", **stan_data(d, spec, states=states, deviations=deviations))
    began = time.monotonic()
    waiting, running = list(range(chains)), dict[int, subprocess.Popen[bytes]]()
    started, failed = [], 0
    while waiting or running:
        while waiting and len(running) < cores:
            c = waiting.pop(0)
            out = work / f"{name}-{c}.jsonl"
            arguments = [work / f"{name}.npz", out, str(seed), str(c + 1), str(warmup), str(draws)]
            running[c] = subprocess.Popen(
                [python, RUN, "sample", PROGRAM, *arguments], env=environment(work), stdout=subprocess.DEVNULL
            )
            started.append(out)
        time.sleep(0.05)
        for c in [c for c, process in running.items() if process.poll() is not None]:
            failed += running.pop(c).returncode != 0
        if time.monotonic() - began > seconds:
            for process in running.values():
                process.send_signal(signal.SIGKILL)
                process.wait()
            break
    took = time.monotonic() - began
    if failed:
        raise SystemExit(f"{failed} chains of Stan failed; their messages are above")
    parts = [_read(path, len(d.authority)) for path in started if path.is_file()]
    for path in [*started, work / f"{name}.npz"]:
        path.unlink(missing_ok=True)
    return {
        "compile": compile_seconds, "seconds": took, "stopped": bool(waiting or running),
        "gradients": sum(p["gradients"] for p in parts), "divergences": sum(p["divergences"] for p in parts),
        "draws": [p["draws"] for p in parts if len(p["draws"])],
    }  # fmt: skip


def _read(path: Path, authorities: int) -> dict[str, Any]:
    """Read one chain's draws by name, each (draw, ...); a last line cut short is left out."""
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    if not lines:
        return {"gradients": 0, "divergences": 0, "draws": {}}
    names = json.loads(lines[0])
    table = np.array([json.loads(line) for line in lines[1:]], dtype=float).reshape(-1, 3 + len(names))
    kept = table[table[:, 0] == 0]
    columns: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        columns.setdefault(name.split(".")[0], []).append(i + 3)
    draws = {name: kept[:, at] for name, at in columns.items()} if len(kept) else {}
    if draws:  # authorities vary first
        draws["theta"] = draws["theta"].reshape(len(kept), -1, authorities).transpose(0, 2, 1)
    return {"gradients": int(table[:, 1].sum()), "divergences": int(kept[:, 2].sum()), "draws": draws}
