from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.grouping import Group, Reason, flush, next_flush_at

WAIT, INTERVAL, REPEAT = 10.0, 60.0, 14_400.0
NOW = 1_790_000_000.0
QUIET = Group(key="{}:{}", first_at=None, untold_firing=False, last_sent_at=None, firing=False)
WAITING = replace(QUIET, first_at=NOW, untold_firing=True)
FIRING = replace(QUIET, last_sent_at=NOW, firing=True)


def reason(group: Group, now: float) -> Reason | None:
    """Decide with the intervals of these tests."""
    return flush(group, now=now, group_wait=WAIT, group_interval=INTERVAL, repeat_interval=REPEAT)


def due(group: Group, now: float = NOW) -> float | None:
    """Return when the group is due with the intervals of these tests."""
    return next_flush_at(group, now=now, group_wait=WAIT, group_interval=INTERVAL, repeat_interval=REPEAT)


@pytest.mark.parametrize(
    ("group", "after", "expected"),
    [
        pytest.param(WAITING, WAIT, Reason.FIRST_NOTIFICATION, id="a new group waits for company"),
        pytest.param(
            replace(WAITING, last_sent_at=NOW - 9_000), WAIT, Reason.FIRST_NOTIFICATION, id="a quiet group is as new"
        ),
        pytest.param(
            replace(WAITING, last_sent_at=NOW - 5), INTERVAL - 5, Reason.FIRST_NOTIFICATION, id="but not too soon"
        ),
        pytest.param(
            replace(FIRING, first_at=NOW + 1, untold_firing=True), INTERVAL, Reason.NEW_ALERTS, id="company later"
        ),
        pytest.param(
            replace(FIRING, first_at=NOW + 60, untold_firing=True),
            60,
            Reason.NEW_ALERTS,
            id="company at the last moment",
        ),
        pytest.param(replace(FIRING, first_at=NOW + 1), INTERVAL, Reason.RESOLVED, id="a resolve soon"),
        pytest.param(replace(WAITING, untold_firing=False), WAIT, Reason.RESOLVED, id="a resolve of what nobody knew"),
        pytest.param(FIRING, REPEAT, Reason.REPEAT, id="nothing new"),
    ],
)
def test_sends_when_due_and_says_why(group: Group, after: float, expected: Reason) -> None:
    """Each group is sent `after` seconds, not a millisecond before, for the expected reason."""
    assert reason(group, NOW + after - 0.001) is None
    assert reason(group, NOW + after) is expected
    assert due(group, NOW + after) == NOW + after


def test_tells_changes_of_a_quiet_group_at_once() -> None:
    """When something fires and the last send is longer ago than the interval, a change goes out without a wait."""
    late = NOW + REPEAT
    assert reason(replace(FIRING, first_at=late, untold_firing=True), late) is Reason.NEW_ALERTS
    assert reason(replace(FIRING, first_at=late), late) is Reason.RESOLVED


def test_nothing_to_tell() -> None:
    """A group in which nothing fires and nothing waits is never due."""
    assert due(QUIET) is None
    assert due(replace(QUIET, last_sent_at=NOW)) is None
    assert reason(QUIET, NOW + REPEAT) is None


def test_repeats_at_once_when_the_last_send_is_unknown() -> None:
    """What fires and has no known send is told, rather than never."""
    assert reason(replace(FIRING, last_sent_at=None), NOW) is Reason.REPEAT


@pytest.mark.parametrize(
    "group",
    [
        pytest.param(replace(WAITING, first_at=NOW + 86_400), id="waits since tomorrow"),
        pytest.param(replace(WAITING, first_at=NOW - 60, last_sent_at=NOW + 86_400), id="sent tomorrow"),
        pytest.param(replace(FIRING, last_sent_at=NOW + 86_400), id="fires, sent tomorrow"),
    ],
)
def test_survives_a_clock_that_was_set_back(group: Group) -> None:
    """Moments that lie ahead do not keep a group quiet until the clock has caught up."""
    assert reason(group, NOW) is not None


MOMENTS = st.integers(0, 400).map(lambda seconds: NOW + seconds)
INTERVALS = st.integers(0, 120).map(float)
GROUPS = st.builds(
    Group,
    key=st.just("{}:{}"),
    first_at=st.none() | MOMENTS,
    untold_firing=st.booleans(),
    last_sent_at=st.none() | MOMENTS,
    firing=st.booleans(),
)


@given(group=GROUPS, now=MOMENTS, wait=INTERVALS, interval=INTERVALS, repeat=INTERVALS)
def test_flushes_exactly_when_due(group: Group, now: float, wait: float, interval: float, repeat: float) -> None:
    """A group is sent exactly from the moment on that was named as the next, and that moment is a point in time."""
    at = next_flush_at(group, now=now, group_wait=wait, group_interval=interval, repeat_interval=repeat)
    why = flush(group, now=now, group_wait=wait, group_interval=interval, repeat_interval=repeat)
    assert (why is not None) is (at is not None and at <= now)
    assert at is None or (at >= 0 and math.isfinite(at))


@given(
    changes=st.lists(st.tuples(st.integers(0, 600), st.booleans()), max_size=20),
    wait=INTERVALS,
    interval=INTERVALS,
    repeat=INTERVALS,
)
def test_rhythm(changes: list[tuple[int, bool]], wait: float, interval: float, repeat: float) -> None:
    """
    Over ten minutes of alerts coming and going, looked at every second, the promises of grouping hold.

    Sends are never closer than the interval; nothing waits longer than the wait or the interval; only what fires is
    repeated; and the reason is the one the receiver's knowledge asks for.
    """
    group, fires, sends = QUIET, False, list[float]()
    for second in range(600 + 241):
        now = NOW + second
        for _, firing in (change for change in changes if change[0] == second):
            fires = firing
            group = replace(group, first_at=group.first_at or now, untold_firing=group.untold_firing or firing)
        why = flush(group, now=now, group_wait=wait, group_interval=interval, repeat_interval=repeat)
        if why is None:
            assert group.first_at is None or now - group.first_at < max(wait, interval)
            continue
        assert not sends or now - sends[-1] >= interval
        assert (why is Reason.REPEAT) is (group.first_at is None)
        assert why is not Reason.REPEAT or fires
        assert (why is Reason.FIRST_NOTIFICATION) is (group.untold_firing and not group.firing)
        sends.append(now)
        group = replace(group, first_at=None, untold_firing=False, last_sent_at=now, firing=fires)
    assert group.first_at is None
