"""The dispatcher: gathers transitions into groups and makes one notification of each group that is due."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.alerting.grouping import Group, Reason, flush, next_flush_at
from monitor.alerting.routing import Route
from monitor.announcer import Announcer
from monitor.model.alert import Alert, AlertState, Transition
from monitor.model.intent import IntentKind
from monitor.model.notification import Entry, Notification
from monitor.notify.receiver import Receiver
from monitor.store import Store, Transaction
from monitor.store.outbox import NotificationGroup, Untold
from monitor.store.rows import encode

__all__ = ["Dispatcher"]

_MOST_UNGROUPED = 64
_SHOWN_FOR = 60.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """What one notification would tell: what is known to fire still, then what is new."""

    reminded: tuple[Entry, ...]
    waiting: tuple[Untold, ...]
    believed: bool  # the receiver believes that something fires: it was told so, and not of its end

    @property
    def entries(self) -> tuple[Entry, ...]:
        return (*self.reminded, *(u.entry for u in self.waiting))

    @property
    def leaves_firing(self) -> bool:
        """Whether something fires, as far as the receiver knows, once this was told."""
        last = {u.entry.fingerprint: u.entry.status for u in self.waiting}
        return bool(self.reminded) or Transition.FIRING in last.values()


class Dispatcher:
    """Plans notifications; `announcer` knows the routes and integrations, and a reload may replace it."""

    def __init__(self, store: Store, announcer: Announcer) -> None:
        self.announcer = announcer
        self._store = store

    async def plan(self, now: float) -> float | None:
        """
        Put a notification into the outbox for each group that is due; return when the next group is, in own time.

        A group has one notification under way at a time: what comes while its receiver is away gathers for the next.
        The notification and the note that it carries its transitions are one transaction. Raises StorageError.
        """
        async with self._store.transaction() as tx:
            untold = await tx.outbox.untold()
            told_firing = await tx.outbox.told_firing()
            firing = await _firing(tx)
            under_way = await tx.outbox.lanes(IntentKind.NOTIFY)
            dues = []
            for group in await tx.outbox.groups():
                if _lane(group) in under_way:
                    continue
                place = (group.integration, group.key)
                waiting = tuple(untold.get(place, ()))
                content = _content(waiting, told_firing.get(place, ()), firing, now)
                dues.append(await self._plan_group(tx, group, content, now))
        return min((due for due in dues if due is not None), default=None)

    async def _plan_group(
        self, tx: Transaction, group: NotificationGroup, content: _Content, now: float
    ) -> float | None:
        integration = self.announcer.integrations.get(group.integration)
        if integration is None:  # it is not configured any more
            return None
        if not integration.groups:
            return await self._plan_ungrouped(tx, group, integration, content, now)
        route = self._route(group)
        state = Group(
            key=group.key,
            first_at=min((u.at for u in content.waiting), default=None),
            untold_firing=any(u.entry.status is Transition.FIRING for u in content.waiting),
            last_sent_at=group.last_sent_at,
            firing=content.believed,
        )
        timing = {
            "group_wait": route.group_wait,
            "group_interval": route.group_interval,
            "repeat_interval": route.repeat_interval,
        }
        reason = flush(state, now=now, **timing)
        if reason is not None:
            await _send(tx, group, integration, content, reason=reason, now=now)
            state = replace(state, first_at=None, last_sent_at=now, firing=content.leaves_firing)
        return next_flush_at(state, now=now, **timing)

    async def _plan_ungrouped(
        self, tx: Transaction, group: NotificationGroup, integration: Receiver, content: _Content, now: float
    ) -> float | None:
        """Tell a receiver that groups by itself at once, in bodies of a bounded size, and leave repeats to it."""
        due, held = _due_and_held(content.waiting, now)
        for start in range(0, len(due), _MOST_UNGROUPED):
            some = replace(content, reminded=(), waiting=tuple(due[start : start + _MOST_UNGROUPED]))
            await _send(tx, group, integration, some, reason=Reason.NEW_ALERTS, now=now)
        return min((_shown_until(untold) for untold in held), default=None)

    def _route(self, group: NotificationGroup) -> Route:
        """Return the route that made the group, or the root where a reload took it away."""
        tree = self.announcer.tree
        return next((route for route in tree.children if route.key == group.route), tree.root)


def _content(waiting: tuple[Untold, ...], told: Sequence[Entry], firing: Mapping[str, Alert], now: float) -> _Content:
    """
    Return what there is to tell: what was told and still fires is repeated, with what it says now.

    Events that expired while no daemon ran are about to be resolved, not to be repeated.
    """
    new = {u.entry.fingerprint for u in waiting}
    known = firing.keys() - new
    reminded = tuple(
        replace(entry, annotations=firing[entry.fingerprint].annotations)
        for entry in told
        if entry.fingerprint in known and (entry.ends_at is None or entry.ends_at > now)
    )
    believed = bool(reminded) or any(entry.fingerprint in new for entry in told)
    return _Content(reminded=reminded, waiting=waiting, believed=believed)


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


async def _firing(tx: Transaction) -> dict[str, Alert]:
    open_alerts = (await tx.alerts.open()).values()
    return {alert.fingerprint: alert for alert in open_alerts if alert.state is AlertState.FIRING}


async def _send(
    tx: Transaction, group: NotificationGroup, integration: Receiver, content: _Content, *, reason: Reason, now: float
) -> None:
    carried = [u.id for u in content.waiting]
    notification = Notification(
        key=_key(group, carried, now),
        receiver=integration.receiver,
        group_key=group.key,
        group_labels=group.labels,
        entries=content.entries,
        reason=reason.value,
    )
    intent_id = await tx.outbox.add(
        IntentKind.NOTIFY,
        lane=_lane(group),
        destination=integration.name,
        payload=encode(notification),
        due_at=now,
        at=now,
    )
    await tx.outbox.carry(group, carried, intent_id, at=now)


def _lane(group: NotificationGroup) -> str:
    return f"{group.integration} {group.key}"


def _key(group: NotificationGroup, carried: list[int], now: float) -> str:
    """Return what tells this notification from every other: it is stored with it, so a retry has the same."""
    text = "\n".join([group.integration, group.key, f"{now:.6f}", *map(str, carried)])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
