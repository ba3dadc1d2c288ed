from __future__ import annotations

from typing import Any

import httpx
import pytest

from monitor.notify.alertmanager import Alertmanager
from monitor.notify.build import build
from monitor.notify.receiver import Receiver
from monitor.notify.webhook import Webhook
from monitor.settings import Receiver as Config
from tests.support.receivers import FixedClock


async def built(*configs: dict[str, Any]) -> dict[str, list[Receiver]]:
    """Return what is built from this configuration."""
    async with httpx.AsyncClient(trust_env=False) as http:
        sections = [Config.model_validate(config) for config in configs]
        return build(sections, http=http, clock=FixedClock(), external_url="https://monitor.example")


async def test_builds_every_integration_under_its_name() -> None:
    """Each item of the configuration becomes an integration, named by receiver, kind and place."""
    hook, am = {"url": "http://127.0.0.1:9099/hook"}, {"url": "http://127.0.0.1:9093"}
    receivers = await built(
        {"name": "oncall", "webhook_configs": [hook, hook], "alertmanager_configs": [am]}, {"name": "feedback"}
    )
    names = {name: [integration.name for integration in found] for name, found in receivers.items()}
    assert names == {"oncall": ["oncall/webhook[0]", "oncall/webhook[1]", "oncall/alertmanager[0]"], "feedback": []}


async def test_webhooks_have_their_options() -> None:
    """Every option of a webhook reaches it."""
    item = {"url": "http://127.0.0.1:9099/hook", "send_resolved": "false", "max_alerts": "7", "timeout": "3s"}
    [webhook] = (await built({"name": "oncall", "webhook_configs": [item]}))["oncall"]
    assert isinstance(webhook, Webhook)
    assert webhook.endpoint.url.get_secret_value() == "http://127.0.0.1:9099/hook"
    assert (webhook.send_resolved, webhook.max_alerts, webhook.endpoint.timeout) == (False, 7, 3.0)
    assert (webhook.external_url, webhook.receiver, webhook.groups) == ("https://monitor.example", "oncall", True)


async def test_alertmanagers_have_their_options() -> None:
    """Every option of an Alertmanager reaches it, and alerts go to its API."""
    item = {"url": "http://127.0.0.1:9093/am/", "send_resolved": "false", "hold": "5m", "timeout": "3s"}
    [found] = (await built({"name": "oncall", "alertmanager_configs": [item]}))["oncall"]
    assert isinstance(found, Alertmanager)
    assert found.endpoint.url.get_secret_value() == "http://127.0.0.1:9093/am/api/v2/alerts"
    assert (found.send_resolved, found.hold, found.endpoint.timeout) == (False, 300.0, 3.0)
    assert (found.receiver, found.groups) == ("oncall", False)


@pytest.mark.parametrize("kind", ["webhook_configs", "alertmanager_configs"])
async def test_nothing_shows_the_address(kind: str) -> None:
    """What is built does not show its address."""
    receivers = await built({"name": "oncall", kind: [{"url": "https://hooks.example/T0PS3CR3T"}]})
    assert "T0PS3CR3T" not in repr(receivers)
