"""The part of the settings about receivers: one class for each kind of integration. The words are Alertmanager's."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitor.settings.fields import (
    ExcerptChars,
    FrozenMap,
    Interval,
    SecretFile,
    Section,
    Url,
    UrlSecret,
    UrlSecretFile,
    empty_map,
    is_loopback,
    only,
    problem,
    refuse,
)
from monitor.settings.http import TlsConfig
from monitor.settings.mail import Mailbox, Mailboxes, Smarthost, mailboxes, split_smarthost
from monitor.settings.services import service

__all__ = [
    "AlertmanagerConfig",
    "AppriseConfig",
    "EmailConfig",
    "PagerDutyConfig",
    "Receiver",
    "SlackConfig",
    "WebhookConfig",
]

_IMPLICIT_TLS = 465
"""The port of SMTP on which a connection begins with TLS (RFC 8314)."""

_ROUTING_KEY = re.compile(r"[A-Za-z0-9]{32}")


def _either(text: SecretStr | None, file: SecretStr | None) -> SecretStr:
    """Return the secret that was given, where `_exactly_one` has seen to it that one was."""
    secret = text or file
    assert secret is not None  # noqa: S101 - see above
    return secret


def _exactly_one(text: SecretStr | None, file: SecretStr | None, name: str) -> None:
    if (text is None) == (file is None):
        raise ValueError(f"give exactly one of {name} and {name}_file")


class HttpReceiver(Section):
    """How notifications are sent over HTTP."""

    send_resolved: bool = True
    timeout: Interval = 10.0
    http_config: Annotated[FrozenMap[str, Any], only({})] = Field(default_factory=empty_map)


class UrlReceiver(HttpReceiver):
    """Where notifications are sent over HTTP; exactly one of `url` and `url_file` is given."""

    url_text: UrlSecret | None = Field(default=None, alias="url")
    url_file: UrlSecretFile | None = None

    @property
    def url(self) -> SecretStr:
        """The address, which may hold a secret."""
        return _either(self.url_text, self.url_file)

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        _exactly_one(self.url_text, self.url_file, "url")
        return self


class WebhookConfig(UrlReceiver):
    """A webhook; `max_alerts` is the most alerts in one body, 0 for no limit."""

    max_alerts: int = Field(default=0, ge=0)


class AlertmanagerConfig(UrlReceiver):
    """An Alertmanager; a state alert ends there `hold` seconds after it was last sent."""

    hold: Interval = 900.0


class SlackConfig(HttpReceiver):
    """An incoming webhook of Slack's; `max_alerts` is the most alerts that one message shows."""

    api_url_text: UrlSecret | None = Field(default=None, alias="api_url")
    api_url_file: UrlSecretFile | None = None
    max_alerts: int = Field(default=10, ge=1)

    @property
    def api_url(self) -> SecretStr:
        """The address, which is the credential."""
        return _either(self.api_url_text, self.api_url_file)

    @model_validator(mode="after")
    def _check_api_url(self) -> Self:
        _exactly_one(self.api_url_text, self.api_url_file, "api_url")
        return self


def _check_routing_key(secret: SecretStr) -> SecretStr:
    if not _ROUTING_KEY.fullmatch(secret.get_secret_value()):
        raise ValueError("should be 32 letters and digits")
    return secret


class PagerDutyConfig(HttpReceiver):
    """
    An integration of PagerDuty's Events API v2.

    `incident` is what one incident there stands for; without it, an alert for critical alerts about a run and a group
    for all others. `severity` maps values of the label `severity` to PagerDuty's four.
    """

    routing_key_text: Annotated[SecretStr, AfterValidator(_check_routing_key)] | None = Field(
        default=None, alias="routing_key"
    )
    routing_key_file: Annotated[SecretFile, AfterValidator(_check_routing_key)] | None = None
    url: Url = "https://events.pagerduty.com/v2/enqueue"
    incident: Literal["group", "alert"] | None = None
    client: str = Field(default="alli-monitor", min_length=1, max_length=255)
    severity: FrozenMap[str, Literal["critical", "error", "warning", "info"]] = Field(default_factory=empty_map)

    @property
    def routing_key(self) -> SecretStr:
        """The integration key."""
        return _either(self.routing_key_text, self.routing_key_file)

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        _exactly_one(self.routing_key_text, self.routing_key_file, "routing_key")
        return self


