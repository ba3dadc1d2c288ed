"""One suite for every kind of receiver: `KINDS` is the place to add one."""

from __future__ import annotations

import json
import logging
import time
import traceback
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from email.utils import formatdate

import httpx
import pytest
from pydantic import SecretStr

from monitor.errors import DeliveryDelayed, DeliveryRefused, MonitorError
from monitor.notify.alertmanager import Alertmanager
from monitor.notify.http import Endpoint
from monitor.notify.pagerduty import PagerDuty
from monitor.notify.receiver import Receiver
from monitor.notify.slack import Slack
from monitor.notify.webhook import Webhook
from tests.support.receivers import (
    GARBAGE,
    NOW,
    RESET,
    SILENCE,
    FakeReceiver,
    FixedClock,
    Reply,
    composer,
    fired,
    notification,
    resolved,
)

SECRET = "T0PS3CR3T"  # noqa: S105 - made up

ROUTING_KEY = SecretStr(f"{SECRET}{'0' * 23}")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """
    A kind of receiver, and how to make one at an endpoint.

    `by_status` tells whether the status of an answer says all; where it does not, a body of ``ok`` is needed besides.
    """

    connect: Callable[[Endpoint], Receiver]
    by_status: bool = True
    keeps_state: bool = True


KINDS = {
    "webhook": Kind(connect=lambda endpoint: Webhook(name="oncall/webhook[0]", receiver="oncall", endpoint=endpoint)),
    "alertmanager": Kind(
        connect=lambda endpoint: Alertmanager(
            name="oncall/alertmanager[0]", receiver="oncall", endpoint=endpoint, clock=FixedClock()
        )
    ),
    "slack": Kind(
        connect=lambda endpoint: Slack(
            name="oncall/slack[0]", receiver="oncall", endpoint=endpoint, clock=FixedClock(), composer=composer()
        ),
        by_status=False,
        keeps_state=False,
    ),
    "pagerduty": Kind(
        connect=lambda endpoint: PagerDuty(
            name="oncall/pagerduty[0]",
            receiver="oncall",
            endpoint=endpoint,
            clock=FixedClock(),
            composer=composer(),
            routing_key=ROUTING_KEY,
        )
    ),
}

Connect = Callable[..., Receiver]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """Provide a client as the daemon has it: one for all receivers."""
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Provide the kind under test."""
    return KINDS[request.param]


@pytest.fixture
def connect(kind: Kind, http: httpx.AsyncClient) -> Connect:
    """Provide a function that returns a receiver of the kind under test at an address; its path is a secret."""

    def receiver(url: str, timeout: float = 5.0) -> Receiver:
        secret = SecretStr(f"{url}/services/{SECRET}?token={SECRET}")
        return kind.connect(Endpoint(http=http, url=secret, timeout=timeout, clock=FixedClock()))

    return receiver


BY_STATUS = pytest.mark.parametrize("kind", [name for name in KINDS if KINDS[name].by_status], indirect=True)
BY_BODY = pytest.mark.parametrize("kind", [name for name in KINDS if not KINDS[name].by_status], indirect=True)


def shown(error: BaseException) -> str:
    """Return everything a log could show of `error` and of the errors it hangs on."""
    chain, link = [], error.__cause__ or error.__context__
    while link is not None:
        chain.append(repr(vars(link)))
        link = link.__cause__ or link.__context__
    return "".join([*traceback.format_exception(error), repr(error), repr(vars(error)), *chain])


async def test_accepts_a_notification(connect: Connect) -> None:
    """A receiver that answers 200 has taken the notification, at the configured address and in one request."""
    async with FakeReceiver() as fake:
        await connect(fake.url).send(notification(fired()))
    [request] = fake.requests
    assert request.path.startswith(f"/services/{SECRET}")
    assert request.headers["user-agent"].startswith("alli-monitor/")


@BY_STATUS
@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_accepts_every_success(connect: Connect, status: int) -> None:
    """Every status of success is an acceptance, with a body or without."""
    async with FakeReceiver(Reply(status=status, body=b"")) as fake:
        await connect(fake.url).send(notification(fired()))
    assert len(fake.requests) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 405, 410, 431])
async def test_refuses_for_good(connect: Connect, status: int) -> None:
    """An error of the client's is a refusal for good, with the status in the message."""
    async with FakeReceiver(Reply(status=status)) as fake:
        with pytest.raises(DeliveryRefused, match=str(status)) as caught:
            await connect(fake.url).send(notification(fired()))
    assert caught.value.reason == "client_error"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
