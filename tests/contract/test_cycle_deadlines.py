"""What the passing of time makes true is done at its moment, and never about what is unknown."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from monitor.simulator.entities import RunKind
from monitor.simulator.faults import Fault, FaultKind
from tests.support.rig import START, open_rig
from tests.support.rig_rules import OVER_LIMIT, tell

LIMIT: dict[str, Any] = {"apps": [{"match": "*", "run_limit": "65s"}]}
"""Overdue halfway between two polls, which come every 10 seconds."""

AT_ONCE = 0.01
"""Seconds after its moment in which what is due is done."""


async def test_an_overdue_run_is_stopped_at_its_limit(tmp_path: Path) -> None:
    """The stop leaves within milliseconds of `run_limit`, not at the next poll."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **LIMIT) as rig:
        rig.start_run()
        await rig.run_for(69)
        [stop] = rig.world.record().stops
        assert 65 < stop.at - START < 65 + AT_ONCE


async def test_a_run_is_as_old_as_it_was_observed(tmp_path: Path) -> None:
    """A run that began between two polls is overdue only `run_limit` after the poll that saw it first."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **LIMIT) as rig:
        await rig.run_for(3)
        rig.start_run()
        await rig.run_for(100)
        [stop] = rig.world.record().stops
        assert 75 < stop.at - START < 75 + AT_ONCE


@pytest.mark.parametrize(
    ("expr", "seconds"),
    [
        ('run.age > duration("33s")', 33),
        ('duration("33s") <= run.age', 33),
        ('run.age > run.limit + duration("7s")', 72),
        ('run.age > run.limit - duration("7s")', 58),
        ('run.age_estimate > duration("95s")', 65),
        ('run.idle > duration("41s")', 41),
        ('run.busy > duration("44s")', 44),
        ('run.age > duration("12s") && run.idle > duration("37s")', 37),
        ('run.age > run.limit || run.busy > duration("52s")', 52),
        ('run.age > duration("23s") && run.age < duration("27s")', 23),
    ],
)
async def test_each_duration_that_an_age_is_compared_with_is_a_deadline(
    tmp_path: Path, expr: str, seconds: float
) -> None:
    """A rule fires when its comparison becomes true, whichever age and whatever form it has."""
    async with open_rig(tmp_path, rules=tell(expr), **LIMIT) as rig:
        rig.start_run()
        rig.clock.advance(30)  # the chats tell that it began 30 seconds before the monitor did
        await rig.restart()
        start = rig.now
        await rig.run_for(80)
        told = rig.inbox.about("Told")[0]
        assert seconds < told.at - start < seconds + AT_ONCE


async def test_the_longest_that_a_run_can_be_old_is_a_deadline_too(tmp_path: Path) -> None:
    """`run.age_at_most` counts from the last poll that saw nothing run."""
    async with open_rig(tmp_path, rules=tell('run.age_at_most > duration("25s")')) as rig:
        await rig.run_for(5)
        rig.start_run()
        await rig.run_for(23)
        [told] = rig.inbox.about("Told")
        assert 25 < told.at - START < 25 + AT_ONCE


async def test_for_ends_at_its_moment(tmp_path: Path) -> None:
    """An alert fires `for` after its expression became true, though no poll comes then."""
    async with open_rig(tmp_path, rules=tell('run.age > duration("21s")', for_="4s")) as rig:
        rig.start_run()
        await rig.run_for(29)
        [told] = rig.inbox.about("Told")
        assert 25 < told.at - START < 25 + AT_ONCE


async def test_blind_time_freezes_for(tmp_path: Path) -> None:
    """What was not observed does not count for `for`; a blind time longer than `for` restarts it."""
    rules = tell('run.age > duration("21s")', for_="3m") + tell('run.age > duration("21s")', name="Short", for_="40s")
    async with open_rig(tmp_path, rules=rules) as rig:
        rig.start_run()
        await rig.run_for(51)
        rig.world.set_fault(Fault(kind=FaultKind.ERROR, ends=START + 145))
        await rig.run_for(300)
        [long] = rig.inbox.about("Told")
        [short] = rig.inbox.about("Short")
        observed_until = 75 - 21  # the run counts as known for three intervals after it was seen last
        assert long.at - START == pytest.approx(150 + 180 - observed_until, abs=16)
        assert short.at - START == pytest.approx(61, abs=AT_ONCE)


async def test_a_run_that_was_not_seen_for_three_intervals_is_left_alone(tmp_path: Path) -> None:
    """Overdue while Alli does not answer, a run is neither told about nor stopped until it is seen again."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **LIMIT) as rig:
        rig.start_run()
        await rig.run_for(25)
        rig.world.set_fault(Fault(kind=FaultKind.ERROR, ends=START + 105))
        await rig.run_for(80)
        assert not await rig.stops()
        assert not await rig.open_alerts("RunOverLimit")
        await rig.run_for(10)
        [stop] = rig.world.record().stops
        assert stop.at - START == pytest.approx(110, abs=AT_ONCE)


async def test_a_blind_gap_restarts_the_age_where_no_chat_stands_on_both_sides(tmp_path: Path) -> None:
    """A run without an incomplete chat may be another one after a long gap, so it is young again."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **LIMIT) as rig:
        rig.start_run(shows_chat=False)
        await rig.run_for(25)
        rig.world.set_fault(Fault(kind=FaultKind.ERROR, ends=START + 105))
        await rig.run_for(150)
        assert not rig.world.record().stops
        await rig.run_for(1)
        [stop] = rig.world.record().stops
        assert 175 < stop.at - START < 175 + AT_ONCE


async def test_a_restart_is_no_break(tmp_path: Path) -> None:
    """A daemon that comes back within the gap stops the run at the moment it would have."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **LIMIT) as rig:
        rig.start_run(shows_chat=False)
        await rig.run_for(33)
        await rig.restart(after=20)
        await rig.run_for(15)
        [stop] = rig.world.record().stops
        assert 65 < stop.at - START < 65 + AT_ONCE


async def test_a_loop_that_replaces_its_chat_is_busy_but_never_old(tmp_path: Path) -> None:
    """Each replaced chat restarts `run.age`, so nothing is stopped, while `run.busy` tells of the loop."""
    rules = OVER_LIMIT + tell('run.busy > duration("127s")')
    async with open_rig(tmp_path, rules=rules) as rig:
        rig.start_run(kind=RunKind.LOOPS, replaces_chat=True, every=25, stop_lag=math.inf)
        await rig.run_for(180)
        [told] = rig.inbox.about("Told")
        assert 127 < told.at - START < 127 + AT_ONCE
        assert not rig.world.record().stops
        run = await rig.the_run()
        assert rig.now - run.age_since <= 35
        assert run.busy_since == START


async def test_a_loop_that_keeps_its_chat_is_stopped(tmp_path: Path) -> None:
    """Further chats of the app do not make a run young."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, **LIMIT) as rig:
        rig.start_run(kind=RunKind.LOOPS, every=7)
        await rig.run_for(70)
        [stop] = rig.world.record().stops
        assert 65 < stop.at - START < 65 + AT_ONCE
