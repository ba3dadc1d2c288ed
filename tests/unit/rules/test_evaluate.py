from __future__ import annotations

from collections.abc import Callable

from monitor.model.conversation import App, Vote
from monitor.model.rating import RatingChange
from monitor.model.run import Run
from monitor.rules.cel import Truth
from monitor.rules.evaluate import evaluate, evaluate_where
from monitor.rules.files import RuleSet
from monitor.rules.variables import rating_variables, run_variables, window_variables

START = 1_700_000_000.0


def test_annotations_are_rendered_only_for_what_is_true(
    load_rule: Callable[[str], RuleSet], make_run: Callable[..., Run]
) -> None:
    """A rule that is true says why in its annotations; one that is false says nothing."""
    rules = load_rule("on: run\nexpr: run.age > run.limit\nannotations: {summary: '{{ run.age }}'}").rules
    [early] = evaluate(rules, run_variables(make_run(), limit=3600, now=START + 3600))
    [late] = evaluate(rules, run_variables(make_run(), limit=3600, now=START + 3661))
    assert (early.truth, early.annotations) == (Truth.FALSE, {})
    assert (late.truth, late.annotations) == (Truth.TRUE, {"summary": "1h 1m"})


def test_an_absent_variable_is_no_failure(load_rule: Callable[[str], RuleSet], make_run: Callable[..., Run]) -> None:
    """A rule about an age that is unknown is itself unknown, which is nothing to alert on."""
    rules = load_rule("on: run\nexpr: run.age_at_most > run.limit").rules
    [evaluation] = evaluate(rules, run_variables(make_run(not_running_at=None), limit=1, now=START))
    assert (evaluation.truth, evaluation.failure) == (Truth.UNKNOWN, None)


def test_a_failing_rule_does_not_hide_others(load_rule: Callable[[str], RuleSet], make_run: Callable[..., Run]) -> None:
    """A failure is reported with its rule, and the rules beside it are evaluated all the same."""
    [failing] = load_rule("on: run\nexpr: 1 / (run.chats - 3) > 0").rules
    [fine] = load_rule("on: run\nexpr: run.chats == 3").rules
    first, second = evaluate([failing, fine], run_variables(make_run(), limit=1, now=START))
    assert (first.rule, first.truth, first.failure) == (failing, Truth.UNKNOWN, "INVALID_ARGUMENT: divide by zero")
    assert (second.rule, second.truth, second.failure) == (fine, Truth.TRUE, None)


def test_windows_are_asked_twice(load_rule: Callable[[str], RuleSet], make_change: Callable[..., RatingChange]) -> None:
    """`where` decides about each change, `expr` about the window that the changes make."""
    lines = "on: rating\nwhere: rating.value == 'negative'\nwithin: 30m\nby: [app.id]\nexpr: count >= 5"
    rules = load_rule(lines + "\nannotations: {summary: '{{ app.name }} {{ count }}'}").rules
    votes = [Vote.NEGATIVE, Vote.POSITIVE]
    changes = [rating_variables(make_change(vote, app=App(id="a", name="A")), now=START) for vote in votes]
    assert [evaluate_where(rules, change)[0].truth for change in changes] == [Truth.TRUE, Truth.FALSE]
    by = {"app.id": "a", "app.name": "A"}
    [few] = evaluate(rules, window_variables(by, project="p", count=4, users=2))
    [many] = evaluate(rules, window_variables(by, project="p", count=5, users=2))
    assert (few.truth, many.truth, many.annotations) == (Truth.FALSE, Truth.TRUE, {"summary": "A 5"})


def test_without_where_every_change_counts(
    load_rule: Callable[[str], RuleSet], make_change: Callable[..., RatingChange]
) -> None:
    """A window without `where` counts everything, and rules that are no windows are not asked."""
    [window] = load_rule("on: rating\nwithin: 30m\nexpr: count >= 5").rules
    [event] = load_rule("on: rating\nexpr: rating.value == 'negative'").rules
    [evaluation] = evaluate_where([event, window], rating_variables(make_change(Vote.NONE), now=START))
    assert (evaluation.rule, evaluation.truth) == (window, Truth.TRUE)
