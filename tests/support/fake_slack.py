"""A fake incoming webhook of Slack's, strict: it refuses what Slack refuses, and what it would show wrongly."""

from __future__ import annotations

import re
from typing import Any

from tests.support.receivers import FakeReceiver, Reply, Request

__all__ = ["FakeSlack", "length", "links", "mentions", "refusal", "texts"]

_SHAPES = {"header": {"type", "text"}, "section": {"type", "text"}, "context": {"type", "elements"}}
_LENGTHS = {"header": 150, "section": 3000, "context": 3000}
_KINDS = {"header": "plain_text", "section": "mrkdwn", "context": "mrkdwn"}


class FakeSlack(FakeReceiver):
    """A webhook that posts what it is sent to `messages`, after the given replies."""

    def __init__(self, *replies: Reply | str) -> None:
        super().__init__(*replies)
        self.messages: list[dict[str, Any]] = []

    def reply(self, request: Request) -> Reply | str:
        """Return the next of `replies`; after them, answer as Slack does."""
        if self.replies:
            return self.replies.popleft()
        if word := refusal(request.body):
            return Reply(status=400, body=word.encode())
        self.messages.append(request.body)
        return Reply(body=b"ok")


def refusal(body: dict[str, Any]) -> str | None:
    """Return Slack's word for what is wrong with a message, None for one that it posts."""
    if not body.keys() <= {"text", "blocks"}:
        return "invalid_payload"
    if not body.get("text"):
        return "no_text"
    if not 1 <= len(body["blocks"]) <= 50 or not all(map(_is_block, body["blocks"])):
        return "invalid_blocks"
    if sum(map(length, texts(body))) > 10_000:
        return "msg_blocks_too_long"
    return None


def _is_block(block: dict[str, Any]) -> bool:
    kind = block["type"]
    if block.keys() != _SHAPES.get(kind):
        return False
    objects = block["elements"] if kind == "context" else [block["text"]]
    return 1 <= len(objects) <= 10 and all(
        found.keys() == {"type", "text"}
        and found["type"] == _KINDS[kind]
        and 1 <= length(found["text"]) <= _LENGTHS[kind]
        for found in objects
    )


def texts(body: dict[str, Any]) -> list[str]:
    """Return all texts of a message, the fallback first."""
    objects = [found for block in body["blocks"] for found in block.get("elements", [block.get("text")])]
    return [body["text"], *(found["text"] for found in objects)]


def length(text: str) -> int:
    """Return how many UTF-16 code units a text has, the largest of the ways to count characters."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def mentions(body: dict[str, Any]) -> list[str]:
    """Return what would notify people or channels: ``<!channel>``, ``<@U1>``, ``<#C1>``."""
    return [found for text in _marked_up(body) for found in re.findall(r"<[!@#][^>]*>", text)]


def links(body: dict[str, Any]) -> list[str]:
    """Return the addresses that a message links to."""
    return [found for text in _marked_up(body) for found in re.findall(r"<([^!@#>|][^>|]*)(?:\|[^>]*)?>", text)]


def _marked_up(body: dict[str, Any]) -> list[str]:
    """Return the texts in which Slack looks for markup: all but the header."""
    fallback, _header, *others = texts(body)
    return [fallback, *others]
