"""The simulator answers every operation as the description of the API in `alli_api.yaml` says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from monitor.simulator.entities import Chat, Conversation, RunKind, RunPlan
from monitor.simulator.operations import OPERATIONS
from monitor.simulator.query import ListQuery
from monitor.simulator.server import app
from monitor.simulator.shape import FIELDS, NULLABLE
from monitor.simulator.world import World
from tests.support.api import API, ENUMERATIONS, mistakes
from tests.support.clock import ManualClock

WITH_BODY = sorted(name for name, operation in API["operations"].items() if "body" in operation)


def example(declared: str) -> Any:
    """Return a value of the `declared` type, with every optional field."""
    declared = ENUMERATIONS.get(declared.removesuffix("?"), declared.removesuffix("?"))
    if declared.startswith("["):
        return [example(declared[1:-1])]
    if declared in API["types"]:
        fields = API["types"][declared]
        return {name: example(each) for name, each in (fields.get("required", {}) | fields.get("optional", {})).items()}
    return {"string": "2026-11-20", "number": 1.5, "integer": 7, "boolean": True}.get(declared, declared.split("|")[0])


class Project:
    """A world in which every field of every type has a value somewhere and is null elsewhere."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.world = World(self.clock)
        self.world.add_conversation(title="no user, app or chat")
        self.category_id = self.world.add_category("billing").id
        self.conversation = self._full_conversation()
        self.chat = self._rated_chat(self.conversation)
        self.running_chat = self._running_chat(self.conversation)
        transport = httpx.ASGITransport(app(self.world))
        headers = {"API-KEY": self.world.options.api_key}
        self.client = httpx.AsyncClient(transport=transport, base_url="http://alli.test", headers=headers)

    async def ask(self, name: str, *, chat: Chat | None = None, **request: Any) -> httpx.Response:
        """Ask the operation `name` as it is declared."""
        operation = API["operations"][name]
        path = operation["path"].format(
            conversation_id=self.conversation.id, chat_id=(chat or self.chat).id, category_id=self.category_id
        )
        return await self.client.request(operation["method"], path, **request)

    def body(self, name: str) -> dict[str, Any]:
        """Return a body for the operation `name` with every field it may have."""
        body: dict[str, Any] = example(API["operations"][name]["body"])
        for part in (body, body.get("conversationInfo", {})):
            if "categoryIds" in part:
                part["categoryIds"] = [self.category_id]
        return body

    def _full_conversation(self) -> Conversation:
        app = self.world.add_app("주간 보고서", description="보고서")
        conversation = self.world.add_conversation(app=app, user=self.world.add_user("yui"), title="返品")
        conversation.categories.append(self.category_id)
        return conversation

    def _rated_chat(self, conversation: Conversation) -> Chat:
        self.world.add_chat(conversation.id, "USER", "返品できますか。")
        chat = self.world.add_chat(conversation.id, "BOT", "はい。", citations=2)
        self.world.rate(chat.id, vote=False)
        self.world.rate(chat.id, vote=True, by="agent")
        return chat

    def _running_chat(self, conversation: Conversation) -> Chat:
        run = self.world.start_run(conversation.id, RunPlan(kind=RunKind.SLOW, every=1))
        self.clock.advance(3)
        self.world.advance()
        assert run.chat is not None
        return run.chat


@pytest.fixture
async def project() -> AsyncIterator[Project]:
    """Give a project and close its client."""
    project = Project()
    async with project.client:
        yield project


def test_every_operation_is_there() -> None:
    """The simulator has the operations of the description, under the same names, methods and paths, and no others."""
    described = {(name, each["method"], each["path"]) for name, each in API["operations"].items()}
    assert described == {(each.name, each.method, each.path) for each in OPERATIONS}
    assert len(described) == 16


@pytest.mark.parametrize("name", API["operations"])
async def test_answers_are_as_described(project: Project, name: str) -> None:
    """Each operation answers 200 with the declared fields, their types and nothing else."""
    operation = API["operations"][name]
    request: dict[str, Any] = {"json": project.body(name)} if "body" in operation else {}
    response = await project.ask(name, **request)
    assert response.status_code == 200
    if "answer" in operation:
        assert list(mistakes(response.json(), operation["answer"])) == []


async def test_a_running_chat_is_as_described(project: Project) -> None:
    """The detail of a chat that is being written shows its intermediate steps in the declared form."""
    detail = (await project.ask("get_chat", chat=project.running_chat)).json()
    assert list(mistakes(detail, "ChatDetail")) == []
    assert [step["completed"] for step in detail["intermediateSteps"]] == [True, True, True, False]


