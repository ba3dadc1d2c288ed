"""
JSON of the API to the values of `monitor.model`.

The structs name only the fields that are used; keys that are not known are skipped. Lists are read row by row: a row
that cannot be understood is set aside and counted, and the page goes on. A conversation one of whose chats cannot be
understood is set aside as a whole: that chat might be the very one that shows a new run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, TypeVar

import msgspec

from monitor.alli.answers import UNREADABLE, is_sound
from monitor.alli.units import UnclearTime, Units
from monitor.model.conversation import LONGEST_TEXT, App, Chat, Conversation, Sender, Step, Vote

__all__ = ["ChatPage", "ConversationRows", "Decoder", "UnclearBody", "clean", "parsed", "valid_id", "vote"]

_LONGEST_ID = 512
_LONGEST_TEXT = 1000  # characters of a name; more would only be carried along

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
_Cursor = Annotated[str, msgspec.Meta(max_length=8192)]  # it goes back as part of a URL
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class UnclearBody(ValueError):
    """An answer, or a row of one, that does not have the shape or the values it should have."""


class _Step(msgspec.Struct, rename="camel"):
    key: str | None = None
    created_at: float | None = None
    completed: bool | None = None


class _Chat(msgspec.Struct, rename="camel"):
    id: str
    timestamp: float
    rating: bool | None  # null is a value, "not rated"; a row without it says nothing, and must not withdraw a rating
    agent_rating: bool | None
    sender: str | None = None
    type: str | None = None
    message: str | None = None
    completed: bool | None = None
    intermediate_steps: list[_Step] | None = None


class _User(msgspec.Struct, rename="camel"):
    user_id: str | None = None


class _App(msgspec.Struct):
    id: str | None = None
    name: str | None = None


class _Conversation(msgspec.Struct, rename="camel"):
    id: str
    created_at: float
    last_chat_time: float | None = None
    is_end: bool | None = None
    chat_count: _Count | None = None
    chats: list[_Chat] | None = None
    user: _User | None = None
    llm_app: _App | None = None


class _ConversationsPage(msgspec.Struct):
    conversations: list[msgspec.Raw]
    cursor: _Cursor | None


class _ChatsPage(msgspec.Struct, rename="camel"):
    chats: list[msgspec.Raw]
    total_count: _Count
    page_no: _Count | None = None


class _Running(msgspec.Struct, rename="camel"):
    is_running: bool


class _Row(msgspec.Struct):
    id: str


class _Block(msgspec.Struct):
    text: str = ""


class _Draft(msgspec.Struct):
    blocks: list[_Block]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRows:
    """
    One page of the list of conversations.

    `count` is the number of rows that came, `set_aside` how many of them could not be understood, and `unreadable`
    the ids of those of them that showed at least an id. `cursor` asks for the next page; None ends the list.
    """

    conversations: tuple[Conversation, ...]
    count: int
    set_aside: int
    unreadable: tuple[str, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatPage:
    """
    Up to 100 chats of a conversation, oldest first.

    `page` counts from 1, `total` is the number of chats of the conversation, and `set_aside` how many chats of this
    page could not be understood.
    """

    chats: tuple[Chat, ...]
    page: int
    total: int
    set_aside: int


class Decoder:
    """
    Reads JSON texts; each method raises UnclearBody when the text as a whole cannot be understood.

    `drifted` is called with the kind of each deviation: ``bad_row``, ``time_unit``, ``unknown_sender``. The text of
    chats is read only while `keeps_text` is set.
    """

    def __init__(self, units: Units, drifted: Callable[[str], None]) -> None:
        self.keeps_text = False
        self._units = units
        self._drifted = drifted

    def conversations(self, text: bytes | msgspec.Raw) -> ConversationRows:
        """Read a page of the list of conversations."""
        page = _decoded(text, _ConversationsPage)
        _check_around(page.conversations, text)
        good: list[Conversation] = []
        bad: list[msgspec.Raw] = []
        for row in page.conversations:
            try:
                good.append(self.conversation(row))
            except UnclearBody:
                self._drifted("bad_row")
                bad.append(row)
        return ConversationRows(
            conversations=tuple(good),
            count=len(page.conversations),
            set_aside=len(bad),
            unreadable=tuple(id_ for row in bad if (id_ := _id_of(row)) is not None),
            cursor=page.cursor or None,
        )

    def conversation(self, text: bytes | msgspec.Raw) -> Conversation:
        """Read one conversation."""
        row = parsed(text, _Conversation)
        created_at = self._at(row.created_at, _checked_id(row.id))
        chats = _oldest_first(self._chat(chat) for chat in row.chats or ())
        return Conversation(
            id=row.id,
            app=_app(row.llm_app),
            user_id=clean(row.user.user_id) or None if row.user else None,
            created_at=created_at,
            # Last, so that filters, which are about this very field, are written in its unit.
            last_chat_at=None if row.last_chat_time is None else self._at(row.last_chat_time),
            is_end=row.is_end is True,
            chat_count=len(chats) if row.chat_count is None else row.chat_count,
            chats=chats,
        )

    def chats(self, text: bytes | msgspec.Raw, asked_for: int) -> ChatPage:
        """Read a page of the chats of a conversation; `asked_for` is its number, if the server does not tell it."""
        page = _decoded(text, _ChatsPage)
        _check_around(page.chats, text)
        good: list[Chat] = []
        for row in page.chats:
            try:
                good.append(self.chat(row))
            except UnclearBody:
                self._drifted("bad_row")
        return ChatPage(
            chats=_oldest_first(good),
            page=asked_for if page.page_no is None else page.page_no,
            total=page.total_count,
            set_aside=len(page.chats) - len(good),
        )

    def chat(self, text: bytes | msgspec.Raw) -> Chat:
        """Read one chat."""
        return self._chat(parsed(text, _Chat))

    def is_running(self, text: bytes | msgspec.Raw) -> bool:
        """Read whether a conversation is running in the background."""
        return parsed(text, _Running).is_running

    def _chat(self, row: _Chat) -> Chat:
        text = _text(row.message or "")
        return Chat(
            id=_checked_id(row.id),
            sender=self._sender(row.sender),
            at=self._at(row.timestamp, row.id),
            completed=row.completed is not False,  # older servers do not have the field
            length=len(text),
            text=text[:LONGEST_TEXT] if self.keeps_text else "",
            type=None if row.type is None else clean(row.type),
            rating=vote(row.rating),
            agent_rating=vote(row.agent_rating),
            steps=tuple(self._step(step) for step in row.intermediate_steps or ()),
        )

    def _step(self, row: _Step) -> Step:
        at = None if row.created_at is None else self._at(row.created_at)
        return Step(key=clean(row.key), created_at=at, completed=row.completed is True)

    def _sender(self, text: str | None) -> Sender:
        try:
            return Sender((text or "").lower())
        except ValueError:
            self._drifted("unknown_sender")
            return Sender.OTHER

    def _at(self, value: float, made_with: str | None = None) -> float:
        try:
            return self._units.seconds(value, made_with)
        except UnclearTime as error:
            raise UnclearBody(str(error)) from None


def valid_id(text: str) -> bool:
    """Whether `text` can be the id of a conversation or chat: short, printable, and no way to another path."""
    return 0 < len(text) <= _LONGEST_ID and text.isprintable() and "\ufffd" not in text and text not in {".", ".."}


def parsed(text: bytes | msgspec.Raw, shape: type[_Struct]) -> _Struct:
    """Read a JSON text of this shape; what it holds beside that has to be sound, too. Raises UnclearBody."""
    if not is_sound(text):
        raise UnclearBody("not UTF-8, or a key is given twice")
    return _decoded(text, shape)


def _decoded(text: bytes | msgspec.Raw, shape: type[_Struct]) -> _Struct:
    try:
        return msgspec.json.decode(text, type=shape)
    except UNREADABLE:
        raise UnclearBody("fields are missing or of another type") from None


def _check_around(rows: Iterable[msgspec.Raw], page: bytes | msgspec.Raw) -> None:
    """Raise UnclearBody for a page that is damaged though none of its rows is, which would be set aside by itself."""
    if not is_sound(page) and all(map(is_sound, rows)):
        raise UnclearBody("not UTF-8, or a key is given twice")


def _id_of(row: msgspec.Raw) -> str | None:
    try:
        text = parsed(row, _Row).id
    except UnclearBody:
        return None
    return text if valid_id(text) else None


def _checked_id(text: str) -> str:
    if not valid_id(text):
        raise UnclearBody("not an id")
    return text


def _oldest_first(chats: Iterable[Chat]) -> tuple[Chat, ...]:
    """Sort by time, each id once: the last one of the answer. Chats of the same moment keep the order of the server."""
    unique = list({chat.id: chat for chat in chats}.values())
    if unique and unique[0].at > unique[-1].at:
        unique.reverse()
    return tuple(sorted(unique, key=lambda chat: chat.at))


def _app(row: _App | None) -> App | None:
    id_ = clean(row.id) if row else ""
    return App(id=id_, name=clean(row.name)) if row and id_ else None


def vote(rating: bool | None) -> Vote:  # noqa: FBT001 - the API's three values
    """Return what a rating of the API means: true is up, false is down, null is none or withdrawn."""
    if rating is None:
        return Vote.NONE
    return Vote.POSITIVE if rating else Vote.NEGATIVE


def clean(text: str | None) -> str:
    """Return a text that every database takes: no NUL, and not without end."""
    return (text or "").replace("\0", "")[:_LONGEST_TEXT]


def _text(message: str) -> str:
    """Return what a person sees: older bots send DraftJS, which is JSON inside the string."""
    if message.startswith("{"):
        try:
            draft = msgspec.json.decode(message, type=_Draft)
        except UNREADABLE:
            return message
        return "\n".join(block.text for block in draft.blocks)
    return message
