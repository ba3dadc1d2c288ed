"""The watched projects: built from the settings, and changed by a reload without losing what is known of them."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from monitor.alli.client import Client
from monitor.alli.pacing import Pacer
from monitor.alli.transport import Connections
from monitor.clock import Clock
from monitor.commit import Commits, Moment
from monitor.configured import credential
from monitor.cycle.coverage import POLL
from monitor.cycle.project import Project
from monitor.cycle.rhythm import count_request
from monitor.jobs import Jobs
from monitor.model.alert import Alert, AlertState, Resolution
from monitor.polls import ProjectPolls
from monitor.rules.files import RuleSet
from monitor.settings import Project as ProjectSettings
from monitor.settings import Settings
from monitor.storage_alarm import StorageAlarm
from monitor.web.daemon import PollView, ProjectView

__all__ = ["Projects"]

log = structlog.get_logger()

_CONNECTION = frozenset(
    {
        "base_url",
        "api_key_text",
        "api_key_file",
        "token_text",
        "token_file",
        "headers_text",
        "headers_file",
        "time_unit",
        "requests_per_minute",
        "max_in_flight",
        "timeout",
        "http_config",
    }
)
"""The settings of a project that its client is made of."""


class Projects:
    """
    The polls of every watched project, by name, and the clients they share with the stops.

    It is also the clients' telemetry: requests and drift go into the metrics, and drift degrades its project.
    """

    def __init__(
        self,
        *,
        commits: Commits,
        jobs: Jobs,
        alarm: StorageAlarm,
        clock: Clock,
        connections: Connections,
    ) -> None:
        self.polls: dict[str, ProjectPolls] = {}
        self.clients: dict[str, Client] = {}
        self._commits = commits
        self._jobs = jobs
        self._alarm = alarm
        self._clock = clock
        self._connections = connections

    async def adopt(self, settings: Settings, rules: RuleSet) -> None:
        """
        Watch what the settings say from now on, by these rules.

        A project that stays keeps its schedule, what it learnt of its server and how it fares; one whose server
        changed begins anew, and what was asked of the old one is forgotten. Nothing is scheduled by this.
        """
        for name in [*self.polls]:
            if name not in settings.projects or self._moved(name, settings.projects[name]):
                await self.polls.pop(name).unschedule()
                del self.clients[name]
                self._commits.metrics.forget(name)
        for name, project in settings.projects.items():
            if name in self.polls:
                self._change(self.polls[name].project, project, settings, rules)
            else:
                self._add(name, project, settings, rules)
            self.clients[name].keep_texts(settings.longest_excerpt > 0)

    def schedule(self) -> None:
        """Put all polls into the schedule; one that is there already goes on in its rhythm."""
        for polls in self.polls.values():
            polls.schedule()

    def offset(self, name: str) -> float:
        """Return the server time of a project minus own time; 0 for one that is not watched."""
        polls = self.polls.get(name)
        return polls.project.moment().offset if polls is not None else 0.0

    def views(self) -> list[ProjectView]:
        """Return what there is to say about each project."""
        return [_view(polls) for polls in self.polls.values()]

    async def tidy(self) -> None:
        """
        Resolve the alerts of projects that are watched no more, and tell what fires to those who are newly to be told.

        For the start and after a reload. Raises StorageError.
        """
        async with self._commits.begin() as commit:
            for alert in (await commit.tx.alerts.open()).values():
                name = alert.identity.project
                if name and name not in self.polls:
                    await commit.end_alerts([alert], Resolution.PROJECT_REMOVED, self._moment_after(alert))
                elif alert.state is AlertState.FIRING and alert.announced_at is not None and alert.told_by is None:
                    moment = self.polls[name].project.moment() if name else self._own_moment()
                    await self._commits.announcer.introduce(commit.tx, alert, at=moment.own, offset=moment.offset)

    def _own_moment(self) -> Moment:
        now = self._clock.now()
        return Moment(server=now, own=now)

    def _moment_after(self, alert: Alert) -> Moment:
        """Return now, or the moment at which the alert fired where the clock of its server, now unknown, was ahead."""
        now = self._clock.now()
        return Moment(server=max(now, alert.fired_at or now), own=now)

    # What the clients tell

    def requested(self, project: str, operation: str, code: str, seconds: float) -> None:
        """Count one request to the Alli API, also as part of what its poll costs."""
        count_request()
        self._commits.metrics.requested(project, operation, code, seconds)
        log.debug("request", project=project, operation=operation, code=code, seconds=round(seconds, 3))

    def drifted(self, project: str, kind: str) -> None:
        """Count something in an answer that does not fit, and let it degrade its project."""
        self._commits.metrics.drifted(project, kind)
        if project in self.polls:
            self.polls[project].drifted(kind)

    # Building

    def _moved(self, name: str, wanted: ProjectSettings) -> bool:
        present = self.polls[name].project
        return present.settings.projects[name].base_url != wanted.base_url

    def _add(self, name: str, wanted: ProjectSettings, settings: Settings, rules: RuleSet) -> None:
        self.clients[name] = client = self._client(name, wanted, None)
        project = Project(name, client=client, settings=settings, rules=rules, commits=self._commits, clock=self._clock)
        self.polls[name] = ProjectPolls(project, jobs=self._jobs, alarm=self._alarm)
        self._commits.metrics.watch(name)

    def _change(self, project: Project, wanted: ProjectSettings, settings: Settings, rules: RuleSet) -> None:
        present = project.settings.projects[project.name]
        if _connection(present) != _connection(wanted):
            self.clients[project.name] = project.client = self._client(project.name, wanted, project.client)
            project.client.adapt(project.capabilities)
            self.polls[project.name].reconnected()
        project.settings, project.rules = settings, rules

    def _client(self, name: str, project: ProjectSettings, former: Client | None) -> Client:
        """Return a client that knows the time of its server from the `former` one."""
        return Client(
            project=name,
            base_url=project.base_url,
            credential=credential(project),
            http=self._connections.by(project.http_config),
            clock=self._clock,
            pacer=Pacer(
                requests_per_minute=project.requests_per_minute,
                max_in_flight=project.max_in_flight,
                clock=self._clock,
            ),
            headers={header: value.get_secret_value() for header, value in project.headers.items()},
            timeout=project.timeout,
            time_unit=project.time_unit,
            telemetry=self,
            server_time=former.server_time if former else None,
            writes=frozenset({"stop_conversation"}),
        )


def _connection(project: ProjectSettings) -> Mapping[str, object]:
    return project.model_dump(include=set(_CONNECTION))


def _view(polls: ProjectPolls) -> ProjectView:
    project = polls.project
    settings = project.settings.projects[project.name]
    return ProjectView(
        name=project.name,
        base_url=settings.base_url,
        auth_error=polls.health.auth_error,
        offset=project.moment().offset,
        runs_completed_at=polls.completed_at.get(POLL),
        runs_every=project.polling.runs,
        capabilities=project.capabilities,
        polls=_poll_views(polls),
        stop_mode=settings.auto_stop.mode or project.settings.auto_stop.mode,
    )


def _poll_views(polls: ProjectPolls) -> tuple[PollView, ...]:
    demand = polls.demand()
    return tuple(
        PollView(
            name=poll,
            wanted=wanted,
            kept=polls.rhythm.intervals[poll],
            completed_at=polls.completed_at.get(poll),
            requests_per_hour=demand[poll].requests_per_hour if poll in demand else None,
            detection_delay=demand[poll].detection_delay if poll in demand else None,
        )
        for poll, wanted in polls.rhythm.wanted().items()
    )
