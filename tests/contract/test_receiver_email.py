"""The contract of receivers for mail, over a real server, and what a mail has to be besides."""

from __future__ import annotations

import asyncio
import html
import logging
import re
import ssl
import traceback
from collections.abc import Callable
from dataclasses import replace
from email.headerregistry import Address
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

import pytest
import trustme
from pydantic import SecretStr

from monitor.errors import DeliveryDelayed, DeliveryRefused, MonitorError
from monitor.messages.compose import more
from monitor.messages.cutting import ELLIPSIS
from monitor.model.facts import Facts
from monitor.model.notification import Entry, Notification
from monitor.notify.email import MOST_ALERTS, Email
from monitor.notify.receiver import Receiver
from monitor.notify.smtp import Login, Server, tls_context
from tests.support.mail import HOST_NAME, Mail, MailServer, certificate
from tests.support.receivers import NOW, RESET, SILENCE, FixedClock, composer, fired, notification, resolved

SECRET = "T0PS3CR3T"  # noqa: S105 - made up
USERS = {"monitor": SECRET}
SUMMARY = "보고서 작성이 제한 시간을 넘었습니다 / 制限時間を超えました"

Connect = Callable[..., Email]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Provide who vouches for the mail server."""
    return trustme.CA()


@pytest.fixture(scope="module")
def context(authority: trustme.CA) -> ssl.SSLContext:
    """Provide the server's side of TLS."""
    return certificate(authority)


