"""The main acceptance world over a pairwise set of what is not known of the API: right, or reported, never neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.tracking.capability_report import degradations
from tests.support.matrix import BEFORE, BEGINS_AFTER, ROWS, RULES, SETTINGS, Row
from tests.support.matrix_judge import Case, Telling, judge
from tests.support.matrix_story import Story
from tests.support.rig import Rig, open_rig


async def outcome(rig: Rig, story: Story) -> Case:
    """Return what came of a story."""
    offset = rig.world.options.clock_offset
    told = [
        Telling(at=told.at + offset, rule=told.rule, status=told.status, labels=dict(told.entry.labels))
        for told in rig.inbox.told
    ]
    said = [alert.annotations["summary"] for alert in await rig.open_alerts("MonitorDegraded", "MonitorBlind")]
    return Case(
        facts=story.facts,
        record=rig.world.record(),
        told=told,
        runs=await rig.runs(),
        stops=await rig.stops(),
        reported=frozenset([*said, *degradations(rig.project.capabilities).values()]),
    )


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_every_outcome_is_right_or_reported(tmp_path: Path, row: Row) -> None:
    """Whatever the server is like, nothing wrong happens that the monitor does not report."""
    async with open_rig(tmp_path, rules=RULES, options=row.options, **SETTINGS) as rig:
        story = row.story(rig.world)
        rig.clock.advance(BEFORE)
        story.watch()
        await rig.run_for(BEGINS_AFTER)
        story.begin()
        await rig.run_for(Story.LENGTH * story.limit)
        assert judge(await outcome(rig, story)) == []
