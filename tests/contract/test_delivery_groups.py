"""Notifications from the rule to the receiver: their rhythm, their order, and that none is lost."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.model.alert import Resolution
from monitor.simulator.faults import Fault, FaultKind
from tests.support.clock import ManualClock
from tests.support.rig import START, Rig, open_rig
from tests.support.rig_inbox import Inbox
from tests.support.rig_rules import OVER_LIMIT, tell

OLD = tell('run.age > duration("20s")', name="Old")


def route(**options: Any) -> dict[str, Any]:
    """Return the section about alerting with one route that groups by rule."""
    options = {"receiver": "oncall", "group_by": ["alertname"], "group_wait": "0s", "group_interval": "1s", **options}
    names = {"oncall", *(child["receiver"] for child in options.get("routes", ()))}
    return {"alerting": {"route": options, "receivers": [{"name": name} for name in sorted(names)]}}


def sent(inbox: Inbox, rule: str) -> list[tuple[int, str, Counter[str]]]:
    """Return the notifications about a rule: when, why, and how many fire and resolve in each."""
    found: dict[str, tuple[int, str, Counter[str]]] = {}
    for told in inbox.about(rule):
        key = told.notification.key
        found.setdefault(key, (round(told.at - START), told.notification.reason, Counter()))[2][told.status.value] += 1
    return list(found.values())


# The rhythm of groups


async def test_alerts_wait_for_company_and_are_told_together(tmp_path: Path) -> None:
    """The first waits `group_wait`; what comes later waits `group_interval` and brings what still fires along."""
    settings = route(group_wait="15s", group_interval="50s")
    async with open_rig(tmp_path, rules=OLD, **settings) as rig:
        rig.start_run()
        await rig.run_for(5)
        rig.start_run()
        await rig.run_for(20)
        rig.start_run()
        await rig.run_for(100)
        assert sent(rig.inbox, "Old") == [
            (35, "first_notification", {"firing": 2}),
            (85, "new_alerts", {"firing": 3}),
        ]


async def test_what_still_fires_is_repeated(tmp_path: Path) -> None:
    """After `repeat_interval` without news the group is told again, and not after it resolved."""
    async with open_rig(tmp_path, rules=OLD, **route(repeat_interval="1m")) as rig:
        conversation = rig.start_run()
        await rig.run_for(150)
        rig.world.finish_run(conversation.id)
        await rig.run_for(150)
        assert sent(rig.inbox, "Old") == [
            (20, "first_notification", {"firing": 1}),
            (80, "repeat", {"firing": 1}),
            (140, "repeat", {"firing": 1}),
            (160, "resolved", {"resolved": 1}),
        ]


async def test_an_alert_that_is_over_before_anybody_was_told_is_told_as_both(tmp_path: Path) -> None:
    """Nothing that happened is dropped: the firing stands before its resolve in one notification."""
    async with open_rig(tmp_path, rules=OLD, **route(group_wait="1m")) as rig:
        rig.start_run(duration=35)
        await rig.run_for(100)
        assert rig.inbox.transitions("Old") == ["firing", "resolved"]
        assert len({told.notification.key for told in rig.inbox.about("Old")}) == 1


async def test_a_receiver_may_not_want_resolves(tmp_path: Path) -> None:
    """With `send_resolved: false` the end is not told, and nothing is repeated after it."""
    settings = route(repeat_interval="1m")
    async with open_rig(
        tmp_path, rules=OLD, inboxes=lambda clock: [Inbox(clock=clock, send_resolved=False)], **settings
    ) as rig:
        rig.start_run(duration=45)
        await rig.run_for(200)
        assert sent(rig.inbox, "Old") == [(20, "first_notification", {"firing": 1})]


async def test_an_alert_that_fires_again_is_told_again(tmp_path: Path) -> None:
    """The same rule about the next run of a conversation is another alert; about the same run, the same one again."""
    rules = tell('run.idle > duration("20s")', name="Idle")
    async with open_rig(tmp_path, rules=rules) as rig:
        conversation = rig.start_run()
        await rig.run_for(25)
        rig.world.add_chat(conversation.id, "BOT", "a sign of life")
        await rig.run_for(50)
        told = rig.inbox.about("Idle")
        assert [each.status.value for each in told] == ["firing", "resolved", "firing"]
        assert len({each.entry.fingerprint for each in told}) == 1
        assert told[1].resolution is Resolution.RECOVERED


async def test_a_rule_that_is_taken_away_resolves_its_alerts(tmp_path: Path) -> None:
    """After a reload without it, what it fires is resolved for that reason."""
    async with open_rig(tmp_path, rules=OLD + tell("run.chats < 0", name="Never")) as rig:
        rig.start_run()
        await rig.run_for(25)
        rig.reload(tell("run.chats < 0", name="Never"))
        await rig.run_for(20)
        assert rig.inbox.transitions("Old") == ["firing", "resolved"]
        assert rig.inbox.about("Old")[-1].resolution is Resolution.RULE_REMOVED


async def test_a_stop_without_an_outcome_is_announced_in_time(tmp_path: Path) -> None:
    """An alert that waits for a stop which Alli does not take is told `verify_within` after it fired."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, auto_stop={"verify_within": "45s"}) as rig:
        rig.start_run()
        rig.world.set_fault(Fault(kind=FaultKind.ERROR, operations=frozenset({"stop_conversation"})))
        await rig.run_for(140)
        [told] = rig.inbox.about("RunOverLimit")
        assert (round(told.at - START), told.action) == (105, "refused")


