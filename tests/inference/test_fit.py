"""A fit from panel to run folder: reproducible, resumable, interruptible, and one mode whatever the seed.

One panel of eight hamlets, whose model is compiled once. A Ctrl-C is an interrupt raised where the progress is told.
"""

from __future__ import annotations

import dataclasses
import importlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from command_runner import command
from paths import PANELS
from scipy.stats import norm

from bayes_csc import Fit, Panel, Spec, __version__
from bayes_csc.errors import DataError, InterruptedFitError, UsageError
from bayes_csc.inference.chains import WARMUP, Progress, sample_chains
from bayes_csc.inference.diagnostics import LONGER, Gate, gate
from bayes_csc.inference.fit import KEPT, NO_DATA_EVERY, fit
from bayes_csc.inference.posterior_mode import Start, find_start
from bayes_csc.likelihood.density import Density, compile_density
from bayes_csc.measurement.design import design
from bayes_csc_models.trajectory import trajectory

HAMLETS = PANELS / "hamlets"
DRAWS = 30
OPTIONS = ("--panel", HAMLETS, "--draws", DRAWS, "--chains", 2, "--seed", 5)


@pytest.fixture(scope="module")
def panel() -> Panel:
    return Panel.read(HAMLETS)


@pytest.fixture(scope="module", autouse=True)
def density(panel: Panel) -> Iterator[Density]:
    """The density of the hamlets' model, made once for every fit of this file: seconds even from the cache."""
    once = compile_density(trajectory(panel))

    def stand_in(model: pm.Model) -> Density:
        assert tuple(v.name for v in model.free_RVs) == tuple(once.names.free)
        return once

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("bayes_csc.inference.fit"), "compile_density", stand_in)
        yield once


@pytest.fixture(scope="module")
def run(panel: Panel) -> Fit:
    """An uninterrupted fit."""
    return fit(panel, trajectory, seed=5, draws=DRAWS, chains=2)


def same_numbers(one: Fit, other: Fit) -> None:
    for name in ("posterior", "sample_stats", "change"):
        xr.testing.assert_equal(one.to_datatree()[name].to_dataset(), other.to_datatree()[name].to_dataset())


# The same numbers.


@pytest.mark.parametrize("cores", [1, 2])
def test_the_same_seed_gives_the_same_numbers_on_any_number_of_cores(
    panel: Panel, run: Fit, cores: int, tmp_path: Path
) -> None:
    again = fit(panel, trajectory, seed=5, draws=DRAWS, chains=2, cores=cores)
    same_numbers(again, run)
    run.write(tmp_path / "one")
    again.write(tmp_path / "other")
    assert (tmp_path / "one" / "posterior.nc").read_bytes() == (tmp_path / "other" / "posterior.nc").read_bytes()


def test_a_chain_depends_on_the_seed_and_its_number_alone(panel: Panel, run: Fit) -> None:
    three = fit(panel, trajectory, seed=5, draws=DRAWS, chains=3)
    xr.testing.assert_equal(three.posterior.isel(chain=[0, 1]), run.posterior)
    assert not three.posterior.loading.isel(chain=2).equals(three.posterior.loading.isel(chain=1))


def test_another_seed_gives_other_draws(panel: Panel, run: Fit) -> None:
    other = fit(panel, trajectory, seed=6, draws=DRAWS, chains=2)
    for name in ("loading", "theta"):
        assert np.isclose(other.posterior[name], run.posterior[name]).mean() < 0.01


# The record and the folder.


def test_the_record_says_what_was_fitted_and_by_what(panel: Panel, run: Fit) -> None:
    record = run.record
    assert record["panel_hash"] == panel.hash
    assert (record["panel"], record["panel_date"], record["spec"]) == ("Hamlets", "2022-09-30", "baseline")
    assert (record["seed"], record["draws"], record["chains"], record["warmup"]) == (5, DRAWS, 2, WARMUP)
    assert record["versions"]["bayescsc"] == __version__
    assert record["versions"]["pymc"] == pm.__version__
    assert (record["interrupted"], record["preview"]) == (False, False)
    assert set(record["seconds"]) == {"compile", "start", "sampling", "states", "diagnostics"}
    assert set(run.provenance()) == {"panel", "panel_hash", "spec", "preview", "seed", "versions"}


