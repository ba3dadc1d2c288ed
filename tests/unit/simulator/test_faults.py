"""What goes wrong on the way: each kind of fault, and whom and when it strikes."""

from __future__ import annotations

import asyncio
import json
from email.utils import formatdate

import httpx
import pytest

from monitor.clock import SystemClock
from monitor.simulator.entities import Conversation
from monitor.simulator.faults import Fault, FaultKind
from monitor.simulator.options import Options
from monitor.simulator.server import serve
from monitor.simulator.world import World
from tests.support.clock import ManualClock

LIST = "/webapi/v2/conversations"
CATEGORIES = "/webapi/v2/conversation_categories"


async def statuses(client: httpx.AsyncClient, count: int, url: str = LIST) -> list[int]:
    """Return the statuses of `count` requests."""
    return [(await client.get(url)).status_code for _ in range(count)]


async def test_a_window(client: httpx.AsyncClient, clock: ManualClock, world: World) -> None:
    """A fault strikes from its begin until just before its end."""
    world.set_fault(Fault(kind=FaultKind.ERROR, begins=world.start + 10, ends=world.start + 12))
    seen = []
    for _ in range(4):
        seen += await statuses(client, 1)
        clock.advance(5 if clock.now() < world.start + 10 else 1)
    seen += await statuses(client, 1)
    assert seen == [200, 200, 503, 503, 200]


async def test_some_operations(client: httpx.AsyncClient, world: World) -> None:
    """A fault strikes the operations that it names."""
    world.set_fault(Fault(kind=FaultKind.ERROR, status=502, operations=frozenset({"list_categories"})))
    assert await statuses(client, 1) == [200]
    assert await statuses(client, 1, CATEGORIES) == [502]


async def test_a_count(client: httpx.AsyncClient, world: World) -> None:
    """A fault with a count strikes that often, and the record counts it."""
    world.set_fault(Fault(kind=FaultKind.ERROR, count=2))
    assert await statuses(client, 3) == [503, 503, 200]
    assert world.record().faults == {"error": 2}


async def test_chance(clock: ManualClock) -> None:
    """A fault with a chance strikes about that often, the same requests for the same seed."""
    seen = []
    for seed in (1, 1, 2):
        world = World(clock, seed=seed)
        world.set_fault(Fault(kind=FaultKind.ERROR, chance=0.3))
        seen.append([world.faults.strike("list_chats", world.now) is not None for _ in range(500)])
    assert seen[0] == seen[1] != seen[2]
    assert 100 < sum(seen[0]) < 200


async def test_cleared_faults(client: httpx.AsyncClient, world: World) -> None:
    """Faults are cleared by kind or all at once; the first of several strikes."""
    for kind in (FaultKind.ERROR, FaultKind.THROTTLE, FaultKind.HTML):
        world.set_fault(Fault(kind=kind))
    assert await statuses(client, 1) == [503]
    world.clear_faults(FaultKind.ERROR)
    assert await statuses(client, 1) == [429]
    world.clear_faults()
    assert (await client.get(LIST)).json()["conversations"] == []


async def test_retry_after(client: httpx.AsyncClient, world: World) -> None:
    """A throttled answer asks to wait, in seconds or until an HTTP date of the server's clock."""
    world.set_fault(Fault(kind=FaultKind.THROTTLE, retry_after=7, count=1))
    world.set_fault(Fault(kind=FaultKind.THROTTLE, retry_after=7, retry_after_date=True, count=1))
    world.set_fault(Fault(kind=FaultKind.THROTTLE))
    answers = [await client.get(LIST) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429] * 3
    waits = [answer.headers.get("retry-after") for answer in answers]
    assert waits == ["7", formatdate(world.now + 7, usegmt=True), None]


async def test_slow_answers(client: httpx.AsyncClient, clock: ManualClock, world: World) -> None:
    """A slow answer tells what was true when it was asked for, and comes later."""
    world.set_fault(Fault(kind=FaultKind.SLOW, delay=30))
    world.at(world.start + 10, world.add_conversation)
    response = await client.get(LIST)
    assert clock.now() == world.start + 30
    assert response.json()["conversations"] == []


async def test_broken_answers(client: httpx.AsyncClient, world: World) -> None:
    """An answer breaks off, is a web page, is empty or stands in another envelope, all with a 200."""
    world.add_conversation()
    kinds = (FaultKind.TRUNCATED, FaultKind.HTML, FaultKind.EMPTY, FaultKind.ENVELOPE)
    for kind in kinds:
        world.set_fault(Fault(kind=kind, count=1))
    truncated, html, empty, envelope, good = [await client.get(LIST) for _ in range(5)]
    assert {answer.status_code for answer in (truncated, html, empty, envelope)} == {200}
    assert good.content.startswith(truncated.content)
    with pytest.raises(json.JSONDecodeError):
        truncated.json()
    assert html.headers["content-type"].startswith("text/html")
    assert empty.content == b""
    assert envelope.json() == {"payload": good.json()}


