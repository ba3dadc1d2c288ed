"""What messages say about a run, out of the ledger."""

from __future__ import annotations

from dataclasses import replace

from monitor.model.facts import Facts
from monitor.model.run import Run

__all__ = ["of_run"]


def of_run(facts: Facts, run: Run, *, now: float) -> Facts:
    """
    Return `facts` with the ages of `run` at `now`, server time, or at its end where it has ended.

    A run that ended ran at least until it was last seen, and at most until it was first missing.
    """
    last_seen, until = (now, now) if run.ended_at is None else (run.seen_at, run.ended_at)
    step = run.last_step
    return replace(
        facts,
        age=max(last_seen - run.estimate_since, 0.0),
        age_at_most=None if run.not_running_at is None else max(until - run.not_running_at, 0.0),
        idle=max(last_seen - run.idle_since, 0.0),
        last_step=step.key if step is not None else "",
        last_step_ago=None if step is None or step.created_at is None else max(until - step.created_at, 0.0),
    )
