"""One request on its way: bounded in time and size, its foreign exceptions translated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from monitor.clock import Clock
from monitor.errors import ApiUnavailable, ApiUnclear
from monitor.network import reason

__all__ = ["Flight", "Request"]

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """
    One request: `path` is encoded, below the base URL, and `body` is sent as JSON.

    `by_id` and `may_be_barred` are as in `Reply`. `accept` is the form that the answer should have, and `answer_read`
    whether the body of a success is of interest.
    """

    operation: str
    path: str
    method: str = "GET"
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    by_id: bool = True
    may_be_barred: bool = False
    accept: str = "application/json"
    answer_read: bool = True


class Flight:
    """
    One request on its way and the answer to it: bounded in time and size, foreign exceptions translated.

    `code` tells metrics how it went. `started` and `headers_came` are monotonic, `asked_at` is own time.
    """

    response: httpx.Response
    headers_came: float

    def __init__(self, request: Request, *, clock: Clock, timeout: float, largest_body: int) -> None:
        self.request = request
        self.code = "error"
        self.started = clock.monotonic()
        self.asked_at = clock.now()
        self._clock = clock
        self._deadline = asyncio.get_running_loop().time() + timeout
        self._largest_body = largest_body

    async def begin(self, http: httpx.AsyncClient, prepared: httpx.Request) -> None:
        """Send the request and wait for the head of its answer."""
        async with self._bounded():
            self.response = await http.send(prepared, stream=True, follow_redirects=False)
        self.headers_came = self._clock.monotonic()
        self.code = str(self.response.status_code)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body, unpacked, as it comes."""
        if "," in self.response.headers.get("content-encoding", ""):
            raise self._unclear("is compressed more than once; it was not unpacked")
        size = 0
        pieces = self.response.aiter_bytes()
        while True:
            async with self._bounded():
                piece = await anext(pieces, None)
            if piece is None:
                return
            size += len(piece)
            if size > self._largest_body:
                raise self._unclear(f"is larger than {self._largest_body} bytes")
            yield piece

    async def body(self) -> bytes:
        """Return the body, unpacked; nothing of a success whose body is of no interest."""
        if self.response.is_success and not self.request.answer_read:
            return b""
        try:
            return b"".join([chunk async for chunk in self.chunks()])
        except (ApiUnclear, ApiUnavailable):
            if self.response.is_success:
                raise
            self.code = str(self.response.status_code)
            return b""  # the status of a refusal says enough

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout_at(self._deadline):
                yield
        except (httpx.TimeoutException, TimeoutError) as error:
            self.code = "timeout"
            raise self._no_answer(error, "did not answer in time") from None
        except httpx.DecodingError:
            raise self._unclear("is compressed in a way that cannot be read") from None
        except httpx.TransportError as error:
            self.code = "error"
            raise self._no_answer(error, f"could not be reached: {reason(error)}") from None

    def _no_answer(self, error: Exception, what: str) -> ApiUnavailable:
        return ApiUnavailable(
            f"{self.request.operation}: Alli {what}; check base_url, proxy and network",
            sent=not isinstance(error, _NOT_SENT),
        )

    def _unclear(self, what: str) -> ApiUnclear:
        return ApiUnclear(f"{self.request.operation}: Alli's answer {what}")
