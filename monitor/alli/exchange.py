"""One request and its answer: permitted, paced, told to metrics and witness, judged."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import httpx

import monitor
from monitor.alli.answers import Reply, raise_for_status
from monitor.alli.credentials import Credential
from monitor.alli.flight import Flight, Request
from monitor.alli.pacing import Pacer, Priority
from monitor.alli.server_time import ServerTime
from monitor.clock import Clock
from monitor.errors import ApiUnavailable, WriteRefused

__all__ = ["Exchange", "Request", "Streamed", "Telemetry", "Timed", "Witness"]

_LARGEST_BODY = 32 * 1024 * 1024  # bytes, decompressed; a page of 50 conversations is about one million


class Telemetry(Protocol):
    """Who is told what happens; a metrics registry."""

    def requested(self, project: str, operation: str, code: str, seconds: float) -> None:
        """Count one request that ended: `code` is the HTTP status, ``timeout`` or ``error``."""

    def drifted(self, project: str, kind: str) -> None:
        """Count one deviation of an answer from the API's description."""


class Witness(Protocol):
    """Who is shown every answer as it came, good or bad, before anything is concluded from it: a recording."""

    def __call__(self, request: Request, reply: Reply, asked_at: float) -> None:
        """
        Take notice of an answer; `asked_at` is own time. What this raises ends the request.

        The body is not shown, but empty, where it is not read: of a streamed answer, of a success that has none to
        show, and of a refusal whose body cannot be unpacked. Where no answer came, or one that is too large or cannot
        be unpacked, this is not called.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A 2xx answer, with the server time at which it was asked for and had come."""

    reply: Reply
    asked_at: float
    answered_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """A 2xx answer, `reply` without its body, whose `chunks` of body arrive one by one; they raise as `send` does."""

    reply: Reply
    chunks: AsyncIterator[bytes]


class Exchange:
    """
    Sends requests to one project.

    `timeout` is the whole time a request may take, in seconds of the machine's clock; a quarter of it may go into
    getting a connection. The body is read up to `largest_body` bytes. Of the operations that change something, those
    named in `writes` are sent, and WriteRefused is raised for the others. `witness` is shown the answers.
    """

    def __init__(
        self,
        *,
        project: str,
        base_url: str,
        credential: Credential,
        http: httpx.AsyncClient,
        clock: Clock,
        pacer: Pacer,
        headers: Mapping[str, str],
        timeout: float,
        telemetry: Telemetry,
        server_time: ServerTime | None = None,
        writes: frozenset[str] = frozenset(),
        witness: Witness | None = None,
        largest_body: int = _LARGEST_BODY,
    ) -> None:
        self.server_time = server_time or ServerTime(clock)
        self._project = project
        self._base_url = base_url.rstrip("/")
        self._http = http
        self._clock = clock
        self._pacer = pacer
        self._headers = httpx.Headers(
            {
                "Accept-Encoding": "gzip, deflate",
                "User-Agent": f"alli-monitor/{monitor.__version__}",
            }
        )
        self._headers.update(headers)
        name, value = credential.header
        self._headers[name] = value
        self._timeout = timeout
        self._telemetry = telemetry
        self._writes = writes
        self._witness = witness
        self._largest_body = largest_body

    async def send(self, request: Request, priority: Priority, *, within: float | None = None) -> Timed:
        """
        Wait for a slot, send `request` and return its 2xx answer.

        With `within`, it is not sent later than that many seconds from now: ApiUnavailable says so. Raises every kind
        of API error.
        """
        async with self._flight(request, priority, within) as flight:
            body = await flight.body()
            answered = self._clock.monotonic()
            reply = self._judged(flight, body)
            return Timed(
                reply=reply,
                asked_at=self.server_time.at(flight.started),
                answered_at=self.server_time.at(answered),
            )

    @asynccontextmanager
    async def stream(self, request: Request, priority: Priority) -> AsyncIterator[Streamed]:
        """
        Wait for a slot, send `request` and yield its 2xx answer before its body has come.

        The slot and the connection are held until the end of the block. Raises every kind of API error.
        """
        async with self._flight(request, priority) as flight:
            reply = self._judged(flight, b"" if flight.response.is_success else await flight.body())
            async with aclosing(flight.chunks()) as chunks:
                yield Streamed(reply=reply, chunks=chunks)

    def _refuse_if_late(self, request: Request, within: float | None, waited: float) -> None:
        if within is not None and waited > within:
            raise ApiUnavailable(
                f"{request.operation}: not sent, because the request budget or Alli's Retry-After left no room within "
                f"{within:g} seconds",
                retry_after=self._pacer.held_for or None,
            )

    @asynccontextmanager
    async def _flight(self, request: Request, priority: Priority, within: float | None = None) -> AsyncIterator[Flight]:
        if request.method != "GET" and request.operation not in self._writes:
            raise WriteRefused(
                f"{request.operation}: not sent, because this process was not asked to change that in Alli"
            )
        asked = self._clock.monotonic()
        self._refuse_if_late(request, within, self._pacer.held_for)
        async with self._pacer.slot(priority):
            self._refuse_if_late(request, within, self._clock.monotonic() - asked)
            flight = Flight(request, clock=self._clock, timeout=self._timeout, largest_body=self._largest_body)
            try:
                await flight.begin(self._http, self._prepared(request, within))
                try:
                    yield flight
                finally:
                    await flight.response.aclose()
            finally:
                seconds = self._clock.monotonic() - flight.started
                self._telemetry.requested(self._project, request.operation, flight.code, seconds)

    def _prepared(self, request: Request, within: float | None) -> httpx.Request:
        # Built here and not by the HTTP client, which would add the cookies that some other project's answer left.
        connect = self._timeout / 4 if within is None else min(self._timeout / 4, within)
        timeout = httpx.Timeout(self._timeout, connect=connect, pool=connect)
        headers = httpx.Headers({"Accept": request.accept})
        headers.update(self._headers)
        content = None
        if request.body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(request.body, allow_nan=False)
        return httpx.Request(
            request.method,
            self._base_url + request.path,
            params=request.params or None,
            content=content,  # not httpx's `json`, which cannot send what has no UTF-8 form, a lone surrogate
            headers=headers,
            extensions={"timeout": timeout.as_dict()},
        )

    def _judged(self, flight: Flight, body: bytes) -> Reply:
        request, response = flight.request, flight.response
        reply = Reply(
            operation=request.operation,
            by_id=request.by_id,
            may_be_barred=request.may_be_barred,
            status=response.status_code,
            headers=response.headers,
            body=body,
        )
        if self._witness is not None:
            self._witness(request, reply, flight.asked_at)
        try:
            raise_for_status(reply, self.server_time.now())
        except ApiUnavailable as error:
            self._pacer.back_off(error.retry_after or 0.0)
            raise
        self.server_time.observe(response.headers.get("date"), flight.started, flight.headers_came)
        return reply
