"""
Reading the list of conversations as it comes, for the capability probe.

`monitor.alli.wire` brings every answer into one form and sets aside what contradicts itself. The probe asks about just
that: in which unit a number was written, in which order chats came, whether ids and times agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from monitor.alli.answers import UNREADABLE, content, unclear
from monitor.alli.client import Client
from monitor.alli.exchange import Request
from monitor.alli.ids import made_at
from monitor.alli.operations import CONVERSATIONS
from monitor.alli.pacing import Priority
from monitor.alli.units import UnclearTime, Units
from monitor.alli.wire import UnclearBody, valid_id
from monitor.model.conversation import App
from monitor.model.evidence import PageSeen, RowSeen, Stamp

__all__ = ["list_as_it_comes", "read_page", "written"]

_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6}


def written(at: float, unit: str) -> str:
    """Return how a filter writes a time in `unit`: as a plain decimal."""
    return format(at * _PER_SECOND[unit], ".3f" if unit == "s" else ".0f")


async def list_as_it_comes(client: Client, params: Mapping[str, str], *, priority: Priority) -> PageSeen:
    """Return the first page of the list with these query parameters. Raises what the client raises."""
    request = Request(
        operation="list_conversations",
        path=CONVERSATIONS,
        params={"pageSize": "50", **params},
        by_id=False,
    )
    reply = (await client.exchange.send(request, priority)).reply
    try:
        return read_page(content(reply))
    except UnclearBody as error:
        raise unclear(reply, f"which cannot be understood ({error})") from None


def read_page(text: bytes) -> PageSeen:
    """Read a page of the list of conversations. Raises UnclearBody."""
    rows = _object(text).get("conversations")
    if not isinstance(rows, list):
        raise UnclearBody("there is no list of conversations")
    seen = [row for each in rows if (row := _row(each)) is not None]
    return PageSeen(rows=tuple(seen), unreadable=len(rows) - len(seen))


def _object(text: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except UNREADABLE:
        raise UnclearBody("it is not a JSON object") from None


def _row(row: Any) -> RowSeen | None:
    id_ = row.get("id") if isinstance(row, dict) else None
    if not isinstance(id_, str) or not valid_id(id_):
        return None
    chats = row.get("chats")
    return RowSeen(
        id=id_,
        app=_app(row.get("llmApp")),
        created=_stamp(row.get("createdAt"), id_),
        last_chat=_stamp(row.get("lastChatTime")),
        chat_count=_count(row.get("chatCount")),
        chats=tuple(map(_chat, chats)) if isinstance(chats, list) else (),
    )


def _chat(chat: Any) -> Stamp | None:
    if not isinstance(chat, dict):
        return None
    return _stamp(chat.get("timestamp"), chat.get("id"))


def _app(app: Any) -> App | None:
    id_, name = (app.get("id"), app.get("name")) if isinstance(app, dict) else (None, None)
    return App(id=id_, name=name if isinstance(name, str) else "") if isinstance(id_, str) and id_ else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _stamp(value: Any, made_with: Any = None) -> Stamp | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        at = Units("auto", lambda _kind: None).seconds(float(value))
    except (UnclearTime, OverflowError):
        return None
    unit = next(name for name, per_second in _PER_SECOND.items() if value <= at * per_second * 2)
    return Stamp(unit=unit, at=at, made_at=made_at(made_with) if isinstance(made_with, str) else None)
