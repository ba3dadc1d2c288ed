"""How the simulated world looks in JSON: the shapes of the API description, as dictionaries."""

from __future__ import annotations

from typing import Any

from monitor.simulator.entities import App, Category, Chat, Conversation, Step, User
from monitor.simulator.options import Novelty, Options, TimeUnit
from monitor.simulator.shape import shaped

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

_PER_SECOND = {TimeUnit.SECONDS: 1, TimeUnit.MILLISECONDS: 1000, TimeUnit.MICROSECONDS: 1_000_000}
_DIGITS = {TimeUnit.SECONDS: 6, TimeUnit.MILLISECONDS: 3, TimeUnit.MICROSECONDS: 0}
_NEW_SENDERS = {"USER": "CUSTOMER", "BOT": "ASSISTANT", "AGENT": "OPERATOR"}
_NEW_TYPE = "agentic_flow"


def to_wire_time(seconds: float, unit: TimeUnit) -> float:
    """Return server time, which is in whole microseconds, in the unit of the API."""
    return round(seconds * _PER_SECOND[unit], _DIGITS[unit])


def from_wire_time(number: float, unit: TimeUnit) -> float:
    """Return the server time, in whole microseconds, that a number of the API stands for."""
    return round(number / _PER_SECOND[unit], 6)


def conversation_row(conversation: Conversation, options: Options, *, embed: int) -> dict[str, Any]:
    """Return a conversation with its newest `embed` chats."""
    chats = conversation.chats[-embed:] if embed else []
    if options.embed_newest_first:
        chats = chats[::-1]
    last_chat_at = conversation.last_chat_at
    user, app = conversation.user, conversation.app
    row = {
        "id": conversation.id,
        "title": conversation.title,
        "user": user and _user(user, options),
        "createdAt": to_wire_time(conversation.created_at, options.time_unit),
        "lastChatTime": None if last_chat_at is None else to_wire_time(last_chat_at, options.time_unit),
        "isEnd": conversation.is_end,
        "categories": conversation.categories,
        "memo": None,
        "chats": [chat_row(chat, options) for chat in chats],
        "chatCount": len(conversation.chats),
        "llmApp": app and _app(app, options),
        "variables": None,
    }
    return shaped("Conversation", row, options)


def chat_row(chat: Chat, options: Options) -> dict[str, Any]:
    """Return a chat as lists show it."""
    return shaped("Chat", _chat(chat, options), options)


def chat_detail(chat: Chat, options: Options) -> dict[str, Any]:
    """Return a chat read by its id, with its intermediate steps."""
    steps = [_step(step, options) for step in chat.steps] or None
    return shaped("Chat", _chat(chat, options) | {"intermediateSteps": steps}, options)


def category_row(category: Category) -> dict[str, Any]:
    """Return a category."""
    return {"categoryId": category.id, "name": category.name}


def _user(user: User, options: Options) -> dict[str, Any]:
    row = {"userId": user.id, "firstName": user.first_name, "lastName": user.last_name}
    return shaped("User", row, options)


def _app(app: App, options: Options) -> dict[str, Any]:
    return shaped("LLMApp", {"id": app.id, "name": app.name, "description": app.description}, options)


def _chat(chat: Chat, options: Options) -> dict[str, Any]:
    new = options.novelties
    return {
        "id": chat.id,
        "type": _NEW_TYPE if chat.type and Novelty.TYPES in new else chat.type,
        "sender": _NEW_SENDERS.get(chat.sender, chat.sender) if Novelty.SENDERS in new else chat.sender,
        "message": chat.message,
        "source": None,
        "timestamp": to_wire_time(chat.at, options.time_unit),
        "completed": chat.completed,
        "citations": [_citation(number, options) for number in range(1, chat.citations + 1)] or None,
        "rating": chat.rating,
        "agentRating": chat.agent_rating,
    }


def _step(step: Step, options: Options) -> dict[str, Any]:
    row = {
        "key": step.key,
        "createdAt": to_wire_time(step.created_at, options.time_unit),
        "completed": step.completed,
        "statusMessage": "done" if step.completed else "working",
        "markdownMessage": None,
    }
    return shaped("IntermediateStep", row, options)


def _citation(number: int, options: Options) -> dict[str, Any]:
    row = {
        "clueId": f"clue-{number}",
        "source": "document",
        "title": f"Document {number}",
        "knowledgeBaseId": None,
        "pageNo": number,
        "url": None,
        "text": None,
    }
    return shaped("Citation", row, options)
