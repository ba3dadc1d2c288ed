"""What requests that change something carry: who asks, and a small JSON body of exactly the shape that is wanted."""

from __future__ import annotations

from http import HTTPStatus
from typing import TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

__all__ = ["LONGEST_NAME", "by", "check_line", "read", "refuse"]

LONGEST_NAME = 100
"""Characters that the name of somebody may have."""

T = TypeVar("T")


def refuse(status: HTTPStatus, reason: str) -> HTTPException:
    """Return what answers with one line that says why not."""
    return HTTPException(status, f"{reason}\n")


def by(request: Request) -> str:
    """Return who does this, as the query says; an HTTPException says what is wrong with it."""
    name = request.query_params.get("by", "")
    if not 1 <= len(name) <= LONGEST_NAME:
        raise refuse(HTTPStatus.BAD_REQUEST, f"by should say who does this, in at most {LONGEST_NAME} characters")
    check_line(by=name)
    return name


def check_line(**fields: str) -> None:
    """Raise the HTTPException for fields that should hold a name, and hold more than a line."""
    for name, value in fields.items():
        if not value.isprintable():
            raise refuse(HTTPStatus.BAD_REQUEST, f"{name} should be a name on one line")


async def read(request: Request, kind: type[T], *, what: str, most_bytes: int) -> T:
    """Return the body as a value of type `kind`; `what` it holds is for the HTTPException that says what is wrong."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":  # a form of a foreign page could send any other without being asked about
        raise refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body should be application/json")
    try:
        return msgspec.json.decode(await _body(request, what, most_bytes), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        why = error if isinstance(error, msgspec.ValidationError) else "it is not JSON"
        raise refuse(HTTPStatus.BAD_REQUEST, f"the body does not hold {what}: {why}") from error


async def _body(request: Request, what: str, most_bytes: int) -> bytes:
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most_bytes:
                raise refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is too long for {what}")
    except ClientDisconnect as error:
        raise refuse(HTTPStatus.BAD_REQUEST, "the body is not complete") from error
    return body
