"""Paging through the list of conversations."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alli.listing import ConversationQuery, Listing, Order
from monitor.alli.wire import ConversationRows
from monitor.errors import ApiAuthError, ApiRefused, ApiUnavailable
from monitor.model.conversation import Conversation
from tests.unit.alli.kit import START

ALL = ConversationQuery()


def conversation(id_: str, last_chat_at: float | None = START) -> Conversation:
    """Return a conversation of which only id and time matter."""
    return Conversation(
        id=id_, app=None, user_id=None, created_at=START, last_chat_at=last_chat_at, is_end=False, chat_count=0
    )


def page(
    ids: str, cursor: str | None, *, unreadable: tuple[str, ...] = (), set_aside: int | None = None
) -> ConversationRows:
    """Return a page with one conversation for each letter."""
    bad = len(unreadable) if set_aside is None else set_aside
    return ConversationRows(
        conversations=tuple(map(conversation, ids)),
        count=len(ids) + bad,
        set_aside=bad,
        unreadable=unreadable,
        cursor=cursor,
    )


class Server:
    """Gives out pages in order; an error among them is raised."""

    def __init__(self, *pages: ConversationRows | Exception) -> None:
        self.cursors: list[str | None] = []
        self._pages = deque(pages)

    async def fetch(self, cursor: str | None) -> tuple[ConversationRows, float, float]:
        """Return the next page, asked for and answered a second later than the one before."""
        self.cursors.append(cursor)
        result = self._pages.popleft()
        if isinstance(result, Exception):
            raise result
        return result, START + len(self.cursors), START + len(self.cursors) + 0.5


async def read(listing: Listing) -> list[str]:
    """Return the ids of a whole pass, page by page."""
    return ["".join(c.id for c in page.conversations) async for page in listing]


async def test_a_pass_follows_the_cursors_to_the_end() -> None:
    """Each page is asked for with the cursor of the one before; null ends a complete pass."""
    server = Server(page("ab", "1"), page("c", "2"), page("d", None))
    listing = Listing(ALL, server.fetch)
    assert not listing.complete
    assert await read(listing) == ["ab", "c", "d"]
    assert server.cursors == [None, "1", "2"]
    assert (listing.complete, listing.incomplete_because) == (True, None)


async def test_a_page_tells_when_it_was_asked_for_and_answered() -> None:
    """Server time of question and answer come with each page."""
    listing = Listing(ALL, Server(page("a", None)).fetch)
    first = await anext(listing)
    assert (first.asked_at, first.answered_at) == (START + 1, START + 1.5)


async def test_an_empty_page_ends_the_list_even_with_a_cursor() -> None:
    """Some servers give a cursor with their last, empty page."""
    listing = Listing(ALL, Server(page("a", "1"), page("", "2")).fetch)
    assert await read(listing) == ["a", ""]
    assert listing.complete


async def test_a_page_of_nothing_but_bad_rows_is_not_empty() -> None:
    """What cannot be read is there all the same, so paging goes on."""
    listing = Listing(ALL, Server(page("", "1", set_aside=2), page("a", None)).fetch)
    assert await read(listing) == ["", "a"]
    assert (listing.complete, listing.set_aside) == (True, 2)


@pytest.mark.parametrize("cursors", [["1", "1"], ["1", "2", "1"]])
async def test_a_repeated_cursor_ends_an_incomplete_pass(cursors: list[str]) -> None:
    """A list that goes round in circles is not read for ever, and is not taken for whole."""
    listing = Listing(ALL, Server(*(page("a", cursor) for cursor in cursors)).fetch)
    await read(listing)
    assert not listing.complete
    assert listing.incomplete_because is not None
    assert "cursor" in listing.incomplete_because


async def test_a_list_without_end_is_cut() -> None:
    """A server that always gives another cursor cannot keep us busy for ever."""
    server = Server(*(page(chr(97 + n), str(n)) for n in range(9)))
    listing = Listing(ALL, server.fetch, most_pages=3)
    assert await read(listing) == ["a", "b", "c"]
    assert not listing.complete
    assert listing.incomplete_because is not None


async def test_the_last_allowed_page_may_end_the_list() -> None:
    """A list of just as many pages as may be read is complete."""
    listing = Listing(ALL, Server(page("a", "1"), page("b", None)).fetch, most_pages=2)
    await read(listing)
    assert listing.complete


async def test_rows_that_move_while_paging_come_once() -> None:
    """An id that was on an earlier page, or twice on one, is not given again."""
    listing = Listing(ALL, Server(page("aab", "1"), page("bc", None)).fetch)
    assert await read(listing) == ["ab", "c"]


async def test_unreadable_ids_are_told_unless_they_were_read() -> None:
    """What could not be read is unknown, except where another row of the pass could be."""
    listing = Listing(ALL, Server(page("a", "1"), page("b", None, unreadable=("a", "x"))).fetch)
    pages = [each async for each in listing]
    assert [each.unreadable for each in pages] == [(), ("x",)]
    assert listing.set_aside == 2
    assert listing.complete


async def test_an_error_leaves_the_pass_incomplete() -> None:
    """An outage in the middle of a pass is the caller's to know, and the pass is no basis for absence."""
    listing = Listing(ALL, Server(page("a", "1"), ApiUnavailable("down")).fetch)
    with pytest.raises(ApiUnavailable):
        await read(listing)
    assert not listing.complete