@pytest.mark.parametrize(("rest", "name"), [("", "conversations"), ("/{id}/chats", "chats")])
async def test_a_bad_row(
    client: httpx.AsyncClient, world: World, conversation: Conversation, rest: str, name: str
) -> None:
    """One row in the middle of a page is of the wrong shape, the others are as they were."""
    for number in range(3):
        world.add_chat(conversation.id, at=world.start + number)
        world.add_chat(world.add_conversation(at=world.start + number).id)
    url = LIST + rest.format(id=conversation.id)
    world.set_fault(Fault(kind=FaultKind.BAD_ROW, count=1))
    bad, good = [(await client.get(url)).json()[name] for _ in range(2)]
    differences = [number for number, row in enumerate(good) if bad[number] != row]
    assert differences == [len(good) // 2]
    assert not isinstance(bad[differences[0]]["id"], str)


async def test_a_bad_row_in_a_wrapper(client: httpx.AsyncClient, world: World) -> None:
    """A row is also spoilt where the server puts its answers under `result`."""
    world.options = Options(result_wrapper=True)
    world.add_conversation()
    world.set_fault(Fault(kind=FaultKind.BAD_ROW))
    (row,) = (await client.get(LIST)).json()["result"]["conversations"]
    assert row["id"] == 17


@pytest.mark.parametrize("kind", [FaultKind.TRUNCATED, FaultKind.ENVELOPE, FaultKind.BAD_ROW])
async def test_faults_of_answers_without_json(
    client: httpx.AsyncClient, world: World, conversation: Conversation, kind: FaultKind
) -> None:
    """An answer without a body can only break off; other faults of JSON leave it as it is."""
    world.set_fault(Fault(kind=kind))
    response = await client.post(f"{LIST}/{conversation.id}/stop")
    assert response.status_code == 200
    assert response.content == (b"{" if kind is FaultKind.TRUNCATED else b"")


@pytest.mark.parametrize(
    ("kind", "status"), [(FaultKind.ERROR, 503), (FaultKind.THROTTLE, 429), (FaultKind.REVOKED, 401)]
)
async def test_refused_stops(
    client: httpx.AsyncClient, world: World, conversation: Conversation, kind: FaultKind, status: int
) -> None:
    """A stop that is refused has no effect and is on record with its status."""
    run = world.start_run(conversation.id)
    world.set_fault(Fault(kind=kind))
    assert (await client.post(f"{LIST}/{conversation.id}/stop")).status_code == status
    (stop,) = world.record().stops
    assert (stop.effect, stop.run_id, stop.status) == ("refused", run.id, status)
    assert conversation.run is run


@pytest.mark.parametrize(
    ("kind", "effect", "status"), [(FaultKind.DROPPED, "refused", None), (FaultKind.RESET, "stopped", 200)]
)
async def test_broken_connections(
    caplog: pytest.LogCaptureFixture, kind: FaultKind, effect: str, status: int | None
) -> None:
    """Over a socket the connection breaks quietly, without an answer, before or after the request had its effect."""
    world = World(SystemClock())
    conversation = world.add_conversation()
    world.start_run(conversation.id)
    world.set_fault(Fault(kind=kind, count=1))
    headers = {"API-KEY": world.options.api_key}
    async with serve(world) as url, httpx.AsyncClient(base_url=url, headers=headers) as client:
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await client.post(f"{LIST}/{conversation.id}/stop")
        assert (await client.get(LIST)).status_code == 200
    assert [(stop.effect, stop.status) for stop in world.record().stops] == [(effect, status)]
    assert caplog.records == []


async def test_a_broken_connection_without_a_socket(client: httpx.AsyncClient, world: World) -> None:
    """Within one process the client sees what httpx would raise."""
    world.set_fault(Fault(kind=FaultKind.RESET))
    with pytest.raises(httpx.ReadError):
        await client.get(LIST)


async def test_a_client_that_does_not_wait(caplog: pytest.LogCaptureFixture) -> None:
    """A slow answer that nobody waits for disturbs neither other requests nor the end of the server."""
    world = World(SystemClock())
    world.set_fault(Fault(kind=FaultKind.SLOW, delay=0.5, count=1))
    async with serve(world) as url, httpx.AsyncClient(headers={"API-KEY": world.options.api_key}) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(url + LIST, timeout=0.05)
        async with asyncio.timeout(0.4):
            assert (await client.get(url + LIST)).status_code == 200
    assert caplog.records == []
