"""
Alertmanager as a receiver: it groups, repeats and silences by itself, so it is told every transition at once.

Source of the format and its pitfalls: Alertmanager's alerts API, ``POST /api/v2/alerts``. An alert there is its label
set; firing alerts end by themselves at their `endsAt` unless they are sent again. A batch with bad alerts in it is
answered 400, although the good ones are stored, or 422, and then none of them is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from monitor.clock import Clock
from monitor.errors import DeliveryRefused
from monitor.model.alert import Transition
from monitor.model.notification import Entry, Notification
from monitor.notify.excerpt import with_excerpts
from monitor.notify.http import Endpoint, rfc3339

__all__ = ["Alertmanager", "alerts_url", "payload"]

BATCH = 64
"""How many alerts one request holds at most; Prometheus's default queue sends as many."""

_BAD_ALERTS = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY})
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOT_IN_NAMES = re.compile(r"\A(?=[0-9])|[^A-Za-z0-9_]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alertmanager:
    """
    One `alertmanager_configs` item; `hold` is how many seconds a state alert fires there without news from us.

    `excerpt_chars` is how much of a conversation it may have.
    """

    name: str
    receiver: str
    endpoint: Endpoint
    clock: Clock
    send_resolved: bool = True
    hold: float = 900.0
    excerpt_chars: int = 0
    integration: ClassVar[str] = "alertmanager"
    keeps_state: ClassVar[bool] = True
    groups: ClassVar[bool] = False
    acknowledges: ClassVar[bool] = False
    pace: ClassVar[float] = 0.0

    async def send(self, notification: Notification) -> None:
        """Post the entries of `notification`; raises as `Receiver.send`, with the reason ``bad_alert`` for bad ones."""
        await self.resend(notification.entries, self.clock.now())

    async def resend(self, entries: Sequence[Entry], now: float) -> None:
        """
        Post `entries` as they are at `now`, own time; sending again what was sent before does no harm.

        Raises as `send`.
        """
        entries, bad = with_excerpts(entries, self.excerpt_chars), 0
        for start in range(0, len(entries), BATCH):
            bad += await self._post(payload(entries[start : start + BATCH], now, self.hold))
        if bad:
            raise DeliveryRefused(
                f"{self.name} refused {bad} of {len(entries)} alerts", reason="bad_alert", scope="payload"
            )

    async def _post(self, alerts: Sequence[Mapping[str, Any]]) -> int:
        """Post `alerts` and return how many of them are bad: a refused batch is sent again one by one to find them."""
        answer = await self.endpoint.post(alerts)
        if answer.status not in _BAD_ALERTS:
            answer.check()
            return 0
        if len(alerts) == 1:
            return 1
        return sum([await self._post([alert]) for alert in alerts])


def alerts_url(base: SecretStr) -> SecretStr:
    """Return the address that takes alerts, under the address of an Alertmanager, which may end in a path."""
    parts = urlsplit(base.get_secret_value())
    return SecretStr(parts._replace(path=f"{parts.path.rstrip('/')}/api/v2/alerts").geturl())


def payload(entries: Sequence[Entry], now: float, hold: float) -> list[dict[str, Any]]:
    """Return the body that tells of `entries` at `now`; what fires and has no end of its own fires `hold` seconds."""
    return [_alert(entry, now, hold) for entry in entries]


def _alert(entry: Entry, now: float, hold: float) -> dict[str, Any]:
    ends_at = entry.ends_at
    if ends_at is None:
        ends_at = now + hold if entry.status is Transition.FIRING else now
    alert: dict[str, Any] = {
        "labels": _names({name: value for name, value in entry.labels.items() if value}),
        "annotations": _names(entry.annotations),
        "startsAt": rfc3339(entry.starts_at),
        "endsAt": rfc3339(max(ends_at, entry.starts_at)),
    }
    link = _link(entry.url)
    return {**alert, "generatorURL": link} if link else alert


def _names(pairs: Mapping[str, str]) -> dict[str, str]:
    """Return `pairs` under names that every version accepts; where two become one, the name that was valid wins."""
    ordered = sorted(pairs, key=lambda name: (_NAME.fullmatch(name) is not None, name))
    return {_NOT_IN_NAMES.sub("_", name) or "_": pairs[name] for name in ordered}


def _link(url: str) -> str:
    """Return `url` in valid form if it is an absolute address of the web, else nothing."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return ""
    return _STRAY_PERCENT.sub("%25", str(parsed)) if parsed.scheme in ("http", "https") and parsed.host else ""
