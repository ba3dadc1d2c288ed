"""Drills on virtual time: they go the way of every alert, are seen on it, end, and disturb nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from monitor.drills import LONGEST, CannotDrill, Drill, Drills, Leg
from monitor.errors import DeliveryDelayed
from monitor.model.alert import AlertState
from monitor.on_call import OnCall
from tests.support.desk import Desk, open_desk

ALERTING: Mapping[str, Any] = {
    "route": {
        "receiver": "oncall",
        "group_wait": "10s",
        "group_interval": "1m",
        "routes": [
            {"matchers": ['team="bi"'], "receiver": "bi", "group_wait": "30s", "continue": True},
            {"matchers": ['team="bi"'], "receiver": "oncall", "group_wait": "5s"},
            {"matchers": ['team="nobody"'], "receiver": "nobody"},
            {"matchers": ['team="ops"'], "receiver": "oncall", "group_wait": "20s", "continue": True},
            {"matchers": ['team="ops"'], "receiver": "oncall", "group_wait": "40s"},
        ],
    },
    "receivers": [{"name": "oncall"}, {"name": "bi"}, {"name": "nobody"}],
}


def drills(desk: Desk) -> Drills:
    """Return what takes drills."""
    return Drills(desk.commits, desk.clock)


async def begin(desk: Desk, **labels: str) -> Drill:
    """Begin a drill with these labels."""
    drill = await drills(desk).begin(labels, asked_by="alice")
    desk.look()
    return drill


async def end(desk: Desk, drill: Drill) -> Drill:
    """End a drill."""
    ended = await drills(desk).end(drill.id, by="alice")
    desk.look()
    return ended


async def legs(desk: Desk, drill: Drill) -> list[Leg]:
    """Return the legs of a drill as they are now."""
    return list((await drills(desk).get(drill.id)).legs)


def waited(leg: Leg) -> list[float | None]:
    """Return after how many seconds firing and resolve of a leg were accepted, None before."""
    tellings = [telling for telling in (leg.firing, leg.resolved) if telling is not None]
    return [None if each.told_at is None else round(each.told_at - each.at, 3) for each in tellings]


async def test_a_drill_goes_the_way_of_every_alert(tmp_path: Path) -> None:
    """It waits as its group waits, is told as firing and then as over, says what it is, and is seen on its way."""
    with capture_logs() as logs:
        async with open_desk(tmp_path, ALERTING) as desk:
            drill = await begin(desk)
            [leg] = drill.legs
            assert (leg.integration, leg.route.key, waited(leg)) == ("oncall/webhook[0]", "{}", [None])
            await desk.run_until(9)
            assert desk.inboxes["oncall"].told == []
            await desk.run_until(10)
            [leg] = await legs(desk, drill)
            assert waited(leg) == [10.0]
            assert leg.firing is not None
            assert leg.firing.queued_at == desk.now
            ended = await end(desk, drill)
            assert ended.alert.state is AlertState.RESOLVED
            await desk.run_until(70)
            [leg] = await legs(desk, drill)
            assert waited(leg) == [10.0, 60.0]
            told = desk.inboxes["oncall"].about("Drill")
    assert [each.status.value for each in told] == ["firing", "resolved"]
    assert told[0].entry.labels == {"alertname": "Drill", "severity": "info", "drill": drill.id}
    assert told[0].entry.annotations["summary"] == "This is a drill that alice asked for: nothing is wrong."
    audit = [(line["what"], line["id"], line["who"]) for line in logs if line["event"] == "drill"]
    assert audit == [("begun", drill.id, "alice"), ("ended", drill.id, "alice")]


async def test_labels_decide_who_is_told(tmp_path: Path) -> None:
    """Labels take the place of those that it has by itself, and it has a leg for each route that they lead to."""
    async with open_desk(tmp_path, ALERTING) as desk:
        drill = await begin(desk, team="bi", severity="critical", alertname="RunOverLimit")
        await desk.run_until(31)
        found = {leg.receiver: (leg.route.key, waited(leg)) for leg in await legs(desk, drill)}
        assert found == {"bi": ('{}/{team="bi"}', [30.0]), "oncall": ('{}/{team="bi"}#2', [5.0])}
        [told] = desk.inboxes["bi"].told
        wanted = {"alertname": "RunOverLimit", "severity": "critical", "team": "bi", "drill": drill.id}
        assert told.entry.labels == wanted


async def test_each_route_to_an_integration_has_its_leg(tmp_path: Path) -> None:
    """Where two routes lead to one integration it is told twice, each time in the rhythm of the route."""
    async with open_desk(tmp_path, ALERTING) as desk:
        drill = await begin(desk, team="ops")
        await desk.run_until(30)
        assert [waited(leg) for leg in await legs(desk, drill)] == [[20.0], [None]]
        await desk.run_until(41)
        assert [waited(leg) for leg in await legs(desk, drill)] == [[20.0], [40.0]]


async def test_there_is_one_at_a_time(tmp_path: Path) -> None:
    """While one goes on no other begins; when it is over, also for the second time, another may."""
    async with open_desk(tmp_path, ALERTING) as desk:
        drill = await begin(desk)
        with pytest.raises(CannotDrill, match=f"another drill goes on: {drill.id}"):
            await begin(desk)
        await end(desk, drill)
        again = await end(desk, drill)
        assert again.alert.resolved_at == desk.now
        assert (await begin(desk)).id != drill.id


async def test_a_drill_that_misses_its_receiver_is_refused(tmp_path: Path) -> None:
    """Where the labels lead to nobody, or not to the receiver that is meant, nothing fires."""
    async with open_desk(tmp_path, ALERTING) as desk:
        known = {name: [inbox] for name, inbox in desk.inboxes.items() if name != "nobody"}
        desk.announcer.adopt(desk.announcer.tree, known, lambda _: "", desk.announcer.mute_policy)
        with pytest.raises(CannotDrill, match="to nobody"):
            await begin(desk, team="nobody")
        with pytest.raises(CannotDrill, match="to oncall, not to bi: give it the labels that lead there"):
            await drills(desk).begin({}, asked_by="alice", receiver="bi")
        await drills(desk).begin({}, asked_by="alice", receiver="oncall")
        with pytest.raises(CannotDrill, match="there is no drill '00000000'") as unknown:
            await drills(desk).get("00000000")
        assert unknown.value.unknown


async def test_a_muted_drill_says_by_what(tmp_path: Path) -> None:
    """A silence holds it back as it would any alert: the leg says which, and nobody hears of it, nor of its end."""
    async with open_desk(tmp_path, ALERTING) as desk:
        hand = OnCall(desk.store, desk.announcer, desk.clock, offset=lambda _: 0.0, wake=desk.look)
        silence = await hand.silence(
            ["alertname=Drill"], author="bob", comment="quiet", starts_at=None, until=desk.now + 3600
        )
        drill = await begin(desk)
        await desk.run_until(11)
        [leg] = await legs(desk, drill)
        assert (leg.muted_by, waited(leg)) == (f"silence {silence.id}", [None])
        await end(desk, drill)
        await desk.run_until(200)
        assert desk.inboxes["oncall"].told == []
        [leg] = await legs(desk, drill)
        assert (leg.firing, leg.resolved) == (None, None)


async def test_what_keeps_it_away_is_seen(tmp_path: Path) -> None:
    """A leg to a receiver that fails shows how often that was tried and why, and one that does not take it that too."""
    async with open_desk(tmp_path, ALERTING) as desk:
        desk.inboxes["bi"].error = DeliveryDelayed("bi answered 503")
        desk.inboxes["oncall"].refuses = lambda _: True
        drill = await begin(desk, team="bi")
        await desk.run_until(33)
        found = {leg.receiver: leg.firing for leg in await legs(desk, drill)}
        assert found["bi"] is not None
        assert (found["bi"].attempts, found["bi"].error, found["bi"].set_aside) == (2, "bi answered 503", False)
        assert found["oncall"] is not None
        assert (found["oncall"].error, found["oncall"].set_aside) == ("there is something in it", True)


async def test_a_drill_that_was_left_behind_ends_by_itself(tmp_path: Path) -> None:
    """After ten minutes it is over, also when the daemon was down meanwhile, and that is told."""
    async with open_desk(tmp_path, ALERTING) as desk:
        drill = await begin(desk)
        await desk.run_until(LONGEST - 1)
        await drills(desk).end_old()
        assert (await drills(desk).get(drill.id)).alert.state is AlertState.FIRING
        await desk.restart(after=1)
        await drills(desk).end_old()
        desk.look()
        await desk.run_until(LONGEST + 60)
        [leg] = await legs(desk, drill)
        assert len(waited(leg)) == 2
        assert desk.inboxes["oncall"].transitions("Drill")[-1] == "resolved"


async def test_a_drill_does_not_outlast_a_clock_that_is_set_back(tmp_path: Path) -> None:
    """One that seems to begin in the future is ended, since nobody knows how old it is."""
    async with open_desk(tmp_path, ALERTING) as desk:
        drill = await begin(desk)
        desk.jump(-3600)
        await drills(desk).end_old()
        assert (await drills(desk).get(drill.id)).alert.state is AlertState.RESOLVED


async def test_a_drill_inhibits_nothing(tmp_path: Path) -> None:
    """What a critical alert would hold back is told while a critical drill goes on."""
    rule = {"source_matchers": ['severity="critical"'], "target_matchers": ['severity="warning"'], "equal": ["team"]}
    async with open_desk(tmp_path, {**ALERTING, "inhibit_rules": [rule]}) as desk:
        await begin(desk, severity="critical")
        await desk.fire({"alertname": "RunSlow", "severity": "warning"})
        await desk.run_until(11)
        assert desk.inboxes["oncall"].transitions("RunSlow") == ["firing"]
        await desk.fire({"alertname": "RunOverLimit", "severity": "critical"})
        await desk.fire({"alertname": "RunStuck", "severity": "warning"})
        await desk.run_until(200)
        assert desk.inboxes["oncall"].transitions("RunStuck") == []
