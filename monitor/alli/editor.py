"""The operations that change conversations, chats and categories in Alli, one typed method each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar

from monitor.alli.answers import raise_for_errors
from monitor.alli.exchange import Exchange, Request
from monitor.alli.operations import (
    CATEGORIES,
    CONVERSATIONS,
    Answer,
    category_path,
    chat_path,
    conversation_path,
    require_same,
    understood,
)
from monitor.alli.pacing import Priority
from monitor.alli.records import Category, EditedConversation, Feedback, read_category, read_edited, read_feedback
from monitor.errors import WriteRefused
from monitor.model.conversation import Vote

__all__ = ["Changes", "Editor", "FeedbackReason", "Which"]

_T = TypeVar("_T")
_RATINGS = {Vote.POSITIVE: True, Vote.NEGATIVE: False, Vote.NONE: None}


class FeedbackReason(StrEnum):
    """Why an answer was no good: the API's words for `feedbackSelection`."""

    NOT_RELEVANT = "not_relevant"
    INACCURATE = "inaccurate"
    NOT_BEST_ANSWER = "not_best_answer"
    WRONG_INTENT = "wrong_intent"
    TOO_SLOW = "too_slow"
    LOW_QUALITY = "low_quality"
    OTHER = "etc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """
    What to change of a conversation; None leaves it as it is, and an empty collection takes all categories off.

    The state is left out on purpose: the API's codes for it are not explained, and some of them lock a conversation.
    """

    assignee: str | None = None
    category_ids: Collection[str] | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which conversations to change: those that fit every filter that is given."""

    user_ids: Collection[str] | None = None
    llm_app_ids: Collection[str] | None = None
    category_ids: Collection[str] | None = None
    conversation_ids: Collection[str] | None = None


class Editor:
    """
    Changes one project.

    The process must have been asked to: each method raises WriteRefused unless the exchange permits its operation,
    which has the name of the method. Every change is sent once, never again by itself. Each method raises
    ApiUnavailable, whose `sent` tells whether the change may have been carried out, ApiUnclear after one that was
    accepted, ApiRefused, ApiAuthError and, where it names an object, ApiNotFound.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def update_conversation(self, conversation_id: str, changes: Changes) -> Answer[EditedConversation]:
        """Change a conversation. Raises WriteRefused for no changes."""
        path = conversation_path(conversation_id)
        request = Request(operation="update_conversation", method="PATCH", path=path, body=_changed(changes))
        return await self._send(request, _edited(conversation_id))

    async def bulk_update(self, which: Which, changes: Changes) -> Answer[None]:
        """
        Change many conversations; Alli does not tell how many they were.

        Raises WriteRefused for no changes, without any filter, which would change every conversation of the project,
        and for an empty filter, which the server might take for none.
        """
        filters = _given(which)
        if not filters or not all(filters.values()):
            raise WriteRefused("bulk_update: not sent, because it needs at least one filter, and none that is empty")
        path, body = f"{CONVERSATIONS}/bulk_update", filters | {"conversationInfo": _changed(changes)}
        return await self._tell(Request(operation="bulk_update", method="POST", path=path, body=body, by_id=False))

    async def set_title(self, conversation_id: str, title: str) -> Answer[EditedConversation]:
        """Give a conversation a title."""
        path = f"{conversation_path(conversation_id)}/title"
        request = Request(operation="set_title", method="PUT", path=path, body={"title": title})
        return await self._send(request, _edited(conversation_id))

    async def delete_chat(self, conversation_id: str, chat_id: str) -> Answer[None]:
        """Delete a chat."""
        path = chat_path(conversation_id, chat_id)
        return await self._tell(Request(operation="delete_chat", method="DELETE", path=path))

    async def post_feedback(
        self,
        conversation_id: str,
        chat_id: str,
        vote: Vote,
        *,
        reasons: Collection[FeedbackReason] = (),
        suggested_answer: str | None = None,
    ) -> Answer[Feedback]:
        """Rate a chat, or take the rating back with `Vote.NONE`. No operation shows reasons and suggested answer."""

        def read(text: bytes) -> Feedback:
            feedback = read_feedback(text)
            require_same(feedback.conversation_id, conversation_id)
            require_same(feedback.chat_id, chat_id)
            return feedback

        body: dict[str, Any] = {"rating": _RATINGS[vote]}
        if reasons:
            body["feedbackSelection"] = [reason.value for reason in reasons]
        if suggested_answer is not None:
            body["suggestedAnswer"] = suggested_answer
        path = f"{chat_path(conversation_id, chat_id)}/feedback"
        return await self._send(Request(operation="post_feedback", method="POST", path=path, body=body), read)

    async def create_category(self, name: str) -> Answer[Category]:
        """Create a category; whether two of the same name can be is not documented."""
        request = Request(operation="create_category", method="POST", path=CATEGORIES, body={"name": name}, by_id=False)
        return await self._send(request, read_category)

    async def delete_category(self, category_id: str) -> Answer[None]:
        """Delete a category."""
        path = category_path(category_id)
        return await self._tell(Request(operation="delete_category", method="DELETE", path=path))

    async def _send(self, request: Request, read: Callable[[bytes], _T]) -> Answer[_T]:
        return understood(await self._exchange.send(request, Priority.SWEEP), read)

    async def _tell(self, request: Request) -> Answer[None]:
        timed = await self._exchange.send(request, Priority.SWEEP)
        raise_for_errors(timed.reply)
        return Answer(value=None, asked_at=timed.asked_at, answered_at=timed.answered_at)


def _edited(conversation_id: str) -> Callable[[bytes], EditedConversation]:
    def read(text: bytes) -> EditedConversation:
        edited = read_edited(text)
        require_same(edited.id, conversation_id)
        return edited

    return read


def _changed(changes: Changes) -> Mapping[str, Any]:
    body = _given(changes)
    if not body:
        raise WriteRefused("not sent, because nothing is to be changed")
    return body


def _given(value: Changes | Which) -> dict[str, Any]:
    """Return the fields that are set, under the API's names."""
    given: dict[str, Any] = {}
    for field in fields(value):
        if (item := getattr(value, field.name)) is not None:
            given[_camel(field.name)] = item if isinstance(item, str) else list(item)
    return given


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
