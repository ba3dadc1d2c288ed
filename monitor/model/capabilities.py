"""What one project's server was seen to do where Alli's documentation leaves it open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Capabilities", "ChatOrder", "Proof"]


class Proof(StrEnum):
    """What a probe said about one thing that the monitor relies on."""

    WORKS = "works"
    FAILS = "fails"
    UNPROVEN = "unproven"  # not asked yet, or the project holds nothing that would show it


class ChatOrder(StrEnum):
    """The order in which a conversation shows its chats."""

    OLDEST_FIRST = "oldest_first"
    NEWEST_FIRST = "newest_first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """
    What a probe of one server found; `probed_at` is server time. The defaults say that nothing is proven.

    `time_unit` is the unit of times in answers and `filter_unit` that of filters: ``s``, ``ms`` or ``us``, None while
    unproven. `unit_agrees` is whether the times agree with the seconds in the ids. `time_filter` and `running_filter`
    tell whether the list honours its time filters and `backgroundRunning`. `page_total` is whether pages of chats are
    as described: the oldest first, and none missing in `totalCount`.

    `embeds` is the largest number of chats that a row of the list was seen to hold, None while no conversation with
    chats was seen; `embeds_all` whether each row held as many as it could (its `chatCount`, at most 20).

    `missing` is how the server answers about a conversation that does not exist, as `monitor.alli.answers.signature`
    writes it; None while unproven. `daily_count` is whether the daily count can be used. `clock_offset` is server time
    minus own time in seconds, None without a Date header.

    `remarks` tell in words what was seen, by the name of a line of the capability report; two probes that differ only
    in them found the same.
    """

    probed_at: float = 0.0
    time_unit: str | None = None
    filter_unit: str | None = None
    unit_agrees: Proof = Proof.UNPROVEN
    time_filter: Proof = Proof.UNPROVEN
    running_filter: Proof = Proof.UNPROVEN
    embeds: int | None = None
    embeds_all: Proof = Proof.UNPROVEN
    chat_order: ChatOrder | None = None
    page_total: Proof = Proof.UNPROVEN
    missing: str | None = None
    daily_count: Proof = Proof.UNPROVEN
    clock_offset: float | None = None
    remarks: Mapping[str, str] = field(default_factory=dict, compare=False)