def test_the_gate_of_a_fit_is_that_of_its_posterior(run: Fit) -> None:
    assert run.gate == gate(run.sample_stats, run.posterior.drop_vars("theta"), run.posterior[["theta"]])
    assert not run.gate.passed  # 60 draws


def test_the_posterior_has_every_hyperparameter_with_its_labels(run: Fit, density: Density) -> None:
    posterior = run.posterior
    assert {*density.names.variable, "theta"} == set(posterior.data_vars)
    for name, variable in posterior.data_vars.items():
        assert variable.dims[:2] == ("chain", "draw"), name
        assert all(dim in posterior.coords for dim in variable.dims), name
        assert not any("_dim_" in str(dim) for dim in variable.dims), name
    assert posterior.theta.dims == ("chain", "draw", "authority", "year")
    assert list(posterior.authority.to_numpy()) == [str(code) for code in range(401, 409)]


def test_a_run_folder_gives_the_fit_back(run: Fit, tmp_path: Path) -> None:
    run.write(tmp_path / "run")
    back = Fit.read(tmp_path / "run")
    same_numbers(back, run)
    assert (back.spec, back.gate, back.record, back.panel.hash) == (run.spec, run.gate, run.record, run.panel.hash)
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_run_folder_keeps_the_contract(run: Fit, tmp_path: Path, shared: Path) -> None:
    run.write(tmp_path / "run")
    check = [sys.executable, str(shared / "checks" / "contract.py"), "run", str(tmp_path / "run")]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "run keeps its contract: posterior only")


def test_a_run_that_exists_is_replaced_only_if_asked(run: Fit, tmp_path: Path) -> None:
    target = tmp_path / "run"
    run.write(target)
    (target / "decline.csv").write_text("old")
    with pytest.raises(UsageError, match=r"exists; give another --out, or --overwrite to replace it"):
        run.write(target)
    assert (target / "decline.csv").exists()
    run.write(target, overwrite=True)
    assert not (target / "decline.csv").exists()
    same_numbers(Fit.read(target), run)


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_no_run_folder_is_never_replaced(run: Fit, tmp_path: Path, kind: str) -> None:
    target, thesis = tmp_path / "work", tmp_path / "work" / "thesis.tex"
    if kind == "folder":
        target.mkdir()
        thesis.write_text("years of work")
    else:
        target.write_text("years of work")
    with pytest.raises(UsageError, match="is not a run folder, so it is not replaced"):
        run.write(target, overwrite=True)
    assert (thesis if kind == "folder" else target).read_text() == "years of work"


def test_a_folder_that_cannot_be_written_whole_is_not_written_at_all(run: Fit, tmp_path: Path) -> None:
    broken = dataclasses.replace(run, record=run.record | {"seconds": {"sampling": float("nan")}})
    with pytest.raises(ValueError, match="not JSON compliant"):
        broken.write(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lost", ["posterior.nc", "spec.toml", "run.json", "panel"])
def test_a_folder_without_one_of_its_files_is_no_run_folder(run: Fit, tmp_path: Path, lost: str) -> None:
    run.write(tmp_path / "run")
    (tmp_path / "run" / lost).rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=rf"not a run folder \(without {lost}\)"):
        Fit.read(tmp_path / "run")


# Killed, and resumed.


