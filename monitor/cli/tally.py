"""What the demo's monitor found, beside what truly happened in the simulated world."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.cli.collector import Collector
from monitor.model.alert import Resolution
from monitor.model.conversation import Vote
from monitor.model.rating import Rater
from monitor.model.stop import StopMode, StopResult
from monitor.simulator.record import Record, StopEffect
from monitor.simulator.world import World
from monitor.store import Store

__all__ = ["Tally", "compare"]

_MANY = 100_000
_SHORTEST_RUN = 1.0  # seconds; a shorter run may come and go between two polls
_PROJECT = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Pairs of (found by the monitor, in the simulator's record), and what has no counterpart there."""

    runs: tuple[int, int]
    stopped: tuple[int, int]
    spared: int  # ended by themselves just before their stop
    ineffective: int
    negative: tuple[int, int]
    withdrawn: tuple[int, int]
    delivered: int
    bodies: int

    @property
    def agrees(self) -> bool:
        """Whether the monitor found what truly happened."""
        return all(found == true for found, true in (self.runs, self.stopped, self.negative, self.withdrawn))


async def compare(store: Store, world: World, collector: Collector, *, until: float) -> Tally:
    """Count what happened up to `until`, a time of the world's clock, on both sides."""
    record = world.record()
    async with store.snapshot() as tx:
        runs = await tx.runs.newest(_PROJECT, limit=_MANY)
        stops = [s for s in await tx.stops.newest(_PROJECT, limit=_MANY) if s.mode is StopMode.ENFORCE]
        changes = [c for c in await tx.ratings.changes(_PROJECT) if c.rating.by is Rater.USER]
        baseline_at = await tx.observations.baseline_at(_PROJECT) or world.start
        alerts = await tx.alerts.newest(limit=_MANY)
    stopped = [s for s in stops if s.result is StopResult.STOPPED and s.decided_at <= until]
    flagged = [a for a in alerts if a.identity.rule == "NegativeRating" and a.pending_since <= until + 1]
    return Tally(
        runs=_runs(record, {run.conversation_id for run in runs}, until),
        stopped=(len(stopped), len({s.run_id for s in record.stops if _worked(s.effect) and s.at <= until})),
        spared=sum(s.result is StopResult.ALREADY_FINISHED for s in stops),
        ineffective=sum(s.result is StopResult.INEFFECTIVE for s in stops),
        negative=_votes(
            record, {c.rating.chat_id for c in changes if c.rating.vote is Vote.NEGATIVE}, baseline_at, until
        ),
        withdrawn=(
            sum(a.resolution is Resolution.WITHDRAWN for a in flagged),
            sum(
                r.by == "user" and r.previous is False and r.vote is not False and baseline_at < r.at <= until
                for r in record.ratings
            ),
        ),
        delivered=len(collector.received),
        bodies=collector.bodies,
    )


def _worked(effect: StopEffect) -> bool:
    return effect in {StopEffect.STOPPED, StopEffect.LAGGING}


def _runs(record: Record, seen: set[str], until: float) -> tuple[int, int]:
    """Count the conversations with runs that were long enough to be seen, found and true."""
    true = {
        run.conversation_id
        for run in record.runs
        if run.began <= until
        and (run.ended is None or run.ended > record.start)
        and run.age(record.now) > _SHORTEST_RUN
    }
    return len(true & seen), len(true)


def _votes(record: Record, flagged: set[str], since: float, until: float) -> tuple[int, int]:
    """Count the chats that users rated negative after the baseline, found and true."""
    true = {r.chat_id for r in record.ratings if r.by == "user" and r.vote is False and since < r.at <= until}
    return len(true & flagged), len(true)
