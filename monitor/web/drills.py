"""Drills: `/api/v1/drills`."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from monitor.drills import LABEL, CannotDrill
from monitor.settings.fields import is_label_name
from monitor.web.bodies import LONGEST_NAME, by, check_line, read, refuse
from monitor.web.daemon import Daemon
from monitor.web.shapes import drill_shape

__all__ = ["DrillApi", "cannot_drill"]

_MOST_BYTES = 65536
_MOST_LABELS = 64

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class _NewDrill(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    asked_by: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
    labels: dict[_Text, _Text] = {}
    receiver: _Text | None = None


async def cannot_drill(_request: Request, error: Exception) -> Response:
    """Answer with why there is no such drill."""
    assert isinstance(error, CannotDrill)  # noqa: S101 - registered for nothing else
    return PlainTextResponse(f"{error}\n", HTTPStatus.NOT_FOUND if error.unknown else HTTPStatus.CONFLICT)


class DrillApi:
    """The endpoints."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def routes(self) -> list[Route]:
        """Return what stands below `/api/v1`."""
        return [
            Route("/drills", self.begin, methods=["POST"]),
            Route("/drills/{id}", self.drill),
            Route("/drills/{id}", self.end, methods=["DELETE"]),
        ]

    async def begin(self, request: Request) -> Response:
        """
        Begin a drill: `{"asked_by", "labels": {name: value}, "receiver"}`.

        `labels` join those of the alert, or take their place; with `receiver` it has to be among those who are told.
        201 and `{"drill": {...}}`, see `drill_shape`; 409 while another goes on, and when nobody, or not the receiver,
        would be told; 400, 413 and 415 as for orders.
        """
        wanted = await read(request, _NewDrill, what="a drill", most_bytes=_MOST_BYTES)
        check_line(asked_by=wanted.asked_by)
        _check_labels(wanted.labels)
        drill = await self._daemon.drills.begin(wanted.labels, asked_by=wanted.asked_by, receiver=wanted.receiver)
        return JSONResponse({"drill": drill_shape(drill)}, HTTPStatus.CREATED)

    async def drill(self, request: Request) -> Response:
        """Answer with `{"drill": {...}}`; 404 where none has this id."""
        return JSONResponse({"drill": drill_shape(await self._daemon.drills.get(request.path_params["id"]))})

    async def end(self, request: Request) -> Response:
        """End a drill, unless it is over: 200 and `{"drill": {...}}`; `by` in the query is who ends it. 404 else."""
        drill = await self._daemon.drills.end(request.path_params["id"], by=by(request))
        return JSONResponse({"drill": drill_shape(drill)})


def _check_labels(labels: Mapping[str, str]) -> None:
    if len(labels) > _MOST_LABELS:
        raise refuse(HTTPStatus.BAD_REQUEST, f"labels: more than {_MOST_LABELS}")
    for name in labels:
        if not is_label_name(name) or name == LABEL:
            raise refuse(HTTPStatus.BAD_REQUEST, f"labels: {name!r} cannot be a label of a drill")
