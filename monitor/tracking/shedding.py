"""
What is put off when everything together would ask more than the request budget allows.

The order is that in which a monitor can do without: the coldest tiers of the look-back first, then the warm ones, then
the list of changed conversations, and never the list of runs. What reading chats page by page may ask is bounded apart
(`monitor.tracking.sweep_budget`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Work", "intervals"]

_SHARE = 0.6
"""The share of the budget for the lists: the rest is for pages of chats, for stops, and for asking again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A poll that is wanted each `every` seconds and costs so many `requests`."""

    name: str
    requests: float
    every: float


def intervals(works: Sequence[Work], *, requests_per_minute: float) -> dict[str, float]:
    """
    Return the seconds between two passes of each poll: what it wants, longer, or infinity for one that is put off.

    `works` stand in the order of what matters; the first is never put off.
    """
    first, *others = works
    left = requests_per_minute * _SHARE / 60 - first.requests / first.every  # requests a second
    found = {first.name: first.every}
    for work in others:
        found[work.name] = interval = max(work.every, work.requests / left if left > 0 else math.inf)
        left -= work.requests / interval if work.requests else 0.0
    return found
