from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from monitor.clock import Clock
from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.model.alert import Transition
from monitor.model.facts import Facts
from monitor.model.notification import Entry
from monitor.notify.http import Endpoint
from monitor.notify.pagerduty import MOST_OPEN, PagerDuty
from tests.support.clock import ManualClock
from tests.support.fake_pagerduty import KEY, FakePagerDuty, faults
from tests.support.fake_slack import length
from tests.support.nasty import FAMILY, nasty_entries
from tests.support.receivers import NOW, FixedClock, Reply, composer, fired, notification, resolved

Connect = Callable[..., PagerDuty]
RUN = {"severity": "critical", "run_id": "run-1"}


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Provide a function that returns a receiver that sends to a fake."""
    async with httpx.AsyncClient(trust_env=False) as http:

        def receiver(fake: FakePagerDuty, clock: Clock | None = None, **options: Any) -> PagerDuty:
            clock = clock or ManualClock(NOW)
            url = SecretStr(f"{fake.url}/v2/enqueue")
            endpoint = Endpoint(http=http, url=url, timeout=5, clock=clock)
            return pagerduty(endpoint=endpoint, clock=clock, **options)

        yield receiver


def pagerduty(**options: Any) -> PagerDuty:
    """Return a receiver; without an endpoint it can only make events."""
    in_words = {name: options.pop(name) for name in ("language", "excerpt_chars", "console_url") if name in options}
    known = {"name": "oncall/pagerduty[0]", "receiver": "oncall", "endpoint": None, "clock": FixedClock()}
    return PagerDuty(**{**known, "composer": composer(**in_words), "routing_key": SecretStr(KEY), **options})


def events(*told: Entry, **options: Any) -> list[dict[str, Any]]:
    """Return the events of a notification of these entries, as they are sent."""
    return [{"routing_key": KEY, **event} for event in pagerduty(**options).events(notification(*told))]


def actions(*told: Entry, **options: Any) -> list[tuple[str, str]]:
    """Return the events of a notification of these entries: the end of the key, and the action."""
    return [(event["dedup_key"][-5:], event["event_action"]) for event in events(*told, **options)]


def acknowledged(entry: Entry) -> Entry:
    """Return the entry with which an alert was acknowledged."""
    return replace(entry, status=Transition.ACKNOWLEDGED, acked_by="kim@example.com")


def storm(count: int, make: Callable[..., Entry] = fired) -> list[Entry]:
    """Return the entries of that many critical alerts about runs, with their ranks."""
    return [replace(make(f"Rule{rank}", **RUN), rank=rank) for rank in range(count)]


def group_keys() -> tuple[str, str]:
    """Return the keys of the two incidents that alerts of the test's group share: of the group, and of the rest."""
    [of_group] = events(fired())
    [of_rest] = events(replace(fired(**RUN), rank=MOST_OPEN))
    return of_group["dedup_key"], of_rest["dedup_key"]


# Which incident


def test_critical_alerts_about_runs_have_their_own_incidents() -> None:
    """By default a critical alert about a run is an incident by its fingerprint; all others of the group share one."""
    run, rating, late = fired("A", **RUN), fired("B", severity="critical"), fired("C", severity="warning", run_id="r")
    keys = [event["dedup_key"] for event in events(rating, run, late)]
    assert keys == [run.fingerprint, group_keys()[0]]


@pytest.mark.parametrize(("incident", "count"), [("alert", 3), ("group", 1)])
def test_what_an_incident_is_can_be_chosen(incident: str, count: int) -> None:
    """With `incident`, every alert has its own, or all of a group share one, whatever they are about."""
    told = (fired("A", **RUN), fired("B", severity="info"), fired("C"))
    assert len({event["dedup_key"] for event in events(*told, incident=incident)}) == count


async def test_an_incident_is_triggered_acknowledged_and_resolved(connect: Connect) -> None:
    """What happens to an alert happens to its incident, one after the other in separate notifications."""
    entry = fired(**RUN)
    async with FakePagerDuty() as fake:
        receiver = connect(fake)
        states = []
        for number, told in enumerate((entry, acknowledged(entry), resolved(**RUN))):
            await receiver.send(notification(told, key=f"n-{number}"))
            states.append([incident.status for incident in fake.incidents])
    assert states == [["triggered"], ["acknowledged"], ["resolved"]]


