"""What is to be concluded from the daemon as a whole: its state, coverage, and how its shadow stops were judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitor.model.stop import Verdict
from monitor.web.daemon import Daemon, ProjectView

__all__ = ["Regret", "State", "is_blind", "overall_state", "project_state", "regret"]

_ENOUGH = 10
"""Verdicts from which on a rate means something."""

_BLIND_AFTER = 3
"""Intervals without a complete look, as for the alert MonitorBlind."""


class State(StrEnum):
    """How the daemon or one project fares, the worst first."""

    STUCK = "stuck"
    AUTH_FAILING = "auth_failing"
    BLIND = "blind"
    STARTING = "starting"
    HEALTHY = "healthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Regret:
    """Of `judged` shadow stops, `regretted` would have hit a run that soon ended by itself."""

    regretted: int
    judged: int

    @property
    def rate(self) -> float | None:
        """The share of them, None while there are too few."""
        return self.regretted / self.judged if self.judged >= _ENOUGH else None

    @property
    def text(self) -> str:
        """The rate in words."""
        if self.rate is None:
            return f"learning: {self.judged} of {_ENOUGH}"
        return f"{self.rate:.0%} ({self.regretted} of {self.judged})"


def regret(verdicts: Mapping[Verdict, int]) -> Regret:
    """Return how shadow stops were judged."""
    return Regret(regretted=verdicts.get(Verdict.REGRETTED, 0), judged=sum(verdicts.values()))


def _was_seen(project: ProjectView, *, started_at: float) -> bool:
    """Return whether this daemon, begun at `started_at`, saw the project; what an earlier one saw does not count."""
    return project.runs_completed_at is not None and project.runs_completed_at >= started_at


def is_blind(project: ProjectView, *, started_at: float, now: float) -> bool:
    """Return whether the runs of a project were not completely looked at for too long. Times are own time."""
    since = max(project.runs_completed_at or started_at, started_at)
    return now - since > _BLIND_AFTER * project.runs_every


def project_state(project: ProjectView, *, started_at: float, now: float) -> State:
    """Return how a project fares; what no pass of this daemon has shown is not healthy. Times are own time."""
    if project.auth_error is not None:
        return State.AUTH_FAILING
    if is_blind(project, started_at=started_at, now=now):
        return State.BLIND
    return State.HEALTHY if _was_seen(project, started_at=started_at) else State.STARTING


def overall_state(daemon: Daemon) -> State:
    """Return how the daemon fares: as its worst project does, unless it is worse itself."""
    if daemon.unhealthy() is not None:
        return State.STUCK
    now = daemon.clock.now()
    states = {project_state(project, started_at=daemon.started_at, now=now) for project in daemon.projects()}
    if daemon.not_ready() is not None:
        states.add(State.STARTING)
    return next((state for state in State if state in states), State.STARTING)
