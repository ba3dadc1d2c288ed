"""An ASGI application on a socket, inside the running event loop; signals are left to the command."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

__all__ = ["Server"]


class Server:
    """
    Serves `app` between `start` and `stop`.

    `http` is uvicorn's choice of protocol, or a protocol class. `grace` is how many seconds requests have to end when
    it stops. `dates` tells whether answers get a Date header.
    """

    def __init__(
        self, app: ASGIApp, *, http: type[asyncio.Protocol] | None = None, grace: int = 3, dates: bool = True
    ) -> None:
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                http=http or "auto",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=dates,
                timeout_graceful_shutdown=grace,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    def start(self, listener: socket.socket) -> None:
        """Begin to serve on a socket that listens."""
        # asyncio does this only for sockets that name their protocol; without it small answers wait 40 ms
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name="web")

    async def stop(self) -> None:
        """Take no more requests, and give those under way their grace."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving
            self._serving = None


class _Uvicorn(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield
