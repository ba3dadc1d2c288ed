"""The dispatcher: gathers transitions into groups and makes one notification of each group that is due."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor import on_call
from monitor.alerting import grouping
from monitor.alerting.grouping import Arrival, Group, Reason
from monitor.alerting.muting import Muting
from monitor.alerting.routing import Route
from monitor.alerting.silences import Silencer
from monitor.announcer import UNGROUPED, Announcer, as_it_is_now, rhythm_of
from monitor.model.ack import Ack
from monitor.model.alert import Alert, AlertState, Transition
from monitor.model.builtin import Builtin
from monitor.model.intent import IntentKind
from monitor.model.notification import Entry, Notification
from monitor.notify.receiver import Receiver
from monitor.store import Store, Transaction
from monitor.store.groups import NotificationGroup, Untold
from monitor.store.rows import encode

__all__ = ["Dispatcher"]

_MOST_UNGROUPED = 64
_SHOWN_FOR = 60.0  # seconds
_STATES = frozenset({Transition.FIRING, Transition.RESOLVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """What is known at `now` of all alerts: those that fire, who takes care of which, and what mutes."""

    now: float
    firing: Mapping[str, Alert]
    acks: Mapping[str, Ack]
    muting: Muting


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """
    What one notification would tell: what is known to fire still, then what is new.

    `held` are transitions that are muted now, and `dropped` those that were muted from their firing to their resolve.
    `believed` are the alerts, by fingerprint, that the receiver was told to fire and not yet to be over. `quiet` says,
    by fingerprint, why what fires is not told or not repeated, and `quiet_until` is when that may end.
    """

    reminded: tuple[Entry, ...]
    waiting: tuple[Untold, ...]
    held: tuple[Untold, ...]
    dropped: tuple[Untold, ...]
    believed: frozenset[str]
    quiet: Mapping[str, str]
    quiet_until: float | None

    @property
    def open_after(self) -> frozenset[str]:
        """What fires, as far as the receiver knows, once this was told; fingerprints."""
        last = {u.entry.fingerprint: u.entry.status for u in self.waiting if u.entry.status in _STATES}
        over = {fingerprint for fingerprint, status in last.items() if status is Transition.RESOLVED}
        return (self.believed | last.keys()) - over

    def group(self, group: NotificationGroup) -> Group:
        """Return `group` as what this content makes of it."""
        fires = self.open_after | {u.entry.fingerprint for u in self.held}
        return Group(
            arrivals=[_arrival(untold) for untold in self.waiting],
            held=[_arrival(untold) for untold in self.held],
            released=bool((group.muted.keys() & fires) - self.quiet.keys()),
            ticked_at=group.ticked_at,
            last_sent_at=group.last_sent_at,
            repeats=group.repeats,
            firing=bool(self.believed),
            repeatable=any(entry.fingerprint not in self.quiet for entry in self.reminded),
            leaves_firing=bool(self.open_after),
            leaves_repeatable=bool(self.open_after - self.quiet.keys()),
            quiet=bool(self.quiet),
            quiet_until=self.quiet_until,
        )


class Dispatcher:
    """Plans notifications; `announcer` knows the routes and integrations, and a reload may replace it."""

    def __init__(self, store: Store, announcer: Announcer) -> None:
        self.announcer = announcer
        self._store = store
        self._planned_at: float | None = None
        self._planned_by: object = None

    async def plan(self, now: float) -> float | None:
        """
        Put a notification into the outbox for each group that is due; return when to plan again, in own time.

        A group has one notification under way at a time: what comes while its receiver is away gathers for the next.
        The notification and the note that it carries its transitions are one transaction. Raises StorageError.
        """
        async with self._store.transaction() as tx:
            if self._has_to_look_at_all(now):
                await tx.groups.look_again(at=now)
            next_ack_end = await on_call.tidy(tx, now)
            due = await tx.groups.all(due=now)
            under_way = await tx.outbox.under_way([group.lane for group in due])  # their end wakes the courier
            if groups := [group for group in due if group.lane not in under_way]:
                scene = await self._scene(tx, now)
                for group in groups:
                    await self._plan_group(tx, group, scene)
            next_flush = await tx.groups.next_flush_at(after=now)
        self._planned_at, self._planned_by = now, self.announcer.tree
        return min((at for at in (next_flush, next_ack_end) if at is not None), default=None)

    def _has_to_look_at_all(self, now: float) -> bool:
        """Whether what was planned may not hold: at the start, after a reload, or when the clock was set back."""
        known = self._planned_at is not None and self._planned_by is self.announcer.tree
        return not known or now < (self._planned_at or 0.0)

    async def _scene(self, tx: Transaction, now: float) -> _Scene:
        firing = {f: alert for f, alert in (await tx.alerts.open()).items() if alert.state is AlertState.FIRING}
        silencer = Silencer(await tx.silences.active(now), now)
        labels = {f: it.labels for f, it in firing.items() if it.identity.rule != Builtin.DRILL}  # they inhibit nothing
        muting = Muting(self.announcer.mute_policy, silencer, labels, now=now)
        return _Scene(now=now, firing=firing, acks=await tx.acks.active(), muting=muting)

    async def _plan_group(self, tx: Transaction, group: NotificationGroup, scene: _Scene) -> None:
        integration = self.announcer.integrations.get(group.integration)
        if integration is None:  # it is not configured any more
            await tx.groups.settle(group, flush_at=None)
            return
        waiting = await tx.groups.untold(group.integration, group.key)
        if group.key == UNGROUPED:
            await self._plan_ungrouped(tx, group, integration, waiting, scene.now)
            return
        route = self.announcer.route_of(group)
        told = await tx.groups.told_firing(group.integration, group.key)
        content = _content(waiting, told, scene, route)
        await tx.groups.drop([untold.id for untold in content.dropped])
        plan = grouping.plan(content.group(group), rhythm_of(route), now=scene.now)
        if plan.reason is not None:
            await _send(tx, group, integration, content, reason=plan.reason, now=scene.now)
            group = replace(group, last_sent_at=scene.now)
        group = replace(group, ticked_at=plan.ticked_at, repeats=plan.repeats, muted=content.quiet)
        await tx.groups.settle(group, flush_at=plan.look_at)

    async def _plan_ungrouped(
        self, tx: Transaction, group: NotificationGroup, integration: Receiver, waiting: Sequence[Untold], now: float
    ) -> None:
        """Tell a receiver that groups by itself at once, in bodies of a bounded size, and leave the rest to it."""
        due, held = _due_and_held(waiting, now)
        for start in range(0, len(due), _MOST_UNGROUPED):
            some = due[start : start + _MOST_UNGROUPED]
            await _carry(tx, group, integration, [u.entry for u in some], some, reason=Reason.NEW_ALERTS, now=now)
        await tx.groups.settle(group, flush_at=min((_shown_until(untold) for untold in held), default=None))


def _content(waiting: Sequence[Untold], told: Sequence[Entry], scene: _Scene, route: Route) -> _Content:
    """
    Return what there is to tell: what was told and still fires is repeated, with what it says now.

    Events that expired while no daemon ran are about to be resolved, not to be repeated.
    """
    waiting = [replace(untold, entry=_acked(untold.entry, scene)) for untold in waiting]
    new: dict[str, list[Untold]] = {}
    for untold in waiting:
        new.setdefault(untold.entry.fingerprint, []).append(untold)
    known = [e for e in told if e.fingerprint in scene.firing and (e.ends_at is None or e.ends_at > scene.now)]
    believed = frozenset([e.fingerprint for e in known] + [e.fingerprint for e in told if e.fingerprint in new])
    labels = {entry.fingerprint: entry.labels for entry in known}
    labels |= {untold.entry.fingerprint: untold.entry.labels for untold in waiting}
    mutes = {f: mute for f, its in labels.items() if (mute := scene.muting.of(route, f, its)) is not None}
    parts = [
        _Part.of(each, told=f in believed, fires=f in scene.firing) if f in mutes else _Part(send=tuple(each))
        for f, each in new.items()
    ]
    acked = {f: f"acknowledged by {ack.by}" for f, ack in scene.acks.items() if f in labels and f not in mutes}
    return _Content(
        reminded=tuple(
            _acked(as_it_is_now(e, scene.firing[e.fingerprint]), scene)
            for e in known
            if e.fingerprint not in mutes and e.fingerprint not in new
        ),
        waiting=_in_order(untold for part in parts for untold in part.send),
        held=_in_order(untold for part in parts for untold in part.hold),
        dropped=_in_order(untold for part in parts for untold in part.drop),
        believed=believed,
        quiet={f: str(mute) for f, mute in mutes.items() if f in scene.firing} | acked,
        quiet_until=min((mute.until for mute in mutes.values() if mute.until is not None), default=None),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What is to be told of the waiting transitions of one alert, what is held back, and what nobody will be told."""

    send: tuple[Untold, ...] = ()
    hold: tuple[Untold, ...] = ()
    drop: tuple[Untold, ...] = ()

    @classmethod
    def of(cls, waiting: Sequence[Untold], *, told: bool, fires: bool) -> _Part:
        """
        Return the parts of what waits about a muted alert.

        A resolve of what was `told` goes out all the same. What fired since is held as long as it `fires`.
        """
        send: tuple[Untold, ...] = ()
        if told:
            ends = [index for index, untold in enumerate(waiting) if untold.entry.status is Transition.RESOLVED]
            upto = ends[0] + 1 if ends else 0
            send, waiting = tuple(waiting[:upto]), waiting[upto:]
        last = tuple(waiting[-1:])
        hold = last if fires and last and last[0].entry.status is Transition.FIRING else ()
        return cls(send=send, hold=hold, drop=tuple(waiting[: len(waiting) - len(hold)]))


