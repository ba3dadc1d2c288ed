"""
The forms of Alli's ids.

An id is an ObjectId, bare or as base64 of ``Type:ObjectId`` (examples in Alli's documentation); the first four bytes
of an ObjectId are the second in which the object was made.
"""

from __future__ import annotations

import base64

from monitor.alli.units import EARLIEST, LATEST, object_id

__all__ = ["made_at", "sibling"]


def made_at(id_: str) -> float | None:
    """Return the UTC second since the epoch in which the object was made, None where the id tells no believable one."""
    digits = object_id(id_)
    at = float(int(digits[:8], 16)) if digits is not None else 0.0
    return at if EARLIEST <= at <= LATEST else None


def sibling(id_: str, digits: str) -> str | None:
    """Return the id of the same form and type with other 24 hexadecimal digits; None for an id of an unknown form."""
    known = object_id(id_)
    if known is None:
        return None
    if id_.lower() == known:
        return digits
    padded = id_ + "=" * (-len(id_) % 4)
    kind = base64.b64decode(padded, altchars=b"-_").rpartition(b":")[0]
    return base64.b64encode(kind + b":" + digits.encode()).decode().rstrip("=") + "=" * id_.count("=")
