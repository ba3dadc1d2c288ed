from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import httpx
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.messages.escaping import one_line
from monitor.messages.message import AlertText, Line, Link, Message
from monitor.model.alert import Transition
from monitor.model.facts import Facts
from monitor.model.notification import Entry
from monitor.notify.http import Answer, Endpoint
from monitor.notify.slack import Slack, check, layout
from tests.support.fake_slack import FakeSlack, length, links, mentions, refusal, texts
from tests.support.nasty import FAMILY, nasty_entries, nasty_text
from tests.support.receivers import NOW, FixedClock, Reply, composer, fired, notification, resolved

SERVER = "https://hooks.slack.example"
PLAIN = nasty_text().map(one_line)  # which the texts of a message always are


def message(*alerts: AlertText, title: str = "FIRING · RunOverLimit") -> Message:
    """Return a message that shows `alerts`."""
    return Message(title=title, status=Transition.FIRING, alerts=alerts)


def alert(**fields: object) -> AlertText:
    """Return an alert in words."""
    known = {"fingerprint": "f", "status": Transition.FIRING, "severity": "critical", "starts_at": NOW}
    return AlertText(**{**known, "title": "RunOverLimit · Report", "summary": "too long", **fields})  # type: ignore[arg-type] # a table of fields


def composed(*told: Entry, language: str = "en") -> Message:
    """Return what the composer makes of a notification of these entries."""
    return composer(language, excerpt_chars=2000, console_url="https://monitor.example").compose(
        notification(*told), now=NOW
    )


def shown(body: dict[str, object]) -> str:
    """Return all texts of a message, one after the other."""
    return "\n".join(texts(body))


async def posted(*told: Entry, replies: Sequence[Reply] = ()) -> FakeSlack:
    """Return Slack after one notification of these entries."""
    async with FakeSlack(*replies) as fake, httpx.AsyncClient(trust_env=False) as http:
        endpoint = Endpoint(http=http, url=SecretStr(f"{fake.url}/services/T0/B0/x"), timeout=5, clock=FixedClock())
        slack = Slack(
            name="oncall/slack[0]", receiver="oncall", endpoint=endpoint, clock=FixedClock(), composer=composer()
        )
        await slack.send(notification(*told))
    return fake


# What a message looks like


@pytest.mark.parametrize(
    ("status", "severity", "symbol"),
    [
        (Transition.FIRING, "critical", "🚨"),
        (Transition.FIRING, "warning", "⚠️"),
        (Transition.FIRING, "info", "ℹ️"),  # noqa: RUF001 - the symbol
        (Transition.FIRING, "page", "🔔"),
        (Transition.FIRING, "", "🔔"),
        (Transition.RESOLVED, "critical", "✅"),
    ],
)
def test_state_and_severity_show_at_a_glance(status: Transition, severity: str, symbol: str) -> None:
    """Every alert, and the message, begins with a symbol whose shape tells its state and severity; words say it too."""
    body = layout(message(alert(status=status, severity=severity)), 10)
    fallback, header, section = texts(body)
    assert {text.partition(" ")[0] for text in (fallback, header, section)} == {symbol}
    assert section.partition("\n")[0].endswith(f"({severity})" if severity else "*")


def test_lays_out_an_alert() -> None:
    """An alert is a section with its title, summary and lines, the quoted excerpt, and its links in small print."""
    of = alert(
        lines=(Line(label="Since", text="14:03 KST"), Line(label="Running for", text="2 h")),
        links=(Link(text="Console", url="https://m.example/?a=1&b=2"), Link(text="Runbook", url="https://w.example")),
        excerpt="first\nsecond",
    )
    assert layout(message(of), 10) == {
        "text": "🚨 FIRING · RunOverLimit",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "🚨 FIRING · RunOverLimit"}},
            {
                "type": "section",
                "text": {
                    "type": "mrkdwn",
                    "text": "🚨 *RunOverLimit · Report* (critical)\ntoo long\n*Since* 14:03 KST\n*Running for* 2 h",
                },
            },
            {"type": "section", "text": {"type": "mrkdwn", "text": ">first\n>second"}},
            {
                "type": "context",
                "elements": [
                    {
                        "type": "mrkdwn",
                        "text": "<https://m.example/?a=1&amp;b=2|Console>  ·  <https://w.example|Runbook>",
                    }
                ],
            },
        ],
    }


