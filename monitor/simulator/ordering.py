"""Conversations kept in the order of a time that changes, so that a page of ten thousand is cheap."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

__all__ = ["Ordering", "Position"]

Position = tuple[float, str]
"""Where a conversation stands: its time, minus infinity for none (as MongoDB sorts null first), and its id."""


class Ordering:
    """Ids sorted by a time each; equal times are sorted by id."""

    def __init__(self) -> None:
        self._positions: list[Position] = []
        self._by_id: dict[str, Position] = {}

    def place(self, conversation_id: str, time: float | None) -> None:
        """Put an id where `time` belongs, from wherever it stands now."""
        position = (-math.inf if time is None else time, conversation_id)
        if self._by_id.get(conversation_id) == position:
            return
        self.remove(conversation_id)
        insort(self._positions, position)
        self._by_id[conversation_id] = position

    def remove(self, conversation_id: str) -> None:
        """Take an id out; nothing happens when it is not there."""
        position = self._by_id.pop(conversation_id, None)
        if position is not None:
            del self._positions[bisect_left(self._positions, position)]

    def position(self, conversation_id: str) -> Position:
        """Return where an id stands."""
        return self._by_id[conversation_id]

    def walk(self, *, descending: bool, after: Position | None) -> Iterator[str]:
        """Yield the ids in order, beginning behind `after`, which need not stand there any more."""
        positions = self._positions
        if descending:
            begin = len(positions) if after is None else bisect_left(positions, after)
            indexes = range(begin - 1, -1, -1)
        else:
            indexes = range(0 if after is None else bisect_right(positions, after), len(positions))
        for index in indexes:
            yield positions[index][1]
