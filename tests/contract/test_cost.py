"""
What watching costs: requests by the formula, and writes only where something changed.

With N conversations, R of them running, C changed since the watermark, O more that changed within its overlap and
L(i) in the band of tier i, a poll of runs costs ceil(max(R, 1) / 50) requests, one of changes ceil(max(C + O, 1) / 50)
and a sweep of tier i ceil(max(L(i), 1) / 50). N itself stands nowhere.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from monitor.simulator.entities import Conversation
from tests.support.rig import Rig, open_rig
from tests.support.rig_ratings import newest_pass, past_conversation
from tests.support.rig_rules import BURST, NEGATIVE, OVER_LIMIT

PAGE = 50
RUNNING = 12
CHANGED = 30
HOUR = 3600.0
DAY = 24 * HOUR
BANDS = [(0.0, 2 * HOUR), (2 * HOUR, DAY), (DAY, 7 * DAY), (7 * DAY, 30 * DAY)]
"""The bands of the default tiers, and what is older than all of them."""

SHARES = [0.05, 0.25, 0.6, 0.1]
"""How the conversations are spread over the bands."""

_WRITE = re.compile(r"\s*(INSERT INTO|UPDATE|DELETE FROM) (\w+)")


@asynccontextmanager
async def watched(directory: Path, count: int) -> AsyncIterator[tuple[Rig, list[Conversation]]]:
    """Yield a rig that has its baseline and had its first sweeps over so many conversations."""
    settings: dict[str, Any] = {
        "apps": [{"match": "*", "run_limit": "10h"}],
        "projects": {"support": {"requests_per_minute": 60_000}},
    }
    async with open_rig(directory, rules=OVER_LIMIT + NEGATIVE + BURST, **settings) as rig:
        conversations = [
            past_conversation(rig, low + 60 + (high - low - 1000) * number / (count * share), user=f"user-{number % 9}")
            for (low, high), share in zip(BANDS, SHARES, strict=True)
            for number in range(round(count * share))
        ]
        for conversation in conversations[-RUNNING:]:
            rig.start_run(conversation)
        await rig.run_for(16)
        yield rig, conversations


def in_band(rig: Rig, tier: int) -> int:
    """Return L: how many conversations the band of a tier holds now."""
    low, high = BANDS[tier]
    ages = (rig.now - (each.last_chat_at or 0.0) for each in rig.world.conversations.values())
    return sum(low <= age <= high for age in ages)


async def changed_since_watermark(rig: Rig) -> int:
    """Return C + O: how many conversations the next pass over changes will be shown."""
    done = await newest_pass(rig)
    assert done is not None
    assert done.watermark is not None
    return sum((each.last_chat_at or 0.0) >= done.watermark for each in rig.world.conversations.values())


def pages(rows: int) -> int:
    """Return how many requests it takes to list so many rows."""
    return max(math.ceil(rows / PAGE), 1)


def evaluations(rig: Rig) -> float:
    """Return how often rules were asked about ratings so far."""
    [family] = rig.metrics.rule_evaluations.collect()
    asked = [sample for sample in family.samples if sample.name.endswith("_total")]
    return sum(sample.value for sample in asked if sample.labels["rule"] != "RunOverLimit")


@contextmanager
def counted_writes(rig: Rig) -> Iterator[Counter[str]]:
    """Yield a counter of the rows that statements write, by ``UPDATE table``, and of such ``statements``."""
    counts: Counter[str] = Counter()

    def count(*arguments: Any) -> None:
        _, cursor, statement, parameters, _, executemany = arguments
        if match := _WRITE.match(statement):
            what = f"{match[1].partition(' ')[0]} {match[2]}"
            counts[what] += len(parameters) if executemany else max(cursor.rowcount, 0)
            counts[f"{what} statements"] += 1

    event.listen(rig.store._engine.sync_engine, "after_cursor_execute", count)
    yield counts
    event.remove(rig.store._engine.sync_engine, "after_cursor_execute", count)


@pytest.mark.parametrize("count", [1_000, 10_000])
async def test_requests_follow_the_formula_and_writes_follow_changes(tmp_path: Path, count: int) -> None:
    """Over five minutes of cycles requests are exactly those of the formula; what did not change is only touched."""
    async with watched(tmp_path, count) as (rig, conversations):
        # One cycle of each poll, with nothing changed.
        for _ in range(2):
            assert await requests_of(rig, rig.poll_runs()) == {"list_conversations": 1}
        rig.clock.advance(200)
        assert await changed_since_watermark(rig) <= PAGE
        assert await requests_of(rig, rig.poll_ratings()) == {"list_conversations": 1}
        for tier in (0, 1):
            expected = pages(in_band(rig, tier))
            before = evaluations(rig)
            with counted_writes(rig) as writes:
                assert await requests_of(rig, rig.sweep(tier)) == {"list_conversations": expected}
            assert evaluations(rig) == before
            assert writes["UPDATE conversations"] == in_band(rig, tier)
            assert writes["UPDATE conversations statements"] == expected
            assert not {name for name in writes if "ratings" in name or "rating_changes" in name}
            assert not writes["INSERT conversations"]

        # Five minutes in which the same few change, 30 in each cycle.
        expected_requests = 0
        with counted_writes(rig) as writes:
            before_requests = rig.requests()
            for cycle in range(10):
                for conversation in conversations[:CHANGED]:
                    rig.world.add_chat(conversation.id, "USER", f"more {cycle}")
                rows = await changed_since_watermark(rig)
                assert rows <= CHANGED + RUNNING  # C + O: the same thirty, and perhaps those that began to run
                expected_requests += pages(rows)
                await rig.poll_ratings()
                for _ in range(3):
                    await rig.poll_runs()
                    expected_requests += pages(RUNNING)
                    rig.clock.advance(10)
        assert rig.requests() - before_requests == expected_requests == 10 + 30
        assert writes["INSERT conversations"] == 10 * CHANGED


async def requests_of(rig: Rig, work: Any) -> dict[str, int]:
    """Do some work and return its requests by operation."""
    before = Counter(rig.world.record().requests)
    await work
    return dict(Counter(rig.world.record().requests) - before)


@pytest.mark.parametrize("changed", [0, 1, 50, 51, 130])
async def test_changes_cost_a_request_for_each_fifty(tmp_path: Path, changed: int) -> None:
    """One request is the floor; beyond it the cost grows with what changed, one row written for each."""
    async with watched(tmp_path, 400) as (rig, conversations):
        rig.clock.advance(400)
        await rig.poll_ratings()
        rig.clock.advance(200)
        for conversation in conversations[:changed]:
            rig.world.add_chat(conversation.id, "USER", "one more")
        with counted_writes(rig) as writes:
            assert await requests_of(rig, rig.poll_ratings()) == {"list_conversations": max(math.ceil(changed / 50), 1)}
        assert writes["INSERT conversations"] == changed


@pytest.mark.parametrize("running", [0, 50, 51])
async def test_running_costs_a_request_for_each_fifty(tmp_path: Path, running: int) -> None:
    """Runs are never asked about one by one."""
    async with open_rig(tmp_path, rules=OVER_LIMIT, apps=[{"match": "*", "run_limit": "10h"}]) as rig:
        for _ in range(running):
            rig.start_run()
        await rig.run_for(1)
        assert await requests_of(rig, rig.poll_runs()) == {"list_conversations": pages(running)}


async def test_the_steps_of_an_old_run_cost_a_request_a_minute(tmp_path: Path) -> None:
    """From a quarter of its limit on, one chat is read for each run, at most once a minute."""
    settings: dict[str, Any] = {
        "apps": [{"match": "*", "run_limit": "10m"}],
        "polling": {"runs": "20s", "conversations": "10m", "evaluation": "1m"},
    }
    async with open_rig(tmp_path, rules=OVER_LIMIT, **settings) as rig:
        rig.start_run()
        await rig.run_for(149)
        assert rig.requests("get_chat") == 0
        await rig.run_for(180)
        assert rig.requests("get_chat") == 3
