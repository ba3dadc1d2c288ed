"""What the demo's monitor found, beside what truly happened in the simulated world."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.cli.collector import Collector
from monitor.model.alert import Resolution
from monitor.model.stop import StopMode, StopResult
from monitor.simulator.entities import Ending
from monitor.simulator.record import Record
from monitor.simulator.world import World
from monitor.store import Store

__all__ = ["Pair", "Tally", "compare"]

_MANY = 100_000
_PROJECT = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """
    How many of the things that truly happened were found, and how many were found that never happened.

    `glimpsed` is how many of those that were not found nobody could see for long enough to be sure of them.
    """

    found: int
    true: int
    wrong: int = 0
    glimpsed: int = 0

    @property
    def agrees(self) -> bool:
        """Whether both sides say the same, as far as it could be seen."""
        return self.found + self.glimpsed == self.true and not self.wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the monitor found, and what has no counterpart in the simulator's record."""

    runs: Pair
    stopped: Pair
    negative: Pair
    withdrawn: Pair
    spared: int  # ended by themselves just before their stop
    ineffective: int
    delivered: int
    bodies: int

    @property
    def agrees(self) -> bool:
        """Whether the monitor found what truly happened, and nothing else."""
        return all(pair.agrees for pair in (self.runs, self.stopped, self.negative, self.withdrawn))


async def compare(store: Store, world: World, collector: Collector, *, until: float) -> Tally:
    """
    Compare both sides: what truly happened by `until`, a time of the world's clock, must have been found by now.

    What happened since then may have been found or not, but whatever was found must have happened. Nor need a run have
    been found that the list showed only once: that may have been before the first poll, or in an answer that came when
    it was over, so that `/running` denied it.
    """
    record = world.record()
    async with store.snapshot() as tx:
        runs = {run.conversation_id for run in await tx.runs.newest(_PROJECT, limit=_MANY)}
        stops = [s for s in await tx.stops.newest(_PROJECT, limit=_MANY) if s.mode is StopMode.ENFORCE]
        baseline_at = await tx.observations.baseline_at(_PROJECT) or world.start
        alerts = [a for a in await tx.alerts.newest(limit=_MANY) if a.identity.rule == "NegativeRating"]
    flagged = {dict(a.identity.subject)["chat_id"] for a in alerts}
    withdrawn = {dict(a.identity.subject)["chat_id"] for a in alerts if a.resolution is Resolution.WITHDRAWN}
    stopped = {s.conversation_id for s in stops if s.result is StopResult.STOPPED}
    return Tally(
        runs=_pair(
            runs,
            {run.conversation_id: run.listed_at for run in record.runs if run.listed_at is not None},
            until,
            listed_again={run.conversation_id for run in record.runs if run.listed_at != run.listed_until},
        ),
        stopped=_pair(stopped, {r.conversation_id: r.ended for r in record.runs if r.ending is Ending.STOPPED}, until),
        negative=_pair(flagged, _votes(record, baseline_at, negative=True), until),
        withdrawn=_pair(withdrawn, _votes(record, baseline_at, negative=False), until),
        spared=sum(s.result is StopResult.ALREADY_FINISHED for s in stops),
        ineffective=sum(s.result is StopResult.INEFFECTIVE for s in stops),
        delivered=len(collector.received),
        bodies=collector.bodies,
    )


def _pair(
    found: set[str], true: dict[str, float | None], until: float, *, listed_again: set[str] | None = None
) -> Pair:
    by_then = {key for key, at in true.items() if at is not None and at <= until}
    glimpsed = by_then - found - listed_again if listed_again is not None else set()
    return Pair(found=len(found & by_then), true=len(by_then), wrong=len(found - true.keys()), glimpsed=len(glimpsed))


def _votes(record: Record, since: float, *, negative: bool) -> dict[str, float | None]:
    """Return the chats that users rated negative after the baseline, or withdrew that, with the time of it."""
    changes = [r for r in record.ratings if r.by == "user" and r.at > since]
    if negative:
        return {r.chat_id: r.at for r in changes if r.vote is False}
    return {r.chat_id: r.at for r in changes if r.previous is False and r.vote is not False}
