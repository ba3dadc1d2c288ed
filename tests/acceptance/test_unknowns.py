"""The main acceptance world with the real daemon, over the same servers as on virtual time, all at once and faster."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import ScaledClock
from monitor.model.alert import Transition
from monitor.model.run import Run
from monitor.model.stop import Stop
from monitor.simulator.server import serve
from monitor.simulator.world import World
from monitor.store import Store
from tests.acceptance.kit import KEY, Inbox
from tests.support.daemon import running_daemon
from tests.support.matrix import BEFORE, BEGINS_AFTER, POLLS, ROWS, RULES, SETTINGS, Row
from tests.support.matrix_judge import Case, Telling, judge
from tests.support.matrix_story import Story
from tests.support.rig import PROJECT, load_rules
from tests.support.soak import SOAK
from tests.support.waiting import eventually

PLAYED = ROWS if SOAK else ROWS[::5]
"""The rows that are played: in a soak all, else every fifth; on virtual time all are played always."""

SPEED = 2.0 if SOAK else 6.0
"""
How many times as fast as the machine's clock time passes for daemons and servers.

The rows are played at once. All of them take half of two cores, so a soak wants a machine for itself: what is a
second late there is two seconds late here.
"""

STARTING = 4
"""How many daemons start at once, until they know the past: that takes each a core for seconds."""


def configuration(api: str, inbox: Inbox, directory: Path) -> dict[str, Any]:
    """Return what the rig has, too, and where the server is, and who is told, and the files."""
    load_rules(directory, RULES)
    return {
        **SETTINGS,
        "projects": {PROJECT: {**SETTINGS["projects"][PROJECT], "base_url": api, "api_key": KEY}},
        "rule_files": [str(directory / "rules.yml")],
        "alerting": {
            "route": {"receiver": "oncall", "group_by": ["..."], "group_wait": "0s", "group_interval": "1s"},
            "receivers": [inbox.receiver],
        },
        "storage": {"url": f"sqlite:///{directory / 'monitor.db'}"},
        "web": {"listen": "127.0.0.1:0"},
        "log": {"format": "json"},
    }


def tellings(inbox: Inbox, offset: float) -> list[Telling]:
    """Return what the webhook was told, in server time."""
    found: dict[tuple[str, str, str], Telling] = {}
    for alert in (alert for request in inbox.requests for alert in request.body["alerts"]):
        at = datetime.fromisoformat(alert["startsAt" if alert["status"] == "firing" else "endsAt"]).timestamp()
        labels = alert["labels"]
        telling = Telling(
            at=at + offset, rule=labels["alertname"], status=Transition(alert["status"]), labels=dict(labels)
        )
        found.setdefault((alert["fingerprint"], alert["startsAt"], alert["status"]), telling)
    return list(found.values())


async def ledger_and_journal(directory: Path) -> tuple[list[Run], list[Stop]]:
    """Return the runs and the stops that a daemon wrote down, the oldest first."""
    async with Store.open(f"sqlite:///{directory / 'monitor.db'}") as store, store.snapshot() as tx:
        runs, stops = await tx.runs.newest(PROJECT, limit=1000), await tx.stops.newest(PROJECT, limit=1000)
    return sorted(runs, key=lambda run: run.began_at), list(reversed(stops))


def knows_the_past(inbox: Inbox) -> bool:
    """Return whether the monitor recorded what was there before it, or told why it cannot."""
    return bool(inbox.about("BaselineRecorded") or inbox.about("MonitorDegraded", cause="conversations"))


async def play(row: Row, directory: Path, starting: asyncio.Semaphore, reading: asyncio.Lock) -> list[str]:
    """Play the story of a row with a daemon of its own, and return what was wrong."""
    await asyncio.to_thread(directory.mkdir)
    clock = ScaledClock(SPEED)
    world = World(clock, row.options)
    story = row.story(world)
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(serve(world))
        inbox = await stack.enter_async_context(Inbox())
        config = configuration(api, inbox, directory)
        await clock.sleep(BEFORE)
        async with starting:
            running = running_daemon(config, directory, clock=clock, ready=False)
            daemon = await stack.enter_async_context(running)
            story.watch()
            came = clock.now()
            await eventually(lambda: knows_the_past(inbox), f"{row}: the baseline is recorded", within=90.0)
        left = BEGINS_AFTER - (clock.now() - came)
        await clock.sleep(left if left > 0 else left % POLLS)
        story.begin()
        await clock.sleep(Story.LENGTH * story.limit)
        record, alerts = world.record(), await daemon.api("alerts")
    async with reading:  # Alembic knows one database at a time
        runs, stops = await ledger_and_journal(directory)
    case = Case(
        facts=story.facts,
        record=record,
        told=tellings(inbox, world.options.clock_offset),
        runs=runs,
        stops=stops,
        reported=frozenset(
            alert["annotations"]["summary"]
            for alert in alerts
            if alert["labels"]["alertname"] in {"MonitorDegraded", "MonitorBlind"}
        ),
    )
    return judge(case)


@pytest.mark.timeout(900)
async def test_every_outcome_of_a_daemon_is_right_or_reported(tmp_path: Path) -> None:
    """What holds in one process on virtual time holds for the daemon."""
    starting, reading = asyncio.Semaphore(STARTING), asyncio.Lock()
    async with asyncio.TaskGroup() as tasks:
        plays = [tasks.create_task(play(row, tmp_path / str(n), starting, reading)) for n, row in enumerate(PLAYED)]
    wrong = [
        "\n  ".join([f"row {number}, {row}:", *played.result()])
        for number, (row, played) in enumerate(zip(PLAYED, plays, strict=True))
        if played.result()
    ]
    # What the daemons were late with because they had to wait for a core says nothing about them.
    assert not wrong, "\n".join([*wrong, f"the machine's load is {os.getloadavg()} on {os.cpu_count()} cores"])
