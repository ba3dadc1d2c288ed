"""
Drills: an alert that means nothing and goes the whole way of every other, to see whether and when it arrives.

A drill is the built-in alert `Drill` under an id of its own. Who asked for it ends it; a drill whose asker went away
ends by itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from monitor.alerting import lifecycle
from monitor.alerting.lifecycle import Terms
from monitor.alerting.routing import Route
from monitor.clock import Clock
from monitor.commit import Commit, Commits, Moment
from monitor.errors import MonitorError
from monitor.model.alert import Alert, AlertState, Identity, Resolution, Transition, fingerprint
from monitor.model.builtin import SEVERITIES, Builtin
from monitor.notify.receiver import Receiver
from monitor.store import Transaction
from monitor.store.tellings import Telling

__all__ = ["LABEL", "LONGEST", "CannotDrill", "Drill", "Drills", "Leg"]

log = structlog.get_logger()

LABEL = "drill"
"""The label that holds the id of a drill."""

LONGEST = 600.0
"""Seconds after which a drill ends by itself."""


class CannotDrill(MonitorError):
    """There can be no such drill now; `unknown` tells that there is none under this id."""

    def __init__(self, message: str, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.unknown = unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """
    The way of a drill to one integration, on one route.

    `firing` and `resolved` are how far the telling of each has come, None while it is not to be told. `sends_resolved`
    is False where the integration wants no resolves, and `muted_by` why it is not told now.
    """

    integration: str
    receiver: str
    route: Route
    sends_resolved: bool
    muted_by: str | None = None
    firing: Telling | None = None
    resolved: Telling | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """A drill and its legs; all its times are own time."""

    id: str
    alert: Alert
    legs: Sequence[Leg]


class Drills:
    """Begins, shows and ends them; there is one at a time."""

    def __init__(self, commits: Commits, clock: Clock) -> None:
        self._commits = commits
        self._announcer = commits.announcer
        self._clock = clock

    async def begin(self, labels: Mapping[str, str], *, asked_by: str, receiver: str | None = None) -> Drill:
        """
        Let an alert with these labels fire, beside those that it has by itself; routes decide who is told.

        Raises CannotDrill while another goes on, and when nobody, or not the `receiver` that is meant, would be told;
        and StorageError.
        """
        drill_id = secrets.token_hex(4)
        identity = _identity(drill_id)
        own = {"alertname": Builtin.DRILL.value, "severity": SEVERITIES[Builtin.DRILL]}
        every_label = {**own, **labels, LABEL: drill_id}
        self._check_who_is_told(every_label, receiver)
        moment = self._moment()
        async with self._commits.begin() as commit:
            if goes_on := await _going_on(commit.tx):
                raise CannotDrill(f"another drill goes on: {_id(goes_on[0])}; it ends by itself after ten minutes")
            step = lifecycle.advance(
                None,
                identity,
                true=True,
                now=moment.own,
                terms=Terms(),
                labels=every_label,
                annotations={"summary": f"This is a drill that {asked_by} asked for: nothing is wrong."},
            )
            alert = await commit.settle(None, step, moment)
            assert alert is not None  # noqa: S101 - it just fired
            commit.after(lambda: log.info("drill", what="begun", id=drill_id, who=asked_by, labels=dict(labels)))
            return await self._drill(commit.tx, alert)

    async def get(self, drill_id: str) -> Drill:
        """Return a drill as it is now. Raises CannotDrill when none is known under this id, and StorageError."""
        async with self._commits.store.snapshot() as tx:
            return await self._drill(tx, await _alert(tx, drill_id))

    async def end(self, drill_id: str, *, by: str) -> Drill:
        """End a drill, unless it is over, and return it. Raises CannotDrill as `get` does, and StorageError."""
        async with self._commits.begin() as commit:
            alert = await _alert(commit.tx, drill_id)
            return await self._drill(commit.tx, await self._resolve(commit, alert, what="ended", who=by))

    async def end_old(self) -> None:
        """End what its asker left behind, or what was begun before the clock was set back. Raises StorageError."""
        async with self._commits.begin() as commit:
            for alert in await _going_on(commit.tx):
                age = self._clock.now() - (alert.fired_at or 0.0)
                if not 0.0 <= age < LONGEST:
                    await self._resolve(commit, alert, what="left behind", who=None)

    async def _resolve(self, commit: Commit, alert: Alert, *, what: str, who: str | None) -> Alert:
        if alert.state is not AlertState.FIRING:
            return alert
        moment = self._moment()
        step = lifecycle.end(alert, Resolution.RECOVERED, now=moment.own)
        commit.after(lambda: log.info("drill", what=what, id=_id(alert), who=who))
        return await commit.settle(alert, step, moment) or alert

    def _check_who_is_told(self, labels: Mapping[str, str], receiver: str | None) -> None:
        receivers = sorted({integration.receiver for _, integration in self._announcer.targets(labels)})
        if not receivers:
            raise CannotDrill("the routes lead an alert with these labels to nobody")
        if receiver is not None and receiver not in receivers:
            raise CannotDrill(
                f"the routes lead an alert with these labels to {', '.join(receivers)}, not to {receiver}: "
                "give it the labels that lead there"
            )

    async def _drill(self, tx: Transaction, alert: Alert) -> Drill:
        tellings = await tx.tellings.of(alert.fingerprint)
        legs = [self._leg(route, integration, tellings) for route, integration in self._announcer.targets(alert.labels)]
        return Drill(id=_id(alert), alert=alert, legs=legs)

    def _leg(self, route: Route, integration: Receiver, tellings: Sequence[Telling]) -> Leg:
        # for one that groups by itself it makes no difference which route leads to it
        its = {
            telling.status: telling
            for telling in tellings
            if telling.integration == integration.name and (telling.route == route.key or not integration.groups)
        }
        firing, resolved = its.get(Transition.FIRING), its.get(Transition.RESOLVED)
        return Leg(
            integration=integration.name,
            receiver=integration.receiver,
            route=route,
            sends_resolved=integration.send_resolved,
            muted_by=firing.muted_by if firing is not None else None,
            firing=firing,
            resolved=resolved,
        )

    def _moment(self) -> Moment:
        now = self._clock.now()
        return Moment(server=now, own=now)


def _identity(drill_id: str) -> Identity:
    return Identity(project="", rule=Builtin.DRILL.value, subject=((LABEL, drill_id),))


def _id(alert: Alert) -> str:
    return dict(alert.identity.subject)[LABEL]


async def _going_on(tx: Transaction) -> list[Alert]:
    return list((await tx.alerts.open(rules=[Builtin.DRILL.value])).values())


async def _alert(tx: Transaction, drill_id: str) -> Alert:
    alert = await tx.alerts.get(fingerprint(_identity(drill_id)))
    if alert is None:
        raise CannotDrill(f"there is no drill {drill_id!r}", unknown=True)
    return alert