@pytest.mark.parametrize(("language", "left"), [("en", "+4 more"), ("ko", "4"), ("ja", "4")])
def test_says_how_many_are_not_shown(language: str, left: str) -> None:
    """Of more alerts than `max_alerts` the first are shown, and the last text counts the others, in the language."""
    of = replace(message(*[alert(title=f"alert {number}") for number in range(7)]), language=language)
    body = layout(of, 3)
    assert [f"alert {number}" in shown(body) for number in range(7)] == [True] * 3 + [False] * 4
    assert left in texts(body)[-1]


def test_ten_thousand_alerts_are_one_message() -> None:
    """A storm is one message that Slack takes, and it counts what it does not show."""
    body = layout(composed(*[fired(f"Rule{number}", severity="critical") for number in range(10_000)]), 10)
    assert refusal(body) is None
    assert texts(body)[-1] == "+9990 more"


def test_limits_come_before_max_alerts() -> None:
    """However many alerts may be shown, a message stays within Slack's 50 blocks and total length."""
    small = layout(message(*[alert(links=(Link(text="x", url="https://a.example"),))] * 100), 1000)
    large = layout(message(*[alert(summary="長" * 5000)] * 100), 1000)
    assert (refusal(small), refusal(large)) == (None, None)
    assert len(small["blocks"]) == 50
    assert texts(large)[-1] == f"+{100 - (len(large['blocks']) - 2)} more"


# Limits and escaping


@settings(max_examples=30)
@given(told=nasty_entries(), language=st.sampled_from(["en", "ko", "ja"]), max_alerts=st.integers(1, 60))
def test_slack_takes_whatever_is_told(told: tuple[Entry, ...], language: str, max_alerts: int) -> None:
    """Whatever alerts say, the message is within Slack's limits, mentions nobody and links only to given addresses."""
    of = composed(*told, language=language)
    body = layout(of, max_alerts)
    assert refusal(body) is None
    assert mentions(body) == []
    given = {link.url for each in of.alerts for link in each.links}
    assert {found.replace("&amp;", "&") for found in links(body)} <= {_in_link(url) for url in given}


@given(title=PLAIN, summary=PLAIN, label=PLAIN, text=PLAIN, url=PLAIN)
def test_any_message_fits(title: str, summary: str, label: str, text: str, url: str) -> None:
    """Whatever words a message is made of, it is within Slack's limits and mentions nobody."""
    of = alert(
        title=title,
        summary=summary,
        severity=label,
        lines=(Line(label=label, text=text),) * 9,
        links=(Link(text=label, url=f"https://x.example/{url}"),) * 9,
        excerpt=text,
    )
    body = layout(message(of, of, of, title=title), 10)
    assert refusal(body) is None
    assert mentions(body) == []


def _in_link(url: str) -> str:
    return url.replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")


@pytest.mark.parametrize("character", [FAMILY, "각", "한", "語", "🇯🇵", "e\u0301"])
def test_cuts_between_characters(character: str) -> None:
    """What is too long ends behind a whole character, however many code points that has, and with an ellipsis."""
    body = layout(message(alert(title=character * 500, summary=character * 5000), title=character * 500), 10)
    header, section = texts(body)[1:]
    assert length(header) <= 150 < length(header) + length(character)
    for text in re.findall(rf"(?:{character})+…", f"{header}\n{section}"):
        assert set(regex.findall(r"\X", text)) == {character, "…"}
    assert section.count("…") == 2


def test_text_does_not_format() -> None:
    """Characters that mean something to Slack are shown as they are, or as their likes."""
    body = layout(message(alert(summary="a & b < c > d <!channel> *x* `y`")), 10)
    assert "a &amp; b &lt; c &gt; d &lt;!channel&gt; ∗x∗ ˋyˋ" in texts(body)[2]  # noqa: RUF001 - the likes


def test_cuts_what_grows_when_it_is_escaped() -> None:
    """A summary of characters that take several when escaped is cut, between them, and not left out."""
    [summary] = texts(layout(message(alert(summary="<&>" * 2000)), 10))[2].splitlines()[1:]
    assert summary.startswith("&lt;&amp;&gt;&lt;")
    assert summary.endswith(";…")
    assert 900 < length(summary) <= 1000


def test_addresses_stay_in_their_links() -> None:
    """An address cannot end its link early."""
    body = layout(message(alert(links=(Link(text="x", url="https://a.example/|y><!channel>"),))), 10)
    assert links(body) == ["https://a.example/%7Cy%3E%3C!channel%3E"]
    assert mentions(body) == []


# What Slack answers


