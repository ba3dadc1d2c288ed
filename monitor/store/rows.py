"""Between frozen values and what stands in a column: JSON, with NULs taken out because PostgreSQL refuses them."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

__all__ = ["decode", "encode", "text"]

_T = TypeVar("_T")


def encode(value: Any) -> str:
    """Return a frozen value as JSON text."""
    return msgspec.json.encode(value).decode().replace("\\u0000", "")


def decode(body: str, kind: type[_T]) -> _T:
    """Return the value of type `kind` that `encode` wrote."""
    return msgspec.json.decode(body, type=kind)


def text(value: str) -> str:
    """Return `value` as every database takes it."""
    return value.replace("\0", "")
