from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.grouping import Arrival, Group, Reason, Rhythm, plan
from monitor.model.alert import Transition

WAIT, INTERVAL, REPEAT = 10.0, 60.0, 14_400.0
RHYTHM = Rhythm(group_wait=WAIT, group_interval=INTERVAL, repeat_interval=REPEAT)
NOW = 1_790_000_000.0


def arrival(at: float = NOW, *, status: Transition = Transition.FIRING, older: float = 0.0) -> Arrival:
    """Return what waits since `at`, of an alert that fired so many seconds before."""
    return Arrival(at=at, starts_at=at - older, status=status)


def resolve(at: float = NOW) -> Arrival:
    """Return a resolve that waits since `at`."""
    return arrival(at, status=Transition.RESOLVED)


NEW = Group(arrivals=[arrival()], leaves_firing=True, leaves_repeatable=True)
FIRING = Group(
    ticked_at=NOW, last_sent_at=NOW, firing=True, repeatable=True, leaves_firing=True, leaves_repeatable=True
)
HELD = Group(held=[arrival()], quiet=True)


@pytest.mark.parametrize(
    ("group", "after", "expected"),
    [
        pytest.param(NEW, WAIT, Reason.FIRST_NOTIFICATION, id="a new group waits for company"),
        pytest.param(
            replace(NEW, arrivals=[arrival(), arrival(NOW + 9)]),
            WAIT,
            Reason.FIRST_NOTIFICATION,
            id="company does not make it wait longer",
        ),
        pytest.param(
            replace(NEW, arrivals=[arrival(), arrival(NOW + 4, older=30)]),
            4,
            Reason.FIRST_NOTIFICATION,
            id="what fires for long already does not wait",
        ),
        pytest.param(
            replace(NEW, last_sent_at=NOW - 5), WAIT, Reason.FIRST_NOTIFICATION, id="a group that was over is new"
        ),
        pytest.param(replace(FIRING, arrivals=[arrival(NOW + 1)]), INTERVAL, Reason.NEW_ALERTS, id="company later"),
        pytest.param(
            replace(FIRING, arrivals=[arrival(NOW + 61)]), 2 * INTERVAL, Reason.NEW_ALERTS, id="company after a tick"
        ),
        pytest.param(
            replace(FIRING, arrivals=[arrival(NOW + 60)]), INTERVAL, Reason.NEW_ALERTS, id="company at a tick"
        ),
        pytest.param(replace(FIRING, arrivals=[resolve(NOW + 1)]), INTERVAL, Reason.RESOLVED, id="a resolve"),
        pytest.param(Group(arrivals=[resolve()]), WAIT, Reason.RESOLVED, id="a resolve of what nobody knew"),
        pytest.param(FIRING, REPEAT, Reason.REPEAT, id="nothing new"),
        pytest.param(
            replace(FIRING, last_sent_at=NOW + 30), REPEAT + INTERVAL, Reason.REPEAT, id="a repeat waits for a tick"
        ),
        pytest.param(replace(FIRING, released=True), 0, Reason.MUTE_ENDED, id="the end of a mute waits for nothing"),
        pytest.param(
            replace(NEW, released=True, ticked_at=NOW - 7), 0, Reason.FIRST_NOTIFICATION, id="muted until now"
        ),
        pytest.param(
            replace(FIRING, arrivals=[arrival(status=Transition.ACKNOWLEDGED)]),
            0,
            Reason.ACKNOWLEDGED,
            id="an acknowledgement waits for nothing",
        ),
    ],
)
def test_sends_when_due_and_says_why(group: Group, after: float, expected: Reason) -> None:
    """Each group is sent `after` seconds, not a millisecond before, for the expected reason."""
    if after:
        before = plan(group, RHYTHM, now=NOW + after - 0.001)
        assert before.reason is None
        assert before.look_at == NOW + after
    assert plan(group, RHYTHM, now=NOW + after).reason is expected


def test_nothing_to_tell() -> None:
    """A group in which nothing fires and nothing waits is over and never due."""
    over = plan(replace(Group(), ticked_at=NOW, repeats=3), RHYTHM, now=NOW + 1)
    assert (over.reason, over.look_at, over.ticked_at, over.repeats) == (None, None, None, 0)


