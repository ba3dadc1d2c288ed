"""
The fields of what the API shows, and how a server may depart from them: nulls, fields that it lacks, fields of its own.

A field is named with its type, such as ``Chat.rating``. Source: the API description of Alli's conversation API.
"""

from __future__ import annotations

from typing import Any

from monitor.simulator.options import Novelty, Options

__all__ = ["FIELDS", "NULLABLE", "shaped"]

_TYPES = {  # a field with a question mark may be null
    "Conversation": "id title user? createdAt lastChatTime? isEnd categories? memo? chats chatCount llmApp? variables?",
    "User": "userId firstName lastName",
    "LLMApp": "id name description?",
    "Chat": "id type? sender message source? timestamp completed citations? rating? agentRating? intermediateSteps?",
    "IntermediateStep": "key createdAt? completed statusMessage? markdownMessage?",
    "Citation": "clueId source? title? knowledgeBaseId? pageNo? url? text?",
}

FIELDS = frozenset(f"{kind}.{name.rstrip('?')}" for kind, names in _TYPES.items() for name in names.split())
"""Every field of every type."""

NULLABLE = frozenset(
    f"{kind}.{name[:-1]}" for kind, names in _TYPES.items() for name in names.split() if name.endswith("?")
)
"""The fields that may be null."""


def shaped(kind: str, row: dict[str, Any], options: Options) -> dict[str, Any]:
    """Return `row`, which is of the type `kind`, as a server with `options` shows it."""
    shown = {
        name: None if f"{kind}.{name}" in options.nulls else value
        for name, value in row.items()
        if f"{kind}.{name}" not in options.lacks
    }
    return shown | {"novelty": {"since": "v3"}} if Novelty.FIELDS in options.novelties else shown
