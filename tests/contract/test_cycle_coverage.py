"""What was not observed is counted, kept, and told where something may have happened in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from monitor.model.blind import Blind
from monitor.simulator.faults import Fault, FaultKind
from tests.support.rig import PROJECT, START, Rig, open_rig
from tests.support.rig_ratings import answer_of
from tests.support.rig_rules import NEGATIVE, OVER_LIMIT, tell

OUTAGE = Fault(kind=FaultKind.ERROR)
AT_ONCE = tell('run.age >= duration("0s")', name="AtOnce")
AFTER_BLINDNESS = tell('run.blind_before > duration("1m")', name="AfterBlindness")
LATER = tell('run.age > duration("70s")', name="Later")


def blind_seconds(rig: Rig) -> float:
    """Return what this daemon has counted."""
    return float(rig.metrics.blind_seconds.labels(PROJECT)._value.get())


async def blind_times(rig: Rig) -> list[tuple[int, int]]:
    """Return begin and end of each blind time that is kept, in seconds since the start."""
    async with rig.store.snapshot() as tx:
        found: list[Blind] = await tx.observations.blind_times(PROJECT, since=0)
    return [(round(blind.began_at - START), round(blind.ended_at - START)) for blind in found]


def delays(rig: Rig, kind: str) -> tuple[int, float]:
    """Return how many delays of a kind were measured, and their sum in seconds."""
    samples = {
        sample.name.rpartition("_")[2]: sample.value
        for family in rig.metrics.detection_delay.collect()
        for sample in family.samples
        if sample.labels.get("kind") == kind and not sample.name.endswith("_bucket")
    }
    return int(samples.get("count", 0)), samples.get("sum", 0.0)


# Counting


async def test_blind_time_is_counted_while_it_lasts(tmp_path: Path) -> None:
    """An outage grows in the metric and on disk from the third missed pass on, back to when the first was due."""
    async with open_rig(tmp_path, rules=AT_ONCE) as rig:
        await rig.run_for(25)
        rig.world.set_fault(OUTAGE)
        await rig.run_for(20)
        assert (blind_seconds(rig), await blind_times(rig)) == (0, [])
        await rig.run_for(30)
        assert (round(blind_seconds(rig)), await blind_times(rig)) == (45, [(30, 75)])
        await rig.run_for(600)
        assert (round(blind_seconds(rig)), await blind_times(rig)) == (645, [(30, 675)])
        rig.world.clear_faults()
        await rig.run_for(60)
        assert (round(blind_seconds(rig)), await blind_times(rig)) == (650, [(30, 680)])


async def test_a_calm_day_has_no_blind_time(tmp_path: Path) -> None:
    """Passes that come in time leave nothing behind."""
    async with open_rig(tmp_path, rules=AT_ONCE) as rig:
        rig.start_run()
        await rig.run_for(300)
        assert (blind_seconds(rig), await blind_times(rig)) == (0, [])


async def test_a_downtime_is_blind_time_and_not_blindness(tmp_path: Path) -> None:
    """The time without a daemon is counted by the next one, and no alert tells of it."""
    async with open_rig(tmp_path, rules=AT_ONCE) as rig:
        await rig.run_for(25)
        await rig.restart(after=3600)
        await rig.run_for(100)
        assert (round(blind_seconds(rig)), await blind_times(rig)) == (3595, [(30, 3625)])
        assert not rig.inbox.about("MonitorBlind")


async def test_a_restart_within_an_outage_counts_nothing_twice(tmp_path: Path) -> None:
    """What the former daemon counted is not counted by the next one, and both make one blind time."""
    async with open_rig(tmp_path, rules=AT_ONCE) as rig:
        await rig.run_for(25)
        rig.world.set_fault(OUTAGE)
        await rig.run_for(95)
        before = blind_seconds(rig)
        await rig.restart(after=300)
        await rig.run_for(100)
        assert await blind_times(rig) == [(30, 510)]
        rig.world.clear_faults()
        await rig.run_for(60)
        [(began, ended)] = await blind_times(rig)
        assert (began, 520 <= ended <= 540) == (30, True)
        assert before > 80
        assert round(before + blind_seconds(rig)) == ended - began


async def test_a_project_that_was_never_seen_is_blind_from_the_start(tmp_path: Path) -> None:
    """Before the first pass blind time counts from the start of the daemon."""
    async with open_rig(tmp_path, rules=AT_ONCE) as rig:
        rig.world.set_fault(OUTAGE)
        await rig.run_for(300)
        assert (round(blind_seconds(rig)), await blind_times(rig)) == (290, [(10, 300)])


@pytest.mark.parametrize("jump", [86400.0, -86400.0])
async def test_a_clock_that_is_set_makes_no_blind_time(tmp_path: Path, jump: float) -> None:
    """Alli's clock, set by a day while passes come in time, is not taken for a gap."""
    async with open_rig(tmp_path, rules=AT_ONCE) as rig:
        await rig.run_for(25)
        rig.world.options = replace(rig.world.options, clock_offset=jump)
        await rig.run_for(200)
        assert round(rig.client.server_time.offset()) == jump
        assert (blind_seconds(rig), await blind_times(rig)) == (0, [])