# Receivers that fail

SELDOM = [{"younger_than": "7d", "every": "1d"}]


def down(retry_after: float | None = None) -> DeliveryDelayed:
    """Return what a receiver that is down raises."""
    return DeliveryDelayed("it is down", retry_after=retry_after)


async def test_an_hour_without_a_receiver_loses_nothing(tmp_path: Path) -> None:
    """What fires and resolves meanwhile waits, is merged, and arrives whole and in order."""
    settings = {"polling": {"runs": "1m", "conversations": "2h", "evaluation": "20m", "ratings": SELDOM}, **route()}
    async with open_rig(tmp_path, rules=OLD, **settings) as rig:
        await rig.run_for(10)
        rig.inbox.error = down()
        conversations = []
        for _ in range(6):
            conversations.append(rig.start_run())
            await rig.run_for(300)
            if len(conversations) % 2:
                rig.world.finish_run(conversations[-1].id)
        await rig.run_for(1800)
        assert len(rig.inbox.attempts) < 40  # a receiver that is down is asked ever more rarely
        rig.inbox.error = None
        await rig.run_for(400)
        by_run: dict[str, list[str]] = {}
        for told in rig.inbox.about("Old"):
            by_run.setdefault(told.entry.labels["conversation_id"], []).append(told.status.value)
        wanted = {
            conversation.id: ["firing", "resolved"] if number % 2 == 0 else ["firing"]
            for number, conversation in enumerate(conversations)
        }
        assert {id_: list(dict.fromkeys(statuses)) for id_, statuses in by_run.items()} == wanted
        assert all(statuses.count("resolved") <= 1 for statuses in by_run.values())
        assert len(sent(rig.inbox, "Old")) == 2  # the one under way, and what gathered behind it


async def test_a_resolve_never_overtakes_its_firing(tmp_path: Path) -> None:
    """While the firing is being retried, its resolve waits behind it."""
    async with open_rig(tmp_path, rules=OLD) as rig:
        conversation = rig.start_run()
        await rig.run_for(15)
        rig.inbox.error = down(retry_after=60)
        await rig.run_for(10)
        rig.world.finish_run(conversation.id)
        await rig.run_for(20)
        rig.inbox.error = None
        await rig.run_for(60)
        assert rig.inbox.transitions("Old") == ["firing", "resolved"]


