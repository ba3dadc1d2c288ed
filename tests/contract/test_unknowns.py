"""The main acceptance world over a pairwise set of what is not known of the API: right, or reported, never neither."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.tracking.capability_report import degradations
from tests.support.matrix_judge import Case, Telling, judge
from tests.support.matrix_story import Story
from tests.support.rig import PROJECT, Rig, open_rig
from tests.support.rig_rules import NEGATIVE, NEGATIVE_BY_AGENT, OVER_LIMIT
from tests.support.unknowns import FACTORS, covering, options, title

LIMIT = 60.0
LATE = 45.0  # both the list and `/running` may lag by 20 s, and then comes a poll
SETTINGS: dict[str, Any] = {
    "projects": {PROJECT: {"requests_per_minute": 600}},
    "apps": [{"match": "*", "run_limit": "60s"}],
    "auto_stop": {"mode": "enforce", "apps": ["Report*"]},
    "polling": {
        "ratings": [
            {"younger_than": "2h", "every": "1m"},
            {"younger_than": "24h", "every": "2m"},
            {"younger_than": "7d", "every": "3m"},
        ]
    },
}
AT_THE_START: dict[str, dict[str, Any]] = {"at the start": {"something runs": {}, "nothing runs": {}}}
"""What a probe finds out depends on whether anything runs then."""

ROWS = covering({**FACTORS, **AT_THE_START})


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


@pytest.mark.parametrize("row", ROWS, ids=lambda row: title({k: v for k, v in row.items() if k in FACTORS}))
async def test_every_outcome_is_right_or_reported(tmp_path: Path, row: dict[str, str]) -> None:
    """Whatever the server is like, nothing wrong happens that the monitor does not report."""
    choice = dict(row)
    at_start = choice.pop("at the start")
    rules = OVER_LIMIT + NEGATIVE + NEGATIVE_BY_AGENT
    async with open_rig(tmp_path, rules=rules, options=options(choice), **SETTINGS) as rig:
        story = Story(rig.world, limit=LIMIT, late=LATE, runs_at_start=at_start == "something runs")
        rig.clock.advance(30)
        story.watch()
        await rig.run_for(35)
        story.begin()
        await rig.run_for(Story.LENGTH * LIMIT)
        assert judge(await outcome(rig, story)) == []
