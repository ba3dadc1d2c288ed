"""The web application: which path is answered by what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from monitor.drills import CannotDrill
from monitor.errors import ConfigError
from monitor.on_call import CannotMute
from monitor.settings import Web
from monitor.store.database import StorageError
from monitor.web.access import Access, SecurityHeaders
from monitor.web.api import Api
from monitor.web.daemon import Daemon
from monitor.web.drills import cannot_drill
from monitor.web.on_call import cannot_mute
from monitor.web.pages import Pages

__all__ = ["build"]

_STATIC = Path(__file__).parent / "static"


def build(daemon: Daemon, settings: Callable[[], Web]) -> Starlette:
    """Return the ASGI application that shows `daemon`, with the access rules of the `settings` in force."""
    pages = Pages(daemon)
    own = _Own(daemon)
    app = Starlette(
        routes=[
            Route("/", pages.console),
            # an id may hold a slash, which arrives decoded
            Route("/c/{project}/{conversation_id:path}", pages.conversation),
            Route("/metrics", own.metrics),
            Route("/-/healthy", own.healthy),
            Route("/-/ready", own.ready),
            Route("/-/reload", own.reload, methods=["POST"]),
            Mount("/api/v1", routes=Api(daemon).routes()),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        middleware=[Middleware(SecurityHeaders), Middleware(Access, settings)],
        exception_handlers={StorageError: _storage_failed, CannotMute: cannot_mute, CannotDrill: cannot_drill},
    )
    app.router.redirect_slashes = False
    return app


async def _storage_failed(_request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"{error}\n", 503)


class _Own:
    """The endpoints for whatever watches and steers the daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    async def metrics(self, request: Request) -> Response:
        """Answer with all metrics, as OpenMetrics where the client asks for that."""
        try:
            encode, content_type = choose_encoder(request.headers.get("accept", ""))
        except (TypeError, ValueError):  # a version in it that is none
            encode, content_type = choose_encoder("")
        body = await asyncio.to_thread(encode, self._daemon.metrics.registry)
        return Response(body, headers={"Content-Type": content_type})

    async def healthy(self, _request: Request) -> Response:
        """Answer 200 while the daemon does its work, 503 and why when it is stuck."""
        return _probe("healthy", self._daemon.unhealthy())

    async def ready(self, _request: Request) -> Response:
        """Answer 200 once every poll was attempted, 503 and what is missing before."""
        return _probe("ready", self._daemon.not_ready())

    async def reload(self, _request: Request) -> Response:
        """Load rules and configuration again: 200, or 422 with all that is wrong, and then nothing has changed."""
        try:
            await self._daemon.reload()
        except ConfigError as error:
            return PlainTextResponse(f"{error}\n", 422)
        return PlainTextResponse("reloaded\n")


def _probe(good: str, problem: str | None) -> Response:
    return PlainTextResponse(f"{good}\n") if problem is None else PlainTextResponse(f"{problem}\n", 503)
