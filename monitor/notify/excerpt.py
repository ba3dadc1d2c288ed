"""Text of conversations for receivers that are told alerts rather than messages: an annotation, if they may have it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from monitor.messages.cutting import cut
from monitor.model.notification import Entry

__all__ = ["with_excerpts"]


def with_excerpts(entries: Iterable[Entry], chars: int) -> tuple[Entry, ...]:
    """Return `entries` with the annotation `excerpt`, at most `chars` characters of what is known; without it for 0."""
    return tuple(_with_excerpt(entry, chars) for entry in entries)


def _with_excerpt(entry: Entry, chars: int) -> Entry:
    excerpt = cut(entry.facts.excerpt, chars) if chars else ""
    return replace(entry, annotations={**entry.annotations, "excerpt": excerpt}) if excerpt else entry
