"""The list of conversations: its filters, order and pages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import islice
from typing import Annotated

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from monitor.simulator.answers import Refusal, json_response
from monitor.simulator.entities import Conversation
from monitor.simulator.options import Paging
from monitor.simulator.ordering import Ordering, Position
from monitor.simulator.wire import from_wire_time
from monitor.simulator.world import World

__all__ = ["ListQuery", "Order", "list_page"]

_Filter = Callable[[Conversation], bool]
_Time = Annotated[float, Field(allow_inf_nan=False)]
_Repeated = Annotated[list[str], BeforeValidator(lambda given: given if isinstance(given, list) else [given])]


class Order(StrEnum):
    """The order of the list."""

    LAST_CHAT_TIME_DESC = "LAST_CHAT_TIME_DESC"
    LAST_CHAT_TIME_ASC = "LAST_CHAT_TIME_ASC"
    FIRST_CHAT_TIME_DESC = "FIRST_CHAT_TIME_DESC"
    FIRST_CHAT_TIME_ASC = "FIRST_CHAT_TIME_ASC"


class ListQuery(BaseModel):
    """The query parameters of the list; times are in the server's unit."""

    model_config = ConfigDict(alias_generator=to_camel)

    user_ids: _Repeated | None = None
    llm_app_id: str | None = None
    category_id: str | None = None
    started_at: _Time | None = None
    end_at: _Time | None = None
    first_chat_started_at: _Time | None = None
    first_chat_end_at: _Time | None = None
    search_term: str | None = None
    cursor: str | None = None
    variables: _Repeated | None = None
    page_size: int = Field(default=50, ge=1, le=50)
    active_only: bool = False
    background_running: bool | None = None
    order: Order = Order.LAST_CHAT_TIME_DESC


def list_page(query: ListQuery, world: World) -> tuple[list[Conversation], str | None]:
    """Return one page of conversations and the cursor of the next page, None on the last; raise Refusal with a 422."""
    by_last = query.order in {Order.LAST_CHAT_TIME_DESC, Order.LAST_CHAT_TIME_ASC}
    ordering = world.by_last_chat if by_last else world.by_first_chat
    descending = query.order in {Order.LAST_CHAT_TIME_DESC, Order.FIRST_CHAT_TIME_DESC}
    offset, after = _read_cursor(query.cursor, world.options.paging)
    ids = ordering.walk(descending=descending, after=after)
    matches: Iterator[Conversation] = map(world.conversations.__getitem__, ids)
    for each in _filters(query, world):
        matches = filter(each, matches)
    found = list(islice(matches, offset, offset + query.page_size + 1))
    page = found[: query.page_size]
    if len(found) == len(page):
        return page, None
    return page, _write_cursor(world.options.paging, offset + len(page), ordering, page[-1])


def _filters(query: ListQuery, world: World) -> list[_Filter]:
    filters: list[_Filter] = []
    if query.background_running is not None:
        filters.append(lambda c: (c.run is not None) is query.background_running)
    if query.active_only:
        filters.append(lambda c: not c.is_end)
    if query.user_ids is not None:
        user_ids = frozenset(query.user_ids)
        filters.append(lambda c: c.user is not None and c.user.id in user_ids)
    if query.llm_app_id is not None:
        filters.append(lambda c: c.app is not None and c.app.id == query.llm_app_id)
    if query.category_id is not None:
        filters.append(lambda c: query.category_id in c.categories)
    if query.search_term is not None:
        filters.append(_mentions(query.search_term.casefold()))
    return filters + _time_filters(query, world)


def _time_filters(query: ListQuery, world: World) -> list[_Filter]:
    filters: list[_Filter] = []
    unit = world.options.time_unit
    if query.started_at is not None:
        last_from = from_wire_time(query.started_at, unit)
        filters.append(lambda c: bool(c.chats) and c.chats[-1].at >= last_from)
    if query.end_at is not None:
        last_to = from_wire_time(query.end_at, unit)
        filters.append(lambda c: bool(c.chats) and c.chats[-1].at <= last_to)
    if query.first_chat_started_at is not None:
        first_from = from_wire_time(query.first_chat_started_at, unit)
        filters.append(lambda c: bool(c.chats) and c.chats[0].at >= first_from)
    if query.first_chat_end_at is not None:
        first_to = from_wire_time(query.first_chat_end_at, unit)
        filters.append(lambda c: bool(c.chats) and c.chats[0].at <= first_to)
    return filters


def _mentions(term: str) -> _Filter:
    return lambda c: term in c.title.casefold() or any(term in chat.message.casefold() for chat in c.chats)


def _write_cursor(paging: Paging, given: int, ordering: Ordering, last: Conversation) -> str:
    content = given if paging is Paging.OFFSET else ordering.position(last.id)
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(content)).decode("ascii")


def _read_cursor(cursor: str | None, paging: Paging) -> tuple[int, Position | None]:
    if not cursor:
        return 0, None
    try:
        content = base64.urlsafe_b64decode(cursor)
        if paging is Paging.OFFSET:
            return msgspec.msgpack.decode(content, type=Annotated[int, msgspec.Meta(ge=0)]), None
        return 0, msgspec.msgpack.decode(content, type=Position)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        problem = {"type": "value_error", "loc": ["query", "cursor"], "msg": "unknown cursor"}
        raise Refusal(json_response({"detail": [problem]}, 422)) from error
