"""Silences and acknowledgements on virtual time: what is told while they hold, and what when they end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from monitor.model.ack import Ack
from monitor.model.alert import Alert
from monitor.notify.alertmanager import Alertmanager
from monitor.on_call import CannotMute, OnCall, Problem
from tests.support.clock import ManualClock
from tests.support.rig import Rig, open_rig
from tests.support.rig_inbox import Inbox
from tests.support.rig_rules import NEGATIVE, OVER_LIMIT, tell

OPEN = tell('run.age >= duration("0s")', name="RunOpen")
SLOW = tell('run.age >= duration("60s")', name="RunSlow").replace("severity: warning", "severity: critical")
MATCHERS = ["alertname=RunOpen"]
ROUTE = {"receiver": "oncall", "group_by": ["alertname"], "group_wait": "0s", "group_interval": "10s"}


def telling(repeat: str = "1h") -> dict[str, Any]:
    """Return settings that stop nothing and repeat so often."""
    return {"alerting": {"route": {**ROUTE, "repeat_interval": repeat}}, "auto_stop": {"mode": "off"}}


def on_call(rig: Rig) -> OnCall:
    """Return what takes silences and acknowledgements."""
    return OnCall(rig.store, rig.announcer, rig.clock, offset=lambda _: 0.0, wake=rig.awake.set)


async def silence(hand: OnCall, rig: Rig, seconds: float | None, matchers: Sequence[str] = MATCHERS) -> str:
    """Silence alerts for so many seconds, or until they resolve, and return the id of the silence."""
    until = None if seconds is None else rig.now + seconds
    return (await hand.silence(matchers, author="alice", comment="we know", starts_at=None, until=until)).id


async def acknowledge(
    hand: OnCall, rig: Rig, what: str | Sequence[str] = tuple(MATCHERS), minutes: float = 480
) -> list[Ack]:
    """Acknowledge alerts for so many minutes."""
    return await hand.acknowledge(what, by="alice", comment="looking", until=rig.now + minutes * 60)


async def the_alert(rig: Rig, rule: str = "RunOpen") -> Alert:
    """Return the only open alert of a rule."""
    [alert] = await rig.open_alerts(rule)
    return alert


async def active_acks(rig: Rig) -> list[Ack]:
    """Return the acknowledgements that hold."""
    async with rig.store.snapshot() as tx:
        return list((await tx.acks.active()).values())


# Silences


async def test_what_is_silenced_is_told_when_the_silence_ends(tmp_path: Path) -> None:
    """Nothing is told while it holds, the alert fires all the same, and it is told at the very end of the silence."""
    async with open_rig(tmp_path, rules=OPEN, **telling()) as rig:
        began = rig.now
        await silence(on_call(rig), rig, 100)
        rig.start_run()
        await rig.run_for(90)
        assert (await the_alert(rig)).announced_at is not None
        assert rig.inbox.transitions("RunOpen") == []
        await rig.run_for(30)
        assert rig.inbox.transitions("RunOpen") == ["firing"]
        assert rig.inbox.about("RunOpen")[0].at == began + 100


async def test_a_silence_that_is_ended_is_over_at_once(tmp_path: Path) -> None:
    """What fires is told at the moment at which somebody ends its silence, whatever the rhythm of its group."""
    async with open_rig(tmp_path, rules=OPEN, **telling()) as rig:
        hand = on_call(rig)
        name = await silence(hand, rig, 3600)
        rig.start_run()
        await rig.run_for(33)
        ended = await hand.expire(name, by="bob")
        await rig.run_for(0)
        assert (ended.ended_at, ended.ended_by) == (rig.now, "bob")
        assert [told.at for told in rig.inbox.about("RunOpen")] == [rig.now]


async def test_a_resolve_of_what_was_told_passes_a_silence(tmp_path: Path) -> None:
    """A silence made after an alert was told holds no resolve of it, and what never was told ends untold."""
    async with open_rig(tmp_path, rules=OPEN, **telling()) as rig:
        hand = on_call(rig)
        first = rig.start_run()
        await rig.run_for(60)
        await silence(hand, rig, 3600)
        second = rig.start_run()
        await rig.run_for(60)
        rig.world.finish_run(first.id)
        rig.world.finish_run(second.id)
        await rig.run_for(60)
        told = rig.inbox.about("RunOpen")
        assert {each.entry.labels["conversation_id"] for each in told} == {first.id}
        assert [each.status.value for each in told] == ["firing", "resolved"]


async def test_a_silence_stops_no_stop(tmp_path: Path) -> None:
    """A run over its limit is stopped although nobody is told."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        await silence(on_call(rig), rig, 3600, ["alertname=RunOverLimit"])
        rig.start_run()
        await rig.run_for(200)
        assert (await rig.the_stop()).result == "stopped"
        assert rig.inbox.transitions("RunOverLimit") == []


