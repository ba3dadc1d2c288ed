"""The client against the simulator: both read the API's description, and neither knows the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import stamina

from monitor.alli.client import ApiKey, Client, ConversationQuery, Order
from monitor.alli.pacing import Pacer, Priority
from monitor.errors import ApiAuthError, ApiNotFound, ApiUnavailable, ApiUnclear, MonitorError
from monitor.model.conversation import Sender, Vote
from monitor.simulator.entities import Conversation, RunKind, RunPlan
from monitor.simulator.faults import Fault, FaultKind
from monitor.simulator.options import Options, Paging, TimeUnit
from monitor.simulator.server import app, serve
from monitor.simulator.world import World
from tests.support.clock import ManualClock
from tests.unit.alli.kit import START, Recorder


class Setup:
    """A simulated project and a client of it, sharing one clock."""

    def __init__(self, *, api_key: str = "simulated-key", **options: Any) -> None:
        self.clock = ManualClock(START)
        self.world = World(self.clock, Options(**options))
        self.telemetry = Recorder()
        self._api_key = api_key

    def client(self, base_url: str = "https://alli.test", http: httpx.AsyncClient | None = None) -> Client:
        """Return a client; without `http` it calls the simulator directly, without a network."""
        return Client(
            project="support",
            base_url=base_url,
            credential=ApiKey(self._api_key),
            http=http or httpx.AsyncClient(transport=httpx.ASGITransport(app(self.world))),
            clock=self.clock,
            pacer=Pacer(requests_per_minute=6000, max_in_flight=4, clock=self.clock),
            telemetry=self.telemetry,
            writes=frozenset({"stop_conversation"}),
        )

    @asynccontextmanager
    async def served(self) -> AsyncIterator[Client]:
        """Serve the simulator on a real socket and yield a client of it."""
        async with serve(self.world) as base_url, httpx.AsyncClient(trust_env=False) as http:
            yield self.client(base_url, http)

    def talk(self, *, chats: int = 1, app_name: str = "Report") -> Conversation:
        """Let a user have a conversation with an app that answers every other chat."""
        known = next((each for each in self.world.apps.values() if each.name == app_name), None)
        conversation = self.world.add_conversation(
            app=known or self.world.add_app(app_name), user=self.world.add_user("u-1")
        )
        for number in range(chats):
            self.clock.advance(1)
            self.world.add_chat(conversation.id, "BOT" if number % 2 else "USER", f"message {number}")
        return conversation


@pytest.fixture(autouse=True)
def no_waits_between_attempts() -> Iterator[None]:
    """Let retries follow at once, in their real number."""
    with stamina.set_testing(True, attempts=3):
        yield


async def ids(client: Client, query: ConversationQuery) -> list[str]:
    """Return the ids of one complete pass."""
    listing = client.conversations(query, priority=Priority.RUNS)
    found = [conversation.id async for page in listing for conversation in page.conversations]
    assert listing.complete, listing.incomplete_because
    return found


@pytest.mark.parametrize("unit", list(TimeUnit))
@pytest.mark.parametrize("newest_first", [False, True])
async def test_a_conversation_arrives_as_it_is(unit: TimeUnit, *, newest_first: bool) -> None:
    """Whatever the unit of the server and the order of its chats, the values are the same."""
    setup = Setup(time_unit=unit, embed_newest_first=newest_first)
    conversation = setup.talk(chats=3)
    setup.world.start_run(conversation.id)
    client = setup.client()
    answer = await client.conversation(conversation.id, priority=Priority.RUNS)
    value = answer.value
    assert value.app is not None
    assert (value.app.name, value.user_id, value.chat_count) == ("Report", "u-1", 4)
    assert value.created_at == pytest.approx(START)
    assert value.last_chat_at == pytest.approx(START + 3)
    assert [chat.at - START for chat in value.chats] == pytest.approx([1, 2, 3, 3])
    assert [chat.sender for chat in value.chats] == [Sender.USER, Sender.BOT, Sender.USER, Sender.BOT]
    assert value.chats[0].length == len("message 0")
    assert value.incomplete_chat is value.chats[3]
    assert not setup.telemetry.drifts


@pytest.mark.parametrize("unit", list(TimeUnit))
@pytest.mark.parametrize("paging", list(Paging))
@pytest.mark.parametrize("order", list(Order))
async def test_a_pass_finds_every_conversation_once(unit: TimeUnit, paging: Paging, order: Order) -> None:
    """Several pages, in each order and with each kind of cursor, make one complete list."""
    setup = Setup(time_unit=unit, paging=paging)
    expected = {setup.talk().id for _ in range(23)}
    found = await ids(setup.client(), ConversationQuery(order=order, page_size=5))
    assert len(found) == len(expected)
    assert set(found) == expected


@pytest.mark.parametrize("unit", list(TimeUnit))
async def test_time_filters_work_in_the_unit_of_the_server(unit: TimeUnit) -> None:
    """After one answer was seen, filters find what they should, whatever the unit."""
    setup = Setup(time_unit=unit)
    for _ in range(6):
        setup.talk()
    client = setup.client()
    everything = await ids(client, ConversationQuery())
    assert await ids(client, ConversationQuery(last_chat_from=START + 3, last_chat_to=START + 5)) == everything[2:5]
    assert await ids(client, ConversationQuery(last_chat_from=START + 1e8)) == []
    assert not setup.telemetry.drifts


async def test_a_server_that_ignores_a_filter_is_noticed() -> None:
    """Rows outside the filter are left out, and counted as drift."""
    setup = Setup(ignored_parameters=frozenset({"startedAt"}))
    setup.talk()
    assert not await ids(setup.client(), ConversationQuery(last_chat_from=START + 1e6))
    assert setup.telemetry.drifts == {"filter_ignored": 1}


async def test_the_list_of_runs_holds_what_runs() -> None:
    """`background_running` separates what runs from what does not, and agrees with `is_running`."""
    setup = Setup()
    idle, busy = setup.talk(), setup.talk()
    setup.world.start_run(busy.id)
    client = setup.client()
    assert await ids(client, ConversationQuery(background_running=True)) == [busy.id]
    assert await ids(client, ConversationQuery(background_running=False)) == [idle.id]
    assert (await client.is_running(busy.id, priority=Priority.RUNS)).value is True
    assert (await client.is_running(idle.id, priority=Priority.RUNS)).value is False


async def test_a_stop_stops() -> None:
    """After a stop that was accepted, nothing runs."""
    setup = Setup()
    conversation = setup.talk()
    setup.world.start_run(conversation.id)
    client = setup.client()
    await client.stop(conversation.id)
    assert (await client.is_running(conversation.id, priority=Priority.STOP)).value is False


async def test_pages_of_chats_cover_a_long_conversation() -> None:
    """All chats of a conversation come in pages of 100, with their ratings."""
    setup = Setup()
    conversation = setup.talk(chats=230)
    setup.world.rate(conversation.chats[150].id, False)
    client = setup.client()
    pages = [(await client.chats(conversation.id, number, priority=Priority.SWEEP)).value for number in (1, 2, 3)]
    assert [(page.page, page.total, len(page.chats)) for page in pages] == [(1, 230, 100), (2, 230, 100), (3, 230, 30)]
    assert pages[1].chats[50].rating is Vote.NEGATIVE


async def test_a_chat_shows_its_steps() -> None:
    """The progress of a run is visible in its chat."""
    setup = Setup()
    conversation = setup.talk()
    run = setup.world.start_run(conversation.id, RunPlan(kind=RunKind.SLOW, every=5))
    setup.clock.advance(30)
    setup.world.advance()
    assert run.chat is not None
    chat = (await setup.client().chat(conversation.id, run.chat.id, priority=Priority.RUNS)).value
    assert chat.steps
    assert not chat.completed


@pytest.mark.parametrize("offset", [0.0, -7200.0, 300.0])
async def test_server_time_is_that_of_the_server(offset: float) -> None:
    """A machine whose clock is wrong still reckons in the server's time."""
    setup = Setup(clock_offset=offset)
    conversation = setup.talk()
    client = setup.client()
    answer = await client.is_running(conversation.id, priority=Priority.RUNS)
    assert answer.answered_at == pytest.approx(setup.clock.now() + offset, abs=1)
    assert client.server_time.proven


