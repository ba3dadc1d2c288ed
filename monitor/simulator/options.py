"""How the simulated server behaves where Alli's documentation leaves it open, and what an old server may lack."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Options", "Paging", "TimeUnit"]


class TimeUnit(StrEnum):
    """The unit of every time in answers and filters."""

    MILLISECONDS = "ms"
    SECONDS = "s"


class Paging(StrEnum):
    """What the cursor of the list remembers."""

    KEYSET = "keyset"  # the last row given: rows may still move past it
    OFFSET = "offset"  # how many rows were given: rows may be skipped or repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    Options of the server.

    `clock_offset` is how many seconds the server's clock is ahead of the world's clock. `embed` is how many of the
    newest chats a row of the list holds. `stop_lag` is how long a run outlives a stop: 0 obeys at once, infinity
    never. `ignored_parameters` are query parameters that this server does not know. `timezone` is where a day of the
    daily count begins.
    """

    api_key: str = "simulated-key"
    time_unit: TimeUnit = TimeUnit.MILLISECONDS
    clock_offset: float = 0.0
    embed: int = 20
    embed_newest_first: bool = False
    paging: Paging = Paging.KEYSET
    date_header: bool = True
    stop_lag: float = 0.0
    ignored_parameters: frozenset[str] = frozenset()
    timezone: str = "UTC"
