"""The collapsed model and the joint model have one posterior: exactly where all is Gaussian, else but for the sites.

The bounds: 2 by 1200 draws give mean and sd of some 90 quantities their standard errors (from the effective sample
size); a z-score above 4.5 has probability 7e-6 each. Sites may add 0.1 posterior sd.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import arviz_stats as azs
import numpy as np
import nutpie
import pandas as pd
import pymc as pm
import pytest
from panel_of_every_family import with_every_family
from panels_with_subjudgements import with_sub_judgements
from paths import PANELS
from pytensor.compile.mode import Mode
from pytensor.tensor.variable import TensorVariable

from bayes_csc.inference.chains import sample_chains
from bayes_csc.inference.posterior_mode import Start, find_start
from bayes_csc.likelihood.density import compile_density
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.likelihood.layout import layout_of
from bayes_csc.measurement.design import Design, design
from bayes_csc.panel.panel import Panel
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import from_design

PLAIN = Mode("py", None)
REWRITTEN = Mode("py", "fast_compile").excluding("fusion")  # else a gradient has terms of 0 times infinity
Z_BOUND = 4.5
LICENCE = 0.1
SPEC = Spec()
THIN = 2
HYPERPARAMETERS = (
    "region_level", "region_trend", "deprivation_level", "deprivation_trend", "trend_share", "loading",
    "indicator_level", "year_effect", "deprivation_slope", "deviation_sd", "white_share", "autocorrelation",
    "domain_share", "domain_agreement", "domain_autocorrelation", "domain_white_share",
    "judgement_loading", "inspection_sd", "standard", "cutpoints",
)  # fmt: skip


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Eight authorities, a joint return and a reorganisation among them, five years, three indicators, two domains.

    One indicator has counts of an eighth, so that its likelihood is far from a Gaussian's.
    """
    panel = with_sub_judgements(Panel.read(PANELS / "hamlets"))
    cells = panel.cells.copy()
    few = cells.indicator.eq("late") & cells.status.eq("observed")
    cells.loc[few, ["numerator", "denominator"]] //= 8
    return replace(panel, cells=cells)


# Exactly.


def by_their_sites(rows: pd.DataFrame, eta: TensorVariable) -> TensorVariable:
    """Stand in for the exact likelihood: the Gaussians that the collapsed model has before its sites are fitted."""
    sd = np.sqrt(rows.variance - rows.confidence_variance).to_numpy()
    return pm.logp(pm.Normal.dist(eta, sd), rows.z.to_numpy())


