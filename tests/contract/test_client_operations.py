"""All sixteen operations of the client against the simulator, and each request against the API's description."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
import stamina

from monitor.alli.answers import Reply
from monitor.alli.client import ApiKey, Client, ConversationQuery
from monitor.alli.completions import Completions, Message, Role
from monitor.alli.editor import Changes, Editor, FeedbackReason, Which
from monitor.alli.exchange import Request
from monitor.alli.pacing import Pacer, Priority
from monitor.alli.records import Category, DailyCount
from monitor.errors import (
    ApiAuthError,
    ApiNotFound,
    ApiRefused,
    ApiUnavailable,
    ApiUnclear,
    WriteRefused,
)
from monitor.model.conversation import Vote
from monitor.simulator.faults import Fault, FaultKind
from monitor.simulator.options import DailyCount as DailyCountIs
from monitor.simulator.options import Missing, Options
from monitor.simulator.server import app
from monitor.simulator.world import World
from tests.support.api import API, mistakes
from tests.support.clock import ManualClock
from tests.unit.alli.kit import START, Recorder, make_id

OPERATIONS: dict[str, dict[str, Any]] = API["operations"]
WRITES = frozenset(name for name, operation in OPERATIONS.items() if operation["method"] != "GET")
TODAY = datetime.fromtimestamp(START, UTC).date()
MESSAGES = [Message(role=Role.USER, content="Are you there?")]


class Recording(httpx.ASGITransport):
    """The simulator without a network; it keeps what it is sent."""

    def __init__(self, world: World) -> None:
        super().__init__(app(world))
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Keep a request and answer it."""
        self.requests.append(request)
        return await super().handle_async_request(request)


class Project:
    """A simulated project with one of everything, and the clients of it."""

    def __init__(self, *, writes: frozenset[str] = WRITES, api_key: str = "simulated-key", **options: Any) -> None:
        self.clock = ManualClock(START)
        self.world = World(self.clock, Options(**options))
        self.category = self.world.add_category("billing")
        self.conversation = self.world.add_conversation(app=self.world.add_app("Report"), user=self.world.add_user("u"))
        self.world.add_chat(self.conversation.id, "USER", "a question")
        self.chat = self.world.add_chat(self.conversation.id, "BOT", "an answer")
        self.transport = Recording(self.world)
        self.witnessed: list[tuple[Request, Reply, float]] = []
        self.client = Client(
            project="support",
            base_url="https://alli.test",
            credential=ApiKey(api_key),
            http=httpx.AsyncClient(transport=self.transport),
            clock=self.clock,
            pacer=Pacer(requests_per_minute=6000, max_in_flight=4, clock=self.clock),
            telemetry=Recorder(),
            writes=writes,
            witness=lambda *seen: self.witnessed.append(seen),
        )
        self.editor = Editor(self.client.exchange)
        self.completions = Completions(self.client.exchange)


@pytest.fixture(autouse=True)
def no_waits_between_attempts() -> Iterator[None]:
    """Let retries follow at once, in their real number."""
    with stamina.set_testing(True, attempts=3):
        yield


async def listed(project: Project) -> list[str]:
    """Return the ids of all conversations."""
    listing = project.client.conversations(ConversationQuery(), priority=Priority.RUNS)
    return [conversation.id async for page in listing for conversation in page.conversations]


async def streamed(project: Project) -> list[str]:
    """Return the pieces of a streamed answer."""
    async with project.completions.stream(MESSAGES, max_tokens=16, model="gpt4_o", temperature=0.0) as deltas:
        return [delta async for delta in deltas]


CALLS: dict[str, Callable[[Project], Awaitable[Any]]] = {
    "list_conversations": listed,
    "bulk_update": lambda p: p.editor.bulk_update(
        Which(
            user_ids=["u"],
            llm_app_ids=["app"],
            category_ids=[p.category.id],
            conversation_ids=[p.conversation.id],
        ),
        Changes(assignee="yui@example.com", category_ids=[p.category.id], title="返品"),
    ),
    "get_conversation": lambda p: p.client.conversation(p.conversation.id, priority=Priority.RUNS),
    "update_conversation": lambda p: p.editor.update_conversation(
        p.conversation.id, Changes(assignee="yui@example.com", category_ids=[p.category.id], title="返品")
    ),
    "list_chats": lambda p: p.client.chats(p.conversation.id, 1, priority=Priority.RUNS),
    "get_running": lambda p: p.client.is_running(p.conversation.id, priority=Priority.RUNS),
    "stop_conversation": lambda p: p.client.stop(p.conversation.id),
    "set_title": lambda p: p.editor.set_title(p.conversation.id, "返品"),
    "get_chat": lambda p: p.client.chat(p.conversation.id, p.chat.id, priority=Priority.RUNS),
    "delete_chat": lambda p: p.editor.delete_chat(p.conversation.id, p.chat.id),
    "post_feedback": lambda p: p.editor.post_feedback(
        p.conversation.id,
        p.chat.id,
        Vote.NEGATIVE,
        reasons=list(FeedbackReason),
        suggested_answer="another answer",
    ),
    "list_categories": lambda p: p.client.categories(priority=Priority.RUNS),
    "create_category": lambda p: p.editor.create_category("returns"),
    "delete_category": lambda p: p.editor.delete_category(p.category.id),
    "chat_completions": lambda p: p.completions.complete(MESSAGES, max_tokens=16, model="gpt4_o", temperature=0.0),
    "daily_count": lambda p: p.client.daily_count(TODAY - timedelta(days=1), TODAY, priority=Priority.RUNS),
}
BY_ID = sorted(name for name, each in OPERATIONS.items() if "_id}" in each["path"] and name != "stop_conversation")