def test_what_stands_twice_is_told_once() -> None:
    """An alert that stands twice in the same state in a notification is one event."""
    assert [action for _, action in actions(fired(**RUN), fired(**RUN), resolved(**RUN), resolved(**RUN))] == [
        "trigger",
        "resolve",
    ]


async def test_repeats_open_nothing(connect: Connect) -> None:
    """An alert that is told again is still one incident."""
    async with FakePagerDuty() as fake:
        receiver = connect(fake)
        for number in range(3):
            await receiver.send(notification(fired(**RUN), fired("B"), key=f"n-{number}"))
    assert [incident.triggers for incident in fake.incidents] == [3, 3]


async def test_every_transition_is_told(connect: Connect) -> None:
    """What fired and resolved while PagerDuty was away was an incident; what came back since is a new one."""
    fire, end = fired(**RUN), resolved(**RUN)
    async with FakePagerDuty() as fake:
        receiver = connect(fake)
        await receiver.send(notification(fire, end, key="n-1"))
        await receiver.send(notification(fire, key="n-2"))
        await receiver.send(notification(end, fire, key="n-3"))
    assert [incident.status for incident in fake.incidents] == ["resolved", "resolved", "triggered"]
    assert fake.dropped == 0


def test_a_group_is_resolved_when_nothing_of_it_fires() -> None:
    """The incident of a group ends with the last of its alerts, and a group that came and went was an incident."""
    assert [action for _, action in actions(fired("A"), resolved("B"))] == ["trigger"]
    assert [action for _, action in actions(resolved("A"), resolved("B"))] == ["resolve"]
    assert [action for _, action in actions(fired("A"), resolved("A"))] == ["trigger", "resolve"]
    assert [action for _, action in actions(resolved("A"), fired("A"))] == ["trigger"]


def test_a_group_is_acknowledged_when_all_of_it_is() -> None:
    """Acknowledging one alert does not quieten the others of its group."""
    a, b = fired("A"), fired("B")
    known = replace(b, acked_by="lee@example.com")
    assert [action for _, action in actions(a, b, acknowledged(a))] == ["trigger"]
    assert [action for _, action in actions(known, acknowledged(a))] == ["trigger", "acknowledge"]
    assert [action for _, action in actions(acknowledged(a), resolved("A"))] == ["resolve"]


# At most ten of a group


async def test_ten_of_a_group_are_open_and_the_rest_is_one(connect: Connect) -> None:
    """Ten alerts of a storm have incidents of their own, and the others share one that says how many they are."""
    async with FakePagerDuty() as fake:
        await connect(fake).send(notification(*storm(12)))
    *own, rest = fake.incidents
    assert [incident.key for incident in own] == [entry.fingerprint for entry in storm(MOST_OPEN)]
    assert rest.key == group_keys()[1]
    assert rest.payload["summary"].startswith("+2 more: 2 FIRING (critical)")
    assert {text.partition(" ")[0] for text in rest.payload["custom_details"]["alerts"]} == {"Rule10", "Rule11"}


async def test_the_rest_is_resolved_with_its_last_alert(connect: Connect) -> None:
    """The incident of the rest ends when nothing of it fires, whatever becomes of the ten, and the ten one by one."""
    fires, ends = storm(12), storm(12, resolved)
    async with FakePagerDuty() as fake:
        receiver = connect(fake)
        await receiver.send(notification(*fires, key="n-1"))
        await receiver.send(notification(*fires[1:11], ends[0], ends[11], key="n-2"))
        assert len(fake.open) == 10
        assert group_keys()[1] in fake.open
        await receiver.send(notification(*fires[1:10], ends[10], key="n-3"))
        assert list(fake.open) == [entry.fingerprint for entry in fires[1:10]]
        await receiver.send(notification(*ends[1:10], key="n-4"))
    assert fake.open == {}
    assert fake.dropped == 0


