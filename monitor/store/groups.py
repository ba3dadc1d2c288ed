"""Groups of alerts on disk, with the transitions that were, or are to be, told in each."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Table, and_, bindparam, case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.model.alert import AlertState, Transition
from monitor.model.notification import Entry
from monitor.store import schema
from monitor.store.rows import decode, encode

__all__ = ["Groups", "NotificationGroup", "Untold"]

_alerts = schema.alerts
_transitions = schema.transitions
_groups = schema.groups

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


class Groups:
    """Reads and writes groups, and the transitions in them."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._looks: dict[NotificationGroup, float] = {}  # what `look` has seen to; a storm is about few groups
        self._found: dict[tuple[str, str], NotificationGroup | None] = {}

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

    async def find(self, integration: str, key: str) -> NotificationGroup | None:
        """Return one group, None when there is no such."""
        if (integration, key) not in self._found:
            query = select(_groups).where(*_is_group(_groups, integration, key))
            row = (await self._connection.execute(query)).one_or_none()
            self._found[integration, key] = _group(row) if row is not None else None
        return self._found[integration, key]

    async def all(self, *, due: float | None = None) -> list[NotificationGroup]:
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

    async def told_of(self, fingerprint: str) -> list[tuple[NotificationGroup, Entry]]:
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
