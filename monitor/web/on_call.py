"""Silences and acknowledgements: `/api/v1/silences` and `/api/v1/acks`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from monitor.durations import parse_moment
from monitor.on_call import CannotMute, Problem
from monitor.web.bodies import LONGEST_NAME, by, check_line, read, refuse
from monitor.web.daemon import Daemon
from monitor.web.shapes import ack_shape, silence_shape

__all__ = ["OnCallApi", "cannot_mute"]

_MOST = 1000
_MOST_BYTES = 65536
_LONGEST = 366 * 86400.0  # seconds
_ACK_FOR = "8h"

_STATUS = {
    Problem.MALFORMED: HTTPStatus.BAD_REQUEST,
    Problem.UNKNOWN: HTTPStatus.NOT_FOUND,
    Problem.CONFLICT: HTTPStatus.CONFLICT,
}

_Matchers = Annotated[
    tuple[Annotated[str, msgspec.Meta(max_length=2048)], ...], msgspec.Meta(min_length=1, max_length=64)
]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]


class _NewSilence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    matchers: _Matchers
    author: _Name
    comment: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    starts_at: str | None = None
    until: str | None = None
    until_resolved: bool = False


class _NewAck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    by: _Name
    fingerprint: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None
    matchers: _Matchers | None = None
    comment: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    until: str = _ACK_FOR


async def cannot_mute(_request: Request, error: Exception) -> Response:
    """Answer with why something cannot be held back."""
    assert isinstance(error, CannotMute)  # noqa: S101 - registered for nothing else
    return PlainTextResponse(f"{error}\n", _STATUS[error.problem])


class OnCallApi:
    """The endpoints. All of them answer 409 where Alertmanager is the only receiver: it has its own."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def routes(self) -> list[Route]:
        """Return what stands below `/api/v1`."""
        return [
            Route("/silences", self.silences),
            Route("/silences", self.add_silence, methods=["POST"]),
            Route("/silences/{id}", self.expire_silence, methods=["DELETE"]),
            Route("/acks", self.acks),
            Route("/acks", self.add_acks, methods=["POST"]),
            Route("/acks/{fingerprint}", self.withdraw_ack, methods=["DELETE"]),
        ]

    async def silences(self, request: Request) -> Response:
        """
        Answer with `{"silences": [...]}`, those that hold or will; with `state=all` also those that are over.

        The newest first, at most 1000; see `silence_shape`.
        """
        everything = self._wants_all(request)
        now = self._daemon.clock.now()
        async with self._daemon.store.snapshot() as tx:
            found = await tx.silences.newest(limit=_MOST) if everything else await tx.silences.open(now)
        return JSONResponse({"silences": [silence_shape(silence, now=now) for silence in found]})

    async def add_silence(self, request: Request) -> Response:
        """
        Begin a silence: `{"matchers": ["name=value", ...], "author", "comment", "starts_at", "until"}`.

        Instead of `until`, `"until_resolved": true` lets it end when nothing fires any more that it matches. Times are
        a duration from now or RFC 3339; without `starts_at` it begins now. 201 and `{"silence": {...}}`; 400 for what
        makes no sense, 409 when nothing fires whose end could be waited for; 413 and 415 as for orders.
        """
        wanted = await read(request, _NewSilence, what="a silence", most_bytes=_MOST_BYTES)
        check_line(author=wanted.author)
        if (wanted.until is None) is not wanted.until_resolved:
            raise refuse(HTTPStatus.BAD_REQUEST, "give either until or until_resolved")
        if wanted.until_resolved and wanted.starts_at is not None:
            raise refuse(HTTPStatus.BAD_REQUEST, "what ends when alerts resolve begins at once: leave out starts_at")
        starts_at, until = self._moment("starts_at", wanted.starts_at), self._moment("until", wanted.until)
        if starts_at is not None and until is not None and until <= starts_at:
            raise refuse(HTTPStatus.BAD_REQUEST, "until should be after starts_at")
        silence = await self._daemon.on_call.silence(
            wanted.matchers, author=wanted.author, comment=wanted.comment, starts_at=starts_at, until=until
        )
        shape = silence_shape(silence, now=self._daemon.clock.now())
        return JSONResponse({"silence": shape}, HTTPStatus.CREATED)

    async def expire_silence(self, request: Request) -> Response:
        """End a silence now: 200 and `{"silence": {...}}`; `by` in the query is who ends it. 404 and 409 else."""
        silence = await self._daemon.on_call.expire(request.path_params["id"], by=by(request))
        return JSONResponse({"silence": silence_shape(silence, now=self._daemon.clock.now())})

    async def acks(self, request: Request) -> Response:
        """
        Answer with `{"acks": [...]}`, those that hold; with `state=all` also those that ended, the newest first.

        At most 1000 of these; see `ack_shape`.
        """
        everything = self._wants_all(request)
        async with self._daemon.store.snapshot() as tx:
            found = await tx.acks.newest(limit=_MOST) if everything else (await tx.acks.active()).values()
        return JSONResponse({"acks": [ack_shape(ack) for ack in found]})

    async def add_acks(self, request: Request) -> Response:
        """
        Acknowledge: `{"fingerprint", "by", "comment", "until"}`, or `matchers` for all that fires now and matches.

        `until` is a duration from now or RFC 3339, 8h by default. 201 and `{"acks": [...]}`; 404 for an alert that is
        not known, 409 when nothing fires; 400, 413 and 415 as for orders.
        """
        wanted = await read(request, _NewAck, what="an acknowledgement", most_bytes=_MOST_BYTES)
        check_line(by=wanted.by)
        what = wanted.fingerprint if wanted.matchers is None else wanted.matchers
        if what is None or (wanted.fingerprint is not None and wanted.matchers is not None):
            raise refuse(HTTPStatus.BAD_REQUEST, "give either fingerprint or matchers")
        until = self._moment("until", wanted.until)
        assert until is not None  # noqa: S101 - there is one by default
        acks = await self._daemon.on_call.acknowledge(what, by=wanted.by, comment=wanted.comment, until=until)
        return JSONResponse({"acks": [ack_shape(ack) for ack in acks]}, HTTPStatus.CREATED)

    async def withdraw_ack(self, request: Request) -> Response:
        """Withdraw that of an alert: 200 and `{"acks": [...]}`; `by` is as for silences. 404 where there is none."""
        ack = await self._daemon.on_call.withdraw(request.path_params["fingerprint"], by=by(request))
        return JSONResponse({"acks": [ack_shape(ack)]})

    def _wants_all(self, request: Request) -> bool:
        """Return whether what is over is wanted as well; an HTTPException says when there is nothing to see here."""
        if (elsewhere := self._daemon.on_call.elsewhere()) is not None:
            raise refuse(HTTPStatus.CONFLICT, elsewhere)
        state = request.query_params.get("state", "active")
        if state not in {"active", "all"}:
            raise refuse(HTTPStatus.BAD_REQUEST, "state should be active or all")
        return state == "all"

    def _moment(self, name: str, text: str | None) -> float | None:
        """Return the own time that a field means; an HTTPException says what is wrong with it."""
        if text is None:
            return None
        now = self._daemon.clock.now()
        try:
            at = parse_moment(text, now)
        except ValueError as error:
            raise refuse(HTTPStatus.BAD_REQUEST, f"{name}: {error}") from error
        if at > now + _LONGEST:
            raise refuse(
                HTTPStatus.BAD_REQUEST, f"{name}: more than a year ahead; what is to stay belongs into a route"
            )
        return at
