"""What people order the daemon to do to Alli: `POST /api/v1/actions`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from monitor.cycle.manual_stops import CannotStop
from monitor.web.daemon import Daemon
from monitor.web.shapes import action_shape, brake_shape

__all__ = ["Orders"]

_MOST_BYTES = 4096


class _Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    action: Literal["stop"]
    conversation_id: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    asked_by: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    project: str | None = None


class Orders:
    """The endpoint."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    async def act(self, request: Request) -> Response:
        """
        Begin to stop the run of a conversation: `{"action": "stop", "conversation_id", "asked_by", "project"}`.

        `asked_by` goes into the audit; `project` may be left out where only one has such a run. 202 and
        `{"action": {...}, "brakes": [...]}`: what was begun, to be followed by GET, and what holds back automatic stops
        of this run, but not this one. 404 when the conversation or project is not known, 409 when nothing can be
        stopped; 400, 413 and 415 for a body that is not this one.
        """
        order = await _order(request)
        try:
            asked = await self._daemon.stop(order.conversation_id, project=order.project, asked_by=order.asked_by)
        except CannotStop as error:
            status = HTTPStatus.NOT_FOUND if error.unknown else HTTPStatus.CONFLICT
            raise HTTPException(status, f"{error}\n") from error
        answer = {"action": action_shape(asked.stop), "brakes": [brake_shape(brake) for brake in asked.brakes]}
        return JSONResponse(answer, HTTPStatus.ACCEPTED)


async def _order(request: Request) -> _Order:
    """Return the order in the body; HTTPException says what is wrong with it."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":  # a form of a foreign page could send any other without being asked about
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body should be application/json\n")
    try:
        order = msgspec.json.decode(await _body(request), type=_Order)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        what = error if isinstance(error, msgspec.ValidationError) else "it is not JSON"
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"the body does not hold an order: {what}\n") from error
    if not order.asked_by.isprintable():
        raise HTTPException(HTTPStatus.BAD_REQUEST, "asked_by should be a name on one line\n")
    return order


async def _body(request: Request) -> bytes:
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_BYTES:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too long for an order\n")
    except ClientDisconnect as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the body is not complete\n") from error
    return body
