"""What the operations share: their paths, and how an answer becomes a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import quote

from monitor.alli.answers import content, unclear
from monitor.alli.exchange import Timed
from monitor.alli.units import object_id
from monitor.alli.wire import UnclearBody, valid_id
from monitor.errors import ApiNotFound

__all__ = [
    "CATEGORIES",
    "CONVERSATIONS",
    "Answer",
    "category_path",
    "chat_path",
    "conversation_path",
    "require_same",
    "understood",
]

CONVERSATIONS = "/webapi/v2/conversations"
CATEGORIES = "/webapi/v2/conversation_categories"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[_T]):
    """A fact, and the server time at which it was asked for and had been answered."""

    value: _T
    asked_at: float
    answered_at: float


def understood(timed: Timed, read: Callable[[bytes], _T]) -> Answer[_T]:
    """Return what `read` finds in an answer. Raises ApiUnclear when it finds nothing clear, and as `content` does."""
    try:
        value = read(content(timed.reply))
    except UnclearBody as error:
        raise unclear(timed.reply, f"which cannot be understood ({error})") from None
    return Answer(value=value, asked_at=timed.asked_at, answered_at=timed.answered_at)


def require_same(found: str, asked_for: str) -> None:
    """Raise UnclearBody unless both ids are of one object; an id may be written in two ways."""
    if found != asked_for and (object_id(asked_for) is None or object_id(found) != object_id(asked_for)):
        raise UnclearBody("it is about another object than asked for")


def conversation_path(conversation_id: str) -> str:
    """Return the path of a conversation. Raises ApiNotFound for what cannot be an id."""
    return f"{CONVERSATIONS}/{_segment(conversation_id)}"


def chat_path(conversation_id: str, chat_id: str) -> str:
    """Return the path of a chat. Raises ApiNotFound for what cannot be an id."""
    return f"{conversation_path(conversation_id)}/chats/{_segment(chat_id)}"


def category_path(category_id: str) -> str:
    """Return the path of a category. Raises ApiNotFound for what cannot be an id."""
    return f"{CATEGORIES}/{_segment(category_id)}"


def _segment(id_: str) -> str:
    if not valid_id(id_):
        raise ApiNotFound("this cannot be the id of a conversation, chat or category", code=404)
    return quote(id_, safe="")
