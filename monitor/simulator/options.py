"""How the simulated server behaves where Alli's documentation leaves it open, and what an old server may lack."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

__all__ = ["DailyCount", "Missing", "Novelty", "Options", "Paging", "TimeUnit"]


class TimeUnit(StrEnum):
    """The unit of times in answers or in filters."""

    MILLISECONDS = "ms"
    SECONDS = "s"
    MICROSECONDS = "us"


class Paging(StrEnum):
    """What the cursor of the list remembers."""

    KEYSET = "keyset"  # the last row given: rows may still move past it
    OFFSET = "offset"  # how many rows were given: rows may be skipped or repeated


class Missing(StrEnum):
    """How an unknown id is answered. Only `NOT_FOUND` and `ERRORS` say in words that it does not exist."""

    NOT_FOUND = "not_found"  # 404
    BAD_REQUEST = "bad_request"  # 400
    FORBIDDEN = "forbidden"  # 403
    ERRORS = "errors"  # 200 with `errors` and without a result

    @property
    def status(self) -> int:
        """The HTTP status of such an answer."""
        return {"not_found": 404, "bad_request": 400, "forbidden": 403, "errors": 200}[self.value]


class DailyCount(StrEnum):
    """What becomes of the daily count, a GET with a body."""

    WORKS = "works"
    FORBIDDEN = "forbidden"  # a content delivery network on the way answers 403 in HTML
    BODY_DROPPED = "body_dropped"  # a proxy takes the body away, so that it is answered 400


class Novelty(StrEnum):
    """What a newer server says that nobody has documented."""

    FIELDS = "fields"  # conversations, chats and what is in them have one field more
    TYPES = "types"  # chats of a type that nobody knows
    SENDERS = "senders"  # the senders have other names


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    Options of the server; durations are in seconds. The defaults obey the documentation and the best guesses beyond it.

    Times: `filter_unit` is the unit of filters, None that of answers. `clock_offset` is how many seconds the server's
    clock is ahead of the world's clock. `timezone` is where a day of the daily count begins.

    The list: `embed` is how many of the newest chats a row holds. `ignored_parameters` are query parameters that this
    server does not know. A cursor works for `cursor_lifetime` and leads `cursor_pages` pages beyond the first, then it
    is answered with `expired_cursor`. With `endless_cursor` the last page and the empty one behind it have one too.

    What runs: `running_filter_lag` is how old the list's knowledge of what runs is and `running_lag` that of
    `isRunning`, both for begins and ends. `stop_lag` is how long a run outlives a stop: 0 obeys at once, infinity
    never. `stop_completes` tells whether a stopped run completes its chat as if it had finished, or leaves it as it is.
    `idle_stop` is the status that answers a stop where nothing runs.

    Ratings: with `rating_touches`, a change of a rating is activity: it moves `lastChatTime`.

    Answers: `missing`, `daily_count` and `novelties` are as their types say. `result_wrapper` puts every JSON object
    that answers 200 under the key `result`. `nulls` are nullable fields that are always null and `lacks` fields that
    are left out, both as in `monitor.simulator.shape`.
    """

    api_key: str = "simulated-key"

    time_unit: TimeUnit = TimeUnit.MILLISECONDS
    filter_unit: TimeUnit | None = None
    clock_offset: float = 0.0
    date_header: bool = True
    timezone: str = "UTC"

    embed: int = 20
    embed_newest_first: bool = False
    ignored_parameters: frozenset[str] = frozenset()
    paging: Paging = Paging.KEYSET
    cursor_lifetime: float = math.inf
    cursor_pages: int | None = None
    expired_cursor: Literal[400, 422] = 422
    endless_cursor: bool = False

    running_filter_lag: float = 0.0
    running_lag: float = 0.0
    stop_lag: float = 0.0
    stop_completes: bool = True
    idle_stop: Literal[200, 409] = 200

    rating_touches: bool = False

    missing: Missing = Missing.NOT_FOUND
    daily_count: DailyCount = DailyCount.WORKS
    result_wrapper: bool = False
    novelties: frozenset[Novelty] = frozenset()
    nulls: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()