async def test_a_silence_until_resolved_ends_with_its_alerts(tmp_path: Path) -> None:
    """It holds the alert until that resolves and then ends by itself, so that the next one is told."""
    async with open_rig(tmp_path, rules=OPEN, **telling("30s")) as rig:
        hand = on_call(rig)
        first = rig.start_run()
        await rig.run_for(15)
        name = await silence(hand, rig, None)
        repeats = len(rig.inbox.about("RunOpen"))
        await rig.run_for(120)
        assert len(rig.inbox.about("RunOpen")) == repeats
        rig.world.finish_run(first.id)
        await rig.run_for(60)
        async with rig.store.snapshot() as tx:
            over = await tx.silences.get(name)
        assert over is not None
        assert (over.ended_at is not None, over.ended_by) == (True, "")
        rig.start_run()
        await rig.run_for(15)
        assert rig.inbox.transitions("RunOpen")[repeats:] == ["resolved", "firing"]


async def test_what_began_and_ended_under_a_silence_is_never_told(tmp_path: Path) -> None:
    """An alert that fires and resolves while it holds leaves nothing to tell, also where the silence ends with it."""
    settings = telling()
    settings["alerting"]["route"]["group_interval"] = "5m"
    async with open_rig(tmp_path, rules=OPEN, **settings) as rig:
        hand = on_call(rig)
        first = rig.start_run()
        await rig.run_for(15)
        await silence(hand, rig, None)
        second = rig.start_run()
        await rig.run_for(15)
        rig.world.finish_run(first.id)
        rig.world.finish_run(second.id)
        await rig.run_for(400)
        told = rig.inbox.about("RunOpen")
        assert {each.entry.labels["conversation_id"] for each in told} == {first.id}
        assert rig.inbox.transitions("RunOpen") == ["firing", "resolved"]


async def test_a_silence_until_resolved_needs_something_that_fires(tmp_path: Path) -> None:
    """Where nothing matches now it would never end, or at once: it is refused, and nothing is written."""
    async with open_rig(tmp_path, rules=OPEN, **telling()) as rig:
        with pytest.raises(CannotMute, match="nothing that this matches fires now") as caught:
            await silence(on_call(rig), rig, None)
        assert caught.value.problem is Problem.CONFLICT
        async with rig.store.snapshot() as tx:
            assert await tx.silences.newest(limit=1) == []


async def test_a_silence_begins_later(tmp_path: Path) -> None:
    """Before its start alerts are told, and from then on they are not."""
    async with open_rig(tmp_path, rules=OPEN, **telling("30s")) as rig:
        began, hand = rig.now, on_call(rig)
        await hand.silence(MATCHERS, author="alice", comment="later", starts_at=began + 45, until=began + 120)
        rig.start_run()
        await rig.run_for(119)
        times = [told.at - began for told in rig.inbox.about("RunOpen")]
        assert times
        assert max(times) <= 45
        await rig.run_for(2)
        assert rig.inbox.about("RunOpen")[-1].at == began + 120


async def test_a_silence_survives_a_restart(tmp_path: Path) -> None:
    """It holds in the daemon that comes after, and that tells when it ends."""
    async with open_rig(tmp_path, rules=OPEN, **telling()) as rig:
        began = rig.now
        await silence(on_call(rig), rig, 100)
        rig.start_run()
        await rig.run_for(30)
        await rig.restart(after=20)
        await rig.run_for(40)
        assert rig.inbox.transitions("RunOpen") == []
        await rig.run_for(20)
        assert [told.at for told in rig.inbox.about("RunOpen")] == [began + 100]


@pytest.mark.parametrize(
    ("matchers", "says"), [([], "match everything"), (['app=~".*"'], "match everything"), (["nonsense"], "nonsense")]
)
async def test_matchers_that_make_no_sense_are_refused(tmp_path: Path, matchers: list[str], says: str) -> None:
    """What matches everything or is no matcher makes neither a silence nor an acknowledgement."""
    async with open_rig(tmp_path, rules=OPEN, **telling()) as rig:
        hand = on_call(rig)
        for attempt in (silence(hand, rig, 60, matchers), acknowledge(hand, rig, matchers)):
            with pytest.raises(CannotMute, match=says) as caught:
                await attempt
            assert caught.value.problem is Problem.MALFORMED


