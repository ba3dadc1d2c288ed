"""The client's operations, over a transport that answers as Alli might."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from email.utils import formatdate
from typing import Any

import httpx
import pytest

from monitor.alli.client import Bearer, Client, ConversationQuery, Order
from monitor.alli.credentials import ApiKey
from monitor.alli.exchange import Exchange, Request
from monitor.alli.pacing import Pacer, Priority
from monitor.errors import ApiAuthError, ApiNotFound, ApiRefused, ApiUnavailable, ApiUnclear, MonitorError
from monitor.model.capabilities import Capabilities, Proof
from monitor.model.conversation import Vote
from tests.support.clock import ManualClock
from tests.unit.alli.kit import KEY, START, Handler, Recorder, chat_row, conversation_row, make_client, make_id

ID = make_id("Conversation", START, 1)
CHAT_ID = make_id("Chat", START, 1)


def always(response: Callable[[], httpx.Response]) -> tuple[Handler, list[httpx.Request]]:
    """Return a handler that answers everything alike, and what it was asked."""
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return response()

    return handler, asked


def in_turn(*answers: httpx.Response | Exception) -> tuple[Handler, list[httpx.Request]]:
    """Return a handler that gives these answers one after the other, and what it was asked."""
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        answer = answers[len(asked) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handler, asked


def running(*, is_running: bool = True) -> httpx.Response:
    """Return the answer that something runs, or not."""
    return httpx.Response(200, json={"isRunning": is_running})


def streamed(status: int, body: bytes, encoding: str) -> httpx.Response:
    """Return an answer that is unpacked when it is read, as one from a network is."""

    async def chunks() -> AsyncIterator[bytes]:
        yield body

    return httpx.Response(status, content=chunks(), headers={"content-encoding": encoding})


def page(*rows: Any, cursor: str | None = None) -> httpx.Response:
    """Return one page of conversations."""
    return httpx.Response(200, json={"conversations": list(rows), "cursor": cursor})


async def ask(client: Client) -> bool:
    """Ask the simplest question."""
    return (await client.is_running(ID, priority=Priority.RUNS)).value


# Requests


async def test_a_list_asks_with_plain_decimals_and_lower_case_booleans() -> None:
    """Filters are written as the API reads them, and repeated with the cursor."""
    handler, asked = in_turn(page(conversation_row(), cursor="c+/="), page())
    query = ConversationQuery(
        background_running=True, last_chat_from=START - 60, last_chat_to=START + 60, order=Order.LAST_CHAT_NEWEST_FIRST
    )
    async for _ in make_client(handler).conversations(query, priority=Priority.RUNS):
        pass
    filters = {
        "pageSize": "50",
        "order": "LAST_CHAT_TIME_DESC",
        "backgroundRunning": "true",
        "startedAt": "1799999940000",
        "endAt": "1800000060000",
    }
    assert dict(asked[0].url.params) == filters
    assert dict(asked[1].url.params) == filters | {"cursor": "c+/="}
    assert asked[0].url.path == "/webapi/v2/conversations"


async def test_a_list_without_filters_sends_none() -> None:
    """What is not asked for is not mentioned."""
    handler, asked = in_turn(page())
    async for _ in make_client(handler).conversations(ConversationQuery(), priority=Priority.RUNS):
        pass
    assert dict(asked[0].url.params) == {"pageSize": "50", "order": "FIRST_CHAT_TIME_ASC"}


async def test_filters_follow_the_unit_of_the_answers() -> None:
    """A server that answers in seconds is asked in seconds."""
    seconds = conversation_row(createdAt=START, lastChatTime=START)
    handler, asked = in_turn(page(seconds), page())
    client = make_client(handler)
    known = []
    for _ in range(2):
        known.append(client.time_unit_known)
        async for _ in client.conversations(ConversationQuery(last_chat_from=START - 1), priority=Priority.RUNS):
            pass
    assert known == [False, True]
    assert [request.url.params["startedAt"] for request in asked] == ["1799999999000", "1799999999.000"]


async def test_rows_outside_the_filter_are_left_out_and_counted() -> None:
    """A server that ignores a filter is noticed, and what it sends is not taken for what was asked for."""
    telemetry = Recorder()
    handler, _ = always(lambda: page(conversation_row(at=START - 600), conversation_row(1)))
    client = make_client(handler, telemetry=telemetry)
    listing = client.conversations(ConversationQuery(last_chat_from=START), priority=Priority.RUNS)
    assert [each.last_chat_at for each in (await anext(listing)).conversations] == [START]
    assert telemetry.drifts == {"filter_ignored": 1}


async def test_a_filter_that_is_known_not_to_work_is_done_without() -> None:
    """It is not sent, as it may hide what it should show, and rows outside of it are no deviation any more."""
    telemetry = Recorder()
    handler, asked = always(lambda: page(conversation_row(at=START - 600)))
    client = make_client(handler, telemetry=telemetry)
    client.adapt(Capabilities(time_filter=Proof.FAILS))
    listing = client.conversations(ConversationQuery(last_chat_from=START), priority=Priority.RUNS)
    assert not (await anext(listing)).conversations
    assert not telemetry.drifts
    assert set(asked[0].url.params) == {"pageSize", "order"}


@pytest.mark.parametrize(
    ("unit", "written"), [("s", "1800000000.000"), ("us", "1800000000000000"), (None, "1800000000000")]
)
async def test_filters_are_written_in_the_unit_that_a_probe_saw_honoured(unit: str | None, written: str) -> None:
    """Filters may have another unit than answers, which here are in milliseconds."""
    handler, asked = in_turn(page(conversation_row()), page())
    client = make_client(handler)
    client.adapt(Capabilities(filter_unit=unit))
    assert client.time_unit_known is (unit is not None)
    for _ in range(2):
        async for _ in client.conversations(ConversationQuery(last_chat_from=START), priority=Priority.RUNS):
            pass
    assert asked[1].url.params["startedAt"] == written


MISSING = {
    "403 Forbidden": httpx.Response(403, json={"message": "Forbidden"}),
    "400 no such thing": httpx.Response(400, json={"error": "no such thing"}),
    '200 {"result": null}': httpx.Response(200, json={"result": None}),
}


@pytest.mark.parametrize("signature", list(MISSING))
async def test_a_missing_object_is_told_from_a_refused_credential(signature: str) -> None:
    """What looks like this server's answer about what is missing is that, if the list works at the same time."""
    refusal = MISSING[signature]
    handler, asked = always(lambda: refusal)
    client = make_client(lambda request: page() if "pageSize" in request.url.params else handler(request))
    client.adapt(Capabilities(missing=signature))
    with pytest.raises(ApiNotFound) as caught:
        await ask(client)
    assert caught.value.signature == signature
    assert {request.url.path for request in asked} == {asked[0].url.path}


