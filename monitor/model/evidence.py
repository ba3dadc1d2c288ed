"""What a probe of one server saw: values as they came, without any judgement of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.model.conversation import App

__all__ = ["ChatsSeen", "Evidence", "FilterSeen", "PageSeen", "RowSeen", "Stamp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """
    A time of an answer: `unit` is the one that its size speaks for (``s``, ``ms`` or ``us``), `at` the UTC seconds.

    `made_at` is the second in the id of the object that was made at this time, None where the id tells none.
    """

    unit: str
    at: float
    made_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSeen:
    """A row of the list of conversations; `chats` are the times of the embedded chats, in the order of the answer."""

    id: str
    app: App | None = None
    created: Stamp | None = None
    last_chat: Stamp | None = None
    chat_count: int | None = None
    chats: tuple[Stamp | None, ...] = ()

    @property
    def active(self) -> Stamp | None:
        """A time at which, or after which, the last chat was written; None for no chat, or where no time tells."""
        if self.last_chat is not None or not self.chat_count:
            return self.last_chat
        written = [stamp for stamp in self.chats if stamp is not None]
        return max(written, key=lambda stamp: stamp.at, default=self.created)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSeen:
    """The first page of a list; `unreadable` counts rows without an id."""

    rows: tuple[RowSeen, ...]
    unreadable: int = 0

    @property
    def ids(self) -> frozenset[str]:
        """The ids of its rows."""
        return frozenset(row.id for row in self.rows)

    @property
    def is_empty(self) -> bool:
        """Whether it holds no row at all, not even one without an id."""
        return not self.rows and not self.unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterSeen:
    """
    What the list answered to time filters that were written in `unit`.

    `future` is the answer to a `startedAt` years ahead, and `recent` that to `since`, which is server time and for
    which the list without filters had shown the rows `wanted`; None where there was no answer.
    """

    unit: str
    since: float
    wanted: frozenset[str]
    future: PageSeen | None
    recent: PageSeen | None

    @property
    def selects(self) -> bool:
        """Whether the list gave what was asked for: nothing of the future, and what is recent without the rest."""
        if self.future is None or self.recent is None or not self.future.is_empty:
            return False
        found = self.wanted & self.recent.ids
        stray = [row for row in self.recent.rows if row.last_chat is not None and row.last_chat.at < self.since - 1.0]
        return 2 * len(found) > len(self.wanted) and not stray  # a row or two may be gone since


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatsSeen:
    """
    The first page of the chats of a conversation whose row in the list said `chat_count` and `last_chat_at`.

    `shown` is the number of chats on the page, `newest_at` the time of the newest of them, and `total` how many the
    page says that there are.
    """

    chat_count: int
    last_chat_at: float | None
    total: int
    shown: int
    newest_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """
    All that a probe saw; `probed_at` is server time, and what is None was not answered or could not be asked.

    `page` is the first page of the list without filters, newest chat first; `running` and `idle` are those with
    `backgroundRunning` true and false, and `running_row` and `idle_row` what `/running` said about a row of each.
    `missing` is the signature of the answer about a conversation that does not exist. `daily_count` is whether the
    daily count answered, false when it was refused. `clock_offset` is server time minus own time in seconds.
    `failures` tells, by the name of the step, why there is no answer.
    """

    probed_at: float
    page: PageSeen
    filters: tuple[FilterSeen, ...] = ()
    running: PageSeen | None = None
    idle: PageSeen | None = None
    running_row: bool | None = None
    idle_row: bool | None = None
    chats: ChatsSeen | None = None
    missing: str | None = None
    daily_count: bool | None = None
    clock_offset: float | None = None
    failures: Mapping[str, str] = field(default_factory=dict)
