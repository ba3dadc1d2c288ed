"""The main acceptance world with the real daemon, on servers that differ from what one would expect in many ways."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from monitor.model.alert import Transition
from monitor.model.run import Run
from monitor.model.stop import Stop
from monitor.simulator.server import serve
from monitor.simulator.world import World
from monitor.store import Store
from tests.acceptance.kit import Inbox, settings
from tests.support.daemon import running_daemon
from tests.support.matrix_judge import Case, Telling, judge
from tests.support.matrix_story import Story
from tests.support.rig import load_rules
from tests.support.rig_rules import NEGATIVE, NEGATIVE_BY_AGENT, OVER_LIMIT
from tests.support.unknowns import FACTORS, options, title
from tests.support.waiting import eventually

LIMIT = 2.0
LATE = 6.0
USUAL = {factor: next(iter(levels)) for factor, levels in FACTORS.items()}
ROWS = [
    {
        **USUAL,
        "units": "ms, filters s",
        "embeds": "1",
        "missing": "403",
        "cursor": "by offset",
        "daily count": "403",
        "idle stop": "409",
        "novelties": "fields, types",
        "nulls": "all that may be",
        "wrapper": "result",
    },
    {
        **USUAL,
        "units": "s, filters ms",
        "embeds": "0",
        "missing": "200 with errors",
        "cursor": "endless",
        "backgroundRunning": "ignored",
        "clock": "fast by 90 s",
        "daily count": "400",
        "novelties": "senders",
        "rating": "touches",
    },
]


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
        runs, stops = await tx.runs.newest("support", limit=100), await tx.stops.newest("support", limit=100)
    return sorted(runs, key=lambda run: run.began_at), list(reversed(stops))


@pytest.mark.parametrize("row", ROWS, ids=title)
async def test_a_daemon_is_right_or_says_why(row: dict[str, str], inbox: Inbox, tmp_path: Path) -> None:
    """What holds in one process on virtual time holds for the daemon."""
    world = World(SystemClock(), options(row))
    story = Story(world, limit=LIMIT, late=LATE)
    auto_stop = {"apps": ["Report*"], "cooldown": "1m", "verify_within": "5s"}
    async with serve(world) as api:
        config = settings(api, tmp_path, inbox.receiver, auto_stop=auto_stop)
        load_rules(tmp_path, OVER_LIMIT + NEGATIVE + NEGATIVE_BY_AGENT)
        async with running_daemon(config, tmp_path) as daemon:
            story.watch()
            await inbox.arrival("BaselineRecorded")
            story.begin()
            await eventually(lambda: story.is_over, "the story ends", within=3 * Story.LENGTH * LIMIT)
            alerts = await daemon.api("alerts")
    runs, stops = await ledger_and_journal(tmp_path)
    case = Case(
        facts=story.facts,
        record=world.record(),
        told=tellings(inbox, world.options.clock_offset),
        runs=runs,
        stops=stops,
        reported=frozenset(
            alert["annotations"]["summary"] for alert in alerts if alert["labels"]["alertname"] == "MonitorDegraded"
        ),
    )
    assert judge(case) == []