def _in_order(some: Iterable[Untold]) -> tuple[Untold, ...]:
    return tuple(sorted(some, key=lambda untold: untold.id))


def _acked(entry: Entry, scene: _Scene) -> Entry:
    ack = scene.acks.get(entry.fingerprint)
    return entry if ack is None else replace(entry, acked_by=ack.by)


def _arrival(untold: Untold) -> Arrival:
    return Arrival(at=untold.at, starts_at=untold.entry.starts_at, status=untold.entry.status)


def _due_and_held(waiting: Sequence[Untold], now: float) -> tuple[list[Untold], list[Untold]]:
    """Return what is to be told now, and what is held back for a while with all that follows it about its alert."""
    due: list[Untold] = []
    held: dict[str, list[Untold]] = {}
    for untold in waiting:
        if untold.entry.fingerprint in held or _shown_until(untold) > now:
            held.setdefault(untold.entry.fingerprint, []).append(untold)
        else:
            due.append(untold)
    return due, [first for first, *_ in held.values()]


def _shown_until(untold: Untold) -> float:
    """
    Return when a transition may be told to a receiver that groups by itself.

    An alert about a run that was stopped is announced when it is over. Alertmanager waits before it notifies of a group
    (30 s by default) and then says nothing of one that holds only resolves: so it is told of the end a minute later.
    """
    entry = untold.entry
    is_over_when_told = entry.status is Transition.RESOLVED and entry.labels.get("action") in {"stopped", "changed"}
    return untold.at + _SHOWN_FOR if is_over_when_told else untold.at


