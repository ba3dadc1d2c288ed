"""
Who may ask what, and the headers that keep browsers from being used against us.

Whoever can connect to a loopback address is on this machine and may read. A browser on this machine may be led here
by a foreign page, though, so there the `Host` header must name this machine (a foreign name that resolves to
127.0.0.1 is DNS rebinding), and what changes state is refused to pages of another origin. A proxy before a loopback
address opens reading to its own users, so it has to ask them who they are.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.settings import Web
from monitor.settings.fields import is_loopback

__all__ = ["OPEN_PATHS", "Access", "SecurityHeaders"]

OPEN_PATHS = frozenset({"/metrics", "/-/healthy", "/-/ready"})
"""What needs no token anywhere."""

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_TOKEN_UNSET = "no token is configured: set web.token_file, or ALLI_MONITOR_WEB__TOKEN_FILE, and send it"  # noqa: S105 - not a token
_TOKEN_WRONG = "send the token of web.token_file as a bearer token, or as the password of any user"  # noqa: S105 - not a token
_CHALLENGE = 'Basic realm="alli-monitor", charset="UTF-8", Bearer realm="alli-monitor"'
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Access:
    """ASGI middleware that answers by itself what the `settings` in force do not allow."""

    def __init__(self, app: ASGIApp, settings: Callable[[], Web]) -> None:
        self._app = app
        self._in_force = settings

    @property
    def _settings(self) -> Web:
        return self._in_force()

    @property
    def _external(self) -> SplitResult:
        return urlsplit(self._settings.external_url or "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it with one line that says what to do."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = self._refusal(scope["method"], scope["path"], Headers(scope=scope)) or self._app
        await answer(scope, receive, send)

    def _refusal(self, method: str, path: str, headers: Headers) -> Response | None:
        changes = method not in _READING
        if self._settings.is_loopback and not self._names_us(headers.get("host", "")):
            return _refuse(
                HTTPStatus.MISDIRECTED_REQUEST,
                "the Host header does not name this machine: ask for localhost, or set web.external_url",
            )
        if changes and not self._same_origin(headers):
            return _refuse(HTTPStatus.FORBIDDEN, "a page of another origin cannot change anything here")
        if not changes and (self._settings.is_loopback or path in OPEN_PATHS):
            return None
        return self._check_token(headers.get("authorization", ""))

    def _names_us(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        return name is not None and (is_loopback(name) or name == self._external.hostname)

    def _same_origin(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None:  # not a browser
            return True
        try:
            netloc = urlsplit(origin).netloc.lower()
        except ValueError:
            return False
        return netloc != "" and netloc in {headers.get("host", "").lower(), self._external.netloc.lower()}

    def _check_token(self, authorization: str) -> Response | None:
        if self._settings.token is None:
            return _refuse(HTTPStatus.FORBIDDEN, _TOKEN_UNSET)
        if hmac.compare_digest(_presented(authorization), self._settings.token.get_secret_value().encode()):
            return None
        return _refuse(HTTPStatus.UNAUTHORIZED, _TOKEN_WRONG, {"WWW-Authenticate": _CHALLENGE})


class SecurityHeaders:
    """ASGI middleware that adds to every answer what a browser should not do with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and the answer back."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                is_static = scope["path"].startswith("/static/")
                headers.setdefault("Cache-Control", "no-cache" if is_static else "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _presented(authorization: str) -> bytes:
    """Return the token in an Authorization header: a bearer token, or the password of HTTP Basic (RFC 7617)."""
    scheme, _, credentials = authorization.partition(" ")
    given = credentials.strip().encode("latin-1")
    if scheme.lower() == "bearer":
        return given
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(given, validate=True).partition(b":")[2]
    except binascii.Error:
        return b""


def _refuse(status: HTTPStatus, reason: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{reason}\n", status, headers)
