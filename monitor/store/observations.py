"""What is known about the polls themselves: passes, watermarks, the baseline."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.model.blind import Blind
from monitor.store import schema

__all__ = ["Observations", "Pass"]

_polls = schema.polls
_projects = schema.projects
_blind = schema.blind_times


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """
    The newest complete pass of one poll: when it was asked for and when its last page was answered, in server time.

    `own_at` is the latter in own time; `watermark` is where the next incremental pass starts, in server time.
    """

    asked_at: float
    completed_at: float
    own_at: float
    watermark: float | None = None


class Observations:
    """Reads and writes what is known about the polls."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def newest_pass(self, project: str, poll: str) -> Pass | None:
        """Return the newest complete pass of a poll, None when there was none yet."""
        columns = (_polls.c.asked_at, _polls.c.completed_at, _polls.c.own_at, _polls.c.watermark)
        query = select(*columns).where(_polls.c.project == project, _polls.c.poll == poll)
        row = (await self._connection.execute(query)).one_or_none()
        return Pass(**row._mapping) if row is not None else None  # noqa: SLF001 - public in spite of its name

    async def record_pass(self, project: str, poll: str, done: Pass) -> None:
        """Note that a pass was complete."""
        values = asdict(done)
        statement = insert(_polls).values(project=project, poll=poll, **values)
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=["project", "poll"], set_=values),
        )

    async def baseline_at(self, project: str) -> float | None:
        """Return when the baseline of a project was recorded, None when it was not."""
        query = select(_projects.c.baseline_at).where(_projects.c.project == project)
        at: float | None = await self._connection.scalar(query)
        return at

    async def record_baseline(self, project: str, at: float) -> None:
        """Note, once and for all, that the baseline of a project was recorded."""
        statement = insert(_projects).values(project=project, baseline_at=at)
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=["project"], set_={"baseline_at": at}),
        )

    async def newest_blind(self, project: str) -> Blind | None:
        """Return the newest blind time of a project, None when there is none."""
        query = select(_blind.c.began_at, _blind.c.ended_at).where(_blind.c.project == project)
        row = (await self._connection.execute(query.order_by(_blind.c.ended_at.desc()).limit(1))).one_or_none()
        return Blind(began_at=row.began_at, ended_at=row.ended_at) if row is not None else None

    async def blind_times(self, project: str, *, since: float) -> list[Blind]:
        """Return the blind times of a project of which any lies after `since`, in order."""
        query = select(_blind.c.began_at, _blind.c.ended_at).where(
            _blind.c.project == project, _blind.c.ended_at > since
        )
        rows = await self._connection.execute(query.order_by(_blind.c.began_at))
        return [Blind(began_at=row.began_at, ended_at=row.ended_at) for row in rows]

    async def put_blind(self, project: str, blind: Blind, *, forget_before: float) -> None:
        """Write a blind time as it is now, by when it began, and forget those that ended before `forget_before`."""
        statement = insert(_blind).values(project=project, began_at=blind.began_at, ended_at=blind.ended_at)
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["project", "began_at"], set_={"ended_at": statement.excluded.ended_at}
            ),
        )
        await self._connection.execute(
            delete(_blind).where(_blind.c.project == project, _blind.c.ended_at < forget_before)
        )
