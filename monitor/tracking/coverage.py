"""
Coverage: when a project was observed, and what may have happened while it was not.

A project is observed as long as complete passes over its running list follow each other within three intervals. What is
longer is blind time, from the moment at which the next pass was expected; whether Alli failed or no daemon ran makes no
difference. Times are server time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from monitor.model.blind import Blind
from monitor.model.run import Run
from monitor.tracking.runs import Ledger

__all__ = ["Extended", "blind_after_pass", "extend", "mark", "may_hide", "newest_within", "observed_share"]

_INTERVALS = 3


class Extended(NamedTuple):
    """A blind time as it is to be kept, and how many seconds of it were not counted before."""

    blind: Blind
    added: float


def blind_after_pass(elapsed: float, *, now: float, interval: float) -> Blind | None:
    """Return the blind time that goes on at `now`, `elapsed` seconds after a complete pass; None while observed."""
    if elapsed <= _INTERVALS * interval:
        return None
    return Blind(began_at=now - elapsed + interval, ended_at=now)


def extend(newest: Blind | None, blind: Blind) -> Extended:
    """
    Return what `blind` makes of the newest blind time that is known: that one goes on when they overlap.

    What was counted is never counted again. A clock that was corrected may move the end back.
    """
    if newest is None or newest.ended_at < blind.began_at:
        return Extended(blind, blind.seconds)
    extended = replace(newest, ended_at=blind.ended_at)
    return Extended(extended, max(blind.ended_at - newest.ended_at, 0.0))


def observed_share(blinds: Iterable[Blind], *, since: float, until: float) -> float:
    """Return the share, 0 to 1, of the time between `since` and `until` that was observed."""
    if until <= since:
        return 1.0
    unseen = sum(max(min(blind.ended_at, until) - max(blind.began_at, since), 0.0) for blind in blinds)
    return max(1.0 - unseen / (until - since), 0.0)


def newest_within(blinds: Iterable[Blind], start: float, end: float) -> Blind | None:
    """Return the newest blind time of which any lies between `start` and `end`."""
    return max((b for b in blinds if b.overlaps(start, end)), key=lambda b: b.ended_at, default=None)


def mark(ledger: Ledger, blind: Blind, before: Mapping[str, Run]) -> Ledger:
    """
    Return the ledger of the first pass after a blind time, with that time on the runs which it concerns.

    These are all that it shows for the first time, and those that were last seen before it: `before` are the open runs
    by conversation id as they were.
    """
    followed = [
        replace(each, run=replace(each.run, blind=blind))
        if each.ended is not None or before[each.run.conversation_id].seen_at < blind.began_at
        else each
        for each in ledger.followed
    ]
    begun = [replace(run, blind=blind) for run in ledger.begun]
    return replace(ledger, begun=tuple(begun), followed=tuple(followed))


def may_hide(run: Run, *, true_since: float, interval: float) -> bool:
    """
    Return whether what an alert about `run` says may have happened in the newest blind time of the run.

    That is: the run was first seen at the end of it, or what the alert says was found true by the first looks after it.
    """
    if run.blind is None:
        return False
    began_in_it = run.blind.began_at <= run.began_at <= run.blind.ended_at
    return began_in_it or run.blind.began_at <= true_since <= run.blind.ended_at + interval
