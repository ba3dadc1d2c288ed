from __future__ import annotations

import math

import pytest

from monitor.model.capabilities import Capabilities, Proof
from monitor.model.evidence import Evidence, PageSeen, RowSeen, Stamp
from monitor.tracking.forecast import Expected, forecast

NOW = 1_800_000_000.0
EMBEDDING = Capabilities(embeds_all=Proof.WORKS)
BARE = Capabilities(embeds_all=Proof.FAILS)


def evidence(*ages: float, chats: int = 4) -> Evidence:
    """Return what a probe saw of conversations whose last chats are so many seconds old, one of which runs."""
    rows = [
        RowSeen(id=f"c{number}", last_chat=Stamp(unit="ms", at=NOW - age), chat_count=chats)
        for number, age in enumerate(ages)
    ]
    return Evidence(probed_at=NOW, page=PageSeen(rows=tuple(rows)), running=PageSeen(rows=tuple(rows[:1])))


def expected(seen: Evidence, found: Capabilities = EMBEDDING, budget: float = 60) -> list[Expected]:
    """Return the forecast for a look at what runs each 10 s, at changes each 30 s, and two tiers."""
    tiers = {7200.0: 300.0, 86400.0: 1800.0}
    return forecast(seen, found, runs=10.0, changes=30.0, tiers=tiers, requests_per_minute=budget)


def test_a_quiet_project_costs_one_request_a_look() -> None:
    """Each poll asks once as often as the settings say, and finds things by the next time."""
    runs, changed, young, old = expected(evidence(60, 3600, 7200, 90000))
    assert (runs.name, runs.conversations, runs.requests_per_hour, runs.finds_within) == ("what runs", 1, 360, 10)
    assert (changed.requests_per_hour, changed.finds_within) == (120, 30)
    assert (young.conversations, young.requests_per_hour, young.finds_within) == (2, 12, 300)
    assert (old.conversations, old.requests_per_hour, old.finds_within) == (1, 2, 1800)
    assert young.name == "ratings younger than 2h"


def test_what_lies_beyond_a_full_page_is_extrapolated() -> None:
    """Fifty conversations in the last fifty minutes make a hundred and twenty in two hours, on three pages."""
    _, _, young, old = expected(evidence(*(60.0 * (minute + 1) for minute in range(50))))
    assert (young.conversations, young.requests_per_hour) == (120, 3 * 12)
    assert old.conversations == 22 * 60


def test_chats_that_are_not_embedded_cost_pages() -> None:
    """Where the list embeds nothing, each conversation costs a page for each hundred chats."""
    _, _, young, _ = expected(evidence(60, 120, chats=150), BARE)
    assert young.requests_per_hour == pytest.approx(12 * (1 + 2 * 2))


def test_long_conversations_cost_pages_even_where_the_list_embeds() -> None:
    """More than twenty chats are never shown in full by the list."""
    _, _, young, _ = expected(evidence(60, 120, chats=21))
    assert young.requests_per_hour == pytest.approx(12 * (1 + 2))


def test_tiers_stretch_to_the_budget() -> None:
    """Where everything must be read one by one, ratings are found later, and the budget is kept."""
    busy = evidence(*(10.0 * (number + 1) for number in range(50)))
    polls = expected(busy, BARE)
    assert polls[2].finds_within > 300
    assert sum(poll.requests_per_hour for poll in polls) <= 3600


def test_what_there_is_no_room_for_is_never_found() -> None:
    """A budget that the look at what runs uses up puts the rest off, and the forecast says so."""
    runs, changed, *_ = expected(evidence(60), budget=5)
    assert runs.finds_within == 10
    assert (changed.finds_within, changed.requests_per_hour) == (math.inf, 0)


def test_an_empty_project_is_asked_all_the_same() -> None:
    """To see that there is nothing, the list is asked once a sweep."""
    _, _, young, _ = expected(evidence())
    assert (young.conversations, young.requests_per_hour) == (0, 12)
