"""
PagerDuty, through its Events API v2: incidents that are triggered, acknowledged and resolved by keys of ours.

Source: PagerDuty's developer documentation of the Events API v2 (fields, lengths, 512 KB a request, which answers to
retry) and its page on rate limits (about 120 events a minute for one integration key). Acknowledging or resolving what
is not open is dropped there without a word; a trigger for what is open is added to its log, and notifies nobody while
it is acknowledged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, ClassVar, Literal

from pydantic import SecretStr

from monitor.clock import Clock
from monitor.errors import DeliveryRefused
from monitor.messages.compose import Composer, more
from monitor.messages.cutting import UTF16, cut
from monitor.messages.escaping import one_line
from monitor.messages.message import AlertText, Link, Message
from monitor.model.alert import Transition
from monitor.model.notification import Entry, Notification
from monitor.notify.http import Endpoint, rfc3339
from monitor.notify.progress import Progress

__all__ = ["MOST_OPEN", "PagerDuty"]

MOST_OPEN = 10
"""How many alerts of a group have incidents of their own; those beyond share one."""

_SUMMARY = 1024
_TEXT = 500  # each of the custom details
_EXCERPT = 4000
_DETAILS = 30  # of lines, of labels and of alerts

_SEVERITIES = {"critical": "critical", "error": "error", "warning": "warning", "info": "info", "none": "info"}
_ORDER = ("critical", "error", "warning", "info")
_OTHER_SEVERITY = "error"  # Alertmanager's default

_ACTIONS = {
    Transition.FIRING: "trigger",
    Transition.ACKNOWLEDGED: "acknowledge",
    Transition.RESOLVED: "resolve",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerDuty:
    """
    One `pagerduty_configs` item; `incident` is what an incident there stands for.

    Without `incident`, critical alerts about a run have incidents of their own, and what else a group holds shares one.
    `severities` maps values of the label `severity` to those of PagerDuty.
    """

    name: str
    receiver: str
    endpoint: Endpoint
    clock: Clock
    composer: Composer
    routing_key: SecretStr
    send_resolved: bool = True
    incident: Literal["group", "alert"] | None = None
    client: str = "alli-monitor"
    severities: Mapping[str, str] = field(default_factory=dict)
    integration: ClassVar[str] = "pagerduty"
    keeps_state: ClassVar[bool] = True
    groups: ClassVar[bool] = True
    acknowledges: ClassVar[bool] = True
    pace: ClassVar[float] = 0.5
    _progress: Progress = field(default_factory=Progress, init=False, repr=False, compare=False)

    async def send(self, notification: Notification) -> None:
        """
        Send the events of `notification`, one after the other and `pace` apart.

        A second attempt goes on behind the last event that was accepted. Raises as `Receiver.send`.
        """
        await self._progress.send(notification.key, self.events(notification), self._post)

    async def _post(self, number: int, event: Mapping[str, Any]) -> None:
        if number:
            await self.clock.sleep(self.pace)
        answer = await self.endpoint.post({"routing_key": self.routing_key.get_secret_value(), **event})
        if answer.status == HTTPStatus.BAD_REQUEST and "routing" in answer.text.lower():
            raise DeliveryRefused(f"{answer.server} answered 400: its routing key is refused", reason="routing_key")
        answer.check()

    def events(self, notification: Notification) -> list[dict[str, Any]]:
        """
        Return the events that tell of `notification`, without the routing key, in the order in which to send them.

        Alerts with incidents of their own come first, each transition of theirs an event; then, for what shares an
        incident, what the group comes to.
        """
        own: list[Entry] = []
        group: list[Entry] = []
        rest: list[Entry] = []
        ranks: dict[str, int] = {}
        for entry in notification.entries:
            rank = ranks.get(entry.fingerprint, 0) if entry.rank is None else entry.rank
            ranks[entry.fingerprint] = rank
            if not self._is_alone(entry):
                group.append(entry)
            elif rank < MOST_OPEN:
                own.append(entry)
            else:
                rest.append(entry)
        key = _group_key(notification)
        return [
            *self._own_events(notification, own),
            *self._shared_events(notification, group, key),
            *self._shared_events(notification, rest, f"{key}-more", are_more=True),
        ]

    def _is_alone(self, entry: Entry) -> bool:
        if self.incident is not None:
            return self.incident == "alert"
        return entry.labels.get("severity") == "critical" and "run_id" in entry.labels

    def _own_events(self, notification: Notification, entries: Sequence[Entry]) -> Iterator[dict[str, Any]]:
        if not entries:
            return
        texts = {alert.fingerprint: alert for alert in self._message(notification, entries).alerts}
        last: dict[str, Transition] = {}
        for entry in entries:
            if last.get(entry.fingerprint) is entry.status:
                continue
            last[entry.fingerprint] = entry.status
            event = {"event_action": _ACTIONS[entry.status], "dedup_key": entry.fingerprint}
            if entry.status is Transition.FIRING:
                event |= self._about_alert(entry, texts[entry.fingerprint])
            yield event

    def _shared_events(
        self, notification: Notification, entries: Sequence[Entry], key: str, *, are_more: bool = False
    ) -> Iterator[dict[str, Any]]:
        statuses = {entry.status for entry in entries}
        newest = {entry.fingerprint: entry for entry in entries}.values()
        open_ = [entry for entry in newest if entry.status is not Transition.RESOLVED]
        if Transition.FIRING in statuses:
            about = self._about_group(entries, self._message(notification, entries), are_more=are_more)
            yield {"event_action": "trigger", "dedup_key": key, **about}
        if entries and not open_:
            yield {"event_action": "resolve", "dedup_key": key}
        elif Transition.ACKNOWLEDGED in statuses and all(map(_is_acknowledged, open_)):
            yield {"event_action": "acknowledge", "dedup_key": key}

    def _message(self, notification: Notification, entries: Sequence[Entry]) -> Message:
        return self.composer.compose(replace(notification, entries=tuple(entries)), now=self.clock.now())

    # What a trigger says

    def _about_alert(self, entry: Entry, text: AlertText) -> dict[str, Any]:
        lines = {line.label: line.text for line in text.lines}
        excerpt = {"excerpt": cut(text.excerpt, _EXCERPT, unit=UTF16)} if text.excerpt else {}
        return self._trigger(
            [entry],
            summary=_sentence(text),
            links=text.links,
            details={**_cut_all(lines), **excerpt, "labels": _cut_all(entry.labels)},
        )

    def _about_group(self, entries: Sequence[Entry], message: Message, *, are_more: bool) -> dict[str, Any]:
        count = len(message.alerts)
        shown = [_plain(_sentence(alert)) for alert in message.alerts[:_DETAILS]]
        left = [more(count - len(shown), message.language)] if count > len(shown) else []
        return self._trigger(
            entries,
            summary=f"{more(count, message.language)}: {message.title}" if are_more else message.title,
            links=message.alerts[0].links,
            details={"alerts": [*shown, *left]},
        )

    def _trigger(
        self, entries: Sequence[Entry], *, summary: str, links: Sequence[Link], details: Mapping[str, Any]
    ) -> dict[str, Any]:
        severities = {self._severity(entry) for entry in entries}
        named = {"source": "project", "component": "app", "class": "alertname"}
        common = {name: _plain(_common(entries, label)) for name, label in named.items()}
        return {
            "client": self.client,
            **({"client_url": self.composer.console_url} if self.composer.console_url else {}),
            "links": [{"href": link.url, "text": _plain(link.text)} for link in links],
            "payload": {
                "source": self.client,
                **{name: value for name, value in common.items() if value},
                "summary": cut(summary, _SUMMARY, unit=UTF16) or self.client,
                "severity": min(severities, key=_ORDER.index),
                "timestamp": rfc3339(min(entry.starts_at for entry in entries)),
                "custom_details": details,
            },
        }

    def _severity(self, entry: Entry) -> str:
        return {**_SEVERITIES, **self.severities}.get(entry.labels.get("severity", ""), _OTHER_SEVERITY)


def _group_key(notification: Notification) -> str:
    return hashlib.sha256(notification.group_key.encode("utf-8", "surrogatepass")).hexdigest()


def _is_acknowledged(entry: Entry) -> bool:
    return entry.status is Transition.ACKNOWLEDGED or bool(entry.acked_by)


def _sentence(text: AlertText) -> str:
    return f"{text.title}: {text.summary}" if text.summary else text.title


def _plain(text: str) -> str:
    return cut(one_line(text), _TEXT, unit=UTF16)


def _cut_all(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the first of `texts` with names and values cut: PagerDuty's details are not limited, its requests are."""
    pairs = list(texts.items())[:_DETAILS]
    return {_plain(name): _plain(value) for name, value in pairs}


def _common(entries: Sequence[Entry], label: str) -> str:
    """Return the value that a label has in all of `entries`, else nothing."""
    values = {entry.labels.get(label, "") for entry in entries}
    return values.pop() if len(values) == 1 else ""
