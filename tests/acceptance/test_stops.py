"""Runs that take too long, from the poll to the stop and to whoever is told."""

from __future__ import annotations

import math
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from monitor.simulator.entities import RunKind, RunPlan
from monitor.simulator.faults import Fault, FaultKind
from monitor.simulator.record import StopEffect
from monitor.simulator.world import World
from tests.acceptance.kit import Inbox, begin_run, rounds, settings
from tests.support.daemon import Daemon, run_command, running_daemon
from tests.support.waiting import eventually

_LIMIT = 2.0
_SLACK = 0.5  # seconds that a stop may be late


def seconds(moment: str) -> float:
    """Return a time of the API as seconds."""
    return datetime.fromisoformat(moment).timestamp()


async def stop_of(daemon: Daemon, conversation_id: str, **fields: Any) -> dict[str, Any]:
    """Wait for a stop with these fields in the journal of a conversation."""

    async def look() -> list[dict[str, Any]]:
        actions = await daemon.api("actions", conversation_id=conversation_id)
        return [action for action in actions if fields.items() <= action.items()]

    found: list[dict[str, Any]] = await eventually(look, f"a stop of {conversation_id} with {fields}")
    return found[0]


async def test_an_overdue_run_is_stopped_once_and_on_time(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """A run whose limit passes between two polls is stopped then, not at the next poll, once, and it is all told."""
    conversation = begin_run(world)
    config = settings(
        api, tmp_path, inbox.receiver, polling={"runs": "5s", "evaluation": "1m"}, auto_stop={"verify_within": "10s"}
    )
    async with running_daemon(config, tmp_path, ready=False) as daemon:
        stops = await eventually(lambda: world.record().stops, "a stop arrives")
        firing = await inbox.arrival("RunOverLimit")
        await inbox.arrival("RunOverLimit", "resolved")
        stop = await stop_of(daemon, conversation.id, result="stopped")
        [run] = await daemon.api("runs")
        audit = (await daemon.get("/api/v1/actions")).json()["audit"]
        await rounds(world, 3)
    late = stops[0].at - (seconds(run["began_at"]) + _LIMIT)
    assert -0.01 <= late <= _SLACK, late
    assert [(each.effect, each.conversation_id) for each in world.record().stops] == [
        (StopEffect.STOPPED, conversation.id)
    ]
    assert [(told.status, told.labels["action"]) for told in inbox.about("RunOverLimit")] == [
        ("firing", "stopped"),
        ("resolved", "stopped"),
    ]
    assert firing.labels["conversation_id"] == conversation.id
    assert firing.labels["team"] == "bi"
    assert (stop["mode"], stop["requests"], run["outcome"]) == ("enforce", 1, "stopped")
    assert [line["what"] for line in reversed(audit)] == ["intended", "requesting", "requested", "stopped"]


async def test_a_run_that_ends_just_before_its_stop_is_left_alone(
    world: World, api: str, inbox: Inbox, tmp_path: Path
) -> None:
    """When the last look before a stop finds the run ended, nothing is asked of Alli, and the alert says so."""
    conversation = begin_run(world, plan=RunPlan(ends_on_check_after=_LIMIT))
    async with running_daemon(settings(api, tmp_path, inbox.receiver), tmp_path) as daemon:
        await inbox.arrival("RunOverLimit", "resolved", action="changed")
        stop = await stop_of(daemon, conversation.id, result="already_finished")
    assert stop["requests"] == 0
    assert world.record().stops == ()


async def test_shadow_asks_nothing_and_judges_what_it_would_have_done(
    world: World, api: str, inbox: Inbox, tmp_path: Path
) -> None:
    """Shadow mode tells what it would have stopped, and later whether the run ended by itself soon after."""
    config = settings(api, tmp_path, inbox.receiver, auto_stop={"mode": "shadow", "cooldown": "0s"})
    async with running_daemon(config, tmp_path) as daemon:
        soon_over = begin_run(world, plan=RunPlan(kind=RunKind.FINISHES, duration=_LIMIT * 1.5))
        hangs = begin_run(world)
        for conversation in (soon_over, hangs):
            await inbox.arrival("RunOverLimit", conversation_id=conversation.id, action="shadow")
        await stop_of(daemon, soon_over.id, result="shadow", verdict="regretted", mode="shadow")
        await stop_of(daemon, hangs.id, result="shadow", verdict="justified", mode="shadow")
        await inbox.arrival("RunOverLimit", "resolved", conversation_id=soon_over.id)
        assert not inbox.about("RunOverLimit", "resolved", conversation_id=hangs.id)
    assert world.record().stops == ()


async def test_apps_decide_what_may_be_stopped(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """Off only tells; an app that is not listed is refused; the one that is listed is stopped all the same."""
    apps = [{"match": "Quiet*", "run_limit": "2s", "auto_stop": {"mode": "off"}}, {"match": "*", "run_limit": "2s"}]
    config = settings(api, tmp_path, inbox.receiver, apps=apps, auto_stop={"apps": ["Report*"]})
    quiet, foreign, listed = (begin_run(world, app) for app in ("Quiet", "Foreign", "Report writer"))
    async with running_daemon(config, tmp_path) as daemon:
        told_of_quiet = await inbox.arrival("RunOverLimit", conversation_id=quiet.id)
        await inbox.arrival("RunOverLimit", conversation_id=foreign.id, action="refused")
        await inbox.arrival("RunOverLimit", conversation_id=listed.id, action="stopped")
        refused = await stop_of(daemon, foreign.id, result="refused")
        await rounds(world, 5)
        assert not await daemon.api("actions", conversation_id=quiet.id)
    assert "action" not in told_of_quiet.labels
    assert refused["reason"] == "app_not_allowed"
    assert {stop.conversation_id for stop in world.record().stops} == {listed.id}


async def test_the_brake_holds_while_the_daemon_runs(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """`autostop pause` and `protect` hold stops back; `resume` lets what is still overdue be stopped."""
    async with running_daemon(settings(api, tmp_path, inbox.receiver), tmp_path):
        config = tmp_path / "monitor.yml"
        paused = await run_command("autostop", "pause", "--config", config)
        paused_run, protected_run = begin_run(world), begin_run(world)
        protected = await run_command("protect", protected_run.id, "--until", "1h", "--config", config)
        for conversation in (paused_run, protected_run):
            await inbox.arrival("RunOverLimit", conversation_id=conversation.id, action="refused")
        await rounds(world, 5)
        assert world.record().stops == ()
        resumed = await run_command("autostop", "resume", "--config", config)
        await eventually(lambda: world.record().stops, "the stop that was held back")
        await inbox.arrival("RunOverLimit", "resolved", conversation_id=paused_run.id)
        await rounds(world, 5)
    assert (paused.code, protected.code, resumed.code) == (0, 0, 0), (paused, protected, resumed)
    assert [stop.conversation_id for stop in world.record().stops] == [paused_run.id]


async def test_a_stop_without_effect_is_tried_three_times(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """A run that ignores stops is asked once per `verify_within`, three times in all, and a person is called."""
    conversation = begin_run(world, plan=RunPlan(stop_lag=math.inf))
    config = settings(api, tmp_path, inbox.receiver, auto_stop={"verify_within": "1s", "cooldown": "0s"})
    async with running_daemon(config, tmp_path) as daemon:
        await inbox.arrival("RunOverLimit", action="ineffective")
        await inbox.arrival("StopIneffective", conversation_id=conversation.id)
        await stop_of(daemon, conversation.id, state="done", result="ineffective", requests=3)
        await rounds(world, 8)
        assert not inbox.about("RunOverLimit", "resolved")
    moments = [stop.at for stop in world.record().stops]
    assert len(moments) == 3
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(moments)), moments


@pytest.mark.parametrize(
    ("fault", "status", "wait"),
    [
        (Fault(kind=FaultKind.THROTTLE, retry_after=3, count=1, operations=frozenset({"stop_conversation"})), 429, 3.0),
        (Fault(kind=FaultKind.ERROR, status=503, count=1, operations=frozenset({"stop_conversation"})), 503, 0.0),
    ],
    ids=["429 with Retry-After", "503"],
)
async def test_a_refused_stop_counts_for_nothing_and_is_tried_again(  # noqa: PLR0917 - fixtures and a table
    fault: Fault, status: int, wait: float, world: World, api: str, inbox: Inbox, tmp_path: Path
) -> None:
    """A stop that Alli did not take spends no budget and no cooldown, and follows again, after Retry-After if given."""
    conversation = begin_run(world)
    world.set_fault(fault)
    limits = {"budget": {"per_hour": 2, "per_app_per_hour": 2}, "cooldown": "10m", "verify_within": "10s"}
    async with running_daemon(settings(api, tmp_path, inbox.receiver, auto_stop=limits), tmp_path) as daemon:
        await inbox.arrival("RunOverLimit", action="stopped")
        await stop_of(daemon, conversation.id, result="stopped", requests=1)
        await stop_of(daemon, begin_run(world).id, result="stopped")
        await stop_of(daemon, begin_run(world).id, result="refused", reason="budget_spent")
    first, second, _ = world.record().stops
    assert (first.effect, first.status, second.effect) == (StopEffect.REFUSED, status, StopEffect.STOPPED)
    assert second.at - first.at >= wait