def differences(request: httpx.Request, name: str) -> list[str]:
    """Return how a request differs from the description of the operation `name`."""
    operation = OPERATIONS[name]
    found = []
    if request.method != operation["method"]:
        found.append(f"method {request.method}")
    if not re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", operation["path"]), request.url.raw_path.decode().split("?")[0]):
        found.append(f"path {request.url.path}")
    found += sorted(set(request.url.params) - set(operation.get("query", {})))
    if (declared := operation.get("body")) is None:
        return found + ["a body"] * bool(request.content)
    if request.headers["content-type"] != "application/json":
        found.append("content type")
    return found + list(mistakes(json.loads(request.content), declared, "body"))


def test_there_is_a_call_for_every_operation() -> None:
    """The client has all the operations of the description."""
    assert set(CALLS) == set(OPERATIONS)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("wrapper", [False, True])
async def test_every_request_is_as_described(name: str, *, wrapper: bool) -> None:
    """Method, path, parameters and body are those of the description, and the answer is understood, wrapped or not."""
    project = Project(result_wrapper=wrapper)
    await CALLS[name](project)
    assert [differences(request, name) for request in project.transport.requests] == [[]]


@pytest.mark.parametrize("name", sorted(WRITES))
async def test_writes_are_refused_where_nobody_asked_for_them(name: str) -> None:
    """A process with the permission for every other operation sends nothing."""
    project = Project(writes=WRITES - {name})
    with pytest.raises(WriteRefused, match=name):
        await CALLS[name](project)
    assert project.transport.requests == []


async def test_a_client_may_not_write_unless_told() -> None:
    """By default no permission is given."""
    project = Project(writes=frozenset())
    for name in sorted(WRITES):
        with pytest.raises(WriteRefused):
            await CALLS[name](project)
    with pytest.raises(WriteRefused):
        await streamed(project)
    assert project.transport.requests == []


@pytest.mark.parametrize("name", sorted(WRITES))
@pytest.mark.parametrize("kind", [FaultKind.ERROR, FaultKind.THROTTLE])
async def test_a_refused_write_is_not_sent_again(name: str, kind: FaultKind) -> None:
    """One request, and the error tells that it was not carried out."""
    project = Project()
    project.world.faults.add(Fault(kind=kind))
    with pytest.raises(ApiUnavailable) as caught:
        await CALLS[name](project)
    assert caught.value.sent is False
    assert len(project.transport.requests) == 1


@pytest.mark.parametrize("name", BY_ID)
@pytest.mark.parametrize("way", list(Missing))
async def test_what_does_not_exist_leaves_a_signature(name: str, way: Missing) -> None:
    """However a server says it, the error carries how, so that it is known again."""
    project = Project(missing=way)
    project.world.delete_conversation(project.conversation.id)
    del project.world.categories[project.category.id]
    with pytest.raises((ApiRefused, ApiUnclear)) as caught:
        await CALLS[name](project)
    assert isinstance(caught.value, ApiRefused | ApiUnclear)  # tells the type checker which errors have a signature
    status = {Missing.NOT_FOUND: 404, Missing.BAD_REQUEST: 400, Missing.FORBIDDEN: 403, Missing.ERRORS: 200}[way]
    assert (caught.value.signature or "").startswith(f"{status} ")


@pytest.mark.parametrize("name", ["bulk_update", "create_category", "chat_completions", "list_categories"])
async def test_what_names_no_object_has_no_signature(name: str) -> None:
    """A refusal of such a request tells nothing about what does not exist."""
    project = Project(api_key="wrong")
    with pytest.raises(ApiAuthError) as caught:
        await CALLS[name](project)
    assert caught.value.signature is None


async def test_a_conversation_is_updated() -> None:
    """Title, categories and assignee change; what is shown of them comes back; what is not named stays."""
    project = Project()
    state = project.conversation.state
    edited = await project.editor.update_conversation(
        project.conversation.id, Changes(assignee="yui@example.com", category_ids=[project.category.id], title="返品")
    )
    assert (edited.value.id, edited.value.title) == (project.conversation.id, "返品")
    assert edited.value.categories == (project.category.id,)
    assert project.conversation.assignee == "yui@example.com"
    assert (await project.editor.set_title(project.conversation.id, "交換")).value.title == "交換"
    await project.editor.update_conversation(project.conversation.id, Changes(category_ids=[]))
    assert (project.conversation.title, project.conversation.categories) == ("交換", [])
    assert project.conversation.state is state