def test_a_killed_fit_leaves_no_run_and_is_resumed_to_the_same_numbers(
    run: Fit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, partial = tmp_path / "run", tmp_path / ".run.partial"
    # A child that never begins its second chain, so that the kill comes after the first one, however fast it is.
    child = (
        "import os, signal, sys, importlib\n"
        "chains = importlib.import_module('bayes_csc.inference.chains')\n"
        "write = chains.Checkpoint.write\n"
        "def write_and_die(self, chain, tree):\n"
        "    write(self, chain, tree)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "chains.Checkpoint.write = write_and_die\n"
        "from bayes_csc_cli import main\n"
        "main()\n"
    )
    options = [str(option) for option in OPTIONS]
    died = subprocess.run(
        [sys.executable, "-c", child, "fit", *options, "--out", str(target)], check=False, timeout=300
    )
    assert died.returncode == -signal.SIGKILL
    assert not target.exists()
    left = {".run.partial", ".run-in-use.lock", "..run.partial-in-use.lock"}  # the next command takes the locks away
    assert {p.name for p in tmp_path.iterdir()} == left
    (kept,) = partial.glob("chain-*.nc")
    number = int(kept.stem.removeprefix("chain-"))
    xr.testing.assert_equal(
        xr.open_datatree(kept, engine="h5netcdf")["posterior"].to_dataset().load(),
        run.posterior.drop_vars("theta").sel(chain=[number]).drop_dims(("authority"), errors="ignore"),
    )

    # Another seed, or other draws, are refused, and the chain is left alone.
    before = kept.read_bytes()
    assert command("fit", *OPTIONS[:-1], 6, "--out", target, "--resume") == 2
    said = capsys.readouterr().err
    assert "its chains are of other data, options or versions; leave out --resume" in said
    assert kept.read_bytes() == before
    assert not target.exists()

    assert command("fit", *OPTIONS, "--out", target, "--resume") == 4
    same_numbers(Fit.read(target), run)
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_finished_chain_is_taken_and_not_sampled_again(panel: Panel, run: Fit, tmp_path: Path) -> None:
    folder = tmp_path / "partial"
    stop = Stopping(after=lambda now: False)

    def one_chain_only(now: Progress) -> None:
        stop(now)
        if (folder / "chain-0.nc").exists():
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fit(panel, trajectory, seed=5, draws=DRAWS, chains=2, cores=1, checkpoint=folder, progress=one_chain_only)
    with xr.open_datatree(folder / "chain-0.nc", engine="h5netcdf") as tree:
        marked = tree.load()
    marked["sample_stats"]["n_steps"][:] = 12345
    marked.to_netcdf(folder / "chain-0.nc", engine="h5netcdf")
    resumed = fit(panel, trajectory, seed=5, draws=DRAWS, chains=2, checkpoint=folder, resume=True)
    assert set(resumed.sample_stats.n_steps.sel(chain=0).to_numpy()) == {12345}
    xr.testing.assert_equal(resumed.posterior, run.posterior)
    assert not folder.exists()


def test_without_resume_what_a_killed_fit_left_is_thrown_away(panel: Panel, run: Fit, tmp_path: Path) -> None:
    folder = tmp_path / "partial"
    folder.mkdir()
    for name in ("chain-0.nc", ".chain-1.nc.part"):
        (folder / name).write_text("rubbish")
    same_numbers(fit(panel, trajectory, seed=5, draws=DRAWS, chains=2, checkpoint=folder), run)
    assert not folder.exists()


def test_resuming_where_nothing_is_left_is_a_fit(panel: Panel, run: Fit, tmp_path: Path) -> None:
    again = fit(panel, trajectory, seed=5, draws=DRAWS, chains=2, checkpoint=tmp_path / "partial", resume=True)
    same_numbers(again, run)


@pytest.mark.parametrize("change", [{"draws": DRAWS + 1}, {"spec": Spec.parse({"loadings": {"agreed_sd": 0.6}})}])
def test_chains_of_other_options_are_not_taken_up(panel: Panel, tmp_path: Path, change: dict[str, Any]) -> None:
    options: dict[str, Any] = {"seed": 5, "draws": DRAWS, "chains": 2, "checkpoint": tmp_path / "partial"}

    def cut(now: Progress) -> None:
        if (tmp_path / "partial" / "chain-0.nc").exists():
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fit(panel, trajectory, **options, progress=cut)
    with pytest.raises(UsageError, match="leave out --resume"):
        fit(panel, trajectory, **(options | change), resume=True)


# Interrupted.


@dataclasses.dataclass
class Stopping:
    """Sends this process an interrupt, once, as Ctrl-C would, when `after` says so."""

    after: Callable[[Progress], bool]
    sent: bool = False

    def __call__(self, now: Progress) -> None:
        if not self.sent and self.after(now):
            self.sent = True
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize(
    ("advice", "draws"), [(LONGER, 15), ("a smaller target", 10)], ids=["for want of draws", "for another reason"]
)
def test_a_full_fit_that_misses_its_checks_goes_on_where_more_draws_help(
    panel: Panel, monkeypatch: pytest.MonkeyPatch, advice: str, draws: int
) -> None:
    module = importlib.import_module("bayes_csc.inference.fit")
    missed = Gate(False, 1.02, 300.0, 250.0, 0.9, 0, ("loading[agency]: tail ESS 250",), advice)
    passed = Gate(True, 1.0, 900.0, 800.0, 0.9, 0, (), "")
    verdicts = iter([missed, passed, passed])
    monkeypatch.setattr(module, "DRAWS", 10)
    monkeypatch.setattr(module, "gate", lambda *_, **__: next(verdicts))
    found = fit(panel, trajectory, seed=2, chains=2, warmup=20)
    assert (found.record["first_draws"], found.record["draws"]) == (10, draws)
    whole = fit(panel, trajectory, seed=2, chains=2, warmup=20, draws=draws)
    np.testing.assert_array_equal(found.unconstrained.x, whole.unconstrained.x)
    assert found.posterior.loading.identical(whole.posterior.loading)


@pytest.fixture
def interrupting(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Progress], bool]], Stopping]:
    """Let the command's progress line interrupt it."""

    def arrange(after: Callable[[Progress], bool]) -> Stopping:
        from contextlib import contextmanager

        stop = Stopping(after)

        @contextmanager
        def shown() -> Iterator[Callable[[Progress], None]]:
            yield stop

        monkeypatch.setattr(importlib.import_module("bayes_csc.inference.progress_line"), "shown", shown)
        return stop

    return arrange


