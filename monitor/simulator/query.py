"""The list of conversations: its filters, order and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import islice
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from monitor.simulator.cursors import Cursor, read_cursor, write_cursor
from monitor.simulator.entities import Conversation
from monitor.simulator.options import Paging
from monitor.simulator.ordering import Ordering
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
    """The query parameters of the list; times are in the server's unit of filters."""

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
    """
    Return one page of conversations and the cursor of the next page, None on the last.

    Raises Refusal when the cursor cannot be used.
    """
    by_last = query.order in {Order.LAST_CHAT_TIME_DESC, Order.LAST_CHAT_TIME_ASC}
    ordering = world.by_last_chat if by_last else world.by_first_chat
    descending = query.order in {Order.LAST_CHAT_TIME_DESC, Order.FIRST_CHAT_TIME_DESC}
    cursor = read_cursor(query.cursor, world.options, world.now)
    ids = ordering.walk(descending=descending, after=cursor.after)
    matches: Iterator[Conversation] = map(world.conversations.__getitem__, ids)
    for each in _filters(query, world):
        matches = filter(each, matches)
    found = list(islice(matches, cursor.offset, cursor.offset + query.page_size + 1))
    page = found[: query.page_size]
    if len(found) == len(page) and not world.options.endless_cursor:
        return page, None
    return page, write_cursor(_next_cursor(cursor, page, ordering, world))


def _next_cursor(cursor: Cursor, page: list[Conversation], ordering: Ordering, world: World) -> Cursor:
    if not page:
        return cursor
    if world.options.paging is Paging.OFFSET:
        return Cursor(offset=cursor.offset + len(page), page=cursor.page + 1, issued=world.now)
    return Cursor(after=ordering.position(page[-1].id), page=cursor.page + 1, issued=world.now)


def _filters(query: ListQuery, world: World) -> list[_Filter]:
    filters: list[_Filter] = []
    if query.background_running is not None:
        then = world.now - world.options.running_filter_lag
        filters.append(lambda c: (c.run_at(then) is not None) is query.background_running)
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
    unit = world.options.filter_unit or world.options.time_unit
    if query.started_at is not None:
        last_from = from_wire_time(query.started_at, unit)
        filters.append(lambda c: c.last_chat_at is not None and c.last_chat_at >= last_from)
    if query.end_at is not None:
        last_to = from_wire_time(query.end_at, unit)
        filters.append(lambda c: c.last_chat_at is not None and c.last_chat_at <= last_to)
    if query.first_chat_started_at is not None:
        first_from = from_wire_time(query.first_chat_started_at, unit)
        filters.append(lambda c: bool(c.chats) and c.chats[0].at >= first_from)
    if query.first_chat_end_at is not None:
        first_to = from_wire_time(query.first_chat_end_at, unit)
        filters.append(lambda c: bool(c.chats) and c.chats[0].at <= first_to)
    return filters


def _mentions(term: str) -> _Filter:
    return lambda c: term in c.title.casefold() or any(term in chat.message.casefold() for chat in c.chats)