@pytest.mark.parametrize("text", ["ok", "ok\n", '{"ok":true}', ' {"ok": true, "warning": "x"} '])
def test_ok_is_an_acceptance(text: str) -> None:
    """The word ok, and the same in JSON, says that the message was posted."""
    check(Answer(server=SERVER, status=200, text=text))


@pytest.mark.parametrize(
    ("status", "text", "scope"),
    [
        (400, "invalid_payload", "payload"),
        (400, "invalid_blocks", "payload"),
        (400, "no_text", "payload"),
        (200, '{"ok":false,"error":"msg_blocks_too_long"}', "payload"),
        (400, "user_not_found", "receiver"),
        (400, "invalid_token", "receiver"),
        (200, "invalid_token", "receiver"),
        (403, "action_prohibited", "receiver"),
        (404, "channel_not_found", "receiver"),
        (404, "no_service", "receiver"),
        (410, "channel_is_archived", "receiver"),
        (200, '{"ok":false,"error":"invalid_auth"}', "receiver"),
    ],
)
def test_refusals_are_sorted_by_their_words(status: int, text: str, scope: str) -> None:
    """Slack's word tells whether the webhook or only the message is at fault, and is the reason."""
    with pytest.raises(DeliveryRefused) as caught:
        check(Answer(server=SERVER, status=status, text=text))
    assert caught.value.scope == scope
    assert caught.value.reason in text
    assert caught.value.reason in str(caught.value)


@pytest.mark.parametrize(
    ("status", "text", "seconds"),
    [
        (429, '{"retry_after":7,"ok":false,"error":"rate_limited"}', 7.0),
        (200, '{"retry_after":7,"ok":false,"error":"rate_limited"}', 7.0),
        (429, '{"retry_after":1e9}', 3600.0),
        (429, '{"retry_after":-1}', 0.0),
        (429, '{"retry_after":"soon"}', None),
        (429, "[" * 100_000, None),
        (429, '{"a":' * 100_000, None),
        (500, "rollup_error", None),
        (503, "no_service", None),
        (200, "", None),
        (200, "okay", None),
        (200, "<html>sign in</html>", None),
    ],
)
def test_everything_else_is_a_delay(status: int, text: str, seconds: float | None) -> None:
    """What may be accepted later, and what says neither yes nor no, is a delay, for as long as the body says."""
    with pytest.raises(DeliveryDelayed) as caught:
        check(Answer(server=SERVER, status=status, text=text))
    assert caught.value.retry_after == seconds


def test_header_comes_before_body() -> None:
    """Where both say how long to wait, the header counts."""
    with pytest.raises(DeliveryDelayed) as caught:
        check(Answer(server=SERVER, status=429, retry_after=3.0, text='{"retry_after":9}'))
    assert caught.value.retry_after == 3.0


@given(st.integers(200, 599), st.text())
def test_what_slack_says_is_not_repeated(status: int, text: str) -> None:
    """Of a body only the words that are known are shown: it may hold anything."""
    with pytest.raises((DeliveryDelayed, DeliveryRefused)) as caught:
        check(Answer(server=SERVER, status=status, text=f"{text}S3CR3T"))
    assert "S3CR3T" not in f"{caught.value!s} {caught.value!r} {vars(caught.value)!r}"


async def test_slack_posts_a_notification() -> None:
    """A notification is one message, in which what fires and what resolved can be told apart."""
    rich = replace(fired("A", severity="critical"), facts=Facts(timezone="Asia/Seoul", age=4000, limit=3600))
    fake = await posted(rich, resolved("B", severity="warning"))
    [body] = fake.messages
    assert "🚨 *A · support* (critical)" in shown(body)
    assert "✅ *B · support* (warning)" in shown(body)


async def test_slack_refuses_a_message() -> None:
    """What the webhook refuses is refused, and nothing is posted."""
    with pytest.raises(DeliveryRefused, match="channel_not_found") as caught:
        await posted(fired(), replies=[Reply(status=404, body=b"channel_not_found")])
    assert caught.value.scope == "receiver"


def test_excerpts_need_leave() -> None:
    """Text of a conversation is shown to a receiver that may have it, and as much of it as it may have."""
    entry = replace(fired(), facts=Facts(excerpt="환불해 주세요"))
    bodies = [layout(composer(excerpt_chars=chars).compose(notification(entry), now=NOW), 10) for chars in (0, 4, 100)]
    assert [[text for text in texts(body) if text.startswith(">")] for body in bodies] == [
        [],
        [">환불해…"],
        [">환불해 주세요"],
    ]
