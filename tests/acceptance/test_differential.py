"""
The same alerts through Debian's Alertmanager and through us, by the same routes: the same notifications.

Alertmanager runs in real time, with a rhythm of seconds; we run on virtual time. What is told, to whom, in which group
and when has to be the same within a second, but for the differences that `DIFFERENCES` lists and shows.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from monitor.model.alert import Transition
from tests.support.alertmanager import alertmanager_binary, running_alertmanager
from tests.support.desk import START, open_desk
from tests.support.receivers import FakeReceiver, Reply, Request

pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]

ALERTING: dict[str, Any] = {
    "route": {
        "receiver": "root",
        "group_by": ["case", "alertname"],
        "group_wait": "4s",
        "group_interval": "6s",
        "repeat_interval": "14s",
        "routes": [
            {
                "matchers": ['team="db"'],
                "receiver": "db",
                "group_by": ["case"],
                "group_wait": "2s",
                "group_interval": "8s",
                "repeat_interval": "18s",
                "routes": [
                    {"matchers": ['severity=~"crit.*"'], "receiver": "pager", "continue": True},
                    {"matchers": ['severity!="info"'], "receiver": "chat", "group_by": ["..."]},
                ],
            },
            {"matchers": ['team="night"'], "receiver": "night", "mute_time_intervals": ["always"]},
            {"matchers": ['team="day"'], "receiver": "day", "active_time_intervals": ["always"]},
            {"matchers": ['team="never"'], "receiver": "never", "active_time_intervals": ["long ago"]},
            {"matchers": ['team="odd"'], "receiver": "odd", "group_by": ["case", "alertname"]},
            {"matchers": ['team!~"a|b|db"', 'team!=""'], "receiver": "other", "group_by": []},
        ],
    },
    "inhibit_rules": [
        {
            "source_matchers": ['severity="critical"'],
            "target_matchers": ['severity="warning"'],
            "equal": ["case", "host"],
        }
    ],
    "time_intervals": [
        {"name": "always", "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}]},
        {"name": "long ago", "time_intervals": [{"years": ["1990"]}]},
    ],
    "receivers": [{"name": name} for name in ("root", "db", "pager", "chat", "night", "day", "never", "odd", "other")],
}
LENGTH = 64.0
CASES = 100
TOLERANCE = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """An alert begins or ends, so many seconds after the start."""

    at: float
    labels: Mapping[str, str]
    fires: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A notification: when it came, to whom, about which group, and the state of each alert in it."""

    at: float
    receiver: str
    group: str
    alerts: frozenset[tuple[str, str]]


