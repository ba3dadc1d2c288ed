"""`alli-monitor check --online`: asks every project what it can do, and writes nothing to the database."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import stamina.instrumentation
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from monitor.alli.client import Client
from monitor.alli.pacing import Pacer
from monitor.alli.transport import http_client
from monitor.cli.recording import Recording
from monitor.cli.text import plain
from monitor.clock import SystemClock
from monitor.configured import credential
from monitor.durations import format_duration
from monitor.errors import MonitorError
from monitor.model.capabilities import Capabilities, Proof
from monitor.model.conversation import App
from monitor.model.evidence import Evidence
from monitor.model.stop import StopMode
from monitor.settings import Polling, Settings
from monitor.tracking.capabilities import judge
from monitor.tracking.capability_report import degradations, report
from monitor.tracking.forecast import Expected, forecast
from monitor.watch.probe import probe

__all__ = ["check_online"]

_WIDEST = 100  # columns: wider lines are hard to read
_STYLES = {Proof.WORKS: "green", Proof.FAILS: "red", Proof.UNPROVEN: "yellow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """What a probe of one project came to: capabilities, apps, and what polls will take; or an error."""

    requests: int
    capabilities: Capabilities | None = None
    apps: tuple[App, ...] = ()
    polls: tuple[Expected, ...] = ()
    error: str | None = None

    @property
    def is_fine(self) -> bool:
        """Whether the project was probed and nothing that is needed fails."""
        return self.capabilities is not None and not degradations(self.capabilities)


def check_online(settings: Settings, record: Path | None) -> bool:
    """
    Probe every project and print what it can do; return whether all is fine.

    With `record`, a folder that `make_private` made, the redacted answers are kept there. Raises ConfigError.
    """
    stamina.instrumentation.set_on_retry_hooks([])
    findings = asyncio.run(_probe_all(settings, record))
    console = Console(highlight=False)
    console.width = min(console.width, _WIDEST) if console.is_terminal else _WIDEST
    for name, finding in findings.items():
        console.print()
        console.print(_shown(name, finding, settings))
    return all(finding.is_fine for finding in findings.values())


async def _probe_all(settings: Settings, record: Path | None) -> Mapping[str, _Finding]:
    projects = settings.projects
    found = await asyncio.gather(*(_probe(name, settings, record) for name in projects))
    return dict(zip(projects, found, strict=True))


async def _probe(name: str, settings: Settings, record: Path | None) -> _Finding:
    project = settings.projects[name]
    counter = _Counter()
    witness = Recording(record / name) if record is not None else None
    async with http_client(project.http_config) as http:
        clock = SystemClock()
        client = Client(
            project=name,
            base_url=project.base_url,
            credential=credential(project),
            http=http,
            clock=clock,
            pacer=Pacer(
                requests_per_minute=project.requests_per_minute, max_in_flight=project.max_in_flight, clock=clock
            ),
            headers={header: value.get_secret_value() for header, value in project.headers.items()},
            timeout=project.timeout,
            time_unit=project.time_unit,
            telemetry=counter,
            witness=witness,
        )
        try:
            evidence = await probe(client)
        except MonitorError as error:
            return _Finding(requests=counter.requests, error=str(error))
    found = judge(evidence, configured_unit=project.time_unit)
    polls = _forecast(evidence, found, settings.polling_of(name), project.requests_per_minute)
    return _Finding(requests=counter.requests, capabilities=found, apps=_apps(evidence), polls=polls)


def _forecast(evidence: Evidence, found: Capabilities, polling: Polling, budget: int) -> tuple[Expected, ...]:
    expected = forecast(
        evidence,
        found,
        runs=polling.runs,
        changes=polling.conversations,
        tiers={tier.younger_than: tier.every for tier in polling.ratings},
        requests_per_minute=budget,
    )
    return tuple(expected)


class _Counter:
    """Counts requests."""

    def __init__(self) -> None:
        self.requests = 0

    def requested(self, project: str, operation: str, code: str, seconds: float) -> None:  # noqa: ARG002 - the form of Telemetry
        """Count one request."""
        self.requests += 1

    def drifted(self, project: str, kind: str) -> None:
        """Do nothing: what does not fit is in the report."""


def _apps(evidence: Evidence) -> tuple[App, ...]:
    pages = (evidence.page, evidence.running, evidence.idle)
    apps = {row.app.id: row.app for page in pages if page is not None for row in page.rows if row.app is not None}
    return tuple(sorted(apps.values(), key=lambda app: (app.name, app.id)))


# How it looks


def _shown(name: str, finding: _Finding, settings: Settings) -> RenderableType:
    title = Text(f"{name}: {settings.projects[name].base_url}, {finding.requests} requests", style="bold")
    if finding.capabilities is None:
        return Group(title, Text(f"error: {finding.error}", style="red"))
    causes = degradations(finding.capabilities).values()
    reasons = (Text(f"degraded: {plain(cause)}", style="red") for cause in causes)
    cost, limits = _cost(finding.polls), _limits(name, finding.apps, settings)
    return Group(title, _capabilities(finding.capabilities), *reasons, Text(), cost, Text(), limits)


def _capabilities(found: Capabilities) -> Table:
    table = _table("question", "verdict", "seen", "so the monitor")
    for line in report(found):
        verdict = Text(line.verdict.value, style=_STYLES[line.verdict])
        table.add_row(line.name, verdict, Text(plain(line.seen)), line.does)
    return table


def _cost(polls: Iterable[Expected]) -> Table:
    table = _table("looks at", "conversations", "requests an hour", "finds within")
    for poll in polls:
        late = "never: over budget" if math.isinf(poll.finds_within) else format_duration(round(poll.finds_within))
        count = "" if poll.conversations is None else f"about {poll.conversations}"
        table.add_row(poll.name, count, f"about {poll.requests_per_hour:.0f}", late)
    return table


def _limits(project: str, apps: Iterable[App], settings: Settings) -> RenderableType:
    table = _table("app", "run limit", "stop", "labels")
    for app in apps:
        policy = settings.app_policy(app, project)
        labels = ", ".join(f"{name}={value}" for name, value in policy.labels.items())
        is_listed = policy.stop_mode is not StopMode.ENFORCE or settings.stop_allowed(app)
        stop = policy.stop_mode.value if is_listed else "no: not in auto_stop.apps"
        name = Text(plain(app.name or app.id))  # as text, for markup in it is nobody's
        table.add_row(name, format_duration(policy.run_limit), stop, Text(labels or "none"))
    return table if table.rows else Text("no app was seen")


def _table(*heads: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for number, head in enumerate(heads):
        table.add_column(head, no_wrap=number < len(heads) - 2, overflow="fold")
    return table
