"""The operations and what surrounds them: the key, errors, effects of writes, serving over a socket."""

from __future__ import annotations

import asyncio
import signal
import socket
from email.utils import parsedate_to_datetime

import httpx
import pytest

from monitor.clock import SystemClock
from monitor.errors import StartError
from monitor.simulator.entities import Conversation, RunKind, RunPlan
from monitor.simulator.options import Options, TimeUnit
from monitor.simulator.server import serve
from monitor.simulator.world import World
from tests.support.clock import ManualClock

LIST = "/webapi/v2/conversations"
INVALID_TOKEN = {"error": {"value": 1013, "name": "INVALID_TOKEN"}, "message": "INVALID_TOKEN"}


def path(conversation: Conversation, *rest: str) -> str:
    """Return the path of a conversation, or of something in it."""
    return "/".join((LIST, conversation.id, *rest))


@pytest.mark.parametrize("headers", [{"API-KEY": "wrong"}, {"API-KEY": ""}, {"Authorization": "Bearer wrong"}])
async def test_a_wrong_key(client: httpx.AsyncClient, world: World, headers: dict[str, str]) -> None:
    """A missing or wrong key is a 401 with INVALID_TOKEN, and the request has no effect."""
    conversation = world.add_conversation()
    world.start_run(conversation.id)
    del client.headers["API-KEY"]
    response = await client.post(path(conversation, "stop"), headers=headers)
    assert (response.status_code, response.json()) == (401, INVALID_TOKEN)
    assert conversation.run is not None
    assert [(stop.effect, stop.status) for stop in world.record().stops] == [("refused", 401)]


async def test_a_bearer_token(client: httpx.AsyncClient, world: World) -> None:
    """The key is also accepted as a bearer token."""
    del client.headers["API-KEY"]
    response = await client.get(LIST, headers={"Authorization": f"Bearer {world.options.api_key}"})
    assert response.status_code == 200


async def test_a_key_is_revoked_and_restored(client: httpx.AsyncClient, world: World) -> None:
    """While the key is revoked every operation answers 401."""
    world.revoke_key()
    response = await client.get(LIST)
    assert (response.status_code, response.json()) == (401, INVALID_TOKEN)
    world.restore_key()
    assert (await client.get(LIST)).status_code == 200


@pytest.mark.parametrize("rest", [(), ("chats",), ("running",), ("chats", "x")])
async def test_missing_objects(client: httpx.AsyncClient, conversation: Conversation, rest: tuple[str, ...]) -> None:
    """What does not exist is a 404 in JSON."""
    conversation.id = "nowhere"
    response = await client.get(path(conversation, *rest))
    assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})


async def test_a_chat_of_another_conversation(
    client: httpx.AsyncClient, world: World, conversation: Conversation
) -> None:
    """A chat is found only in its own conversation."""
    chat = world.add_chat(world.add_conversation().id)
    assert (await client.get(path(conversation, "chats", chat.id))).status_code == 404


async def test_a_wrong_method(client: httpx.AsyncClient, conversation: Conversation) -> None:
    """A wrong method is a 405 in HTML."""
    response = await client.get(path(conversation, "stop"))
    assert (response.status_code, response.text) == (405, "Method not allowed")
    assert response.headers["content-type"].startswith("text/html")


async def test_a_body_that_is_not_json(client: httpx.AsyncClient, conversation: Conversation) -> None:
    """A body that is not JSON is a 400 in the older envelope."""
    response = await client.patch(path(conversation), content=b"{title")
    assert response.status_code == 400
    assert response.json() == {"result": [], "errors": "content must be JSON deserializable!"}


@pytest.mark.parametrize(
    ("unit", "factor"), [(TimeUnit.MICROSECONDS, 1e6), (TimeUnit.MILLISECONDS, 1000), (TimeUnit.SECONDS, 1)]
)
async def test_time_units(
    client: httpx.AsyncClient, world: World, conversation: Conversation, unit: TimeUnit, factor: float
) -> None:
    """Every time is a number in the server's unit."""
    world.options = Options(time_unit=unit)
    chat = world.add_chat(conversation.id)
    row = (await client.get(path(conversation))).json()
    assert row["createdAt"] == conversation.created_at * factor
    assert row["lastChatTime"] == row["chats"][0]["timestamp"] == chat.at * factor


