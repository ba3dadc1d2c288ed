"""
Answers of every operation, made bad in 100,000 ways: the client understands or refuses them, and nothing else.

What the daemon makes of answers that were understood is in `test_any_json`. Here it is proven that nothing but a
MonitorError ever leaves the client, and that what it takes for a fact is sound.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gzip
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import date
from random import Random
from typing import Any

import httpx
import pytest
import stamina
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alli.client import Answer as Understood
from monitor.alli.client import ApiKey, Client, ConversationQuery
from monitor.alli.completions import Completions, Message, Role
from monitor.alli.editor import Changes, Editor, Which
from monitor.alli.pacing import Pacer, Priority
from monitor.alli.units import EARLIEST, LATEST
from monitor.alli.wire import valid_id
from monitor.errors import ApiUnclear, MonitorError
from monitor.model.conversation import Chat, Conversation, Vote
from monitor.simulator.entities import Conversation as SimulatedConversation
from monitor.simulator.operations import OPERATIONS
from monitor.simulator.server import app
from monitor.simulator.world import World
from tests.support.clock import ManualClock
from tests.support.mutation import Answer, spoilt
from tests.unit.alli.kit import START, Recorder

_CASES = 100_000
_CASES_AN_EXAMPLE = 100
_TIMES = {"at", "created_at", "last_chat_at", "asked_at", "answered_at"}
_QUESTION = [Message(role=Role.USER, content="?")]


class Alli:
    """
    A transport that carries requests out in a simulated project, once, and then answers with what it is told to.

    `honest` holds the honest answer of each operation by its name.
    """

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.world = World(self.clock)
        self.answer: Callable[[], httpx.Response] | None = None
        self._honest = httpx.ASGITransport(app(self.world))

    async def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        if self.answer is not None:
            return self.answer()
        answer = await self._honest.handle_async_request(request)
        return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())

    def client(self) -> Client:
        """Return a client that may write."""
        return Client(
            project="support",
            base_url="https://alli.test",
            credential=ApiKey("simulated-key"),
            http=httpx.AsyncClient(transport=httpx.MockTransport(self.handle)),
            clock=self.clock,
            pacer=Pacer(requests_per_minute=60_000, max_in_flight=8, clock=self.clock),
            telemetry=Recorder(),
            writes=frozenset(each.name for each in OPERATIONS),
        )


Ask = Callable[[Client], Awaitable[Any]]


def operations(conversation: SimulatedConversation, category: str) -> Mapping[str, Ask]:
    """Return how each of the sixteen operations is asked for; the chat is the first of the conversation."""
    id_, chat = conversation.id, conversation.chats[0].id
    which, changes = Which(conversation_ids=[id_]), Changes(title="Report")

    async def pages(client: Client) -> list[Any]:
        return [page async for page in client.conversations(ConversationQuery(), priority=Priority.RUNS)]

    async def streamed(client: Client) -> list[str]:
        async with Completions(client.exchange).stream(_QUESTION, max_tokens=5) as pieces:
            return [piece async for piece in pieces]

    return {
        "list_conversations": pages,
        "get_conversation": lambda c: c.conversation(id_, priority=Priority.RUNS),
        "get_running": lambda c: c.is_running(id_, priority=Priority.RUNS),
        "list_chats": lambda c: c.chats(id_, 1, priority=Priority.RUNS),
        "get_chat": lambda c: c.chat(id_, chat, priority=Priority.RUNS),
        "list_categories": lambda c: c.categories(priority=Priority.RUNS),
        "daily_count": lambda c: c.daily_count(date(2027, 1, 1), date(2027, 1, 2), priority=Priority.RUNS),
        "stop_conversation": lambda c: c.stop(id_),
        "update_conversation": lambda c: Editor(c.exchange).update_conversation(id_, changes),
        "bulk_update": lambda c: Editor(c.exchange).bulk_update(which, changes),
        "set_title": lambda c: Editor(c.exchange).set_title(id_, "Report"),
        "post_feedback": lambda c: Editor(c.exchange).post_feedback(id_, chat, Vote.NEGATIVE),
        "create_category": lambda c: Editor(c.exchange).create_category("Billing"),
        "chat_completions": lambda c: Completions(c.exchange).complete(_QUESTION, max_tokens=5),
        "chat_completions, streamed": streamed,
        "delete_category": lambda c: Editor(c.exchange).delete_category(category),
        "delete_chat": lambda c: Editor(c.exchange).delete_chat(id_, chat),
    }


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Stage:
    """A simulated project, each operation, and its honest answer."""

    alli: Alli
    asks: Mapping[str, Ask]
    honest: Mapping[str, httpx.Response]
    runner: asyncio.Runner


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """Provide the honest answers of all operations, for conversations with runs, steps, ratings and CJK texts."""
    alli = Alli()
    world = alli.world
    report, user = world.add_app("보고서"), world.add_user("u-1")
    conversations = [world.add_conversation(app=report, user=user) for _ in range(3)]
    for conversation in conversations:
        world.add_chat(conversation.id, "USER", "質問")
        world.rate(world.add_chat(conversation.id, "BOT", "답").id, vote=False)
        world.start_run(conversation.id)
    with asyncio.Runner() as runner, stamina.set_testing(True, attempts=1):
        client = alli.client()
        category = runner.run(Editor(client.exchange).create_category("Sales")).value.id
        asks = operations(conversations[0], category)
        honest: dict[str, httpx.Response] = {}
        for name, ask in asks.items():
            answers: list[httpx.Response] = []
            runner.run(_overhear(alli, answers, ask))
            honest[name] = answers[-1]
        yield Stage(alli, asks, honest, runner)


async def _overhear(alli: Alli, answers: list[httpx.Response], ask: Ask) -> None:
    client = alli.client()
    handle = alli.handle

    async def keep(request: httpx.Request) -> httpx.Response:
        answers.append(await handle(request))
        return answers[-1]

    alli.handle = keep  # type: ignore[method-assign]
    client = alli.client()
    alli.handle = handle  # type: ignore[method-assign]
    assert_sound(await ask(client))


def test_every_operation_has_an_honest_answer(stage: Stage) -> None:
    """What is made bad below was good: all sixteen operations are there, and none was refused."""
    names = {name.partition(",")[0] for name in stage.honest}
    assert names == {operation.name for operation in OPERATIONS}
    assert all(answer.is_success for answer in stage.honest.values())


@pytest.mark.timeout(900)
@settings(max_examples=_CASES // _CASES_AN_EXAMPLE)
@given(seed=st.integers(0, 2**64))
def test_whatever_is_answered_is_understood_or_refused(stage: Stage, seed: int) -> None:
    """No mutation of any answer makes the client raise anything but a MonitorError, or believe what cannot be."""
    chance = Random(seed)  # noqa: S311 - chance in a test guards nothing
    names = sorted(stage.asks)

    async def story() -> None:
        client = stage.alli.client()
        for _ in range(_CASES_AN_EXAMPLE):
            await _ask_once(stage, client, chance, chance.choice(names))

    stage.runner.run(story())


async def _ask_once(stage: Stage, client: Client, chance: Random, name: str) -> None:
    honest = stage.honest[name]
    headers = tuple((key, honest.headers.get(key.decode(), "").encode()) for key in (b"content-type", b"date"))
    bad = spoilt(chance, Answer(status=honest.status_code, headers=headers, body=honest.content))
    stage.alli.answer = lambda: httpx.Response(bad.status, headers=list(bad.headers), content=bad.body)
    with contextlib.suppress(MonitorError):
        assert_sound(await stage.asks[name](client))


@pytest.mark.parametrize("name", ["list_conversations", "get_chat", "set_title", "chat_completions, streamed"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_hundred_megabytes_are_not_read(stage: Stage, name: str, encoding: str) -> None:
    """A body beyond all bounds, plain or unpacked from little, is given up on rather than held in memory."""
    body = b'{"conversations": "' + b" " * 100_000_000
    packed = gzip.compress(body, compresslevel=1) if encoding == "gzip" else body
    headers = {"content-type": "application/json", "content-encoding": encoding}

    async def story() -> None:
        stage.alli.answer = lambda: httpx.Response(200, headers=headers, stream=_Stream(packed))
        with pytest.raises(ApiUnclear):
            await stage.asks[name](stage.alli.client())

    stage.runner.run(story())


class _Stream(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> Any:
        for start in range(0, len(self._content), 65_536):
            yield self._content[start : start + 65_536]


def assert_sound(value: Any) -> None:
    """Fail unless every text, number, time and id in `value` is one that the monitor can work with and store."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            part = getattr(value, field.name)
            assert_sound(part)
            if isinstance(part, str):
                assert "\0" not in part or isinstance(value, Understood)  # what a model says is not stored
            if field.name in _TIMES:
                assert part is None or EARLIEST <= part <= LATEST
            if isinstance(value, Conversation | Chat) and field.name == "id":
                assert valid_id(part)
    elif isinstance(value, str):
        value.encode()
    elif isinstance(value, float):
        assert math.isfinite(value)
    elif isinstance(value, list | tuple | frozenset):
        for part in value:
            assert_sound(part)
