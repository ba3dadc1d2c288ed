"""
Slack, through an incoming webhook: one message for each notification, in Block Kit.

Sources: Slack's reference of blocks (lengths), its changelog of 2016-05-17 and its page on incoming webhooks (errors,
short words in the body), its page on rate limits (one message per second, 429 with Retry-After). Slack documents 40 000
characters a message, but refuses blocks from about 13 000 on (slackapi/bolt-js#2509): a message here stays far below.
The answer to a webhook has no id, so a message cannot be changed later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, ClassVar, Literal

import msgspec

from monitor.clock import Clock
from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.messages.compose import Composer, more
from monitor.messages.cutting import UTF16, cut
from monitor.messages.escaping import escape_slack
from monitor.messages.message import AlertText, Link, Message
from monitor.model.alert import Transition
from monitor.model.notification import Notification
from monitor.notify.http import LONGEST_RETRY_AFTER, Answer, Endpoint

__all__ = ["Slack", "check", "layout"]

# Slack does not say what it counts as a character: UTF-16 code units of the escaped text are never fewer.
_HEADER = 150
_SECTION = 3000
_BLOCKS = 50
_TOTAL = 9000  # of all texts
_TITLE = 300
_SUMMARY = 1000
_LINE = 500
_EXCERPT = 1500
_LINKS = 2000

_SYMBOLS = {"critical": "🚨", "error": "❗", "warning": "⚠️", "info": "ℹ️"}  # noqa: RUF001 - shapes, not only colours
_OTHER_SYMBOL = "🔔"
_RESOLVED_SYMBOL = "✅"

_REFUSALS: dict[str, Literal["receiver", "payload"]] = {
    "action_prohibited": "receiver",
    "channel_is_archived": "receiver",
    "channel_not_found": "receiver",
    "invalid_auth": "receiver",
    "invalid_token": "receiver",
    "no_active_hooks": "receiver",
    "no_service": "receiver",
    "no_service_id": "receiver",
    "no_team": "receiver",
    "posting_to_general_channel_denied": "receiver",
    "team_disabled": "receiver",
    "token_revoked": "receiver",
    "user_not_found": "receiver",
    "invalid_attachments": "payload",
    "invalid_blocks": "payload",
    "invalid_blocks_format": "payload",
    "invalid_payload": "payload",
    "missing_text_or_fallback_or_attachments": "payload",
    "msg_blocks_too_long": "payload",
    "msg_too_long": "payload",
    "no_text": "payload",
    "too_many_attachments": "payload",
}
"""What Slack refuses for good, by its own words: all that goes to this webhook, or only this message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """One `slack_configs` item; `max_alerts` is the most alerts that one message shows, the others being counted."""

    name: str
    receiver: str
    endpoint: Endpoint
    clock: Clock
    composer: Composer
    send_resolved: bool = True
    max_alerts: int = 10
    integration: ClassVar[str] = "slack"
    keeps_state: ClassVar[bool] = False
    groups: ClassVar[bool] = True
    acknowledges: ClassVar[bool] = False
    pace: ClassVar[float] = 1.0

    async def send(self, notification: Notification) -> None:
        """Post `notification` as one message; raises as `Receiver.send`, with Slack's word as the reason."""
        message = self.composer.compose(notification, now=self.clock.now())
        check(await self.endpoint.post(layout(message, self.max_alerts)))


def check(answer: Answer) -> None:
    """Return if Slack took the message; raise DeliveryDelayed or DeliveryRefused if not: a status alone says little."""
    said = _said(answer.text)
    if answer.retry_after is None:
        answer = replace(answer, retry_after=said.retry_after)
    may_come_later = answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if said.error in _REFUSALS and not may_come_later:
        raise DeliveryRefused(
            f"{answer.server} answered {answer.status}: {said.error}", reason=said.error, scope=_REFUSALS[said.error]
        )
    answer.check()
    if not said.ok:
        raise DeliveryDelayed(
            f"{answer.server} answered {answer.status}, but not the ok of Slack", retry_after=answer.retry_after
        )


