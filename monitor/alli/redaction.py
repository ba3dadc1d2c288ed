"""
Taking out of answers what is nobody's business: what is left has their shape, their times, and no words of anybody.

Keys, types, numbers, times, booleans, null and words of known sets stay, and so do the lengths of lists and strings.
An id becomes another id of the same form, made in the same second, and equal ones stay equal within one `Redaction`.
What tells of an error keeps those of its words that occur in errors anywhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from monitor.alli.ids import sibling
from monitor.alli.units import object_id

__all__ = ["KEPT_WORDS", "WORDY_KEYS", "Redaction"]

WORDY_KEYS = frozenset({"sender", "type", "state", "order"})
"""Keys whose values are words of a set that the API knows."""

KEPT_WORDS = frozenset(
    "a access allowed an api available bad be been body bot cannot chat chats content conversation conversations could "  # noqa: SIM905 - so many words read best as text
    "daily deleted denied deserializable detail does doctype error errors exist exists expired field for forbidden "
    "found get gone has have head html http id ids in internal invalid is it json key limit many message method "
    "missing must no not object of or parameter path permission please query rate request required resource result "
    "server service state status success such that the there this title to token too try unauthorized unavailable "
    "unknown user valid value was with you your".split()
)
"""Words that stay in what tells of an error."""

_TELLING = frozenset({"error", "errors", "message", "detail", "msg", "loc", "name", "code", "text"})
_STATIC = re.compile(
    r"(webapi|v2|conversations|chats|running|stop|title|feedback|chat|completions|bulk_update"
    r"|conversation_categories|conversation_daily_count)?",
    re.ASCII,
)
_KEY = re.compile(r"[A-Za-z_]\w{0,39}", re.ASCII)
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_PLAIN = re.compile(r"-?\d{1,20}(\.\d{1,6})?|true|false", re.ASCII)
_LETTERS = re.compile(r"[^\W\d_]+|\d+|[^\w\s]", re.UNICODE)
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_TOKEN = 24  # characters of a cursor's stand-in


class Redaction:
    """Redacts all answers of one recording; who does not know `key` cannot tell which id stands for which."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def body(self, value: Any, *, failed: bool = False) -> Any:
        """Return decoded JSON without what is private; `failed` is whether the whole answer tells of an error."""
        return self._value(value, "", telling=failed)

    def text(self, text: str) -> str:
        """Return a text that is no JSON with nothing but the words that occur in errors."""
        return self._told(text)

    def path(self, path: str) -> str:
        """Return the path of a request, encoded as it was sent, with other ids."""
        return "/".join(part if _STATIC.fullmatch(part) else self._segment(part) for part in path.split("/"))

    def params(self, params: Mapping[str, str]) -> dict[str, str]:
        """Return the query parameters of a request."""
        return {name: self._param(name, value) for name, value in params.items()}

    def _segment(self, part: str) -> str:
        return quote(self._id(unquote(part)), safe="")

    def _param(self, name: str, value: str) -> str:
        if _PLAIN.fullmatch(value) or (name in WORDY_KEYS and _WORD.fullmatch(value)):
            return value
        return self._string(value, name, telling=False)

    def _value(self, value: Any, key: str, *, telling: bool) -> Any:
        if key == "variables":
            return _emptied(value)
        if isinstance(value, dict):
            return {
                self._name(name, number): self._value(each, name, telling=telling or name in {"error", "errors"})
                for number, (name, each) in enumerate(value.items())
            }
        if isinstance(value, list):
            return [self._value(each, key, telling=telling) for each in value]
        return self._string(value, key, telling=telling) if isinstance(value, str) else value

    def _name(self, name: str, number: int) -> str:
        return name if _KEY.fullmatch(name) else f"key{number}"

    def _string(self, text: str, key: str, *, telling: bool) -> str:
        if key == "cursor":
            return self._hash(text, _TOKEN) if text else text
        if object_id(text) is not None or key in {"id", "ids"} or key.endswith(("Id", "Ids")):
            return self._id(text)
        if (key in WORDY_KEYS and _WORD.fullmatch(text)) or (key == "date" and _DAY.fullmatch(text)):
            return text
        if telling and (key in _TELLING or not key):
            return self._told(text)
        return "x" * len(text)

    def _id(self, text: str) -> str:
        digits = object_id(text)
        other = sibling(text, digits[:8] + self._hash(digits, 16)) if digits else None
        return other or self._hash(text, len(text))

    def _told(self, text: str) -> str:
        return _LETTERS.sub(_stand_in, text)

    def _hash(self, text: str, length: int) -> str:
        size = max(length, 1)
        digest = hashlib.shake_256(self._key + text.encode("utf-8", "surrogatepass")).hexdigest(size)
        return digest[:length]


def _emptied(value: Any) -> Any:
    """Return what users themselves named and filled, with nothing but its shape."""
    if isinstance(value, dict):
        return {f"key{number}": _emptied(each) for number, each in enumerate(value.values())}
    if isinstance(value, list):
        return [_emptied(each) for each in value]
    if isinstance(value, str):
        return "x" * len(value)
    return value if value is None or isinstance(value, bool) else type(value)()


def _stand_in(found: re.Match[str]) -> str:
    """Return a word as it is, or as many letters that say nothing; digits remain digits, as they mark what varies."""
    word = found[0]
    if word.lower() in KEPT_WORDS or _PUNCTUATION.fullmatch(word):
        return word
    return ("0" if word.isdigit() else "x") * len(word)