async def test_a_revoked_key_makes_nothing_missing() -> None:
    """Where what is missing and what is forbidden look alike, a list that is refused, too, is about the credential."""
    handler, asked = always(lambda: MISSING["403 Forbidden"])
    client = make_client(handler)
    client.adapt(Capabilities(missing="403 Forbidden"))
    with pytest.raises(ApiAuthError):
        await ask(client)
    assert [request.url.path.rpartition("/")[2] for request in asked] == ["running", "conversations"]


async def test_an_outage_makes_nothing_missing() -> None:
    """When the list that should confirm it cannot be read, nothing is known."""
    handler, _ = in_turn(MISSING["400 no such thing"], *[httpx.Response(503)] * 3)
    client = make_client(handler)
    client.adapt(Capabilities(missing="400 no such thing"))
    with pytest.raises(ApiUnavailable):
        await ask(client)


async def test_a_403_about_one_object_is_not_about_the_credential() -> None:
    """If the list works, the key does: the object is refused, and nobody is told to replace the key."""
    handler, _ = in_turn(MISSING["403 Forbidden"], page())
    with pytest.raises(ApiRefused) as caught:
        await ask(make_client(handler))
    assert type(caught.value) is ApiRefused
    assert (caught.value.code, caught.value.signature) == (403, "403 Forbidden")


@pytest.mark.parametrize(
    ("answer", "requests"), [(httpx.Response(401), 1), (httpx.Response(400, json={"error": "another"}), 1)]
)
async def test_other_refusals_are_what_they_are(answer: httpx.Response, requests: int) -> None:
    """A 401 is about the credential at once, and an answer of another kind is no missing object."""
    handler, asked = always(lambda: answer)
    client = make_client(handler)
    client.adapt(Capabilities(missing="400 no such thing"))
    with pytest.raises(ApiRefused) as caught:
        await ask(client)
    assert not isinstance(caught.value, ApiNotFound)
    assert len(asked) == requests


