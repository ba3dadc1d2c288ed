"""From the section of the settings about receivers to receivers: the only module here that knows both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import httpx
from pydantic import SecretStr

from monitor.clock import Clock
from monitor.errors import ConfigError
from monitor.messages.compose import Composer
from monitor.notify.alertmanager import Alertmanager, alerts_url
from monitor.notify.apprise import Apprise
from monitor.notify.email import Email
from monitor.notify.http import Endpoint
from monitor.notify.pagerduty import PagerDuty
from monitor.notify.receiver import Receiver
from monitor.notify.slack import Slack
from monitor.notify.smtp import Login, Server, tls_context
from monitor.notify.webhook import Webhook
from monitor.settings import Receiver as Config
from monitor.settings.mail import mailboxes
from monitor.settings.receivers import EmailConfig
from monitor.settings.services import service

__all__ = ["build"]


def build(
    configs: Sequence[Config],
    *,
    http: httpx.AsyncClient,
    clock: Clock,
    external_url: str,
    language: str,
    excerpt_chars: int,
) -> dict[str, list[Receiver]]:
    """
    Return the integrations of each receiver, by its name; one without any has an empty list and drops what it gets.

    `external_url` is where a person reaches this monitor, `language` that of messages, and `excerpt_chars` how many
    characters of a conversation they may quote where the receiver does not say. All of them share `http`, whose own
    timeouts and handling of redirects they do not use.
    """
    builder = _Builder(
        http=http, clock=clock, external_url=external_url, language=language, excerpt_chars=excerpt_chars
    )
    return {config.name: list(builder.integrations(config)) for config in configs}


@dataclass(frozen=True, kw_only=True)
class _Builder:
    http: httpx.AsyncClient
    clock: Clock
    external_url: str
    language: str
    excerpt_chars: int

    def integrations(self, config: Config) -> Iterator[Receiver]:
        yield from self._webhooks(config)
        yield from self._alertmanagers(config)
        yield from self._slacks(config)
        yield from self._pagerduties(config)
        yield from self._emails(config)
        yield from self._apprises(config)

    def _webhooks(self, config: Config) -> Iterator[Receiver]:
        for index, item in enumerate(config.webhook_configs):
            yield Webhook(
                name=f"{config.name}/webhook[{index}]",
                receiver=config.name,
                endpoint=self._endpoint(item.url, item.timeout),
                send_resolved=item.send_resolved,
                max_alerts=item.max_alerts,
                external_url=self.external_url,
                excerpt_chars=self._quoted(config),
            )

    def _alertmanagers(self, config: Config) -> Iterator[Receiver]:
        for index, item in enumerate(config.alertmanager_configs):
            yield Alertmanager(
                name=f"{config.name}/alertmanager[{index}]",
                receiver=config.name,
                endpoint=self._endpoint(alerts_url(item.url), item.timeout),
                clock=self.clock,
                send_resolved=item.send_resolved,
                hold=item.hold,
                excerpt_chars=self._quoted(config),
            )

    def _slacks(self, config: Config) -> Iterator[Receiver]:
        for index, item in enumerate(config.slack_configs):
            yield Slack(
                name=f"{config.name}/slack[{index}]",
                receiver=config.name,
                endpoint=self._endpoint(item.api_url, item.timeout),
                send_resolved=item.send_resolved,
                max_alerts=item.max_alerts,
                clock=self.clock,
                composer=self._composer(config),
            )

    def _pagerduties(self, config: Config) -> Iterator[Receiver]:
        for index, item in enumerate(config.pagerduty_configs):
            yield PagerDuty(
                name=f"{config.name}/pagerduty[{index}]",
                receiver=config.name,
                endpoint=self._endpoint(SecretStr(item.url), item.timeout),
                routing_key=item.routing_key,
                send_resolved=item.send_resolved,
                incident=item.incident,
                client=item.client,
                severities=item.severity,
                clock=self.clock,
                composer=self._composer(config),
            )

    def _emails(self, config: Config) -> Iterator[Receiver]:
        each = ((item, recipient) for item in config.email_configs for recipient in item.recipients)
        for index, (item, recipient) in enumerate(each):
            yield Email(
                name=f"{config.name}/email[{index}]",
                receiver=config.name,
                server=_mail_server(item),
                sender=mailboxes(item.from_)[0],
                to=mailboxes(item.to),
                recipient=recipient,
                send_resolved=item.send_resolved,
                clock=self.clock,
                composer=self._composer(config),
            )

    def _apprises(self, config: Config) -> Iterator[Receiver]:
        for index, item in enumerate(config.apprise_configs):
            yield Apprise(
                name=f"{config.name}/apprise[{index}]",
                receiver=config.name,
                service=service(item.url),
                timeout=item.timeout,
                send_resolved=item.send_resolved,
                clock=self.clock,
                composer=self._composer(config),
            )

    def _endpoint(self, url: SecretStr, timeout: float) -> Endpoint:
        return Endpoint(http=self.http, url=url, timeout=timeout, clock=self.clock)

    def _composer(self, config: Config) -> Composer:
        return Composer(language=self.language, excerpt_chars=self._quoted(config), console_url=self.external_url)

    def _quoted(self, config: Config) -> int:
        return self.excerpt_chars if config.excerpt_chars is None else config.excerpt_chars


def _mail_server(config: EmailConfig) -> Server:
    tls, password = config.tls_config, config.auth_password
    try:
        context = tls_context(
            ca_file=tls.ca_file.path if tls.ca_file else None,
            server_name=tls.server_name,
            verify=not tls.insecure_skip_verify,
        )
        tls.load_certificate(context)
    except OSError as error:  # what ssl raises is one
        raise ConfigError(
            "email_configs: a file of tls_config was changed just now, and cannot be used any more"
        ) from error
    return Server(
        host=config.host,
        port=config.port,
        tls=config.tls,
        context=context,
        timeout=config.timeout,
        hello=config.hello,
        login=Login(username=config.auth_username, password=password) if config.auth_username and password else None,
    )
