from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.model.conversation import App, Vote
from monitor.model.rating import Rater, RatingChange
from monitor.model.run import Run
from monitor.rules.cel import Truth
from monitor.rules.evaluate import Evaluation, evaluate
from monitor.rules.files import RuleSet, load
from monitor.rules.rule import Subject
from monitor.rules.variables import rating_variables, run_variables, window_variables

START = 1_700_000_000.0
FOLDER = Path(__file__).parents[3] / "rules"


@pytest.fixture(scope="module")
def shipped() -> RuleSet:
    """Return the rules that come with the package."""
    return load(sorted(FOLDER.glob("*.yml")))


def true_names(evaluations: list[Evaluation]) -> set[str]:
    """Return the names of the rules that are true."""
    assert [evaluation.failure for evaluation in evaluations if evaluation.failure] == []
    return {evaluation.rule.name for evaluation in evaluations if evaluation.truth is Truth.TRUE}


def test_every_rule_has_a_severity_and_says_what_happened(shipped: RuleSet) -> None:
    """Each shipped rule can be routed by severity and has a summary and a description."""
    assert {rule.labels["severity"] for rule in shipped.rules} == {"info", "warning", "critical"}
    assert all({"summary", "description"} <= rule.annotations.keys() for rule in shipped.rules)


def test_only_the_limit_stops(shipped: RuleSet) -> None:
    """Of all shipped rules, only the one on run.age and the limit stops a run."""
    assert [rule.name for rule in shipped.rules if rule.stops] == ["RunOverLimit"]


@pytest.mark.parametrize(
    ("minutes", "idle_minutes", "names"),
    [
        (15, 0, set()),
        (15.1, 0, {"RunSlow"}),
        (31, 9, {"RunSlow"}),
        (31, 11, {"RunSlow", "RunStuck"}),
        (61, 0, {"RunSlow", "RunOverLimit"}),
        (90, 30, {"RunSlow", "RunStuck", "RunOverLimit"}),
    ],
)
def test_runs(
    shipped: RuleSet, make_run: Callable[..., Run], minutes: float, idle_minutes: float, names: set[str]
) -> None:
    """A run is slow, then stuck if it is silent, then over its limit of an hour."""
    now = START + minutes * 60
    run = make_run(age_since=START, estimate_since=START, idle_since=now - idle_minutes * 60)
    evaluations = evaluate(shipped.by_subject(Subject.RUN), run_variables(run, limit=3600, now=now))
    assert true_names(evaluations) == names
    texts = [text for evaluation in evaluations for text in evaluation.annotations.values()]
    assert not any("<unknown>" in text or "{{" in text for text in texts)


@pytest.mark.parametrize(
    ("by", "previous", "vote", "names"),
    [
        (Rater.USER, Vote.NONE, Vote.NEGATIVE, {"NegativeRating"}),
        (Rater.USER, Vote.POSITIVE, Vote.NEGATIVE, {"NegativeRating", "RatingFlip"}),
        (Rater.AGENT, Vote.NONE, Vote.NEGATIVE, {"OperatorNegative"}),
        (Rater.USER, Vote.NEGATIVE, Vote.NONE, set()),
        (Rater.USER, Vote.NONE, Vote.POSITIVE, set()),
    ],
)
def test_ratings(
    shipped: RuleSet,
    make_change: Callable[..., RatingChange],
    *,
    by: Rater,
    previous: Vote,
    vote: Vote,
    names: set[str],
) -> None:
    """Negative ratings of users and staff are told apart, and a change of mind is told too."""
    rules = [rule for rule in shipped.by_subject(Subject.RATING) if rule.is_event]
    data = rating_variables(make_change(vote, by=by, previous=previous), now=START + 60)
    assert true_names(evaluate(rules, data)) == names


@pytest.mark.parametrize(("count", "users", "burst"), [(4, 4, False), (5, 2, False), (5, 3, True)])
def test_bursts(shipped: RuleSet, count: int, users: int, *, burst: bool) -> None:
    """Five negative ratings are a burst if they come from three users."""
    rules = [rule for rule in shipped.by_subject(Subject.RATING) if rule.is_window]
    app = App(id="a", name="A")
    data = window_variables({"app.id": app.id, "app.name": app.name}, project="p", count=count, users=users)
    assert true_names(evaluate(rules, data)) == ({"NegativeRatingBurst"} if burst else set())
