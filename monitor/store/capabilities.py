"""What the newest probe of each project's server found."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.model.capabilities import Capabilities
from monitor.store import schema
from monitor.store.rows import decode, encode

__all__ = ["CapabilityRecords"]

_capabilities = schema.capabilities


class CapabilityRecords:
    """Reads and writes what probes found."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, project: str, base_url: str) -> Capabilities | None:
        """Return what the newest probe of the project found, None if there was none or it was of another server."""
        query = select(_capabilities.c.body).where(
            _capabilities.c.project == project, _capabilities.c.base_url == base_url
        )
        body: str | None = await self._connection.scalar(query)
        return decode(body, Capabilities) if body is not None else None

    async def put(self, project: str, base_url: str, found: Capabilities, *, own_at: float) -> None:
        """Write what a probe found; `own_at` is when, in own time."""
        values = {"base_url": base_url, "probed_at": found.probed_at, "own_at": own_at, "body": encode(found)}
        statement = insert(_capabilities).values(project=project, **values)
        await self._connection.execute(statement.on_conflict_do_update(index_elements=["project"], set_=values))
