"""The main acceptance world over a pairwise set of what is not known of the API: right, or reported, never neither."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from monitor.tracking.capability_report import degradations
from tests.support.matrix import BEFORE, BEGINS_AFTER, POLLS, ROWS, RULES, SETTINGS, Row
from tests.support.matrix_judge import Case, Telling, judge
from tests.support.matrix_story import Story
from tests.support.rig import Rig, open_rig
from tests.support.soak import SOAK

_LAGS = {"lags by 20 s", "stale by 20 s"}
_LATE_BASELINE = 6  # polls for which a story waits for the baseline, which some servers never let come about


@dataclass(frozen=True, slots=True, kw_only=True)
class Tempo:
    """
    How a story falls between the polls: it begins `phase` seconds after one.

    Requests take up to `latency` seconds on their way and as many back, by chance but the same in each play, so that
    polls, deadlines and looks drift against each other and against the story.
    """

    phase: float
    latency: float

    def __str__(self) -> str:
        return f"phase {self.phase:g}, latency {self.latency:g}"

    def slow_down(self, rig: Rig, row: Row) -> None:
        """Let requests take their time from now on."""
        chance = random.Random(f"{row} {self}")  # noqa: S311 - to spread requests, not to keep secrets

        def wait(_method: str, _path: str) -> None:
            rig.clock.advance(chance.uniform(0.0, self.latency))

        rig.before_request = rig.after_request = wait


PROMPT = Tempo(phase=BEGINS_AFTER % POLLS, latency=0.0)
SLOW = Tempo(phase=1.0, latency=0.1)
TEMPOS = [Tempo(phase=phase, latency=latency) for latency, phase in product((0.05, 0.1), (1.0, 2.5, 4.0, 6.5, 8.0))]
"""Were requests slower, polls would take longer than there is between them, and one would follow the other for ever."""

LAGGING = [row for row in ROWS if {row.choice["isRunning"], row.choice["backgroundRunning"]} & _LAGS]
"""The servers where what is said of what runs depends on when one asks."""

PLAYS = [(row, PROMPT) for row in ROWS]
PLAYS += list(product(ROWS, TEMPOS)) if SOAK else [(row, SLOW) for row in LAGGING]


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


@pytest.mark.parametrize(("row", "tempo"), PLAYS, ids=str)
async def test_every_outcome_is_right_or_reported(tmp_path: Path, row: Row, tempo: Tempo) -> None:
    """Whatever the server is like, and whenever one asks, nothing wrong happens that the monitor does not report."""
    async with open_rig(tmp_path, rules=RULES, options=row.options, **SETTINGS) as rig:
        tempo.slow_down(rig, row)
        story = row.story(rig.world)
        rig.clock.advance(BEFORE)
        story.watch()
        await rig.run_for(BEGINS_AFTER - PROMPT.phase + tempo.phase)
        for _ in range(_LATE_BASELINE):
            if not rig.inbox.about("BaselineRecorded"):
                await rig.run_for(POLLS)
        story.begin()
        await rig.run_for(Story.LENGTH * story.limit)
        assert judge(await outcome(rig, story)) == []
