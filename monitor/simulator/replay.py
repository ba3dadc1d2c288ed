"""
Plays a recording back: a server that answers as another one once did, each project below its own path.

A request is answered with what was recorded of its operation: for the same path and parameters if there is such an
answer, else for those that are most like its own. Times in filters are of one unit or they are not alike; how alike
they are is measured from the moment of asking or from the epoch, in minutes, so that "the last 24 hours" finds its
answer on any day and "since this chat" does too. What was asked several times is answered in the order of the
recording, and in the end always with the last answer. Any key will do.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from monitor.clock import Clock
from monitor.simulator.answers import method_not_allowed, not_found
from monitor.simulator.operations import OPERATIONS, Operation
from monitor.simulator.recording import Exchange

__all__ = ["replay_app"]

_Params = Mapping[str, tuple[str, ...]]

_UNITS = (("us", 1e6, 1e14), ("ms", 1e3, 1e11), ("s", 1.0, -math.inf))  # name, how many a second has, least number
_TIMES = frozenset({"startedAt", "endAt", "firstChatStartedAt", "firstChatEndAt"})


class _Time(NamedTuple):
    """A time in a filter: in minutes since the epoch, and before it was asked for."""

    at: int
    age: int


class _Question(NamedTuple):
    """What was asked: `params` are the `sent` parameters, where those that are `times` show only their unit."""

    path: str
    sent: _Params
    params: _Params
    times: Mapping[str, _Time]


class _Distance(NamedTuple):
    """How much one question differs from another; the first difference weighs most."""

    path: bool
    sent: bool
    cursor: bool
    params: int
    minutes: int


def replay_app(recording: Mapping[str, Sequence[Exchange]], clock: Clock) -> Starlette:
    """Return the ASGI application that plays `recording` back, the project ``x`` below ``/x``."""

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("OK\n")

    mounts = [Mount(f"/{name}", routes=_routes(exchanges, clock)) for name, exchanges in recording.items()]
    handlers = {404: lambda _request, _error: not_found(), 405: lambda _request, _error: method_not_allowed()}
    return Starlette(routes=[Route("/-/healthy", healthy), *mounts], exception_handlers=handlers)


def _routes(exchanges: Sequence[Exchange], clock: Clock) -> list[Route]:
    return [Route(each.path, _endpoint(each, exchanges, clock), methods=[each.method]) for each in OPERATIONS]


def _endpoint(
    operation: Operation, exchanges: Sequence[Exchange], clock: Clock
) -> Callable[[Request], Awaitable[Response]]:
    recorded = [(_recorded_question(each), each) for each in exchanges if each.operation == operation.name]
    played: set[int] = set()

    async def endpoint(request: Request) -> Response:
        if not recorded:
            return not_found()
        path = operation.path.format_map(request.path_params)
        asked = _question(path, _grouped(request.query_params), clock.now())
        distances = [_distance(asked, question) for question, _ in recorded]
        least = min(distances)
        nearest = [number for number, distance in enumerate(distances) if distance == least]
        chosen = next((number for number in nearest if number not in played), nearest[-1])
        played.add(chosen)
        return _answer(recorded[chosen][1])

    return endpoint


def _recorded_question(exchange: Exchange) -> _Question:
    params = {name: tuple([value] if isinstance(value, str) else value) for name, value in exchange.params.items()}
    return _question(unquote(exchange.path), params, exchange.asked_at)


def _grouped(query: QueryParams) -> dict[str, tuple[str, ...]]:
    return {name: tuple(query.getlist(name)) for name in query}


def _question(path: str, sent: _Params, asked_at: float) -> _Question:
    params, times = dict(sent), {}
    for name in _TIMES & sent.keys():
        unit, seconds = _time(sent[name])
        params[name] = (unit,)
        times[name] = _Time(at=round(seconds / 60), age=round((asked_at - seconds) / 60))
    return _Question(path=path, sent=sent, params=params, times=times)


def _distance(asked: _Question, recorded: _Question) -> _Distance:
    pairs = [(asked.times[name], recorded.times[name]) for name in asked.times.keys() & recorded.times.keys()]
    return _Distance(
        path=asked.path != recorded.path,
        sent=asked.sent != recorded.sent,
        cursor=asked.sent.get("cursor") != recorded.sent.get("cursor"),
        params=len(asked.params.items() ^ recorded.params.items()),
        minutes=sum(min(abs(one.at - other.at), abs(one.age - other.age)) for one, other in pairs),
    )


def _time(values: Sequence[str]) -> tuple[str, float]:
    """Return the unit of a time filter, which follows from its size, and the time in UTC epoch seconds."""
    try:
        number = float(values[0])
    except (IndexError, ValueError):
        return "", 0.0
    if not abs(number) < 1e18:  # noqa: PLR2004 - no time in any unit, nor NaN or infinity
        return "", 0.0
    return next((name, number / a_second) for name, a_second, least in _UNITS if number >= least)


def _answer(exchange: Exchange) -> Response:
    is_json = exchange.body is not msgspec.UNSET
    content = msgspec.json.encode(exchange.body) if is_json else (exchange.text or "").encode()
    response = Response(content, exchange.status)
    for name, value in (("content-type", exchange.content_type), ("date", exchange.date)):
        if value is not None:
            response.headers[name] = value
    return response