class Collector(FakeReceiver):
    """A webhook that notes what came when, in seconds since `began`."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Heard] = []
        self.began = 0.0

    def reply(self, request: Request) -> Reply | str:
        """Keep a notification and accept it."""
        body = request.body
        alerts = frozenset((identity(alert["labels"]), alert["status"]) for alert in body["alerts"])
        at = asyncio.get_running_loop().time() - self.began
        self.heard.append(Heard(at=at, receiver=body["receiver"], group=body["groupKey"], alerts=alerts))
        return Reply()


def identity(labels: Mapping[str, str]) -> str:
    """Return the labels of an alert as one text."""
    return json.dumps(dict(sorted(labels.items())))


def history(case: int) -> list[Happening]:
    """
    Return what happens in one case, by chance: up to four alerts of one or two names, of which some end.

    Each begins once and ends once at most. One of each name goes on to the end, so that no group ends and begins anew,
    and what may be inhibited does so too. No event is within a quarter of a second of another, or of a tick of a group:
    who comes first then is a matter of luck.
    """
    chance = random.Random(case)  # noqa: S311 - to vary, not to keep secrets
    team = chance.choice(["", "db", "db", "a", "day", "night", "never", "c"])
    alerts = []
    for name in ("Up", "Load")[: chance.randint(1, 2)]:
        for number in range(chance.randint(1, 2)):
            host, severity = chance.choice(["h1", "h2"]), chance.choice(["critical", "warning", "warning", "info"])
            labels = {"alertname": name, "project": "p", "case": str(case), "host": host, "severity": severity}
            alerts.append({**labels, "number": str(number)} | ({"team": team} if team else {}))
    inhibiting = {labels["host"] for labels in alerts if labels["severity"] == "critical"}
    found = []
    for order, labels in enumerate(alerts):
        begin = 2.0 + case % 20 / 10 + order / 4 + (2 * chance.randrange(1, 12) if labels["number"] != "0" else 0)
        found.append(Happening(at=begin, labels=labels, fires=True))
        may_end = labels["severity"] != "warning" or labels["host"] not in inhibiting
        if labels["number"] != "0" and may_end and chance.random() < 0.7:
            found.append(Happening(at=begin + 2 * chance.randrange(9, 15) + 1, labels=labels, fires=False))
    return found


@asynccontextmanager
async def alertmanager(collector: Collector, directory: Path, alerting: Mapping[str, Any]) -> AsyncIterator[str]:
    """Run Alertmanager with this configuration, all of whose receivers are `collector`."""
    binary = alertmanager_binary()
    if binary is None:
        pytest.skip("needs Alertmanager: install the Debian package prometheus-alertmanager")
    webhooks = {"webhook_configs": [{"url": f"{collector.url}/hook"}]}
    config = {**alerting, "receivers": [{**receiver, **webhooks} for receiver in alerting["receivers"]]}
    async with running_alertmanager(binary, json.dumps(config), directory) as url:
        yield url


async def through_alertmanager(
    happenings: Sequence[Happening], directory: Path, alerting: Mapping[str, Any], length: float
) -> list[Heard]:
    """Return what Alertmanager told of a history that is played in real time."""
    loop = asyncio.get_running_loop()
    moments = sorted({each.at for each in happenings})
    async with Collector() as collector, alertmanager(collector, directory, alerting) as url:
        async with httpx.AsyncClient(trust_env=False) as http:
            collector.began = loop.time()
            for moment in moments:
                await asyncio.sleep(collector.began + moment - loop.time())
                now = datetime.now(UTC).timestamp()  # noqa: TID251 - Alertmanager's clock is the machine's
                body = [
                    _posted(each, now - (moment - _began(each, happenings))) for each in happenings if each.at == moment
                ]
                answer = await http.post(f"{url}/api/v2/alerts", json=body)
                assert answer.status_code == httpx.codes.OK, answer.text
            await asyncio.sleep(collector.began + length - loop.time())
        return [heard for heard in collector.heard if heard.at < length]


def _began(happening: Happening, happenings: Sequence[Happening]) -> float:
    begins = [
        each.at for each in happenings if each.labels == happening.labels and each.fires and each.at <= happening.at
    ]
    return max(begins)


def _posted(happening: Happening, starts_at: float) -> dict[str, Any]:
    now = datetime.now(UTC).timestamp()  # noqa: TID251 - as above
    ends_at = now + 3600 if happening.fires else now
    times = {"startsAt": starts_at, "endsAt": ends_at}
    return {"labels": happening.labels} | {
        name: datetime.fromtimestamp(at, UTC).isoformat() for name, at in times.items()
    }


async def through_us(
    happenings: Sequence[Happening], directory: Path, alerting: Mapping[str, Any], length: float
) -> list[Heard]:
    """Return what we told of the same history, on virtual time."""
    async with open_desk(directory, alerting) as desk:
        for happening in sorted(happenings, key=lambda each: each.at):
            await desk.run_until(happening.at)
            await (desk.fire if happening.fires else desk.resolve)(happening.labels)
        await desk.run_until(length)
        found = []
        for name, inbox in desk.inboxes.items():
            moments = {told.notification.key: told.at for told in inbox.told}
            for notification in inbox.accepted:
                states = {identity(entry.labels): entry.status.value for entry in notification.entries}
                found.append(
                    Heard(
                        at=moments[notification.key] - START,
                        receiver=name,
                        group=notification.group_key,
                        alerts=frozenset(states.items()),
                    )
                )
    return sorted(found, key=lambda heard: heard.at)


def by_group(heard: Sequence[Heard]) -> dict[tuple[str, str], list[Heard]]:
    """Return notifications by receiver and group, in order."""
    found: dict[tuple[str, str], list[Heard]] = {}
    for each in sorted(heard, key=lambda each: each.at):
        found.setdefault((each.receiver, each.group), []).append(each)
    return found


def differences(theirs: Sequence[Heard], ours: Sequence[Heard], *, until: float) -> list[str]:
    """Return, for people, where what was told up to `until` differs, or comes further apart than the tolerance."""
    one, other = by_group(theirs), by_group(ours)
    found = []
    for key in sorted(one.keys() | other.keys()):
        pair = one.get(key, []), other.get(key, [])
        count = max(sum(heard.at < until for heard in side) for side in pair)
        first = [side[:count] for side in pair]
        same = [abs(a.at - b.at) < TOLERANCE and a.alerts == b.alerts for a, b in zip(*first, strict=False)]
        if same != [True] * count:
            shown = [[(round(each.at, 2), sorted(each.alerts)) for each in side] for side in first]
            found.append(f"{key}:\n  theirs {shown[0]}\n  ours   {shown[1]}")
    return found


def odd(name: str, **labels: str) -> dict[str, str]:
    """Return the labels of an alert of a history in which we mean to differ."""
    return {"alertname": name, "project": "p", "case": name, "team": "odd", **labels}


FLAP, BRIEF = odd("Flap"), odd("Brief")
TARGET = odd("Target", severity="warning", host="h", case="inhibited")
SOURCE = odd("Source", severity="critical", host="h", case="inhibited")

DIFFERENCES: dict[str, tuple[list[Happening], str, list[str], list[str]]] = {
    "what fired and resolved before anybody was told is told, as both": (
        [Happening(at=2, labels=BRIEF, fires=True), Happening(at=4, labels=BRIEF, fires=False)],
        "Brief",
        [],
        ["resolved"],
    ),
    "what resolved and fired again between two ticks is told, as both": (
        [
            Happening(at=2, labels=FLAP, fires=True),
            Happening(at=8, labels=FLAP, fires=False),
            Happening(at=9.5, labels=FLAP, fires=True),
            Happening(at=14, labels=FLAP, fires=False),
        ],
        "Flap",
        ["firing", "resolved"],
        ["firing", "firing", "resolved"],
    ),
    "a resolve of what was told is not held back by what mutes": (
        [
            Happening(at=2, labels=TARGET, fires=True),
            Happening(at=8.5, labels=SOURCE, fires=True),
            Happening(at=13.5, labels=TARGET, fires=False),
        ],
        "Target",
        ["firing"],
        ["firing", "resolved"],
    ),
}
"""What differs on purpose: a history, the name of the alert it is about, its states as told by them and by us."""


def states(heard: Sequence[Heard], alertname: str) -> list[str]:
    """Return the states in which an alert was told, in order."""
    return [
        status
        for each in sorted(heard, key=lambda each: each.at)
        for labels, status in each.alerts
        if json.loads(labels)["alertname"] == alertname
    ]


async def test_the_same_histories_make_the_same_notifications(tmp_path: Path) -> None:
    """
    A hundred histories by chance, over nested routes, inhibition and time intervals, are told alike by both.

    What is listed as a difference is one, on either side.
    """
    happenings = [happening for case in range(CASES) for happening in history(case)]
    happenings += [happening for each, *_ in DIFFERENCES.values() for happening in each]
    (tmp_path / "theirs").mkdir()
    ours = await through_us(happenings, tmp_path, ALERTING, LENGTH)
    theirs = await through_alertmanager(happenings, tmp_path / "theirs", ALERTING, LENGTH)
    alike = [[heard for heard in side if heard.receiver != "odd"] for side in (theirs, ours)]
    found = differences(*alike, until=LENGTH - 2 * TOLERANCE)
    assert not found, f"{len(found)} groups differ:\n" + "\n".join(found[:5])
    assert len(ours) > 4 * CASES
    assert {heard.receiver for heard in ours} == {"root", "db", "pager", "chat", "day", "odd", "other"}
    assert any(status == Transition.RESOLVED for heard in ours for _, status in heard.alerts)
    for what, (_, name, told_by_them, told_by_us) in DIFFERENCES.items():
        assert (states(theirs, name), states(ours, name)) == (told_by_them, told_by_us), what
