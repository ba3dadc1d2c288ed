"""The outbox on disk: intents, what waits to be told, and how destinations fare."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.model.intent import Intent, IntentKind, IntentState
from monitor.store import schema

__all__ = ["Backlog", "Health", "Outbox"]

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
