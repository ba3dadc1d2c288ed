"""Receivers that are down or refuse, and the dead man's switch: nothing is lost, and somebody is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import pytest

from monitor.simulator.faults import Fault, FaultKind
from monitor.simulator.world import World
from tests.acceptance.kit import Inbox, rated_conversation, rounds, settings
from tests.support.daemon import TOKEN, Daemon, running_daemon
from tests.support.receivers import Reply
from tests.support.waiting import eventually


@pytest.fixture
async def other() -> AsyncIterator[Inbox]:
    """Provide another webhook, which no route leads to."""
    async with Inbox() as fake:
        yield fake


async def is_drained(daemon: Daemon) -> bool:
    """Return whether every receiver was told everything."""
    return await daemon.metric("alli_monitor_outbox_pending") == 0


async def test_an_outage_of_a_receiver_loses_nothing(
    world: World, api: str, inbox: Inbox, other: Inbox, tmp_path: Path
) -> None:
    """What happens while a receiver is down arrives afterwards, in order, and that it is down is told elsewhere."""
    conversation = rated_conversation(world, None, None)
    first, second = conversation.chats[1::2]
    down = [Reply(status=503, headers={"Retry-After": "1"})] * 5
    config = settings(api, tmp_path, inbox.receiver, {**other.receiver, "name": "ops"})
    async with running_daemon(config, tmp_path) as daemon:
        await inbox.arrival("BaselineRecorded")
        before = len(inbox.requests)
        inbox.replies.extend(down)
        world.rate(first.id, vote=False)
        await inbox.received(before + 1)
        world.rate(first.id, None)
        world.rate(second.id, vote=False)
        await other.arrival("ReceiverFailing", integration="oncall/webhook[0]")
        await eventually(lambda: not inbox.replies, "the receiver is back")
        await eventually(lambda: len(inbox.about("NegativeRating")) == 3, "all transitions arrive")
        await other.arrival("ReceiverFailing", "resolved")
        assert await daemon.metric("alli_monitor_notifications_total", receiver="oncall", outcome="retried") == 5
        assert await daemon.metric("alli_monitor_notifications_total", outcome="failed") == 0
        await eventually(lambda: is_drained(daemon), "the outbox is drained")
    retries = inbox.requests[before : before + 6]
    assert len({request.headers["idempotency-key"] for request in retries}) == 1
    assert [told.status for told in inbox.about("NegativeRating", chat_id=first.id)] == ["firing", "resolved"]
    assert [told.status for told in inbox.about("NegativeRating", chat_id=second.id)] == ["firing"]


async def test_an_alert_that_a_receiver_does_not_take_is_set_aside(
    world: World, api: str, inbox: Inbox, other: Inbox, tmp_path: Path
) -> None:
    """An alert answered 400 is tried once more, shortened, then counted as failed and told elsewhere; others go out."""
    conversation = rated_conversation(world, None, None)
    first, second = conversation.chats[1::2]
    config = settings(api, tmp_path, inbox.receiver, {**other.receiver, "name": "ops"})
    async with running_daemon(config, tmp_path) as daemon:
        await inbox.arrival("BaselineRecorded")
        inbox.replies.extend([Reply(status=400), Reply(status=400)])
        world.rate(first.id, vote=False)
        await inbox.arrival("NegativeRating", chat_id=first.id)
        await other.arrival("ReceiverFailing", integration="oncall/webhook[0]")
        assert await daemon.metric("alli_monitor_notifications_total", receiver="oncall", outcome="failed") == 2
        world.rate(second.id, vote=False)
        await inbox.arrival("NegativeRating", chat_id=second.id)
        [receiver] = [each for each in (await daemon.api("status"))["receivers"] if each["name"].startswith("oncall/")]
        keys = [request.headers["idempotency-key"] for request in inbox.requests]
    assert receiver["set_aside_at"] is not None
    assert not receiver["permanent"]
    assert len(set(keys)) == len(keys)


async def test_a_receiver_that_is_gone_misses_nothing(
    world: World, api: str, inbox: Inbox, other: Inbox, tmp_path: Path
) -> None:
    """What a receiver answers with 404 waits, is told elsewhere, and arrives after a reload once the address works."""
    config = settings(api, tmp_path, inbox.receiver, {**other.receiver, "name": "ops"})
    rated = rated_conversation(world, None)
    async with running_daemon(config, tmp_path) as daemon:
        await inbox.arrival("BaselineRecorded")
        inbox.replies.append(Reply(status=404))
        world.rate(rated.chats[-1].id, vote=False)
        await other.arrival("ReceiverFailing", integration="oncall/webhook[0]")
        assert not await is_drained(daemon)
        assert (await daemon.post("/-/reload", TOKEN)).status_code == HTTPStatus.OK
        await eventually(lambda: is_drained(daemon), "what waited is delivered")
        await other.arrival("ReceiverFailing", "resolved")
    assert [told.status for told in inbox.about("NegativeRating", chat_id=rated.chats[-1].id)] == ["firing"]


async def test_the_dead_man_is_pinged_only_while_all_is_well(
    world: World, api: str, inbox: Inbox, tmp_path: Path
) -> None:
    """Pings begin after the first good round, stop while Alli cannot be seen, and begin again after that."""
    pings: list[bytes] = []

    async def ping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pings.append((await reader.readuntil(b"\r\n\r\n")).splitlines()[0])
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    world.set_fault(Fault(kind=FaultKind.ERROR))
    async with await asyncio.start_server(ping, "127.0.0.1", 0) as switch:
        host, port = switch.sockets[0].getsockname()
        dead_man = {"url": f"http://{host}:{port}/ping/secret-path", "every": "300ms"}
        async with running_daemon(settings(api, tmp_path, inbox.receiver, dead_man=dead_man), tmp_path) as daemon:
            await inbox.arrival("MonitorBlind")
            await eventually(lambda: daemon.events("dead man's switch not pinged"), "the silence is logged")
            silent_since = len(pings)
            await rounds(world, 6)
            assert len(pings) == silent_since
            world.clear_faults()
            await inbox.arrival("MonitorBlind", "resolved")
            await eventually(lambda: len(pings) >= silent_since + 3, "pings come again")
        assert "secret-path" not in str(daemon.logs)
    assert set(pings) == {b"GET /ping/secret-path HTTP/1.1"}
