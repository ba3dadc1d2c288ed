"""How the simulated world looks in JSON: the shapes of the API description, as dictionaries."""

from __future__ import annotations

from typing import Any

from monitor.simulator.entities import Category, Chat, Conversation, Step
from monitor.simulator.options import Options, TimeUnit

__all__ = [
    "EMBEDDED_CHATS",
    "category_row",
    "chat_detail",
    "chat_row",
    "conversation_row",
    "from_wire_time",
    "to_wire_time",
]

EMBEDDED_CHATS = 20
"""How many of the newest chats a conversation read by id holds."""


def to_wire_time(seconds: float, unit: TimeUnit) -> float:
    """Return server time, which is in whole microseconds, in the unit of the API."""
    return round(seconds * 1000, 3) if unit is TimeUnit.MILLISECONDS else round(seconds, 6)


def from_wire_time(number: float, unit: TimeUnit) -> float:
    """Return the server time, in whole microseconds, that a number of the API stands for."""
    return round(number / 1000 if unit is TimeUnit.MILLISECONDS else number, 6)


def conversation_row(conversation: Conversation, options: Options, *, embed: int) -> dict[str, Any]:
    """Return a conversation with its newest `embed` chats."""
    chats = conversation.chats[-embed:] if embed else []
    if options.embed_newest_first:
        chats = chats[::-1]
    last_chat_at = conversation.last_chat_at
    user, app = conversation.user, conversation.app
    return {
        "id": conversation.id,
        "title": conversation.title,
        "user": user and {"userId": user.id, "firstName": user.first_name, "lastName": user.last_name},
        "createdAt": to_wire_time(conversation.created_at, options.time_unit),
        "lastChatTime": None if last_chat_at is None else to_wire_time(last_chat_at, options.time_unit),
        "isEnd": conversation.is_end,
        "categories": conversation.categories,
        "memo": None,
        "chats": [chat_row(chat, options) for chat in chats],
        "chatCount": len(conversation.chats),
        "llmApp": app and {"id": app.id, "name": app.name, "description": app.description},
        "variables": None,
    }


def chat_row(chat: Chat, options: Options) -> dict[str, Any]:
    """Return a chat as lists show it."""
    return {
        "id": chat.id,
        "type": chat.type,
        "sender": chat.sender,
        "message": chat.message,
        "source": None,
        "timestamp": to_wire_time(chat.at, options.time_unit),
        "completed": chat.completed,
        "citations": [_citation(number) for number in range(1, chat.citations + 1)] or None,
        "rating": chat.rating,
        "agentRating": chat.agent_rating,
    }


def chat_detail(chat: Chat, options: Options) -> dict[str, Any]:
    """Return a chat read by its id, with its intermediate steps."""
    return chat_row(chat, options) | {"intermediateSteps": [_step(step, options) for step in chat.steps] or None}


def category_row(category: Category) -> dict[str, Any]:
    """Return a category."""
    return {"categoryId": category.id, "name": category.name}


def _step(step: Step, options: Options) -> dict[str, Any]:
    return {
        "key": step.key,
        "createdAt": to_wire_time(step.created_at, options.time_unit),
        "completed": step.completed,
        "statusMessage": "done" if step.completed else "working",
        "markdownMessage": None,
    }


def _citation(number: int) -> dict[str, Any]:
    return {
        "clueId": f"clue-{number}",
        "source": "document",
        "title": f"Document {number}",
        "knowledgeBaseId": None,
        "pageNo": number,
        "url": None,
        "text": None,
    }