async def test_without_date_headers_server_time_is_unproven() -> None:
    """What the server does not tell is not claimed."""
    setup = Setup(date_header=False)
    conversation = setup.talk()
    client = setup.client()
    await client.is_running(conversation.id, priority=Priority.RUNS)
    assert not client.server_time.proven


async def test_a_wrong_key_and_a_missing_conversation_are_told_apart() -> None:
    """The credential is at fault, or the object is gone."""
    with pytest.raises(ApiAuthError):
        await Setup(api_key="wrong").client().is_running("x", priority=Priority.RUNS)
    with pytest.raises(ApiNotFound):
        await Setup().client().is_running("x", priority=Priority.RUNS)


@pytest.mark.parametrize(
    ("kind", "error", "codes"),
    [
        (FaultKind.ERROR, ApiUnavailable, ["503"] * 3),
        (FaultKind.THROTTLE, ApiUnavailable, ["429"] * 3),
        (FaultKind.REVOKED, ApiAuthError, ["401"]),
        (FaultKind.DROPPED, ApiUnavailable, ["error"] * 3),
        (FaultKind.RESET, ApiUnavailable, ["error"] * 3),
        (FaultKind.TRUNCATED, ApiUnclear, ["200"] * 2),
        (FaultKind.HTML, ApiUnclear, ["200"] * 2),
        (FaultKind.EMPTY, ApiUnclear, ["200"] * 2),
        (FaultKind.ENVELOPE, ApiUnclear, ["200"] * 2),
    ],
)
async def test_every_fault_is_an_error_and_never_an_empty_list(
    kind: FaultKind, error: type[MonitorError], codes: list[str]
) -> None:
    """Over a real connection, what goes wrong is never mistaken for a list without conversations."""
    setup = Setup()
    setup.talk()
    setup.world.faults.add(Fault(kind=kind))
    async with setup.served() as client:
        listing = client.conversations(ConversationQuery(), priority=Priority.RUNS)
        with pytest.raises(error):
            await anext(listing)
    assert not listing.complete
    assert setup.telemetry.codes == codes


