"""The contract of receivers for what Apprise notifies: its JSON service and Mattermost on loopback, and its limits."""

from __future__ import annotations

import json
import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from apprise import NotifyBase
from pydantic import SecretStr

from monitor.errors import DeliveryDelayed, DeliveryRefused, MonitorError
from monitor.messages.compose import more
from monitor.messages.cutting import UTF16
from monitor.messages.message import Message
from monitor.model.facts import Facts
from monitor.model.notification import Notification
from monitor.notify.apprise import Apprise, plain
from monitor.notify.receiver import Receiver
from monitor.settings.services import service
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

SECRET = "t0ps3cr3tt0ps3cr3tt0ps3cr3"  # noqa: S105 - made up; as long and as small as Mattermost's tokens
SUMMARY = "보고서 작성이 제한 시간을 넘었습니다 / 制限時間を超えました"

Connect = Callable[..., Apprise]


def receiver(of: NotifyBase | Fake, *, timeout: float = 10.0, language: str = "en", excerpt_chars: int = 0) -> Apprise:
    """Return the receiver that notifies a service."""
    return Apprise(
        name="oncall/apprise[0]",
        receiver="oncall",
        service=cast("NotifyBase", of),
        timeout=timeout,
        clock=FixedClock(),
        composer=composer(language, excerpt_chars=excerpt_chars, console_url="https://monitor.example"),
    )


@pytest.fixture(params=["json", "mmost"])
def connect(request: pytest.FixtureRequest) -> Connect:
    """Provide a function that returns a receiver at an address whose path is a secret; it gives up after a second."""

    def connected(url: str, **options: Any) -> Apprise:
        address = f"{request.param}{url.removeprefix('http')}/{SECRET}?rto=1"
        return receiver(service(SecretStr(address)), **options)

    return connected


def shown(error: BaseException) -> str:
    """Return everything a log could show of `error` and of the errors it hangs on."""
    chain, link = [], error.__cause__ or error.__context__
    while link is not None:
        chain.append(repr(vars(link)))
        link = link.__cause__ or link.__context__
    return "".join([*traceback.format_exception(error), repr(error), repr(vars(error)), *chain])


async def test_accepts_a_notification(connect: Connect) -> None:
    """A service that answers 200 has taken the notification in one request, with what is to be known in it."""
    async with FakeReceiver() as fake:
        await connect(fake.url).send(notification(fired(app="고객지원 챗봇"), resolved("RunSlow")))
    [request] = fake.requests
    assert SECRET in request.path
    text = json.dumps(request.body, ensure_ascii=False)
    assert [word for word in (SUMMARY, "고객지원 챗봇", "RunSlow", "RunOverLimit") if word not in text] == []


@pytest.mark.parametrize("status", [401, 403, 404, 405, 410])
async def test_refuses_for_good(connect: Connect, status: int) -> None:
    """An error of the client's is a refusal for good of all that goes there, with the status in the message."""
    async with FakeReceiver(Reply(status=status)) as fake:
        with pytest.raises(DeliveryRefused, match=str(status)) as caught:
            await connect(fake.url).send(notification(fired()))
    assert caught.value.scope == "receiver"


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_refuses_a_bad_message(connect: Connect, status: int) -> None:
    """What is wrong with a message is a refusal of that message only."""
    async with FakeReceiver(Reply(status=status)) as fake:
        with pytest.raises(DeliveryRefused) as caught:
            await connect(fake.url).send(notification(fired()))
    assert caught.value.scope == "payload"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
async def test_delays(connect: Connect, status: int) -> None:
    """Overload, timeouts and errors of the server are a delay, not a refusal."""
    async with FakeReceiver(Reply(status=status)) as fake:
        with pytest.raises(DeliveryDelayed, match=str(status)):
            await connect(fake.url).send(notification(fired()))
    assert len(fake.requests) == 1, "Apprise did not try again by itself"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_does_not_follow_redirects(connect: Connect, status: int) -> None:
    """A redirect is refused, and nothing is sent to its target."""
    async with FakeReceiver() as target, FakeReceiver(Reply(status=status, headers={"Location": target.url})) as fake:
        with pytest.raises(DeliveryRefused) as caught:
            await connect(fake.url).send(notification(fired()))
    assert caught.value.reason == "redirect"
    assert target.requests == []


@pytest.mark.parametrize("reply", [RESET, GARBAGE, Reply(body=b"begins and never ends", endless=True)])
async def test_delays_when_the_answer_is_broken(connect: Connect, reply: Reply | str) -> None:
    """A connection that breaks, and an answer that is not HTTP or never ends, are a delay: nobody said yes or no."""
    async with FakeReceiver(reply) as fake:
        with pytest.raises(DeliveryDelayed):
            await connect(fake.url).send(notification(fired()))


