"""The outbox on disk: intents, the transitions that notifications carry, groups, and how destinations fare."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Table, and_, bindparam, case, delete, func, or_, select, update
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

_earlier = _intents.alias()
_IS_FIRST = ~(
    select(_earlier.c.id)
    .where(_earlier.c.lane == _intents.c.lane, _earlier.c.state == IntentState.WAITING.value)
    .where(_earlier.c.id < _intents.c.id)
    .exists()
)
"""Of an intent: it is the first unfinished one of its lane."""

_IS_STATE = _transitions.c.status != Transition.ACKNOWLEDGED.value
"""Of a transition: it changes whether its alert fires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationGroup:
    """
    A group of alerts at one integration; times are own time.

    `route` is the key of the route that made it, `last_sent_at` when a notification was last made of it, `ticked_at`
    what its rhythm counts from, `repeats` how many of its last notifications only repeated, and `muted` says, by
    fingerprint, why what fires in it was not told, or is not repeated, when it was last looked at.
    """

    integration: str
    key: str
    route: str
    labels: Mapping[str, str] = field(hash=False)
    last_sent_at: float | None = None
    ticked_at: float | None = None
    repeats: int = 0
    muted: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def lane(self) -> str:
        """The lane of its notifications: they are told one after the other."""
        return f"{self.integration} {self.key}"


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
    """
    How one destination fares; times are own time.

    `permanent` says that it refuses whatever it is sent, and `set_aside_at` when a notification was last given up
    because of what stood in it.
    """

    destination: str
    failing_since: float | None = None
    attempts: int = 0
    error: str = ""
    permanent: bool = False
    delivered_at: float | None = None
    set_aside_at: float | None = None


