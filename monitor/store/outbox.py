"""The outbox on disk: intents, the transitions that notifications carry, groups, and how destinations fare."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.model.alert import AlertState, Transition
from monitor.model.intent import Intent, IntentKind, IntentState
from monitor.model.notification import Entry
from monitor.store import schema
from monitor.store.rows import decode, encode

__all__ = ["Backlog", "Health", "NotificationGroup", "Outbox", "Untold"]

_alerts = schema.alerts
_intents = schema.intents
_transitions = schema.transitions
_groups = schema.groups
_deliveries = schema.deliveries


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationGroup:
    """A group of alerts at one integration; `route` is the key of the route that made it, `last_sent_at` own time."""

    integration: str
    key: str
    route: str
    labels: Mapping[str, str]
    last_sent_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """A transition that no delivery carries yet; `at` is own time."""

    id: int
    at: float
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits for one destination; `oldest_at` is own time."""

    destination: str
    pending: int
    oldest_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How one destination fares; times are own time."""

    destination: str
    failing_since: float | None = None
    attempts: int = 0
    error: str = ""
    permanent: bool = False
    delivered_at: float | None = None


class Outbox:
    """Reads and writes the outbox."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    # Transitions and groups

    async def tell(self, group: NotificationGroup, entry: Entry, *, at: float) -> None:
        """Note that an integration must be told of a transition, and in which group."""
        labels = encode(dict(group.labels))
        statement = insert(_groups).values(
            integration=group.integration, group_key=group.key, route=group.route, labels=labels
        )
        updated = {"route": group.route, "labels": labels}
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=["integration", "group_key"], set_=updated)
        )
        await self._connection.execute(
            insert(_transitions).values(
                integration=group.integration,
                group_key=group.key,
                fingerprint=entry.fingerprint,
                status=entry.status.value,
                at=at,
                body=encode(entry),
            )
        )

    async def groups(self) -> list[NotificationGroup]:
        """Return every group."""
        return [_group(row) for row in await self._connection.execute(select(_groups))]

    async def untold(self) -> dict[tuple[str, str], list[Untold]]:
        """Return the transitions that no delivery carries yet, in order, by integration and group key."""
        query = select(_transitions).where(_transitions.c.intent_id.is_(None)).order_by(_transitions.c.id)
        found: dict[tuple[str, str], list[Untold]] = {}
        for row in await self._connection.execute(query):
            waiting = Untold(id=row.id, at=row.at, entry=decode(row.body, Entry))
            found.setdefault((row.integration, row.group_key), []).append(waiting)
        return found

    async def told_firing(self) -> dict[tuple[str, str], list[Entry]]:
        """
        Return the entries of alerts whose newest transition in a group is a firing, by integration and group key.

        Alerts that fire no more are left out, except where their resolve waits to be told.
        """
        firing = select(_alerts.c.fingerprint).where(_alerts.c.state == AlertState.FIRING.value)
        untold = select(_transitions.c.fingerprint).where(_transitions.c.intent_id.is_(None))
        told = _transitions.c.intent_id.is_not(None)
        newest = (
            select(func.max(_transitions.c.id))
            .where(told, or_(_transitions.c.fingerprint.in_(firing), _transitions.c.fingerprint.in_(untold)))
            .group_by(_transitions.c.integration, _transitions.c.group_key, _transitions.c.fingerprint)
        )
        query = (
            select(_transitions)
            .where(_transitions.c.id.in_(newest), _transitions.c.status == Transition.FIRING.value)
            .order_by(_transitions.c.id)
        )
        found: dict[tuple[str, str], list[Entry]] = {}
        for row in await self._connection.execute(query):
            found.setdefault((row.integration, row.group_key), []).append(decode(row.body, Entry))
        return found

    async def told_resolved(self, *, since: float) -> dict[tuple[str, str], list[Entry]]:
        """Return the entries of resolves that were told at or after `since`, by integration and group key."""
        query = (
            select(_transitions)
            .where(_transitions.c.status == Transition.RESOLVED.value, _transitions.c.told_at >= since)
            .order_by(_transitions.c.id)
        )
        found: dict[tuple[str, str], list[Entry]] = {}
        for row in await self._connection.execute(query):
            found.setdefault((row.integration, row.group_key), []).append(decode(row.body, Entry))
        return found

    async def groups_told(self, fingerprint: str) -> list[tuple[NotificationGroup, Entry]]:
        """Return the groups in which an alert's newest transition is a firing, with it: there its resolve belongs."""
        newest = (
            select(func.max(_transitions.c.id))
            .where(_transitions.c.fingerprint == fingerprint)
            .group_by(_transitions.c.integration, _transitions.c.group_key)
        )
        same_group = and_(
            _transitions.c.integration == _groups.c.integration, _transitions.c.group_key == _groups.c.group_key
        )
        query = (
            select(_groups, _transitions.c.body)
            .join(_transitions, same_group)
            .where(_transitions.c.id.in_(newest), _transitions.c.status == Transition.FIRING.value)
        )
        return [(_group(row), decode(row.body, Entry)) for row in await self._connection.execute(query)]

    async def carry(self, group: NotificationGroup, transitions: Sequence[int], intent_id: int, *, at: float) -> None:
        """Note that a delivery carries these transitions of a group, made at `at`."""
        await self._connection.execute(
            update(_transitions).where(_transitions.c.id.in_(transitions)).values(intent_id=intent_id)
        )
        await self._connection.execute(
            update(_groups)
            .where(_groups.c.integration == group.integration, _groups.c.group_key == group.key)
            .values(last_sent_at=at)
        )

    # Intents

    async def add(
        self, kind: IntentKind, *, lane: str, destination: str, payload: str, due_at: float, at: float
    ) -> int:
        """Put an intent into the outbox and return its id."""
        statement = (
            insert(_intents)
            .values(
                kind=kind.value,
                lane=lane,
                destination=destination,
                payload=payload,
                state=IntentState.WAITING.value,
                due_at=due_at,
                attempts=0,
                created_at=at,
                error="",
            )
            .returning(_intents.c.id)
        )
        new_id: int = (await self._connection.execute(statement)).scalar_one()
        return new_id

    async def ready(self, *, now: float, limit: int, busy: Collection[str] = ()) -> list[Intent]:
        """
        Return the first unfinished intent of each lane, where it is due and nobody holds it.

        Stops come first, then what is oldest. Notifications to a `busy` destination are left out.
        """
        free = or_(_intents.c.claimed_until.is_(None), _intents.c.claimed_until < now)
        query = select(_intents).where(*_first_of_lanes(busy), _intents.c.due_at <= now, free)
        in_order = query.order_by(_intents.c.kind != IntentKind.STOP.value, _intents.c.id)
        rows = await self._connection.execute(in_order.limit(limit))
        return [
            Intent(
                id=row.id,
                kind=IntentKind(row.kind),
                lane=row.lane,
                destination=row.destination,
                payload=row.payload,
                due_at=row.due_at,
                attempts=row.attempts,
                created_at=row.created_at,
            )
            for row in rows
        ]

    async def lanes(self, kind: IntentKind) -> set[str]:
        """Return the lanes that hold unfinished intents of a kind."""
        unfinished = (_intents.c.kind == kind.value, _intents.c.state == IntentState.WAITING.value)
        return set(await self._connection.scalars(select(_intents.c.lane).where(*unfinished).distinct()))

    async def next_due_at(self, *, busy: Collection[str] = ()) -> float | None:
        """Return when the next intent that nobody holds is due, not counting notifications to a `busy` destination."""
        query = select(func.min(_intents.c.due_at)).where(*_first_of_lanes(busy), _intents.c.claimed_by.is_(None))
        at: float | None = await self._connection.scalar(query)
        return at

    async def claim(self, intent_id: int, *, by: str, until: float, now: float) -> bool:
        """Take an intent for ourselves; false when somebody else has it or it is done."""
        free = or_(_intents.c.claimed_until.is_(None), _intents.c.claimed_until < now)
        result = await self._connection.execute(
            update(_intents)
            .where(_intents.c.id == intent_id, _intents.c.state == IntentState.WAITING.value, free)
            .values(claimed_by=by, claimed_until=until, attempts=_intents.c.attempts + 1)
        )
        return result.rowcount == 1

    async def release_all(self) -> None:
        """Give back what a daemon that died was holding. Only for one that has the database to itself."""
        await self._connection.execute(update(_intents).values(claimed_by=None, claimed_until=None))

    async def postpone(self, intent_id: int, *, until: float, error: str) -> None:
        """Give an intent back, to be handled again at `until`."""
        await self._connection.execute(
            update(_intents)
            .where(_intents.c.id == intent_id)
            .values(due_at=until, claimed_by=None, claimed_until=None, error=error)
        )

    async def finish(self, intent_id: int, state: IntentState, *, at: float, error: str = "") -> None:
        """Note that an intent wants no more handling, and that its transitions were told if it was done."""
        await self._connection.execute(
            update(_intents)
            .where(_intents.c.id == intent_id)
            .values(state=state.value, finished_at=at, claimed_by=None, claimed_until=None, error=error)
        )
        if state is IntentState.DONE:
            await self._connection.execute(
                update(_transitions).where(_transitions.c.intent_id == intent_id).values(told_at=at)
            )

    async def wake(self, lane: str, *, at: float) -> None:
        """Make the waiting intents of a lane due at `at` at the latest."""
        await self._connection.execute(
            update(_intents)
            .where(_intents.c.lane == lane, _intents.c.state == IntentState.WAITING.value, _intents.c.due_at > at)
            .values(due_at=at)
        )

    async def backlog(self) -> dict[str, Backlog]:
        """Return what waits for each integration: transitions not told yet."""
        query = (
            select(_transitions.c.integration, func.count(), func.min(_transitions.c.at))
            .outerjoin(_intents, _intents.c.id == _transitions.c.intent_id)
            .where(
                _transitions.c.told_at.is_(None),
                or_(_transitions.c.intent_id.is_(None), _intents.c.state == IntentState.WAITING.value),
            )
            .group_by(_transitions.c.integration)
        )
        rows = await self._connection.execute(query)
        return {name: Backlog(destination=name, pending=count, oldest_at=at) for name, count, at in rows}

    # How destinations fare

    async def health(self) -> dict[str, Health]:
        """Return how each destination that was ever used fares."""
        rows = await self._connection.execute(select(_deliveries))
        return {row.destination: Health(**row._mapping) for row in rows}  # noqa: SLF001 - public in spite of its name

    async def record_health(self, health: Health) -> None:
        """Note how a destination fares now."""
        values = {name: getattr(health, name) for name in Health.__dataclass_fields__ if name != "destination"}
        statement = insert(_deliveries).values(destination=health.destination, **values)
        await self._connection.execute(statement.on_conflict_do_update(index_elements=["destination"], set_=values))

    async def prune(self, *, before: float, keep: Iterable[str]) -> None:
        """Forget what was done before then, except about alerts (by fingerprint) that are still open."""
        finished = and_(_intents.c.state != IntentState.WAITING.value, _intents.c.finished_at < before)
        old = select(_intents.c.id).where(finished)
        await self._connection.execute(
            delete(_transitions).where(_transitions.c.intent_id.in_(old), _transitions.c.fingerprint.not_in(list(keep)))
        )
        await self._connection.execute(delete(_intents).where(finished))
        left = select(_transitions.c.integration).where(
            _transitions.c.integration == _groups.c.integration, _transitions.c.group_key == _groups.c.group_key
        )
        await self._connection.execute(delete(_groups).where(~left.exists()))


def _first_of_lanes(busy: Collection[str]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return what holds for the first unfinished intent of each lane, without notifications to busy destinations."""
    unfinished = _intents.c.state == IntentState.WAITING.value
    first = select(func.min(_intents.c.id)).where(unfinished).group_by(_intents.c.lane)
    reachable = or_(_intents.c.kind != IntentKind.NOTIFY.value, _intents.c.destination.not_in(busy))
    return _intents.c.id.in_(first), reachable


def _group(row: Row[Any]) -> NotificationGroup:
    return NotificationGroup(
        integration=row.integration,
        key=row.group_key,
        route=row.route,
        labels=msgspec.json.decode(row.labels, type=dict[str, str]),
        last_sent_at=row.last_sent_at,
    )
