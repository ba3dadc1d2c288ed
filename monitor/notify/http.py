"""
One POST to a receiver, and what its answer means.

The address of a receiver is a secret, since chat services put the credential into the path: errors name its scheme
and host only and are raised outside of the handlers of httpx's errors, so no address hangs on them. Bodies of answers
may repeat a secret: they are kept for those few receivers that answer in words, and never shown.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx
from pydantic import SecretStr

from monitor import __version__
from monitor.clock import Clock
from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.network import reason

__all__ = ["Answer", "Endpoint", "redact_url", "rfc3339"]

LONGEST_RETRY_AFTER = 3600.0
"""Seconds: a receiver cannot ask for a longer pause than this."""

_BODY_CAP = 65_536  # bytes; a longer body costs its connection
_BODY_TIME = 1.0  # seconds; a slower body costs its connection
_LAST_MOMENT = 253_402_300_799.0  # the end of the year 9999: RFC 3339 has no later one
_SECONDS = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": f"alli-monitor/{__version__}",
    "Accept-Encoding": "identity",  # bodies are read as they come
}
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_BAD_PAYLOAD = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    What `server` (scheme and host) answered: its HTTP status and how many seconds it asked us to wait.

    `text` is its body where that is short and came quickly, else empty.
    """

    server: str
    status: int
    retry_after: float | None = None
    text: str = field(default="", repr=False)

    def check(self) -> None:
        """Return if the request was accepted; raise DeliveryDelayed or DeliveryRefused if not."""
        if 200 <= self.status < 300:  # noqa: PLR2004 - the class of statuses that mean success
            return
        if 300 <= self.status < 400:  # noqa: PLR2004 - the class of statuses that mean redirection
            raise DeliveryRefused(
                f"{self.server} answered {self.status}, a redirect, and those are not followed: configure its target",
                reason="redirect",
            )
        if 400 <= self.status < 500 and self.status not in _LATER:  # noqa: PLR2004 - the client's errors
            raise DeliveryRefused(
                f"{self.server} answered {self.status}",
                reason="client_error",
                scope="payload" if self.status in _BAD_PAYLOAD else "receiver",
            )
        raise DeliveryDelayed(f"{self.server} answered {self.status}", retry_after=self.retry_after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address that takes JSON by POST, and `timeout`, the seconds until its answer has to begin."""

    http: httpx.AsyncClient
    url: SecretStr
    timeout: float
    clock: Clock

    async def post(self, payload: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """Post `payload` as JSON; raises DeliveryDelayed when there is no answer, DeliveryRefused for a bad address."""
        server = redact_url(self.url.get_secret_value())
        failure: DeliveryDelayed | DeliveryRefused
        try:
            async with asyncio.timeout(self.timeout):
                response = await self._send(payload, headers or {})
        except TimeoutError:
            failure = DeliveryDelayed(f"{server} did not answer within {self.timeout:g} s")
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            failure = DeliveryRefused(f"{server} is not an address a notification can be posted to", reason="bad_url")
        except httpx.TransportError as error:
            failure = DeliveryDelayed(f"{server} could not be asked: {reason(error)}")
        else:
            text = await _text(response)
            retry_after = _retry_after(response.headers, self.clock.now())
            return Answer(server=server, status=response.status_code, retry_after=retry_after, text=text)
        raise failure

    async def _send(self, payload: Any, headers: Mapping[str, str]) -> httpx.Response:
        request = self.http.build_request(
            "POST",
            self.url.get_secret_value(),
            # Half of a character from outside (a lone surrogate) must not keep a notification from ever leaving.
            content=json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"),
            headers={**_HEADERS, **headers},
            timeout=None,  # the caller times the whole of it
        )
        return await self.http.send(request, stream=True, follow_redirects=False)


def redact_url(url: str) -> str:
    """Return scheme, host and port of `url`, the part that may be shown."""
    hidden = "the configured address"
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return hidden
    return f"{parsed.scheme}://{parsed.netloc.decode('ascii')}" if parsed.scheme and parsed.host else hidden


def rfc3339(moment: float) -> str:
    """Return `moment`, UTC seconds since the epoch, as Go and JavaScript read it: ``2026-01-31T09:00:00.000Z``."""
    text = datetime.fromtimestamp(min(max(moment, 0.0), _LAST_MOMENT), UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


async def _text(response: httpx.Response) -> str:
    """Read a body that is small and quick, which keeps its connection; others are cut off, and say nothing."""
    body = b""
    async with contextlib.aclosing(response):
        with contextlib.suppress(httpx.TransportError, TimeoutError):
            async with asyncio.timeout(_BODY_TIME):
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > _BODY_CAP:
                        return ""
                return body.decode("utf-8", "replace")
    return ""


def _retry_after(headers: httpx.Headers, now: float) -> float | None:
    """Return the seconds that `Retry-After` asks for (RFC 9110, 10.2.3: seconds or a date), between 0 and an hour."""
    text = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(text):
        seconds = float(text)
    elif (date := _http_date(text)) is not None:
        sent = _http_date(headers.get("Date", ""))  # its clock may differ from ours
        seconds = date - (now if sent is None else sent)
    else:
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _http_date(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
