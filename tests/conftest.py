"""Fixtures shared by all tests, and the account of what was skipped."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

EXPECTED_SKIPS = Path(__file__).parent / "expected_skips.txt"
"""One reason a line. A skip for any other reason fails the run."""


# How fast a machine is just now is no property of the code.
settings.register_profile("headwater", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("headwater")

# Workers import the measures that tests add by the name of their module.
os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real, benign media that is not part of this repository."""
    value = os.environ.get("HEADWATER_DATA")
    if not value:
        pytest.skip("HEADWATER_DATA is not set")
    return Path(value)


def _reasons(terminal: pytest.TerminalReporter) -> Counter[str]:
    reasons: Counter[str] = Counter()
    for report in terminal.stats.get("skipped", []):
        text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[text.removeprefix("Skipped: ")] += 1
    return reasons


def _unexpected(reasons: Counter[str]) -> list[str]:
    lines = EXPECTED_SKIPS.read_text().splitlines()
    expected = {line.strip() for line in lines if line.strip() and not line.startswith("#")}
    return sorted(set(reasons) - expected)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail the run where something was skipped that nobody expects to be."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and exitstatus == 0 and _unexpected(_reasons(terminal)):
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print every reason for skipping, with its count."""
    reasons = _reasons(terminalreporter)
    if not reasons:
        return
    terminalreporter.section("skipped")
    unexpected = set(_unexpected(reasons))
    for reason, count in sorted(reasons.items()):
        mark = "UNEXPECTED " if reason in unexpected else ""
        terminalreporter.line(f"{mark}{count} x {reason}")
