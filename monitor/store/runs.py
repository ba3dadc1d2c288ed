"""The run ledger on disk."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.model.run import Run
from monitor.store import schema
from monitor.store.rows import decode, encode

__all__ = ["Runs"]

_runs = schema.runs


class Runs:
    """Reads and writes runs."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def open(self, project: str) -> dict[str, Run]:
        """Return the open runs of a project by conversation id."""
        query = select(_runs.c.body).where(_runs.c.project == project, _runs.c.ended_at.is_(None))
        runs = [decode(body, Run) for body in (await self._connection.scalars(query))]
        return {run.conversation_id: run for run in runs}

    async def ended_since(self, project: str, since: float) -> dict[str, float]:
        """Return when runs ended that ended at or after `since`, by conversation id."""
        query = (
            select(_runs.c.conversation_id, _runs.c.ended_at)
            .where(_runs.c.project == project, _runs.c.ended_at >= since)
            .order_by(_runs.c.ended_at)
        )
        return {row.conversation_id: row.ended_at for row in await self._connection.execute(query)}

    async def ended_between(self, project: str, after: float, until: float) -> list[Run]:
        """Return runs that ended after the one time and not after the other, in that order."""
        query = (
            select(_runs.c.body)
            .where(_runs.c.project == project, _runs.c.ended_at > after, _runs.c.ended_at <= until)
            .order_by(_runs.c.ended_at)
        )
        return [decode(body, Run) for body in (await self._connection.scalars(query))]

    async def get(self, run_id: str) -> Run | None:
        """Return one run."""
        body = await self._connection.scalar(select(_runs.c.body).where(_runs.c.id == run_id))
        return decode(body, Run) if body is not None else None

    async def newest(self, project: str, *, limit: int, conversation_id: str | None = None) -> list[Run]:
        """Return runs, open ones first, then the newest."""
        query = select(_runs.c.body).where(_runs.c.project == project)
        if conversation_id is not None:
            query = query.where(_runs.c.conversation_id == conversation_id)
        query = query.order_by(_runs.c.ended_at.is_not(None), _runs.c.began_at.desc()).limit(limit)
        return [decode(body, Run) for body in (await self._connection.scalars(query))]

    async def put(self, runs: Iterable[Run]) -> None:
        """Write runs as they are now."""
        rows = [
            {
                "id": run.id,
                "project": run.project,
                "conversation_id": run.conversation_id,
                "app_id": run.app.id if run.app else "",
                "began_at": run.began_at,
                "ended_at": run.ended_at,
                "body": encode(run),
            }
            for run in runs
        ]
        if rows:
            statement = insert(_runs)
            updated = {name: statement.excluded[name] for name in ("app_id", "ended_at", "body")}
            await self._connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=updated), rows)

    async def prune(self, project: str | None = None, *, before: float) -> None:
        """Forget runs that ended before then, of one project or of all."""
        old = delete(_runs).where(_runs.c.ended_at < before)
        await self._connection.execute(old if project is None else old.where(_runs.c.project == project))
