"""Silences on disk."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.model.silence import Silence
from monitor.store import schema
from monitor.store.rows import decode, encode

__all__ = ["Silences"]

_silences = schema.silences


class Silences:
    """Reads and writes silences. Times are own time."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, silence_id: str) -> Silence | None:
        """Return one silence."""
        body = await self._connection.scalar(select(_silences.c.body).where(_silences.c.id == silence_id))
        return decode(body, Silence) if body is not None else None

    async def active(self, now: float) -> list[Silence]:
        """Return those that hold at `now`."""
        return await self._where(_silences.c.starts_at <= now, _ends_after(now))

    async def open(self, now: float) -> list[Silence]:
        """Return those that hold at `now` or will later."""
        return await self._where(_ends_after(now))

    async def newest(self, *, limit: int) -> list[Silence]:
        """Return silences, those over included, the newest first."""
        query = select(_silences.c.body).order_by(_silences.c.created_at.desc(), _silences.c.id).limit(limit)
        return [decode(body, Silence) for body in await self._connection.scalars(query)]

    async def put(self, silences: Iterable[Silence]) -> None:
        """Write silences as they are now."""
        rows = [_row(silence) for silence in silences]
        if rows:
            statement = insert(_silences)
            updated = {name: statement.excluded[name] for name in ("starts_at", "ends_at", "body")}
            await self._connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=updated), rows)

    async def prune(self, *, before: float) -> None:
        """Forget silences that ended before then."""
        await self._connection.execute(delete(_silences).where(_silences.c.ends_at < before))

    async def _where(self, *conditions: ColumnElement[bool]) -> list[Silence]:
        query = select(_silences.c.body).where(*conditions).order_by(_silences.c.created_at, _silences.c.id)
        return [decode(body, Silence) for body in await self._connection.scalars(query)]


def _ends_after(now: float) -> ColumnElement[bool]:
    return or_(_silences.c.ends_at.is_(None), _silences.c.ends_at > now)


def _row(silence: Silence) -> dict[str, object]:
    return {
        "id": silence.id,
        "created_at": silence.created_at,
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "body": encode(silence),
    }
