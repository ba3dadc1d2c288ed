"""Where the list, `/running` and the chats disagree, a person is told and nothing is stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.model.alert import Resolution
from monitor.model.capabilities import Proof
from monitor.model.run import Clash, Outcome
from monitor.model.stop import StopResult
from monitor.simulator.entities import Conversation, Result
from monitor.simulator.faults import Fault, FaultKind
from monitor.simulator.options import Options
from tests.support.rig import START, Rewrite, Rig, open_rig
from tests.support.rig_rules import OVER_LIMIT, tell

OLD = tell('run.age > duration("20s")', name="Old")
RUNNING = "backgroundRunning=true"
LIMIT: dict[str, Any] = {"apps": [{"match": "*", "run_limit": "8m", "labels": {"team": "bi"}}]}
"""A quarter of it, two minutes, is the age at which `/running` is asked for the first time."""


def denies(path: str, answer: Any) -> Any:
    """Let `/running` say that nothing runs."""
    return {**answer, "isRunning": False} if "/running?" in path else answer


def completes(path: str, answer: Any) -> Any:
    """Let the list show every chat as completed."""
    if RUNNING in path:
        for row in answer["conversations"]:
            for chat in row["chats"]:
                chat["completed"] = True
    return answer


def hides(path: str, answer: Any) -> Any:
    """Let the list show nothing that runs."""
    return answer | {"conversations": []} if RUNNING in path else answer


async def told_at(rig: Rig, rule: str, *, within: float) -> list[int]:
    """Let time pass, and return when this rule was told about, in seconds since the start."""
    await rig.run_for(within)
    return [round(told.at - START) for told in rig.inbox.about(rule)]


# Ghost runs


@pytest.mark.parametrize(
    ("lie", "clash", "after"), [(denies, Clash.NOT_RUNNING, 120 + 60), (completes, Clash.CHAT_COMPLETED, 60 + 300)]
)
async def test_a_ghost_run_is_told_and_forgotten(tmp_path: Path, lie: Rewrite, clash: Clash, after: float) -> None:
    """What the list shows and another source denies for several polls is told once, until the sources agree."""
    async with open_rig(tmp_path, rules=OLD, **LIMIT) as rig:
        conversation = rig.start_run()
        await rig.run_for(55)
        rig.rewrite = lie
        assert await told_at(rig, "GhostRun", within=after - 55 - 5) == []
        held = (await rig.the_run()).contradiction
        assert held is not None
        assert held.clash is clash
        assert held.polls > 3
        assert await told_at(rig, "GhostRun", within=100) == [after]
        labels = rig.inbox.about("GhostRun")[0].entry.labels
        run = await rig.the_run()
        assert (labels["conversation_id"], labels["run_id"]) == (conversation.id, run.id)
        assert (labels["app"], labels["team"], labels["severity"]) == ("Report", "bi", "warning")
        rig.rewrite = None
        await rig.run_for(70)
        assert rig.inbox.transitions("GhostRun") == ["firing", "resolved"]
        assert rig.inbox.about("GhostRun")[-1].resolution is Resolution.RECOVERED
        assert (await rig.the_run()).contradiction is None
        assert rig.inbox.transitions("Old") == ["firing"]


async def test_a_source_that_lags_is_not_told(tmp_path: Path) -> None:
    """A list that shows a run for half a minute after its end makes no alert."""
    async with open_rig(tmp_path, rules=OLD, **LIMIT) as rig:
        rig.start_run()
        await rig.run_for(115)
        rig.rewrite = denies
        await rig.run_for(30)
        assert (await rig.the_run()).contradiction is not None
        rig.rewrite = None
        await rig.run_for(200)
        assert (await rig.the_run()).contradiction is None
        assert not rig.inbox.about("GhostRun")


@pytest.mark.parametrize("lie", [denies, completes])
async def test_a_contradicted_run_is_not_stopped(tmp_path: Path, lie: Rewrite) -> None:
    """Past its limit it is refused with a reason of its own, and stopped once the sources agree that it runs."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **LIMIT) as rig:
        rig.start_run()
        await rig.run_for(55)
        rig.rewrite = lie
        await rig.run_for(600)
        stop = await rig.the_stop()
        assert (stop.result, stop.reason) == (StopResult.REFUSED, "contradicted")
        assert not rig.world.record().stops
        [told] = rig.inbox.about("RunOverLimit")
        assert told.action == "refused"
        assert "contradicts itself" in told.entry.annotations["action"]
        async with rig.store.snapshot() as tx:
            lines = await tx.stops.lines(limit=9)
        assert [(line.what, line.detail) for line in lines] == [("refused", "contradicted")]
        rig.rewrite = None
        await rig.run_for(80)
        assert len(rig.world.record().stops) == 1
        assert (await rig.the_run()).outcome is Outcome.STOPPED