def test_a_group_is_over_when_its_last_resolve_is_told() -> None:
    """After that, its next alert begins a new group, which waits for company."""
    told = plan(Group(arrivals=[resolve()], ticked_at=NOW - 60, firing=True), RHYTHM, now=NOW)
    assert (told.reason, told.ticked_at, told.look_at) == (Reason.RESOLVED, None, None)


def test_what_is_muted_is_looked_at_at_every_tick() -> None:
    """What is held back makes no send; its ticks count from its group_wait, and the end of a mute is looked at too."""
    first = plan(HELD, RHYTHM, now=NOW)
    assert (first.reason, first.look_at) == (None, NOW + WAIT)
    held = plan(HELD, RHYTHM, now=NOW + WAIT)
    assert (held.reason, held.ticked_at, held.look_at) == (None, NOW + WAIT, NOW + WAIT + INTERVAL)
    ends = plan(replace(HELD, ticked_at=NOW + WAIT, quiet_until=NOW + 33), RHYTHM, now=NOW + WAIT + 1)
    assert (ends.reason, ends.look_at) == (None, NOW + 33)


def test_what_was_told_and_is_quiet_now_is_not_repeated() -> None:
    """A group of which all is muted or acknowledged makes no repeat, and is looked at again at every tick."""
    quiet = replace(FIRING, repeatable=False, leaves_repeatable=False, quiet=True)
    later = plan(quiet, RHYTHM, now=NOW + 2 * REPEAT)
    assert (later.reason, later.look_at) == (None, NOW + 2 * REPEAT + INTERVAL)


def test_repeats_grow_apart_up_to_a_cap() -> None:
    """With a backoff each repeat waits so many times longer than the one before, until something changes."""
    rhythm = replace(RHYTHM, repeat_interval=600.0, repeat_backoff=2.0, repeat_max=3600.0)
    at, group, gaps = NOW, FIRING, []
    for _ in range(6):
        step = plan(group, rhythm, now=at)
        assert step.look_at is not None
        sent = plan(group, rhythm, now=step.look_at)
        assert sent.reason is Reason.REPEAT
        gaps.append(step.look_at - at)
        at = step.look_at
        group = replace(group, last_sent_at=at, ticked_at=sent.ticked_at, repeats=sent.repeats)
    assert gaps == [600, 1200, 2400, 3600, 3600, 3600]
    changed = plan(replace(group, arrivals=[resolve(at)]), rhythm, now=at + INTERVAL)
    assert (changed.reason, changed.repeats) == (Reason.RESOLVED, 0)


def test_a_cap_below_the_interval_changes_nothing() -> None:
    """A cap can only stop the growth; and a growth beyond all numbers is capped too."""
    assert replace(RHYTHM, repeat_max=1.0).repeat_after(0) == REPEAT
    assert replace(RHYTHM, repeat_backoff=10.0, repeat_max=2 * REPEAT).repeat_after(10**6) == 2 * REPEAT


def test_repeats_at_once_when_the_last_send_is_unknown() -> None:
    """What fires and has no known send is told, rather than never."""
    assert plan(replace(FIRING, last_sent_at=None, ticked_at=None), RHYTHM, now=NOW).reason is Reason.REPEAT


@pytest.mark.parametrize(
    "group",
    [
        pytest.param(replace(FIRING, arrivals=[arrival(NOW - 60)], ticked_at=NOW + 86_400), id="ticked tomorrow"),
        pytest.param(replace(FIRING, last_sent_at=NOW + 86_400, ticked_at=NOW + 86_400), id="fires, sent tomorrow"),
    ],
)
def test_survives_a_clock_that_was_set_back(group: Group) -> None:
    """Moments that lie ahead do not keep a group quiet until the clock has caught up."""
    assert plan(group, RHYTHM, now=NOW).reason is not None


