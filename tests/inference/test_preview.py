"""A preview: the same posterior by few draws, judged by its own gate, and marked wherever it shows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_runner import command
from paths import PANELS

from bayes_csc import Fit, Panel, decline, fit
from bayes_csc.inference.diagnostics import preview_gate
from bayes_csc.inference.fit import PREVIEW_DRAWS, PREVIEW_WARMUP, preview
from bayes_csc_models.trajectory import trajectory

HAMLETS = PANELS / "hamlets"


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel.read(HAMLETS)


@pytest.fixture(scope="module")
def quick(panel: Panel) -> Fit:
    return preview(panel, trajectory, seed=3, draws=150)


def test_a_preview_is_a_fit_of_few_draws_that_says_so(quick: Fit) -> None:
    assert quick.preview
    assert (quick.record["preview"], quick.record["warmup"]) == (True, PREVIEW_WARMUP)
    assert quick.gate.summary() == preview_gate(quick.change, quick.sample_stats).summary()


def test_previews_are_within_their_own_error_of_the_full_posterior(panel: Panel, quick: Fit) -> None:
    full = fit(panel, trajectory, seed=9, draws=800)
    a, b = (decline(run, "all", force=True).set_index("authority") for run in (quick, full))
    gap = (a.p_decline - b.p_decline).abs().dropna()
    error = np.hypot(a.p_decline_mcse, b.p_decline_mcse)[gap.index]
    assert gap.max() < 0.06
    assert float((gap / error).max()) < 6.0  # seven t values with some 19 degrees of freedom: 6 has probability 1e-5


def test_every_output_of_a_preview_is_marked(quick: Fit) -> None:
    table = decline(quick, "all", force=True)
    assert all("preview" in note.split("; ") for note in table.note)
    assert table.attrs["preview"] is True


def test_a_full_fit_is_not_marked(panel: Panel) -> None:
    table = decline(fit(panel, trajectory, seed=3, draws=10, chains=2), "all", force=True)
    assert not any("preview" in note for note in table.note)
    assert table.attrs["preview"] is False


def test_the_command_writes_a_marked_run_that_decline_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    code = command("fit", "--panel", HAMLETS, "--preview", "--seed", 4, "--out", run)
    said = capsys.readouterr().out
    assert said.startswith("PREVIEW: wrote ")
    made_of = said.split("What theta is made of, by share of its information:\n")[1].splitlines()
    assert made_of[0].split() == ["Source", "Share", "89%", "interval"]
    assert [line.split()[0] for line in made_of[1:4]] == ["workforce", "assessment", "judgements"]
    assert sum(float(line.split()[1]) for line in made_of[1:4]) == pytest.approx(1.0, abs=0.016)
    assert max(map(len, made_of[:4])) <= 80
    record = json.loads((run / "run.json").read_text())
    assert (record["preview"], record["draws"]) == (True, PREVIEW_DRAWS)
    assert code == (0 if record["diagnostics"]["passed"] else 4)
    assert command("decline", run, "--group", "all", "--force") == 0
    assert "PREVIEW. " in capsys.readouterr().out
    assert pd.read_csv(run / "decline.csv").note.str.contains("preview").all()
    assert json.loads((run / "decline.json").read_text())["metadata"]["preview"] is True
    again = Fit.read(run)
    assert again.preview


def test_a_preview_takes_other_options_as_a_fit_does(panel: Panel) -> None:
    one, two = (preview(panel, trajectory, seed=1, draws=10, chains=2, cores=cores) for cores in (1, 2))
    np.testing.assert_array_equal(one.posterior.loading, two.posterior.loading)
    assert one.posterior.sizes["chain"] == 2


@pytest.mark.parametrize("with_checkpoint", [False, True])
def test_a_second_attempt_starts_anew_and_is_as_long_as_asked(
    panel: Panel, tmp_path: Path, *, with_checkpoint: bool
) -> None:
    """Seven draws of two chains fail the gate; the chains kept of them are not those of the second attempt."""
    checkpoint = tmp_path / "kept" if with_checkpoint else None
    twice = preview(panel, trajectory, seed=3, chains=2, draws=7, again=60, checkpoint=checkpoint)
    once = preview(panel, trajectory, seed=3, chains=2, draws=60)
    assert twice.record["draws"] == 60
    np.testing.assert_array_equal(twice.unconstrained.x, once.unconstrained.x)
    assert not (tmp_path / "kept").exists()
