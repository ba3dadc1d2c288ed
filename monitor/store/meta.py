"""What is known of the database itself."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.store import schema

__all__ = ["REPLACES", "REPLACES_AT", "VERSION", "Damaged", "Meta"]

VERSION = "version"  # of the alli-monitor that last opened it
REPLACES = "replaces"  # the name of the damaged database in whose place this one was made
REPLACES_AT = "replaces_at"  # ... and when, in own time

_meta = schema.meta


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """The database in whose place this one was made: the name it was set aside under, and when, in own time."""

    name: str
    at: float


class Meta:
    """Reads what is known of the database; it is written when the database is opened."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def replaces(self) -> Damaged | None:
        """Return the damaged database in whose place this one was made, None for one that had no such beginning."""
        rows = await self._connection.execute(select(_meta.c.key, _meta.c.value))
        facts = {row.key: row.value for row in rows}
        return Damaged(name=facts[REPLACES], at=float(facts[REPLACES_AT])) if REPLACES in facts else None