@pytest.mark.parametrize(
    ("base_url", "prefix"),
    [("https://alli.test", ""), ("https://alli.test/", ""), ("https://alli.test/some/path/", "/some/path")],
)
async def test_ids_are_encoded_below_the_base_url(base_url: str, prefix: str) -> None:
    """An id is one segment of the path, whatever stands in it."""
    handler, asked = always(running)
    await make_client(handler, base_url=base_url).is_running("a/b+c=?#%2F", priority=Priority.RUNS)
    path = f"{prefix}/webapi/v2/conversations/a%2Fb%2Bc%3D%3F%23%252F/running"
    assert asked[0].url.raw_path.decode() == path


@pytest.mark.parametrize("id_", ["", ".", "..", "a\nb", "x" * 600])
async def test_what_cannot_be_an_id_is_not_asked_for(id_: str) -> None:
    """Such a text would lead to another operation; there is no such conversation."""
    handler, asked = always(running)
    with pytest.raises(ApiNotFound):
        await make_client(handler).stop(id_)
    assert asked == []


async def test_requests_carry_the_credential_and_nothing_that_acts_for_a_user() -> None:
    """The key and the configured headers go along, never headers that would create a user."""
    handler, asked = always(running)
    await ask(make_client(handler, headers={"X-Gateway": "g"}))
    headers = asked[0].headers
    assert (headers["api-key"], headers["x-gateway"], headers["accept"]) == (KEY, "g", "application/json")
    assert not {"own-user-id", "user-email", "agent-email", "authorization", "cookie"} & set(headers)
    await ask(make_client(handler, credential=Bearer("t"), headers={"authorization": "other"}))
    assert asked[1].headers.get_list("authorization") == ["Bearer t"]


async def test_cookies_of_an_answer_are_not_sent_back() -> None:
    """One HTTP client serves several projects: what one server sets must not reach another."""
    handler, asked = always(lambda: httpx.Response(200, json={"isRunning": True}, headers={"set-cookie": "s=1"}))
    client = make_client(handler)
    await ask(client)
    await ask(client)
    assert "cookie" not in asked[1].headers


# Answers


