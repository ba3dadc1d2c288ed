"""Paging through the list of conversations: a pass is complete, or it says why it is not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from itertools import pairwise

from monitor.alli.wire import ConversationRows
from monitor.errors import ApiRefused
from monitor.model.conversation import Conversation

__all__ = ["ConversationQuery", "Listing", "Order", "Page"]

_MOST_PAGES = 1000
_TOLERANCE = 1.0  # seconds by which a row may miss a time filter: rounding
_CURSOR_REFUSED = {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY}


class Order(StrEnum):
    """The orders that the API knows. Only the time of the first chat stays the same while one pages."""

    LAST_CHAT_NEWEST_FIRST = "LAST_CHAT_TIME_DESC"
    LAST_CHAT_OLDEST_FIRST = "LAST_CHAT_TIME_ASC"
    FIRST_CHAT_NEWEST_FIRST = "FIRST_CHAT_TIME_DESC"
    FIRST_CHAT_OLDEST_FIRST = "FIRST_CHAT_TIME_ASC"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationQuery:
    """
    Which conversations to list.

    `last_chat_from` and `last_chat_to` bound the time of the last chat, both inclusive, in server time; the API's
    largest `page_size` is 50.
    """

    background_running: bool | None = None
    last_chat_from: float | None = None
    last_chat_to: float | None = None
    order: Order = Order.FIRST_CHAT_OLDEST_FIRST
    page_size: int = 50

    def admits(self, conversation: Conversation) -> bool:
        """Whether the time of the last chat, if there is one, lies within the bounds."""
        at = conversation.last_chat_at
        if at is None:
            return True
        too_new = self.last_chat_to is not None and at > self.last_chat_to + _TOLERANCE
        return not (self._is_too_old(at) or too_new)

    def ends_with(self, conversations: Sequence[Conversation]) -> bool:
        """
        Whether a page with these rows shows that none behind it is admitted, though the server ignores the filters.

        Only a page that is in fact in the order asked for, the newest chat first, tells anything about those behind it.
        """
        times = [c.last_chat_at for c in conversations if c.last_chat_at is not None]
        if self.order is not Order.LAST_CHAT_NEWEST_FIRST or not times:
            return False
        return self._is_too_old(times[-1]) and all(newer >= older for newer, older in pairwise(times))

    def _is_too_old(self, at: float) -> bool:
        return self.last_chat_from is not None and at < self.last_chat_from - _TOLERANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """
    One page: conversations not seen earlier in the pass, and the server time of question and answer.

    `set_aside` rows could not be understood; the state of the conversations in `unreadable` is unknown, and they are
    not absent.
    """

    conversations: tuple[Conversation, ...]
    asked_at: float
    answered_at: float
    set_aside: int = 0
    unreadable: tuple[str, ...] = ()


Fetch = Callable[[str | None], Awaitable[tuple[ConversationRows, float, float]]]


class Listing:
    """
    One pass over the list: an async iterator of pages, to be used once.

    After the last page, `complete` tells whether the pass saw all that `query` admits, and `incomplete_because` why
    not. An error that is raised on the way leaves it incomplete. `set_aside` counts rows over the whole pass, `pages`
    the pages that were read.

    Rows that the query does not admit are left out: a server that ignores the filters shows them all the same. Such a
    pass ends with the page that shows that nothing behind it is admitted.
    """

    def __init__(self, query: ConversationQuery, fetch: Fetch, *, most_pages: int = _MOST_PAGES) -> None:
        self.complete = False
        self.incomplete_because: str | None = None
        self.set_aside = 0
        self.pages = 0
        self._query = query
        self._fetch = fetch
        self._most_pages = most_pages
        self._cursor: str | None = None
        self._cursors: set[str] = set()
        self._ids: set[str] = set()
        self._ended = False

    def __aiter__(self) -> Listing:
        return self

    async def __anext__(self) -> Page:
        if self._ended:
            raise StopAsyncIteration
        try:
            rows, asked_at, answered_at = await self._fetch(self._cursor)
        except ApiRefused as error:
            if self._cursor is None or error.code not in _CURSOR_REFUSED:
                raise
            self._end_early(f"the list refuses its own cursor with {error.code}: it may have expired")
            raise StopAsyncIteration from None
        self.pages += 1
        self._turn_to(rows)
        new = {c.id: c for c in rows.conversations if c.id not in self._ids and self._query.admits(c)}
        self._ids.update(new)
        self.set_aside += rows.set_aside
        return Page(
            conversations=tuple(new.values()),
            asked_at=asked_at,
            answered_at=answered_at,
            set_aside=rows.set_aside,
            unreadable=tuple(id_ for id_ in rows.unreadable if id_ not in self._ids),
        )

    def _turn_to(self, rows: ConversationRows) -> None:
        # A cursor may be given with an empty page: there is nothing behind it.
        if rows.cursor is None or rows.count == 0 or self._query.ends_with(rows.conversations):
            self._ended = self.complete = True
        elif rows.cursor in self._cursors:
            self._end_early("the list repeats a cursor")
        elif self.pages >= self._most_pages:
            self._end_early("the list has more pages than are read in one pass")
        else:
            self._cursors.add(rows.cursor)
            self._cursor = rows.cursor

    def _end_early(self, why: str) -> None:
        self._ended = True
        self.incomplete_because = why
