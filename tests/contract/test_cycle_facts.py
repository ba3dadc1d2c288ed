"""What messages are told of the subject of an alert: values of now, and at the end those at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.model.alert import Resolution
from monitor.model.facts import Facts
from monitor.simulator.entities import RunKind
from monitor.simulator.faults import Fault, FaultKind
from tests.support.rig import PROJECT, Rig, open_rig
from tests.support.rig_ratings import SELDOM, answer_of
from tests.support.rig_rules import BURST, NEGATIVE, OVER_LIMIT, tell

SEOUL: dict[str, Any] = {"projects": {PROJECT: {"timezone": "Asia/Seoul"}}}


def facts_of(rig: Rig, rule: str) -> list[Facts]:
    """Return the facts of each transition that was told of a rule."""
    return [told.entry.facts for told in rig.inbox.about(rule)]


async def test_a_run_is_told_with_its_ages_and_its_end_with_the_last(tmp_path: Path) -> None:
    """The firing has age, limit and zone of that moment; the resolve has the age at the end and the stop's result."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **SEOUL) as rig:
        await rig.run_for(15)
        rig.start_run(stop_lag=8)
        await rig.run_for(150)
        fired, ended = facts_of(rig, "RunOverLimit")
        assert (fired.timezone, fired.limit, fired.stop) == ("Asia/Seoul", 60.0, "stopped")
        assert fired.age is not None
        assert fired.age_at_most is not None
        assert 60 <= fired.age <= fired.age_at_most <= fired.age + 15
        run = await rig.the_run()
        assert ended.age == pytest.approx(run.seen_at - run.estimate_since)
        assert (ended.limit, ended.stop, ended.timezone) == (60.0, "stopped", "Asia/Seoul")


async def test_a_run_that_ends_by_itself_is_told_with_its_whole_age(tmp_path: Path) -> None:
    """The resolve says how old the run became, not how old it was when its alert fired."""
    async with open_rig(tmp_path, rules=tell('run.age > duration("20s")')) as rig:
        rig.start_run(duration=100)
        await rig.run_for(150)
        fired, ended = facts_of(rig, "Told")
        assert rig.inbox.about("Told")[-1].resolution is Resolution.ENDED
        assert fired.age is not None
        assert ended.age is not None
        assert (round(fired.age), round(ended.age)) == (20, 90)


@pytest.mark.parametrize(
    ("settings", "stop", "reason"),
    [({"mode": "shadow"}, "shadow", ""), ({"mode": "enforce", "apps": ["Other"]}, "refused", "app_not_allowed")],
)
async def test_what_the_monitor_did_is_told_by_name(
    tmp_path: Path, settings: dict[str, Any], stop: str, reason: str
) -> None:
    """The result of the stop and its named reason stand among the facts of the alert."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, auto_stop=settings) as rig:
        rig.start_run()
        await rig.run_for(90)
        [fired] = facts_of(rig, "RunOverLimit")
        assert (fired.stop, fired.stop_reason) == (stop, reason)


async def test_an_outcome_after_the_announcement_is_told_at_the_end(tmp_path: Path) -> None:
    """A stop that was refused at first and carried out later stands so in the resolve, in facts and annotation."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, auto_stop={"cooldown": "3m"}) as rig:
        conversation = rig.start_run()
        await rig.run_for(90)
        rig.start_run(conversation)
        await rig.run_for(200)
        fired, ended = rig.inbox.about("RunOverLimit")[-2:]
        assert (fired.entry.facts.stop, fired.entry.facts.stop_reason) == ("refused", "cooldown")
        assert (ended.entry.facts.stop, ended.action) == ("stopped", "refused"), "labels are frozen, facts are not"
        assert ended.entry.annotations["action"] == "The monitor stopped this run and saw that it ended."


async def test_the_last_step_is_told_by_its_key(tmp_path: Path) -> None:
    """Of the newest step that was read its key and its age are told, and never the text of its status."""
    async with open_rig(tmp_path, rules=tell('run.age > duration("80s")'), **SEOUL) as rig:
        rig.start_run(kind=RunKind.SLOW, every=5.0)
        await rig.run_for(100)
        [fired] = facts_of(rig, "Told")
        assert fired.last_step.startswith("step-")
        assert fired.last_step_ago is not None
        assert 0 <= fired.last_step_ago <= 75


async def test_what_was_not_observed_before_is_told_in_seconds(tmp_path: Path) -> None:
    """A run that is first seen after an outage is told with how long nothing was seen."""
    async with open_rig(tmp_path, rules=tell('run.age >= duration("0s")')) as rig:
        await rig.run_for(25)
        rig.world.set_fault(Fault(kind=FaultKind.ERROR))
        await rig.run_for(240)
        rig.start_run()
        rig.world.clear_faults()
        await rig.run_for(30)
        [fired] = facts_of(rig, "Told")
        assert fired.blind_before == pytest.approx(240, abs=1)


async def test_a_rating_is_told_with_its_value_and_its_end_with_the_new_one(tmp_path: Path) -> None:
    """A withdrawn event says what the rating became."""
    async with open_rig(tmp_path, rules=NEGATIVE, **SELDOM, **SEOUL) as rig:
        chat = answer_of(rig.talk("question", ">answer"))
        await rig.run_for(1)
        for vote in (False, True):
            rig.world.rate(chat.id, vote)
            await rig.sweep()
            await rig.run_for(2)
        told = [(facts.rating, facts.rated_by, facts.timezone) for facts in facts_of(rig, "NegativeRating")]
        assert told == [("negative", "user", "Asia/Seoul"), ("positive", "user", "Asia/Seoul")]


async def test_a_window_is_told_with_its_count(tmp_path: Path) -> None:
    """A burst says how many there were in which time, and its end how many are left."""
    async with open_rig(tmp_path, rules=BURST, **SELDOM) as rig:
        chats = [answer_of(rig.talk("question", ">answer", user=f"user-{n}")) for n in range(5)]
        await rig.run_for(1)
        for chat in chats:
            rig.world.rate(chat.id, False)
        await rig.sweep()
        await rig.run_for(2400)
        told = [(facts.count, facts.within) for facts in facts_of(rig, "NegativeRatingBurst")]
        assert told == [(5, 1800.0), (0, 1800.0)]


async def test_what_the_monitor_says_of_a_project_is_told_in_its_zone(tmp_path: Path) -> None:
    """Built-in alerts about a project carry its time zone."""
    async with open_rig(tmp_path, rules=NEGATIVE, **SEOUL) as rig:
        rig.world.set_fault(Fault(kind=FaultKind.ERROR))
        await rig.run_for(120)
        assert {facts.timezone for facts in facts_of(rig, "MonitorBlind")} == {"Asia/Seoul"}
