"""What the monitor says when it cannot see: the truth, and never that all is well."""

from __future__ import annotations

import math
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from monitor.simulator.faults import Fault, FaultKind
from monitor.simulator.server import serve
from monitor.simulator.world import World
from tests.acceptance.kit import Inbox, begin_run, rated_conversation, rounds, settings
from tests.support.daemon import Daemon, running_daemon
from tests.support.waiting import eventually

_INTERVAL = 0.5
_DELIVERY = 1.0  # seconds that grouping and the way to the webhook may take


async def test_a_revoked_key_is_told_and_resolves_nothing(world: World, api: str, inbox: Inbox, tmp_path: Path) -> None:
    """A key revoked in mid-run is told within two intervals and ends no alert; with a good key that is over."""
    conversation = begin_run(world)
    config = settings(api, tmp_path, inbox.receiver, polling={"runs": "500ms"}, auto_stop={"mode": "off"})
    async with running_daemon(config, tmp_path) as daemon:
        await inbox.arrival("RunOverLimit", conversation_id=conversation.id)
        world.revoke_key()
        await inbox.arrival("MonitorApiAuth", within=2 * _INTERVAL + _DELIVERY)
        await inbox.arrival("MonitorBlind")
        await eventually(lambda: world.record().faults["revoked"] >= 3, "further tries with the key")
        assert {run["outcome"] for run in await daemon.api("runs")} == {None}
        assert not [told for told in inbox.told if told.status == "resolved"]
        world.restore_key()
        await inbox.arrival("MonitorApiAuth", "resolved")
        await inbox.arrival("MonitorBlind", "resolved")
        await rounds(world, 4)
        assert [told.status for told in inbox.about("RunOverLimit")] == ["firing"]
        world.finish_run(conversation.id)
        await inbox.arrival("RunOverLimit", "resolved")


async def is_overdue(daemon: Daemon) -> bool:
    """Return whether the one run was observed for a second longer than it may take, had it been seen all the time."""
    [run] = await daemon.api("runs")
    late: float = run["age_seconds"] - run["limit_seconds"]
    return late > 1.0


@pytest.mark.parametrize("kind", [FaultKind.ERROR, FaultKind.HTML, None], ids=["503", "HTML in a 200", "refused"])
async def test_what_is_not_seen_neither_ends_nor_is_stopped(
    kind: FaultKind | None, world: World, inbox: Inbox, tmp_path: Path
) -> None:
    """While the API is down MonitorBlind fires, nothing resolves and nothing is stopped; afterwards all goes on."""
    begin_run(world)
    async with AsyncExitStack() as outer:
        alli = await outer.enter_async_context(AsyncExitStack())
        api = await alli.enter_async_context(serve(world))
        config = settings(
            api,
            tmp_path,
            inbox.receiver,
            polling={"runs": "500ms"},
            apps=[{"match": "*", "run_limit": "4s"}],
        )
        daemon = await outer.enter_async_context(running_daemon(config, tmp_path))
        await inbox.arrival("RunOpen")
        if kind is None:
            world.set_fault(Fault(kind=FaultKind.DROPPED))  # for a connection that outlives the server
            await alli.aclose()
        else:
            world.set_fault(Fault(kind=kind, operations=frozenset({"list_conversations"})))  # a stop would get through
        blind = await inbox.arrival("MonitorBlind")
        await eventually(lambda: is_overdue(daemon), "the limit passes while nothing is seen")
        assert (await daemon.api("status"))["state"] == "blind"
        assert not [told for told in inbox.told if told.status == "resolved"]
        assert world.record().stops == ()
        assert blind.labels["project"] == "support"
        seeing_since = world.record().now
        world.clear_faults()
        if kind is None:
            await outer.enter_async_context(serve(world, port=urlsplit(api).port or 0))
        await inbox.arrival("MonitorBlind", "resolved")
        await inbox.arrival("RunOverLimit", action="stopped", within=30.0)
        assert [stop.at >= seeing_since for stop in world.record().stops] == [True]


async def test_a_run_is_stopped_though_the_budget_is_short(
    world: World, api: str, inbox: Inbox, tmp_path: Path
) -> None:
    """Where the look-back wants more than the whole budget, it is put off and shown as such, and a run is stopped."""
    for _ in range(1000):
        rated_conversation(world, None)
    config = settings(api, tmp_path, inbox.receiver)
    config["projects"]["support"] |= {"requests_per_minute": 480, "max_in_flight": 2}
    async with running_daemon(config, tmp_path) as daemon:
        conversation = begin_run(world)
        await inbox.arrival("RunOverLimit", within=30.0, action="stopped")
        assert conversation.run is None

        async def kept(poll: str) -> float:
            return await daemon.metric("alli_monitor_poll_interval_seconds", poll=poll)

        async def waits() -> bool:
            return await kept("ratings_3600s") > 1 and math.isinf(await kept("ratings_604800s"))

        await eventually(waits, "the look-back is put off", within=30.0)
        assert await kept("runs") == 0.3
        assert daemon.events("request budget")