@pytest.mark.parametrize("case", ["counts", "doubted counts of no agreed polarity, and timing", "values"])
def test_the_joint_density_with_its_states_integrated_out_is_the_collapsed_density(
    panel: Panel, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where everything is Gaussian the log density is quadratic in the latent variables u, so that
    #     log of the integral over u = log p at its maximum - 1/2 log|-H| + n/2 log(2 pi).
    monkeypatch.setattr("bayes_csc_models.joint.exact_logp", by_their_sites)
    spec = Spec.parse({"ratings": {"use": False, "timing": case.endswith("timing")}})
    if case.startswith("doubted"):
        either_way = {k: replace(i, polarity="not agreed") for k, i in panel.indicators.items()}
        panel = replace(panel, cells=panel.cells.assign(confidence=1.0), indicators=either_way)
    if case == "values":
        panel = with_every_family(panel, "incidents", "caseload", "wellbeing")
    d = design(panel, spec)
    assert len(d.domain) == 1
    collapsed, joint = from_design(d, spec), from_design(d, spec, likelihood="joint")
    density, joint_density = (model.compile_logp(mode=PLAIN) for model in (collapsed, joint))
    gradient = joint.compile_dlogp(mode=REWRITTEN)
    start, joint_start = collapsed.initial_point(), joint.initial_point()
    is_latent = np.concatenate([np.full(v.size, name not in start) for name, v in joint_start.items()])
    n = int(is_latent.sum())
    rng = np.random.default_rng(1)
    for _ in range(2):
        here = {name: v + 0.5 * rng.normal(size=v.shape) for name, v in start.items()}

        def point(u: np.ndarray, here: dict[str, np.ndarray] = here) -> dict[str, np.ndarray]:
            out, at = {}, 0
            for name, v in joint_start.items():
                if name in here:
                    out[name] = here[name]
                else:
                    out[name] = u[at : at + v.size].reshape(v.shape)
                    at += v.size
            return out

        at_zero = gradient(point(np.zeros(n)))[is_latent]
        precision = np.stack([at_zero - gradient(point(unit))[is_latent] for unit in np.eye(n)])
        best = point(np.linalg.solve(precision, at_zero))
        integrated = joint_density(best) - 0.5 * np.linalg.slogdet(precision)[1] + 0.5 * n * np.log(2.0 * np.pi)
        assert integrated == pytest.approx(float(density(here)), abs=1e-8)


# Within Monte Carlo error.


class Draws:
    """Posterior draws (chain, draw, quantity) by name, for hyperparameters and theta, with their sds."""

    def __init__(self, values: dict[str, np.ndarray]) -> None:
        self.draws = values
        self.mean = {k: v.mean(axis=(0, 1)) for k, v in values.items()}
        self.sd = {k: v.std(axis=(0, 1)) for k, v in values.items()}
        self.mean_error = {k: self._error(v, azs.mcse, "mean") for k, v in values.items()}
        self.sd_error = {k: self._error(v, azs.mcse, "sd") for k, v in values.items()}

    @staticmethod
    def _error(v: np.ndarray, mcse: Callable[..., float], method: str) -> np.ndarray:
        flat = v.reshape(*v.shape[:2], -1)
        with np.errstate(invalid="ignore"):
            return np.array([float(mcse(flat[..., i], method=method)) for i in range(flat.shape[-1])]).reshape(
                v.shape[2:]
            )


def differences(a: Draws, b: Draws, *, allowed: float = 0.0) -> tuple[float, str]:
    """Largest z-score of a difference in mean or sd beyond `allowed` posterior sds, and where it is."""
    worst, where = 0.0, ""
    for name in a.draws:
        moves = np.abs(a.sd[name]) > 1e-12
        for what in ("mean", "sd"):
            gap = np.abs(getattr(a, what)[name] - getattr(b, what)[name])[moves]
            error = np.hypot(getattr(a, f"{what}_error")[name], getattr(b, f"{what}_error")[name])[moves]
            z = np.maximum(gap - allowed * b.sd[name][moves], 0.0) / error
            if z.max(initial=0.0) > worst:
                worst, where = float(z.max()), f"{what} of {name}"
    return worst, where


# A panel this small says little about the variances: a few divergences near zero, far below what moves a mean.
DIVERGING = 0.002


def collapsed_draws(d: Design, start: Start) -> Draws:
    """Hyperparameters, and theta drawn exactly given each draw of them."""
    tree, _ = sample_chains(start, seed=11, draws=1200, chains=2, cores=2)
    assert float(tree["sample_stats"]["diverging"].mean()) < DIVERGING
    posterior = {str(k): v.to_numpy()[:, ::THIN] for k, v in tree["posterior"].data_vars.items()}
    points = tree["unconstrained"]["x"].to_numpy()[:, ::THIN]
    n_chain, n_draw = points.shape[:2]
    n_year = d.year.size
    width = int(layout_of(d).template_column.max()) + layout_of(d).single_grade.shape[1]
    share = np.zeros(len(d.authority) * n_year)
    rng = np.random.default_rng(5)
    theta = np.empty((n_chain, n_draw, len(d.authority), n_year))
    for c in range(n_chain):
        for i in range(n_draw):
            real = start.density.real(points[c, i])
            out = states(layout_of(d), real, n_year, share, rng.normal(size=(len(d.block), width)))
            theta[c, i] = out[1].reshape(theta.shape[2:])
    return Draws({**{k: posterior[k] for k in HYPERPARAMETERS if k in posterior}, "theta": theta})


def joint_draws(d: Design, spec: Spec) -> Draws:
    """The same by the joint model and another sampler, the No-U-Turn sampler of nutpie."""
    model = from_design(d, spec, likelihood="joint")
    names = [v.name for v in model.unobserved_value_vars if v.name in (*HYPERPARAMETERS, "theta")]
    trace = nutpie.sample(
        nutpie.compile_pymc_model(model, var_names=names), draws=1200, tune=500, chains=2, cores=2,
        seed=11, target_accept=0.9, progress_bar=False, save_warmup=False,
    )  # fmt: skip
    assert float(trace.sample_stats.diverging.mean()) < DIVERGING
    posterior = {str(name): v.to_numpy() for name, v in trace.posterior.data_vars.items()}
    return Draws({k: posterior[k] for k in (*HYPERPARAMETERS, "theta") if k in posterior})


def test_sites_stay_within_the_licence_of_the_joint_posterior(panel: Panel) -> None:
    # Counts, small and suppressed ones among them, and grades: exact in the joint model, sites in the collapsed one.
    d = design(panel, SPEC)
    counts = d.observation[d.observation.site]
    assert counts.lower.notna().any()
    assert counts.numerator.lt(5).sum() > 5
    assert len(counts) == (d.observation.indicator != "judgement").sum()
    collapsed = collapsed_draws(d, find_start(compile_density(from_design(d, SPEC)), d, cores=2))
    worst, where = differences(collapsed, joint_draws(d, SPEC), allowed=LICENCE)
    assert worst < Z_BOUND, where