async def test_retry_after_holds_for_the_whole_destination(tmp_path: Path) -> None:
    """A receiver that asks for quiet is left alone by all groups; then everything arrives."""
    async with open_rig(tmp_path, rules=OLD) as rig:
        for _ in range(3):
            rig.start_run()
        await rig.run_for(15)
        rig.inbox.error = down(retry_after=90)
        before = len(rig.inbox.attempts)
        await rig.run_for(20)
        assert len(rig.inbox.attempts) == before + 1
        rig.inbox.error = None
        await rig.run_for(70)
        assert len(rig.inbox.attempts) == before + 1
        await rig.run_for(10)
        assert rig.inbox.transitions("Old") == ["firing"] * 3
        assert {round(told.at - START) for told in rig.inbox.about("Old")} == {110}


def two_receivers(clock: ManualClock) -> Sequence[Inbox]:
    """Return one receiver for each of two routes."""
    return [Inbox(clock=clock), Inbox(clock=clock, receiver="feedback")]


BOTH = route(
    group_by=["..."],
    routes=[
        {"receiver": "feedback", "matchers": ['alertname="Old"'], "continue": True},
        {"receiver": "oncall", "matchers": ['alertname="Old"']},
    ],
)


async def test_a_broken_receiver_does_not_hold_up_another(tmp_path: Path) -> None:
    """One destination fails, the other gets everything at once; the failing is told through the one that works."""
    async with open_rig(tmp_path, rules=OLD, inboxes=two_receivers, **BOTH) as rig:
        working, broken = rig.inboxes
        broken.error = down()
        conversation = rig.start_run()
        await rig.run_for(25)
        assert [round(told.at - START) for told in working.about("Old")] == [20]
        rig.world.finish_run(conversation.id)
        await rig.run_for(60)
        assert working.transitions("Old") == ["firing", "resolved"]
        [failing] = working.about("ReceiverFailing")
        assert failing.entry.labels["integration"] == "feedback/webhook[0]"
        broken.error = None
        await rig.run_for(120)
        assert broken.transitions("Old") == ["firing", "resolved"]
        assert working.transitions("ReceiverFailing") == ["firing", "resolved"]
        assert not broken.about("ReceiverFailing")


async def test_a_receiver_that_refuses_everything_is_set_aside_and_loses_nothing(tmp_path: Path) -> None:
    """It is left alone for five minutes at a time, others are told of it, and then it gets all that it has missed."""
    async with open_rig(tmp_path, rules=OLD, inboxes=two_receivers, **BOTH) as rig:
        working, refusing = rig.inboxes
        refusing.error = DeliveryRefused("no such hook", reason="client_error")
        rig.start_run()
        await rig.run_for(45)
        assert len(refusing.attempts) == 1
        assert working.transitions("ReceiverFailing") == ["firing"]
        refusing.error = None
        rig.start_run()
        await rig.run_for(60)
        assert refusing.told == []
        await rig.run_for(300)
        assert refusing.transitions("Old") == ["firing", "firing"]
        assert working.transitions("ReceiverFailing") == ["firing", "resolved"]


async def test_the_alert_that_a_receiver_does_not_take_is_found_and_the_rest_delivered(tmp_path: Path) -> None:
    """Of a refused notification everything is delivered but the one alert that it cannot take, and this is told."""
    together = copy.deepcopy(BOTH)
    together["alerting"]["route"] |= {"group_by": ["alertname"], "group_wait": "30s"}
    async with open_rig(tmp_path, rules=OLD, inboxes=two_receivers, **together) as rig:
        working, picky = rig.inboxes
        runs = [rig.start_run() for _ in range(7)]
        bad = runs[2].id
        picky.refuses = lambda entry: entry.labels.get("conversation_id") == bad
        await rig.run_for(100)
        assert sorted(told.entry.labels["conversation_id"] for told in picky.about("Old")) == sorted(
            run.id for run in runs if run.id != bad
        )
        assert len(working.about("Old")) == len(runs)
        assert len({key for _, key in picky.attempts}) == len(picky.attempts)
        assert working.transitions("ReceiverFailing") == ["firing"]
        await rig.run_for(1000)
        assert working.transitions("ReceiverFailing") == ["firing", "resolved"]


