from __future__ import annotations

from collections.abc import Callable

import pytest

from monitor.rules.files import RuleSet
from monitor.rules.rule import Threshold


@pytest.mark.parametrize(
    ("expr", "thresholds"),
    [
        ("run.age > run.limit", {("run.age", True, 0)}),
        ('run.age_estimate > duration("15m")', {("run.age_estimate", False, 900)}),
        (
            'run.busy > run.limit - duration("5m")',
            {("run.busy", False, 300), *(("run.busy", True, s) for s in (0, 300, -300))},
        ),
        ('duration("1h") < run.age && app.name != ""', {("run.age", False, 3600)}),
        (
            'run.age > duration("1h") && run.idle > duration("10m")',
            {(age, False, s) for age in ("run.age", "run.idle") for s in (3600, 600)},
        ),
        ("run.chats > 100", set()),
        ("run.age > run.idle", set()),
    ],
)
def test_thresholds(load_rule: Callable[[str], RuleSet], expr: str, thresholds: set[tuple[str, bool, float]]) -> None:
    """A rule tells at which ages of a run it may become true, so that nothing waits for the next poll."""
    [rule] = load_rule(f"on: run\nexpr: '{expr}'").rules
    assert set(rule.thresholds) == {Threshold(*threshold) for threshold in thresholds}
    assert len(rule.thresholds) == len(thresholds)


def test_the_moment_of_a_threshold_is_just_after_it() -> None:
    """At its moment an age has passed its threshold, in floating point too."""
    assert Threshold("run.age", of_limit=False, seconds=60).moment(1e9, 3600) == 1e9 + 60.001
    assert Threshold("run.age", of_limit=True, seconds=-60).moment(1e9, 3600) == 1e9 + 3540.001


def test_events_states_and_windows(load_rule: Callable[[str], RuleSet]) -> None:
    """A rule on single ratings is an event and expires; a rule on runs or windows is a state and does not."""
    [event] = load_rule("on: rating\nexpr: rating.value == 'negative'").rules
    [state] = load_rule("on: run\nexpr: run.age > run.limit\nfor: 5m\nkeep_firing_for: 1m").rules
    [window] = load_rule("on: rating\nwithin: 30m\nby: [app.id]\nexpr: count > 5\nfor: 1m").rules
    assert [rule.is_event for rule in (event, state, window)] == [True, False, False]
    assert [rule.is_window for rule in (event, state, window)] == [False, False, True]
    assert [rule.resolve_after for rule in (event, state, window)] == [86400, None, None]
    assert (state.for_, state.keep_firing_for) == (300, 60)
    assert (window.within, window.by, window.for_) == (1800, ("app.id",), 60)
    assert event.thresholds == window.thresholds == ()
