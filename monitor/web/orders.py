"""What people order the daemon to do to Alli: `POST /api/v1/actions`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from monitor.cycle.manual_stops import CannotStop
from monitor.web.bodies import LONGEST_NAME, check_line, read, refuse
from monitor.web.daemon import Daemon
from monitor.web.shapes import action_shape, brake_shape

__all__ = ["Orders"]

_MOST_BYTES = 4096


class _Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    action: Literal["stop"]
    conversation_id: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    asked_by: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
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
            raise refuse(status, str(error)) from error
        answer = {"action": action_shape(asked.stop), "brakes": [brake_shape(brake) for brake in asked.brakes]}
        return JSONResponse(answer, HTTPStatus.ACCEPTED)


async def _order(request: Request) -> _Order:
    """Return the order in the body; HTTPException says what is wrong with it."""
    order = await read(request, _Order, what="an order", most_bytes=_MOST_BYTES)
    check_line(asked_by=order.asked_by)
    return order