def test_ctrl_c_keeps_what_was_drawn(interrupting: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stop = interrupting(lambda now: now.stage == "sampling" and now.done > 2 * WARMUP + 3 * 50)
    options = ("--panel", HAMLETS, "--draws", 20_000, "--chains", 2, "--seed", 5, "--out", tmp_path / "run")
    assert command("fit", *options) == 4
    assert stop.sent
    said = capsys.readouterr()
    assert "Interrupted: it holds what was drawn until then." in said.out
    kept = Fit.read(tmp_path / "run")
    assert kept.record["interrupted"] is True
    drawn = kept.posterior.sizes["draw"]
    assert 50 <= drawn <= KEPT  # of two chains, however unequal, those kept have a third of all draws each
    assert kept.posterior.notnull().all().to_array().drop_sel(variable="theta").all()
    finite = (abs(kept.change["mean"]) < np.inf).all("authority")
    without_data = finite.sel(change="since inspection, no data")
    every = np.broadcast_to(np.arange(drawn) % NO_DATA_EVERY == 0, without_data.shape)
    np.testing.assert_array_equal(without_data, every)
    assert finite.drop_sel(change="since inspection, no data").all()
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_ctrl_c_keeps_a_prefix_of_what_would_have_been_drawn(panel: Panel, run: Fit) -> None:
    stop = Stopping(lambda now: now.stage == "sampling" and now.done > 2 * WARMUP + 3 * DRAWS)
    cut = fit(panel, trajectory, seed=5, draws=KEPT // 2, chains=2, progress=stop)  # more would be spaced
    assert cut.posterior.sizes["draw"] >= DRAWS
    first = cut.posterior.isel(draw=slice(0, DRAWS))
    for name in ("loading", "cutpoints"):
        # a chain far behind the other is left out
        xr.testing.assert_equal(first[name], run.posterior[name].sel(chain=cut.posterior.chain))


def test_ctrl_c_before_the_warm_up_ends_writes_nothing_and_exits_with_130(
    interrupting: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.import_module("bayes_csc.inference.fit"), "WARMUP", 10**6)
    stop = interrupting(lambda now: now.stage == "sampling")
    with pytest.MonkeyPatch.context() as patch:
        module = importlib.import_module("bayes_csc.inference.fit")
        patch.setattr(module, "sample_chains", lambda *a, **k: sample_chains(*a, **(k | {"warmup": 10**6})))
        assert command("fit", *OPTIONS, "--out", tmp_path / "run") == 130
    assert stop.sent
    said = capsys.readouterr()
    assert said.err == "Error: interrupted before any chain had left its warm-up: nothing is written\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stage", ["compiling", "finding the mode", "states"])
def test_ctrl_c_outside_the_sampling_writes_no_run_and_exits_with_130(
    interrupting: Any, tmp_path: Path, stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stop = interrupting(lambda now: now.stage.startswith(stage))
    assert command("fit", *OPTIONS, "--out", tmp_path / "run") == 130
    assert stop.sent
    assert "Traceback" not in capsys.readouterr().err
    left = [p.name for p in tmp_path.iterdir()]
    assert left == ([".run.partial"] if stage == "states" else [])  # the finished chains can be taken up


def tree(drawn: int, chain: int) -> xr.DataTree:
    group = xr.Dataset({"x": (("chain", "draw"), np.full((1, drawn), float(chain)))}, coords={"chain": [chain]})
    return xr.DataTree.from_dict({"/posterior": group, "/sample_stats": group, "/unconstrained": group})


@pytest.mark.parametrize(
    ("drawn", "kept"),
    [
        ((500, 500, 500, 500), (500, [0, 1, 2, 3])),
        ((500, 500, 3, 0), (500, [0, 1])),  # a chain that had just begun does not cost the finished ones
        ((500, 500, 400, 390), (390, [0, 1, 2, 3])),
        ((0, 700, 0, 100), (700, [1])),
        ((4, 0), (4, [0])),
    ],
)
def test_as_many_draws_as_possible_are_kept_of_unequal_chains(
    drawn: tuple[int, ...], kept: tuple[int, list[int]]
) -> None:
    joined = importlib.import_module("bayes_csc.inference.chains")._joined({c: tree(n, c) for c, n in enumerate(drawn)})
    assert set(joined.children) == {"posterior", "sample_stats", "unconstrained"}
    for group in joined.children.values():
        assert (group.sizes["draw"], list(group.chain.to_numpy())) == kept
        assert bool((group.x == group.chain).all())


@pytest.mark.parametrize("drawn", [(), (0, 0), (3, 2)])
def test_chains_too_short_to_judge_are_nothing_drawn(drawn: tuple[int, ...]) -> None:
    with pytest.raises(InterruptedFitError, match="nothing is written"):
        importlib.import_module("bayes_csc.inference.chains")._joined({c: tree(n, c) for c, n in enumerate(drawn)})


# Progress.


def test_progress_counts_every_step_of_every_chain(panel: Panel) -> None:
    told: list[Progress] = []
    fit(panel, trajectory, seed=5, draws=DRAWS, chains=2, progress=told.append)
    stages = list(dict.fromkeys(now.stage.split(" (")[0] for now in told))
    assert stages == ["compiling", "finding the mode", "sampling", "states"]
    for stage, total in (("sampling", 2 * (WARMUP + DRAWS)), ("states", 2 * DRAWS)):
        counts = [now.done for now in told if now.stage == stage]
        assert counts == sorted(counts)
        assert {now.total for now in told if now.stage == stage} == {total}
        assert counts[-1] == total
    last = [now for now in told if now.stage == "sampling"][-1]
    assert last.gradients >= last.done
    assert last.seconds_left == pytest.approx(0.0, abs=1e-6)


# The command refuses before it works.


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--panel", "englnad"], 3, "Error: englnad: no such folder; a panel is a folder with indicators.toml"),
        (["--spec", "basline"], 2, "Error: basline: no such spec; give a TOML file or one of baseline, "),
        (["--panel", HAMLETS, "--drop", "age"], 2, "Error: no indicator 'age' in panel Hamlets"),
        (
            ["--panel", HAMLETS, "--as-of", "1999-12-31"],
            3,
            "Error: Hamlets: the indicator files have no row of figures",
        ),
        (["--panel", HAMLETS, "--as-of", "31/12/2020"], 2, "does not match"),
        (["--panel", HAMLETS, "--draws", "3"], 2, "Invalid value for '--draws': Input should be greater than"),
        (["--panel", HAMLETS, "--chains", "0"], 2, "Invalid value for '--chains': Input should be greater than"),
        (["--panel", HAMLETS, "--seed", "-1"], 2, "Invalid value for '--seed': Input should be greater than"),
        (["--no-such-option"], 2, "No such option: --no-such-option"),
    ],
)
def test_a_mistake_is_one_message_and_nothing_is_written(
    arguments: list[Any], code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("fit", *arguments, "--out", tmp_path / "run") == code
    said = capsys.readouterr()
    assert message in " ".join(said.err.replace("│", " ").split())
    if said.err.startswith("Error: "):
        assert said.err.count("\n") <= 2
    assert said.out == ""
    assert list(tmp_path.iterdir()) == []


def test_an_existing_run_is_refused_before_anything_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "run"
    target.mkdir()
    (target / "run.json").write_text("{}")
    assert command("fit", *OPTIONS, "--out", target) == 2
    assert "exists; give another --out, or --overwrite to replace it" in capsys.readouterr().err
    (target / "run.json").rename(target / "notes.txt")
    assert command("fit", *OPTIONS, "--out", target, "--overwrite") == 2
    assert "is not a run folder, so it is not replaced" in capsys.readouterr().err


def test_help_names_every_option_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("fit", "--help") == 0
    said = capsys.readouterr().out
    wanted = ("panel", "spec", "seed", "draws", "chains", "as-of", "out", "overwrite", "resume", "ratings", "drop")
    assert [option for option in wanted if f"--{option}" not in said] == []


# One mode, whatever the seed.


SEEDS = range(20)


@pytest.fixture(scope="module")
def start(panel: Panel, density: Density) -> Start:
    return find_start(density, design(panel, Spec()), cores=2)


@pytest.fixture(scope="module")
def by_seed(start: Start) -> xr.Dataset:
    """A short chain from each seed, started four posterior deviations away from the mode."""
    chains = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bayes_csc.inference.chains.FIRST_SD", 4.0)
        for seed in SEEDS:
            tree, _ = sample_chains(start, seed=seed, draws=150, chains=1, cores=1)
            assert int(tree["sample_stats"]["diverging"].sum()) <= 2
            chains.append(tree["posterior"].to_dataset().assign_coords(chain=[seed]))
    return xr.concat(chains, dim="chain", join="outer")


def test_a_chain_that_would_begin_where_there_is_no_density_begins_nearer_to_the_mode(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bayes_csc.inference.chains.FIRST_SD", 4.0)
    tree, _ = sample_chains(start, seed=7, draws=20, chains=1, cores=1)  # by itself it began there, and never moved
    assert np.ptp(tree["unconstrained"]["x"].to_numpy()[0], axis=0).min() > 0.0


def test_no_label_sign_or_mirror_switches_over_twenty_seeds(by_seed: xr.Dataset) -> None:
    import arviz_stats as az

    chosen = by_seed[["loading", "judgement_loading", "deprivation_level"]]
    rhat = az.rhat(chosen).to_array()
    assert float(rhat.max()) < 1.05  # 20 chains of 150 draws: noise alone gives some 1.01
    ess = az.ess(by_seed[["loading", "judgement_loading"]])
    for name in ("loading", "judgement_loading"):
        per_chain = by_seed[name].mean("draw")
        error = by_seed[name].std(("chain", "draw")) * np.sqrt(len(SEEDS) / ess[name])
        z = (per_chain - per_chain.mean("chain")) / error
        assert float(abs(z).max()) < norm.isf(1e-5)  # 80 of them
    assert bool((by_seed.judgement_loading > 0).all())


def test_the_mode_is_the_same_from_every_first_point(panel: Panel, density: Density, start: Start) -> None:
    mode = start.coordinates.centre
    height, known = start.density(mode)[0], start.density.expand(mode)["loading"]
    for seed in (1, 2, 3):
        away = density.first + np.random.default_rng(seed).uniform(-1.0, 1.0, size=density.first.size)
        other = find_start(dataclasses.replace(density, first=away), design(panel, Spec()), cores=1)
        there = other.coordinates.centre
        assert other.density(there)[0] == pytest.approx(height, abs=0.01)
        np.testing.assert_allclose(other.density.expand(there)["loading"], known, atol=0.02)


def test_an_autocorrelation_ever_nearer_to_one_changes_nothing_but_its_prior(start: Start) -> None:
    at, heights = start.density.names.free["autocorrelation"].start, []
    for log_odds in (21.0, 26.0, 31.0, 36.0, 41.0):
        x = start.coordinates.centre.copy()
        x[at] = log_odds
        heights.append(start.density(x)[0])
    np.testing.assert_allclose(np.diff(heights), -5.0, atol=1e-3)  # one for each unit beyond the bound


def test_the_start_does_not_depend_on_the_threads_nor_on_an_earlier_one(
    panel: Panel, start: Start, density: Density
) -> None:
    for before, cores in ((density, 1), (start.density, 2)):
        again = find_start(before, design(panel, Spec()), cores=cores)
        np.testing.assert_array_equal(again.coordinates.centre, start.coordinates.centre)
        np.testing.assert_array_equal(again.coordinates.factor, start.coordinates.factor)
        np.testing.assert_array_equal(again.density.z, start.density.z)