async def test_a_stop_that_is_on_its_way_is_called_back(tmp_path: Path) -> None:
    """A stop that was decided while the sources agreed is refused when they no longer do, before anything is asked."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **LIMIT) as rig:
        rig.start_run()
        await rig.run_for(475)
        rig.world.set_fault(Fault(kind=FaultKind.ERROR, operations=frozenset({"get_conversation"})))
        await rig.run_for(8)
        assert (await rig.the_stop()).result is None
        rig.rewrite = completes
        await rig.run_for(60)
        stop = await rig.the_stop()
        assert (stop.result, stop.reason) == (StopResult.REFUSED, "contradicted")
        assert not rig.world.record().stops


async def test_a_ghost_survives_a_restart(tmp_path: Path) -> None:
    """What was seen before a restart counts, the alert goes on, and a silence of the sources does not resolve it."""
    async with open_rig(tmp_path, rules=OLD, **LIMIT) as rig:
        rig.start_run()
        await rig.run_for(55)
        rig.rewrite = denies
        await rig.run_for(105)
        held = (await rig.the_run()).contradiction
        await rig.restart(after=5)
        await rig.run_for(40)
        after = (await rig.the_run()).contradiction
        assert held is not None
        assert after is not None
        assert after.since == held.since
        assert rig.inbox.transitions("GhostRun") == ["firing"]
        rig.world.set_fault(Fault(kind=FaultKind.ERROR, operations=frozenset({"get_running"})))
        await rig.restart(after=5)
        await rig.run_for(120)
        assert rig.inbox.transitions("GhostRun") == ["firing"]


async def test_a_list_that_still_shows_a_stopped_run_begins_no_other(tmp_path: Path) -> None:
    """What the list goes on to show where a run has just ended is no run, unless `/running` says so."""
    options = Options(running_filter_lag=20.0)
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=options) as rig:
        rig.start_run()
        conversation = rig.start_run()
        await rig.run_for(5)
        rig.client.adapt(replace(rig.project.capabilities, running_filter=Proof.WORKS))
        await rig.run_for(115)
        assert [run.outcome for run in await rig.runs()] == [Outcome.STOPPED, Outcome.STOPPED]
        rig.start_run(conversation)
        await rig.run_for(40)
        assert [run.outcome for run in await rig.runs()] == [Outcome.STOPPED, Outcome.STOPPED, None]


async def test_a_ghost_that_ends_is_resolved(tmp_path: Path) -> None:
    """When the list gives way, the run ends and its alerts with it."""
    async with open_rig(tmp_path, rules=OLD, **LIMIT) as rig:
        conversation = rig.start_run()
        await rig.run_for(55)
        rig.rewrite = denies
        await rig.run_for(200)
        rig.world.finish_run(conversation.id)
        await rig.run_for(10)
        assert rig.inbox.about("GhostRun")[-1].resolution is Resolution.ENDED


async def test_running_is_asked_seldom(tmp_path: Path) -> None:
    """It costs one request in five minutes for each run past a quarter of its limit, and at most two in a poll."""
    async with open_rig(tmp_path, rules=OLD, **LIMIT) as rig:
        for _ in range(5):
            rig.start_run()
        await rig.run_for(118)
        before = rig.requests("get_running")
        await rig.run_for(4)
        assert rig.requests("get_running") - before == 2
        await rig.run_for(60)
        assert rig.requests("get_running") - before == 5
        await rig.run_for(300)
        assert rig.requests("get_running") - before == 10


# Hidden runs


async def test_a_hidden_run_is_told_after_a_minute(tmp_path: Path) -> None:
    """What `/running` confirms and the list lacks degrades the project, survives a restart, and is never stopped."""
    async with open_rig(tmp_path, rules=OLD + OVER_LIMIT, apps=[{"match": "*", "run_limit": "60s"}]) as rig:
        rig.start_run()
        await rig.run_for(25)
        rig.rewrite = hides
        await rig.run_for(60)
        assert not rig.inbox.about("MonitorDegraded")
        await rig.restart(after=5)
        rig.rewrite = hides
        await rig.run_for(30)
        assert rig.inbox.transitions("MonitorDegraded") == ["firing"]
        await rig.run_for(300)
        assert not rig.world.record().stops
        assert (await rig.the_run()).ended_at is None
        rig.rewrite = None
        await rig.run_for(20)
        assert rig.inbox.transitions("MonitorDegraded") == ["firing", "resolved"]


# Zombie chats


async def leave_a_chat(rig: Rig) -> Conversation:
    """Let a run end without completing its chat, at 30 seconds."""
    conversation = rig.start_run(result=Result.INCOMPLETE)
    await rig.run_for(25)
    rig.world.finish_run(conversation.id)
    await rig.run_for(10)
    assert (await rig.the_run()).outcome is Outcome.FINISHED
    return conversation


async def test_a_zombie_chat_is_told_and_forgotten(tmp_path: Path) -> None:
    """A chat that is unfinished five minutes after its run ended is told, until it is completed."""
    async with open_rig(tmp_path, rules=OLD, **LIMIT) as rig:
        conversation = await leave_a_chat(rig)
        assert await told_at(rig, "ZombieChat", within=290) == []
        assert await told_at(rig, "ZombieChat", within=20) == [330]
        labels = rig.inbox.about("ZombieChat")[0].entry.labels
        chat = conversation.chats[-1]
        assert (labels["conversation_id"], labels["chat_id"]) == (conversation.id, chat.id)
        assert (labels["app"], labels["team"], labels["severity"]) == ("Report", "bi", "warning")
        await rig.run_for(600)
        chat.completed = True
        await rig.run_for(310)
        assert rig.inbox.transitions("ZombieChat") == ["firing", "resolved"]
        assert rig.inbox.about("ZombieChat")[-1].resolution is Resolution.RECOVERED


async def test_a_zombie_chat_survives_a_restart(tmp_path: Path) -> None:
    """A run that ended before a restart is looked at after it, and what was told is not told again."""
    async with open_rig(tmp_path, rules=OLD, **LIMIT) as rig:
        await leave_a_chat(rig)
        await rig.restart(after=400)
        await rig.run_for(15)
        assert rig.inbox.transitions("ZombieChat") == ["firing"]
        await rig.restart(after=400)
        await rig.run_for(400)
        assert rig.inbox.transitions("ZombieChat") == ["firing"]


async def test_an_unknown_chat_is_no_zombie_and_resolves_none(tmp_path: Path) -> None:
    """While the chat cannot be read nothing is told; once it was told, nothing is taken back."""
    async with open_rig(tmp_path, rules=OLD, **LIMIT) as rig:
        await leave_a_chat(rig)
        unreadable = Fault(kind=FaultKind.ERROR, operations=frozenset({"get_chat"}))
        rig.world.set_fault(unreadable)
        await rig.run_for(400)
        assert not rig.inbox.about("ZombieChat")
        rig.world.clear_faults()
        await rig.run_for(30)
        assert rig.inbox.transitions("ZombieChat") == ["firing"]
        rig.world.set_fault(unreadable)
        await rig.run_for(700)
        assert rig.inbox.transitions("ZombieChat") == ["firing"]


@pytest.mark.parametrize(("lie", "after"), [(hides, 0), (denies, 20)])
async def test_a_chat_that_something_goes_on_with_is_no_zombie(tmp_path: Path, lie: Rewrite, after: float) -> None:
    """Where something runs again by the list or by `/running`, an unfinished chat may be as it should be."""
    async with open_rig(tmp_path, rules=OLD, **LIMIT) as rig:
        conversation = await leave_a_chat(rig)
        rig.start_run(conversation)
        await rig.run_for(after)
        rig.rewrite = lie
        await rig.run_for(500)
        assert not rig.inbox.about("ZombieChat")


async def test_a_zombie_chat_is_forgotten_with_its_conversation(tmp_path: Path) -> None:
    """A deleted conversation takes the alert about its chat along."""
    async with open_rig(tmp_path, rules=OLD, **LIMIT) as rig:
        conversation = await leave_a_chat(rig)
        await rig.run_for(310)
        rig.world.delete_conversation(conversation.id)
        await rig.run_for(310)
        assert rig.inbox.about("ZombieChat")[-1].resolution is Resolution.GONE


async def test_a_zombie_chat_is_told_for_a_day(tmp_path: Path) -> None:
    """What nobody cared about for a day expires, and is not found again."""
    async with open_rig(tmp_path, rules=OLD, **LIMIT) as rig:
        await leave_a_chat(rig)
        await rig.run_for(310)
        rig.clock.advance(86400)
        await rig.run_for(400)
        assert rig.inbox.transitions("ZombieChat") == ["firing", "resolved"]
        assert rig.inbox.about("ZombieChat")[-1].resolution is Resolution.EXPIRED
