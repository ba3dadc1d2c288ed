"""
The simulated world behind HTTP: every operation of the API, and what goes wrong on the way.

Two paths belong to the simulator alone and need no key: `/-/healthy`, and `/-/record` with what truly happened.
"""

from __future__ import annotations

import hmac
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from monitor.errors import StartError
from monitor.serving import Server
from monitor.simulator import breakage
from monitor.simulator.answers import Refusal, json_response, method_not_allowed, not_found, unauthorized, wrapped
from monitor.simulator.operations import OPERATIONS, Operation
from monitor.simulator.world import World

__all__ = ["app", "serve", "serve_app"]


def app(world: World) -> Starlette:
    """Return the ASGI application that shows `world`."""
    routes = [Route(each.path, _endpoint(each, world), methods=[each.method]) for each in OPERATIONS]

    async def record(_: Request) -> Response:
        return json_response(world.record())

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("OK\n")

    routes += [Route("/-/record", record), Route("/-/healthy", healthy)]
    handlers = {404: lambda _request, _error: not_found(), 405: lambda _request, _error: method_not_allowed()}
    return Starlette(routes=routes, exception_handlers=handlers)


@asynccontextmanager
async def serve(world: World, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve `world` as `serve_app` says."""
    async with serve_app(app(world), host, port) as url:
        yield url


@asynccontextmanager
async def serve_app(application: Starlette, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """
    Serve `application`, which dates its answers, from the running event loop and yield the base URL.

    Port 0 is any free port. No signal handlers are installed. Raises StartError when the address cannot be bound.
    """
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        raise StartError(f"the simulator cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}") from error
    server = Server(application, http=breakage.BreakableProtocol, grace=1, dates=False)
    server.start(listener)
    try:
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        await server.stop()


def _endpoint(operation: Operation, world: World) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        world.advance()
        world.ledger.add_request(operation.name)
        fault = world.faults.strike(operation.name, world.now)
        if fault is not None and fault.kind.refuses:
            _record_refusal(operation, request, world, fault.refusal_status)
            return _dated(breakage.refuse(fault, request, world), world)
        answer = await _answer(operation, request, world)
        if fault is not None:
            answer = await breakage.spoil(fault, answer, request, world)
        return _dated(answer, world)

    return endpoint


async def _answer(operation: Operation, request: Request, world: World) -> Response:
    if not _authorized(request, world):
        response = unauthorized()
        _record_refusal(operation, request, world, response.status_code)
        return response
    if own_user_id := request.headers.get("own-user-id"):
        world.identify_user(own_user_id)
    try:
        answer = await operation.answer(request, world)
    except Refusal as refusal:
        return refusal.response
    return wrapped(answer) if world.options.result_wrapper else answer


def _authorized(request: Request, world: World) -> bool:
    given = request.headers.get("api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
    return hmac.compare_digest(given.encode(), world.options.api_key.encode())


def _record_refusal(operation: Operation, request: Request, world: World, status: int | None) -> None:
    if operation.name == "stop_conversation":
        world.refuse_stop(request.path_params["conversation_id"], status)


def _dated(response: Response, world: World) -> Response:
    if world.options.date_header:
        response.headers["date"] = formatdate(world.now, usegmt=True)
    return response
