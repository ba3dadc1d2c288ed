"""The cursors of the list: what they remember, and when they no longer work."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

import msgspec

from monitor.simulator.answers import Refusal, json_response
from monitor.simulator.options import Options
from monitor.simulator.ordering import Position

__all__ = ["Cursor", "read_cursor", "write_cursor"]


class Cursor(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """
    Where the next page begins: behind `after`, and then `offset` rows further.

    `page` is the number of that page, the one without a cursor being 0, and `issued` the server time of the answer
    that the cursor was in.
    """

    after: Position | None = None
    offset: Annotated[int, msgspec.Meta(ge=0)] = 0
    page: Annotated[int, msgspec.Meta(ge=0)] = 0
    issued: float = 0.0


def write_cursor(cursor: Cursor) -> str:
    """Return `cursor` as the text that the API shows."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(cursor)).decode("ascii")


def read_cursor(text: str | None, options: Options, now: float) -> Cursor:
    """Return the cursor that `write_cursor` wrote; raise Refusal when it is not one, or one that has expired."""
    if not text:
        return Cursor()
    try:
        cursor = msgspec.msgpack.decode(base64.urlsafe_b64decode(text), type=Cursor)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise _refusal(422, "unknown cursor") from error
    outlived = now - cursor.issued > options.cursor_lifetime
    if outlived or (options.cursor_pages is not None and cursor.page > options.cursor_pages):
        raise _refusal(options.expired_cursor, "the cursor has expired")
    return cursor


def _refusal(status: int, message: str) -> Refusal:
    problem = {"type": "value_error", "loc": ["query", "cursor"], "msg": message}
    body = {"detail": [problem]} if status == 422 else {"result": [], "errors": message}  # noqa: PLR2004 - HTTP status
    return Refusal(json_response(body, status))
