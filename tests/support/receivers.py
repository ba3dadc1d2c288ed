"""
Fake receivers: real HTTP servers on a free port of 127.0.0.1, strict about what they are sent.

A fake answers with the replies it was given, in turn, then with 200. What it does not accept as a proper request is
kept in `complaints`, and leaving the fake's context fails on any.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from monitor.messages.compose import Composer
from monitor.model.alert import Identity, Resolution, Transition, fingerprint
from monitor.model.notification import Entry, Notification

__all__ = [
    "GARBAGE",
    "RESET",
    "SILENCE",
    "FakeAlertmanager",
    "FakeReceiver",
    "FixedClock",
    "Reply",
    "Request",
    "composer",
    "fired",
    "notification",
    "resolved",
]

NOW = 1_790_000_000.0
"""Own time in the tests of receivers."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer; `body` is followed by nothing more, or, if it is `endless`, by silence on an open connection."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    endless: bool = False


RESET = "reset"
"""Instead of a reply: the connection breaks."""

SILENCE = "silence"
"""Instead of a reply: nothing comes."""

GARBAGE = "garbage"
"""Instead of a reply: something that is not HTTP."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as it came: its path with query, its headers with names in lower case, its body decoded."""

    path: str
    headers: dict[str, str]
    body: Any


class FakeReceiver:
    """A server that takes JSON by POST at `url`; `connections` counts how often it was connected to."""

    def __init__(self, *replies: Reply | str) -> None:
        self.replies = deque(replies)
        self.requests: list[Request] = []
        self.complaints: list[str] = []
        self.connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        assert error is not None or not self.complaints, self.complaints

    def reply(self, request: Request) -> Reply | str:  # noqa: ARG002 - for those that look at it
        """Return the answer to `request`: the next of `replies`, then 200."""
        return self.replies.popleft() if self.replies else Reply()

    async def received(self, count: int) -> list[Request]:
        """Wait for `count` requests in all, and return the requests."""
        async with asyncio.timeout(30), self._news:
            await self._news.wait_for(lambda: len(self.requests) >= count)
        return self.requests

    def complain(self, complaint: str) -> None:
        """Remember that a request was not as it should be."""
        self.complaints.append(complaint)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while (request := await self._read(reader)) is not None:
                async with self._news:
                    self.requests.append(request)
                    self._news.notify_all()
                if not await self._answer(self.reply(request), writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            self.complain(f"the connection broke within a request: {error!r}")
        except asyncio.CancelledError:
            pass  # the fake is closing: a server task that stayed cancelled would be reported by the loop
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Request | None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        line, *fields = head.rstrip().split("\r\n")
        method, path, version = line.split(" ")
        headers = {name.lower(): value for name, value in (text.split(": ", 1) for text in fields)}
        if (method, version, headers.get("content-type")) != ("POST", "HTTP/1.1", "application/json"):
            self.complain(f"not a POST of JSON: {line!r} {headers.get('content-type')!r}")
            return None
        body = await reader.readexactly(int(headers["content-length"]))
        return Request(path=path, headers=headers, body=json.loads(body.decode("utf-8")))

    async def _answer(self, reply: Reply | str, writer: asyncio.StreamWriter) -> bool:
        """Answer, and return whether the connection goes on."""
        if reply == SILENCE:
            await asyncio.Event().wait()
        if reply == GARBAGE:
            writer.write(b"\x00\xff not HTTP at all\r\n\r\n")
            await writer.drain()
        if not isinstance(reply, Reply):
            writer.transport.abort()
            return False
        length = 10_000_000 if reply.endless else len(reply.body)
        fields = {"Content-Length": str(length), **reply.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"HTTP/1.1 {reply.status} Some Reason\r\n{head}\r\n".encode("ascii") + reply.body)
        try:
            await writer.drain()
        except ConnectionError:  # a client need not read all of an answer
            return False
        if reply.endless:
            await asyncio.Event().wait()
        return True


class FakeAlertmanager(FakeReceiver):
    """
    The alerts API of Alertmanager, where it answers 200 itself: it stores valid alerts and answers 400 for others.

    An alert is bad when its label `alertname` is "Bad": which alerts a real one takes depends on its version.
    `stored` holds the `endsAt` of alerts by their `alertname`.
    """

    def __init__(self, *replies: Reply | str) -> None:
        super().__init__(*replies)
        self.stored: dict[str, str] = {}

    def reply(self, request: Request) -> Reply | str:
        """Return the next of `replies`; after them, store what is valid and answer as Alertmanager does."""
        if self.replies:
            return self.replies.popleft()
        names = [alert["labels"]["alertname"] for alert in request.body]
        self.stored |= {name: alert["endsAt"] for name, alert in zip(names, request.body, strict=True) if name != "Bad"}
        return Reply(status=400, body=b'"bad alert"') if "Bad" in names else Reply(body=b"")


class FixedClock:
    """A clock that stands still at `NOW`."""

    def now(self) -> float:
        """Own time: `NOW`."""
        return NOW

    def monotonic(self) -> float:
        """Seconds since an arbitrary start: none."""
        return 0.0

    async def sleep(self, seconds: float) -> None:
        """Refuse: nothing under test here sleeps."""
        raise AssertionError(f"slept {seconds} s")

    def real_seconds(self, seconds: float) -> float:
        """Return `seconds`."""
        return seconds


def composer(language: str = "en", *, excerpt_chars: int = 0, console_url: str = "") -> Composer:
    """Return what puts notifications into words for a receiver."""
    return Composer(language=language, excerpt_chars=excerpt_chars, console_url=console_url)


def fired(name: str = "RunOverLimit", **labels: str) -> Entry:
    """Return the entry of a state alert that fired two minutes before `NOW`."""
    return Entry(
        fingerprint=fingerprint(Identity(project="support", rule=name)),
        status=Transition.FIRING,
        labels={"alertname": name, "project": "support", **labels},
        annotations={"summary": "보고서 작성이 제한 시간을 넘었습니다 / 制限時間を超えました"},
        starts_at=NOW - 120,
        url="https://monitor.example/c/support/c1",
    )


def resolved(name: str = "RunOverLimit", **labels: str) -> Entry:
    """Return the entry with which the alert of `fired` resolved one minute before `NOW`."""
    entry = fired(name, **labels)
    return Entry(
        fingerprint=entry.fingerprint,
        status=Transition.RESOLVED,
        labels=entry.labels,
        annotations=entry.annotations,
        starts_at=entry.starts_at,
        ends_at=NOW - 60,
        url=entry.url,
        resolution=Resolution.ENDED,
    )


def notification(*entries: Entry, key: str = "n-1") -> Notification:
    """Return a notification to the receiver ``oncall`` that tells of `entries`."""
    return Notification(
        key=key,
        receiver="oncall",
        group_key='{}:{project="support"}',
        group_labels={"project": "support"},
        entries=entries,
        reason="first_notification",
    )
