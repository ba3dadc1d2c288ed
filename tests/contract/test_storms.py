"""Ten thousand alerts in a minute, and what people get of them."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import DeliveryDelayed
from monitor.model.alert import Transition
from monitor.model.notification import Entry
from tests.support.desk import START, open_desk

_ALERTS = 10_000
_APPS = 10
_POLL = 5.0  # seconds
_MINUTE = 60.0


def _alerting(**route: Any) -> dict[str, Any]:
    rhythm = {"receiver": "oncall", "group_wait": "10s", "group_interval": "1m", "repeat_interval": "4h"}
    return {"route": {**rhythm, "group_by": ["alertname", "app"], **route}, "receivers": [{"name": "oncall"}]}


def _labels(number: int) -> dict[str, str]:
    return {"alertname": "RunOverLimit", "app": f"app {number % _APPS}", "conversation_id": f"c{number}"}


@pytest.mark.timeout(600)
async def test_ten_thousand_alerts_in_a_minute_are_a_few_messages(tmp_path: Path) -> None:
    """Each app is told of in two messages, all alerts are in them once as new, and none comes out of its order."""
    async with open_desk(tmp_path, _alerting()) as desk:
        polls = int(_MINUTE / _POLL)
        size = _ALERTS // polls + 1
        for poll in range(polls):
            await desk.run_until(poll * _POLL)
            await desk.fire_all(_labels(number) for number in range(poll * size, min((poll + 1) * size, _ALERTS)))
        await desk.run_until(5 * _MINUTE)
        inbox = desk.inboxes["oncall"]
    assert len(inbox.accepted) == 2 * _APPS
    assert max(inbox.accepted_at) - START <= 2 * _MINUTE
    assert len({entry.fingerprint for notification in inbox.accepted for entry in notification.entries}) == _ALERTS
    ranks = Counter(entry.rank for notification in inbox.accepted[_APPS:] for entry in notification.entries)
    assert ranks == Counter(rank for app in range(_APPS) for rank in range(len(range(app, _ALERTS, _APPS))))


@pytest.mark.timeout(300)
async def test_what_comes_while_a_receiver_is_away_is_one_message(tmp_path: Path) -> None:
    """A thousand alerts that fire and half of which resolve in an outage are told together, each firing first."""
    async with open_desk(tmp_path, _alerting(group_by=["alertname"])) as desk:
        inbox = desk.inboxes["oncall"]
        inbox.pace = 1.0
        await desk.fire(_labels(0))
        await desk.run_until(15)
        inbox.error = DeliveryDelayed("it is away")
        for poll in range(10):
            await desk.fire_all(_labels(number) for number in range(poll * 100, (poll + 1) * 100))
            await desk.run_until(20 + poll * _POLL)
        for number in range(0, 1000, 2):
            await desk.resolve(_labels(number))
        await desk.run_until(1800)
        inbox.error = None
        await desk.run_until(2400)
    first, *rest = inbox.accepted
    assert [entry.fingerprint for entry in first.entries] == [first.entries[0].fingerprint]
    assert len(rest) == 1
    _assert_in_order([entry for notification in inbox.accepted for entry in notification.entries])


async def test_sends_to_one_destination_keep_their_pace(tmp_path: Path) -> None:
    """Fifty groups that are due at once reach a receiver that wants a second between two in as many seconds."""
    async with open_desk(tmp_path, _alerting(group_by=["..."]), pace=1.0) as desk:
        await desk.fire_all(_labels(number) for number in range(50))
        await desk.run_until(120)
        at = desk.inboxes["oncall"].accepted_at
    assert len(at) == 50
    assert min(later - earlier for earlier, later in pairwise(at)) >= 1.0
    assert at[-1] - at[0] < 60


def _assert_in_order(entries: list[Entry]) -> None:
    """Fail if a resolve comes before its firing, or something is told to be over twice."""
    firing: set[str] = set()
    for entry in entries:
        if entry.status is Transition.RESOLVED:
            assert entry.fingerprint in firing
            firing.remove(entry.fingerprint)
        else:
            firing.add(entry.fingerprint)
    assert len(firing) == 500
