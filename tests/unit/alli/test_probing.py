from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alli.ids import made_at, sibling
from monitor.alli.probing import read_page, written
from monitor.alli.units import object_id
from monitor.alli.wire import UnclearBody
from monitor.model.conversation import App
from tests.unit.alli.kit import START, chat_row, conversation_row, make_id

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ROWS = st.fixed_dictionaries(
    {"id": st.sampled_from([make_id("Conversation", START), "7"]) | JSON},
    optional=dict.fromkeys(("createdAt", "lastChatTime", "chatCount", "llmApp", "chats"), JSON),
)


def read(*rows: Any) -> Any:
    """Read the page with these rows."""
    return read_page(json.dumps({"conversations": rows, "cursor": None}).encode())


def test_a_row_is_read_as_it_came() -> None:
    """Units, the seconds in ids, and the order of chats are those of the answer."""
    chats = [chat_row(2, at=START + 9), chat_row(1, at=START + 5)]
    [row] = read(conversation_row(chats=chats, chatCount=7, createdAt=START)).rows
    assert (row.created.unit, row.created.at, row.created.made_at) == ("s", START, START)
    assert (row.last_chat.unit, row.last_chat.made_at) == ("ms", None)
    assert [chat.made_at for chat in row.chats] == [START + 9, START + 5]
    assert (row.chat_count, row.app) == (7, App(id="app-1", name="Report"))


@given(st.lists(ROWS | JSON, max_size=4))
def test_no_row_is_too_strange(rows: list[Any]) -> None:
    """Every row is read or counted as unreadable, whatever stands in it."""
    page = read(*rows)
    assert len(page.rows) + page.unreadable == len(rows)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_what_is_no_page_is_unclear(text: bytes) -> None:
    """An answer that is no list of conversations is refused, and nothing else is raised."""
    with pytest.raises(UnclearBody):
        read_page(text)


@pytest.mark.parametrize(
    ("unit", "expected"), [("s", "1800000000.250"), ("ms", "1800000000250"), ("us", "1800000000250000")]
)
def test_filters_are_plain_decimals(unit: str, expected: str) -> None:
    """A time is written without an exponent, in the unit that is asked for."""
    assert written(START + 0.25, unit) == expected


@pytest.mark.parametrize(
    "id_", [make_id("Conversation", START, 7), make_id("Chat", START).rstrip("="), "65a1f0c2" + "0" * 16]
)
def test_a_sibling_has_the_same_form(id_: str) -> None:
    """Another id of the same type, padding and length stands for the digits that it was made with."""
    digits = f"{int(START) + 60:08x}{5:016x}"
    other = sibling(id_, digits)
    assert other is not None
    assert (object_id(other), len(other)) == (digits, len(id_))
    assert made_at(other) == START + 60
    assert other.count("=") == id_.count("=")


def test_an_id_of_an_unknown_form_has_no_sibling() -> None:
    """What is no ObjectId tells no time, and nothing like it can be made."""
    assert sibling("conversation-7", "0" * 24) is None
    assert made_at("conversation-7") is None
