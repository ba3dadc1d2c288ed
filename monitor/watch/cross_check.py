"""Asking the other sources about runs: `/running` about those that the list shows, chats about those that ended."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from monitor.alli.client import Client
from monitor.alli.pacing import Priority
from monitor.errors import ApiNotFound, ApiRefused, RetryableError

__all__ = ["ChatLeft", "ask_running", "look_at_chat"]


class ChatLeft(StrEnum):
    """What became of the chat that a run was writing when it ended."""

    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    GONE = "gone"
    UNKNOWN = "unknown"


async def ask_running(client: Client, conversation_ids: Iterable[str]) -> dict[str, bool]:
    """Return what `/running` says, by conversation id; it lacks those about which nothing was said."""
    said: dict[str, bool] = {}
    for id_ in conversation_ids:
        try:
            said[id_] = (await client.is_running(id_, priority=Priority.RUNS)).value
        except (RetryableError, ApiNotFound, ApiRefused):
            continue
    return said


async def look_at_chat(client: Client, conversation_id: str, chat_id: str) -> ChatLeft:
    """Return whether a chat is completed. Raises ApiAuthError."""
    try:
        chat = (await client.chat(conversation_id, chat_id, priority=Priority.RUNS)).value
    except ApiNotFound:
        return ChatLeft.GONE
    except (RetryableError, ApiRefused):
        return ChatLeft.UNKNOWN
    return ChatLeft.COMPLETED if chat.completed else ChatLeft.INCOMPLETE
