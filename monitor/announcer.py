"""Who is told of a transition: routes, integrations and groups, written into the outbox of the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from monitor.alerting.grouping import Rhythm, arrival_due
from monitor.alerting.muting import MutePolicy
from monitor.alerting.routing import Route, RoutingTree
from monitor.model.alert import Alert, Resolution, Transition
from monitor.model.builtin import Builtin
from monitor.model.notification import Entry
from monitor.notify.receiver import Receiver
from monitor.store.database import Transaction
from monitor.store.groups import NotificationGroup

__all__ = ["UNGROUPED", "Announcer", "as_it_is_now", "entry_of", "rhythm_of"]

UNGROUPED = ""
"""The key of the one group of an integration that groups by itself."""


class Announcer:
    """
    Puts transitions of alerts into the outbox of every integration that is to be told.

    `receivers` are the integrations by name of their receiver; `link` gives the address where a person looks;
    `mute_policy` is what the configuration says about what is not told.
    """

    def __init__(
        self,
        tree: RoutingTree,
        receivers: Mapping[str, Sequence[Receiver]],
        link: Callable[[Alert], str],
        mute_policy: MutePolicy,
    ) -> None:
        self.adopt(tree, receivers, link, mute_policy)

    def adopt(
        self,
        tree: RoutingTree,
        receivers: Mapping[str, Sequence[Receiver]],
        link: Callable[[Alert], str],
        mute_policy: MutePolicy,
    ) -> None:
        """Tell by these routes and receivers from now on; see `introduce` for what fires already."""
        self.tree = tree
        self.mute_policy = mute_policy
        self._receivers = receivers
        self._link = link
        self.integrations = {receiver.name: receiver for group in receivers.values() for receiver in group}

    def routes(self) -> Iterable[Route]:
        """Return every route of the tree."""
        yield from self.tree.routes()

    def targets(self, labels: Mapping[str, str]) -> list[tuple[Route, Receiver]]:
        """
        Return the integrations that an alert with these labels is for, each with the route that leads to it.

        That a receiver fails is told through the others: the failing one is passed over, and where no other is left
        on the route, all the others are told.
        """
        found = [
            (route, integration)
            for route in self.tree.match(labels)
            for integration in self._receivers.get(route.receiver, ())
        ]
        if labels.get("alertname") != Builtin.RECEIVER_FAILING:
            return found
        failing = labels.get("integration", "")
        others = [(route, integration) for route, integration in found if integration.name != failing]
        if others:
            return others
        return [(self.tree.root, it) for name, it in self.integrations.items() if name != failing]

    async def tell(self, tx: Transaction, alert: Alert, transition: Transition, *, at: float, offset: float) -> None:
        """
        Put one transition into the outbox: a firing where its routes lead, what follows wherever that was told.

        `at` is own time; `offset` is the alert's time minus own time.
        """
        entry = entry_of(alert, transition, offset=offset, url=self._link(alert))
        if transition is Transition.FIRING:
            for route, integration in self.targets(alert.labels):
                await self._put(tx, self._group(route, integration, alert.labels), route, entry, at=at)
            return
        for group, told in await tx.groups.told_of(alert.fingerprint):
            receiver = self.integrations.get(group.integration)
            if receiver is None:
                continue
            # the start as it was told, whatever the clocks say since: receivers know an alert by it
            same = replace(entry, starts_at=told.starts_at, rank=told.rank)
            if _wants(receiver, alert, transition):
                await self._put(tx, group, self.route_of(group), same, at=at)
            else:  # its group may be over with it
                await tx.groups.look(group, due_at=await self._due_at(tx, group, self.route_of(group), same, at))

    async def introduce(self, tx: Transaction, alert: Alert, *, at: float, offset: float) -> int:
        """
        Tell of an alert that fires those integrations that the routes lead to and that do not know of it yet.

        Return how many those are. What was told under other routes stays told: its resolve goes there.
        """
        knowing = {group.integration for group, _ in await tx.groups.told_of(alert.fingerprint)}
        new = [(route, it) for route, it in self.targets(alert.labels) if it.name not in knowing]
        entry = entry_of(alert, Transition.FIRING, offset=offset, url=self._link(alert))
        for route, integration in new:
            await self._put(tx, self._group(route, integration, alert.labels), route, entry, at=at)
        return len(new)

    def route_of(self, group: NotificationGroup) -> Route:
        """Return the route that made a group, or the root where a reload took it away."""
        return self.tree.by_key(group.route) or self.tree.root

    async def _put(self, tx: Transaction, group: NotificationGroup, route: Route, entry: Entry, *, at: float) -> None:
        await tx.groups.tell(group, entry, at=at, due_at=await self._due_at(tx, group, route, entry, at))

    async def _due_at(self, tx: Transaction, group: NotificationGroup, route: Route, entry: Entry, at: float) -> float:
        if group.key == UNGROUPED or entry.status is Transition.ACKNOWLEDGED:
            return at
        if entry.status is Transition.RESOLVED and entry.rank is None:
            return at  # its firing was not told yet: if that is muted now, nobody is to be told of either
        known = await tx.groups.find(group.integration, group.key)
        return arrival_due(known.ticked_at if known is not None else None, at, entry.starts_at, rhythm_of(route))

    def _group(self, route: Route, integration: Receiver, labels: Mapping[str, str]) -> NotificationGroup:
        if not integration.groups:
            return NotificationGroup(integration=integration.name, key=UNGROUPED, route=route.key, labels={})
        return NotificationGroup(
            integration=integration.name,
            key=self.tree.group_key(route, labels),
            route=route.key,
            labels=self.tree.group_labels(route, labels),
        )


def rhythm_of(route: Route) -> Rhythm:
    """Return the rhythm of a route's groups."""
    return Rhythm(
        group_wait=route.group_wait,
        group_interval=route.group_interval,
        repeat_interval=route.repeat_interval,
        repeat_backoff=route.repeat_backoff,
        repeat_max=route.repeat_max,
    )


def as_it_is_now(entry: Entry, alert: Alert) -> Entry:
    """Return what was told of an alert that still fires, with what changed about it since."""
    return replace(entry, annotations=dict(alert.annotations), facts=alert.facts)


def _wants(integration: Receiver, alert: Alert, transition: Transition) -> bool:
    if transition is Transition.ACKNOWLEDGED:
        return integration.acknowledges
    if alert.resolution is Resolution.EXPIRED and not integration.keeps_state:
        return False
    return integration.send_resolved


def entry_of(alert: Alert, status: Transition, *, offset: float, url: str) -> Entry:
    """Return an alert at one transition, in own time."""
    resolved = status is Transition.RESOLVED
    ends_at = alert.resolved_at if resolved else alert.expires_at
    return Entry(
        fingerprint=alert.fingerprint,
        status=status,
        labels=dict(alert.labels),
        annotations=dict(alert.annotations),
        starts_at=(alert.fired_at if alert.fired_at is not None else alert.pending_since) - offset,
        ends_at=ends_at - offset if ends_at is not None else None,
        url=url,
        resolution=alert.resolution if resolved else None,
        facts=alert.facts,
    )
