"""What holds for every test: Hypothesis profiles, logging as it was found, whether a test of a real server may skip."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from tests.support.soak import PROFILE

_ENVIRON = os.environ  # noqa: TID251 - the settings of the tests, not of the monitor

# No deadline: how long an example takes says more about the machine than about the code.
settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("soak", deadline=None, print_blob=True)
settings.load_profile(PROFILE)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With ``CI_SERVICES=required`` a skipped `service` test is a failure: there the servers must be installed."""
    report = yield
    required = _ENVIRON.get("CI_SERVICES") == "required"
    if required and report.skipped and item.get_closest_marker("service") is not None:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped, although CI_SERVICES=required: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def loggers_as_found() -> Iterator[None]:
    """Undo what uvicorn does to its loggers, and so to the process, whenever a test starts a server."""
    loggers = [logging.getLogger(name) for name in ("uvicorn", "uvicorn.access", "uvicorn.asgi", "uvicorn.error")]
    found = [(logger, logger.level, logger.propagate, list(logger.handlers)) for logger in loggers]
    yield
    for logger, level, propagate, handlers in found:
        logger.setLevel(level)
        logger.propagate = propagate
        logger.handlers[:] = handlers