async def test_an_alert_that_is_too_much_for_a_receiver_is_shortened(tmp_path: Path) -> None:
    """What a receiver does not take whole it gets without its long texts."""
    async with open_rig(tmp_path, rules=OLD.replace("a run", "long " * 100)) as rig:
        rig.inbox.refuses = lambda entry: len(entry.annotations["summary"]) > 300
        rig.start_run()
        await rig.run_for(45)
        [told] = rig.inbox.about("Old")
        assert told.entry.annotations["summary"].startswith("long long")
        assert told.notification.shortened


# Crashes


async def test_a_crash_after_planning_sends_the_same_notification(tmp_path: Path) -> None:
    """What was planned and never accepted is sent by the next daemon, under the same key."""
    async with open_rig(tmp_path, rules=OLD) as rig:
        rig.start_run()
        await rig.run_for(15)
        rig.inbox.error = down()
        await rig.run_for(10)
        planned = {key for _, key in rig.inbox.attempts[2:]}
        rig.inbox.error = None
        await rig.restart(after=20)
        await rig.run_for(10)
        [told] = rig.inbox.about("Old")
        assert planned == {told.notification.key}


async def test_a_crash_after_sending_repeats_at_most_once_under_the_same_key(tmp_path: Path) -> None:
    """A notification that was accepted and not recorded comes a second time, recognizable as the same."""
    async with open_rig(tmp_path, rules=OLD) as rig:
        rig.start_run()
        await rig.run_for(15)
        rig.inbox.dies_after_accepting = True
        await rig.run_for(7)
        assert rig.inbox.transitions("Old") == ["firing"]
        await rig.restart(after=5)
        await rig.run_for(40)
        keys = [told.notification.key for told in rig.inbox.about("Old")]
        assert len(keys) == 2
        assert len(set(keys)) == 1


async def test_what_was_committed_is_told_after_a_restart(tmp_path: Path) -> None:
    """A transition that waited for its group when the daemon died is told when the group is due."""
    async with open_rig(tmp_path, rules=OLD, **route(group_wait="40s")) as rig:
        rig.start_run()
        await rig.run_for(30)
        await rig.restart(after=10)
        await rig.run_for(60)
        assert [round(told.at - START) for told in rig.inbox.about("Old")] == [60]


@pytest.mark.parametrize("moment", [20.0, 21.5, 60.5, 70.5])
async def test_nothing_is_lost_whenever_the_daemon_dies(tmp_path: Path, moment: float) -> None:
    """Whenever it is killed, a run that is told about and stopped is told about and stopped once."""
    async with open_rig(tmp_path, rules=OLD + OVER_LIMIT) as rig:
        rig.start_run()
        await rig.run_for(moment)
        await rig.restart(after=1)
        await rig.run_for(90)
        assert unique(rig, "Old") == ["firing", "resolved"]
        assert unique(rig, "RunOverLimit") == ["firing", "resolved"]
        assert len(rig.world.record().stops) == 1


def unique(rig: Rig, rule: str) -> list[str]:
    """Return the transitions told about a rule, the same notification only once."""
    told = {(each.notification.key, each.entry.status): each for each in rig.inbox.about(rule)}
    return [each.status.value for each in told.values()]


async def test_who_groups_by_itself_sees_a_stopped_run_for_a_minute(tmp_path: Path) -> None:
    """Alertmanager would not notify of what is over when it is told: the end follows a minute later, crash or not."""

    def alertmanager(clock: ManualClock) -> Sequence[Inbox]:
        return [Inbox(clock=clock, groups=False, integration="alertmanager")]

    async with open_rig(tmp_path, rules=OVER_LIMIT, inboxes=alertmanager) as rig:
        rig.start_run()
        await rig.run_for(80)
        [fired] = rig.inbox.about("RunOverLimit")
        assert (fired.status, fired.action) == ("firing", "stopped")
        await rig.restart(after=5)
        await rig.run_for(90)
        _, ended = rig.inbox.about("RunOverLimit")
        assert ended.status == "resolved"
        assert 60 <= ended.at - fired.at <= 61
        assert ended.entry.ends_at is not None
        assert ended.entry.ends_at <= fired.at
