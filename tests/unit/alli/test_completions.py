"""Questions to a language model, over a transport that answers as Alli might."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alli.completions import Completions, Message, Role
from monitor.alli.pacing import Pacer, Priority
from monitor.errors import ApiAuthError, ApiRefused, ApiUnavailable, ApiUnclear, MonitorError
from tests.support.clock import ManualClock
from tests.unit.alli.kit import START, Recorder, make_client

MESSAGES = [Message(role=Role.SYSTEM, content="Be short."), Message(role=Role.USER, content="Are you there?")]
INVALID_TOKEN = {"error": {"value": 1013, "name": "INVALID_TOKEN"}, "message": "INVALID_TOKEN"}


class Script:
    """Answers with a body in chunks; it keeps what it was asked and whether its body was closed."""

    def __init__(self, *chunks: bytes | Exception, status: int = 200, content_type: str = "text/event-stream") -> None:
        self.chunks = chunks
        self.status = status
        self.content_type = content_type
        self.asked: list[dict[str, Any]] = []
        self.telemetry = Recorder()
        self.clock = ManualClock(START)
        self.pacer = Pacer(requests_per_minute=600, max_in_flight=1, clock=self.clock)

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.asked.append(json.loads(request.content))
        return httpx.Response(self.status, content=self._body(), headers={"content-type": self.content_type})

    @property
    def completions(self) -> Completions:
        """Completions that this script answers."""
        client = make_client(
            self.handle,
            telemetry=self.telemetry,
            clock=self.clock,
            pacer=self.pacer,
            writes=frozenset({"chat_completions"}),
        )
        return Completions(client.exchange)

    async def deltas(self) -> list[str]:
        """Return the pieces of the streamed answer."""
        async with self.completions.stream(MESSAGES, max_tokens=5) as deltas:
            return [delta async for delta in deltas]

    async def _body(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk


def event(value: Any) -> bytes:
    """Return an event whose data is `value` as JSON."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def whole(value: Any) -> Script:
    """Return a script that answers with JSON."""
    return Script(json.dumps(value).encode(), content_type="application/json")


END = b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    "answer",
    [
        {"model": "m", "message": {"role": "assistant", "content": "yes"}},
        {"message": "yes"},
        {"result": {"message": {"content": "yes"}}},
        {"result": "yes", "errors": None},
        {"content": "yes"},
        {"choices": [{"index": 0, "message": {"content": "yes"}, "finish_reason": "stop"}]},
        {"choices": [{"text": "yes"}]},
        {"content": [{"type": "text", "text": "yes"}]},
    ],
)
async def test_the_text_of_an_answer_is_found(answer: Any) -> None:
    """The answer is not documented: its text is taken from where such APIs put it."""
    script = whole(answer)
    assert (await script.completions.complete(MESSAGES, max_tokens=5)).value == "yes"
    assert script.asked == [
        {
            "mode": "sync",
            "messages": [
                {"role": "system", "content": "Be short."},
                {"role": "user", "content": "Are you there?"},
            ],
            "max_tokens": 5,
        }
    ]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({}, ApiUnclear),
        ({"message": None}, ApiUnclear),
        ({"message": {"content": ""}}, ApiUnclear),
        ({"choices": []}, ApiUnclear),
        ({"content": 7}, ApiUnclear),
        ({"message": {"message": {"message": {"message": {"message": {"message": {"message": "deep"}}}}}}}, ApiUnclear),
        ({"message": "yes", "errors": "payment"}, ApiUnclear),
        (INVALID_TOKEN, ApiAuthError),
        ([], ApiUnclear),
    ],
)
async def test_an_answer_without_text_is_no_answer(answer: Any, error: type[MonitorError]) -> None:
    """What is not understood is never an empty answer, and the question is not put again: it was billed."""
    script = whole(answer)
    with pytest.raises(error):
        await script.completions.complete(MESSAGES, max_tokens=5)
    assert len(script.asked) == 1


async def test_a_stream_comes_piece_by_piece() -> None:
    """The first piece is there before the last has been sent."""
    script = Script(event({"content": "one"}), event({"content": "two"}), END)
    async with script.completions.stream(MESSAGES, max_tokens=5, model="m", temperature=0.5) as deltas:
        assert await anext(deltas) == "one"
        assert script.telemetry.requests == []
        assert [delta async for delta in deltas] == ["two"]
    assert script.telemetry.requests == [("chat_completions", "200")]
    asked = script.asked[0]
    assert (asked["mode"], asked["model"], asked["temperature"]) == ("stream", "m", 0.5)


