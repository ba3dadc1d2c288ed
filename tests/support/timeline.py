"""
Timelines: at t the world does this, and at t' the receivers are told exactly that.

A line of what happens is a time in seconds and an event; a line of what is told is a time, a receiver and its alerts in
order, `a+` for one that fires, `a-` for one that is resolved and `a~` for one that is acknowledged:

    0 fire a                        10 oncall a+
    20 resolve a                    70 oncall a-

A time of what is told may be a span, `10..15`, where chance spreads retries. What is not listed must not be told.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.model.alert import Resolution, Transition, fingerprint
from monitor.on_call import OnCall
from tests.support.desk import START, Desk, identity_of, open_desk

__all__ = ["Timeline", "check"]

_MARKS = {Transition.FIRING: "+", Transition.RESOLVED: "-", Transition.ACKNOWLEDGED: "~"}
_ROUTE = {
    "receiver": "oncall",
    "group_by": ["alertname"],
    "group_wait": "10s",
    "group_interval": "1m",
    "repeat_interval": "4h",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """
    What happens and what is told, as text.

    `route` and `alerting` change the configuration: one receiver, `oncall`, with groups by name of alert, a wait of
    10 s, an interval of 1 min and repeats after 4 h. `configs` are further ones by name, for `reload`. `length` is how
    long it takes, in seconds; `inbox` are properties of the receivers.
    """

    does: str
    tells: str
    route: Mapping[str, Any] = field(default_factory=dict)
    alerting: Mapping[str, Any] = field(default_factory=dict)
    configs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    inbox: Mapping[str, Any] = field(default_factory=dict)
    length: float = 600.0


async def check(timeline: Timeline, directory: Path) -> None:
    """Play a timeline and compare what was told with what was to be told."""
    async with open_desk(directory, _alerting(timeline.route, timeline.alerting), **timeline.inbox) as desk:
        player = _Player(desk, timeline)
        for at, event in sorted(_lines(timeline.does), key=lambda line: line[0]):
            await desk.run_until(at)
            await player.play(event)
        await desk.run_until(timeline.length)
        told = _told(desk)
    wanted = [line.split(maxsplit=2) for line in timeline.tells.strip().splitlines()]
    assert [[receiver, alerts] for _, receiver, alerts in told] == [rest for _, *rest in wanted], _shown(told)
    for (at, *_), (when, *_) in zip(told, wanted, strict=True):
        first, _, last = when.partition("..")
        assert float(first) - 0.01 <= at <= float(last or first) + 0.01, _shown(told)


def _told(desk: Desk) -> list[tuple[float, str, str]]:
    found = []
    for name, inbox in desk.inboxes.items():
        for at, notification in zip(inbox.accepted_at, inbox.accepted, strict=True):
            alerts = " ".join(f"{_short(entry.labels)}{_MARKS[entry.status]}" for entry in notification.entries)
            found.append((at - START, name, alerts))
    return sorted(found, key=lambda told: told[0])


def _shown(told: list[tuple[float, str, str]]) -> str:
    return "this was told:\n" + "\n".join(f"{at:g} {receiver} {alerts}" for at, receiver, alerts in told)


def _lines(text: str) -> list[tuple[float, str]]:
    lines = [line.strip() for line in text.strip().splitlines()]
    return [(float(at), event) for at, _, event in (line.partition(" ") for line in lines)]


def _alerting(route: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    whole = {"route": {**_ROUTE, **route}, **more}
    return {**whole, "receivers": [{"name": name} for name in sorted(_receivers(whole["route"]))]}


def _receivers(route: Mapping[str, Any]) -> set[str]:
    below = (_receivers(child) for child in route.get("routes", ()))
    return (
        {route["receiver"]} | {name for names in below for name in names}
        if "receiver" in route
        else set().union(*below)
    )


def _labels(text: str) -> dict[str, str]:
    """Return the labels of ``a`` or ``Disk/a severity=critical``: `Disk` is the name of the rule, by default `Run`."""
    what, *pairs = text.split()
    name, _, subject = what.rpartition("/")
    return {"alertname": name or "Run", "conversation_id": subject} | dict(pair.split("=", 1) for pair in pairs)


def _short(labels: Mapping[str, str]) -> str:
    name = labels["alertname"]
    return labels["conversation_id"] if name == "Run" else f"{name}/{labels['conversation_id']}"


class _Player:
    """Lets events happen, each named after its method."""

    def __init__(self, desk: Desk, timeline: Timeline) -> None:
        self._desk = desk
        self._timeline = timeline
        self._silences: dict[str, str] = {}

    async def play(self, event: str) -> None:
        """Let one event happen."""
        name, _, rest = event.partition(" ")
        does: Callable[[str], Awaitable[None]] = getattr(self, f"do_{name}")
        await does(rest)

    async def do_fire(self, text: str) -> None:
        await self._desk.fire(_labels(text))

    async def do_resolve(self, text: str) -> None:
        await self._desk.resolve(_labels(text))

    async def do_expire(self, text: str) -> None:
        """End an event by its time."""
        await self._desk.resolve(_labels(text), Resolution.EXPIRED)

    async def do_remove(self, text: str) -> None:
        """Take the rule of an alert away, as its renaming does."""
        await self._desk.resolve(_labels(text), Resolution.RULE_REMOVED)

    async def do_down(self, receiver: str) -> None:
        self._desk.inboxes[receiver].error = DeliveryDelayed("it is down")

    async def do_busy(self, text: str) -> None:
        """Let a receiver ask to be left alone for so many seconds."""
        receiver, seconds = text.split()
        self._desk.inboxes[receiver].error = DeliveryDelayed("it is busy", retry_after=float(seconds))

    async def do_refuses(self, receiver: str) -> None:
        self._desk.inboxes[receiver].error = DeliveryRefused("it is gone", reason="client_error")

    async def do_dislikes(self, text: str) -> None:
        """Let a receiver take everything but one alert."""
        receiver, subject = text.split()
        self._desk.inboxes[receiver].refuses = lambda entry: entry.labels["conversation_id"] == subject

    async def do_up(self, receiver: str) -> None:
        self._desk.inboxes[receiver].error = None

    async def do_die(self, receiver: str) -> None:
        """Let the daemon die right after this receiver has accepted the next notification."""
        self._desk.inboxes[receiver].dies_after_accepting = True

    async def do_restart(self, text: str) -> None:
        await self._desk.restart(after=float(text or 0))

    async def do_reload(self, text: str) -> None:
        config = self._timeline.configs[text]
        await self._desk.reload(_alerting(config.get("route", self._timeline.route), config.get("alerting", {})))

    async def do_clock(self, text: str) -> None:
        self._desk.jump(float(text))

    async def do_silence(self, text: str) -> None:
        """Silence by a name, a matcher and the seconds it lasts, or `resolved`: ``silence s app=x 60``."""
        name, matcher, until = text.split()
        silence = await self._on_call.silence(
            [matcher],
            author="alice",
            comment="",
            starts_at=None,
            until=None if until == "resolved" else self._desk.now + float(until),
        )
        self._silences[name] = silence.id

    async def do_unsilence(self, name: str) -> None:
        await self._on_call.expire(self._silences[name], by="alice")

    async def do_ack(self, text: str) -> None:
        """Acknowledge an alert for so many seconds: ``ack a 3600``."""
        subject, seconds = re.split(r" (?=\d+$)", text)
        key = fingerprint(identity_of(_labels(subject)))
        await self._on_call.acknowledge(key, by="alice", comment="", until=self._desk.now + float(seconds))

    async def do_unack(self, text: str) -> None:
        await self._on_call.withdraw(fingerprint(identity_of(_labels(text))), by="alice")

    @property
    def _on_call(self) -> OnCall:
        desk = self._desk
        return OnCall(desk.store, desk.announcer, desk.clock, offset=lambda _: 0.0, wake=desk.look)
