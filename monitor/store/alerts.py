"""Alerts on disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.model.alert import Alert, AlertState
from monitor.store import schema
from monitor.store.rows import decode, encode

__all__ = ["Alerts"]

_alerts = schema.alerts


class Alerts:
    """Reads and writes alerts."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, fingerprint: str) -> Alert | None:
        """Return one alert."""
        body = await self._connection.scalar(select(_alerts.c.body).where(_alerts.c.fingerprint == fingerprint))
        return decode(body, Alert) if body is not None else None

    async def open(
        self,
        project: str | None = None,
        *,
        rules: Sequence[str] | None = None,
        conversation_id: str | None = None,
        run_id: str | None = None,
    ) -> dict[str, Alert]:
        """Return pending and firing alerts, by fingerprint."""
        query = select(_alerts.c.body).where(_alerts.c.state != AlertState.RESOLVED.value)
        wanted = {_alerts.c.project: project, _alerts.c.conversation_id: conversation_id, _alerts.c.run_id: run_id}
        for column, value in wanted.items():
            if value is not None:
                query = query.where(column == value)
        if rules is not None:
            query = query.where(_alerts.c.rule.in_(rules))
        alerts = [decode(body, Alert) for body in (await self._connection.scalars(query))]
        return {alert.fingerprint: alert for alert in alerts}

    async def resolved_since(self, since: float) -> list[Alert]:
        """Return alerts resolved at or after `since`, in the time of their project."""
        query = select(_alerts.c.body).where(
            _alerts.c.state == AlertState.RESOLVED.value, _alerts.c.changed_at >= since
        )
        return [decode(body, Alert) for body in (await self._connection.scalars(query))]

    async def newest(
        self,
        *,
        limit: int,
        project: str | None = None,
        conversation_id: str | None = None,
        only_open: bool = False,
    ) -> list[Alert]:
        """Return alerts, the newest change first."""
        query = select(_alerts.c.body).order_by(_alerts.c.changed_at.desc()).limit(limit)
        if project is not None:
            query = query.where(_alerts.c.project == project)
        if conversation_id is not None:
            query = query.where(_alerts.c.conversation_id == conversation_id)
        if only_open:
            query = query.where(_alerts.c.state != AlertState.RESOLVED.value)
        return [decode(body, Alert) for body in (await self._connection.scalars(query))]

    async def put(self, alerts: Iterable[Alert]) -> None:
        """Write alerts as they are now."""
        rows = [_row(alert) for alert in alerts]
        if rows:
            statement = insert(_alerts)
            updated = {name: statement.excluded[name] for name in ("state", "changed_at", "body")}
            await self._connection.execute(
                statement.on_conflict_do_update(index_elements=["fingerprint"], set_=updated), rows
            )

    async def forget(self, fingerprint: str) -> None:
        """Forget an alert that was pending and is no more."""
        await self._connection.execute(delete(_alerts).where(_alerts.c.fingerprint == fingerprint))

    async def prune(self, *, before: float) -> None:
        """Forget alerts resolved before then."""
        resolved = _alerts.c.state == AlertState.RESOLVED.value
        await self._connection.execute(delete(_alerts).where(resolved, _alerts.c.changed_at < before))


def _row(alert: Alert) -> dict[str, object]:
    subject = dict(alert.identity.subject)
    return {
        "fingerprint": alert.fingerprint,
        "project": alert.identity.project,
        "rule": alert.identity.rule,
        "conversation_id": subject.get("conversation_id", ""),
        "run_id": subject.get("run_id", ""),
        "state": alert.state.value,
        "changed_at": alert.resolved_at or alert.fired_at or alert.pending_since,
        "body": encode(alert),
    }
