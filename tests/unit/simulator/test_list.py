"""The list of conversations: filters, order and pages."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from monitor.simulator.entities import Conversation
from monitor.simulator.options import Options, Paging, TimeUnit
from monitor.simulator.query import Order
from monitor.simulator.server import app
from monitor.simulator.world import World
from tests.support.clock import ManualClock

LIST = "/webapi/v2/conversations"


async def titles(client: httpx.AsyncClient, **params: Any) -> list[str]:
    """Return the titles of one page."""
    response = await client.get(LIST, params=params)
    assert response.status_code == 200, response.text
    return [row["title"] for row in response.json()["conversations"]]


async def walk(client: httpx.AsyncClient, **params: Any) -> list[list[str]]:
    """Return the titles of every page."""
    pages: list[list[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        body = (await client.get(LIST, params=params | {"cursor": cursor})).json()
        pages.append([row["title"] for row in body["conversations"]])
        cursor = body["cursor"]
    return pages


@pytest.fixture
def three(world: World) -> dict[str, Conversation]:
    """Give three conversations of different times, apps and users: a is oldest, c has no chat."""
    made = {}
    for title in "abc":
        made[title] = world.add_conversation(
            app=world.add_app(title), user=world.add_user(f"user-{title}"), title=title
        )
    for title, first, last in (("a", -100, -40), ("b", -90, -50)):
        world.add_chat(made[title].id, "USER", f"Question of {title}", at=world.start + first)
        world.add_chat(made[title].id, "BOT", "Answer", at=world.start + last)
    return made


@pytest.mark.usefixtures("three")
async def test_orders(client: httpx.AsyncClient) -> None:
    """Rows come by last or first chat time, up or down; what has no chat is the smallest."""
    assert await titles(client) == ["a", "b", "c"]
    assert await titles(client, order="LAST_CHAT_TIME_ASC") == ["c", "b", "a"]
    assert await titles(client, order="FIRST_CHAT_TIME_DESC") == ["b", "a", "c"]
    assert await titles(client, order="FIRST_CHAT_TIME_ASC") == ["c", "a", "b"]


async def test_filters(client: httpx.AsyncClient, world: World, three: dict[str, Conversation]) -> None:
    """Each filter keeps what fits; lists are repeated keys."""
    world.start_run(three["b"].id)
    world.end_conversation(three["a"].id)
    three["a"].categories.append("cat")
    assert three["b"].app is not None
    assert await titles(client, userIds=["user-a", "user-b"], order="LAST_CHAT_TIME_ASC") == ["a", "b"]
    assert await titles(client, userIds="user-c") == ["c"]
    assert await titles(client, llmAppId=three["b"].app.id) == ["b"]
    assert await titles(client, categoryId="cat") == ["a"]
    assert await titles(client, searchTerm="question OF b") == ["b"]
    assert await titles(client, activeOnly="true") == ["b", "c"]
    assert await titles(client, backgroundRunning="true") == ["b"]
    assert await titles(client, backgroundRunning="false") == ["a", "c"]
    assert await titles(client, backgroundRunning="false", activeOnly="true") == ["c"]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"startedAt": -40}, ["a"]),
        ({"startedAt": -50}, ["a", "b"]),
        ({"endAt": -50}, ["b"]),
        ({"endAt": -50.001}, []),
        ({"startedAt": -49.999, "endAt": -40}, ["a"]),
        ({"firstChatStartedAt": -90}, ["b"]),
        ({"firstChatEndAt": -100}, ["a"]),
        ({"startedAt": 1e6}, []),
    ],
)
@pytest.mark.parametrize("unit", TimeUnit)
async def test_time_filters(
    client: httpx.AsyncClient, world: World, params: dict[str, float], found: list[str], unit: TimeUnit
) -> None:
    """Bounds are inclusive, in the unit of the answers, and what has no chat is never within."""
    world.options = Options(time_unit=unit)
    factor = {TimeUnit.SECONDS: 1, TimeUnit.MILLISECONDS: 1000, TimeUnit.MICROSECONDS: 1_000_000}[unit]
    wanted = {name: (world.start + offset) * factor for name, offset in params.items()}
    assert await titles(client, **wanted) == found


@pytest.mark.parametrize("unit", TimeUnit)
async def test_a_time_that_comes_back_is_equal(clock: ManualClock, unit: TimeUnit) -> None:
    """A time of an answer, sent back as both bounds, finds its row, whatever fraction of a second it has."""
    clock.advance(0.123456789)
    world = World(clock, Options(time_unit=unit))
    for number in range(50):
        world.add_chat(world.add_conversation(title=str(number)).id)
        clock.advance(0.0137)
    headers = {"API-KEY": world.options.api_key}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app(world)), base_url="http://alli.test", headers=headers
    ) as client:
        rows = (await client.get(LIST)).json()["conversations"]
        for row in rows:
            assert await titles(client, startedAt=row["lastChatTime"], endAt=row["lastChatTime"]) == [row["title"]]


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("paging", Paging)
async def test_pages(client: httpx.AsyncClient, world: World, paging: Paging, order: Order) -> None:
    """Pages are of the size asked for, and the last one has no cursor, even if it is full."""
    world.options = Options(paging=paging)
    for number in range(6):
        world.add_chat(world.add_conversation(title=str(number)).id, at=world.start + number // 2)
    assert [len(page) for page in await walk(client, pageSize=2, order=order)] == [2, 2, 2]
    assert [len(page) for page in await walk(client, pageSize=4, order=order)] == [4, 2]
    everything = [title for page in await walk(client, pageSize=1, order=order) for title in page]
    assert sorted(everything) == list("012345")
    assert everything == await titles(client, order=order)


@pytest.mark.parametrize(("paging", "second_page"), [(Paging.KEYSET, ["1", "0"]), (Paging.OFFSET, ["2", "0"])])
async def test_rows_move_between_pages(
    client: httpx.AsyncClient, clock: ManualClock, world: World, paging: Paging, second_page: list[str]
) -> None:
    """A row bumped between two requests is missed by a keyset cursor; an offset cursor repeats another one instead."""
    world.options = Options(paging=paging)
    made = [world.add_conversation(title=str(number)) for number in range(4)]
    for number, conversation in enumerate(made):
        world.add_chat(conversation.id, at=world.start - 10 + number)
    first = (await client.get(LIST, params={"pageSize": 2})).json()
    assert [row["title"] for row in first["conversations"]] == ["3", "2"]
    clock.advance(1)
    bumped = made[2] if paging is Paging.KEYSET else made[1]
    world.add_chat(bumped.id)
    assert await titles(client, pageSize=2, cursor=first["cursor"]) == second_page


@pytest.mark.parametrize("cursor", ["x", "////", "kwE=", "AQ==", "wA=="])
@pytest.mark.parametrize("paging", Paging)
async def test_foreign_cursors(client: httpx.AsyncClient, world: World, cursor: str, paging: Paging) -> None:
    """A cursor that the server did not make is refused."""
    world.options = Options(paging=paging)
    assert (await client.get(LIST, params={"cursor": cursor})).status_code == 422


@pytest.mark.parametrize(
    "params", [{"pageSize": "ten"}, {"startedAt": "nan"}, {"backgroundRunning": "maybe"}, {"order": "UP"}]
)
async def test_bad_parameters(client: httpx.AsyncClient, params: dict[str, str]) -> None:
    """A parameter that cannot be read is a 422 that names it."""
    response = await client.get(LIST, params=params)
    assert response.status_code == 422
    (problem,) = response.json()["detail"]
    assert problem["loc"] == ["query", *params]
    assert problem.keys() == {"type", "loc", "msg"}


async def test_ignored_parameters(client: httpx.AsyncClient, world: World, three: dict[str, Conversation]) -> None:
    """An old server gives every row, whatever is asked with a parameter that it does not know."""
    world.options = Options(ignored_parameters=frozenset({"backgroundRunning"}))
    world.start_run(three["a"].id)
    assert len(await titles(client, backgroundRunning="true")) == len(three)


@pytest.mark.parametrize("embed", [0, 1, 20])
@pytest.mark.parametrize("newest_first", [False, True])
async def test_embedded_chats(
    client: httpx.AsyncClient, world: World, conversation: Conversation, embed: int, *, newest_first: bool
) -> None:
    """A row holds the newest chats up to the option's number, while reading by id always gives 20, oldest first."""
    world.options = Options(embed=embed, embed_newest_first=newest_first)
    for number in range(30):
        world.add_chat(conversation.id, message=str(number), at=world.start + number)
    (row,) = (await client.get(LIST)).json()["conversations"]
    newest = [str(number) for number in range(30 - embed, 30)]
    assert [chat["message"] for chat in row["chats"]] == (newest[::-1] if newest_first else newest)
    assert row["chatCount"] == 30
    single = (await client.get(f"{LIST}/{conversation.id}")).json()
    assert len(single["chats"]) == 20


@pytest.mark.parametrize(
    "params", [{}, {"backgroundRunning": "true"}, {"startedAt": "1.9e12"}, {"order": "FIRST_CHAT_TIME_ASC"}]
)
async def test_a_page_of_many_conversations(client: httpx.AsyncClient, world: World, params: dict[str, str]) -> None:
    """A page of ten times as many conversations takes about ten times as long at most, not a hundred times."""
    costs = []
    for count in (1_000, 9_000):
        for number in range(count):
            conversation = world.add_conversation(title=str(number))
            for second in (0, 7):
                world.add_chat(conversation.id, at=world.start - 20_000 + number + second)
        costs.append(min([await _cost(client, params) for _ in range(5)]))
    few, many = costs
    assert many < 40 * few


async def _cost(client: httpx.AsyncClient, params: dict[str, str]) -> float:
    begin = time.process_time()
    await client.get(LIST, params=params)
    return time.process_time() - begin
