"""
Putting a question to a language model through Alli, which bills it.

The API's description tells the request, but neither of the two answers. What is taken here for text stands where such
APIs put it: ``message``, ``delta``, ``content`` or ``text``, in ``result`` or the first of ``choices``. A stream is of
server-sent events, each a JSON object, the last one ``[DONE]``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import msgspec

from monitor.alli.answers import UNREADABLE, Reply, content, unclear
from monitor.alli.exchange import Exchange, Request, Streamed
from monitor.alli.operations import Answer, understood
from monitor.alli.pacing import Priority
from monitor.alli.sse import Event, EventTooLong, events
from monitor.alli.wire import UnclearBody

__all__ = ["Completions", "Message", "Role"]

_PATH = "/webapi/v2/chat/completions"
_EVENT_STREAM = "text/event-stream"
_END = "[DONE]"
_PLACES = ("choices", "result", "message", "delta", "content", "text")
_DEEPEST = 6


class Role(StrEnum):
    """Who says a message: the API's words."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    ASSISTANT = "assistant"
    USER = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to the model."""

    role: Role
    content: str


class Completions:
    """
    Asks language models.

    The process must have been asked to: both methods raise WriteRefused unless the exchange permits
    ``chat_completions``. Every question is sent once, and may have been billed whatever is raised but WriteRefused,
    ApiRefused, ApiAuthError and an ApiUnavailable that was not `sent`. `model` is one of Alli's own names; without it,
    Alli chooses. `max_tokens` bounds the answer and its cost.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        model: str | None = None,
        temperature: float | None = None,
    ) -> Answer[str]:
        """Return the whole answer. Raises ApiUnclear when there is no text in it."""
        request = _request("sync", messages, max_tokens, model, temperature)
        return understood(await self._exchange.send(request, Priority.SWEEP), _whole)

    @asynccontextmanager
    async def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        model: str | None = None,
        temperature: float | None = None,
    ) -> AsyncIterator[AsyncIterator[str]]:
        """
        Yield the pieces of an answer as they come; the connection is held during the block.

        The pieces raise ApiUnavailable when the connection breaks, and ApiUnclear when the stream ends early, tells of
        an error, cannot be understood, or ends without any text.
        """
        request = _request("stream", messages, max_tokens, model, temperature)
        async with self._exchange.stream(request, Priority.SWEEP) as streamed, aclosing(_deltas(streamed)) as deltas:
            yield deltas


def _request(
    mode: str, messages: Sequence[Message], max_tokens: int, model: str | None, temperature: float | None
) -> Request:
    body: dict[str, Any] = {
        "mode": mode,
        "messages": [asdict(message) for message in messages],
        "max_tokens": max_tokens,
    }
    if model is not None:
        body["model"] = model
    if temperature is not None:
        body["temperature"] = temperature
    accept = _EVENT_STREAM if mode == "stream" else "application/json"
    return Request(operation="chat_completions", method="POST", path=_PATH, body=body, by_id=False, accept=accept)


def _whole(body: bytes) -> str:
    text = _text(_value(body))
    if not text:
        raise UnclearBody("there is no text in it")
    return text


async def _deltas(streamed: Streamed) -> AsyncGenerator[str, None]:
    reply = streamed.reply
    if not reply.headers.get("content-type", "").lower().startswith(_EVENT_STREAM):
        raise unclear(reply, "which is not the stream that it should be")
    ended = found = False
    async with aclosing(events(streamed.chunks)) as told:
        try:
            async for event in told:
                if ended := event.data.strip() == _END:
                    break
                if delta := _delta(reply, event):
                    found = True
                    yield delta
        except EventTooLong:
            raise unclear(reply, "with an event that does not end") from None
        except UnclearBody as error:
            raise unclear(reply, f"with a stream that cannot be understood ({error})") from None
    if not ended:
        raise unclear(reply, "with a stream that stops before its end")
    if not found:
        raise unclear(reply, "with a stream that has no text in it")


def _delta(reply: Reply, event: Event) -> str | None:
    text = content(replace(reply, body=event.data.encode(errors="replace")))
    if event.name == "error":
        raise UnclearBody("it tells of an error")
    return _text(_value(text))


def _value(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except UNREADABLE:
        raise UnclearBody("it is not JSON") from None


def _text(value: Any, depth: int = _DEEPEST) -> str | None:
    """Return the text of an answer or of a piece of one, None where there is none."""
    if isinstance(value, str):
        return value
    if depth and isinstance(value, list):
        return _text(value[0], depth - 1) if value else None
    if depth and isinstance(value, dict):
        place = next((key for key in _PLACES if value.get(key) is not None), None)
        return None if place is None else _text(value[place], depth - 1)
    return None
