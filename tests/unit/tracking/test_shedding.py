"""What is put off when the request budget does not suffice, and in which order."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from monitor.tracking.shedding import Work, intervals

RUNS = Work(name="runs", requests=1, every=10)
CHANGES = Work(name="conversations", requests=1, every=30)
WARM = Work(name="warm", requests=4, every=300)
COLD = Work(name="cold", requests=60, every=600)

works = st.lists(
    st.builds(
        Work,
        name=st.uuids().map(str),
        requests=st.floats(0, 1000),
        every=st.floats(0.1, 86_400),
    ),
    min_size=1,
    max_size=6,
)


def test_everything_that_fits_keeps_its_interval() -> None:
    """On a calm day nothing is put off."""
    found = intervals([RUNS, CHANGES, WARM, COLD], requests_per_minute=60)
    assert found == {"runs": 10, "conversations": 30, "warm": 300, "cold": 600}


def test_the_coldest_is_put_off_first() -> None:
    """A budget that lacks a little lets only the coldest tier wait longer, by as much as it takes."""
    found = intervals([RUNS, CHANGES, WARM, COLD], requests_per_minute=20)
    left = 20 * 0.6 / 60 - 1 / 10 - 1 / 30 - 4 / 300
    assert found == {"runs": 10, "conversations": 30, "warm": 300, "cold": 60 / left}


def test_the_list_of_runs_is_never_put_off() -> None:
    """When the list of runs alone takes the whole budget, it keeps its interval and nothing else is asked."""
    found = intervals([RUNS, CHANGES, WARM], requests_per_minute=6)
    assert found == {"runs": 10, "conversations": math.inf, "warm": math.inf}


def test_what_costs_nothing_yet_is_not_put_off_by_what_it_costs() -> None:
    """A poll that was never done has no known cost, and is done where there is any room."""
    found = intervals([RUNS, Work(name="new", requests=0, every=30)], requests_per_minute=60)
    assert found["new"] == 30


@given(works=works, budget=st.floats(1, 60_000))
def test_nothing_but_the_first_exceeds_the_budget_or_comes_sooner_than_wanted(works: list[Work], budget: float) -> None:
    """Whatever is wanted: all together keep to the share, unless the first alone is beyond it."""
    found = intervals(works, requests_per_minute=budget)
    assert all(found[work.name] >= work.every for work in works)
    rate = sum(work.requests / found[work.name] for work in works)
    first = works[0].requests / works[0].every
    assert rate <= max(budget * 0.6 / 60, first) * (1 + 1e-9)


@given(works=works, budget=st.floats(1, 60_000))
def test_what_matters_more_is_put_off_last(works: list[Work], budget: float) -> None:
    """A poll waits longer than it wants only if nothing but its own share is left for all that matter less."""
    found = intervals(works, requests_per_minute=budget)
    held_back = [found[work.name] > work.every * (1 + 1e-9) for work in works]
    if True in held_back:
        after = works[held_back.index(True) + 1 :]
        tiny = budget * 1e-9
        assert all(work.requests / found[work.name] <= tiny for work in after)