# Telling


async def test_a_run_that_may_have_begun_unobserved_says_so(tmp_path: Path) -> None:
    """Alerts about a run that was first seen after an outage name it, whenever they fire, and rules may ask for it."""
    async with open_rig(tmp_path, rules=AT_ONCE + AFTER_BLINDNESS + LATER) as rig:
        await rig.run_for(25)
        rig.world.set_fault(OUTAGE)
        await rig.run_for(240)
        rig.start_run()
        rig.world.clear_faults()
        await rig.run_for(100)
        told = [*rig.inbox.about("AtOnce"), *rig.inbox.about("Later")]
        text = "not observed from 2027-01-15 08:00:30 to 2027-01-15 08:04:30 UTC, for 4m before this"
        assert [each.entry.annotations["coverage"] for each in told] == [text, text]
        assert rig.inbox.transitions("AfterBlindness") == ["firing"]


async def test_what_became_true_unobserved_says_so(tmp_path: Path) -> None:
    """A limit that passed during a downtime is told with it; one that passed before or long after is not."""
    early = tell('run.age > duration("5s")', name="Early")
    unobserved = tell('run.age > duration("5m")', name="Unobserved")
    much_later = tell('run.age > duration("20m")', name="MuchLater")
    async with open_rig(tmp_path, rules=early + unobserved + much_later) as rig:
        rig.start_run()
        await rig.run_for(25)
        await rig.restart(after=600)
        await rig.run_for(700)
        coverage = {told.rule: "coverage" in told.entry.annotations for told in rig.inbox.told}
        assert {name: coverage[name] for name in ("Early", "Unobserved", "MuchLater")} == {
            "Early": False,
            "Unobserved": True,
            "MuchLater": False,
        }


async def test_a_rating_that_may_have_been_given_unobserved_says_so(tmp_path: Path) -> None:
    """A change whose interval holds an outage names it; one that was given afterwards does not."""
    rules = NEGATIVE + NEGATIVE.replace("NegativeRating", "Blindly").replace(
        '&& rating.by == "user"', '&& rating.blind_before > duration("1m")'
    )
    async with open_rig(tmp_path, rules=rules) as rig:
        first, second = rig.talk("question", ">answer"), rig.talk("question", ">answer")
        await rig.run_for(40)
        rig.world.set_fault(OUTAGE)
        await rig.run_for(240)
        rig.world.rate(answer_of(first).id, False)
        rig.world.clear_faults()
        await rig.run_for(400)
        rig.world.rate(answer_of(second).id, False)
        await rig.run_for(400)
        told = [("coverage" in each.entry.annotations, each.rule) for each in rig.inbox.told]
        assert sorted(each for each in told if each[1] in {"NegativeRating", "Blindly"}) == [
            (False, "NegativeRating"),
            (True, "Blindly"),
            (True, "NegativeRating"),
        ]


# How late things are noticed


async def test_a_deadline_is_noticed_when_it_passes(tmp_path: Path) -> None:
    """The delay of a limit that passes while the run is observed is that of the schedule, not of the next poll."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, polling={"runs": "29s", "evaluation": "29s"}) as rig:
        rig.start_run()
        await rig.run_for(70)
        count, seconds = delays(rig, "deadline")
        assert (count, seconds < 0.01) == (1, True)


async def test_a_deadline_that_passed_unobserved_is_noticed_late(tmp_path: Path) -> None:
    """The delay of a limit that passed in an outage lasts until the first look after it."""
    async with open_rig(tmp_path, rules=LATER) as rig:
        rig.start_run()
        await rig.run_for(25)
        rig.world.set_fault(OUTAGE)
        await rig.run_for(100)
        rig.world.clear_faults()
        await rig.run_for(10)
        count, seconds = delays(rig, "deadline")
        assert (count, round(seconds)) == (1, 60)


async def test_what_no_age_made_true_has_no_deadline(tmp_path: Path) -> None:
    """A rule that a chat makes true long after its age passed was not noticed late."""
    rule = tell('run.age > duration("20s") && run.chats > 2', name="Chatty")
    async with open_rig(tmp_path, rules=rule) as rig:
        conversation = rig.start_run()
        await rig.run_for(100)
        rig.world.add_chat(conversation.id, "BOT", "more")
        await rig.run_for(20)
        assert rig.inbox.transitions("Chatty") == ["firing"]
        assert delays(rig, "deadline") == (0, 0.0)
