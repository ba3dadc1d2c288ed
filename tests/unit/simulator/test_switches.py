"""What the documentation of the API leaves open: each way in which the simulated server may be otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import httpx
import pytest

from monitor.simulator.entities import Conversation, RunKind, RunPlan
from monitor.simulator.options import DailyCount, Missing, Novelty, Options, Paging, TimeUnit
from monitor.simulator.shape import FIELDS, NULLABLE
from monitor.simulator.world import World
from tests.support.clock import ManualClock

LIST = "/webapi/v2/conversations"
TYPES = {
    "user": "User",
    "llmApp": "LLMApp",
    "chats": "Chat",
    "intermediateSteps": "IntermediateStep",
    "citations": "Citation",
}


def path(conversation: Conversation, *rest: str) -> str:
    """Return the path of a conversation, or of something in it."""
    return "/".join((LIST, conversation.id, *rest))


async def rows(client: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    """Return the rows of the first page of the list."""
    found: list[dict[str, Any]] = (await client.get(LIST, params=params)).json()["conversations"]
    return found


async def is_running(client: httpx.AsyncClient, conversation: Conversation) -> bool:
    """Return what the server says of whether something runs in a conversation."""
    answer: bool = (await client.get(path(conversation, "running"))).json()["isRunning"]
    return answer


async def show_all(client: httpx.AsyncClient, world: World, conversation: Conversation) -> dict[str, Any]:
    """Fill a conversation with a rated answer that cites and a run with a step, and return it with chats in detail."""
    world.add_chat(conversation.id, "USER", "Hello")
    world.rate(world.add_chat(conversation.id, "BOT", "Hi", citations=1).id, vote=True)
    world.start_run(conversation.id)
    row: dict[str, Any] = (await client.get(path(conversation))).json()
    chats = [await client.get(path(conversation, "chats", chat.id)) for chat in conversation.chats]
    return row | {"chats": [chat.json() for chat in chats]} if "chats" in row else row


def shown(row: dict[str, Any], kind: str = "Conversation") -> Iterator[tuple[str, Any]]:
    """Yield the fields of a row and of what is in it, with their types, and their values."""
    for name, value in row.items():
        yield f"{kind}.{name}", value
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict) and name in TYPES:
                yield from shown(inner, TYPES[name])


@pytest.mark.parametrize(
    ("filters", "answers"),
    [
        (TimeUnit.SECONDS, TimeUnit.MILLISECONDS),
        (TimeUnit.MILLISECONDS, TimeUnit.SECONDS),
        (TimeUnit.MICROSECONDS, TimeUnit.SECONDS),
    ],
)
async def test_filters_in_another_unit(
    client: httpx.AsyncClient, world: World, conversation: Conversation, filters: TimeUnit, answers: TimeUnit
) -> None:
    """Filters can be in another unit than answers."""
    world.options = Options(filter_unit=filters, time_unit=answers)
    world.add_chat(conversation.id)
    factors = {TimeUnit.SECONDS: 1, TimeUnit.MILLISECONDS: 1000, TimeUnit.MICROSECONDS: 1_000_000}
    (row,) = await rows(client, startedAt=(world.now - 1) * factors[filters], endAt=world.now * factors[filters])
    assert row["lastChatTime"] == world.now * factors[answers]
    assert await rows(client, startedAt=(world.now + 1) * factors[filters]) == []


async def test_the_list_of_what_runs_is_stale(
    client: httpx.AsyncClient, clock: ManualClock, world: World, conversation: Conversation
) -> None:
    """The list can show what ran some seconds ago, both of begins and of ends; the record tells what was so."""
    world.options = Options(running_filter_lag=10)
    clock.advance(1)
    world.start_run(conversation.id, RunPlan(kind=RunKind.FINISHES, duration=20))
    seen = []
    for _ in range(6):
        listed = await rows(client, backgroundRunning="true")
        assert [row["id"] for row in listed + await rows(client, backgroundRunning="false")] == [conversation.id]
        seen.append((len(listed), await is_running(client, conversation)))
        clock.advance(6)
    assert seen == [(0, True), (0, True), (1, True), (1, True), (1, False), (0, False)]
    record = world.record()
    (run,) = record.runs
    assert (run.listed_at, run.listed_until, run.confirmed_at) == (run.began + 12, run.began + 24, run.began)
    assert record.untrue == {"list_conversations": 3}


async def test_is_running_lags_behind_the_list(
    client: httpx.AsyncClient, clock: ManualClock, world: World, conversation: Conversation
) -> None:
    """`isRunning` can lag behind the list, both of begins and of ends; the record tells how often it was untrue."""
    world.options = Options(running_lag=10)
    clock.advance(1)
    world.start_run(conversation.id, RunPlan(kind=RunKind.FINISHES, duration=20))
    seen = []
    for _ in range(6):
        seen.append((len(await rows(client, backgroundRunning="true")), await is_running(client, conversation)))
        clock.advance(6)
    assert seen == [(1, False), (1, False), (1, True), (1, True), (0, True), (0, False)]
    record = world.record()
    (run,) = record.runs
    assert (run.listed_at, run.confirmed_at) == (run.began, run.began + 12)
    assert record.untrue == {"get_running": 3}


async def test_runs_between_two_looks(
    client: httpx.AsyncClient, clock: ManualClock, world: World, conversation: Conversation
) -> None:
    """A late answer is about the run of that moment, not about the newest one."""
    world.options = Options(running_lag=10)
    world.start_run(conversation.id, RunPlan(kind=RunKind.FINISHES, duration=4))
    clock.advance(8)
    world.start_run(conversation.id)
    clock.advance(3)
    assert await is_running(client, conversation)
    clock.advance(3)
    assert not await is_running(client, conversation)
    clock.advance(4)
    assert await is_running(client, conversation)


@pytest.mark.parametrize(("lag", "ends"), [(0.0, 0), (5.0, 5)])
async def test_a_stop_leaves_the_chat_incomplete(
    client: httpx.AsyncClient, clock: ManualClock, world: World, conversation: Conversation, *, lag: float, ends: float
) -> None:
    """The chat of a run that was stopped can stay incomplete, whether the run obeys at once or later."""
    world.options = Options(stop_completes=False, stop_lag=lag)
    world.start_run(conversation.id)
    assert (await client.post(path(conversation, "stop"))).status_code == 200
    clock.advance(ends)
    assert not await is_running(client, conversation)
    assert [chat["completed"] for chat in (await client.get(path(conversation))).json()["chats"]] == [False]


@pytest.mark.parametrize("status", [200, 409])
async def test_a_stop_where_nothing_runs(
    client: httpx.AsyncClient, world: World, conversation: Conversation, status: Literal[200, 409]
) -> None:
    """A stop of an idle conversation is fine or a conflict, on record as it was answered."""
    world.options = Options(idle_stop=status)
    assert (await client.post(path(conversation, "stop"))).status_code == status
    assert [(stop.effect, stop.status) for stop in world.record().stops] == [("idle", status)]
    world.start_run(conversation.id)
    assert (await client.post(path(conversation, "stop"))).status_code == 200


@pytest.mark.parametrize("touches", [False, True])
async def test_a_rating_is_activity(
    client: httpx.AsyncClient, clock: ManualClock, world: World, conversation: Conversation, *, touches: bool
) -> None:
    """A change of a rating can move `lastChatTime`, and with it filters and order; the same vote again does not."""
    world.options = Options(rating_touches=touches, time_unit=TimeUnit.SECONDS)
    chat, rated_at = world.add_chat(conversation.id, "BOT"), world.now + 60
    newer = world.add_conversation()
    clock.advance(30)
    world.add_chat(newer.id)
    for at in (60, 90):
        clock.advance(world.start + at - clock.now())
        await client.post(path(conversation, "chats", chat.id, "feedback"), json={"rating": False})
    first, second = await rows(client)
    assert (first["id"] == conversation.id) is touches
    assert {first["lastChatTime"], second["lastChatTime"]} == {newer.last_chat_at, rated_at if touches else chat.at}
    assert [row["id"] for row in await rows(client, startedAt=rated_at)] == ([conversation.id] if touches else [])


@pytest.mark.parametrize(
    ("way", "status", "body"),
    [
        (Missing.NOT_FOUND, 404, {"detail": "Not Found"}),
        (Missing.FORBIDDEN, 403, {"detail": "Forbidden"}),
        (
            Missing.BAD_REQUEST,
            400,
            {"error": {"value": 1002, "name": "INVALID_REQUEST"}, "message": "INVALID_REQUEST"},
        ),
        (Missing.ERRORS, 200, {"result": None, "errors": "Object does not exist."}),
    ],
)
async def test_unknown_ids(
    client: httpx.AsyncClient, world: World, conversation: Conversation, *, way: Missing, status: int, body: object
) -> None:
    """What does not exist is answered in one way by every operation, and a stop of it is on record with the status."""
    world.options = Options(missing=way, result_wrapper=True)
    known, conversation.id = conversation.id, "nowhere"
    asked = [("GET", path(conversation, *rest)) for rest in [(), ("chats",), ("running",), ("chats", "x")]]
    asked += [("GET", f"{LIST}/{known}/chats/x"), ("POST", path(conversation, "stop"))]
    asked += [("DELETE", "/webapi/v2/conversation_categories/x")]
    for method, url in asked:
        response = await client.request(method, url)
        assert (response.status_code, response.json()) == (status, body), url
    assert [(stop.effect, stop.status) for stop in world.record().stops] == [("missing", status)]


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("paging", Paging)
async def test_cursors_live_for_a_time(
    client: httpx.AsyncClient, clock: ManualClock, world: World, paging: Paging, status: Literal[400, 422]
) -> None:
    """A cursor can expire some time after the answer that it was in."""
    world.options = Options(cursor_lifetime=10, expired_cursor=status, paging=paging)
    for _ in range(3):
        world.add_conversation()
    cursor = (await client.get(LIST, params={"pageSize": 1})).json()["cursor"]
    clock.advance(10)
    second = await client.get(LIST, params={"pageSize": 1, "cursor": cursor})
    assert (second.status_code, len(second.json()["conversations"])) == (200, 1)
    clock.advance(1)
    assert (await client.get(LIST, params={"pageSize": 1, "cursor": cursor})).status_code == status
    cursor = second.json()["cursor"]
    assert (await client.get(LIST, params={"pageSize": 1, "cursor": cursor})).status_code == 200


@pytest.mark.parametrize("paging", Paging)
async def test_cursors_lead_so_far(client: httpx.AsyncClient, world: World, paging: Paging) -> None:
    """A walk can be cut off after some pages."""
    world.options = Options(cursor_pages=2, paging=paging)
    for _ in range(9):
        world.add_conversation()
    statuses, cursor = [], ""
    for _ in range(4):
        page = await client.get(LIST, params={"pageSize": 1, "cursor": cursor})
        statuses.append(page.status_code)
        cursor = page.json().get("cursor")
    assert statuses == [200, 200, 200, 422]


@pytest.mark.parametrize("paging", Paging)
async def test_cursors_without_end(client: httpx.AsyncClient, world: World, paging: Paging) -> None:
    """The last page, and the empty one behind it, can have a cursor too."""
    world.options = Options(endless_cursor=True, paging=paging)
    assert (await client.get(LIST)).json()["cursor"]
    for _ in range(3):
        world.add_conversation()
    sizes, cursor = [], ""
    for _ in range(4):
        page = (await client.get(LIST, params={"pageSize": 2, "cursor": cursor})).json()
        sizes.append(len(page["conversations"]))
        cursor = page["cursor"]
        assert cursor
    assert sizes == [2, 1, 0, 0]


@pytest.mark.parametrize(
    ("way", "status", "kind"),
    [
        (DailyCount.WORKS, 200, "application/json"),
        (DailyCount.FORBIDDEN, 403, "text/html; charset=utf-8"),
        (DailyCount.BODY_DROPPED, 400, "application/json"),
    ],
)
async def test_the_daily_count_on_its_way(
    client: httpx.AsyncClient, world: World, way: DailyCount, status: int, kind: str
) -> None:
    """What stands before the server may refuse a GET with a body, or take the body away."""
    world.options = Options(daily_count=way)
    body = {"startDate": "2027-01-14", "endDate": "2027-01-16"}
    answer = await client.request("GET", "/webapi/conversation_daily_count", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, kind)


async def test_the_result_wrapper(client: httpx.AsyncClient, world: World, conversation: Conversation) -> None:
    """Every JSON object that answers 200 can stand under `result`; what does already, errors and no body stay so."""
    urls = [path(conversation), path(conversation, "chats"), path(conversation, "running"), LIST]
    bare = [(await client.get(url)).json() for url in urls]
    days = {"startDate": "2027-01-14", "endDate": "2027-01-16"}
    count = (await client.request("GET", "/webapi/conversation_daily_count", json=days)).json()
    world.options = Options(result_wrapper=True)
    for url, body in zip(urls, bare, strict=True):
        assert (await client.get(url)).json() == {"result": body, "errors": None}
    assert (await client.request("GET", "/webapi/conversation_daily_count", json=days)).json() == count
    assert (await client.get(path(conversation, "chats", "x"))).json() == {"detail": "Not Found"}
    assert (await client.post(path(conversation, "stop"))).content == b""
    asked = {"messages": [], "mode": "stream"}
    assert (await client.post("/webapi/v2/chat/completions", json=asked)).text.startswith("data: ")


async def test_new_fields(client: httpx.AsyncClient, world: World, conversation: Conversation) -> None:
    """Every object in an answer can have a field that nobody knows."""
    world.options = Options(novelties=frozenset({Novelty.FIELDS}))
    fields = dict(shown(await show_all(client, world, conversation)))
    assert fields.keys() - FIELDS == {f"{kind}.novelty" for kind in ("Conversation", *TYPES.values())}


async def test_new_words(client: httpx.AsyncClient, world: World, conversation: Conversation) -> None:
    """Types and senders of chats can have names that nobody knows; a chat without a type keeps none."""
    world.options = Options(novelties=frozenset({Novelty.TYPES, Novelty.SENDERS}))
    world.add_chat(conversation.id, "USER")
    world.add_chat(conversation.id, "BOT")
    chats = (await client.get(path(conversation))).json()["chats"]
    assert [(chat["sender"], chat["type"]) for chat in chats] == [("CUSTOMER", None), ("ASSISTANT", "agentic_flow")]


@pytest.mark.parametrize("field", sorted(NULLABLE))
async def test_nulls(client: httpx.AsyncClient, world: World, conversation: Conversation, field: str) -> None:
    """Each field that may be null can always be."""
    world.options = Options(nulls=frozenset({field}))
    values = [value for name, value in shown(await show_all(client, world, conversation)) if name == field]
    assert values
    assert set(values) == {None}


@pytest.mark.parametrize("field", sorted(FIELDS))
async def test_lacks(client: httpx.AsyncClient, world: World, conversation: Conversation, field: str) -> None:
    """Each field can be left out, and is there else."""
    world.options = Options(lacks=frozenset({field}))
    assert field not in dict(shown(await show_all(client, world, conversation)))
    world.options = Options()
    assert field in dict(shown(await show_all(client, world, conversation)))