@pytest.fixture
def connect(authority: trustme.CA, tmp_path: Path) -> Connect:
    """Provide a function that returns a receiver for one recipient of a mail server, which it trusts and logs in to."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    def receiver(
        port: int,
        *,
        tls: Literal["start", "upgrade", "never"] = "upgrade",
        timeout: float = 10.0,
        login: Login | None = Login(username="monitor", password=SecretStr(SECRET)),  # noqa: B008 - a frozen value
        host: str = "127.0.0.1",
        server_name: str | None = None,
        ca_file: Path | None = tmp_path / "ca.pem",
        recipient: str = "oncall@example.com",
        language: str = "en",
        excerpt_chars: int = 0,
    ) -> Email:
        trust = tls_context(ca_file=ca_file, server_name=server_name)
        server = Server(host=host, port=port, tls=tls, context=trust, timeout=timeout, login=login)
        return Email(
            name="oncall/email[0]",
            receiver="oncall",
            server=server,
            sender=Address("모니터", addr_spec="monitor@example.com"),
            to=(Address("당번 / 当番", addr_spec="oncall@example.com"), Address(addr_spec="cto@example.com")),
            recipient=recipient,
            clock=FixedClock(),
            composer=composer(language, excerpt_chars=excerpt_chars, console_url="https://monitor.example"),
        )

    return receiver


def shown(error: BaseException) -> str:
    """Return everything a log could show of `error` and of the errors it hangs on."""
    chain, link = [], error.__cause__ or error.__context__
    while link is not None:
        chain.append(repr(vars(link)))
        link = link.__cause__ or link.__context__
    return "".join([*traceback.format_exception(error), repr(error), repr(vars(error)), *chain])


# What is taken


async def test_accepts_a_notification(connect: Connect, context: ssl.SSLContext) -> None:
    """A mail goes over STARTTLS and a login to its one recipient, and names all of them."""
    async with MailServer(context=context, users=USERS) as server:
        await connect(server.port).send(notification(fired(), resolved("RunSlow")))
    [mail] = server.mails
    assert (mail.sender, mail.recipients) == ("monitor@example.com", ["oncall@example.com"])
    assert mail.message["To"] == "당번 / 当番 <oncall@example.com>, cto@example.com"
    assert server.logins == ["monitor"]
    assert (set(server.hellos), server.farewells) == ({"localhost"}, 1)


async def test_accepts_over_tls_from_the_start(connect: Connect, context: ssl.SSLContext) -> None:
    """Where TLS begins with the connection, no STARTTLS is asked for."""
    async with MailServer(context=context, implicit_tls=True, users=USERS) as server:
        await connect(server.port, tls="start").send(notification(fired()))
    assert len(server.mails) == len(server.logins) == 1


async def test_accepts_in_clear_where_that_is_wanted(connect: Connect) -> None:
    """Without TLS and login a mail goes to a server that has neither."""
    async with MailServer() as server:
        await connect(server.port, tls="never", login=None).send(notification(fired()))
    assert len(server.mails) == 1


@pytest.mark.parametrize("tls", ["start", "upgrade"])
async def test_asks_for_the_name_that_is_configured(
    connect: Connect, context: ssl.SSLContext, tls: Literal["start", "upgrade"]
) -> None:
    """A server is reached by one name and verified by another, where the configuration says so."""
    async with MailServer(context=context, implicit_tls=tls == "start", users=USERS) as server:
        with pytest.raises(DeliveryDelayed, match="its certificate is not trusted"):
            await connect(server.port, tls=tls, host="localhost").send(notification(fired()))
        await connect(server.port, tls=tls, host="localhost", server_name=HOST_NAME).send(notification(fired()))
    assert len(server.mails) == 1


@pytest.mark.parametrize("farewell", [SILENCE, RESET, "421 gone", "nonsense"])
async def test_acceptance_is_the_answer(connect: Connect, context: ssl.SSLContext, farewell: str) -> None:
    """Whatever comes of the farewell does not make an acceptance less of one."""
    async with MailServer(context=context, users=USERS, says={"QUIT": farewell}) as server:
        await connect(server.port).send(notification(fired()))
    assert len(server.mails) == 1


# What is not


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("CONNECT", "421 4.3.2 too busy"),
        ("AUTH", "454 4.7.0 temporary authentication failure"),
        ("MAIL", "451 4.3.0 later"),
        ("RCPT", "450 4.2.0 greylisted"),
        ("RCPT", "452 4.2.2 mailbox full"),
        ("RCPT", "552 5.2.2 mailbox full, as some say it"),
        ("DATA", "451 4.7.1 later"),
        ("DATA", "421 4.3.0 closing"),
    ],
)
async def test_delays(connect: Connect, context: ssl.SSLContext, command: str, answer: str) -> None:
    """Answers of 4yz, whatever the step, and a full mailbox are a delay, with the code in the message."""
    async with MailServer(context=context, users=USERS, says={command: answer}) as server:
        with pytest.raises(DeliveryDelayed, match=answer[:3]):
            await connect(server.port).send(notification(fired()))
    assert server.mails == []


@pytest.mark.parametrize(
    ("command", "answer", "verdict"),
    [
        ("CONNECT", "554 5.7.1 not you", ("server_refused", "receiver")),
        ("AUTH", "535 5.7.8 no", ("login_refused", "receiver")),
        ("AUTH", "534 5.7.9 an application password is needed", ("login_refused", "receiver")),
        ("MAIL", "550 5.7.1 not as this sender", ("sender_refused", "receiver")),
        ("MAIL", "552 5.3.4 too long", ("sender_refused", "payload")),
        ("RCPT", "550 5.1.1 nobody of this name", ("recipient_refused", "receiver")),
        ("RCPT", "554 5.7.1 no relaying", ("recipient_refused", "receiver")),
        ("DATA", "552 5.3.4 too long", ("mail_refused", "payload")),
        ("DATA", "554 5.6.0 spam", ("mail_refused", "payload")),
    ],
)
async def test_refuses_for_good(
    connect: Connect, context: ssl.SSLContext, command: str, answer: str, verdict: tuple[str, str]
) -> None:
    """Answers of 5yz are a refusal: of this mail where it was the mail, else of all that goes there."""
    async with MailServer(context=context, users=USERS, says={command: answer}) as server:
        with pytest.raises(DeliveryRefused, match=answer[:3]) as caught:
            await connect(server.port).send(notification(fired()))
    assert (caught.value.reason, caught.value.scope) == verdict
    assert server.mails == []


async def test_too_long_a_mail_is_refused_before_it_is_sent(connect: Connect, context: ssl.SSLContext) -> None:
    """A server that says how much it takes refuses a longer mail by its announced size, and only that mail."""
    async with MailServer(context=context, users=USERS, size_limit=100) as server:
        with pytest.raises(DeliveryRefused) as caught:
            await connect(server.port).send(notification(fired()))
    assert caught.value.scope == "payload"


async def test_refuses_a_wrong_password(connect: Connect, context: ssl.SSLContext) -> None:
    """A password that is not the user's is a refusal for good."""
    async with MailServer(context=context, users={"monitor": "another"}) as server:
        with pytest.raises(DeliveryRefused) as caught:
            await connect(server.port).send(notification(fired()))
    assert caught.value.reason == "login_refused"


