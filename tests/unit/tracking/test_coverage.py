from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.blind import Blind
from monitor.tracking.coverage import (
    blind_after_pass,
    extend,
    mark,
    may_hide,
    newest_within,
    observed_share,
)
from monitor.tracking.runs import Followed, Ledger
from tests.support.build import START, run

INTERVAL = 10.0
BLIND = Blind(began_at=START, ended_at=START + 240)


def test_a_gap_of_three_intervals_is_observed() -> None:
    """Time is blind once a pass is overdue for two intervals, and then from when it was due."""
    assert blind_after_pass(30.0, now=START, interval=INTERVAL) is None
    assert blind_after_pass(31.0, now=START, interval=INTERVAL) == Blind(began_at=START - 21, ended_at=START)


@given(steps=st.lists(st.floats(min_value=0.01, max_value=1000), min_size=1, max_size=20))
def test_what_grows_is_counted_once(steps: list[float]) -> None:
    """However often one looks while a project is blind, the seconds add up to the blind time."""
    kept, counted, now = None, 0.0, START
    for step in steps:
        now += step
        kept, added = extend(kept, Blind(began_at=START, ended_at=now))
        counted += added
    assert kept == Blind(began_at=START, ended_at=now)
    assert counted == pytest.approx(now - START)


def test_another_blind_time_is_its_own() -> None:
    """One that began after the newest had ended does not belong to it."""
    later = Blind(began_at=START + 300, ended_at=START + 350)
    assert extend(BLIND, later) == (later, 50.0)
    assert extend(None, later) == (later, 50.0)


def test_a_corrected_clock_takes_nothing_back() -> None:
    """An end that moves back is written, and what was counted stays counted."""
    corrected = replace(BLIND, ended_at=START + 200)
    assert extend(BLIND, corrected) == (corrected, 0.0)


@pytest.mark.parametrize(
    ("since", "until", "share"),
    [
        (START - 960, START + 240, 0.8),
        (START + 120, START + 360, 0.5),
        (START + 60, START + 120, 0.0),
        (START + 240, START + 480, 1.0),
        (START, START, 1.0),
    ],
)
def test_the_share_that_was_observed(since: float, until: float, share: float) -> None:
    """Only the part of a blind time that lies in the asked time counts."""
    assert observed_share([BLIND], since=since, until=until) == pytest.approx(share)


def test_the_newest_blind_time_within_an_interval() -> None:
    """Of those of which any lies in the interval, the newest; to touch it is not enough."""
    older = Blind(began_at=START - 100, ended_at=START - 50)
    assert newest_within([older, BLIND], START - 200, START + 10) == BLIND
    assert newest_within([older, BLIND], START - 200, START) == older
    assert newest_within([older, BLIND], START + 240, START + 300) is None


def test_runs_that_a_blind_time_concerns() -> None:
    """Whoever is seen for the first time after it, or was last seen before it, was not observed in it."""
    came, went_on = run(START + 240, id="new"), run(START - 60, id="old", conversation_id="c2")
    seen_within = run(START - 60, id="seen", conversation_id="c3")
    ledger = Ledger(begun=(came,), followed=(Followed(run=went_on), Followed(run=seen_within)))
    before = {"c2": replace(went_on, seen_at=START - 10), "c3": replace(seen_within, seen_at=START + 5)}
    marked = mark(ledger, BLIND, before)
    assert [each.blind for each in marked.begun] == [BLIND]
    assert [each.run.blind for each in marked.followed] == [BLIND, None]


@pytest.mark.parametrize(
    ("began_at", "true_since", "expected"),
    [
        pytest.param(START + 240, START + 9999, True, id="first seen at its end: every age is at least"),
        pytest.param(START - 60, START + 240, True, id="found true at its end"),
        pytest.param(START - 60, START + 249, True, id="found true by the next look"),
        pytest.param(START - 60, START + 300, False, id="seen to become true later"),
        pytest.param(START - 60, START - 30, False, id="true before"),
    ],
)
def test_what_a_blind_time_may_hide(began_at: float, true_since: float, expected: bool) -> None:  # noqa: FBT001 - of a table
    """An alert tells of a blind time only if what it says may have happened in it."""
    of = run(began_at, blind=BLIND)
    assert may_hide(of, true_since=true_since, interval=INTERVAL) is expected
    assert not may_hide(replace(of, blind=None), true_since=true_since, interval=INTERVAL)
