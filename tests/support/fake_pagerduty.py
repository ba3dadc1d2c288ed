"""A fake of PagerDuty's Events API v2, strict: it refuses what PagerDuty refuses, and keeps the incidents."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.clock import Clock
from tests.support.receivers import FakeReceiver, FixedClock, Reply, Request

__all__ = ["KEY", "FakePagerDuty", "Incident", "faults"]

KEY = "0123456789abcdefghijklmnopqrstuv"
"""A routing key that the fake knows."""

_A_MINUTE = 120  # events
_LARGEST = 512_000  # bytes
_FIELDS = {"routing_key", "event_action", "dedup_key", "payload", "client", "client_url", "links", "images"}
_REQUIRED = {"summary", "source", "severity"}
_PAYLOAD = _REQUIRED | {"timestamp", "component", "group", "class", "custom_details"}
_SEVERITIES = {"critical", "error", "warning", "info"}


@dataclass(kw_only=True)
class Incident:
    """An incident: ``triggered``, ``acknowledged`` or ``resolved``, and how many people were told of it how often."""

    key: str
    payload: dict[str, Any]
    links: list[dict[str, str]]
    status: str = "triggered"
    triggers: int = 1


class FakePagerDuty(FakeReceiver):
    """The API at `url`; `incidents` are in the order of their first triggers, `dropped` counts events about none."""

    def __init__(self, *replies: Reply | str, clock: Clock | None = None) -> None:
        super().__init__(*replies)
        self.incidents: list[Incident] = []
        self.dropped = 0
        self._clock = clock or FixedClock()
        self._times: deque[float] = deque()

    @property
    def open(self) -> dict[str, Incident]:
        """The incidents that are not resolved, by key: there is one for a key at most."""
        return {incident.key: incident for incident in self.incidents if incident.status != "resolved"}

    def reply(self, request: Request) -> Reply | str:
        """Return the next of `replies`; after them, answer as PagerDuty does."""
        if self.replies:
            return self.replies.popleft()
        if self._is_too_often():
            return Reply(status=429, body=b'{"status":"throttle exceeded"}')
        if found := faults(request.body):
            body = {"status": "invalid event", "message": "Event object is invalid", "errors": found}
            return Reply(status=400, body=json.dumps(body).encode())
        self.take(request.body)
        body = {"status": "success", "message": "Event processed", "dedup_key": request.body["dedup_key"]}
        return Reply(status=202, body=json.dumps(body).encode())

    def _is_too_often(self) -> bool:
        now = self._clock.now()
        while self._times and self._times[0] <= now - 60:
            self._times.popleft()
        if len(self._times) >= _A_MINUTE:
            return True
        self._times.append(now)
        return False

    def take(self, event: dict[str, Any]) -> None:
        """Let an event that has no faults do what it does."""
        incident = self.open.get(event["dedup_key"])
        action = event["event_action"]
        if action == "trigger" and incident is None:
            self.incidents.append(
                Incident(key=event["dedup_key"], payload=event["payload"], links=event.get("links", []))
            )
        elif incident is None:
            self.dropped += 1
        elif action == "trigger":
            incident.triggers += 1
        else:
            incident.status = "acknowledged" if action == "acknowledge" else "resolved"


def faults(event: dict[str, Any]) -> list[str]:
    """Return what PagerDuty finds wrong with an event."""
    found = []
    if event.get("routing_key") != KEY:
        found.append("Invalid routing key")
    if not event.keys() <= _FIELDS:
        found.append(f"unknown fields: {sorted(event.keys() - _FIELDS)}")
    if event.get("event_action") not in {"trigger", "acknowledge", "resolve"}:
        found.append("'event_action' is invalid")
    if not 1 <= len(event.get("dedup_key", "")) <= 255:
        found.append("'dedup_key' is missing or too long")
    if len(json.dumps(event, ensure_ascii=False).encode("utf-8", "replace")) > _LARGEST:
        found.append("the request is too large")
    if event.get("event_action") == "trigger":
        found += _faults_of_trigger(event)
    return found


def _faults_of_trigger(event: dict[str, Any]) -> list[str]:
    payload = event.get("payload", {})
    texts = {name: value for name, value in payload.items() if name != "custom_details"}
    found = [f"'{name}' is missing or blank" for name in sorted(_REQUIRED) if not str(payload.get(name, "")).strip()]
    found += [f"'{name}' is not a text" for name, value in texts.items() if not isinstance(value, str)]
    found += [f"unknown field: {name}" for name in sorted(payload.keys() - _PAYLOAD)]
    if payload.get("severity") not in _SEVERITIES:
        found.append("'severity' is invalid")
    if len(payload.get("summary", "").encode("utf-16-le", "surrogatepass")) // 2 > 1024:
        found.append("'summary' is too long")
    if not isinstance(payload.get("custom_details", {}), dict):
        found.append("'custom_details' is not an object")
    if "timestamp" in payload:
        datetime.fromisoformat(payload["timestamp"])
    for link in event.get("links", []):
        if not link.get("href", "").startswith(("http://", "https://")) or not link.keys() <= {"href", "text"}:
            found.append("'links' is invalid")
    return found