async def test_each_operation_returns_its_value() -> None:
    """Conversation, running, page of chats and chat arrive as values."""

    def handler(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/webapi/v2/conversations")
        return httpx.Response(
            200,
            json={
                f"/{ID}": conversation_row(1, chats=[chat_row(1, rating=True)]),
                f"/{ID}/running": {"isRunning": False},
                f"/{ID}/chats": {"chats": [chat_row(1)], "pageNo": 2, "totalCount": 101},
                f"/{ID}/chats/{CHAT_ID}": chat_row(1, intermediateSteps=[{"key": "k", "completed": True}]),
            }[path],
        )

    client = make_client(handler)
    conversation = (await client.conversation(ID, priority=Priority.STOP)).value
    assert (conversation.id, conversation.chats[0].rating) == (ID, Vote.POSITIVE)
    assert (await client.is_running(ID, priority=Priority.STOP)).value is False
    chats = (await client.chats(ID, 2, priority=Priority.SWEEP)).value
    assert (chats.page, chats.total, len(chats.chats)) == (2, 101, 1)
    assert (await client.chat(ID, CHAT_ID, priority=Priority.RUNS)).value.steps[0].key == "k"


async def test_an_answer_about_another_object_is_unclear() -> None:
    """A mixed-up answer must not decide about a conversation."""
    handler, _ = always(lambda: httpx.Response(200, json=conversation_row(2)))
    with pytest.raises(ApiUnclear, match="another object"):
        await make_client(handler).conversation(ID, priority=Priority.STOP)


async def test_an_id_may_be_asked_for_in_its_bare_form() -> None:
    """The same ObjectId, bare or in base64, is the same conversation."""
    handler, _ = always(lambda: httpx.Response(200, json=conversation_row(1)))
    bare = f"{int(START):08x}{1:016x}"
    assert (await make_client(handler).conversation(bare, priority=Priority.STOP)).value.id == ID


async def test_answers_tell_their_server_time() -> None:
    """Question and answer are dated in Alli's time, from the very first answer on."""
    clock = ManualClock(START)

    def handler(_: httpx.Request) -> httpx.Response:
        clock.advance(0.5)
        return httpx.Response(200, json={"isRunning": True}, headers={"Date": formatdate(START + 100, usegmt=True)})

    client = make_client(handler, clock=clock)
    answer = await client.is_running(ID, priority=Priority.RUNS)
    assert answer.asked_at == pytest.approx(START + 100.25)
    assert answer.answered_at == pytest.approx(START + 100.75)
    assert client.server_time.proven


async def test_the_date_of_a_refusal_is_not_believed() -> None:
    """A 502 may come from anybody between us and Alli, whose clock means nothing."""
    handler, _ = always(lambda: httpx.Response(502, headers={"Date": formatdate(START + 900, usegmt=True)}))
    client = make_client(handler)
    with pytest.raises(ApiUnavailable):
        await ask(client)
    assert not client.server_time.proven


async def test_a_redirect_is_not_followed() -> None:
    """The credential goes to the configured host only."""
    handler, asked = always(lambda: httpx.Response(307, headers={"Location": "https://elsewhere.test/x"}))
    with pytest.raises(ApiRefused, match=r"elsewhere\.test"):
        await ask(make_client(handler))
    assert len(asked) == 1


async def test_a_compressed_answer_is_read() -> None:
    """What comes as gzip is unpacked before it is read."""
    body = gzip.compress(b'{"isRunning": true}')
    handler, _ = always(lambda: streamed(200, body, "gzip"))
    assert await ask(make_client(handler)) is True


@pytest.mark.parametrize(
    "response",
    [
        lambda: httpx.Response(200, html="<title>Please wait</title>"),
        lambda: httpx.Response(200),
        lambda: httpx.Response(200, content=b'{"isRunning": tr'),
        lambda: httpx.Response(200, json={"payload": {"isRunning": True}}),
        lambda: streamed(200, b"no gzip", "gzip"),
        lambda: streamed(200, gzip.compress(gzip.compress(b'{"isRunning": true}')), "gzip, gzip"),
    ],
)
async def test_what_is_not_understood_is_tried_once_more(response: Callable[[], httpx.Response]) -> None:
    """A web page, nothing, half an answer, a wrong wrapper: one more try, then it is unclear."""
    handler, asked = always(response)
    with pytest.raises(ApiUnclear):
        await ask(make_client(handler))
    assert len(asked) == 2


async def test_a_refusal_whose_body_cannot_be_read_is_still_a_refusal() -> None:
    """The status alone tells that a stop was not carried out."""
    handler, _ = always(lambda: streamed(503, b"no gzip", "gzip"))
    with pytest.raises(ApiUnavailable) as caught:
        await make_client(handler).stop(ID)
    assert not caught.value.sent


async def test_a_refusal_whose_body_breaks_off_is_counted_as_the_refusal() -> None:
    """The metrics tell the status that came, not the end of a body that nobody needs."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"{"
        raise httpx.ReadError("no")

    telemetry = Recorder()
    handler, _ = always(lambda: httpx.Response(404, content=broken()))
    with pytest.raises(ApiNotFound):
        await ask(make_client(handler, telemetry=telemetry))
    assert telemetry.codes == ["404"]


async def test_the_witness_sees_every_answer_of_every_attempt() -> None:
    """A failed attempt that was answered is shown, too; one without an answer is not."""
    seen: list[tuple[str, int, bytes]] = []
    handler, _ = in_turn(httpx.ConnectError("no"), httpx.Response(503, content=b"later"), running())
    client = make_client(
        handler, witness=lambda request, reply, _at: seen.append((request.operation, reply.status, reply.body))
    )
    await ask(client)
    assert seen == [("get_running", 503, b"later"), ("get_running", 200, b'{"isRunning":true}')]


async def test_a_body_that_does_not_end_is_cut() -> None:
    """What exceeds the limit after decompression is neither read on nor kept."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1000
            yield b" " * 1000

    clock = ManualClock(START)
    exchange = Exchange(
        project="support",
        base_url="https://alli.test",
        credential=ApiKey(KEY),
        http=httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=endless()))),
        clock=clock,
        pacer=Pacer(requests_per_minute=60, max_in_flight=1, clock=clock),
        headers={},
        timeout=20,
        telemetry=Recorder(),
        largest_body=10_000,
    )
    with pytest.raises(ApiUnclear, match="larger"):
        await exchange.send(Request(operation="get_thing", path="/x"), Priority.RUNS)
    assert sent == 11_000