async def test_what_is_over_cannot_be_ended(tmp_path: Path) -> None:
    """Ending a silence twice, or one that nobody made, is told as such."""
    async with open_rig(tmp_path, rules=OPEN, **telling()) as rig:
        hand = on_call(rig)
        name = await silence(hand, rig, 60)
        await hand.expire(name, by="bob")
        for unknown, problem in ((name, Problem.CONFLICT), ("00000000", Problem.UNKNOWN)):
            with pytest.raises(CannotMute) as caught:
                await hand.expire(unknown, by="bob")
            assert caught.value.problem is problem


# Acknowledgements


async def test_what_is_acknowledged_is_not_repeated(tmp_path: Path) -> None:
    """Repeats end with the acknowledgement and its resolve is told; the next firing is a new one."""
    async with open_rig(tmp_path, rules=OPEN, **telling("30s")) as rig:
        hand = on_call(rig)
        first = rig.start_run()
        await rig.run_for(100)
        assert len(rig.inbox.about("RunOpen")) > 1
        [ack] = await acknowledge(hand, rig, (await the_alert(rig)).fingerprint)
        before = len(rig.inbox.about("RunOpen"))
        await rig.run_for(120)
        assert len(rig.inbox.about("RunOpen")) == before
        assert await active_acks(rig) == [ack]
        rig.world.finish_run(first.id)
        await rig.run_for(60)
        assert rig.inbox.transitions("RunOpen")[before:] == ["resolved"]
        assert await active_acks(rig) == []


async def test_an_acknowledgement_that_times_out_is_told_at_once(tmp_path: Path) -> None:
    """When its time is over and the alert still fires, that is told again, long before the next repeat."""
    async with open_rig(tmp_path, rules=OPEN, **telling("4h")) as rig:
        hand = on_call(rig)
        rig.start_run()
        await rig.run_for(60)
        [ack] = await acknowledge(hand, rig, minutes=2)
        await rig.run_for(150)
        first, again = rig.inbox.about("RunOpen")
        assert again.at == ack.until
        assert (again.status, again.entry.acked_by) == (first.status, "")


async def test_something_worse_ends_an_acknowledgement(tmp_path: Path) -> None:
    """A critical alert about the same run ends the acknowledgement of its warning, which is told again with it."""
    async with open_rig(tmp_path, rules=OPEN + SLOW, **telling("4h")) as rig:
        hand = on_call(rig)
        rig.start_run()
        await rig.run_for(20)
        await acknowledge(hand, rig)
        await rig.run_for(30)
        assert rig.inbox.transitions("RunOpen", "RunSlow") == ["firing"]
        await rig.run_for(40)
        assert rig.inbox.transitions("RunSlow") == ["firing"]
        assert rig.inbox.transitions("RunOpen") == ["firing", "firing"]
        assert await active_acks(rig) == []


async def test_what_was_worse_already_does_not_end_it(tmp_path: Path) -> None:
    """Who acknowledges the warning while the critical alert fires knows of both."""
    async with open_rig(tmp_path, rules=OPEN + SLOW, **telling("4h")) as rig:
        hand = on_call(rig)
        rig.start_run()
        await rig.run_for(90)
        assert rig.inbox.transitions("RunSlow") == ["firing"]
        await acknowledge(hand, rig)
        await rig.run_for(90)
        assert rig.inbox.transitions("RunOpen") == ["firing"]
        assert len(await active_acks(rig)) == 1


async def test_an_acknowledgement_is_withdrawn(tmp_path: Path) -> None:
    """When somebody takes it back, what still fires is told at once."""
    async with open_rig(tmp_path, rules=OPEN, **telling("4h")) as rig:
        hand = on_call(rig)
        rig.start_run()
        await rig.run_for(60)
        [ack] = await acknowledge(hand, rig)
        await rig.run_for(60)
        await hand.withdraw(ack.fingerprint, by="bob")
        await rig.run_for(0)
        assert [told.at for told in rig.inbox.about("RunOpen")][1:] == [rig.now]
        with pytest.raises(CannotMute, match="is not acknowledged"):
            await hand.withdraw(ack.fingerprint, by="bob")