class _Said(msgspec.Struct):
    """A body of Slack's: as JSON, as other parts of Slack answer, or as the one word that webhooks answer with."""

    ok: bool = False
    error: str = ""
    retry_after: float | None = None


def _said(text: str) -> _Said:
    word = text.strip()
    if not word.startswith("{"):
        return _Said(ok=word == "ok", error=word)
    try:
        said = msgspec.json.decode(word, type=_Said)
    except (msgspec.MsgspecError, RecursionError):
        return _Said()
    if said.retry_after is not None:
        said.retry_after = min(max(said.retry_after, 0.0), LONGEST_RETRY_AFTER)
    return said


def layout(message: Message, max_alerts: int) -> dict[str, Any]:
    """
    Return the body that shows `message`: at most `max_alerts` of its alerts, and as many as Slack's limits allow.

    The first always is shown, since no alert takes as much as all of that; how many are not stands at the end.
    """
    title = f"{_symbol(message.alerts[0])} {message.title}"
    header = {"type": "plain_text", "text": cut(title, _HEADER, unit=UTF16)}
    blocks: list[dict[str, Any]] = [{"type": "header", "text": header}]
    used = shown = 0
    for alert in message.alerts[:max_alerts]:
        main, quoted, links = _section(alert), _quoted(alert.excerpt), _links(alert.links)
        of_alert = [_block(main), *([_block(quoted)] if quoted else []), *([_small(links)] if links else [])]
        used += UTF16(main + quoted + links)
        if used > _TOTAL or len(blocks) + len(of_alert) >= _BLOCKS:
            break
        blocks += of_alert
        shown += 1
    if left := len(message.alerts) - shown:
        blocks.append(_small(escape_slack(more(left, message.language))))
    return {"text": _escaped(title, _TITLE), "blocks": blocks}


def _block(mrkdwn: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn}}


def _small(mrkdwn: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": mrkdwn}]}


def _symbol(alert: AlertText) -> str:
    if alert.status is Transition.RESOLVED:
        return _RESOLVED_SYMBOL
    return _SYMBOLS.get(alert.severity, _OTHER_SYMBOL)


def _section(alert: AlertText) -> str:
    """Return what is known about an alert, as many of its lines as a section holds."""
    severity = f"({_escaped(alert.severity, _HEADER)})" if alert.severity else ""
    head = (_symbol(alert), _bold(_escaped(alert.title, _TITLE)), severity)
    rows = [" ".join(filter(None, head)), _escaped(alert.summary, _SUMMARY)]
    rows += [f"{_bold(_escaped(line.label, _HEADER))} {_escaped(line.text, _LINE)}" for line in alert.lines]
    return _as_many("\n", rows, _SECTION)


def _quoted(excerpt: str) -> str:
    rows = _escaped(excerpt, _EXCERPT).splitlines()
    return _as_many("\n", [f">{row}" for row in rows], _SECTION)


def _links(links: Sequence[Link]) -> str:
    return _as_many("  ·  ", [f"<{_address(link.url)}|{_escaped(link.text, _HEADER)}>" for link in links], _LINKS)


def _address(url: str) -> str:
    """Return `url` as it stands in a link, where ``|`` and ``>`` would end it."""
    return url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")


def _as_many(separator: str, parts: Sequence[str], limit: int) -> str:
    """Return those of the first `parts` that together are within `limit`, and none behind one that is not."""
    text = ""
    for part in filter(None, parts):
        longer = f"{text}{separator}{part}" if text else part
        if UTF16(longer) > limit:
            break
        text = longer
    return text


def _bold(escaped: str) -> str:
    return f"*{escaped}*" if escaped else ""


def _escaped(text: str, limit: int) -> str:
    return escape_slack(cut(text, limit, unit=_escaped_length))


def _escaped_length(text: str) -> int:
    """Return how many UTF-16 code units `text` takes when it is escaped, at most."""
    return UTF16(text) + 4 * text.count("&") + 3 * (text.count("<") + text.count(">"))