# Failures


async def test_reading_is_tried_three_times() -> None:
    """Short outages do not cost a poll."""
    handler, asked = in_turn(httpx.ConnectError("no"), httpx.Response(503), running())
    telemetry = Recorder()
    assert await ask(make_client(handler, telemetry=telemetry)) is True
    assert telemetry.codes == ["error", "503", "200"]
    handler, asked = always(lambda: httpx.Response(500))
    with pytest.raises(ApiUnavailable):
        await ask(make_client(handler))
    assert len(asked) == 3


@pytest.mark.parametrize(("status", "error"), [(401, ApiAuthError), (404, ApiNotFound), (422, ApiRefused)])
async def test_what_is_refused_for_good_is_not_tried_again(status: int, error: type[MonitorError]) -> None:
    """Asking again the same way cannot help."""
    handler, asked = always(lambda: httpx.Response(status))
    with pytest.raises(error):
        await ask(make_client(handler))
    assert len(asked) == 1


async def test_a_short_retry_after_is_waited_for() -> None:
    """The pacer holds the next attempt for as long as the server asked."""
    clock = ManualClock(START)
    times: list[float] = []

    def handler(_: httpx.Request) -> httpx.Response:
        times.append(clock.now() - START)
        return running() if len(times) == 2 else httpx.Response(429, headers={"Retry-After": "4"})

    assert await ask(make_client(handler, clock=clock)) is True
    assert times == [0, pytest.approx(4)]


async def test_a_long_retry_after_goes_to_the_caller_and_holds_everybody() -> None:
    """The client does not sit waiting; nobody asks before the time has passed."""
    clock = ManualClock(START)
    pacer = Pacer(requests_per_minute=60, max_in_flight=2, clock=clock)
    handler, asked = always(lambda: httpx.Response(503, headers={"Retry-After": "120"}))
    with pytest.raises(ApiUnavailable) as caught:
        await ask(make_client(handler, clock=clock, pacer=pacer))
    assert (caught.value.retry_after, len(asked), pacer.held_for) == (120, 1, 120)


async def test_a_request_takes_no_longer_than_its_timeout() -> None:
    """A server that drips its answer byte by byte cannot hold a slot for ever."""

    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.001)

    telemetry = Recorder()
    handler, _ = always(lambda: httpx.Response(200, content=drip()))
    with pytest.raises(ApiUnavailable, match="in time"):
        await ask(make_client(handler, telemetry=telemetry, timeout=0.02))
    assert telemetry.codes == ["timeout"] * 3


async def test_every_request_is_told_to_telemetry() -> None:
    """Project, operation and code of each request reach the metrics."""
    telemetry, clock = Recorder(), ManualClock(START)
    answer, _ = in_turn(running(), httpx.ReadTimeout("no"), httpx.Response(401))

    def handler(request: httpx.Request) -> httpx.Response:
        clock.advance(1.5)
        return answer(request)

    client = make_client(handler, telemetry=telemetry, clock=clock)
    await ask(client)
    with pytest.raises(ApiUnavailable):
        await client.stop(ID)
    with pytest.raises(ApiAuthError):
        await ask(client)
    assert telemetry.requests == [
        ("get_running", "200"),
        ("stop_conversation", "timeout"),
        ("get_running", "401"),
    ]
    assert telemetry.projects == {"support"}
    assert telemetry.seconds == [1.5, 1.5, 1.5]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401, json={"message": f"bad key {KEY}"}),
        httpx.Response(500, text=KEY),
        httpx.Response(404, json={"detail": KEY}),
        httpx.Response(302, headers={"Location": f"https://x.test/?k={KEY}"}),
        httpx.ConnectError(f"cannot connect with {KEY}"),
        httpx.LocalProtocolError(f"Illegal header value {KEY}"),
    ],
)
async def test_errors_never_show_the_key(answer: httpx.Response | Exception) -> None:
    """Whatever comes back, the key stays out of the message and of what is chained to it."""
    handler, _ = in_turn(answer)
    with pytest.raises(MonitorError) as caught:
        await make_client(handler).stop(ID)
    assert KEY not in f"{caught.value}{caught.value!r}{caught.value.__cause__!r}"
    assert caught.value.__context__ is None or caught.value.__suppress_context__