def _check_hello(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.\-]+|\[[A-Za-z0-9.:]+\]", name):
        raise ValueError("should be the name of a host")
    return name


class EmailConfig(Section):
    """
    Mail by SMTP, to each address of `to` on its own.

    The connection begins with TLS on port 465, and elsewhere becomes TLS by STARTTLS; only without `require_tls` it
    never does.
    """

    to: Mailboxes
    from_: Mailbox = Field(alias="from")
    smarthost: Smarthost
    hello: Annotated[str, AfterValidator(_check_hello)] = "localhost"
    auth_username: str | None = Field(default=None, min_length=1)
    auth_password_text: SecretStr | None = Field(default=None, alias="auth_password")
    auth_password_file: SecretFile | None = None
    require_tls: bool = True
    tls_config: TlsConfig = TlsConfig()
    send_resolved: bool = True
    timeout: Interval = 30.0

    @property
    def recipients(self) -> tuple[str, ...]:
        """The addresses alone, without names, each once."""
        return tuple(dict.fromkeys(address.addr_spec for address in mailboxes(self.to)))

    @property
    def host(self) -> str:
        """The name or address of the server."""
        return split_smarthost(self.smarthost)[0]

    @property
    def port(self) -> int:
        """The port of the server."""
        return split_smarthost(self.smarthost)[1]

    @property
    def tls(self) -> Literal["start", "upgrade", "never"]:
        """When the connection becomes TLS: from the start, by STARTTLS, or never."""
        if self.port == _IMPLICIT_TLS:
            return "start"
        return "upgrade" if self.require_tls else "never"

    @property
    def auth_password(self) -> SecretStr | None:
        """What the user proves itself with."""
        return self.auth_password_text or self.auth_password_file

    @model_validator(mode="after")
    def _check_auth(self) -> Self:
        given = [each for each in (self.auth_password_text, self.auth_password_file) if each is not None]
        if len(given) != (self.auth_username is not None):
            raise ValueError("give auth_username and one of auth_password and auth_password_file, or none of them")
        if given and self.tls == "never" and not is_loopback(self.host):
            refuse(problem("should be true, or a password would cross the network in clear", "require_tls"))
        return self


def _check_service(secret: SecretStr) -> SecretStr:
    service(secret)
    return secret


class AppriseConfig(Section):
    """Any service that Apprise knows, by its address there; exactly one of `url` and `url_file` is given."""

    url_text: Annotated[SecretStr, AfterValidator(_check_service)] | None = Field(default=None, alias="url")
    url_file: Annotated[SecretFile, AfterValidator(_check_service)] | None = None
    send_resolved: bool = True
    timeout: Interval = 30.0

    @property
    def url(self) -> SecretStr:
        """The address, which holds the credential."""
        return _either(self.url_text, self.url_file)

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        _exactly_one(self.url_text, self.url_file, "url")
        return self


def _check_name(name: str) -> str:
    if not name or not name.isprintable():
        raise ValueError("should be a name of printable characters")
    return name


class Receiver(Section):
    """A named set of integrations; one without any drops what it gets."""

    name: Annotated[str, AfterValidator(_check_name)]
    webhook_configs: tuple[WebhookConfig, ...] = ()
    alertmanager_configs: tuple[AlertmanagerConfig, ...] = ()
    slack_configs: tuple[SlackConfig, ...] = ()
    pagerduty_configs: tuple[PagerDutyConfig, ...] = ()
    email_configs: tuple[EmailConfig, ...] = ()
    apprise_configs: tuple[AppriseConfig, ...] = ()
    excerpt_chars: ExcerptChars | None = None

    @property
    def integrations(self) -> int:
        """How many destinations this is: one for each item, and for each address of an e-mail."""
        kinds = (self.webhook_configs, self.alertmanager_configs, self.slack_configs, self.pagerduty_configs)
        mails = sum(len(config.recipients) for config in self.email_configs)
        return sum(map(len, kinds)) + mails + len(self.apprise_configs)
