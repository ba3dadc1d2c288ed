"""From the section of the settings about receivers to receivers: the only module here that knows both."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
from pydantic import SecretStr

from monitor.clock import Clock
from monitor.notify.alertmanager import Alertmanager, alerts_url
from monitor.notify.http import Endpoint
from monitor.notify.receiver import Receiver
from monitor.notify.webhook import Webhook
from monitor.settings import Receiver as Config

__all__ = ["build"]


def build(
    configs: Sequence[Config], *, http: httpx.AsyncClient, clock: Clock, external_url: str
) -> dict[str, list[Receiver]]:
    """
    Return the integrations of each receiver, by its name; one without any has an empty list and drops what it gets.

    `external_url` is where a person reaches this monitor. All of them share `http`, whose own timeouts and handling
    of redirects they do not use.
    """

    def endpoint(url: SecretStr, timeout: float) -> Endpoint:
        return Endpoint(http=http, url=url, timeout=timeout, clock=clock)

    built: dict[str, list[Receiver]] = {}
    for config in configs:
        integrations = built.setdefault(config.name, [])
        for index, webhook in enumerate(config.webhook_configs):
            integrations.append(
                Webhook(
                    name=f"{config.name}/webhook[{index}]",
                    receiver=config.name,
                    endpoint=endpoint(webhook.url, webhook.timeout),
                    send_resolved=webhook.send_resolved,
                    max_alerts=webhook.max_alerts,
                    external_url=external_url,
                )
            )
        for index, alertmanager in enumerate(config.alertmanager_configs):
            integrations.append(
                Alertmanager(
                    name=f"{config.name}/alertmanager[{index}]",
                    receiver=config.name,
                    endpoint=endpoint(alerts_url(alertmanager.url), alertmanager.timeout),
                    clock=clock,
                    send_resolved=alertmanager.send_resolved,
                    hold=alertmanager.hold,
                )
            )
    return built
