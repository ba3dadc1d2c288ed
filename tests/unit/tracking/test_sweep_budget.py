"""How far a tier of the look-back is stretched when the request budget does not suffice."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.tracking.sweep_budget import PAGE_SHARE, Measured, stretch


def measured(every: float, chat_pages: int, list_requests: int = 1) -> Measured:
    """Return what a sweep came to; the number of conversations is only carried along."""
    return Measured(every=every, conversations=chat_pages, list_requests=list_requests, chat_pages=chat_pages)


MEASURED = st.builds(
    measured, st.floats(30, 86_400), st.integers(min_value=0, max_value=100_000), st.integers(1, 1_000)
)


def test_tiers_within_the_budget_are_not_stretched() -> None:
    """Everything is read in each sweep when a share of the requests suffices for that."""
    demands = stretch({"hot": measured(300, 30), "cold": measured(21_600, 1_000)}, requests_per_minute=60)
    assert [demand.stretched_every for demand in demands.values()] == [300, 21_600]
    assert [demand.pages_per_sweep for demand in demands.values()] == [30, 1_000]
    assert [demand.detection_delay for demand in demands.values()] == [300, 21_600]
    assert round(demands["hot"].requests_per_hour, 3) == 12 * 31


@pytest.mark.parametrize(
    ("pages", "factor", "delay"), [(90, 1, 300), (91, 91 / 90, 600), (180, 2, 600), (900, 10, 3_000)]
)
def test_a_tier_beyond_the_budget_takes_longer(pages: int, factor: float, delay: float) -> None:
    """Of 60 requests a minute, 90 pages fit between two sweeps of five minutes; more take several sweeps."""
    [demand] = stretch({"hot": measured(300, pages, 7)}, requests_per_minute=60).values()
    assert demand.requests == pages + 7
    assert demand.stretched_every == pytest.approx(300 * factor)
    assert demand.pages_per_sweep == pytest.approx(pages / factor)
    assert demand.detection_delay == delay


def test_a_tier_without_pages_is_never_stretched() -> None:
    """Where the list embeds everything, listing is all there is, however little the budget is."""
    demands = stretch({"hot": measured(300, 0), "cold": measured(3_600, 9_000)}, requests_per_minute=1)
    assert demands["hot"].stretched_every == demands["hot"].detection_delay == 300
    assert demands["cold"].stretched_every > 3_600


@given(st.dictionaries(st.text(), MEASURED, max_size=5), st.integers(1, 60_000))
def test_pages_keep_to_their_share(tiers: dict[str, Measured], requests_per_minute: int) -> None:
    """All tiers together read no more than their share an hour; none is faster than asked, nor left out."""
    demands = stretch(tiers, requests_per_minute=requests_per_minute)
    listing = sum(3600 * tier.list_requests / tier.every for tier in tiers.values())
    pages = sum(demand.requests_per_hour for demand in demands.values()) - listing
    assert pages <= requests_per_minute * 60 * PAGE_SHARE * (1 + 1e-6) + 1e-6
    for name, demand in demands.items():
        assert demand.stretched_every >= demand.every
        assert demand.detection_delay >= demand.stretched_every * (1 - 1e-6)
        assert (demand.pages_per_sweep > 0) is (tiers[name].chat_pages > 0)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=30), st.integers(1, 200))
def test_everything_is_read_within_the_detection_delay(pages: list[int], requests_per_minute: int) -> None:
    """Read by whom it is longest, with what is left of one sweep added to the next, nobody waits longer than told."""
    [demand] = stretch({"t": measured(60, sum(pages))}, requests_per_minute=requests_per_minute).values()
    read_at = dict.fromkeys(range(len(pages)), 0)
    left, sweeps = 0.0, math.ceil(demand.detection_delay / 60) * 3
    for sweep in range(1, sweeps + 1):
        left += demand.pages_per_sweep
        for number in sorted(read_at, key=lambda number: read_at[number]):
            if pages[number] > left + 1e-6:
                break
            left -= pages[number]
            assert (sweep - read_at[number]) * 60 <= demand.detection_delay
            read_at[number] = sweep
        else:
            left = 0.0
    assert all((sweeps - at) * 60 < demand.detection_delay for at in read_at.values())
