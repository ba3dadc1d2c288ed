"""Notifications that take several requests: a second attempt goes on behind what was accepted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

__all__ = ["Progress"]

_MOST = 1000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How many parts of each unfinished notification were accepted, by its key.

    It is kept in memory, so a restart sends all parts again; and only of the 1000 notifications that got on last,
    since nobody says which ones are given up.
    """

    _accepted: dict[str, int] = field(default_factory=dict)

    async def send(self, key: str, parts: Sequence[T], post: Callable[[int, T], Awaitable[None]]) -> None:
        """Give `post` each of `parts` that it has not taken yet, with its number from 0; what it raises ends that."""
        for number in range(self._accepted.get(key, 0), len(parts)):
            await post(number, parts[number])
            self._note(key, number + 1)
        self._accepted.pop(key, None)

    def _note(self, key: str, count: int) -> None:
        self._accepted.pop(key, None)  # the newest stands last
        self._accepted[key] = count
        if len(self._accepted) > _MOST:
            del self._accepted[next(iter(self._accepted))]
