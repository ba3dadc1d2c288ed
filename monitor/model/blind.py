"""Times in which a project was not observed."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Blind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """A time in which nothing of a project was observed, server time; it may still go on at `ended_at`."""

    began_at: float
    ended_at: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return max(self.ended_at - self.began_at, 0.0)

    def overlaps(self, start: float, end: float) -> bool:
        """Return whether any of it lies between two server times."""
        return self.began_at < end and self.ended_at > start