# Stop


@pytest.mark.parametrize(
    "response",
    [
        lambda: httpx.Response(200),
        lambda: httpx.Response(202, html="<p>ok"),
        lambda: httpx.Response(204),
        lambda: httpx.Response(200, content=b'{"errors": "x"'),
        lambda: streamed(200, b"no gzip", "gzip"),
    ],
)
async def test_a_stop_is_accepted_with_any_success_whatever_the_body(response: Callable[[], httpx.Response]) -> None:
    """The answer to a stop has no documented body, so none is read."""
    handler, asked = always(response)
    assert (await make_client(handler).stop(ID)).value is None
    assert (asked[0].method, asked[0].url.path) == ("POST", f"/webapi/v2/conversations/{ID}/stop")


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        (httpx.ConnectError("no"), False),
        (httpx.ConnectTimeout("no"), False),
        (httpx.PoolTimeout("no"), False),
        (httpx.ProxyError("no"), False),
        (httpx.ReadTimeout("no"), True),
        (httpx.ReadError("no"), True),
        (httpx.WriteError("no"), True),
        (httpx.WriteTimeout("no"), True),
        (httpx.RemoteProtocolError("no"), True),
        (httpx.Response(429), False),
        (httpx.Response(500), False),
        (httpx.Response(503, headers={"Retry-After": "1"}), False),
    ],
)
async def test_a_stop_is_sent_once_and_tells_whether_it_may_have_arrived(
    answer: httpx.Response | Exception, *, sent: bool
) -> None:
    """A stop that may have arrived is never repeated here; the caller learns what is known of it."""
    handler, asked = in_turn(answer)
    with pytest.raises(ApiUnavailable) as caught:
        await make_client(handler).stop(ID)
    assert caught.value.sent is sent
    assert len(asked) == 1


async def test_a_stop_without_an_answer_in_time_may_have_arrived() -> None:
    """When the whole time is over, the request was on its way."""

    async def handler(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError

    client = make_client(handler, timeout=0.01)  # type: ignore[arg-type]
    with pytest.raises(ApiUnavailable) as caught:
        await client.stop(ID)
    assert caught.value.sent


async def test_a_stop_does_not_wait_for_a_long_back_off() -> None:
    """What was checked before would be stale when the server takes requests again."""
    clock = ManualClock(START)
    pacer = Pacer(requests_per_minute=60, max_in_flight=2, clock=clock)
    pacer.back_off(60)
    handler, asked = always(lambda: httpx.Response(200))
    with pytest.raises(ApiUnavailable) as caught:
        await make_client(handler, clock=clock, pacer=pacer).stop(ID)
    assert (caught.value.sent, caught.value.retry_after, asked) == (False, 60, [])


async def test_a_stop_that_waited_too_long_for_its_turn_is_not_sent() -> None:
    """The re-check before a stop is at most a few seconds old when the stop goes out."""
    clock = ManualClock(START)
    pacer = Pacer(requests_per_minute=1, max_in_flight=1, clock=clock)
    handler, asked = always(lambda: httpx.Response(200))
    client = make_client(handler, clock=clock, pacer=pacer)
    await client.stop(ID)
    with pytest.raises(ApiUnavailable) as caught:
        await client.stop(ID)
    assert (caught.value.sent, len(asked)) == (False, 1)


async def test_a_stop_of_what_does_not_exist_is_not_found() -> None:
    """A deleted conversation is told apart from an outage."""
    handler, _ = always(lambda: httpx.Response(400, json={"errors": "conversation not found"}))
    with pytest.raises(ApiNotFound):
        await make_client(handler).stop(ID)


async def test_a_cancelled_request_gives_its_slot_back() -> None:
    """Shutting down in the middle of a request leaves the pacer usable."""
    clock = ManualClock(START)
    pacer = Pacer(requests_per_minute=60, max_in_flight=1, clock=clock)
    waiting = asyncio.Event()

    async def handler(_: httpx.Request) -> httpx.Response:
        waiting.set()
        await asyncio.Event().wait()
        raise AssertionError

    task = asyncio.create_task(ask(make_client(handler, clock=clock, pacer=pacer)))  # type: ignore[arg-type]
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(1), pacer.slot(Priority.RUNS):
        pass