async def test_a_fault_that_passes_costs_nothing() -> None:
    """A retry gets over a single bad answer."""
    setup = Setup()
    conversation = setup.talk()
    for kind in (FaultKind.HTML, FaultKind.DROPPED):
        setup.world.faults.add(Fault(kind=kind, count=1))
    async with setup.served() as client:
        assert await ids(client, ConversationQuery()) == [conversation.id]


async def test_a_bad_row_does_not_lose_the_page() -> None:
    """The rows beside it are read, and it is counted."""
    setup = Setup()
    rows = [setup.talk().id for _ in range(5)]
    setup.world.faults.add(Fault(kind=FaultKind.BAD_ROW))
    client = setup.client()
    listing = client.conversations(ConversationQuery(), priority=Priority.RUNS)
    page = await anext(listing)
    assert [conversation.id for conversation in page.conversations] == rows[:2] + rows[3:]
    assert (page.set_aside, listing.complete) == (1, True)


@pytest.mark.parametrize(
    ("kind", "sent"),
    [(FaultKind.THROTTLE, False), (FaultKind.ERROR, False), (FaultKind.DROPPED, True), (FaultKind.RESET, True)],
)
async def test_a_stop_that_fails_tells_whether_it_may_have_arrived(kind: FaultKind, *, sent: bool) -> None:
    """A broken connection leaves it open whether the stop was carried out; a refusal does not."""
    setup = Setup()
    conversation = setup.talk()
    setup.world.start_run(conversation.id)
    setup.world.faults.add(Fault(kind=kind))
    async with setup.served() as client:
        with pytest.raises(ApiUnavailable) as caught:
            await client.stop(conversation.id)
    assert caught.value.sent is sent
    assert len(setup.telemetry.codes) == 1


async def test_a_stop_to_nobody_was_not_sent() -> None:
    """Where nothing listens, nothing was stopped."""
    async with httpx.AsyncClient(trust_env=False) as http:
        with pytest.raises(ApiUnavailable) as caught:
            await Setup().client("http://127.0.0.1:1", http).stop("x")
    assert caught.value.sent is False
