"""What a real Alertmanager makes of what is posted, and whether the webhook's body and group keys are its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from monitor.alerting.matchers import parse_matchers
from monitor.alerting.routing import Route, RoutingTree
from monitor.clock import SystemClock
from monitor.errors import DeliveryRefused
from monitor.model.notification import Entry
from monitor.notify.alertmanager import Alertmanager, alerts_url
from monitor.notify.http import Endpoint
from monitor.notify.webhook import payloads
from tests.support.alertmanager import alertmanager_binary, running_alertmanager
from tests.support.receivers import FakeReceiver, fired, notification, resolved

pytestmark = pytest.mark.service

CONFIG = """
route:
  receiver: oncall
  group_by: [project, app, team]
  group_wait: 0s
  group_interval: 1s
  routes:
    - matchers: ['severity="info"', 'team=~"b.*"']
receivers:
  - name: oncall
    webhook_configs: [{{url: "{url}/hook"}}]
"""
"""The child is a route of its own only in the keys of its groups."""

_ROOT = Route(
    receiver="oncall", group_by=("project", "app", "team"), group_wait=0, group_interval=1, repeat_interval=14_400
)
TREE = RoutingTree(
    replace(_ROOT, routes=(replace(_ROOT, matchers=parse_matchers('severity="info",team=~"b.*"')),)),
)

CLOCK = SystemClock()


@pytest.fixture
async def hook() -> AsyncIterator[FakeReceiver]:
    """Provide the receiver that Alertmanager notifies."""
    async with FakeReceiver() as fake:
        yield fake


@pytest.fixture
async def server(hook: FakeReceiver, tmp_path: Path) -> AsyncIterator[str]:
    """Provide the address of a real Alertmanager."""
    binary = alertmanager_binary()
    if binary is None:
        pytest.skip("needs Alertmanager: install the Debian package prometheus-alertmanager")
    async with running_alertmanager(binary, CONFIG.format(url=hook.url), tmp_path) as url:
        yield url


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """Provide a client."""
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest.fixture
def receiver(server: str, http: httpx.AsyncClient) -> Alertmanager:
    """Provide the receiver under test."""
    endpoint = Endpoint(http=http, url=alerts_url(SecretStr(server)), timeout=5, clock=CLOCK)
    return Alertmanager(name="oncall/alertmanager[0]", receiver="oncall", endpoint=endpoint, clock=CLOCK)


def now_firing(name: str, **labels: str) -> Entry:
    """Return the entry of an alert that fired two minutes ago."""
    return replace(fired(name, **labels), starts_at=CLOCK.now() - 120)


def now_resolved(entry: Entry) -> Entry:
    """Return the entry with which the alert of `entry` resolved a minute ago."""
    ended = resolved(entry.labels["alertname"])
    return replace(ended, labels=entry.labels, starts_at=entry.starts_at, ends_at=CLOCK.now() - 60)


async def active(http: httpx.AsyncClient, server: str) -> dict[str, Any]:
    """Return the alerts that Alertmanager takes for firing, by name."""
    answer = await http.get(f"{server}/api/v2/alerts")
    return {alert["labels"]["alertname"]: alert for alert in answer.json()}


def moment(text: str) -> float:
    """Return the moment that Alertmanager wrote as `text`."""
    return datetime.fromisoformat(text).timestamp()


async def test_alerts_are_read_back(receiver: Alertmanager, http: httpx.AsyncClient, server: str) -> None:
    """A posted alert is read back as it was: labels, texts, times, link."""
    entry = now_firing("A", app="고객지원 챗봇", empty="")
    await receiver.send(notification(entry))
    alert = (await active(http, server))["A"]
    assert alert["labels"] == {"alertname": "A", "project": "support", "app": "고객지원 챗봇"}
    assert alert["annotations"] == entry.annotations
    assert alert["generatorURL"] == entry.url
    assert moment(alert["startsAt"]) == pytest.approx(entry.starts_at, abs=0.002)
    assert moment(alert["endsAt"]) == pytest.approx(CLOCK.now() + 900, abs=10)


async def test_resolves_are_taken(receiver: Alertmanager, http: httpx.AsyncClient, server: str) -> None:
    """What is resolved fires no more, in a later notification or in the one that told of it, and the rest goes on."""
    first, second, third = (now_firing(name) for name in "ABC")
    await receiver.send(notification(first, second))
    await receiver.send(notification(now_resolved(first), third, now_resolved(third)))
    assert (await active(http, server)).keys() == {"B"}


async def test_resending_holds(receiver: Alertmanager, http: httpx.AsyncClient, server: str) -> None:
    """An alert that is sent again is held from then on, and an event keeps the end it came with."""
    now = CLOCK.now()
    entries = [now_firing("State"), replace(now_firing("Event"), ends_at=now + 86_400)]
    await receiver.send(notification(*entries))
    await receiver.resend(entries, now + 60)
    ends = {name: moment(alert["endsAt"]) for name, alert in (await active(http, server)).items()}
    assert ends == pytest.approx({"State": now + 960, "Event": now + 86_400}, abs=0.002)


async def test_bad_alerts_do_not_cost_the_good_ones(
    receiver: Alertmanager, http: httpx.AsyncClient, server: str
) -> None:
    """Of a batch with an alert without labels all others are stored, and the bad one is refused and counted."""
    bad = replace(now_firing("Bad"), labels={"alertname": ""})
    with pytest.raises(DeliveryRefused, match="refused 1 of 3 alerts") as caught:
        await receiver.send(notification(now_firing("A"), bad, now_firing("B")))
    assert caught.value.reason == "bad_alert"
    assert (await active(http, server)).keys() == {"A", "B"}


async def test_odd_names_and_links_are_taken(receiver: Alertmanager, http: httpx.AsyncClient, server: str) -> None:
    """Names and links that Alertmanager would refuse are made valid or left out before they are posted."""
    odd = now_firing("A", **{"a-b": "1", "팀": "2", "0": "3"})
    links = [
        now_firing("B"),
        replace(now_firing("C"), url="/relative"),
        replace(now_firing("D"), url="https://x/고 %zz"),
    ]
    await receiver.send(notification(replace(odd, annotations={"설명": "x"}), *links))
    assert (await active(http, server)).keys() == {"A", "B", "C", "D"}


async def test_webhook_body_is_alertmanagers(receiver: Alertmanager, hook: FakeReceiver) -> None:
    """Our webhook's body has the fields of Alertmanager's own, with the same values where both say the same."""
    entry = now_firing("A", app="Report")
    await receiver.send(notification(entry))
    [theirs] = [request.body for request in await hook.received(1)]
    [ours] = payloads(
        replace(
            notification(entry),
            group_key=TREE.group_key(TREE.root, entry.labels),
            group_labels=TREE.group_labels(TREE.root, entry.labels),
        ),
        theirs["externalURL"],
        0,
    )
    reason = ours.pop("notification_reason")  # newer than the version in Debian
    assert reason == "first_notification"
    [their_alert], [our_alert] = theirs.pop("alerts"), ours.pop("alerts")
    assert ours == theirs
    assert our_alert.keys() == their_alert.keys()
    times_and_print = {"startsAt", "fingerprint"}  # to the millisecond, and of another identity
    assert {name: our_alert[name] for name in our_alert.keys() - times_and_print} == {
        name: their_alert[name] for name in their_alert.keys() - times_and_print
    }
    assert moment(our_alert["startsAt"]) == moment(their_alert["startsAt"])


async def test_resolved_body_is_alertmanagers(receiver: Alertmanager, hook: FakeReceiver) -> None:
    """A resolve is told by both with the status and the end."""
    entry = now_firing("A")
    await receiver.send(notification(entry))
    await hook.received(1)
    end = now_resolved(entry)
    await receiver.send(notification(end))
    theirs = (await hook.received(2))[1].body
    [ours] = payloads(notification(end), "", 0)
    assert (theirs["status"], theirs["alerts"][0]["status"]) == (ours["status"], ours["alerts"][0]["status"])
    assert moment(theirs["alerts"][0]["endsAt"]) == moment(ours["alerts"][0]["endsAt"])


@pytest.mark.parametrize(
    "labels",
    [
        {"app": "Report"},
        {"app": 'say "hi", {x="y"}\\n'},
        {"app": "two\nlines"},
        {"app": "고객지원 営業部", "team": "ops"},
        {"severity": "info", "team": "bi"},
    ],
    ids=["plain", "quotes", "newline", "korean", "child"],
)
async def test_group_keys_are_alertmanagers(receiver: Alertmanager, hook: FakeReceiver, labels: dict[str, str]) -> None:
    """Alerts are grouped, and groups named, as Alertmanager does it."""
    entry = now_firing("A", **labels)
    await receiver.send(notification(entry))
    [theirs] = [request.body for request in await hook.received(1)]
    [taken] = TREE.match(entry.labels)
    assert TREE.group_key(taken, entry.labels) == theirs["groupKey"]
    assert TREE.group_labels(taken, entry.labels) == theirs["groupLabels"]
