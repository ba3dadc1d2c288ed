"""How faults look on the wire."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

import httpx
import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from monitor.simulator.answers import json_response, unauthorized
from monitor.simulator.faults import Fault, FaultKind
from monitor.simulator.world import World

__all__ = ["BreakableProtocol", "refuse", "spoil"]

_PAGE = "<!doctype html><title>Please wait</title><p>We will be back shortly.</p>"


class BreakableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, whose application can reach the connection in order to break it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put the connection where requests find it."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def refuse(fault: Fault, request: Request, world: World) -> Response:
    """Return the answer to a request that a fault keeps from having an effect."""
    if fault.kind is FaultKind.REVOKED:
        return unauthorized()
    if fault.refusal_status is None:
        return _break(request)
    status = HTTPStatus(fault.refusal_status)
    response = json_response({"error": status.phrase}, status)
    if fault.retry_after is not None:
        date = formatdate(world.now + fault.retry_after, usegmt=True)
        response.headers["retry-after"] = date if fault.retry_after_date else f"{fault.retry_after:.0f}"
    return response


async def spoil(fault: Fault, answer: Response, request: Request, world: World) -> Response:
    """Return what a fault makes of the answer to a request that was carried out."""
    match fault.kind:
        case FaultKind.RESET:
            return _break(request)
        case FaultKind.SLOW:
            await world.clock.sleep(fault.delay)
            return answer
        case FaultKind.HTML:
            return HTMLResponse(_PAGE)
        case FaultKind.EMPTY:
            return Response(media_type="application/json")
        case _:
            return _spoil_json(fault.kind, answer)


def _spoil_json(kind: FaultKind, answer: Response) -> Response:
    body = bytes(answer.body)
    if kind is FaultKind.TRUNCATED:
        return Response(body[: len(body) // 2] or b"{", media_type="application/json")
    if answer.media_type != "application/json":
        return answer
    content = msgspec.json.decode(body)
    if kind is FaultKind.ENVELOPE:
        return json_response({"payload": content})
    return json_response(_with_bad_row(content), answer.status_code)


def _with_bad_row(content: Any) -> Any:
    """Spoil the middle row of a page of conversations or chats, so that good rows stand on both sides."""
    page = content.get("result", content) if isinstance(content, dict) else None
    for name, time in (("conversations", "createdAt"), ("chats", "timestamp")):
        if isinstance(page, dict) and (rows := page.get(name)):
            rows[len(rows) // 2] |= {"id": 17, time: "yesterday"}
            break
    return content


def _break(request: Request) -> Response:
    """Break the connection; without one (httpx.ASGITransport) raise what httpx would."""
    transport = getattr(request.state, "transport", None)
    if transport is None:
        raise httpx.ReadError("the simulated connection was reset", request=None)
    transport.abort()
    return Response()  # goes nowhere, but keeps uvicorn from complaining that there is none
