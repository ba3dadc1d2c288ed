"""
Sizes in bytes, written with a unit: ``2GB``, ``500MiB``.

As in Prometheus every unit is a power of 1024, with or without the ``i``: ``1KB`` is ``1KiB`` is 1024 bytes.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer

__all__ = ["Size", "format_size", "parse_size"]

_UNITS = ("B", "KB", "MB", "GB", "TB")
_PATTERN = re.compile(r"(?P<count>\d{1,15})(?P<unit>[KMGT]?)(?:(?<=[KMGT])i)?B", re.ASCII)


def parse_size(text: str) -> int:
    """Return the bytes that `text` stands for, a bare ``0`` among them; raise ValueError when it is not a size."""
    if text == "0":
        return 0
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a size; write it as 500MB or 2GB")
    return int(match["count"]) << 10 * _UNITS.index(f"{match['unit']}B")


def format_size(size: int) -> str:
    """Return the shortest exact text of `size` bytes: ``2GB``."""
    power = 0
    while size and size % 1024 == 0 and power < len(_UNITS) - 1:
        size, power = size // 1024, power + 1
    return f"{size}{_UNITS[power]}" if size else "0"


def _validate(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("a size is text with a unit, such as 500MB or 2GB")  # noqa: TRY004 - pydantic's way
    return parse_size(value)


Size = Annotated[
    int,
    BeforeValidator(_validate),
    PlainSerializer(format_size, return_type=str),
    Field(json_schema_extra={"format": "size"}),
]
"""A field of the settings: written as text with a unit, held as bytes."""
