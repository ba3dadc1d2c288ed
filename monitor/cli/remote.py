"""A running daemon, asked over its JSON API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec
import typer

from monitor.cli.text import plain
from monitor.errors import ConfigError, MonitorError
from monitor.network import reason
from monitor.settings.fields import is_loopback

__all__ = ["DEFAULT_URL", "Answer", "Remote", "RemoteError", "TokenFile", "Url", "connect"]

_TIMEOUT = 10.0  # seconds
_LONGEST_REASON = 300  # characters of what the other side says

T = TypeVar("T")


class RemoteError(MonitorError):
    """The daemon did not answer, or not with what was asked for."""


class Answer:
    """A JSON answer."""

    def __init__(self, body: bytes, origin: str) -> None:
        self._body = body
        self._origin = origin

    def data(self) -> Any:
        """Return it as it is. Raises RemoteError when it is not JSON."""
        try:
            return json.loads(self._body)
        except (ValueError, RecursionError) as error:
            raise RemoteError(f"{self._origin} does not answer with JSON; is it an alli-monitor?") from error

    def read(self, kind: type[T]) -> T:
        """Return it as a value of type `kind`. Raises RemoteError when it is none."""
        try:
            return msgspec.json.decode(self._body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self.data()
            raise RemoteError(
                f"{self._origin} answers with something else than this version expects; is it an alli-monitor?"
            ) from error


class Remote:
    """The daemon at `origin`; made by `connect`."""

    def __init__(self, http: httpx.AsyncClient, origin: str) -> None:
        self._http = http
        self._origin = origin

    async def get(self, path: str, **params: str | None) -> Answer:
        """Return what stands at a path below `/api/v1/`, narrowed by those `params` that are not None."""
        given = {name: value for name, value in params.items() if value is not None}
        return await self._ask("GET", path, params=given)

    async def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Return the answer to an order."""
        return await self._ask("POST", path, json=body)

    async def delete(self, path: str, *names: str, **params: str) -> Answer:
        """Return the answer to taking away what `names` mean below a path."""
        below = "".join(f"/{quote(name, safe='')}" for name in names)
        return await self._ask("DELETE", f"{path}{below}", params=params)

    def page(self, project: str, conversation_id: str) -> str:
        """Return the address of the page about a conversation."""
        return f"{self._origin}/c/{quote(project, safe='')}/{quote(conversation_id, safe='')}"

    async def _ask(self, method: str, path: str, **request: Any) -> Answer:
        try:
            answer = await self._http.request(method, f"{self._origin}/api/v1/{path}", **request)
        except httpx.TimeoutException as error:
            raise RemoteError(f"{self._origin} does not answer within {_TIMEOUT:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RemoteError(f"no daemon can be asked at {self._origin}: {reason(error)}") from error
        if answer.is_success:
            return Answer(answer.content, self._origin)
        raise RemoteError(_refusal(answer, self._origin))


@asynccontextmanager
async def connect(url: str, token_file: Path | None) -> AsyncIterator[Remote]:
    """Yield the daemon at `url`, asked with the token in a file. Raises ConfigError when there is none in it."""
    headers = {} if token_file is None else {b"Authorization": b"Bearer " + _token(token_file)}
    trust_env = not is_loopback(urlsplit(url).hostname or "")  # a proxy leads elsewhere than to this machine
    async with httpx.AsyncClient(headers=headers, timeout=_TIMEOUT, trust_env=trust_env) as http:
        yield Remote(http, url)


def _token(file: Path) -> bytes:
    try:
        token = file.read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"--token-file {file}: {(error.strerror or 'cannot be read').lower()}") from error
    if not token.isascii() or not token.decode().isprintable() or len(token.split()) != 1:
        raise ConfigError(f"--token-file {file}: should hold the token and nothing else")
    return token


def _refusal(answer: httpx.Response, origin: str) -> str:
    is_text = answer.headers.get("content-type", "").startswith("text/plain")
    says = plain(answer.text)[:_LONGEST_REASON] if is_text else ""
    status = f"{answer.status_code} {plain(answer.reason_phrase)}".rstrip()
    return f"{origin} answers {status}{f': {says}' if says else ''}"


def _check_url(text: str) -> str:
    """Return the address of a daemon; a path is what a proxy puts before ours."""
    if not _is_address(text):
        raise typer.BadParameter("should be like http://127.0.0.1:7464, without a query and without a password")
    return text.rstrip("/")


def _is_address(text: str) -> bool:
    try:
        url = urlsplit(text)
        has_host = bool(url.hostname) and url.port != 0
    except ValueError:
        return False
    is_bare = not (url.query or url.fragment or url.username is not None)
    return url.scheme in {"http", "https"} and has_host and is_bare and text.isprintable()


DEFAULT_URL = "http://127.0.0.1:7464"

Url = Annotated[str, typer.Option("--url", callback=_check_url, help="Where the daemon listens.")]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", help="A file with the token of web.token_file.", show_default=False),
]