async def test_delays(connect: Connect, status: int) -> None:
    """Overload, timeouts and errors of the server are a delay, not a refusal."""
    async with FakeReceiver(Reply(status=status)) as fake:
        with pytest.raises(DeliveryDelayed, match=str(status)) as caught:
            await connect(fake.url).send(notification(fired()))
    assert caught.value.retry_after is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": "999999999999999999999"}, 3600.0),
        ({"Retry-After": formatdate(NOW + 90, usegmt=True)}, 90.0),
        ({"Retry-After": formatdate(NOW + 90, usegmt=True), "Date": formatdate(NOW + 60, usegmt=True)}, 30.0),
        ({"Retry-After": formatdate(NOW - 90, usegmt=True)}, 0.0),
        ({"Retry-After": formatdate(NOW + 90_000, usegmt=True)}, 3600.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_passes_on_when_to_come_back(
    connect: Connect, status: int, headers: dict[str, str], seconds: float | None
) -> None:
    """Retry-After counts in seconds or as a date, by the receiver's own clock where it tells it, up to an hour."""
    async with FakeReceiver(Reply(status=status, headers=headers)) as fake:
        with pytest.raises(DeliveryDelayed) as caught:
            await connect(fake.url).send(notification(fired()))
    assert caught.value.retry_after == seconds


async def test_delays_when_no_answer_comes(connect: Connect) -> None:
    """A receiver that takes the request and says nothing delays the notification for no longer than the timeout."""
    async with FakeReceiver(SILENCE) as fake:
        with pytest.raises(DeliveryDelayed, match=r"within 0\.2 s"):
            await connect(fake.url, timeout=0.2).send(notification(fired()))


@pytest.mark.parametrize("reply", [RESET, GARBAGE])
async def test_delays_when_the_answer_is_broken(connect: Connect, reply: str) -> None:
    """A connection that breaks and an answer that is not HTTP are a delay: nobody said yes or no."""
    async with FakeReceiver(reply) as fake:
        with pytest.raises(DeliveryDelayed):
            await connect(fake.url).send(notification(fired()))


async def test_delays_when_nobody_listens(connect: Connect) -> None:
    """A port nobody listens on is a delay."""
    async with FakeReceiver() as fake:
        url = fake.url
    with pytest.raises(DeliveryDelayed, match="connection refused"):
        await connect(url).send(notification(fired()))


STRANGE_BODIES = pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"\x00\xff{not json"),
        Reply(body=b"not gzip", headers={"Content-Encoding": "gzip"}),
        Reply(body=b"x" * 1_000_000),
        Reply(body=b"ok, it begins and never ends", endless=True),
    ],
    ids=["binary", "wrong encoding", "long", "endless"],
)


@BY_STATUS
@STRANGE_BODIES
async def test_status_is_the_answer(connect: Connect, reply: Reply) -> None:
    """A body that is garbage, long or never ends does not make an acceptance less of one."""
    async with FakeReceiver(reply) as fake:
        await connect(fake.url).send(notification(fired()))
    assert len(fake.requests) == 1


@BY_BODY
@STRANGE_BODIES
async def test_body_is_the_answer(connect: Connect, reply: Reply) -> None:
    """A body that is garbage, long or never ends says neither yes nor no, which is a delay."""
    async with FakeReceiver(reply) as fake:
        with pytest.raises(DeliveryDelayed, match="answered 200, but not"):
            await connect(fake.url).send(notification(fired()))


@BY_BODY
@pytest.mark.parametrize("status", [201, 202, 204])
async def test_success_without_a_word_is_none(connect: Connect, status: int) -> None:
    """A status of success without the word for it is a delay."""
    async with FakeReceiver(Reply(status=status, body=b"")) as fake:
        with pytest.raises(DeliveryDelayed, match=str(status)):
            await connect(fake.url).send(notification(fired()))


async def test_keeps_the_connection(connect: Connect) -> None:
    """Ordinary answers leave the connection open for the next notification."""
    async with FakeReceiver() as fake:
        receiver = connect(fake.url)
        await receiver.send(notification(fired()))
        await receiver.send(notification(resolved(), key="n-2"))
    assert (len(fake.requests), fake.connections) == (2, 1)


