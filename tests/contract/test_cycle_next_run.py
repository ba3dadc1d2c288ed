"""A run that begins right after another one in its conversation, where what says what runs lags behind the chats."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.cycle.manual_stops import stop_by_hand
from monitor.model.run import Outcome
from monitor.model.stop import StopResult
from monitor.simulator.entities import Conversation, Result, RunPlan
from monitor.simulator.options import Options
from tests.support.rig import START, Rig, open_rig
from tests.support.rig_rules import OVER_LIMIT

LAG = 25.0
UNLISTED = Options(running_lag=LAG, ignored_parameters=frozenset({"backgroundRunning"}))
"""Only `/running` tells what runs, and it lags behind."""
BOTH_LAG = Options(running_lag=LAG, running_filter_lag=LAG)


async def follow_up(rig: Rig, *, lasts: float | None = None, until: float = 75) -> Conversation:
    """
    Let a run end after 43 seconds and the next one begin after 48, and time pass until 75.

    Its chats show the later run to the poll at 50. The sources show the time between, from 68 to 73, to that at 70.
    """
    conversation = rig.start_run(result=Result.INCOMPLETE)
    await rig.run_for(43)
    rig.world.finish_run(conversation.id)
    await rig.run_for(5)
    rig.world.add_chat(conversation.id, "USER", "Once more.")
    rig.world.start_run(conversation.id, RunPlan(duration=lasts))
    await rig.run_for(until - 48)
    return conversation


@pytest.mark.parametrize("options", [UNLISTED, BOTH_LAG], ids=["unlisted", "both lag"])
async def test_the_moment_between_two_runs_ends_no_run(tmp_path: Path, options: Options) -> None:
    """What comes late and says that nothing ran between two runs does not end the later one."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=options) as rig:
        await follow_up(rig)
        former, following = await rig.runs()
        assert former.ended_at == following.began_at == START + 50
        assert (following.absent_since, following.ended_at) == (START + 70, None)
        await rig.run_for(10)
        _, following = await rig.runs()
        assert (following.age_since, following.absent_since) == (START + 80, None)


@pytest.mark.parametrize("options", [UNLISTED, BOTH_LAG], ids=["unlisted", "both lag"])
async def test_the_next_run_ends_when_it_was_seen_to_run(tmp_path: Path, options: Options) -> None:
    """Once the sources have shown the later run, they are believed about its end at once."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=options) as rig:
        await follow_up(rig, lasts=10)  # shown from 73 to 83 seconds
        await rig.run_for(16)
        _, following = await rig.runs()
        assert (following.ended_at, following.outcome) == (START + 90, Outcome.FINISHED)


async def test_the_next_run_ends_though_nothing_showed_it(tmp_path: Path) -> None:
    """A run that is over before any source shows it ends a while after its chats did, with the time of that."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=UNLISTED) as rig:
        await follow_up(rig, lasts=5)  # shown from 73 to 78 seconds, between two polls
        await rig.run_for(30)
        assert (await rig.runs())[-1].ended_at is None
        await rig.run_for(10)
        assert (await rig.runs())[-1].ended_at == START + 70
        assert len(await rig.runs()) == 2


async def test_a_stop_does_not_take_the_moment_between_two_runs_for_an_end(tmp_path: Path) -> None:
    """A stop that a person asks for just then is not said to be needless, and works when it is asked for again."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=UNLISTED) as rig:
        conversation = await follow_up(rig, until=71)
        await stop_by_hand([rig.project], conversation.id, project=None, asked_by="alice")
        await rig.run_for(20)
        assert (await rig.the_stop()).result is StopResult.CHANGED
        assert (await rig.runs())[-1].ended_at is None
        await stop_by_hand([rig.project], conversation.id, project=None, asked_by="alice")
        await rig.run_for(40)
        assert (await rig.the_stop()).result is StopResult.STOPPED
        [stop] = rig.world.record().stops
        assert stop.run_id == rig.world.record().runs[-1].id


async def test_a_chat_that_was_left_unfinished_is_not_the_next_run(tmp_path: Path) -> None:
    """When a run ends in which a user wrote, a chat that the run before never completed begins no other run."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=UNLISTED) as rig:
        conversation = rig.start_run(result=Result.INCOMPLETE)
        await rig.run_for(15)
        rig.world.finish_run(conversation.id)
        await rig.run_for(10)
        rig.world.add_chat(conversation.id, "USER", "Once more.")
        rig.start_run(conversation)
        await rig.run_for(40)
        rig.world.add_chat(conversation.id, "USER", "Hurry.")
        await rig.run_for(10)
        rig.world.finish_run(conversation.id)
        await rig.run_for(60)
        assert [run.outcome for run in await rig.runs()] == [Outcome.FINISHED, Outcome.FINISHED]
