"""When the outbox is told to look: whenever a commit left something to do, and not after every look at Alli."""

from __future__ import annotations

from pathlib import Path

from monitor.cycle.manual_stops import stop_by_hand
from tests.support.rig import PROJECT, open_rig
from tests.support.rig_rules import OVER_LIMIT, tell

_JOBS = ("runs", "conversations", "evaluation")


async def test_looks_that_change_nothing_leave_the_outbox_alone(tmp_path: Path) -> None:
    """A daemon in whose projects nothing happens does not search its outbox again after every poll."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        rig.start_run()
        await rig.run_for(30)
        rig.awake.clear()
        for job in _JOBS:
            await rig.jobs.run(f"{PROJECT} {job}")
        assert not rig.awake.is_set()


async def test_an_alert_wakes_the_outbox(tmp_path: Path) -> None:
    """What fires, and what ends, is handed over at once."""
    async with open_rig(tmp_path, rules=tell('run.age > duration("20s")')) as rig:
        conversation = rig.start_run()
        await rig.run_for(15)
        rig.awake.clear()
        rig.clock.advance(10)
        await rig.jobs.run(f"{PROJECT} runs")
        assert rig.awake.is_set()
        rig.awake.clear()
        rig.world.finish_run(conversation.id)
        await rig.jobs.run(f"{PROJECT} runs")
        assert rig.awake.is_set()


async def test_a_stop_by_hand_wakes_the_outbox(tmp_path: Path) -> None:
    """A stop that a person asks for is an intent without an alert, and waits for nothing."""
    async with open_rig(tmp_path, rules=OVER_LIMIT) as rig:
        conversation = rig.start_run()
        await rig.run_for(15)
        rig.awake.clear()
        await stop_by_hand([rig.project], conversation.id, project=None, asked_by="somebody")
        assert rig.awake.is_set()