MOMENTS = st.floats(0, 400).map(lambda seconds: NOW + seconds)
INTERVALS = st.integers(1, 120).map(float)
RHYTHMS = st.builds(
    Rhythm,
    group_wait=st.integers(0, 120).map(float),
    group_interval=INTERVALS,
    repeat_interval=INTERVALS,
    repeat_backoff=st.sampled_from([1.0, 2.0]),
    repeat_max=st.none() | INTERVALS,
)
ARRIVALS = st.lists(
    st.builds(Arrival, at=MOMENTS, starts_at=MOMENTS, status=st.sampled_from(list(Transition))), max_size=3
)
GROUPS = st.builds(
    Group,
    arrivals=ARRIVALS,
    held=ARRIVALS,
    released=st.booleans(),
    ticked_at=st.none() | MOMENTS,
    last_sent_at=st.none() | MOMENTS,
    repeats=st.integers(0, 5),
    firing=st.booleans(),
    repeatable=st.booleans(),
    leaves_firing=st.booleans(),
    leaves_repeatable=st.booleans(),
    quiet=st.booleans(),
    quiet_until=st.none() | MOMENTS,
)


@given(group=GROUPS, now=MOMENTS, rhythm=RHYTHMS)
def test_is_looked_at_again_in_time(group: Group, now: float, rhythm: Rhythm) -> None:
    """The next look lies ahead unless it is about to be sent, and whatever waits or fires is looked at again."""
    group = replace(group, quiet_until=group.quiet_until if group.quiet_until and group.quiet_until > now else None)
    step = plan(group, rhythm, now=now)
    if step.look_at is not None:
        assert step.look_at >= now
        assert math.isfinite(step.look_at)
    if step.reason is None and group.arrivals:
        assert step.look_at is not None


CHANGES = st.lists(st.tuples(st.integers(0, 600), st.sampled_from(["fire", "resolve", "mute", "unmute"])), max_size=20)


def parts(waiting: list[Arrival], *, told: bool, fires: bool) -> tuple[list[Arrival], list[Arrival]]:
    """Return what is to be told of a muted alert, the resolve of what was told, and what is held: that it fires now."""
    ends = [number for number, each in enumerate(waiting, 1) if each.status is Transition.RESOLVED]
    upto = ends[0] if told and ends else 0
    rest = waiting[upto:]
    return waiting[:upto], rest[-1:] if fires and rest else []


@given(changes=CHANGES, rhythm=RHYTHMS)
def test_rhythm(changes: list[tuple[int, str]], rhythm: Rhythm) -> None:
    """
    Over ten minutes of one alert coming, going and being muted, looked at every second, the promises of grouping hold.

    Sends are an interval apart, unless a mute ended; nothing waits longer than the wait or the interval; only what
    fires is repeated, and nothing of what is muted; and a group without news is told what it says it will be.
    """
    rhythm = replace(rhythm, repeat_backoff=1.0, repeat_max=None)
    group, fires, muted, sent_at = Group(), False, False, -math.inf
    for second in range(600 + 241):
        now = NOW + second
        for _, change in (each for each in changes if each[0] == second):
            ends_a_mute = muted and change == "unmute" and fires
            group = replace(group, released=(group.released or ends_a_mute) and change != "mute")
            muted = {"mute": True, "unmute": False}.get(change, muted)
            waiting = [*group.arrivals, *group.held]
            if change == "fire" and not fires:
                waiting, fires = [*waiting, arrival(now)], True
            elif change == "resolve" and fires:
                waiting, fires = [*waiting, resolve(now)], False
                group = replace(group, released=False)
            send, held = parts(waiting, told=group.firing, fires=fires) if muted else (waiting, [])
            firing = send[-1].status is Transition.FIRING if send else group.firing
            group = replace(
                group,
                arrivals=send,
                held=held,
                quiet=muted and fires,
                repeatable=group.firing and fires and not muted,
                leaves_firing=firing,
                leaves_repeatable=firing and not muted,
            )
        step = plan(group, rhythm, now=now)
        if step.reason is None:
            oldest = min((each.at for each in group.arrivals), default=now)
            assert now - oldest < max(rhythm.group_wait, rhythm.group_interval)
            group = replace(group, ticked_at=step.ticked_at)
            continue
        assert group.released or group.ticked_at is None or now - sent_at >= rhythm.group_interval - 1e-6
        assert group.arrivals or (fires and not muted)
        assert (step.reason is Reason.REPEAT) is not (bool(group.arrivals) or group.released)
        sent_at = now
        group = replace(
            group,
            arrivals=[],
            released=False,
            last_sent_at=now,
            ticked_at=step.ticked_at,
            repeats=step.repeats,
            firing=group.leaves_firing,
            repeatable=group.leaves_repeatable,
        )
    assert not group.arrivals
