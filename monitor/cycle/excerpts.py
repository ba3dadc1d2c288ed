"""Excerpts: what messages may quote of conversations. Where no receiver may have any, no text is read or kept."""

from __future__ import annotations

from collections.abc import Container, Iterable

from monitor.messages.cutting import cut
from monitor.messages.redaction import redact
from monitor.model.conversation import LONGEST_TEXT, Conversation
from monitor.model.rating import RatingChange
from monitor.settings import Settings

__all__ = ["Questions", "excerpt_of_rating"]

_LONGEST_PERSONAL = 320  # characters; nothing that is redacted is longer than an address of e-mail (RFC 5321)


class Questions:
    """
    What users asked in the conversations of one project that run, in memory.

    A run's alert comes when a limit is over, not when its question is read.
    """

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def saw(self, conversations: Iterable[Conversation]) -> None:
        """Note the newest question of each conversation, where its text is read at all."""
        for conversation in conversations:
            chat = conversation.newest_user_chat
            if chat is not None and chat.text:
                self._texts[conversation.id] = chat.text

    def keep(self, conversation_ids: Container[str]) -> None:
        """Forget what was asked in all other conversations."""
        self._texts = {id_: text for id_, text in self._texts.items() if id_ in conversation_ids}

    def excerpt(self, conversation_id: str, settings: Settings) -> str:
        """Return what messages may quote of the newest question, empty where it is not known."""
        return _quoted(self._texts.get(conversation_id, ""), settings, settings.longest_excerpt)


def excerpt_of_rating(change: RatingChange, settings: Settings) -> str:
    """Return what messages may quote of a question, at most half as much as of all, and of the rated answer to it."""
    longest = settings.longest_excerpt
    question = _quoted(change.question, settings, longest // 2)
    answer = _quoted(change.answer, settings, longest)
    return cut("\n".join(text for text in (question, answer) if text), longest)


def _quoted(text: str, settings: Settings, limit: int) -> str:
    """
    Return `text` redacted and cut.

    Where it was not read to its end, something personal may have been torn there, and the last of it is left out.
    """
    if not text or not limit:
        return ""
    redacted = redact(text, frozenset(settings.privacy.redact))
    return cut(redacted[:-_LONGEST_PERSONAL] if len(text) >= LONGEST_TEXT else redacted, limit)
