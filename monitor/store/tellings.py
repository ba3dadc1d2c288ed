"""How far the telling of one alert has come, read from the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Row, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.model.alert import Transition
from monitor.model.intent import IntentState
from monitor.store import schema

__all__ = ["Telling", "Tellings"]

_transitions = schema.transitions
_intents = schema.intents
_groups = schema.groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """
    One transition on its way to one integration; times are own time.

    It was committed at `at`, put into a notification at `queued_at`, and accepted at `told_at`. That notification was
    tried `attempts` times so far; `error` is what its newest failure was, and `set_aside` says that it was the last.
    `muted_by` is why the alert was not told, or not repeated, when its group was last looked at. `route` is the key of
    the route that made the group.
    """

    integration: str
    route: str
    status: Transition
    at: float
    queued_at: float | None
    told_at: float | None
    attempts: int
    error: str
    set_aside: bool
    muted_by: str | None


class Tellings:
    """Reads them."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of(self, fingerprint: str) -> list[Telling]:
        """Return the transitions of an alert that its integrations were told or are to be told, in order."""
        its_group = and_(
            _groups.c.integration == _transitions.c.integration, _groups.c.group_key == _transitions.c.group_key
        )
        query = (
            select(
                _transitions,
                _groups.c.route,
                _groups.c.muted,
                _intents.c.created_at,
                _intents.c.attempts,
                _intents.c.state,
                _intents.c.error,
            )
            .join(_groups, its_group)
            .outerjoin(_intents, _intents.c.id == _transitions.c.intent_id)
            .where(_transitions.c.fingerprint == fingerprint)
            .order_by(_transitions.c.id)
        )
        return [_telling(row) for row in await self._connection.execute(query)]


def _telling(row: Row[Any]) -> Telling:
    return Telling(
        integration=row.integration,
        route=row.route,
        status=Transition(row.status),
        at=row.at,
        queued_at=row.created_at,
        told_at=row.told_at,
        attempts=row.attempts or 0,
        error=row.error or "",
        set_aside=row.state == IntentState.FAILED.value,
        muted_by=msgspec.json.decode(row.muted, type=dict[str, str]).get(row.fingerprint),
    )