async def test_all_that_fires_can_be_acknowledged_by_matchers(tmp_path: Path) -> None:
    """Matchers mean the alerts that fire now: one that comes later is told."""
    async with open_rig(tmp_path, rules=OPEN, **telling("30s")) as rig:
        hand = on_call(rig)
        known = [rig.start_run().id for _ in range(3)]
        await rig.run_for(30)
        assert len(await acknowledge(hand, rig)) == 3
        before = len(rig.inbox.told)
        new = rig.start_run()
        await rig.run_for(20)
        later = [told for told in rig.inbox.told[before:] if not told.entry.acked_by]
        assert {told.entry.labels["conversation_id"] for told in later} == {new.id}
        acked = {
            told.entry.labels["conversation_id"] for told in rig.inbox.told[before:] if told.entry.acked_by == "alice"
        }
        assert acked <= set(known)


async def test_only_what_fires_can_be_acknowledged(tmp_path: Path) -> None:
    """An alert that resolved, one that nobody knows, and matchers that match nothing are refused."""
    async with open_rig(tmp_path, rules=OPEN, **telling()) as rig:
        hand = on_call(rig)
        conversation = rig.start_run()
        await rig.run_for(30)
        over = (await the_alert(rig)).fingerprint
        rig.world.finish_run(conversation.id)
        await rig.run_for(30)
        for what, problem in ((over, Problem.CONFLICT), ("0" * 16, Problem.UNKNOWN), (MATCHERS, Problem.CONFLICT)):
            with pytest.raises(CannotMute) as caught:
                await acknowledge(hand, rig, what)
            assert caught.value.problem is problem


async def test_a_receiver_with_acknowledgements_of_its_own_is_told(tmp_path: Path) -> None:
    """PagerDuty hears of an acknowledgement once; who has none hears nothing of it."""

    def inboxes(clock: ManualClock) -> list[Inbox]:
        return [Inbox(clock=clock), Inbox(clock=clock, receiver="pager", acknowledges=True)]

    settings = telling("30s")
    settings["alerting"]["route"]["routes"] = [
        {"receiver": "pager", "matchers": ['alertname="RunOpen"'], "continue": True},
        {"receiver": "oncall", "matchers": ['alertname="RunOpen"']},
    ]
    settings["alerting"]["receivers"] = [{"name": "oncall"}, {"name": "pager"}]
    async with open_rig(tmp_path, rules=OPEN, inboxes=inboxes, **settings) as rig:
        hand = on_call(rig)
        conversation = rig.start_run()
        await rig.run_for(15)
        await acknowledge(hand, rig)
        await rig.run_for(90)
        rig.world.finish_run(conversation.id)
        await rig.run_for(30)
        plain, pager = rig.inboxes
        assert pager.transitions("RunOpen") == ["firing", "acknowledged", "resolved"]
        assert pager.about("RunOpen")[1].entry.acked_by == "alice"
        assert plain.transitions("RunOpen") == ["firing", "resolved"]


async def test_ratings_can_be_acknowledged(tmp_path: Path) -> None:
    """An alert about a rating, whose subject says by whom it was, is acknowledged and logged like any other."""
    async with open_rig(tmp_path, rules=NEGATIVE, **telling()) as rig:
        hand = on_call(rig)
        await rig.run_for(60)
        conversation = rig.talk("question", ">answer")
        rig.world.rate(conversation.chats[-1].id, vote=False)
        await rig.run_for(60)
        await acknowledge(hand, rig, ["alertname=NegativeRating"])
        [line] = [line for line in rig.logs if line["event"] == "ack"]
        assert (line["what"], line["who"], line["by"]) == ("acknowledged", "alice", "user")


# Where Alertmanager is the only receiver


async def test_alertmanager_has_silences_of_its_own(tmp_path: Path) -> None:
    """Where nobody else is told, ours are refused and say where Alertmanager is, without what its address hides."""

    class Endpoint:
        url = SecretStr("https://user:secret@am.example:9093/token/api/v2/alerts")

    async with open_rig(tmp_path, rules=OPEN, **telling()) as rig:
        hand = on_call(rig)
        assert hand.elsewhere() is None
        alertmanager: Any = Alertmanager(name="am/0", receiver="am", endpoint=Endpoint(), clock=rig.clock)  # type: ignore[arg-type]
        rig.announcer.integrations["am/0"] = alertmanager
        assert hand.elsewhere() is None
        del rig.announcer.integrations[rig.inbox.name]
        attempts = (
            silence(hand, rig, 60),
            acknowledge(hand, rig),
            hand.expire("x", by="x"),
            hand.withdraw("x", by="x"),
        )
        for attempt in attempts:
            with pytest.raises(
                CannotMute, match=r"amtool --alertmanager.url=https://am.example:9093 silence"
            ) as caught:
                await attempt
            assert caught.value.problem is Problem.CONFLICT
            assert "secret" not in str(caught.value)
            assert "token" not in str(caught.value)