async def _send(
    tx: Transaction,
    group: NotificationGroup,
    integration: Receiver,
    content: _Content,
    *,
    reason: Reason,
    now: float,
) -> None:
    """Put the notification of `content` into the outbox, with what is new in it ranked."""
    rank = len(content.believed)
    ranked: dict[str, int | None] = {}
    entries = []
    for untold in content.waiting:
        entry = untold.entry
        if entry.status is Transition.FIRING:
            ranked[entry.fingerprint] = rank
            rank += 1
        entries.append(replace(entry, rank=ranked.get(entry.fingerprint, entry.rank)))
    await _carry(tx, group, integration, [*content.reminded, *entries], content.waiting, reason=reason, now=now)


async def _carry(
    tx: Transaction,
    group: NotificationGroup,
    integration: Receiver,
    entries: Sequence[Entry],
    carried: Sequence[Untold],
    *,
    reason: Reason,
    now: float,
) -> None:
    """Put a notification into the outbox, and note that it carries these transitions."""
    notification = Notification(
        key=_key(group, [untold.id for untold in carried], now),
        receiver=integration.receiver,
        group_key=group.key,
        group_labels=group.labels,
        entries=tuple(entries),
        reason=reason.value,
    )
    intent_id = await tx.outbox.add(
        IntentKind.NOTIFY,
        lane=group.lane,
        destination=integration.name,
        payload=encode(notification),
        due_at=now,
        at=now,
    )
    told = entries[len(entries) - len(carried) :]
    await tx.groups.carry({untold.id: entry.rank for untold, entry in zip(carried, told, strict=True)}, intent_id)


def _key(group: NotificationGroup, carried: list[int], now: float) -> str:
    """Return what tells this notification from every other: it is stored with it, so a retry has the same."""
    text = "\n".join([group.integration, group.key, f"{now:.6f}", *map(str, carried)])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
