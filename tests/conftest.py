"""What every test may use: the repository's root, the official files beside it, and no silent skip of their tests."""

from __future__ import annotations

import pickle
import signal
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from bayes_csc.likelihood.kernel import value_and_gradient
from bayes_csc.likelihood.kernel.states import states
from bayes_csc.panel.panel import Panel
from bayes_csc.sources.download.official import Official
from bayes_csc.sources.england.panel import england

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


LONGEST = (
    "test_agreement", "test_function_cache", "test_whole_folders", "test_invariance", "test_next_words",
    "test_calibrated_fit", "test_dask_sensitivity", "test_sensitivity_run", "test_inspection_timing",
    "test_compile_ahead", "test_two_dimensions", "test_sbc", "test_predictive", "test_fit",
)  # fmt: skip
"""Files of tests that take longest: they go to the suite's processes first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""
    first = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: first.get(item.path.stem, len(first)))


@pytest.fixture(autouse=True)
def _listening() -> Generator[None]:
    """Listen to Ctrl-C even where the suite was started in the background, which ignores it, as would its processes."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of official files and design beside the checkout; tests that take it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the official files in ../shared, which are not here")
    return SHARED


@pytest.fixture(scope="session")
def official(shared: Path) -> Official:
    """The official files."""
    return Official(shared / "data")


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder of this run of the suite, which all its processes share."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session", autouse=True)
def _compiled_once(common: Path) -> None:
    """Let one process compile what the cache lacks of the kernel; the others wait and take its machine code."""

    def alone(compile: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def one_at_a_time(signature: Any) -> Any:
            with FileLock(common / "kernel.lock"):
                return compile(signature)

        return one_at_a_time

    for function in (value_and_gradient, states):
        function.machine.compile = alone(function.machine.compile)


@pytest.fixture
def interpreted() -> Generator[None]:
    """Let a test's densities be evaluated by Python: for a model that no other test compiles, and few draws."""
    from interpreted_density import by_python  # a helper beside the tests, which a conftest of its own elsewhere lacks

    with by_python():
        yield


@pytest.fixture(scope="session")
def rebuilt(shared: Path, common: Path) -> Panel:
    """The England panel, built from the official files once for all processes; no test may change it."""
    kept = common / "england.pickle"
    with FileLock(common / "england.lock"):
        if not kept.exists():
            kept.write_bytes(pickle.dumps(england(shared / "data")))
    panel = pickle.loads(kept.read_bytes())
    assert isinstance(panel, Panel)
    return panel


@pytest.fixture(scope="session")
def shipped() -> Panel:
    """The England panel that ships, read once for every test, none of which may change it."""
    return Panel.read(ROOT / "data" / "england")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test of the official files that skips although they are there: it would prove nothing."""
    report = yield
    fixtures = getattr(item, "fixturenames", ())
    if report.skipped and not hasattr(report, "wasxfail") and "shared" in fixtures and SHARED.is_dir():
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} skipped although ../shared is present: {call.excinfo and call.excinfo.value}"
    return report
