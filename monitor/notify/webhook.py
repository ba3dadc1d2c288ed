"""
The generic webhook: a POST with Alertmanager's body, version "4".

Source of the fields: Alertmanager's documentation, `<webhook_config>`. Every transition has to stand in some accepted
body, so more alerts than `max_alerts` are sent as several requests, one after the other, and never truncated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar
from urllib.parse import quote

from monitor.model.alert import Transition
from monitor.model.notification import Entry, Notification
from monitor.notify.excerpt import with_excerpts
from monitor.notify.http import Endpoint, rfc3339
from monitor.notify.progress import Progress

__all__ = ["Webhook", "payloads"]

_NEVER = "0001-01-01T00:00:00Z"  # Go's zero time: the end of what has not ended
_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """
    One `webhook_configs` item; `max_alerts` is the most alerts of one request, 0 for no limit.

    `external_url` is where a person reaches this monitor, and `excerpt_chars` how much of a conversation it may have.
    """

    name: str
    receiver: str
    endpoint: Endpoint
    send_resolved: bool = True
    max_alerts: int = 0
    external_url: str = ""
    excerpt_chars: int = 0
    integration: ClassVar[str] = "webhook"
    keeps_state: ClassVar[bool] = True
    groups: ClassVar[bool] = True
    acknowledges: ClassVar[bool] = False
    pace: ClassVar[float] = 0.0
    _progress: Progress = field(default_factory=Progress, init=False, repr=False, compare=False)

    async def send(self, notification: Notification) -> None:
        """
        Post `notification`, in as many requests as `max_alerts` asks for.

        A second attempt goes on behind the last request that was accepted. The header `Idempotency-Key` is the same
        whenever the same body is sent again. Raises as `Receiver.send`.
        """
        entries = with_excerpts(notification.entries, self.excerpt_chars)
        bodies = payloads(replace(notification, entries=entries), self.external_url, self.max_alerts)

        async def post(number: int, body: Mapping[str, Any]) -> None:
            part = notification.key if len(bodies) == 1 else f"{notification.key}-{number + 1}"
            answer = await self.endpoint.post(body, {"Idempotency-Key": quote(part, safe=_PRINTABLE)})
            answer.check()

        await self._progress.send(notification.key, bodies, post)


def payloads(notification: Notification, external_url: str, max_alerts: int) -> list[dict[str, Any]]:
    """
    Return the bodies that together tell all of `notification`, in the order in which they have to be sent.

    `status` is the state after the last alert of a body, those of the bodies before included: a body that only
    resolves must not close what an earlier one opened.
    """
    entries = notification.entries
    size = max_alerts or len(entries) or 1
    return [
        _payload(notification, external_url, entries[: start + size], entries[start : start + size])
        for start in range(0, len(entries), size)
    ]


def _payload(
    notification: Notification, external_url: str, so_far: Sequence[Entry], entries: Sequence[Entry]
) -> dict[str, Any]:
    return {
        "version": "4",
        "groupKey": notification.group_key,
        "truncatedAlerts": 0,
        "status": _status(so_far),
        "receiver": notification.receiver,
        "groupLabels": dict(notification.group_labels),
        "commonLabels": _common([entry.labels for entry in entries]),
        "commonAnnotations": _common([entry.annotations for entry in entries]),
        "externalURL": external_url,
        "notification_reason": notification.reason,
        "alerts": [_alert(entry) for entry in entries],
    }


def _alert(entry: Entry) -> dict[str, Any]:
    ends_at = entry.ends_at if entry.status is Transition.RESOLVED else None
    return {
        "status": entry.status.value,
        "labels": dict(entry.labels),
        "annotations": dict(entry.annotations),
        "startsAt": rfc3339(entry.starts_at),
        "endsAt": _NEVER if ends_at is None else rfc3339(ends_at),
        "generatorURL": entry.url,
        "fingerprint": entry.fingerprint,
    }


def _status(entries: Sequence[Entry]) -> str:
    last = {entry.fingerprint: entry.status for entry in entries}
    return (Transition.FIRING if Transition.FIRING in last.values() else Transition.RESOLVED).value


def _common(mappings: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the pairs that stand in all of `mappings`."""
    first, *rest = mappings
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in rest)}
