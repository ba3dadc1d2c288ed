"""The section about who is told: one root route with flat children, and receivers. The words are Alertmanager's."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails

from monitor.alerting.routing import parse_matcher
from monitor.settings.fields import (
    FrozenMap,
    Interval,
    Section,
    Span,
    UrlSecret,
    UrlSecretFile,
    empty_map,
    is_label_name,
    only,
    problem,
    refuse,
)

__all__ = ["Alerting", "AlertmanagerConfig", "ChildRoute", "Receiver", "RootRoute", "RouteOptions", "WebhookConfig"]


class HttpReceiver(Section):
    """Where notifications are sent over HTTP; exactly one of `url` and `url_file` is given."""

    url_text: UrlSecret | None = Field(default=None, alias="url")
    url_file: UrlSecretFile | None = None
    send_resolved: bool = True
    timeout: Interval = 10.0
    http_config: Annotated[FrozenMap[str, Any], only({})] = Field(default_factory=empty_map)

    @property
    def url(self) -> SecretStr:
        """The address, which may hold a secret."""
        url = self.url_text or self.url_file
        assert url is not None  # noqa: S101 - the validator below has seen to it
        return url

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        if (self.url_text is None) == (self.url_file is None):
            raise ValueError("give exactly one of url and url_file")
        return self


class WebhookConfig(HttpReceiver):
    """A webhook; `max_alerts` is the most alerts in one body, 0 for no limit."""

    max_alerts: int = Field(default=0, ge=0)


class AlertmanagerConfig(HttpReceiver):
    """An Alertmanager; a state alert ends there `hold` seconds after it was last sent."""

    hold: Interval = 900.0


def _check_name(name: str) -> str:
    if not name or not name.isprintable():
        raise ValueError("should be a name of printable characters")
    return name


class Receiver(Section):
    """A named set of integrations; one without any drops what it gets."""

    name: Annotated[str, AfterValidator(_check_name)]
    webhook_configs: tuple[WebhookConfig, ...] = ()
    alertmanager_configs: tuple[AlertmanagerConfig, ...] = ()
    slack_configs: Annotated[tuple[Any, ...], only(())] = ()
    pagerduty_configs: Annotated[tuple[Any, ...], only(())] = ()
    email_configs: Annotated[tuple[Any, ...], only(())] = ()
    apprise_configs: Annotated[tuple[Any, ...], only(())] = ()
    excerpt_chars: Annotated[int, only(0)] = 0


def _check_group_by(names: tuple[str, ...]) -> tuple[str, ...]:
    if names != ("...",):
        bad = (index for index, name in enumerate(names) if not is_label_name(name))
        refuse(*(problem("is not a label name", index) for index in bad))
    return names


class RouteOptions(Section):
    """Where alerts go and in which rhythm (seconds); `group_by` of ``...`` alone means by all labels."""

    receiver: str = "default"
    group_by: Annotated[tuple[str, ...], AfterValidator(_check_group_by)] = ("alertname", "project", "app")
    group_wait: Span = 10.0
    group_interval: Interval = 60.0
    repeat_interval: Interval = 4 * 3600.0


class ChildRoute(RouteOptions):
    """A route for the alerts that satisfy all `matchers`, tried in order; `continue_` tries the next ones as well."""

    matchers: tuple[str, ...] = ()
    continue_: bool = Field(default=False, alias="continue")
    routes: Annotated[tuple[Any, ...], only(())] = ()

    @field_validator("matchers")
    @classmethod
    def _check_matchers(cls, matchers: tuple[str, ...]) -> tuple[str, ...]:
        refuse(*(problem(reason, index) for index, text in enumerate(matchers) if (reason := _why_not(text))))
        return matchers


def _why_not(matcher: str) -> str | None:
    try:
        parse_matcher(matcher)
    except ValueError as error:
        return str(error)
    return None


class RootRoute(RouteOptions):
    """The route that takes what no child takes. Children have its options where they name none."""

    routes: tuple[ChildRoute, ...] = ()

    @field_validator("routes")
    @classmethod
    def _inherit(cls, routes: tuple[ChildRoute, ...], info: ValidationInfo) -> tuple[ChildRoute, ...]:
        # what failed its own check is absent here, and the whole is refused for it anyway
        options = {name: info.data[name] for name in RouteOptions.model_fields if name in info.data}
        return tuple(_with_defaults(route, options) for route in routes)


def _with_defaults(route: ChildRoute, options: dict[str, Any]) -> ChildRoute:
    missing = {name: value for name, value in options.items() if name not in route.model_fields_set}
    return route.model_copy(update=missing)


class Alerting(Section):
    """The routing tree and its receivers. Without any, what fires is only shown."""

    route: RootRoute = RootRoute()
    receivers: tuple[Receiver, ...] = (Receiver(name="default"),)
    inhibit_rules: Annotated[tuple[Any, ...], only(())] = ()
    time_intervals: Annotated[tuple[Any, ...], only(())] = ()
    language: Annotated[str, only("en")] = "en"

    @model_validator(mode="after")
    def _check_receivers(self) -> Self:
        problems = [*self._duplicates(), *self._unknown(self.route, "route")]
        for index, child in enumerate(self.route.routes):
            problems += self._unknown(child, "route", "routes", index)
        refuse(*problems)
        return self

    def _duplicates(self) -> list[InitErrorDetails]:
        names = [receiver.name for receiver in self.receivers]
        again = (index for index, name in enumerate(names) if name in names[:index])
        return [problem("another receiver has this name", "receivers", index, "name") for index in again]

    def _unknown(self, route: RouteOptions, *path: str | int) -> list[InitErrorDetails]:
        names = [receiver.name for receiver in self.receivers]
        if route.receiver in names:
            return []
        near = get_close_matches(route.receiver, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return [problem(f"no receiver has this name{hint}", *path, "receiver")]
