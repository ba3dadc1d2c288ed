"""
Making good answers bad, by chance that can be repeated.

`mutated` changes a text in one to four places: another type, a missing or doubled key, a huge number, NaN, a lone
surrogate, invalid UTF-8, deep nesting, a cut. What it makes is often not JSON at all, and now and then still good.
`spoilt` does that to a whole answer, its status and its `Date` included.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

__all__ = ["VALUES", "WAYS", "Answer", "mutated", "spoilt"]

_HOSTILE: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 2**31, 2**63, -(2**63), 10**30, 10**400, 1e300, -1e300, 5e-324),
    *(float("nan"), float("inf"), float("-inf")),
    *("", " ", "\0", "a\0b", "\ud800", "\ufffd", "..", "/", "x" * 3000, "NaN", "-1", "null", "2026-01-01T00:00:00Z"),
    *([], {}, [[]], [None], {"": None}, {"id": 1}, {"result": None}, {"errors": "x"}, {"error": {"name": "x"}}),
]
_DEEP = 2000
_STATUSES = (200,) * 12 + (201, 204, 301, 400, 401, 403, 404, 422, 429, 500, 503)
_DATES = (b"", b"yesterday", b"Fri, 31 Dec 9999 23:59:59 GMT", b"\xff")

Way = Callable[[Random, bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer of Alli on its way; names of headers are in lower case."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def spoilt(chance: Random, answer: Answer) -> Answer:
    """Return `answer` with a bad body, often another status, and now and then a `Date` that cannot be."""
    headers = answer.headers
    if chance.random() < 0.1:
        date = chance.choice(_DATES)
        headers = tuple((name, date if name == b"date" else value) for name, value in headers)
    return Answer(status=chance.choice(_STATUSES), headers=headers, body=mutated(chance, answer.body))


def mutated(chance: Random, text: bytes, *, ways: Sequence[Way] | None = None) -> bytes:
    """Return `text` made bad in these ways, by default in all of them."""
    for _ in range(chance.randint(1, 4)):
        text = chance.choice(ways or WAYS)(chance, text)
    return text


def _another_value(chance: Random, text: bytes) -> bytes:
    """Replace, remove or double one value of the JSON."""
    try:
        root = [json.loads(text)]
    except (ValueError, RecursionError):
        return text
    container, key = chance.choice(list(_places(root)))
    way = chance.random()
    if way < 0.15 and container is not root:
        del container[key]
    elif way < 0.25 and isinstance(container, list):
        container.extend([container[key]] * chance.choice((1, 2, 60)))
    elif way < 0.35 and isinstance(container, dict):
        container[chance.choice(("result", "errors", "error", "id", "extra", ""))] = container[key]
    else:
        container[key] = chance.choice(_HOSTILE)
    return json.dumps(root[0] if root else None, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    waiting = [value]
    while waiting:
        container = waiting.pop()
        for key in list(container) if isinstance(container, dict) else range(len(container)):
            yield container, key
            if isinstance(container[key], dict | list):
                waiting.append(container[key])


def _other_bytes(chance: Random, text: bytes) -> bytes:
    """Overwrite some bytes."""
    changed = bytearray(text)
    for _ in range(chance.randint(1, 8) if changed else 0):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _cut(chance: Random, text: bytes) -> bytes:
    return text[: chance.randrange(len(text) + 1)]


def _insert(chance: Random, text: bytes) -> bytes:
    """Insert what JSON or UTF-8 does not allow there, or what repeats a key."""
    place = chance.randrange(len(text) + 1)
    junk = chance.choice(
        (b"\xff\xfe", b"\xed\xa0\x80", b"NaN", b"1e999", b'"id":1,', b"\0", b"{", b"]", b"\\ud800", b"0" * 500)
    )
    return text[:place] + junk + text[place:]


def _doubled_key(chance: Random, text: bytes) -> bytes:
    """Give the first key of an object again, at its end."""
    if not text.startswith(b"{") or b":" not in text:
        return text
    key = text[1 : text.index(b":")]
    return text[:-1] + b"," + key + b":" + json.dumps(chance.choice(_HOSTILE)).encode() + b"}"


def _nested(chance: Random, text: bytes) -> bytes:
    opening, closing = chance.choice(((b"[", b"]"), (b'{"result":', b"}"), (b'{"a":', b"}")))
    return opening * _DEEP + text + closing * _DEEP


def _something_else(chance: Random, _text: bytes) -> bytes:
    return chance.choice((b"", b"null", b"[]", b"{}", b"<html></html>", b'"text"', b"0", b"\xff", b"[" * 100_000))


VALUES: tuple[Way, ...] = (*[_another_value] * 6, _other_bytes, _cut, _insert)
"""The ways that leave a text about as large and as deep as it was."""

WAYS: tuple[Way, ...] = (*VALUES * 2, _doubled_key, _nested, _something_else)
"""All ways."""
