"""The demo's receiver: a webhook that remembers what it was told."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from monitor.clock import Clock
from monitor.serving import Server

__all__ = ["Collector", "Received"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One transition as it arrived; `at` is own time."""

    at: float
    status: str
    fingerprint: str
    labels: dict[str, str]
    summary: str


class Collector:
    """Takes webhook bodies and keeps each transition once, whatever else a body repeats."""

    def __init__(self, clock: Clock) -> None:
        self.received: list[Received] = []
        self.bodies = 0
        self._clock = clock
        self._last: dict[tuple[str, str], str] = {}

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Listen on a free port of loopback and yield the URL."""
        listener = socket.create_server(("127.0.0.1", 0))
        app = Starlette(routes=[Route("/hook", self._take, methods=["POST"])])
        server = Server(app)
        server.start(listener)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
        finally:
            await server.stop()

    async def _take(self, request: Request) -> Response:
        body = await request.json()
        self.bodies += 1
        for alert in body["alerts"]:
            fingerprint, status, starts = alert["fingerprint"], alert["status"], alert["startsAt"]
            if self._last.get((fingerprint, starts)) == status:
                continue
            self._last[fingerprint, starts] = status
            self.received.append(
                Received(
                    at=self._clock.now(),
                    status=status,
                    fingerprint=fingerprint,
                    labels=alert["labels"],
                    summary=alert["annotations"].get("summary", ""),
                )
            )
        return PlainTextResponse("ok")
