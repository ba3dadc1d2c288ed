"""Cutting text to a limit without tearing what a reader takes for one character."""

from __future__ import annotations

from collections.abc import Callable

import regex

__all__ = ["CHARACTERS", "ELLIPSIS", "UTF8", "UTF16", "Unit", "cut"]

ELLIPSIS = "…"

Unit = Callable[[str], int]
"""How a vendor counts a text. What it counts for parts must never be less than for the whole."""

_CLUSTER = regex.compile(r"\X")


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _utf8(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


CHARACTERS: Unit = len
"""Code points."""

UTF16: Unit = _utf16
"""UTF-16 code units, which JavaScript and Java count."""

UTF8: Unit = _utf8
"""Bytes of UTF-8."""


def cut(text: str, limit: int, *, unit: Unit = CHARACTERS) -> str:
    """
    Return `text`, or as many whole grapheme clusters of it and an ellipsis as `limit` units hold.

    Empty when not even the ellipsis fits. Source of the clusters: Unicode Standard Annex 29, as `regex` has it.
    """
    if unit(text) <= limit:
        return text
    room = limit - unit(ELLIPSIS)
    if room < 0:
        return ""
    # No unit is smaller than a code point, and whether a cluster ends depends on one code point behind it at most.
    window = text[: room + 1]
    end = used = 0
    for cluster in _CLUSTER.finditer(window):
        used += unit(cluster.group())
        if used > room:
            break
        if not cluster.group().isspace():
            end = cluster.end()
    return window[:end] + ELLIPSIS
