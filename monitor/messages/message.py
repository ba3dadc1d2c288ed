"""A notification in words, before a channel escapes, cuts and lays it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.model.alert import Transition

__all__ = ["AlertText", "Line", "Link", "Message"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that is known: ``Since``, ``14:03 KST, 32 min ago``."""

    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where to look: what it is, and an absolute http(s) address."""

    text: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertText:
    """
    One alert in words; all of it is plain text on one line, with nothing in it that is not meant to be seen.

    `title` says what and where, `summary` is what the rule's author wrote, `lines` and `links` come in order of
    weight, the first being the last to be left out. `excerpt` is text of the conversation, if this receiver may have
    any; it alone may have several lines.
    """

    fingerprint: str
    status: Transition
    severity: str
    starts_at: float
    title: str
    summary: str
    lines: tuple[Line, ...] = ()
    links: tuple[Link, ...] = ()
    excerpt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """
    One notification in words.

    `title` sums it up on one line. `status` is firing while anything fires. `alerts` has what fires first, the worst
    first, each alert once in its newest state; one may be put into words only when it is asked for, so ask for those
    that are shown. `language` is en, ko or ja.
    """

    title: str
    status: Transition
    alerts: Sequence[AlertText]
    language: str = "en"