async def test_delays_when_nobody_listens(connect: Connect) -> None:
    """A port nobody listens on is a delay."""
    async with FakeReceiver() as fake:
        url = fake.url
    with pytest.raises(DeliveryDelayed):
        await connect(url).send(notification(fired()))


async def test_delays_when_no_answer_comes(connect: Connect) -> None:
    """A service that says nothing delays the notification for no longer than the timeout."""
    async with FakeReceiver(SILENCE) as fake:
        with pytest.raises(DeliveryDelayed, match=r"within 0\.2 s"):
            await connect(fake.url, timeout=0.2).send(notification(fired()))


@pytest.mark.parametrize(
    "reply",
    [Reply(), Reply(status=404, body=SECRET.encode()), Reply(status=500), Reply(status=302), SILENCE, RESET, GARBAGE],
    ids=["accepted", "refused", "delayed", "redirect", "silence", "reset", "garbage"],
)
async def test_never_shows_the_address(connect: Connect, reply: Reply | str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither an error, nor what hangs on it, nor the receiver, nor a log of anybody's shows the secret."""
    caplog.set_level(logging.DEBUG)
    text = ""
    async with FakeReceiver(reply) as fake:
        connected = connect(fake.url, timeout=0.2)
        try:
            await connected.send(notification(fired()))
        except MonitorError as error:
            text = shown(error)
    assert SECRET not in text + repr(connected) + str(connected) + caplog.text


async def test_is_described_for_the_outbox(connect: Connect) -> None:
    """The receiver names itself, its kind and the receiver it belongs to, and that it shows messages."""
    described: Receiver = connect("http://127.0.0.1")
    assert described.name == f"{described.receiver}/{described.integration}[0]"
    assert (described.keeps_state, described.groups, described.acknowledges) == (False, True, False)


def test_leaves_the_pauses_of_a_service_to_the_outbox() -> None:
    """What Apprise would wait between two messages is known as the pace of the receiver."""
    assert receiver(service(SecretStr("json://127.0.0.1"))).pace == 0.0
    assert receiver(service(SecretStr("line://token/user"))).pace == 5.5


# Calls that outlast the timeout


class Fake:
    """As much of Apprise's base of all services as a receiver uses; it takes what it is given."""

    service_name = "Fake"
    request_rate_per_sec = 0.0
    title_maxlen = 250
    body_maxlen = 1000
    overflow_amalgamate_title = False

    def notify(self, **_message: Any) -> bool:
        """Take a message."""
        return True


class Held(Fake):
    """A service that takes a message when it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.calls = 0

    def notify(self, **_message: Any) -> bool:
        """Wait."""
        self.calls += 1
        return self.go.wait(60)


@pytest.fixture
def held() -> Iterator[Held]:
    """Provide a service that hangs, and that ends with the test."""
    hanging = Held()
    yield hanging
    hanging.go.set()


async def test_what_comes_late_counts(held: Held) -> None:
    """A call that outlasts the timeout is not repeated: when the notification is tried again, its outcome is taken."""
    slow = receiver(held, timeout=0.05)
    for _ in range(3):
        with pytest.raises(DeliveryDelayed, match="within"):
            await slow.send(notification(fired()))
    held.go.set()
    await replace_timeout(slow).send(notification(fired()))
    assert held.calls == 1


def replace_timeout(slow: Apprise) -> Apprise:
    """Return the same receiver, with its calls, and time enough."""
    patient = replace(slow, timeout=10.0)
    patient._late.update(slow._late)
    return patient


async def test_one_call_hangs_at_most(held: Held) -> None:
    """While a call hangs nothing else is sent, so that threads do not pile up; afterwards all goes on."""
    slow = receiver(held, timeout=0.05)
    with pytest.raises(DeliveryDelayed, match="within"):
        await slow.send(notification(fired(), key="n-1"))
    for _ in range(5):
        with pytest.raises(DeliveryDelayed, match="has not ended"):
            await slow.send(notification(fired(), key="n-2"))
    assert held.calls == 1
    held.go.set()
    patient = replace_timeout(slow)
    await patient.send(notification(fired(), key="n-1"))
    await patient.send(notification(fired(), key="n-2"))
    assert held.calls == 2


class Broken(Fake):
    """A service whose plugin fails, with a secret in its error."""

    def notify(self, **_message: Any) -> bool:
        """Fail."""
        raise LookupError(SECRET)


async def test_a_plugin_that_fails_is_a_delay() -> None:
    """What a plugin raises is told by its kind alone."""
    with pytest.raises(DeliveryDelayed, match="LookupError") as caught:
        await receiver(Broken()).send(notification(fired()))
    assert SECRET not in shown(caught.value)


class Refusing(Fake):
    """A service that refuses without a word, while another one is warned of in another thread."""

    def notify(self, **_message: Any) -> bool:
        """Refuse."""
        another = threading.Thread(target=logging.getLogger("apprise").warning, args=("Failed: error=404.",))
        another.start()
        another.join()
        return False


async def test_warnings_about_others_do_not_count() -> None:
    """Why a service refused is read from the warnings of its own call, and nothing listens to them afterwards."""
    listening = list(logging.getLogger("apprise").handlers)
    with pytest.raises(DeliveryDelayed):
        await receiver(Refusing()).send(notification(fired()))
    assert logging.getLogger("apprise").handlers == listening


# What is said


SERVICES = {
    "discord": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "line": "line://token/user",
    "mail": "mailto://user:pass@gmail.com",
    "opsgenie": "opsgenie://12345678-1234-1234-1234-123456789012",
    "sms": "clicksend://user:password@+15551234567",
    "teams": "workflows://example.com/workflow/signature",
    "telegram": "tgram://123456789:ABCdefghijklmnopqrstuvwxyz123456789/123",
}
"""Addresses of services with limits of all kinds."""


def composed(of: Notification, language: str = "ko") -> Message:
    """Return a notification in words."""
    return composer(language, excerpt_chars=2000, console_url="https://monitor.example").compose(of, now=NOW)


@pytest.mark.parametrize("kind", SERVICES)
@pytest.mark.parametrize("count", [1, 30])
def test_texts_are_within_the_limits(kind: str, count: int) -> None:
    """Title and body are as long as the service takes at most, in UTF-16, and what is left out is counted."""
    of = service(SecretStr(SERVICES[kind]))
    entries = [
        replace(fired(f"Alert{number}", app="고객지원 챗봇"), facts=Facts(excerpt="한국어👩\u200d💻日本語" * 99))
        for number in range(count)
    ]
    title, body = plain(composed(notification(*entries)), of)
    assert UTF16(title) <= (of.title_maxlen or of.body_maxlen)
    assert UTF16(body) + (0 if of.title_maxlen else UTF16(title)) <= of.body_maxlen
    shown_alerts = sum(f"Alert{number} · 고객지원 챗봇" in body for number in range(count))
    if count - shown_alerts > 1:
        assert body.endswith(more(count - max(shown_alerts, 1), "ko"))


async def test_what_grows_with_a_markup_is_not_lost() -> None:
    """What is longer than the limit once it is escaped goes in several messages, all of it."""
    entries = [replace(fired(f"Alert{number}"), annotations={"summary": "&" * 900}) for number in range(20)]
    async with FakeReceiver() as fake:
        address = f"json{fake.url.removeprefix('http')}?format=html"
        await receiver(service(SecretStr(address))).send(notification(*entries))
    assert len(fake.requests) > 1
    assert sum(request.body["message"].count("&amp;") for request in fake.requests) == 20 * 900


@pytest.mark.parametrize("kind", SERVICES)
def test_nobody_is_mentioned(kind: str) -> None:
    """Names and texts of others mention nobody and hide no address, also where plain text is not quite plain."""
    evil = "@everyone <@123> <!channel> [click](https://evil.example)"
    entry = replace(fired(app=evil), annotations={"summary": evil}, facts=Facts(excerpt=evil))
    text = "".join(plain(composed(notification(entry)), service(SecretStr(SERVICES[kind]))))
    assert [part for part in ("@everyone", "<@", "<!", "](") if part in text] == []


def test_links_stay_as_they_are() -> None:
    """Addresses of links are not touched."""
    entry = replace(fired(), annotations={"runbook_url": "https://wiki.example/@ops/runs"})
    assert "https://wiki.example/@ops/runs" in plain(composed(notification(entry)), cast("NotifyBase", Fake()))[1]


@pytest.mark.parametrize(
    ("entries", "kind"),
    [
        ([fired(severity="critical"), resolved("B")], "failure"),
        ([fired(severity="warning")], "warning"),
        ([fired(severity="info")], "warning"),
        ([resolved(severity="critical")], "success"),
    ],
)
async def test_tells_how_bad_it_is(entries: list[Any], kind: str) -> None:
    """What fires is a failure or a warning, never mere information, and what is over a success."""
    async with FakeReceiver() as fake:
        await receiver(service(SecretStr(f"json{fake.url.removeprefix('http')}"))).send(notification(*entries))
    assert fake.requests[0].body["type"] == kind
