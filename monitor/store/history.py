"""What is over and can be shed when the database grows too large; what is still needed is never among it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.model.alert import AlertState
from monitor.model.stop import StopState
from monitor.store import schema
from monitor.store.alerts import Alerts
from monitor.store.outbox import Outbox
from monitor.store.ratings import Ratings
from monitor.store.runs import Runs
from monitor.store.stops import Stops

__all__ = ["History"]


class History:
    """Resolved alerts, deliveries, changes of ratings, ended runs and stops that are done, of every project."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def oldest(self) -> float | None:
        """Return when the oldest of it happened, None when there is none."""
        times = [await self._connection.scalar(query) for query in _OLDEST]
        return min((at for at in times if at is not None), default=None)

    async def shed(self, *, before: float) -> None:
        """
        Forget what was over before then.

        Open alerts and what was told of them, what waits in the outbox, open runs with their stops, stops that are not
        done, states of ratings and the baseline stay, whatever their age.
        """
        alerts = Alerts(self._connection)
        await Outbox(self._connection).prune(before=before, keep=await alerts.open())
        await alerts.prune(before=before)
        await Stops(self._connection).prune(before=before)
        await Runs(self._connection).prune(before=before)
        await Ratings(self._connection).forget_changes(before=before)


def _first(at: ColumnElement[float], *conditions: ColumnElement[bool]) -> Select[float]:
    return select(func.min(at)).where(*conditions)


_OLDEST = [
    _first(schema.alerts.c.changed_at, schema.alerts.c.state == AlertState.RESOLVED.value),
    _first(schema.intents.c.finished_at),
    _first(schema.rating_changes.c.seen_at),
    _first(schema.runs.c.ended_at),
    _first(schema.stops.c.decided_at, schema.stops.c.state == StopState.DONE.value),
    _first(schema.stop_requests.c.at),
    _first(schema.stop_log.c.at),
]