class Outbox:
    """Reads and writes the outbox."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._looks: dict[NotificationGroup, float] = {}  # what `look` has seen to; a storm is about few groups
        self._found: dict[tuple[str, str], NotificationGroup | None] = {}

    # Transitions and groups

    async def tell(self, group: NotificationGroup, entry: Entry, *, at: float, due_at: float) -> None:
        """Note that an integration must be told of a transition, in which group, and when to look at that."""
        await self.look(group, due_at=due_at)
        await self._connection.execute(
            insert(_transitions).values(
                integration=group.integration,
                group_key=group.key,
                fingerprint=entry.fingerprint,
                status=entry.status.value,
                at=at,
                rank=entry.rank,
                body=encode(entry),
            )
        )

    async def look(self, group: NotificationGroup, *, due_at: float) -> None:
        """Have a group, which may be new, looked at by `due_at`."""
        if self._looks.get(group, math.inf) <= due_at:
            return
        self._looks[group] = due_at
        labels = encode(dict(group.labels))
        statement = insert(_groups).values(
            integration=group.integration, group_key=group.key, route=group.route, labels=labels, flush_at=due_at
        )
        sooner = case((_groups.c.flush_at < due_at, _groups.c.flush_at), else_=due_at)
        updated = {"route": group.route, "labels": labels, "flush_at": sooner}
        await self._connection.execute(
            statement.on_conflict_do_update(index_elements=["integration", "group_key"], set_=updated)
        )

    async def group(self, integration: str, key: str) -> NotificationGroup | None:
        """Return one group, None when there is no such."""
        if (integration, key) not in self._found:
            query = select(_groups).where(*_is_group(_groups, integration, key))
            row = (await self._connection.execute(query)).one_or_none()
            self._found[integration, key] = _group(row) if row is not None else None
        return self._found[integration, key]

    async def groups(self, *, due: float | None = None) -> list[NotificationGroup]:
        """Return every group, or those that are to be looked at by `due`."""
        query = select(_groups)
        if due is not None:
            query = query.where(_groups.c.flush_at <= due)
        return [_group(row) for row in await self._connection.execute(query)]

    async def next_flush_at(self, *, after: float) -> float | None:
        """Return when the next group is to be looked at, after that moment."""
        at: float | None = await self._connection.scalar(
            select(func.min(_groups.c.flush_at)).where(_groups.c.flush_at > after)
        )
        return at

    async def settle(self, group: NotificationGroup, *, flush_at: float | None) -> None:
        """Write how a group stands, and when it is to be looked at next."""
        self._looks.clear()
        self._found.clear()
        await self._connection.execute(
            update(_groups)
            .where(*_is_group(_groups, group.integration, group.key))
            .values(
                flush_at=flush_at,
                ticked_at=group.ticked_at,
                last_sent_at=group.last_sent_at,
                repeats=group.repeats,
                muted=encode(dict(group.muted)),
            )
        )

    async def look_again(self, *, at: float) -> None:
        """Have every group looked at by `at`: what mutes has changed, or the routes, or the clock was set back."""
        await self._connection.execute(
            update(_groups).where(or_(_groups.c.flush_at.is_(None), _groups.c.flush_at > at)).values(flush_at=at)
        )

    async def muted(self) -> dict[str, list[str]]:
        """Return, by fingerprint, why alerts that fire are not told or not repeated."""
        found: dict[str, list[str]] = {}
        query = select(_groups.c.muted).where(_groups.c.muted != "{}")
        for body in await self._connection.scalars(query):
            for fingerprint, why in msgspec.json.decode(body, type=dict[str, str]).items():
                if why not in found.setdefault(fingerprint, []):
                    found[fingerprint].append(why)
        return found

    async def untold(self, integration: str, key: str) -> list[Untold]:
        """Return the transitions of a group that no delivery carries yet, in order."""
        query = (
            select(_transitions)
            .where(*_is_group(_transitions, integration, key), _transitions.c.intent_id.is_(None))
            .order_by(_transitions.c.id)
        )
        rows = await self._connection.execute(query)
        return [Untold(id=row.id, at=row.at, entry=decode(row.body, Entry)) for row in rows]

    async def told_firing(self, integration: str, key: str) -> list[Entry]:
        """
        Return the entries of alerts whose newest told transition in a group is a firing.

        Alerts that fire no more are left out, except where their resolve waits to be told.
        """
        here = _is_group(_transitions, integration, key)
        firing = select(_alerts.c.fingerprint).where(_alerts.c.state == AlertState.FIRING.value)
        untold = select(_transitions.c.fingerprint).where(*here, _transitions.c.intent_id.is_(None))
        newest = (
            select(func.max(_transitions.c.id))
            .where(
                *here,
                _IS_STATE,
                _transitions.c.intent_id.is_not(None),
                or_(_transitions.c.fingerprint.in_(firing), _transitions.c.fingerprint.in_(untold)),
            )
            .group_by(_transitions.c.fingerprint)
        )
        query = (
            select(_transitions)
            .where(_transitions.c.id.in_(newest), _transitions.c.status == Transition.FIRING.value)
            .order_by(_transitions.c.id)
        )
        return [_entry(row) for row in await self._connection.execute(query)]

    async def told_resolved(self, integration: str, key: str, *, since: float) -> list[Entry]:
        """Return the entries of resolves of a group that were told at or after `since`."""
        query = (
            select(_transitions)
            .where(
                *_is_group(_transitions, integration, key),
                _transitions.c.status == Transition.RESOLVED.value,
                _transitions.c.told_at >= since,
            )
            .order_by(_transitions.c.id)
        )
        return [_entry(row) for row in await self._connection.execute(query)]

    async def groups_told(self, fingerprint: str) -> list[tuple[NotificationGroup, Entry]]:
        """Return the groups in which an alert's newest transition is a firing, with it: there its resolve belongs."""
        newest = (
            select(func.max(_transitions.c.id))
            .where(_transitions.c.fingerprint == fingerprint, _IS_STATE)
            .group_by(_transitions.c.integration, _transitions.c.group_key)
        )
        same_group = and_(
            _transitions.c.integration == _groups.c.integration, _transitions.c.group_key == _groups.c.group_key
        )
        query = (
            select(_groups, _transitions.c.body, _transitions.c.rank)
            .join(_transitions, same_group)
            .where(_transitions.c.id.in_(newest), _transitions.c.status == Transition.FIRING.value)
        )
        return [(_group(row), _entry(row)) for row in await self._connection.execute(query)]

    async def carry(self, ranks: Mapping[int, int | None], intent_id: int) -> None:
        """Note that a delivery carries these transitions, and how many others fired when each was told."""
        rows = [{"row": id_, "intent": intent_id, "rank_told": rank} for id_, rank in ranks.items()]
        if rows:
            statement = update(_transitions).where(_transitions.c.id == bindparam("row"))
            await self._connection.execute(
                statement.values(intent_id=bindparam("intent"), rank=bindparam("rank_told")), rows
            )

    async def drop(self, transitions: Collection[int]) -> None:
        """Forget transitions that nobody is to be told of: what was muted from its firing to its resolve."""
        await self._connection.execute(delete(_transitions).where(_transitions.c.id.in_(transitions)))

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

        Stops come first, then what is oldest. Of notifications there is one for each destination that is not `busy`.
        """
        free = or_(_intents.c.claimed_until.is_(None), _intents.c.claimed_until < now)
        due = select(_intents).where(_IS_FIRST, _intents.c.due_at <= now, free).order_by(_intents.c.id)
        rows = list(await self._connection.execute(due.where(*_waits(IntentKind.STOP)).limit(limit)))
        for destination in await self._destinations(busy):
            waits = _waits(IntentKind.NOTIFY, destination)
            rows += await self._connection.execute(due.where(*waits).limit(1))
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
            for row in rows[:limit]
        ]

    async def under_way(self, lanes: Collection[str]) -> set[str]:
        """Return those of `lanes` that hold unfinished notifications."""
        query = select(_intents.c.lane).where(_intents.c.lane.in_(lanes), *_waits(IntentKind.NOTIFY)).distinct()
        return set(await self._connection.scalars(query))

    async def next_due_at(self, *, busy: Collection[str] = ()) -> float | None:
        """Return when the next intent that nobody holds is due, not counting notifications to a `busy` destination."""
        earliest = select(func.min(_intents.c.due_at)).where(_IS_FIRST, _intents.c.claimed_by.is_(None))
        kinds = [_waits(IntentKind.STOP)]
        kinds += [_waits(IntentKind.NOTIFY, destination) for destination in await self._destinations(busy)]
        dues = [await self._connection.scalar(earliest.where(*waits)) for waits in kinds]
        return min((due for due in dues if due is not None), default=None)

    async def _destinations(self, busy: Collection[str]) -> list[str]:
        """Return where notifications wait to go, without those that are `busy`."""
        query = select(_intents.c.destination).where(*_waits(IntentKind.NOTIFY)).distinct()
        return [each for each in await self._connection.scalars(query) if each not in busy]

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

    async def divide(self, intent: Intent, payloads: Sequence[str], carried: Sequence[int], *, at: float) -> None:
        """Put several intents in the place of one, in order; `carried` are how many of its transitions each carries."""
        query = select(_transitions.c.id).where(_transitions.c.intent_id == intent.id).order_by(_transitions.c.id)
        ids = list(await self._connection.scalars(query))
        await self._connection.execute(delete(_intents).where(_intents.c.id == intent.id))
        for payload, count in zip(payloads, carried, strict=True):
            new_id = await self.add(
                intent.kind, lane=intent.lane, destination=intent.destination, payload=payload, due_at=at, at=at
            )
            part, ids = ids[:count], ids[count:]
            await self._connection.execute(
                update(_transitions).where(_transitions.c.id.in_(part)).values(intent_id=new_id)
            )

    async def carries(self, intent_id: int) -> int:
        """Return how many transitions an intent carries."""
        query = select(func.count()).where(_transitions.c.intent_id == intent_id)
        count: int = (await self._connection.execute(query)).scalar_one()
        return count

    async def hurry(self, kind: IntentKind, *, at: float) -> None:
        """Make every waiting intent of a kind due at `at` at the latest."""
        await self._connection.execute(
            update(_intents)
            .where(_intents.c.kind == kind.value, _intents.c.state == IntentState.WAITING.value, _intents.c.due_at > at)
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


def _waits(kind: IntentKind, destination: str | None = None) -> list[ColumnElement[bool]]:
    """Return what holds for unfinished intents of a kind, to one destination if it is given."""
    waits = [_intents.c.state == IntentState.WAITING.value, _intents.c.kind == kind.value]
    return waits if destination is None else [*waits, _intents.c.destination == destination]


def _is_group(table: Table, integration: str, key: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.integration == integration, table.c.group_key == key


def _entry(row: Row[Any]) -> Entry:
    return replace(decode(row.body, Entry), rank=row.rank)


def _group(row: Row[Any]) -> NotificationGroup:
    return NotificationGroup(
        integration=row.integration,
        key=row.group_key,
        route=row.route,
        labels=msgspec.json.decode(row.labels, type=dict[str, str]),
        last_sent_at=row.last_sent_at,
        ticked_at=row.ticked_at,
        repeats=row.repeats,
        muted=msgspec.json.decode(row.muted, type=dict[str, str]),
    )
