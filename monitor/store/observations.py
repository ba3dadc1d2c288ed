"""What is known about the polls themselves: passes, watermarks, the baseline."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.store import schema

__all__ = ["Observations", "Pass"]

_polls = schema.polls
_projects = schema.projects


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