async def test_many_conversations_are_updated() -> None:
    """Those that fit every filter change, and no other."""
    project = Project()
    other = project.world.add_conversation(app=project.conversation.app, user=project.world.add_user("other"))
    assert project.conversation.app is not None
    which = Which(llm_app_ids=[project.conversation.app.id], user_ids=["u"])
    await project.editor.bulk_update(which, Changes(title="together"))
    assert (project.conversation.title, other.title == "together") == ("together", False)


@pytest.mark.parametrize(("vote", "rating"), [(Vote.NEGATIVE, False), (Vote.POSITIVE, True), (Vote.NONE, None)])
async def test_feedback_rates_a_chat(vote: Vote, *, rating: bool | None) -> None:
    """A vote sets the rating, and `NONE` takes it back."""
    project = Project()
    project.world.rate(project.chat.id, vote=True)
    answer = await project.editor.post_feedback(project.conversation.id, project.chat.id, vote)
    assert (answer.value.vote, project.chat.rating) == (vote, rating)


async def test_a_chat_is_deleted() -> None:
    """It is gone, and a second time it is not found."""
    project = Project()
    await project.editor.delete_chat(project.conversation.id, project.chat.id)
    assert project.chat.id not in project.world.chats
    with pytest.raises(ApiNotFound):
        await project.editor.delete_chat(project.conversation.id, project.chat.id)


async def test_categories_come_and_go() -> None:
    """One that is created is listed, one that is deleted is not."""
    project = Project()
    billing = Category(id=project.category.id, name="billing")
    created = (await project.editor.create_category("返品")).value
    assert created.name == "返品"
    assert (await project.client.categories(priority=Priority.RUNS)).value == (billing, created)
    await project.editor.delete_category(created.id)
    assert (await project.client.categories(priority=Priority.RUNS)).value == (billing,)


async def test_days_are_counted() -> None:
    """The daily count is a GET with a body, and tells of each day."""
    project = Project()
    days = (await CALLS["daily_count"](project)).value
    yesterday = TODAY - timedelta(days=1)
    assert days == (DailyCount(day=yesterday, conversations=0), DailyCount(day=TODAY, conversations=1))
    assert project.transport.requests[0].method == "GET"


@pytest.mark.parametrize("way", [DailyCountIs.FORBIDDEN, DailyCountIs.BODY_DROPPED])
async def test_a_refused_daily_count_is_not_about_the_credential(way: DailyCountIs) -> None:
    """What stands on the way refuses a GET with a body; the key is good all the same."""
    with pytest.raises(ApiRefused) as caught:
        await CALLS["daily_count"](Project(daily_count=way))
    assert type(caught.value) is ApiRefused
    with pytest.raises(ApiAuthError):
        await CALLS["daily_count"](Project(api_key="wrong"))


async def test_completions_come_whole_and_in_pieces() -> None:
    """Both modes tell the same text."""
    project = Project()
    whole = (await CALLS["chat_completions"](project)).value
    pieces = await streamed(project)
    assert "".join(pieces) == whole == "This is a simulated answer."
    assert len(pieces) > 1
    assert differences(project.transport.requests[1], "chat_completions") == []
    assert project.transport.requests[1].headers["accept"] == "text/event-stream"


async def test_the_witness_sees_answers_good_and_bad() -> None:
    """Each answer is shown as it came, with the request that it answers and the time when that was sent."""
    project = Project()
    project.clock.advance(7)
    await project.client.chats(project.conversation.id, 1, priority=Priority.RUNS)
    with pytest.raises(ApiNotFound):
        await project.client.is_running(make_id("Conversation", START, 99), priority=Priority.RUNS)
    (request, good, asked_at), (_, bad, _) = project.witnessed
    assert (request.operation, request.method, dict(request.params)) == ("list_chats", "GET", {"pageNo": "1"})
    assert request.path.endswith("/chats")
    assert (good.status, json.loads(good.body)["totalCount"], asked_at) == (200, 2, START + 7)
    assert good.headers["content-type"] == "application/json"
    assert "date" in good.headers
    assert (bad.operation, bad.status, json.loads(bad.body)) == ("get_running", 404, {"detail": "Not Found"})


async def test_dates_are_those_asked_for() -> None:
    """The range of the daily count arrives as it was given."""
    project = Project()
    answer = await project.client.daily_count(date(2026, 2, 27), date(2026, 3, 1), priority=Priority.RUNS)
    assert [each.day.isoformat() for each in answer.value] == ["2026-02-27", "2026-02-28", "2026-03-01"]
