"""What Alli's API tells about conversations, in our own units and names."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["LONGEST_TEXT", "App", "Chat", "Conversation", "Sender", "Step", "Vote"]

LONGEST_TEXT = 8000
"""Characters of the text of a chat that are kept, where any are."""


class Sender(StrEnum):
    """Who wrote a chat. The API's set is open: what is not known is `OTHER`."""

    USER = "user"
    BOT = "bot"
    AGENT = "agent"  # a human member, not an "agent app"
    OTHER = "other"


class Vote(StrEnum):
    """The value of one rating: the API's true, false and null."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An LLM app. Where the API's `llmApp` is null, the conversation has no `App`."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One intermediate step of a chat that is being generated."""

    key: str
    created_at: float | None
    completed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """
    One message of a conversation.

    `length` is that of its text in characters (DraftJS is flattened first): enough to see progress and emptiness. The
    text itself is empty unless excerpts of conversations are configured, and it is never written as it is.
    """

    id: str
    sender: Sender
    at: float
    completed: bool
    length: int = 0
    text: str = field(default="", repr=False)
    type: str | None = None
    rating: Vote = Vote.NONE
    agent_rating: Vote = Vote.NONE
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """
    One conversation as a list row or a single answer shows it.

    `chats` are those embedded in the answer (at most the newest 20, maybe none), oldest first. `chat_count` is the
    server's total.
    """

    id: str
    app: App | None
    user_id: str | None
    created_at: float
    last_chat_at: float | None
    is_end: bool
    chat_count: int
    chats: tuple[Chat, ...] = ()

    @property
    def incomplete_chat(self) -> Chat | None:
        """The newest chat that the app is still writing, if one is embedded; people send theirs when they are done."""
        writing = {Sender.BOT, Sender.OTHER}
        return next((c for c in reversed(self.chats) if c.sender in writing and not c.completed), None)

    @property
    def newest_user_chat(self) -> Chat | None:
        """The newest chat that a user wrote, or may have written: its sender is not known. None if none is embedded."""
        return next((chat for chat in reversed(self.chats) if _may_be_of_user(chat)), None)


def _may_be_of_user(chat: Chat) -> bool:
    return chat.sender is Sender.USER or (chat.sender is Sender.OTHER and chat.completed)
