from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from pydantic import SecretStr

from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.model.notification import Entry
from monitor.notify.alertmanager import BATCH, Alertmanager, alerts_url, payload
from monitor.notify.http import Endpoint, rfc3339
from tests.support.receivers import NOW, FakeAlertmanager, FixedClock, Reply, fired, notification, resolved

HOLD = 900.0


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """Provide a client."""
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


def alertmanager(http: httpx.AsyncClient, fake: FakeAlertmanager) -> Alertmanager:
    """Return an Alertmanager receiver that posts to `fake`."""
    endpoint = Endpoint(http=http, url=alerts_url(SecretStr(fake.url)), timeout=5, clock=FixedClock())
    return Alertmanager(name="oncall/alertmanager[0]", receiver="oncall", endpoint=endpoint, clock=FixedClock())


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://am:9093", "http://am:9093/api/v2/alerts"),
        ("http://am:9093/", "http://am:9093/api/v2/alerts"),
        ("https://u:p@am/alertmanager/", "https://u:p@am/alertmanager/api/v2/alerts"),
        ("https://am/a%2Fb?key=1", "https://am/a%2Fb/api/v2/alerts?key=1"),
    ],
)
def test_finds_the_api(base: str, url: str) -> None:
    """The API is looked for under the configured address, path, user and query included."""
    assert alerts_url(SecretStr(base)).get_secret_value() == url


def test_alert_in_the_form_of_the_api() -> None:
    """An alert is posted with its labels, texts, times and link, and nothing else."""
    assert payload([fired(app="Report")], NOW, HOLD) == [
        {
            "labels": {"alertname": "RunOverLimit", "project": "support", "app": "Report"},
            "annotations": {"summary": "보고서 작성이 제한 시간을 넘었습니다 / 制限時間を超えました"},
            "startsAt": "2026-09-21T14:11:20.000Z",
            "endsAt": "2026-09-21T14:28:20.000Z",
            "generatorURL": "https://monitor.example/c/support/c1",
        }
    ]


@pytest.mark.parametrize(
    ("entry", "ends_at"),
    [
        pytest.param(fired(), NOW + HOLD, id="a state is held"),
        pytest.param(replace(fired(), ends_at=NOW + 86_400), NOW + 86_400, id="an event says when it expires"),
        pytest.param(resolved(), NOW - 60, id="a resolve says when it was"),
        pytest.param(replace(resolved(), ends_at=None), NOW, id="a resolve without a time is now"),
        pytest.param(replace(resolved(), ends_at=NOW - 999), NOW - 120, id="an end is not before the start"),
    ],
)
def test_ends(entry: Entry, ends_at: float) -> None:
    """The end that is posted follows from what the alert is, and is never before its start."""
    assert payload([entry], NOW, HOLD)[0]["endsAt"] == rfc3339(ends_at)


def test_labels_are_valid() -> None:
    """Empty labels are left out and names made valid; a name that was valid keeps its value."""
    entry = replace(fired(), labels={"alertname": "X", "empty": "", "a-b": "1", "a_b": "2", "0": "3", "팀": "4"})
    [alert] = payload([entry], NOW, HOLD)
    assert alert["labels"] == {"alertname": "X", "a_b": "2", "_0": "3", "_": "4"}


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://monitor.example/c/p/고객?a b", "https://monitor.example/c/p/%EA%B3%A0%EA%B0%9D?a%20b"),
        ("http://127.0.0.1:7464/", "http://127.0.0.1:7464/"),
        ("https://monitor.example/50%/%zz/%EA%B3%A0", "https://monitor.example/50%25/%25zz/%EA%B3%A0"),
        ("", None),
        ("/c/p/1", None),
        ("javascript:alert(1)", None),
        ("https://", None),
        ("http://[::1", None),
    ],
)
def test_links_are_absolute_addresses_of_the_web(url: str, link: str | None) -> None:
    """A link that is not an absolute address of the web is left out: Alertmanager would refuse the alert."""
    [alert] = payload([replace(fired(), url=url)], NOW, HOLD)
    assert alert.get("generatorURL") == link


async def test_posts_bounded_batches_in_order(http: httpx.AsyncClient) -> None:
    """Many alerts are posted in requests of bounded size, in their order, to the alerts API."""
    names = [f"A{number}" for number in range(2 * BATCH + 1)]
    async with FakeAlertmanager() as fake:
        await alertmanager(http, fake).send(notification(*map(fired, names)))
    assert {request.path for request in fake.requests} == {"/api/v2/alerts"}
    assert [len(request.body) for request in fake.requests] == [BATCH, BATCH, 1]
    assert [alert["labels"]["alertname"] for request in fake.requests for alert in request.body] == names


async def test_bad_alerts_do_not_cost_the_good_ones(http: httpx.AsyncClient) -> None:
    """Of a batch with bad alerts the good ones are stored, later batches too, and the bad ones counted."""
    names = ["A", "Bad", "B", "Bad", *(f"C{number}" for number in range(BATCH))]
    async with FakeAlertmanager() as fake:
        with pytest.raises(DeliveryRefused, match=rf"refused 2 of {len(names)} alerts") as caught:
            await alertmanager(http, fake).send(notification(*map(fired, names)))
    assert caught.value.reason == "bad_alert"
    assert fake.stored.keys() == set(names) - {"Bad"}


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_does_not_trust_the_answer_to_a_mixed_batch(http: httpx.AsyncClient, status: int) -> None:
    """Where nothing of a refused batch was stored, the good alerts are stored by being sent one by one."""
    async with FakeAlertmanager(Reply(status=status)) as fake:
        await alertmanager(http, fake).send(notification(fired("A"), fired("B")))
    assert fake.stored.keys() == {"A", "B"}


async def test_one_bad_alert_is_not_sent_twice(http: httpx.AsyncClient) -> None:
    """A request of one alert that is refused tells already which alert is bad."""
    async with FakeAlertmanager() as fake:
        with pytest.raises(DeliveryRefused):
            await alertmanager(http, fake).send(notification(fired("Bad")))
    assert len(fake.requests) == 1


async def test_a_delay_among_bad_alerts_is_a_delay(http: httpx.AsyncClient) -> None:
    """When the receiver becomes unavailable while the bad alerts are looked for, everything is tried again later."""
    async with FakeAlertmanager(Reply(status=400), Reply(), Reply(status=503)) as fake:
        with pytest.raises(DeliveryDelayed):
            await alertmanager(http, fake).send(notification(fired("A"), fired("Bad")))
    assert len(fake.requests) == 3


async def test_resend_holds_from_the_given_moment(http: httpx.AsyncClient) -> None:
    """Sending again holds what fires from the given moment on and repeats resolves as they were."""
    async with FakeAlertmanager() as fake:
        await alertmanager(http, fake).resend([fired("A"), resolved("B")], NOW + 60)
    assert fake.stored == {"A": rfc3339(NOW + 60 + HOLD), "B": rfc3339(NOW - 60)}


async def test_resend_of_nothing_sends_nothing(http: httpx.AsyncClient) -> None:
    """Without alerts there is no request."""
    async with FakeAlertmanager() as fake:
        await alertmanager(http, fake).resend([], NOW)
    assert fake.requests == []