async def test_the_list_shows_null_and_value_of_each_field(project: Project) -> None:
    """The world asked here has rows with a user, an app and chats, and rows without: both forms are checked."""
    rows = (await project.ask("list_conversations")).json()["conversations"]
    for field in ("user", "llmApp", "lastChatTime"):
        assert {row[field] is None for row in rows} == {True, False}
    chats = [chat for row in rows for chat in row["chats"]]
    assert {chat["rating"] for chat in chats} == {None, False}
    assert {chat["agentRating"] for chat in chats} == {None, True}
    assert {chat["citations"] is None for chat in chats} == {True, False}


@pytest.mark.parametrize(
    ("path", "value"),
    [("id", 5), ("lastChatTime", "soon"), ("isEnd", 1), ("chatCount", True), ("surprise", 1), ("chats", None)],
)
async def test_the_check_finds_mistakes(project: Project, path: str, value: Any) -> None:
    """A field of the wrong type, and one that nobody declared, is a mistake."""
    row = (await project.ask("get_conversation")).json()
    assert len(list(mistakes(row | {path: value}, "Conversation"))) == 1


async def test_the_check_misses_fields(project: Project) -> None:
    """A required field that is missing is a mistake, an optional one is not."""
    chat = (await project.ask("get_chat")).json()
    del chat["source"]
    assert list(mistakes(chat, "ChatDetail")) == []
    del chat["rating"]
    assert list(mistakes(chat, "ChatDetail")) == ["answer.rating is missing"]


def test_the_list_knows_every_parameter() -> None:
    """The parameters that the list reads are those of the description."""
    declared = API["operations"]["list_conversations"]["query"]
    assert set(declared) == {field.alias for field in ListQuery.model_fields.values()}


def test_the_fields_that_can_be_bent() -> None:
    """What the simulator can leave out or make null is what is described, and what may be null there."""
    described: dict[str, str] = {}
    for name in ("Conversation", "User", "LLMApp", "ChatDetail", "IntermediateStep", "Citation"):
        fields = API["types"][name]["required"] | API["types"][name].get("optional", {})
        described |= {f"{name.removesuffix('Detail')}.{field}": declared for field, declared in fields.items()}
    assert described.keys() == FIELDS
    assert {field for field, declared in described.items() if declared.endswith("?")} == NULLABLE


async def test_the_list_accepts_every_parameter(project: Project) -> None:
    """Each declared parameter is accepted with a value of its type."""
    for name, declared in API["operations"]["list_conversations"]["query"].items():
        if name != "cursor":
            value = str(example(declared)).strip("[]'").lower() if "|" not in declared else example(declared)
            assert (await project.ask("list_conversations", params={name: value})).status_code == 200, name


async def test_values_of_enumerations(project: Project) -> None:
    """Every declared order and state is accepted, and another word is refused."""
    for word in API["operations"]["list_conversations"]["query"]["order"].split("|"):
        assert (await project.ask("list_conversations", params={"order": word})).status_code == 200
    for word in ENUMERATIONS["State"].split("|"):
        assert (await project.ask("update_conversation", json={"state": word})).status_code == 200
    for word in ENUMERATIONS["FeedbackSelection"].split("|"):
        assert (await project.ask("post_feedback", json={"feedbackSelection": [word]})).status_code == 200
    assert (await project.ask("list_conversations", params={"order": "RANDOM"})).status_code == 422
    assert (await project.ask("update_conversation", json={"state": "xx"})).status_code == 422
    assert (await project.ask("post_feedback", json={"feedbackSelection": ["rude"]})).status_code == 422


@pytest.mark.parametrize("name", ["list_conversations", "list_chats"])
async def test_limits_of_parameters(project: Project, name: str) -> None:
    """A number at the declared limits is accepted, one beyond them is refused."""
    for parameter, (low, high) in API["operations"][name]["limits"].items():
        allowed = {low: 200, low - 1: 422} | ({high: 200, high + 1: 422} if high else {})
        for number, status in allowed.items():
            assert (await project.ask(name, params={parameter: number})).status_code == status


@pytest.mark.parametrize("name", WITH_BODY)
async def test_bodies_need_their_required_fields(project: Project, name: str) -> None:
    """A body without one of its required fields is refused with the name of the field."""
    body = project.body(name)
    for field in API["types"][API["operations"][name]["body"]].get("required", {}):
        incomplete = {key: value for key, value in body.items() if key != field}
        response = await project.ask(name, json=incomplete)
        assert response.status_code == 422
        assert [problem["loc"] for problem in response.json()["detail"]] == [["body", field]]
