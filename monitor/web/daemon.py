"""What the web pages ask of the daemon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from monitor.clock import Clock
from monitor.cycle.manual_stops import AskedFor
from monitor.drills import Drills
from monitor.metrics import Metrics
from monitor.model.capabilities import Capabilities
from monitor.model.conversation import App
from monitor.model.stop import StopMode
from monitor.on_call import OnCall
from monitor.rules.rule import Rule
from monitor.store import Store

__all__ = ["Daemon", "PollView", "ProjectView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PollView:
    """
    One poll of a project: the seconds `wanted` between two passes, and those that are `kept`, infinity while put off.

    `completed_at` is when its newest complete pass ended, in own time. Of a look-back, `requests_per_hour` and
    `detection_delay` (seconds) are what its newest pass measured, None before and for other polls.
    """

    name: str
    wanted: float
    kept: float
    completed_at: float | None
    requests_per_hour: float | None = None
    detection_delay: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectView:
    """
    One watched project as it is now.

    `auth_error` is why Alli refuses its credential, None while it does not. `offset` is server time minus own time in
    seconds. `runs_completed_at` is when the newest complete pass over its running list ended, in own time, and None
    before the first; `runs_every` is how many seconds lie between two of them. `stop_mode` is what holds for apps
    that have no mode of their own. `capabilities` are what the newest probe found, `polls` how often what is asked.
    """

    name: str
    base_url: str
    auth_error: str | None
    offset: float
    runs_completed_at: float | None
    runs_every: float
    stop_mode: StopMode
    capabilities: Capabilities = field(default_factory=Capabilities)
    polls: tuple[PollView, ...] = ()

    @property
    def was_probed(self) -> bool:
        """Whether a probe, of this daemon or an earlier one, has told what its server can do."""
        return self.capabilities.probed_at > 0


class Daemon(Protocol):
    """The running daemon. `started_at` is own time."""

    @property
    def store(self) -> Store:
        """The database."""

    @property
    def metrics(self) -> Metrics:
        """What `/metrics` shows."""

    @property
    def clock(self) -> Clock:
        """Own time."""

    @property
    def started_at(self) -> float:
        """When this daemon began, in own time."""

    @property
    def on_call(self) -> OnCall:
        """What takes silences and acknowledgements."""

    @property
    def drills(self) -> Drills:
        """What begins and ends drills."""

    def unhealthy(self) -> str | None:
        """Return why the daemon is stuck, None while it is not; without a conversation's content or id."""

    def not_ready(self) -> str | None:
        """Return which polls were not attempted yet, None once all were; without a conversation's content or id."""

    async def reload(self) -> None:
        """Load rules and configuration again. Raises ConfigErrors, and then goes on with what it had."""

    async def stop(self, conversation_id: str, *, project: str | None, asked_by: str) -> AskedFor:
        """
        Begin to stop the run of a conversation because a person asks for it, without waiting for what comes of it.

        Raises CannotStop and StorageError.
        """

    def projects(self) -> Sequence[ProjectView]:
        """Return every watched project."""

    def rules(self) -> Sequence[Rule]:
        """Return the loaded rules."""

    def receivers(self) -> Sequence[str]:
        """Return the names of all configured integrations, as the outbox calls its destinations."""

    def resting(self) -> Mapping[str, float]:
        """Return the integrations that are left alone now, and until when, in own time."""

    def run_limit(self, project: str, app: App | None) -> float | None:
        """Return how many seconds a run of this app may take, None when that is not known."""
