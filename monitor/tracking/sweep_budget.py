"""
How long the look-back takes when it may not ask as often as it wants to.

Listing the conversations of a tier costs a request for fifty of them. Chats that the list does not embed cost a request
for each hundred of a conversation, at least one for each conversation: where nothing is embedded, that is most of the
cost. A share of the request budget goes there; when it does not suffice, every tier takes longer by the same factor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["PAGE_SHARE", "Demand", "Measured", "stretch"]

PAGE_SHARE = 0.3
"""The share of the request budget that goes to chats that the list does not embed."""

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """
    What a sweep of one tier, which is done each `every` seconds, came to.

    `conversations` is their number, `list_requests` what listing them cost, and `chat_pages` how many pages the chats
    of those fill that the list does not show in full.
    """

    every: float
    conversations: int
    list_requests: int
    chat_pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """
    What it takes to look at every chat of one tier; durations are in seconds.

    `requests` is what one look at every chat costs. It is wanted each `every` seconds and had each `stretched_every`.
    `pages_per_sweep` of chats may be read in one sweep, so that a rating is found at most `detection_delay` after it
    was given; that leaves out how long a sweep itself takes. `requests_per_hour` is what comes of it.
    """

    conversations: int
    requests: int
    every: float
    stretched_every: float
    pages_per_sweep: float
    requests_per_hour: float
    detection_delay: float


def stretch(tiers: Mapping[str, Measured], *, requests_per_minute: float) -> dict[str, Demand]:
    """Return what each tier takes when all of them together keep to their share of `requests_per_minute`."""
    wanted = sum(tier.chat_pages / tier.every for tier in tiers.values())
    factor = max(wanted * 60 / (requests_per_minute * PAGE_SHARE), 1.0)
    return {name: _demand(tier, factor if tier.chat_pages else 1.0) for name, tier in tiers.items()}


def _demand(tier: Measured, factor: float) -> Demand:
    stretched = tier.every * factor
    return Demand(
        conversations=tier.conversations,
        requests=tier.list_requests + tier.chat_pages,
        every=tier.every,
        stretched_every=stretched,
        pages_per_sweep=tier.chat_pages / factor,
        requests_per_hour=3600 * (tier.list_requests / tier.every + tier.chat_pages / stretched),
        detection_delay=tier.every * math.ceil(factor - _ROUNDING),
    )