async def test_sends_nothing_in_clear_unless_told_to(connect: Connect) -> None:
    """A server without STARTTLS is refused, and is told neither the password nor the mail."""
    async with MailServer(users=USERS) as server:
        with pytest.raises(DeliveryRefused) as caught:
            await connect(server.port).send(notification(fired()))
    assert caught.value.reason == "no_tls"
    assert (server.logins, server.mails) == ([], [])


async def test_refuses_a_server_without_logins(connect: Connect) -> None:
    """A login that is configured and cannot be made is a refusal, rather than a mail without it."""
    async with MailServer(says={"EHLO": "250 HELP"}) as server:
        with pytest.raises(DeliveryRefused) as caught:
            await connect(server.port, tls="never").send(notification(fired()))
    assert caught.value.reason == "no_login"
    assert server.mails == []


@pytest.mark.parametrize("tls", ["start", "upgrade"])
async def test_trusts_nobody_it_was_not_told_to(
    connect: Connect, context: ssl.SSLContext, tls: Literal["start", "upgrade"]
) -> None:
    """A certificate of an authority that is not known here is a delay, and nothing is sent."""
    async with MailServer(context=context, implicit_tls=tls == "start", users=USERS) as server:
        with pytest.raises(DeliveryDelayed, match="its certificate is not trusted"):
            await connect(server.port, tls=tls, ca_file=None).send(notification(fired()))
    assert (server.logins, server.mails) == ([], [])


@pytest.mark.parametrize("command", ["CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"])
async def test_delays_when_no_answer_comes(connect: Connect, context: ssl.SSLContext, command: str) -> None:
    """A server that says nothing, at whatever step, delays the notification for no longer than the timeout."""
    async with MailServer(context=context, users=USERS, says={command: SILENCE}) as server:
        with pytest.raises(DeliveryDelayed, match=r"within 0\.2 s"):
            await connect(server.port, timeout=0.2).send(notification(fired()))


async def test_delays_when_all_answers_are_slow(connect: Connect, context: ssl.SSLContext) -> None:
    """The timeout is for the whole of it: a server that is slow at each step does not add it up."""
    async with MailServer(context=context, users=USERS, pause=0.2) as server:
        with pytest.raises(DeliveryDelayed, match=r"within 0\.5 s"):
            await connect(server.port, timeout=0.5).send(notification(fired()))
    assert server.mails == []


