"""One request and its answer: paced, bounded in time and size, told to metrics, its foreign exceptions translated."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import httpx

import monitor
from monitor.alli.answers import Reply, raise_for_status
from monitor.alli.credentials import Credential
from monitor.alli.pacing import Pacer, Priority
from monitor.alli.server_time import ServerTime
from monitor.clock import Clock
from monitor.errors import ApiUnavailable, ApiUnclear

__all__ = ["Exchange", "Request", "Telemetry", "Timed"]

_LARGEST_BODY = 32 * 1024 * 1024  # bytes, decompressed; a page of 50 conversations is about one million
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


class Telemetry(Protocol):
    """Who is told what happens; a metrics registry."""

    def requested(self, project: str, operation: str, code: str, seconds: float) -> None:
        """Count one request that ended: `code` is the HTTP status, ``timeout`` or ``error``."""

    def drifted(self, project: str, kind: str) -> None:
        """Count one deviation of an answer from the API's description."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request: `path` is encoded, below the base URL. `by_id` as in `Reply`."""

    operation: str
    path: str
    method: str = "GET"
    params: Mapping[str, str] = field(default_factory=dict)
    by_id: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A 2xx answer, with the server time at which it was asked for and had come."""

    reply: Reply
    asked_at: float
    answered_at: float


class Exchange:
    """
    Sends requests to one project.

    `timeout` is the whole time a request may take, in seconds of the machine's clock; a quarter of it may go into
    getting a connection. The body is read up to `largest_body` bytes.
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
        largest_body: int = _LARGEST_BODY,
    ) -> None:
        self.server_time = ServerTime(clock)
        self._project = project
        self._base_url = base_url.rstrip("/")
        self._http = http
        self._clock = clock
        self._pacer = pacer
        self._headers = httpx.Headers(
            {
                "Accept": "application/json",
                "Accept-Encoding": "gzip, deflate",
                "User-Agent": f"alli-monitor/{monitor.__version__}",
            }
        )
        self._headers.update(headers)
        name, value = credential.header
        self._headers[name] = value
        self._timeout = timeout
        self._telemetry = telemetry
        self._largest_body = largest_body

    async def send(self, request: Request, priority: Priority, *, within: float | None = None) -> Timed:
        """
        Wait for a slot, send `request` and return its 2xx answer.

        With `within`, it is not sent later than that many seconds from now: ApiUnavailable says so. Raises every kind
        of API error.
        """
        asked = self._clock.monotonic()
        self._refuse_if_late(request, within, self._pacer.held_for)
        async with self._pacer.slot(priority):
            self._refuse_if_late(request, within, self._clock.monotonic() - asked)
            return await self._measured(request, within)

    def _refuse_if_late(self, request: Request, within: float | None, waited: float) -> None:
        if within is not None and waited > within:
            raise ApiUnavailable(
                f"{request.operation}: not sent, because the request budget or Alli's Retry-After left no room within "
                f"{within:g} seconds",
                retry_after=self._pacer.held_for or None,
            )

    async def _measured(self, request: Request, within: float | None) -> Timed:
        started = self._clock.monotonic()
        code = "error"
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._http.send(self._prepared(request, within), stream=True, follow_redirects=False)
                code = str(response.status_code)
                try:
                    return await self._timed(request, response, started)
                finally:
                    await response.aclose()
        except (httpx.TimeoutException, TimeoutError) as error:
            code = "timeout"
            raise _no_answer(request, error, "did not answer in time") from None
        except httpx.DecodingError:
            raise ApiUnclear(f"{request.operation}: Alli's answer is compressed in a way that cannot be read") from None
        except httpx.TransportError as error:
            code = "error"
            raise _no_answer(request, error, f"could not be reached ({type(error).__name__})") from None
        finally:
            self._telemetry.requested(self._project, request.operation, code, self._clock.monotonic() - started)

    def _prepared(self, request: Request, within: float | None) -> httpx.Request:
        # Built here and not by the HTTP client, which would add the cookies that some other project's answer left.
        connect = self._timeout / 4 if within is None else min(self._timeout / 4, within)
        timeout = httpx.Timeout(self._timeout, connect=connect, pool=connect)
        return httpx.Request(
            request.method,
            self._base_url + request.path,
            params=request.params or None,
            headers=self._headers,
            extensions={"timeout": timeout.as_dict()},
        )

    async def _timed(self, request: Request, response: httpx.Response, started: float) -> Timed:
        headers_came = self._clock.monotonic()
        body = await self._body(request, response)
        answered = self._clock.monotonic()
        reply = Reply(
            operation=request.operation,
            by_id=request.by_id,
            status=response.status_code,
            headers=response.headers,
            body=body,
        )
        try:
            raise_for_status(reply, self.server_time.now())
        except ApiUnavailable as error:
            self._pacer.back_off(error.retry_after or 0.0)
            raise
        self.server_time.observe(response.headers.get("date"), started, headers_came)
        return Timed(reply=reply, asked_at=self.server_time.at(started), answered_at=self.server_time.at(answered))

    async def _body(self, request: Request, response: httpx.Response) -> bytes:
        if response.is_success:
            return await self._read(request, response) if request.method == "GET" else b""
        try:
            return await self._read(request, response)
        except (ApiUnclear, httpx.HTTPError):
            return b""  # the status of a refusal says enough

    async def _read(self, request: Request, response: httpx.Response) -> bytes:
        if "," in response.headers.get("content-encoding", ""):
            raise ApiUnclear(f"{request.operation}: Alli's answer is compressed more than once; it was not unpacked")
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._largest_body:
                raise ApiUnclear(f"{request.operation}: Alli's answer is larger than {self._largest_body} bytes")
        return bytes(body)


def _no_answer(request: Request, error: Exception, what: str) -> ApiUnavailable:
    return ApiUnavailable(
        f"{request.operation}: Alli {what}; check base_url, proxy and network",
        sent=not isinstance(error, _NOT_SENT),
    )
