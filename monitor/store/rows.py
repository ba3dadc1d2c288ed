"""
Between values and what stands in a column.

Databases refuse some text that Python has: PostgreSQL any NUL, and all of them a lone surrogate. The column types here
take these out by themselves, of what is written and of what is looked for, so that nothing else has to think of them.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Dialect, String, Text, TypeDecorator

__all__ = ["CleanString", "CleanText", "decode", "encode"]

_T = TypeVar("_T")

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class CleanString(TypeDecorator[str]):
    """A short text, such as an id: without NULs, and with U+FFFD for lone surrogates."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's form
        """Return `value` as every database takes it."""
        return None if value is None else _LONE_SURROGATE.sub("\ufffd", value.replace("\0", ""))


class CleanText(CleanString):
    """A long text, cleaned in the same way."""

    impl = Text
    cache_ok = True


def encode(value: Any) -> str:
    """Return a frozen value as JSON text, which escapes NULs; it cannot hold lone surrogates, they become U+FFFD."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return _LONE_SURROGATE.sub("\ufffd", json.dumps(msgspec.to_builtins(value), ensure_ascii=False))


def decode(body: str, kind: type[_T]) -> _T:
    """Return the value of type `kind` that `encode` wrote."""
    return msgspec.json.decode(body, type=kind)
