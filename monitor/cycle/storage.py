"""How the database fares: kept below its size by shedding history; what a damaged one took with it is told."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from monitor.clock import Clock
from monitor.commit import Commit, Commits, Moment
from monitor.model.builtin import Builtin

__all__ = ["StorageHealth", "shed_until"]

log = structlog.get_logger()

_MB = 1024 * 1024
_DAY = 86400.0
_HOUR = 3600.0
_LEFT = 0.95  # of the limit, once history had to be shed: not every hour anew
_STEP = 0.25  # of what is older than is kept, at least, so that few steps do


class StorageHealth:
    """The built-in alerts about the database, in own time, and what keeps it small."""

    def __init__(self, commits: Commits, clock: Clock) -> None:
        self._commits = commits
        self._clock = clock

    async def evaluate(self, *, limit: int, keep: float = 0.0) -> None:
        """
        Shed history, oldest first, while the database is larger than `limit` bytes (0: unlimited); tell if it stays so.

        Nothing younger than a day, or than `keep` seconds where that is more, is shed: what windows, budget and
        cooldown look back at. Raises StorageError.
        """
        size = await self._commits.store.size()
        if 0 < limit < size:
            size = await self._shed(size, limit, self._clock.now() - max(keep, _DAY))
        now = self._clock.now()
        moment = Moment(server=now, own=now)
        async with self._commits.begin() as commit:
            await self._tell_size(commit, size, limit, moment)
            await self._tell_loss(commit, moment)

    async def _shed(self, size: int, limit: int, newest: float) -> int:
        """Shed what is needed of the history up to `newest`, and return the size after that."""
        before = size
        store = self._commits.store
        async with store.snapshot() as tx:
            shed = await tx.history.oldest()
        while size > limit * _LEFT and shed is not None and shed < newest:
            shed = shed_until(size=size, goal=limit * _LEFT, oldest=shed, newest=newest)
            async with store.transaction() as tx:
                await tx.history.shed(before=shed)
            size = await store.size()
        if size < before and shed is not None:
            await store.shrink()
            log.info("history shed", before=_date(shed), size=size, was=before, max_size=limit)
        return size

    async def _tell_size(self, commit: Commit, size: int, limit: int, moment: Moment) -> None:
        summary = (
            f"The database needs {size / _MB:.1f} MB, more than storage.max_size ({limit / _MB:.1f} MB), and no "
            "history is left that may be shed. Raise storage.max_size; meanwhile the database goes on growing."
        )
        await _raise(commit, "size", summary, true=0 < limit < size, moment=moment)

    async def _tell_loss(self, commit: Commit, moment: Moment) -> None:
        lost = await commit.tx.meta.replaces()
        summary = (
            ""
            if lost is None
            else (
                f"The database was damaged and was set aside as {lost.name} at {_date(lost.at)}; a new one begins. "
                "Runs count from then, what is rated by then is recorded as a new baseline without alerts, and what "
                "was open, waiting or over is forgotten: receivers may hold alerts that nobody resolves. "
                "To go back, stop the monitor and restore a backup."
            )
        )
        recent = lost is not None and moment.own - lost.at < _DAY
        await _raise(commit, "damaged", summary, true=recent, moment=moment)


def shed_until(*, size: float, goal: float, oldest: float, newest: float) -> float:
    """
    Return the time before which history is to be shed, to come from `size` bytes to `goal`.

    It lies after `oldest`, and at `newest` at the latest. The history between the two is taken for evenly spread; where
    it is not, the next step goes on from here.
    """
    share = max((size - goal) / size, _STEP)
    until = oldest + (newest - oldest) * share
    return newest if newest - until < _HOUR else until


async def _raise(commit: Commit, reason: str, summary: str, *, true: bool, moment: Moment) -> None:
    await commit.raise_builtin(
        Builtin.STORAGE_FAILING,
        project="",
        subject={"reason": reason},
        labels={},
        summary=summary,
        true=true,
        moment=moment,
    )


def _date(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
