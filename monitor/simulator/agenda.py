"""What is going to happen, in the order of time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

__all__ = ["Agenda"]


class Agenda:
    """A queue of actions; those of one moment come in the order in which they were added."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._count = itertools.count()

    def add(self, at: float, action: Callable[[], object]) -> None:
        """Plan `action` for the time `at`."""
        heapq.heappush(self._heap, (at, next(self._count), action))

    def pop_due(self, now: float) -> tuple[float, Callable[[], object]] | None:
        """Remove and return the first action due at `now` with its time, or None when there is none."""
        if not self._heap or self._heap[0][0] > now:
            return None
        at, _, action = heapq.heappop(self._heap)
        return at, action
