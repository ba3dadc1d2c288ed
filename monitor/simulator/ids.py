"""
Ids as Alli makes them.

Source: the examples of Alli's legacy API pages, where an id is base64 of ``Type:ObjectId``. An ObjectId is that of
MongoDB: 24 hex digits, of which the first four bytes are the second of creation, the next five belong to the machine
and the last three count.
"""

from __future__ import annotations

import base64
import itertools
import random

__all__ = ["IdMaker"]


class IdMaker:
    """Makes ids that are the same for the same seed and the same order of calls."""

    def __init__(self, seed: int) -> None:
        self._machine = random.Random(seed).randbytes(5)  # noqa: S311 - ids of a simulation guard nothing
        self._counter = itertools.count(1)

    def new(self, kind: str, at: float) -> str:
        """Return a new id of `kind`, such as ``Chat``, created at `at` (UTC epoch seconds)."""
        count = next(self._counter) % (1 << 24)
        object_id = int(at).to_bytes(4, "big") + self._machine + count.to_bytes(3, "big")
        return base64.b64encode(f"{kind}:{object_id.hex()}".encode()).decode("ascii")