@pytest.mark.parametrize("code", [400, 404, 410, 422])
async def test_a_cursor_that_expired_ends_an_incomplete_pass(code: int) -> None:
    """A server that forgot its cursor did not fail: what was read is good, and not the whole."""
    listing = Listing(ALL, Server(page("a", "1"), ApiRefused("no such cursor", code=code)).fetch)
    assert await read(listing) == ["a"]
    assert not listing.complete
    assert listing.incomplete_because is not None
    assert "cursor" in listing.incomplete_because


@pytest.mark.parametrize(
    "pages", [[ApiRefused("no", code=400)], [page("a", "1"), ApiAuthError("no", code=401)]], ids=["first", "auth"]
)
async def test_a_refusal_that_is_not_about_the_cursor_is_told(pages: list[ConversationRows | Exception]) -> None:
    """A first page has no cursor, and a refused credential is not about one."""
    with pytest.raises(ApiRefused):
        await read(Listing(ALL, Server(*pages).fetch))


def times(*at: float | None) -> ConversationRows:
    """Return a page of conversations with these last chats, and a cursor."""
    rows = tuple(conversation(f"{each}", each) for each in at)
    return ConversationRows(conversations=rows, count=len(rows), set_aside=0, unreadable=(), cursor=f"after {at}")


async def test_a_pass_ends_where_an_ignored_filter_would() -> None:
    """The newest chat first, a page that ends before the bound shows that nothing more is asked for."""
    query = ConversationQuery(last_chat_from=50, last_chat_to=90, order=Order.LAST_CHAT_NEWEST_FIRST)
    server = Server(times(100, 95), times(90, 70), times(60, 50, 40), times(30))
    listing = Listing(query, server.fetch)
    assert [[c.last_chat_at for c in each.conversations] async for each in listing] == [[], [90, 70], [60, 50]]
    assert (listing.complete, listing.pages) == (True, 3)


@pytest.mark.parametrize("order", [Order.LAST_CHAT_NEWEST_FIRST, Order.FIRST_CHAT_OLDEST_FIRST])
async def test_a_pass_in_another_order_is_read_to_its_end(order: Order) -> None:
    """Where rows are not in the order of their last chat, a row that is too old says nothing about the next page."""
    server = Server(times(40, 60, None, 30), times(), times(70))
    listing = Listing(ConversationQuery(last_chat_from=50, order=order), server.fetch)
    assert [[c.last_chat_at for c in each.conversations] async for each in listing] == [[60, None], []]


@given(st.none() | st.floats(-100, 100), st.none() | st.floats(-100, 100), st.none() | st.floats(-100, 100))
def test_a_row_violates_a_time_filter_only_by_more_than_a_second(
    begin: float | None, end: float | None, at: float | None
) -> None:
    """Bounds are inclusive, rounding is forgiven, and a conversation without chats violates nothing."""
    query = ConversationQuery(last_chat_from=begin, last_chat_to=end)
    inside = at is None or ((begin is None or at >= begin - 1) and (end is None or at <= end + 1))
    assert query.admits(conversation("a", at)) is inside
