"""The settings as a whole, checked, immutable, and with their secrets hidden."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pydantic import BaseModel, Field, PrivateAttr, SecretStr, field_validator, model_validator

from monitor.durations import format_duration
from monitor.model.conversation import App
from monitor.model.stop import StopMode
from monitor.settings.alerting import Alerting
from monitor.settings.daemon import DeadMan, Log, Privacy, Storage, Web
from monitor.settings.fields import FrozenMap, Section, empty_map, is_loopback, problem, refuse
from monitor.settings.projects import (
    AppRule,
    AutoStop,
    Polling,
    Project,
    ProjectName,
    canonical_header,
    matches_app,
)
from monitor.settings.receivers import Receiver
from monitor.settings.rule_files import RuleFiles, shipped_rules

__all__ = ["AppPolicy", "Settings"]

_ANY_APP = AppRule(match="*")
_SHORTEST_HOLD = 120.0  # seconds: states are sent again each minute


@dataclass(frozen=True, slots=True, kw_only=True)
class AppPolicy:
    """
    What holds for one app: the limit of its runs in seconds, labels for its alerts, what a stop action may do.

    `runbook_url` is where its people say what to do, None where they say nothing.
    """

    run_limit: float
    labels: Mapping[str, str] = field(default_factory=empty_map)
    runbook_url: str | None = None
    stop_mode: StopMode


class Settings(Section):
    """Everything that an operator can say."""

    projects: FrozenMap[ProjectName, Project]
    project_files: tuple[str, ...] = ()
    apps: tuple[AppRule, ...] = ()
    polling: Polling = Polling()
    rule_files: RuleFiles = Field(default_factory=lambda: tuple(shipped_rules()))
    auto_stop: AutoStop = AutoStop()
    alerting: Alerting = Alerting()
    storage: Storage = Storage()
    web: Web = Web()
    log: Log = Log()
    privacy: Privacy = Privacy()
    dead_man: DeadMan = DeadMan()
    _unmatched_project_files: tuple[str, ...] = PrivateAttr(default=())

    def app_policy(self, app: App | None, project: str) -> AppPolicy:
        """Return what holds for the runs of `app` in `project`; on stopping, the nearest one that says so decides."""
        rule = next((rule for rule in self.apps if matches_app(rule.match, app)), _ANY_APP)
        return AppPolicy(
            run_limit=rule.run_limit,
            labels=rule.labels,
            runbook_url=rule.runbook_url,
            stop_mode=self.stop_mode(rule, project),
        )

    def stop_mode(self, rule: AppRule, project: str) -> StopMode:
        """Return what a stop action may do to the runs in `project` that an entry of `apps` is for."""
        return rule.auto_stop.mode or self.projects[project].auto_stop.mode or self.auto_stop.mode

    def polling_of(self, project: str) -> Polling:
        """Return how often what is asked of `project`: what it says itself, and the section `polling` for the rest."""
        own = {name: value for name, value in self.projects[project].polling if value is not None}
        return self.polling.model_copy(update=own)

    def excerpt_chars_of(self, receiver: Receiver) -> int:
        """Return how many characters of a conversation a message to `receiver` may quote."""
        return self.privacy.excerpt_chars if receiver.excerpt_chars is None else receiver.excerpt_chars

    @property
    def longest_excerpt(self) -> int:
        """How many characters the most generous receiver may have; 0 where the text of conversations is not read."""
        return max((self.excerpt_chars_of(receiver) for receiver in self.alerting.receivers), default=0)

    def stop_allowed(self, app: App | None) -> bool:
        """Return whether runs of `app` may be stopped at all; a run without an app never may."""
        return app is not None and any(matches_app(pattern, app) for pattern in self.auto_stop.apps)

    def secrets(self) -> Iterator[str]:
        """Yield every secret there is, to be hidden in what is written."""
        return _secrets(self)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed and probably not meant, one line each."""
        unmatched = (f"project_files: {pattern} matches no file" for pattern in self._unmatched_project_files)
        return (*unmatched, *_warnings(self))

    def model_post_init(self, context: Any, /) -> None:
        """Keep what was found out before there were settings to say it."""
        self._unmatched_project_files = (context or {}).get("unmatched_project_files", ())

    @field_validator("projects")
    @classmethod
    def _check_projects(cls, projects: Mapping[str, Project]) -> Mapping[str, Project]:
        if not projects:
            raise ValueError("at least one project is needed")
        return projects

    @model_validator(mode="after")
    def _check_enforce(self) -> Self:
        modes: list[tuple[tuple[str | int, ...], StopMode | None]] = [
            ((), self.auto_stop.mode),
            *((("projects", name), project.auto_stop.mode) for name, project in self.projects.items()),
            *((("apps", index), app.auto_stop.mode) for index, app in enumerate(self.apps)),
        ]
        if not self.auto_stop.apps:
            message = 'enforce needs an explicit list in auto_stop.apps; "*" there means every run that has an app'
            enforced = (path for path, mode in modes if mode is StopMode.ENFORCE)
            refuse(*(problem(message, *path, "auto_stop", "mode") for path in enforced))
        return self


def _project_warnings(project: Project) -> Iterator[str]:
    for header in project.headers:
        if canonical_header(header) == "agent-email":
            yield f"headers.{header}: Alli takes every request for one that this member makes"
    if project.base_url.startswith("http://") and not is_loopback(project.host):
        yield "base_url: the credential travels unencrypted"
    if project.http_config.tls_config.insecure_skip_verify:
        yield "http_config.tls_config.insecure_skip_verify: anybody in between can read the credential"


def _secrets(value: object) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for _, part in value:
            yield from _secrets(part)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _secrets(part)
    elif isinstance(value, tuple):
        for part in value:
            yield from _secrets(part)


def _warnings(settings: Settings) -> Iterator[str]:
    for name, project in settings.projects.items():
        yield from (f"projects.{name}.{warning}" for warning in _project_warnings(project))
    for receiver in settings.alerting.receivers:
        for config in receiver.alertmanager_configs:
            if config.hold < _SHORTEST_HOLD:
                hold = format_duration(config.hold)
                yield f"alerting: receiver {receiver.name}: alerts may end between two repeats, with a hold of {hold}"
        if any(config.tls_config.insecure_skip_verify for config in receiver.email_configs):
            yield f"alerting: receiver {receiver.name}: anybody between can read its mail (insecure_skip_verify)"
