"""A daemon with a real database, and a browser in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from monitor.alerting.muting import MutePolicy
from monitor.alerting.routing import Route, RoutingTree
from monitor.announcer import Announcer
from monitor.commit import Commits
from monitor.cycle.manual_stops import AskedFor, CannotStop
from monitor.drills import Drills
from monitor.errors import ConfigErrors
from monitor.metrics import Metrics
from monitor.model.conversation import App
from monitor.model.stop import StopMode
from monitor.on_call import OnCall
from monitor.rules.files import load
from monitor.rules.rule import Rule
from monitor.settings import Web
from monitor.store import Store
from monitor.web import ProjectView, build
from tests.support.build import START
from tests.support.clock import ManualClock

OFFSET = 100.0
"""Alli's clock is this many seconds ahead of the daemon's."""

NOW = START + 600
"""Own time of every test, so server time is 700 seconds past START."""

TOKEN = "correct-horse"  # noqa: S105 - made up

RULES = """
groups:
  - name: background-runs
    rules:
      - alert: RunOverLimit
        on: run
        expr: run.age > run.limit
        labels: {severity: critical}
        annotations: {summary: "{{ app.name }} runs too long"}
        actions: [{stop: {}}]
"""


@dataclass(kw_only=True)
class FakeDaemon:
    """A daemon that is whatever a test wants it to be."""

    store: Store
    rule_list: Sequence[Rule]
    metrics: Metrics = field(default_factory=Metrics)
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    started_at: float = NOW - 3600
    stuck: str | None = None
    missing: str | None = None
    reload_error: ConfigErrors | None = None
    reloads: int = 0
    receiver_names: Sequence[str] = ("oncall/webhook/0",)
    project: dict[str, Any] = field(default_factory=dict)
    stop_answer: AskedFor | CannotStop | None = None
    stops_asked: list[tuple[str, str | None, str]] = field(default_factory=list)
    wakes: int = 0
    rests: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        root = Route(receiver="oncall", group_by=(), group_wait=0.0, group_interval=60.0, repeat_interval=3600.0)
        self.announcer = Announcer(RoutingTree(root), {}, lambda _: "", MutePolicy())
        self.drills = Drills(Commits(self.store, self.announcer, self.metrics, self.wake), self.clock)
        self.on_call = OnCall(self.store, self.announcer, self.clock, offset=lambda _: OFFSET, wake=self.wake)

    def wake(self) -> None:
        """Count it."""
        self.wakes += 1

    def unhealthy(self) -> str | None:
        """Return what the test said."""
        return self.stuck

    def not_ready(self) -> str | None:
        """Return what the test said."""
        return self.missing

    async def reload(self) -> None:
        """Count it, or fail as the test said."""
        if self.reload_error is not None:
            raise self.reload_error
        self.reloads += 1

    async def stop(self, conversation_id: str, *, project: str | None, asked_by: str) -> AskedFor:
        """Note what was asked, and answer as the test said."""
        self.stops_asked.append((conversation_id, project, asked_by))
        assert self.stop_answer is not None
        if isinstance(self.stop_answer, CannotStop):
            raise self.stop_answer
        return self.stop_answer

    def projects(self) -> Sequence[ProjectView]:
        """Return one project, with the fields that the test changed."""
        values: dict[str, Any] = {
            "name": "support",
            "base_url": "https://backend.alli.ai",
            "auth_error": None,
            "offset": OFFSET,
            "runs_completed_at": NOW - 3,
            "runs_every": 10.0,
            "stop_mode": StopMode.SHADOW,
        }
        return [ProjectView(**{**values, **self.project})]

    def rules(self) -> Sequence[Rule]:
        """Return what RULES says."""
        return self.rule_list

    def receivers(self) -> Sequence[str]:
        """Return what the test said."""
        return self.receiver_names

    def resting(self) -> Mapping[str, float]:
        """Return what the test said."""
        return self.rests

    def run_limit(self, project: str, app: App | None) -> float | None:  # noqa: ARG002 - the form of a Daemon
        """Return an hour, and for no app that nothing is known."""
        return 3600.0 if app else None


Browser = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[FakeDaemon]:
    """Return a daemon with an empty database."""
    rules = tmp_path / "rules.yml"
    rules.write_text(RULES, encoding="utf-8")
    async with Store.open(f"sqlite:///{tmp_path / 'monitor.db'}") as store:
        yield FakeDaemon(store=store, rule_list=load([rules]).rules)


@pytest.fixture
async def browse(daemon: FakeDaemon) -> AsyncIterator[Browser]:
    """Return a maker of clients for a daemon whose web settings the test says, by default those of loopback."""
    clients: list[httpx.AsyncClient] = []

    def make(base_url: str = "http://127.0.0.1:7464", token: str | None = None, **settings: Any) -> httpx.AsyncClient:
        web = Web.model_validate({**settings, "token": SecretStr(token) if token else None})
        transport = httpx.ASGITransport(build(daemon, lambda: web))
        clients.append(httpx.AsyncClient(transport=transport, base_url=base_url))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def web(browse: Browser) -> httpx.AsyncClient:
    """Return a client on the daemon's own machine."""
    return browse()
