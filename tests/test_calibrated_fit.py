"""A small version of benchmarks/calibration.py: a real fit of a simulated panel recovers its truth."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from bayes_csc.fit import fit
from bayes_csc.next_recovery import next_recovery, next_summary
from bayes_csc.recovery import DELTA, THETA, recovery
from bayes_csc.simulate_ahead import NEXT, simulate_ahead
from bayes_csc.spec import Spec
from bayes_csc_models.trajectory import trajectory


@pytest.fixture(scope="module")
def recovered() -> xr.DataTree:
    panel, truth = simulate_ahead(trajectory, Spec(), authorities=40, years=6, indicators=5, seed=1)
    run = fit(panel, trajectory, spec=Spec(), seed=1, draws=200, chains=2)
    tree = recovery(run, truth)
    tree[NEXT] = xr.DataTree(next_recovery(run, trajectory, truth))
    return tree


@pytest.mark.parametrize("probability", [0.5, 0.89])
@pytest.mark.parametrize("quantity", [THETA, DELTA])
def test_intervals_cover_the_truth_about_as_often_as_they_say(
    recovered: xr.DataTree, quantity: str, probability: float
) -> None:
    part = recovered["below"][quantity].dropna("authority")
    covered = float((abs(part - 0.5) <= probability / 2).mean())
    # 40 independent authorities, the years of one as one, and as much again for what they share; four deviations
    error = np.sqrt(2 * probability * (1 - probability) / part.sizes["authority"])
    assert covered == pytest.approx(probability, abs=4 * error)


def test_the_truth_lies_on_no_side_of_the_posterior(recovered: xr.DataTree) -> None:
    # theta is centred over the authorities, so their mean part below is 1/2 but for the draws and their skewness
    assert float(recovered["below"][THETA].mean()) == pytest.approx(0.5, abs=4 * np.sqrt(1 / 12 / 40))


def test_probabilities_of_decline_are_probabilities_of_what_happened(recovered: xr.DataTree) -> None:
    event = recovered["decline"]
    p, y = event["p_decline"], event["declined"]
    # a sum of independent events has this mean and variance; twice the variance for what they share
    assert float(y.sum()) == pytest.approx(float(p.sum()), abs=4 * float(np.sqrt(2 * (p * (1 - p)).sum())))
    assert p.to_numpy().min() >= 0
    assert p.to_numpy().max() <= 1


def test_probabilities_of_a_worse_next_grade_are_probabilities_of_what_came(recovered: xr.DataTree) -> None:
    event = recovered[NEXT].to_dataset().dropna("authority", subset=["p_worse"])
    p, y = event["p_worse"], event["worse"]
    assert 10 < p.size < 40  # those with an inspection, whose last grade is not the worst
    assert float(y.sum()) == pytest.approx(float(p.sum()), abs=4 * float(np.sqrt(2 * (p * (1 - p)).sum())))
    # replicates are draws of those events, 200 of each
    error = np.sqrt(p * (1 - p) / event.sizes["replicate"])
    assert float((abs(event["copies"].mean("replicate") - p) > 4.5 * error + 0.02).sum()) == 0


def test_panels_are_summed_up_although_others_are_at_risk_in_each(recovered: xr.DataTree) -> None:
    other = recovered.copy()
    fewer = recovered[NEXT].to_dataset().copy()
    gone = fewer.authority[:5]
    for name in ("p_worse", "worse", "copies"):
        fewer[name] = fewer[name].where(~fewer.authority.isin(gone))
    other[NEXT] = xr.DataTree(fewer)
    found = next_summary([recovered, other])
    made = [int(tree[NEXT]["p_worse"].notnull().sum()) for tree in (recovered, other)]
    assert found["forecasts"] == sum(made) == sum(row["n"] for row in found["reliability"])
    assert found["worse"] == float(sum(tree[NEXT]["worse"].sum() for tree in (recovered, other)))
    excess = np.mean([float((tree[NEXT]["worse"] - tree[NEXT]["p_worse"]).mean()) for tree in (recovered, other)])
    assert found["excess"]["mean"] == pytest.approx(excess, abs=1e-12)