@BY_STATUS
async def test_does_not_swallow_long_answers(connect: Connect) -> None:
    """A long answer is cut off, which costs its connection and nothing else."""
    async with FakeReceiver(Reply(body=b"x" * 10_000_000)) as fake:
        receiver = connect(fake.url)
        await receiver.send(notification(fired()))
        await receiver.send(notification(resolved(), key="n-2"))
    assert (len(fake.requests), fake.connections) == (2, 2)


async def test_dates_without_a_zone_are_utc(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A date of Retry-After that names no zone is read as UTC, wherever the monitor runs."""
    monkeypatch.setenv("TZ", "Asia/Seoul")
    time.tzset()
    try:
        async with FakeReceiver(Reply(status=429, headers={"Retry-After": formatdate(NOW + 90)})) as fake:
            with pytest.raises(DeliveryDelayed) as caught:
                await connect(fake.url).send(notification(fired()))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert caught.value.retry_after == 90.0


@pytest.mark.parametrize(
    ("status", "scope"), [(400, "payload"), (413, "payload"), (422, "payload"), (401, "receiver"), (404, "receiver")]
)
async def test_tells_what_is_refused(connect: Connect, status: int, scope: str) -> None:
    """What is wrong with one notification is told from what is wrong with the receiver."""
    async with FakeReceiver(*[Reply(status=status)] * 2) as fake:
        with pytest.raises(DeliveryRefused) as caught:
            await connect(fake.url).send(notification(fired()))
    assert caught.value.scope == scope


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_does_not_follow_redirects(connect: Connect, status: int) -> None:
    """A redirect is refused, and nothing is sent to its target."""
    async with FakeReceiver() as target, FakeReceiver(Reply(status=status, headers={"Location": target.url})) as fake:
        with pytest.raises(DeliveryRefused) as caught:
            await connect(fake.url).send(notification(fired()))
    assert caught.value.reason == "redirect"
    assert target.requests == []


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1", "http://[::1", "http://", "http://한국..example"])
async def test_refuses_what_is_no_address(connect: Connect, url: str) -> None:
    """What cannot be posted to is refused for good, without showing it."""
    with pytest.raises(DeliveryRefused) as caught:
        await connect(url).send(notification(fired()))
    assert caught.value.reason == "bad_url"
    assert SECRET not in shown(caught.value)


@pytest.mark.parametrize(
    "reply",
    [Reply(status=404, body=SECRET.encode()), Reply(status=500), Reply(status=302), SILENCE, RESET, GARBAGE],
    ids=["refused", "delayed", "redirect", "silence", "reset", "garbage"],
)
async def test_never_shows_the_address(connect: Connect, reply: Reply | str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither an error, nor what hangs on it, nor the receiver, nor a log of ours shows the path of the address."""
    caplog.set_level(logging.DEBUG, logger="monitor")
    async with FakeReceiver(reply) as fake:
        receiver = connect(fake.url, timeout=0.2)
        with pytest.raises(MonitorError) as caught:
            await receiver.send(notification(fired()))
    assert fake.url in str(caught.value)
    assert SECRET not in shown(caught.value) + repr(receiver) + str(receiver)
    assert not [record for record in caplog.records if record.name.startswith("monitor")]


async def test_leaves_text_intact(connect: Connect) -> None:
    """Korean and Japanese text arrives as it was written, and half a character does not keep a notification back."""
    entry = fired(app="고객지원 챗봇")
    odd = replace(entry, annotations={"summary": entry.annotations["summary"] + " 営業部\ud83d"})
    async with FakeReceiver() as fake:
        await connect(fake.url).send(notification(odd))
    text = json.dumps(fake.requests[0].body, ensure_ascii=False)
    for written in ("보고서 작성이 제한 시간을 넘었습니다 / 制限時間を超えました 営業部", "고객지원 챗봇"):
        assert written in text


async def test_is_described_for_the_outbox(kind: Kind, connect: Connect) -> None:
    """A receiver names itself, its kind and the receiver it belongs to."""
    receiver = connect("http://127.0.0.1")
    assert receiver.name == f"{receiver.receiver}/{receiver.integration}[0]"
    assert (receiver.keeps_state, receiver.send_resolved) == (kind.keeps_state, True)