async def test_a_storm_is_a_few_incidents(connect: Connect) -> None:
    """Ten thousand alerts at once are eleven events, and their end is eleven more."""
    async with FakePagerDuty() as fake:
        receiver = connect(fake)
        await receiver.send(notification(*storm(10_000), key="n-1"))
        assert len(fake.open) == MOST_OPEN + 1
        await receiver.send(notification(*storm(10_000, resolved), key="n-2"))
    assert fake.open == {}
    assert len(fake.requests) == 2 * (MOST_OPEN + 1)


def test_a_resolve_goes_where_its_firing_went() -> None:
    """A resolve without a rank follows the firing before it; one without any is that of an alert of its own."""
    firing = replace(fired(**RUN), rank=20)
    own = fired(**RUN).fingerprint[-5:]
    assert actions(firing, resolved(**RUN)) == [("-more", "trigger"), ("-more", "resolve")]
    assert actions(resolved(**RUN)) == [(own, "resolve")]
    assert actions(replace(resolved(**RUN), rank=3), firing) == [(own, "resolve"), ("-more", "trigger")]


@given(batches=st.lists(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=6), max_size=6))
def test_what_is_open_is_what_fires(batches: list[list[tuple[int, bool]]]) -> None:
    """After any history, told in any portions, the open incidents are the alerts that fire."""
    fake = FakePagerDuty()
    fires: dict[str, bool] = {}
    for batch in batches:
        told = [(fired if now_fires else resolved)(f"R{number}", **RUN) for number, now_fires in batch]
        fires |= {entry.fingerprint: entry.status is Transition.FIRING for entry in told}
        for event in events(*told):
            assert faults(event) == []
            fake.take(event)
        assert set(fake.open) == {key for key, is_firing in fires.items() if is_firing}


# What an event says


def test_says_what_happened() -> None:
    """A trigger has what an on-call person needs, in the fields that PagerDuty has for it."""
    facts = Facts(timezone="Asia/Seoul", age=4000, limit=3600, excerpt="환불해 주세요")
    entry = replace(fired(**RUN, app="Report", team="bi"), facts=facts)
    [event] = events(entry, excerpt_chars=100, console_url="https://monitor.example", language="ko")
    details = event["payload"].pop("custom_details")
    assert event == {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": entry.fingerprint,
        "client": "alli-monitor",
        "client_url": "https://monitor.example",
        "links": [{"href": "https://monitor.example", "text": "콘솔"}],
        "payload": {
            "summary": "RunOverLimit · Report · support: 보고서 작성이 제한 시간을 넘었습니다 / 制限時間を超えました",
            "source": "support",
            "component": "Report",
            "class": "RunOverLimit",
            "severity": "critical",
            "timestamp": "2026-09-21T14:11:20.000Z",
        },
    }
    assert details["실행 시간"] == "1시간 6분 이상 (제한 1시간)"
    assert details["excerpt"] == "환불해 주세요"
    assert details["labels"] == dict(entry.labels)


@pytest.mark.parametrize(
    ("labels", "severity"),
    [
        ({"severity": "critical"}, "critical"),
        ({"severity": "warning"}, "warning"),
        ({"severity": "none"}, "info"),
        ({"severity": "page"}, "critical"),
        ({"severity": "informational"}, "error"),
        ({}, "error"),
    ],
)
def test_severities_are_pagerdutys(labels: dict[str, str], severity: str) -> None:
    """PagerDuty's words stay, the configured ones are mapped, and any other is an error, as with Alertmanager."""
    [event] = events(fired(**labels), severities={"page": "critical"})
    assert event["payload"]["severity"] == severity


def test_a_group_is_as_bad_as_its_worst() -> None:
    """The incident of a group has the worst severity, and says only what all of its alerts share."""
    [event] = events(fired("A", severity="info", app="x"), fired("B", severity="warning", app="y"))
    payload = event["payload"]
    assert (payload["severity"], payload["source"]) == ("warning", "support")
    assert not payload.keys() & {"component", "class"}


@settings(max_examples=30)
@given(told=nasty_entries(), incident=st.sampled_from([None, "alert", "group"]))
def test_pagerduty_takes_whatever_is_told(told: tuple[Entry, ...], incident: str | None) -> None:
    """Whatever alerts say, every event is one that PagerDuty accepts."""
    assert [faults(event) for event in events(*told, incident=incident, excerpt_chars=2000) if faults(event)] == []