@pytest.mark.parametrize(
    "pieces",
    [
        [{"content": "one"}, {"content": "two"}],
        [{"delta": "one"}, {"delta": {"content": "two"}}],
        [
            {"choices": [{"delta": {"role": "assistant", "content": None}}]},
            {"choices": [{"delta": {"content": "one"}}]},
            {"choices": [{"delta": {"content": "two"}}]},
            {"choices": [{"delta": {}, "finish_reason": "stop"}]},
            {"choices": [], "usage": {"total_tokens": 7}},
        ],
    ],
)
async def test_the_text_of_a_piece_is_found(pieces: list[Any]) -> None:
    """Pieces that carry no text, a role or a count, are skipped."""
    assert await Script(*map(event, pieces), END).deltas() == ["one", "two"]


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [event({"content": "one"})],
        [event({"content": "one"}), b"data: [DONE"],
        [event({"content": "one"}), b'data: {"content": "tw\n\n', END],
        [event({"content": "one"}), event({"errors": "payment"}), END],
        [event({"content": "one"}), b'event: error\ndata: {"code": 1}\n\n', END],
        [event({"content": "one"}), event(["two"]), END],
        [event({"content": "one"}), b"data: " + b"x" * 1_100_000],
        [event({"usage": 7}), END],
        [END],
    ],
)
async def test_a_stream_that_is_cut_or_not_understood_is_unclear(chunks: list[bytes]) -> None:
    """Whatever came before, the end is an error: half an answer is not taken for a whole one."""
    script = Script(*chunks)
    with pytest.raises(ApiUnclear, match="chat_completions"):
        await script.deltas()
    assert len(script.asked) == 1


async def test_an_answer_that_is_no_stream_is_unclear() -> None:
    """A web page with 200, or a whole answer, is not what was asked for."""
    for content_type in ("text/html", "application/json", ""):
        with pytest.raises(ApiUnclear, match="not the stream"):
            await Script(b'{"content": "x"}', content_type=content_type).deltas()


@pytest.mark.parametrize(
    ("status", "error"), [(401, ApiAuthError), (422, ApiRefused), (429, ApiUnavailable), (503, ApiUnavailable)]
)
async def test_a_refused_stream_is_the_error_that_it_says(status: int, error: type[MonitorError]) -> None:
    """A refusal is judged as that of any request, and was not carried out."""
    script = Script(json.dumps({"detail": "no"}).encode(), status=status)
    with pytest.raises(error) as caught:
        await script.deltas()
    assert not getattr(caught.value, "sent", False)
    assert script.telemetry.codes == [str(status)]


@pytest.mark.parametrize(("problem", "code"), [(httpx.ReadError("no"), "error"), (httpx.ReadTimeout("no"), "timeout")])
async def test_a_stream_that_breaks_may_have_been_billed(problem: Exception, code: str) -> None:
    """A connection that breaks in the middle is an outage after the request was sent."""
    script = Script(event({"content": "one"}), problem)
    with pytest.raises(ApiUnavailable) as caught:
        await script.deltas()
    assert caught.value.sent
    assert script.telemetry.codes == [code]


@pytest.mark.parametrize("problem", [TimeoutError(), httpx.ReadError("of another request")])
async def test_a_reader_may_leave_before_the_end(problem: Exception) -> None:
    """The slot is given back, and the reader's own errors stay what they are."""
    script = Script(event({"content": "one"}), event({"content": "two"}), END)

    async def read_one() -> None:
        async with script.completions.stream(MESSAGES, max_tokens=5) as deltas:
            await anext(deltas)
            raise problem

    with pytest.raises(type(problem)):
        await read_one()
    async with script.pacer.slot(Priority.SWEEP):
        pass
    assert script.telemetry.codes == ["200"]


WORDS = ["This ", "is ", "한국어 ", "\u2028", "😀."]
STREAM = b": hello\r\n\r\n" + b"".join(event({"content": word}) for word in WORDS) + END


@settings(max_examples=100)
@given(st.sets(st.integers(1, len(STREAM) - 1)))
async def test_any_cut_gives_the_same_pieces(cuts: set[int]) -> None:
    """The pieces of text are those the server sent, however the network cuts the bytes."""
    places = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[begin:end] for begin, end in pairwise(places)]
    assert await Script(*chunks).deltas() == WORDS
