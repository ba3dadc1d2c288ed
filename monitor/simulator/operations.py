"""
The sixteen operations of the API.

Source of methods and paths: the API description of Alli's conversation API.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from monitor.simulator import reads, writes
from monitor.simulator.world import World

__all__ = ["OPERATIONS", "Operation"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API; `name` is what faults and the record call it."""

    name: str
    method: str
    path: str
    answer: Callable[[Request, World], Awaitable[Response]]


_CONVERSATION = "/webapi/v2/conversations/{conversation_id}"
_CHAT = _CONVERSATION + "/chats/{chat_id}"
_CATEGORIES = "/webapi/v2/conversation_categories"

OPERATIONS = (
    Operation("list_conversations", "GET", "/webapi/v2/conversations", reads.list_conversations),
    Operation("bulk_update", "POST", "/webapi/v2/conversations/bulk_update", writes.bulk_update),
    Operation("get_conversation", "GET", _CONVERSATION, reads.get_conversation),
    Operation("update_conversation", "PATCH", _CONVERSATION, writes.update_conversation),
    Operation("list_chats", "GET", _CONVERSATION + "/chats", reads.list_chats),
    Operation("get_running", "GET", _CONVERSATION + "/running", reads.get_running),
    Operation("stop_conversation", "POST", _CONVERSATION + "/stop", writes.stop_conversation),
    Operation("set_title", "PUT", _CONVERSATION + "/title", writes.set_title),
    Operation("get_chat", "GET", _CHAT, reads.get_chat),
    Operation("delete_chat", "DELETE", _CHAT, writes.delete_chat),
    Operation("post_feedback", "POST", _CHAT + "/feedback", writes.post_feedback),
    Operation("list_categories", "GET", _CATEGORIES, reads.list_categories),
    Operation("create_category", "POST", _CATEGORIES, writes.create_category),
    Operation("delete_category", "DELETE", _CATEGORIES + "/{category_id}", writes.delete_category),
    Operation("chat_completions", "POST", "/webapi/v2/chat/completions", writes.chat_completions),
    Operation("daily_count", "GET", "/webapi/conversation_daily_count", reads.daily_count),
)