@pytest.mark.parametrize("character", [FAMILY, "각", "語", "🇯🇵"])
def test_cuts_the_summary_between_characters(character: str) -> None:
    """A long summary ends behind a whole character and with an ellipsis, within PagerDuty's 1024."""
    [event] = events(replace(fired(), annotations={"summary": character * 2000}), incident="alert")
    summary = event["payload"]["summary"]
    assert summary.endswith(f"{character}…")
    assert length(summary) <= 1024 < length(summary) + length(character)


def test_large_alerts_fit_into_a_request() -> None:
    """However many labels there are and however long they are, a request stays within 512 KB."""
    labels = {f"label_{number}": "\u0001語" * 1000 for number in range(500)}
    [event] = events(replace(fired(**labels), facts=Facts(excerpt="語" * 9000)), incident="alert", excerpt_chars=9000)
    assert faults(event) == []
    assert len(json.dumps(event, ensure_ascii=False).encode()) < 512_000


def test_labels_cannot_play_tricks() -> None:
    """Values of labels are cut, on one line, and without characters that turn or hide what follows."""
    [event] = events(fired(app="\u202eexe\u2066\ntxt", team="x" * 5000), incident="alert")
    labels = event["payload"]["custom_details"]["labels"]
    assert labels["app"] == event["payload"]["component"] == "exe txt"
    assert len(labels["team"]) == 500


def test_alerts_of_no_name_have_a_summary() -> None:
    """What PagerDuty requires is there even where an alert says nothing at all."""
    [event] = events(replace(fired(), labels={"project": "\n"}, annotations={}), incident="alert")
    assert faults(event) == []


# Sending


async def test_goes_on_where_it_stopped(connect: Connect) -> None:
    """After a delay the events that were accepted are not sent again, even if time has passed."""
    clock = ManualClock(NOW)
    async with FakePagerDuty(Reply(status=202), Reply(status=503)) as fake:
        receiver = connect(fake, clock)
        told = notification(*storm(3))
        with pytest.raises(DeliveryDelayed):
            await receiver.send(told)
        clock.advance(60)
        await receiver.send(told)
    keys = [entry.fingerprint for entry in storm(3)]
    assert [request.body["dedup_key"] for request in fake.requests] == [keys[0], keys[1], keys[1], keys[2]]


async def test_keeps_to_the_pace(connect: Connect) -> None:
    """A notification of very many events stays within the 120 a minute that PagerDuty takes."""
    clock = ManualClock(NOW)
    told = [entry for number in range(200) for entry in (fired(f"R{number}", **RUN), resolved(f"R{number}", **RUN))]
    async with FakePagerDuty(clock=clock) as fake:
        await connect(fake, clock).send(notification(*told))
    assert len(fake.incidents) == 200
    assert fake.open == {}


async def test_a_refused_routing_key_refuses_the_receiver(connect: Connect) -> None:
    """A key that PagerDuty does not know concerns all that is sent with it, and is not shown."""
    secret = "x" * 32
    async with FakePagerDuty() as fake:
        with pytest.raises(DeliveryRefused) as caught:
            await connect(fake, routing_key=SecretStr(secret)).send(notification(fired()))
    assert (caught.value.scope, caught.value.reason) == ("receiver", "routing_key")
    assert secret not in f"{caught.value!s} {vars(caught.value)!r}"


async def test_a_refused_event_refuses_the_notification(connect: Connect) -> None:
    """An event that is refused for what it says ends the notification, and is told from a bad receiver."""
    invalid = b'{"status":"invalid event","message":"Event object is invalid","errors":["\'summary\' is too long"]}'
    async with FakePagerDuty(Reply(status=400, body=invalid)) as fake:
        with pytest.raises(DeliveryRefused) as caught:
            await connect(fake).send(notification(*storm(2)))
    assert caught.value.scope == "payload"
    assert len(fake.requests) == 1


def test_the_key_is_not_shown() -> None:
    """What is built does not show the routing key."""
    assert KEY not in repr(pagerduty())
