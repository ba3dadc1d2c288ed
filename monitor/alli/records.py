"""JSON of the API to values where no times are involved: categories, daily counts, answers to writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated

import msgspec

from monitor.alli.wire import UnclearBody, clean, parsed, valid_id, vote
from monitor.model.conversation import Vote

__all__ = [
    "Category",
    "DailyCount",
    "EditedConversation",
    "Feedback",
    "read_categories",
    "read_category",
    "read_daily_counts",
    "read_edited",
    "read_feedback",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A category that conversations can be in."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyCount:
    """How many conversations Alli counts on one day."""

    day: date
    conversations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedConversation:
    """
    What Alli shows of a conversation after a change.

    Whether `categories` are ids or names is not documented. State and assignee are never shown.
    """

    id: str
    title: str
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """The vote that a chat has after feedback on it: NONE also where Alli does not show it."""

    conversation_id: str
    chat_id: str
    vote: Vote


class _Category(msgspec.Struct, rename="camel"):
    category_id: str
    name: str


class _Categories(msgspec.Struct):
    categories: list[_Category]


class _Day(msgspec.Struct, rename={"day": "date", "active_count": "activeCount"}):
    day: date
    active_count: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class _Days(msgspec.Struct, rename="camel"):
    daily_total_count: list[_Day]


class _Edited(msgspec.Struct):
    id: str
    title: str
    categories: list[str] | None


class _Feedback(msgspec.Struct, rename="camel"):
    conversation_id: str
    chat_id: str
    rating: bool | None = None


def read_category(text: bytes) -> Category:
    """Read one category. Raises UnclearBody."""
    return _category(parsed(text, _Category))


def read_categories(text: bytes) -> tuple[Category, ...]:
    """Read the list of categories. Raises UnclearBody."""
    return tuple(map(_category, parsed(text, _Categories).categories))


def read_daily_counts(text: bytes, start: date, end: date) -> tuple[DailyCount, ...]:
    """Read the counts that were asked for from `start` to `end`, oldest first. Raises UnclearBody."""
    days = parsed(text, _Days).daily_total_count
    counts = {row.day: row.active_count for row in days}
    if len(counts) < len(days):
        raise UnclearBody("it tells of a day twice")
    if any(not start <= day <= end for day in counts):
        raise UnclearBody("it tells of days that were not asked for")  # the body of the request was dropped on its way
    return tuple(DailyCount(day=day, conversations=counts[day]) for day in sorted(counts))


def read_edited(text: bytes) -> EditedConversation:
    """Read a conversation after a change. Raises UnclearBody."""
    row = parsed(text, _Edited)
    return EditedConversation(id=row.id, title=clean(row.title), categories=tuple(map(clean, row.categories or ())))


def read_feedback(text: bytes) -> Feedback:
    """Read the answer to feedback. Raises UnclearBody."""
    row = parsed(text, _Feedback)
    return Feedback(conversation_id=row.conversation_id, chat_id=row.chat_id, vote=vote(row.rating))


def _category(row: _Category) -> Category:
    if not valid_id(row.category_id):
        raise UnclearBody("not an id")
    return Category(id=row.category_id, name=clean(row.name))