async def test_the_date_header(clock: ManualClock) -> None:
    """Answers are dated by the server's clock, or not at all."""
    world = World(clock, Options(clock_offset=60))
    headers = {"API-KEY": world.options.api_key}
    async with serve(world) as url, httpx.AsyncClient(base_url=url, headers=headers) as client:
        (date,) = (await client.get(LIST)).headers.get_list("date")
        assert parsedate_to_datetime(date).timestamp() == clock.now() + 60
        world.options = Options(date_header=False)
        assert "date" not in (await client.get(LIST)).headers


async def test_pages_of_chats(client: httpx.AsyncClient, world: World, conversation: Conversation) -> None:
    """Chats come by hundreds, oldest first, with their total; beyond the last page there are none."""
    for number in range(250):
        world.add_chat(conversation.id, message=str(number), at=world.start + number)
    sizes = []
    for number in (1, 2, 3, 4):
        page = (await client.get(path(conversation, "chats"), params={"pageNo": number})).json()
        assert (page["pageNo"], page["totalCount"]) == (number, 250)
        sizes.append(len(page["chats"]))
        if page["chats"]:
            assert page["chats"][0]["message"] == str((number - 1) * 100)
    assert sizes == [100, 100, 50, 0]


async def test_running_and_stop(client: httpx.AsyncClient, world: World, conversation: Conversation) -> None:
    """A stop ends the run, answers without a body, and is on record."""
    world.start_run(conversation.id)
    assert (await client.get(path(conversation, "running"))).json() == {"isRunning": True}
    response = await client.post(path(conversation, "stop"))
    assert (response.status_code, response.content) == (200, b"")
    assert (await client.get(path(conversation, "running"))).json() == {"isRunning": False}
    conversation.id = "nowhere"
    assert (await client.post(path(conversation, "stop"))).status_code == 404
    assert [stop.effect for stop in world.record().stops] == ["stopped", "missing"]


async def test_only_a_read_by_id_is_a_check(
    client: httpx.AsyncClient, clock: ManualClock, world: World, conversation: Conversation
) -> None:
    """A run that ends when looked at is not ended by a list, and is over in the very answer that shows it by id."""
    world.start_run(conversation.id, RunPlan(ends_on_check_after=6))
    clock.advance(10)
    assert len((await client.get(LIST, params={"backgroundRunning": "true"})).json()["conversations"]) == 1
    (chat,) = (await client.get(path(conversation))).json()["chats"]
    assert chat["completed"]
    assert (await client.get(path(conversation, "running"))).json() == {"isRunning": False}


async def test_feedback(client: httpx.AsyncClient, world: World, conversation: Conversation) -> None:
    """Feedback is the user's vote, or the agent's with AGENT-EMAIL; null withdraws it."""
    chat = world.add_chat(conversation.id, "BOT")
    url = path(conversation, "chats", chat.id, "feedback")
    await client.post(url, json={"rating": False})
    await client.post(url, json={"rating": True}, headers={"AGENT-EMAIL": "a@example.com"})
    assert (chat.rating, chat.agent_rating) == (False, True)
    await client.post(url, json={"rating": None})
    assert (chat.rating, chat.agent_rating) == (None, True)


async def test_changes_of_conversations(client: httpx.AsyncClient, world: World, conversation: Conversation) -> None:
    """State, assignee, categories and title are changed; null leaves them, and an e-state ends the conversation."""
    category = (await client.post("/webapi/v2/conversation_categories", json={"name": "Billing"})).json()["categoryId"]
    body = {"state": "ea", "assignee": "lee", "categoryIds": [category], "title": None}
    row = (await client.patch(path(conversation), json=body)).json()
    assert (row["isEnd"], row["categories"], row["title"]) == (True, [category], "Returns")
    assert (conversation.state, conversation.assignee) == ("ea", "lee")
    assert (await client.patch(path(conversation), json={"categoryIds": ["nope"]})).status_code == 404
    assert (await client.put(path(conversation, "title"), json={"title": "New"})).json()["title"] == "New"
    await client.delete(f"/webapi/v2/conversation_categories/{category}")
    assert conversation.categories == []
    assert (await client.delete(f"/webapi/v2/conversation_categories/{category}")).status_code == 404
    assert world.categories == {}


