"""What happens while a pass over the running conversations is under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from monitor.model.run import Outcome
from monitor.simulator.faults import Fault, FaultKind
from monitor.simulator.options import Options
from tests.support.rig import Rig, open_rig
from tests.support.rig_rules import OVER_LIMIT, tell

OVERDUE = tell("run.age > run.limit")


@asynccontextmanager
async def slow_pass(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Event]:
    """Poll the runs; the list is made, and arrives at the end of the block, or before when what this yields is set."""
    asked, answered = asyncio.Event(), asyncio.Event()

    async def hold_back(_seconds: float) -> None:
        asked.set()
        await answered.wait()

    rig.world.set_fault(Fault(kind=FaultKind.SLOW, operations=frozenset({"list_conversations"}), count=1))
    monkeypatch.setattr(rig.clock, "sleep", hold_back)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(rig.poll_runs())
        await asked.wait()
        yield answered
        answered.set()


async def end_before_the_limit(rig: Rig) -> None:
    """Let a run end after the last look at it, and its limit pass before the next."""
    conversation = rig.start_run()
    await rig.run_for(59)
    rig.world.finish_run(conversation.id)
    rig.clock.advance(2)


async def test_a_pass_under_way_goes_before_a_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ended before its limit is not told as overdue while the pass that shows its end is under way."""
    async with open_rig(tmp_path, rules=OVERDUE) as rig:
        await end_before_the_limit(rig)
        async with slow_pass(rig, monkeypatch) as answered:

            def wait(seconds: float) -> float:
                answered.set()
                return seconds

            monkeypatch.setattr(rig.clock, "real_seconds", wait)
            await rig.evaluate()
        assert (await rig.the_run()).ended_at is not None
        assert rig.inbox.transitions("Told") == []


async def test_a_slow_pass_holds_no_deadline_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is overdue is told without a pass that takes longer than an interval, which is no time on this clock."""
    async with open_rig(tmp_path, rules=OVERDUE) as rig:
        await end_before_the_limit(rig)
        async with slow_pass(rig, monkeypatch):
            await rig.evaluate()
        assert rig.inbox.transitions("Told") == ["firing"]


async def test_a_run_that_ends_during_a_pass_does_not_begin_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that was made before a stopped run was seen to end, and arrives after that, begins no run."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, options=Options(running_filter_lag=20.0)) as rig:
        rig.start_run()
        await rig.run_for(81)  # listed after 20 seconds, stopped after 80, looked at after 90
        rig.clock.advance(9.5)
        async with slow_pass(rig, monkeypatch):
            await rig.deliver()
            rig.clock.advance(1)
        assert (await rig.the_run()).outcome is Outcome.STOPPED