@pytest.mark.parametrize("command", ["CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", [RESET, "\x00 nonsense", "99999", "2", "250" + "x" * 100_000])
async def test_delays_when_the_answer_is_broken(
    connect: Connect, context: ssl.SSLContext, command: str, answer: str
) -> None:
    """A connection that breaks and an answer that is not SMTP, at whatever step, are a delay: nobody said yes or no."""
    async with MailServer(context=context, users=USERS, says={command: answer}) as server:
        with pytest.raises(DeliveryDelayed):
            await connect(server.port, timeout=0.5).send(notification(fired()))


async def test_delays_when_nobody_listens(connect: Connect) -> None:
    """A port nobody listens on is a delay."""
    async with MailServer() as server:
        port = server.port
    with pytest.raises(DeliveryDelayed, match="connection refused"):
        await connect(port).send(notification(fired()))


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("AUTH", f"535 5.7.8 {SECRET} is wrong"),
        ("AUTH", f"454 4.7.0 {SECRET} is unclear"),
        ("DATA", f"554 5.6.0 {SECRET}"),
        ("RCPT", f"550 5.1.1 {SECRET}"),
        ("MAIL", f"{SECRET} is no answer"),
        ("DATA", SILENCE),
        ("DATA", RESET),
    ],
)
async def test_never_shows_the_password(
    connect: Connect, context: ssl.SSLContext, command: str, answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither an error, nor what hangs on it, nor the receiver, nor a log shows the password, though a server may."""
    caplog.set_level(logging.DEBUG, logger="monitor")
    async with MailServer(context=context, users=USERS, says={command: answer}) as server:
        receiver = connect(server.port, timeout=0.5)
        with pytest.raises(MonitorError) as caught:
            await receiver.send(notification(fired()))
    assert f"smtp://127.0.0.1:{server.port}" in str(caught.value)
    assert SECRET not in shown(caught.value) + repr(receiver) + str(receiver)
    assert not [record for record in caplog.records if record.name.startswith("monitor")]


async def test_a_cancelled_mail_leaves_nothing_open(connect: Connect, context: ssl.SSLContext) -> None:
    """A send that is cancelled, as a daemon does that ends, closes its connection and is not taken for a delay."""
    async with MailServer(context=context, users=USERS, says={"DATA": SILENCE}) as server:
        sending = asyncio.ensure_future(connect(server.port).send(notification(fired())))
        await server.silent.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


async def test_is_described_for_the_outbox(connect: Connect) -> None:
    """The receiver names itself, its kind and the receiver it belongs to, and that it shows messages."""
    receiver: Receiver = connect(25)
    assert receiver.name == f"{receiver.receiver}/{receiver.integration}[0]"
    assert (receiver.keeps_state, receiver.groups, receiver.acknowledges) == (False, True, False)


# What a mail is


async def sent(connect: Connect, *notifications: Notification, **options: object) -> list[Mail]:
    """Return the mails that come of `notifications`."""
    async with MailServer() as server:
        receiver = connect(server.port, tls="never", login=None, **options)
        for each in notifications:
            await receiver.send(each)
    return server.mails


async def test_both_parts_say_the_same(connect: Connect) -> None:
    """Text and HTML both have all that is known: title, summary, lines, excerpt and addresses of links."""
    facts = Facts(timezone="Asia/Seoul", age=4000.0, limit=3600.0, last_step="검색", excerpt="왜 안 되나요?\nどうして?")
    entry = replace(fired(app="고객지원 챗봇", severity="critical", conversation_id="c1"), facts=facts)
    [mail] = await sent(connect, notification(entry), excerpt_chars=100)
    words = ["RunOverLimit", "고객지원 챗봇", SUMMARY, "critical", "검색", "왜 안 되나요?", "どうして?", entry.url]
    for kind in ("plain", "html"):
        text = html.unescape(mail.part(kind))
        assert [word for word in words if word not in text] == []


async def test_is_no_answer_and_wants_none(connect: Connect) -> None:
    """A mail says that a machine wrote it, when, and for whom, so that no other machine answers."""
    [mail] = await sent(connect, notification(fired()))
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(mail.message["Date"]).timestamp() == NOW
    assert mail.message["From"] == "모니터 <monitor@example.com>"
    assert re.fullmatch(r"<[0-9a-f]{32}@example\.com>", mail.message["Message-ID"])


async def test_mails_about_a_group_make_one_thread(connect: Connect) -> None:
    """Firing, repeats and the resolve of a group refer to one id; another group, to another and to the alert."""
    first, again, over, other = await sent(
        connect,
        notification(fired(), key="n-1"),
        notification(fired(), key="n-2"),
        notification(resolved(), key="n-3"),
        replace(notification(fired(), key="n-4"), group_key="another"),
    )
    threads = [mail.message["References"] for mail in (first, again, over, other)]
    assert threads[0] == threads[1] == threads[2] != threads[3]
    assert [mail.message["In-Reply-To"] for mail in (first, again, over, other)] == [t.split()[-1] for t in threads]
    assert threads[0].split()[0] == threads[3].split()[0], "the alert holds its mails together when its group changes"
    assert len({mail.message["Message-ID"] for mail in (first, again, over, other)} | set(threads)) == 6


async def test_a_second_attempt_has_the_same_id(connect: Connect, context: ssl.SSLContext) -> None:
    """What is sent again after a failure can be known by its id."""
    async with MailServer(context=context, users=USERS) as server:
        receiver = connect(server.port)
        await receiver.send(notification(fired()))
        server.says["DATA"] = "451 4.3.0 after all not"
        with pytest.raises(DeliveryDelayed):
            await receiver.send(notification(fired()))
        del server.says["DATA"]
        await receiver.send(notification(fired()))
    first, second = server.mails
    assert first.message["Message-ID"] == second.message["Message-ID"]


@pytest.mark.parametrize("language", ["en", "ko", "ja"])
async def test_leaves_text_intact_at_its_limits(connect: Connect, language: str) -> None:
    """Korean and Japanese subjects are cut between characters and arrive as written; no line is too long for SMTP."""
    family = "한국어\U0001f468\u200d\U0001f469\u200d\U0001f467日本語"
    first = fired(family * 40, app="고객지원" * 40, team="営業部", odd="\ud83d")
    second = fired("b" + family * 40, app="社内ヘルプデスク" * 40)
    [mail] = await sent(connect, notification(first, second), language=language)
    subject = mail.message["Subject"]
    assert 190 < len(subject) <= 200
    assert subject.endswith(ELLIPSIS)
    assert subject.removesuffix(ELLIPSIS) in mail.part("plain")
    assert SUMMARY in mail.part("plain")
    assert SUMMARY in mail.part("html")
    assert f'<html lang="{language}">' in mail.part("html")
    assert max(map(len, mail.raw.split(b"\r\n"))) <= 998
    assert mail.raw.isascii()


async def test_asks_nothing_special_of_a_server(connect: Connect) -> None:
    """Short lines of Korean are written in ASCII as well: no extension of SMTP is needed for a mail."""
    entry = replace(fired(), annotations={"summary": "짧은 글"})
    [mail] = await sent(connect, notification(entry))
    assert "짧은 글" in mail.part("plain")
    assert mail.raw.isascii()


async def test_nothing_of_others_becomes_a_header(connect: Connect) -> None:
    """Line breaks in names begin no header, and no further recipient comes of them."""
    [mail] = await sent(connect, notification(fired("Run\r\nBcc: evil@example.com\r\n\r\nX", app="a\u2028Cc: e@x.y")))
    assert set(mail.message.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
        "MIME-Version", "Content-Type",
    }  # fmt: skip
    assert mail.recipients == ["oncall@example.com"]


async def test_nothing_of_others_becomes_markup(connect: Connect) -> None:
    """Names and texts are shown as written, and neither load, link nor format anything in the HTML part."""
    evil = '<img src=https://x.example onerror="a()"></p><script>b()</script>'
    entry = replace(fired(evil, app=evil), annotations={"summary": evil}, facts=Facts(excerpt=evil))
    [mail] = await sent(connect, notification(entry), excerpt_chars=500)
    markup = mail.part("html")
    assert "<img" not in markup
    assert "<script" not in markup
    assert "&lt;script&gt;" in markup
    assert evil in mail.part("plain")


def many(count: int, summary: str) -> list[Entry]:
    """Return alerts that differ by their app."""
    return [replace(fired(f"Alert{number}"), annotations={"summary": summary}) for number in range(count)]


async def test_more_alerts_than_a_mail_shows_are_counted(connect: Connect) -> None:
    """Behind the most alerts of a mail stands how many more there are, in both parts."""
    [mail] = await sent(connect, notification(*many(MOST_ALERTS + 50, "short")))
    for kind in ("plain", "html"):
        text = mail.part(kind)
        assert len(set(re.findall(r"Alert\d+ · support", text))) == MOST_ALERTS
        assert more(50, "en") in text


async def test_no_client_clips_the_mail(connect: Connect) -> None:
    """Of long alerts fewer are shown, the same in both parts, so that the HTML stays below what Gmail shows."""
    [mail] = await sent(connect, notification(*many(MOST_ALERTS, "긴" * 900)))
    assert len(mail.part("html").encode()) <= 102_000
    shown_in = [set(re.findall(r"Alert\d+ · support", mail.part(kind))) for kind in ("plain", "html")]
    assert shown_in[0] == shown_in[1]
    assert 10 < len(shown_in[0]) < MOST_ALERTS
    assert more(MOST_ALERTS - len(shown_in[0]), "en") in mail.part("html")
