"""What every test may use: the repository's root, the official files beside it, and no silent skip of their tests."""

from __future__ import annotations

import signal
from collections.abc import Generator
from pathlib import Path

import pytest

from bayes_csc.panel import Panel
from bayes_csc.sources.england import england
from bayes_csc.sources.official import Official

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


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
def rebuilt(shared: Path) -> Panel:
    """The England panel, built from the official files once for every test."""
    return england(shared / "data")


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
