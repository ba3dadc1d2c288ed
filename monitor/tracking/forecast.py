"""What watching a project will cost and how late it will find things, before the first polls have measured it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.durations import format_duration
from monitor.model.capabilities import Capabilities, Proof
from monitor.model.evidence import Evidence, RowSeen
from monitor.tracking.shedding import Work, intervals
from monitor.tracking.sweep_budget import Demand, Measured, stretch

__all__ = ["Expected", "forecast"]

_ROWS_PER_PAGE = 50
_CHATS_PER_PAGE = 100
_EMBEDDED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """
    What one poll is expected to take; `conversations` is None where nobody can tell.

    `finds_within` is the most seconds between an event and its detection; infinity where the request budget leaves no
    room for the poll.
    """

    name: str
    conversations: int | None
    requests_per_hour: float
    finds_within: float


def forecast(
    evidence: Evidence,
    found: Capabilities,
    *,
    runs: float,
    changes: float,
    tiers: Mapping[float, float],
    requests_per_minute: float,
) -> list[Expected]:
    """
    Return what each poll will take: an order of magnitude, reckoned from the first page of the list.

    `runs` and `changes` are the seconds between two looks at what runs and what changed, and `tiers` those between two
    sweeps of the ratings of conversations that are younger than so many seconds, youngest first.
    """
    running = len(evidence.running.rows) if evidence.running else None
    sweeps = _sweeps(evidence, found, tiers)
    works = [
        Work(name="what runs", requests=1, every=runs),
        Work(name="what changed", requests=1, every=changes),
        *(Work(name=name, requests=sweep.list_requests, every=sweep.every) for name, sweep in sweeps.items()),
    ]
    kept = intervals(works, requests_per_minute=requests_per_minute)
    demands = stretch(sweeps, requests_per_minute=requests_per_minute)
    lists = [
        Expected(
            name=work.name,
            conversations=running if work.name == "what runs" else None,
            requests_per_hour=3600 / kept[work.name],
            finds_within=kept[work.name],
        )
        for work in works[:2]
    ]
    return lists + [_expected(name, sweeps[name], kept[name], demands[name]) for name in sweeps]


def _expected(name: str, sweep: Measured, every: float, demand: Demand) -> Expected:
    requests = sweep.list_requests / every + sweep.chat_pages / demand.stretched_every
    return Expected(
        name=name,
        conversations=sweep.conversations,
        requests_per_hour=0.0 if math.isinf(every) else 3600 * requests,
        finds_within=max(every, demand.detection_delay),
    )


def _sweeps(evidence: Evidence, found: Capabilities, tiers: Mapping[float, float]) -> dict[str, Measured]:
    """Return what a sweep of each tier will come to; what the page does not reach is taken to come as often."""
    ages = [evidence.probed_at - row.last_chat.at for row in evidence.page.rows if row.last_chat is not None]
    pages = [_pages(row, found) for row in evidence.page.rows]
    pages_each = sum(pages) / len(pages) if pages else 0.0
    is_whole = len(evidence.page.rows) < _ROWS_PER_PAGE
    measured: dict[str, Measured] = {}
    youngest = 0.0
    for younger_than, every in tiers.items():
        count = _count(ages, youngest, younger_than, is_whole=is_whole)
        measured[f"ratings younger than {format_duration(younger_than)}"] = Measured(
            every=every,
            conversations=count,
            list_requests=max(math.ceil(count / _ROWS_PER_PAGE), 1),
            chat_pages=math.ceil(count * pages_each),
        )
        youngest = younger_than
    return measured


def _count(ages: list[float], youngest: float, oldest: float, *, is_whole: bool) -> int:
    seen = sum(youngest <= max(age, 0.0) < oldest for age in ages)
    reach = max(ages, default=0.0)
    if is_whole or reach >= oldest:
        return seen
    return seen + round(len(ages) / max(reach, 1.0) * (oldest - max(reach, youngest)))


def _pages(row: RowSeen, found: Capabilities) -> int:
    """Return how many pages of chats have to be read because the list does not show them."""
    count = row.chat_count or 0
    if not count or (found.embeds_all is Proof.WORKS and count <= _EMBEDDED):
        return 0
    return math.ceil(count / _CHATS_PER_PAGE)