async def test_bulk_update(client: httpx.AsyncClient, world: World) -> None:
    """A bulk update changes what fits all of its filters."""
    app, other = world.add_app("A"), world.add_app("B")
    made = [world.add_conversation(app=each, user=world.add_user(user)) for each in (app, other) for user in "xy"]
    body = {"llmAppIds": [app.id], "userIds": ["x"], "conversationInfo": {"title": "changed"}}
    response = await client.post(f"{LIST}/bulk_update", json=body)
    assert (response.status_code, response.content) == (200, b"")
    assert [each.title for each in made] == ["changed", "", "", ""]


async def test_delete_chat(client: httpx.AsyncClient, world: World, conversation: Conversation) -> None:
    """A deleted chat is gone for every operation."""
    chat = world.add_chat(conversation.id)
    assert (await client.delete(path(conversation, "chats", chat.id))).status_code == 200
    assert (await client.get(path(conversation, "chats", chat.id))).status_code == 404
    assert (await client.get(path(conversation))).json()["chatCount"] == 0


async def test_daily_count(client: httpx.AsyncClient, world: World) -> None:
    """Days of the range are counted by the first chat in the server's time zone, empty days too."""
    world.options = Options(timezone="Asia/Seoul")
    midnight = 1_799_938_800.0  # 2027-01-15 00:00 in Seoul
    for at in (midnight - 1, midnight, midnight + 3600):
        conversation = world.add_conversation(at=at)
        world.add_chat(conversation.id, at=at)
    body = {"startDate": "2027-01-14", "endDate": "2027-01-16"}
    answer = (await client.request("GET", "/webapi/conversation_daily_count", json=body)).json()
    assert answer["errors"] is None
    assert [(day["date"], day["activeCount"]) for day in answer["result"]["dailyTotalCount"]] == [
        ("2027-01-14", 1),
        ("2027-01-15", 2),
        ("2027-01-16", 0),
    ]


async def test_completions(client: httpx.AsyncClient) -> None:
    """A completion is the same canned text, at once or as a stream of events."""
    body = {"messages": [{"role": "user", "content": "Hello"}]}
    url = "/webapi/v2/chat/completions"
    text = (await client.post(url, json=body)).json()["message"]["content"]
    stream = await client.post(url, json=body | {"mode": "stream"})
    assert stream.headers["content-type"].startswith("text/event-stream")
    events = [line.removeprefix("data: ") for line in stream.text.split("\n\n") if line]
    assert events[-1] == "[DONE]"
    assert "".join(httpx.Response(200, text=event).json()["content"] for event in events[:-1]) == text


async def test_own_user_id_creates_a_user(client: httpx.AsyncClient, world: World) -> None:
    """A new OWN-USER-ID creates a user, which is on record; a known one does not."""
    world.add_user("kim")
    for user in ("kim", "lee", "lee"):
        await client.get(LIST, headers={"OWN-USER-ID": user})
    assert world.record().users_created == ("lee",)


async def test_the_record_and_the_probe(
    client: httpx.AsyncClient, clock: ManualClock, world: World, conversation: Conversation
) -> None:
    """The simulator's own paths need no key and show what happened, requests counted by operation."""
    world.start_run(conversation.id, RunPlan(kind=RunKind.FINISHES, duration=2))
    clock.advance(5)
    await client.get(LIST)
    await client.get(LIST)
    await client.get("/nowhere")
    del client.headers["API-KEY"]
    record = (await client.get("/-/record")).json()
    assert record["requests"] == {"list_conversations": 2}
    (run,) = record["runs"]
    assert (run["app_name"], run["ended"] - run["began"], run["ending"]) == ("FAQ", 2, "finished")
    assert (await client.get("/-/healthy")).text == "OK\n"


async def test_serving_on_a_free_port() -> None:
    """The world is served over a real socket from this loop, without touching signals, until the block ends."""
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    async with serve(World(SystemClock())) as url, httpx.AsyncClient() as client:
        assert (await client.get(url + "/-/healthy")).status_code == 200
        assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(url)


async def test_small_answers_are_not_delayed() -> None:
    """Requests on one connection do not wait for delayed acknowledgements (40 ms each on Linux)."""
    async with serve(World(SystemClock())) as url, httpx.AsyncClient() as client, asyncio.timeout(2):
        for _ in range(100):
            await client.get(url + "/-/healthy")


async def test_a_port_that_is_taken() -> None:
    """An address that cannot be bound is a StartError that names it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"127.0.0.1:{port}"):
            async with serve(World(SystemClock()), port=port):
                pass
