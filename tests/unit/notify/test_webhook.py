from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.model.notification import Entry
from monitor.notify.http import Endpoint
from monitor.notify.webhook import Webhook, payloads
from tests.support.receivers import FakeReceiver, FixedClock, Reply, fired, notification, resolved

A, B, C = (fired(name) for name in "ABC")
URL = "https://monitor.example"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """Provide a client."""
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


def webhook(http: httpx.AsyncClient, fake: FakeReceiver, max_alerts: int = 0) -> Webhook:
    """Return a webhook receiver that posts to `fake`."""
    endpoint = Endpoint(http=http, url=SecretStr(f"{fake.url}/hook"), timeout=5, clock=FixedClock())
    return Webhook(name="oncall/webhook[0]", receiver="oncall", endpoint=endpoint, max_alerts=max_alerts)


def told(fake: FakeReceiver) -> list[list[tuple[str, str]]]:
    """Return what each request told: names of alerts and their status."""
    return [
        [(alert["labels"]["alertname"], alert["status"]) for alert in request.body["alerts"]]
        for request in fake.requests
    ]


def test_body_is_alertmanagers() -> None:
    """The body has the fields and the forms of Alertmanager's version 4, each of them."""
    [body] = payloads(notification(fired(app="Report"), resolved(app="Report")), URL, 0)
    labels = {"alertname": "RunOverLimit", "project": "support", "app": "Report"}
    annotations = {"summary": "보고서 작성이 제한 시간을 넘었습니다 / 制限時間を超えました"}
    common = {
        "labels": labels,
        "annotations": annotations,
        "startsAt": "2026-09-21T14:11:20.000Z",
        "generatorURL": "https://monitor.example/c/support/c1",
        "fingerprint": fired().fingerprint,
    }
    assert body == {
        "version": "4",
        "groupKey": '{}:{project="support"}',
        "truncatedAlerts": 0,
        "status": "resolved",
        "receiver": "oncall",
        "groupLabels": {"project": "support"},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "https://monitor.example",
        "notification_reason": "first_notification",
        "alerts": [
            {"status": "firing", "endsAt": "0001-01-01T00:00:00Z", **common},
            {"status": "resolved", "endsAt": "2026-09-21T14:12:20.000Z", **common},
        ],
    }


def test_firing_events_have_no_end() -> None:
    """An event that fires shows no end, although it will expire."""
    event = replace(fired(), ends_at=fired().starts_at + 86_400)
    [body] = payloads(notification(event), URL, 0)
    assert body["alerts"][0]["endsAt"] == "0001-01-01T00:00:00Z"


def test_common_pairs_stand_in_all_alerts() -> None:
    """What is common is what all alerts of the body share: names with equal values."""
    [body] = payloads(notification(fired("A", app="x", team="bi"), fired("B", app="x")), URL, 0)
    assert body["commonLabels"] == {"project": "support", "app": "x"}


@pytest.mark.parametrize(
    ("entries", "status"),
    [
        ((A,), "firing"),
        ((resolved("A"),), "resolved"),
        ((A, resolved("A")), "resolved"),
        ((A, resolved("A"), A), "firing"),
        ((A, B, resolved("A")), "firing"),
        ((A, B, resolved("A"), resolved("B")), "resolved"),
    ],
)
def test_status_is_that_after_the_last_entry(entries: tuple[Entry, ...], status: str) -> None:
    """A notification is firing as long as any of its alerts fires at its end."""
    [body] = payloads(notification(*entries), URL, 0)
    assert body["status"] == status


@given(steps=st.lists(st.tuples(st.sampled_from("ABC"), st.booleans()), min_size=1), max_alerts=st.integers(0, 5))
def test_splits_and_truncates_nothing(steps: list[tuple[str, bool]], max_alerts: int) -> None:
    """However many bodies it takes, together they tell every transition once and in order, none being too long."""
    entries = [fired(name) if fires else resolved(name) for name, fires in steps]
    bodies = payloads(notification(*entries), URL, max_alerts)
    alerts = [(alert["fingerprint"], alert["status"]) for body in bodies for alert in body["alerts"]]
    assert alerts == [(entry.fingerprint, entry.status.value) for entry in entries]
    assert all(1 <= len(body["alerts"]) <= (max_alerts or len(entries)) for body in bodies)
    assert {body["truncatedAlerts"] for body in bodies} == {0}
    assert bodies[-1]["status"] == payloads(notification(*entries), URL, 0)[0]["status"]


async def test_key_stays_the_same(http: httpx.AsyncClient) -> None:
    """The same notification sent again has the same Idempotency-Key, and another one has another."""
    async with FakeReceiver() as fake:
        receiver = webhook(http, fake)
        for key in ("n-1", "n-1", "n-2"):
            await receiver.send(notification(A, key=key))
    assert [request.headers["idempotency-key"] for request in fake.requests] == ["n-1", "n-1", "n-2"]


async def test_key_fits_into_a_header(http: httpx.AsyncClient) -> None:
    """A key with characters that a header cannot carry is encoded, and one that fits is sent as it is."""
    async with FakeReceiver() as fake:
        receiver = webhook(http, fake)
        await receiver.send(notification(A, key='{}/{app="고객\r\n"}'))
        await receiver.send(notification(A, key='{}:{app="a%/b"}'))
    keys = [request.headers["idempotency-key"] for request in fake.requests]
    assert keys == ['{}/{app="%EA%B3%A0%EA%B0%9D%0D%0A"}', '{}:{app="a%/b"}']


async def test_each_part_has_its_key(http: httpx.AsyncClient) -> None:
    """A notification that is split has one key for each part, the same ones when it is sent again."""
    async with FakeReceiver() as fake:
        receiver = webhook(http, fake, max_alerts=2)
        await receiver.send(notification(A, B, C))
        await receiver.send(notification(A, B, C))
    assert told(fake)[:2] == [[("A", "firing"), ("B", "firing")], [("C", "firing")]]
    assert [request.headers["idempotency-key"] for request in fake.requests] == ["n-1-1", "n-1-2"] * 2


async def test_goes_on_where_it_stopped(http: httpx.AsyncClient) -> None:
    """After a delay within a split notification the parts that were accepted are not sent again."""
    async with FakeReceiver(Reply(), Reply(status=503)) as fake:
        receiver = webhook(http, fake, max_alerts=1)
        with pytest.raises(DeliveryDelayed):
            await receiver.send(notification(A, B, C))
        await receiver.send(notification(A, B, C))
    assert told(fake) == [[(name, "firing")] for name in "ABBC"]


async def test_a_refused_part_ends_the_notification(http: httpx.AsyncClient) -> None:
    """A part that is refused refuses the notification."""
    async with FakeReceiver(Reply(), Reply(status=413)) as fake:
        with pytest.raises(DeliveryRefused):
            await webhook(http, fake, max_alerts=1).send(notification(A, B, C))
    assert len(fake.requests) == 2
