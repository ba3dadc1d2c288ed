from __future__ import annotations

from dataclasses import replace

from monitor.model.conversation import Step
from monitor.model.facts import Facts
from monitor.model.run import Outcome
from monitor.tracking.facts import of_run
from monitor.tracking.runs import end
from tests.support.build import START, run

RUN = replace(
    run(),
    estimate_since=START - 60,
    idle_since=START + 30,
    not_running_at=START - 70,
    seen_at=START + 100,
    last_step=Step(key="search", created_at=START + 40, completed=False),
)


def test_a_run_is_at_least_and_at_most_so_old() -> None:
    """Ages are those of the moment, by evidence and by when it was last seen not running; all else stays as it is."""
    assert of_run(Facts(timezone="Asia/Tokyo", limit=60.0), RUN, now=START + 105) == Facts(
        timezone="Asia/Tokyo",
        limit=60.0,
        age=165.0,
        age_at_most=175.0,
        idle=75.0,
        last_step="search",
        last_step_ago=65.0,
    )


def test_a_run_that_ended_is_no_older_than_it_became() -> None:
    """It ran at least until it was last seen and at most until it was missing, however late that is told."""
    facts = of_run(Facts(), end(RUN, Outcome.FINISHED, at=START + 110), now=START + 500)
    assert (facts.age, facts.age_at_most, facts.idle, facts.last_step_ago) == (160.0, 180.0, 70.0, 70.0)


def test_what_is_not_known_of_a_run_is_absent() -> None:
    """Without a look at which it did not run there is no upper limit, and without steps no last one."""
    facts = of_run(Facts(), replace(RUN, not_running_at=None, last_step=None), now=START + 105)
    assert (facts.age_at_most, facts.last_step, facts.last_step_ago) == (None, "", None)
