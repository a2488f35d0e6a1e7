"""A family of distributions that the library does not have: defined here, it goes from a panel's folder to a report."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytensor.tensor as pt
import pytest
from command_runner import command
from interpreted_density import by_python
from panel_of_every_family import with_every_family
from paths import PANELS
from scipy.special import betainc, betaincinv, gammaln
from scipy.stats import nbinom

from bayes_csc.estimates.contributions import contributions
from bayes_csc.estimates.loadings import loadings
from bayes_csc.inference.diagnostics import Gate
from bayes_csc.inference.fit import Fit, preview
from bayes_csc.likelihood.count_sites import Counts
from bayes_csc.panel.families import FAMILIES
from bayes_csc.panel.families.counts import CountFamily
from bayes_csc.panel.panel import Panel
from bayes_csc.report.findings.collect import gather
from bayes_csc.report.site import write_site
from bayes_csc.simulation.simulate import simulate_like
from bayes_csc.spec import Spec
from bayes_csc_models import trajectory
from bayes_csc_models.likelihood import count_logp

SIZE = 20.0
"""Of the negative binomial distribution: the variance of a count is its mean m plus m ** 2 / SIZE."""
NEGATIVE_BINOMIAL = CountFamily(
    name="negative binomial",
    unit="logs of the rate",
    shown=lambda usual: (1000.0, "per 1,000", 1),
    mean=lambda eta, n: n * np.exp(eta),
    natural=lambda eta, n, xp: eta - xp.log(SIZE + n * xp.exp(eta)),
    log_partition=lambda eta, n, xp: SIZE * xp.log(SIZE + n * xp.exp(eta)),
    log_constant=lambda y, n: y * np.log(n) + SIZE * np.log(SIZE) - gammaln(SIZE),
    log_ways=lambda y, more, n: gammaln(y + more + SIZE) - gammaln(y + more + 1.0) + more * np.log(n),
    tails=lambda y, n, eta: (nbinom.cdf(y - 1.0, SIZE, p(eta, n)), nbinom.sf(y - 1.0, SIZE, p(eta, n))),
    limit=lambda y, n, p: np.log(SIZE / n / (1.0 / betaincinv(np.maximum(y, 1e-12), SIZE, p) - 1.0)),
    law=lambda eta, n: nbinom(SIZE, p(eta, n)),
    empirical=lambda y, n: (np.log((y + 0.5) / n), 1.0 / (1.0 / (y + 0.5) + 1.0 / SIZE)),
)
PASSED = Gate(True, 1.001, 900.0, 800.0, 0.9, 0, (), "")


def p(eta: np.ndarray, n: np.ndarray) -> np.ndarray:
    return np.asarray(SIZE / (SIZE + n * np.exp(eta)))


@pytest.fixture(scope="module", autouse=True)
def _known() -> Generator[None]:
    """Let the library have the family for the tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FAMILIES, NEGATIVE_BINOMIAL.name, NEGATIVE_BINOMIAL)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hamlets with incidents of that family, some suppressed, beside shares and values, as a panel's folder."""
    hamlets = Panel.read(PANELS / "hamlets")
    more = with_every_family(hamlets, "incidents", "wellbeing")
    incidents = replace(more.indicators["incidents"], family=NEGATIVE_BINOMIAL.name)
    panel = replace(
        hamlets,
        indicators={**hamlets.indicators, **more.indicators, "incidents": incidents},
        cells=pd.concat([hamlets.cells, more.cells], ignore_index=True),
    )
    out = tmp_path_factory.mktemp("further") / "panel"
    panel.write(out)
    return out


@pytest.fixture(scope="module")
def run(folder: Path) -> Fit:
    with by_python():
        return replace(preview(Panel.read(folder), trajectory, seed=3, chains=2, draws=20), gate=PASSED)


def test_its_counts_and_intervals_have_the_probabilities_of_the_distribution() -> None:
    nan = np.nan
    rows = pd.DataFrame(
        {
            "family": [NEGATIVE_BINOMIAL.name] * 4 + ["poisson"], "sign": [1.0, -1.0, 1.0, -1.0, 1.0],
            "numerator": [0.0, 7.0, nan, nan, 3.0], "denominator": [2.5, 4.0, 3.0, 90.0, 2.0],
            "lower": [nan, nan, 1.0, 10.0, nan], "upper": [nan, nan, 5.0, 95.0, nan],
        }
    )  # fmt: skip
    z = np.array([-1.0, 0.0, 0.8])
    low, high = rows.numerator.fillna(rows.lower).to_numpy(), rows.numerator.fillna(rows.upper).to_numpy()
    eta, n = rows.sign.to_numpy()[:, None] * z, rows.denominator.to_numpy()[:, None]
    cdf = nbinom.cdf([high[:4, None], low[:4, None] - 1.0], SIZE, p(eta[:4], n[:4]))
    counts = Counts.of(rows)
    sites = np.exp(counts.log_likelihood(np.tile(z, (5, 1))) + counts.constant[:, None])
    joint = np.exp([count_logp(rows, pt.constant(np.full(5, v))).eval() for v in z]).T
    np.testing.assert_allclose(sites[:4], cdf[0] - cdf[1], rtol=1e-9)
    np.testing.assert_allclose(joint, sites, rtol=1e-9)  # with the Poisson count among them


def test_the_limit_of_a_count_is_where_its_tail_has_the_probability() -> None:
    at = NEGATIVE_BINOMIAL.limit(np.array([1.0, 8.0]), 5.0, 0.3)
    np.testing.assert_allclose(NEGATIVE_BINOMIAL.tails(np.array([1.0, 8.0]), 5.0, at)[1], 0.3)
    np.testing.assert_allclose(betainc(8.0, SIZE, 1.0 - p(at[1], np.array(5.0))), 0.3)


def test_its_panel_is_checked(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("data", "check", folder) == 0
    broken = Path(shutil.copytree(folder, tmp_path / "broken"))
    for path in broken.glob("indicators/*.csv"):
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
        mine = rows.index[rows.indicator.eq("incidents") & rows.status.eq("observed")]
        rows.loc[mine[:1], "denominator"] = ""
        rows.to_csv(path, index=False)
    assert command("data", "check", broken) != 0
    assert "observed without its figure" in "".join(capsys.readouterr())


def test_a_panel_of_it_is_simulated_and_read_back(folder: Path, tmp_path: Path) -> None:
    simulated, _ = simulate_like(Panel.read(folder), trajectory, Spec(), seed=2)
    simulated.write(tmp_path / "simulated")
    again = Panel.read(tmp_path / "simulated")
    counts = again.cells[again.cells.indicator.eq("incidents") & again.cells.status.eq("observed")].numerator
    assert again.indicators["incidents"].family == NEGATIVE_BINOMIAL.name
    assert counts.gt(0).any()
    assert counts.mod(1).eq(0).all()


def test_a_fit_of_it_has_contributions_and_loadings_of_it(run: Fit) -> None:
    with by_python():
        table = contributions(run, trajectory, group="all")
        told = loadings(run)
    mine = table[table["source"] == "incidents"]
    assert mine["contribution"].abs().max() > 0.0
    assert told.set_index("key").loc["incidents", "unit"] == "logs of the rate"


def test_a_report_shows_its_figures_in_its_unit(run: Fit, tmp_path: Path) -> None:
    with by_python():
        found = gather(run, trajectory, Path("runs/none"), group="all")
    assert found.fitted.checks.loc["incidents", "inside"] > 0.5
    write_site(found, tmp_path / "report", cores=1)
    assert "per 1,000" in "".join(path.read_text("utf-8") for path in (tmp_path / "report").glob("authority-*.html"))
