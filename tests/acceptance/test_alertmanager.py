"""A real Alertmanager as the receiver: what it shows, and that an outage of ours does not look like a recovery."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from monitor.simulator.server import serve
from monitor.simulator.world import World
from tests.acceptance.kit import Inbox, begin_run, rated_conversation, rounds, settings
from tests.support.alertmanager import alertmanager_binary, running_alertmanager
from tests.support.daemon import running_daemon
from tests.support.shifted import ShiftedClock
from tests.support.waiting import eventually, throughout

pytestmark = pytest.mark.service

_CONFIG = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
_NOTIFYING = """
route: {{receiver: oncall, group_by: ['...'], group_wait: 3s}}
receivers:
  - name: oncall
    webhook_configs: [{{url: "{url}/hook"}}]
"""
_OUTAGE = 600.0


class Alerts:
    """The alerts API of an Alertmanager at `url`."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self.url = url
        self._http = http

    @property
    def receiver(self) -> dict[str, Any]:
        """The receiver of the configuration that leads here."""
        return {"name": "alertmanager", "alertmanager_configs": [{"url": self.url}]}

    async def active(self, alertname: str, **labels: str) -> list[dict[str, Any]]:
        """Return the alerts with this name and these labels that fire there now."""
        filters = [f'{name}="{value}"' for name, value in {"alertname": alertname, **labels}.items()]
        answer = await self._http.get(f"{self.url}/api/v2/alerts", params={"filter": filters})
        return [alert for alert in answer.json() if alert["status"]["state"] == "active"]

    async def fires(self, alertname: str, **labels: str) -> dict[str, Any]:
        """Wait until an alert fires there."""
        what = f"{alertname} fires {labels}"
        found: list[dict[str, Any]] = await eventually(lambda: self.active(alertname, **labels), what)
        return found[0]

    async def ends(self, alertname: str, **labels: str) -> None:
        """Wait until no such alert fires there any more."""

        async def look() -> bool:
            return not await self.active(alertname, **labels)

        await eventually(look, f"{alertname} ends {labels}")


@pytest.fixture
async def alerts(tmp_path: Path) -> AsyncIterator[Alerts]:
    """Provide a real Alertmanager."""
    binary = alertmanager_binary()
    if binary is None:
        pytest.skip("needs Alertmanager: install the Debian package prometheus-alertmanager")
    async with running_alertmanager(binary, _CONFIG, tmp_path) as url, httpx.AsyncClient(trust_env=False) as http:
        yield Alerts(http, url)


async def test_alerts_and_their_ends_arrive(world: World, api: str, alerts: Alerts, tmp_path: Path) -> None:
    """States and events fire in Alertmanager with their labels, and end there when they end here."""
    config = settings(api, tmp_path, alerts.receiver, auto_stop={"mode": "shadow"})
    async with running_daemon(config, tmp_path):
        conversation, rated = begin_run(world), rated_conversation(world, False)
        state = await alerts.fires("RunOpen", conversation_id=conversation.id)
        await alerts.fires("RunOverLimit", conversation_id=conversation.id, action="shadow")
        await alerts.fires("NegativeRating", conversation_id=rated.id)
        world.rate(rated.chats[-1].id, None)
        world.finish_run(conversation.id)
        for alertname in ("RunOpen", "RunOverLimit", "NegativeRating"):
            await alerts.ends(alertname)
    assert state["labels"].items() >= {"project": "support", "team": "bi", "severity": "warning"}.items()


async def test_an_outage_of_ours_is_no_recovery(alerts: Alerts, tmp_path: Path) -> None:
    """Killed while an alert fires and dead for ten minutes, we resolve nothing; only the real end of the run does."""
    clock = ShiftedClock(-_OUTAGE)
    world = World(clock)
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(serve(world))
        config = settings(api, tmp_path, alerts.receiver, auto_stop={"mode": "off"})
        conversation = begin_run(world)
        async with running_daemon(config, tmp_path, shift=-_OUTAGE) as daemon:
            before = await alerts.fires("RunOpen", conversation_id=conversation.id)
            await alerts.fires("RunOverLimit", conversation_id=conversation.id)
            await daemon.kill()

        async def goes_on() -> bool:
            found = await alerts.active("RunOpen", conversation_id=conversation.id)
            return [(a["fingerprint"], a["startsAt"]) for a in found] == [(before["fingerprint"], before["startsAt"])]

        async with throughout(goes_on, "the alert goes on"):
            clock.shift = 0.0
            await stack.enter_async_context(running_daemon(config, tmp_path))
            await rounds(world, 8)
            after = await alerts.fires("RunOpen", conversation_id=conversation.id)
        assert after["endsAt"] > before["endsAt"], "it was told again"
        world.finish_run(conversation.id)
        await alerts.ends("RunOpen")
        await alerts.ends("RunOverLimit")


async def test_a_successful_stop_is_notified(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """Alertmanager as the only receiver: its own receiver hears of a run that was stopped before anybody looked."""
    binary = alertmanager_binary()
    if binary is None:
        pytest.skip("needs Alertmanager: install the Debian package prometheus-alertmanager")
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(running_alertmanager(binary, _NOTIFYING.format(url=inbox.url), tmp_path))
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        await stack.enter_async_context(running_daemon(settings(api, tmp_path, Alerts(http, url).receiver), tmp_path))
        conversation = begin_run(world)
        await inbox.arrival("RunOverLimit", within=30.0, conversation_id=conversation.id, action="stopped")
