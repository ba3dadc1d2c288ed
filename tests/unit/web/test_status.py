"""What is concluded about the daemon as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.model.stop import Verdict
from monitor.web.status import Regret, State, overall_state, project_state, regret
from tests.unit.web.conftest import NOW, FakeDaemon


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, State.HEALTHY),
        ({"runs_completed_at": NOW - 30}, State.HEALTHY),
        ({"runs_completed_at": NOW - 31}, State.BLIND),
        ({"runs_completed_at": None}, State.BLIND),
        ({"auth_error": "401 INVALID_TOKEN", "runs_completed_at": None}, State.AUTH_FAILING),
    ],
)
async def test_the_state_of_a_project(daemon: FakeDaemon, changes: dict[str, Any], state: State) -> None:
    """A project is healthy only while its newest complete look is at most three intervals old."""
    daemon.project = changes
    assert project_state(daemon.projects()[0], started_at=daemon.started_at, now=NOW) is state
    assert overall_state(daemon) is state


@pytest.mark.parametrize(("age", "state"), [(5, State.STARTING), (31, State.BLIND)])
async def test_what_an_earlier_daemon_saw_is_not_health(daemon: FakeDaemon, age: float, state: State) -> None:
    """After a restart a project is starting, not healthy and not blind, until its first look is overdue."""
    daemon.project = {"runs_completed_at": NOW - 1000}
    assert project_state(daemon.projects()[0], started_at=NOW - age, now=NOW) is state


async def test_a_stuck_daemon_is_worse_than_any_project(daemon: FakeDaemon) -> None:
    """What a stuck daemon knows of its projects says nothing."""
    daemon.stuck = "the scheduler does not answer"
    assert overall_state(daemon) is State.STUCK


async def test_a_daemon_is_not_healthy_before_every_poll_was_attempted(daemon: FakeDaemon) -> None:
    """Seeing runs is not enough while ratings were never looked at."""
    daemon.missing = "ratings"
    assert overall_state(daemon) is State.STARTING


@pytest.mark.parametrize(
    ("regretted", "justified", "rate", "text"),
    [
        (0, 0, None, "learning: 0 of 10"),
        (4, 5, None, "learning: 9 of 10"),
        (1, 9, 0.1, "10% (1 of 10)"),
        (0, 12, 0.0, "0% (0 of 12)"),
    ],
)
def test_regret_has_a_rate_from_ten_verdicts_on(regretted: int, justified: int, rate: float | None, text: str) -> None:
    """Fewer than ten judged shadow stops give no rate, however they were judged."""
    judged = regret({Verdict.REGRETTED: regretted, Verdict.JUSTIFIED: justified})
    assert judged == Regret(regretted=regretted, judged=regretted + justified)
    assert (judged.rate, judged.text) == (rate, text)
