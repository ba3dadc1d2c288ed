"""
What is not known of the API, as factors with levels, and a small set of servers that shows every two levels together.

Most mistakes need one unknown or two that meet, so a set in which each pair of levels occurs finds nearly all of what
the full product of hundreds of millions would.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Container, Mapping
from itertools import combinations, product
from typing import Any, NamedTuple

from monitor.simulator.options import DailyCount, Missing, Novelty, Options, Paging, TimeUnit
from monitor.simulator.shape import NULLABLE

__all__ = ["FACTORS", "Choice", "covering", "options", "title"]

Choice = Mapping[str, str]
"""The level of each factor, by their names."""

_JUDGED = {"Chat.rating", "Chat.agentRating", "Conversation.llmApp"}  # null, they leave nothing to watch
_TIME_FILTERS = frozenset({"startedAt", "endAt", "firstChatStartedAt", "firstChatEndAt"})

FACTORS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "units": {
        "ms": {},
        "s": {"time_unit": TimeUnit.SECONDS},
        "ms, filters s": {"filter_unit": TimeUnit.SECONDS},
        "s, filters ms": {"time_unit": TimeUnit.SECONDS, "filter_unit": TimeUnit.MILLISECONDS},
    },
    "embeds": {
        "20": {},
        "20, newest first": {"embed_newest_first": True},
        "1": {"embed": 1},
        "0": {"embed": 0},
    },
    "missing": {
        "404": {},
        "400": {"missing": Missing.BAD_REQUEST},
        "403": {"missing": Missing.FORBIDDEN},
        "200 with errors": {"missing": Missing.ERRORS},
    },
    "cursor": {
        "by key": {},
        "by offset": {"paging": Paging.OFFSET},
        "expires after 5 s": {"cursor_lifetime": 5.0, "expired_cursor": 400},
        "expires after a page, by offset": {"cursor_pages": 1, "paging": Paging.OFFSET},
        "endless": {"endless_cursor": True},
    },
    "backgroundRunning": {
        "honoured": {},
        "ignored": {"ignored_parameters": frozenset({"backgroundRunning"})},
        "stale by 20 s": {"running_filter_lag": 20.0},
    },
    "isRunning": {"prompt": {}, "lags by 20 s": {"running_lag": 20.0}},
    "stop": {"at once": {}, "lags by 5 s": {"stop_lag": 5.0}, "ignored": {"stop_lag": math.inf}},
    "stopped chat": {"completed": {}, "left": {"stop_completes": False}},
    "idle stop": {"200": {}, "409": {"idle_stop": 409}},
    "rating": {"does not touch": {}, "touches": {"rating_touches": True}},
    "time filters": {"honoured": {}, "ignored": {"ignored_parameters": _TIME_FILTERS}},
    "clock": {"right": {}, "fast by 90 s": {"clock_offset": 90.0}, "no Date": {"date_header": False}},
    "daily count": {
        "works": {},
        "403": {"daily_count": DailyCount.FORBIDDEN},
        "400": {"daily_count": DailyCount.BODY_DROPPED},
    },
    "wrapper": {"none": {}, "result": {"result_wrapper": True}},
    "novelties": {
        "none": {},
        "fields, types": {"novelties": frozenset({Novelty.FIELDS, Novelty.TYPES})},
        "senders": {"novelties": frozenset({Novelty.SENDERS})},
    },
    "nulls": {"few": {}, "all that may be": {"nulls": NULLABLE - _JUDGED}},
    "lacks": {
        "nothing": {},
        "completed": {"lacks": frozenset({"Chat.completed"})},
        "type, lastChatTime": {"lacks": frozenset({"Chat.type", "Conversation.lastChatTime"})},
    },
}
"""Each factor with its levels, and the options that make a level; the first level of each is the server's default."""


class _Level(NamedTuple):
    factor: str
    level: str


def options(choice: Choice) -> Options:
    """Return the options of the server that `choice` describes; what several levels put into one set is united."""
    chosen: dict[str, Any] = {}
    for factor, level in choice.items():
        for name, value in FACTORS[factor][level].items():
            chosen[name] = chosen.get(name, frozenset()) | value if isinstance(value, frozenset) else value
    return Options(**chosen)


def title(choice: Choice) -> str:
    """Return what is unusual about the server that `choice` describes."""
    unusual = [f"{factor}: {level}" for factor, level in choice.items() if level != next(iter(FACTORS[factor]))]
    return "; ".join(unusual) or "the defaults"


def covering(factors: Mapping[str, Mapping[str, object]]) -> list[dict[str, str]]:
    """
    Return choices in which every level of each factor meets every level of each other one, the same on every call.

    The first one has the first level of every factor. The method is greedy: a choice begins with a pair that is still
    to come, and each other factor takes the level that makes most new pairs with those chosen before.
    """
    levels = {factor: [_Level(factor, level) for level in factors[factor]] for factor in factors}
    pairs = (pair for one, other in combinations(levels.values(), 2) for pair in product(one, other))
    left = dict.fromkeys(frozenset(pair) for pair in pairs)  # a set that keeps its order
    choices = []
    while left:
        chosen = {level.factor: level for level in next(iter(left))}
        for factor, possible in levels.items():
            if factor not in chosen:
                chosen[factor] = _most_new(possible, chosen.values(), left)
        for pair in combinations(chosen.values(), 2):
            left.pop(frozenset(pair), None)
        choices.append({factor: chosen[factor].level for factor in levels})
    return choices


def _most_new(levels: list[_Level], chosen: Collection[_Level], left: Container[frozenset[_Level]]) -> _Level:
    return max(levels, key=lambda level: sum(frozenset({level, each}) in left for each in chosen))
