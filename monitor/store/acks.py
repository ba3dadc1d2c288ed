"""Acknowledgements on disk: of each alert, the newest."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.model.ack import Ack
from monitor.store import schema
from monitor.store.rows import decode, encode

__all__ = ["Acks"]

_acks = schema.acks


class Acks:
    """Reads and writes acknowledgements. Times are own time."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def active(self) -> dict[str, Ack]:
        """Return those of which no end was written yet, by fingerprint; `monitor.alerting.acks` tells which end now."""
        query = select(_acks.c.body).where(_acks.c.ended_at.is_(None)).order_by(_acks.c.at, _acks.c.fingerprint)
        acks = [decode(body, Ack) for body in await self._connection.scalars(query)]
        return {ack.fingerprint: ack for ack in acks}

    async def newest(self, *, limit: int) -> list[Ack]:
        """Return acknowledgements, those that ended included, the newest first."""
        query = select(_acks.c.body).order_by(_acks.c.at.desc(), _acks.c.fingerprint).limit(limit)
        return [decode(body, Ack) for body in await self._connection.scalars(query)]

    async def put(self, acks: Iterable[Ack]) -> None:
        """Write acknowledgements as they are now; each takes the place of an earlier one of its alert."""
        rows = [_row(ack) for ack in acks]
        if rows:
            statement = insert(_acks)
            updated = {name: statement.excluded[name] for name in ("at", "ended_at", "body")}
            await self._connection.execute(
                statement.on_conflict_do_update(index_elements=["fingerprint"], set_=updated), rows
            )

    async def prune(self, *, before: float) -> None:
        """Forget acknowledgements that ended before then."""
        await self._connection.execute(delete(_acks).where(_acks.c.ended_at < before))


def _row(ack: Ack) -> dict[str, object]:
    return {"fingerprint": ack.fingerprint, "at": ack.at, "ended_at": ack.ended_at, "body": encode(ack)}
