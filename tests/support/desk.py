"""
The half of the monitor that tells: alerts that begin and end, routes, groups, receivers, on virtual time.

Nothing is observed here: a test says which alerts fire and resolve. All else is what the daemon has: commits, the
announcer, the dispatcher, the courier and a database.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from monitor.alerting.lifecycle import Terms, advance, end
from monitor.announcer import Announcer
from monitor.clock import Clock
from monitor.commit import Commit, Commits, Moment
from monitor.configured import mute_policy, routing_tree
from monitor.delivery import DeliveryHandler
from monitor.dispatch import Dispatcher
from monitor.metrics import Metrics
from monitor.model.alert import Alert, Identity, Resolution, fingerprint
from monitor.model.intent import IntentKind
from monitor.notify.receiver import Receiver
from monitor.outbox import Courier
from monitor.settings.alerting import Alerting
from monitor.store import Store
from tests.support.clock import ManualClock
from tests.support.rig_inbox import Inbox

__all__ = ["START", "Desk", "identity_of", "open_desk"]

START = 1_800_000_000.0
"""A moment that is a whole minute."""


def identity_of(labels: Mapping[str, str]) -> Identity:
    """Return what makes an alert with these labels the same: its name and all else but the severity."""
    rest = {name: value for name, value in labels.items() if name not in {"alertname", "severity", "project"}}
    return Identity(project=labels.get("project", "p"), rule=labels["alertname"], subject=tuple(sorted(rest.items())))


class Desk:
    """Who is told; on virtual time made by `open_desk`. `receivers` are integrations, one for each receiver."""

    def __init__(self, database: Path, alerting: Alerting, receivers: Iterable[Receiver], clock: Clock) -> None:
        self.clock = clock
        self._receivers = list(receivers)
        self._alerting = alerting
        self._url = f"sqlite:///{database}"
        self._stack = AsyncExitStack()
        self._look_at = clock.now()
        self._jumped = 0.0

    @classmethod
    def of(cls, directory: Path, alerting: Mapping[str, Any], receivers: Iterable[Receiver], clock: Clock) -> Desk:
        """Return a desk with a database in `directory`; it is to be started."""
        return cls(directory / "desk.db", Alerting.model_validate(alerting), receivers, clock)

    @property
    def inboxes(self) -> dict[str, Inbox]:
        """The integrations that keep what they are told, by the name of their receiver."""
        return {each.receiver: each for each in self._receivers if isinstance(each, Inbox)}

    @property
    def now(self) -> float:
        """Own time."""
        return self.clock.now()

    # The life of the daemon

    async def start(self) -> None:
        """Begin to work on the database."""
        self.store = await self._stack.enter_async_context(Store.open(self._url, clock=self.clock))
        self._metrics, awake = Metrics(), asyncio.Event()
        self.announcer = Announcer(*self._described(self._alerting))
        self.commits = Commits(self.store, self.announcer, self._metrics, awake.set)
        self.delivery = DeliveryHandler(
            store=self.store,
            announcer=self.announcer,
            clock=self.clock,
            metrics=self._metrics,
            jitter=random.Random(0),  # noqa: S311 - to spread retries, not to keep secrets
        )
        self.courier = Courier(
            store=self.store,
            dispatcher=Dispatcher(self.store, self.announcer),
            handlers={IntentKind.NOTIFY: self.delivery},
            resting=self.delivery.resting,
            clock=self.clock,
            name="desk",
            awake=awake,
        )
        await self.courier.release()
        self._look_at = self.now

    async def stop(self) -> None:
        """End as a crash would."""
        await self.courier.abort()
        await self._stack.aclose()

    async def restart(self, *, after: float = 0.0) -> None:
        """Crash, stay away for so many seconds, and come back."""
        await self.stop()
        self._advance(after)
        await self.start()

    async def reload(self, alerting: Mapping[str, Any]) -> None:
        """Take another configuration, and tell of what fires those who do not know it yet."""
        self._alerting = Alerting.model_validate(alerting)
        self.announcer.adopt(*self._described(self._alerting))
        await self.delivery.forget()
        async with self.store.transaction() as tx:
            for alert in (await tx.alerts.open()).values():
                await self.announcer.introduce(tx, alert, at=self.now, offset=0.0)
        self._look_at = self.now

    # What happens

    async def fire(self, labels: Mapping[str, str], *, value: str = "") -> Alert:
        """Let an alert with these labels fire, or change what is said about one that does."""
        async with self.commits.begin() as commit:
            alert = await self._fire(commit, labels, value)
        self._look_at = self.now
        return alert

    async def fire_all(self, many: Iterable[Mapping[str, str]]) -> None:
        """Let several alerts fire in one commit, as one poll finds them."""
        async with self.commits.begin() as commit:
            for labels in many:
                await self._fire(commit, labels, "")
        self._look_at = self.now

    async def _fire(self, commit: Commit, labels: Mapping[str, str], value: str) -> Alert:
        identity = identity_of(labels)
        before = await commit.tx.alerts.get(fingerprint(identity))
        step = advance(
            before,
            identity,
            true=True,
            now=self.now,
            terms=Terms(),
            labels={"project": "p", **labels},
            annotations={"summary": f"{labels['alertname']} {value}".strip()},
        )
        alert = await commit.settle(before, step, self._moment)
        assert alert is not None
        return alert

    async def resolve(self, labels: Mapping[str, str], resolution: Resolution = Resolution.RECOVERED) -> None:
        """Let the alert with these labels end."""
        async with self.commits.begin() as commit:
            alert = await commit.tx.alerts.get(fingerprint(identity_of(labels)))
            assert alert is not None
            await commit.settle(alert, end(alert, resolution, now=self.now), self._moment)
        self._look_at = self.now

    def look(self) -> None:
        """Look for work now, as the outbox does when it is woken."""
        self._look_at = self.now

    def jump(self, seconds: float) -> None:
        """Set the clock forward, or back, while the same time goes on for everybody else."""
        self._advance(seconds)
        self._jumped += seconds

    async def run_until(self, moment: float) -> None:
        """Let time pass until this many seconds after START."""
        until = START + self._jumped + moment
        while True:
            self._look_at = self.now + await self.courier.settle()
            if self._look_at >= until:
                break
            self._advance(max(self._look_at - self.now, 0.0))
        self._advance(max(until - self.now, 0.0))
        await self.courier.settle()

    def _advance(self, seconds: float) -> None:
        assert isinstance(self.clock, ManualClock)
        self.clock.advance(seconds)

    async def pending(self) -> int:
        """Return how many transitions were not told yet."""
        async with self.store.snapshot() as tx:
            return sum(each.pending for each in (await tx.outbox.backlog()).values())

    def delivered(self, receiver: Receiver) -> int:
        """Return how many notifications an integration accepted, as the metrics of the daemon have it."""
        labels = {"receiver": receiver.receiver, "integration": receiver.integration, "outcome": "delivered"}
        return int(self._metrics.registry.get_sample_value("alli_monitor_notifications_total", labels) or 0)

    @property
    def _moment(self) -> Moment:
        return Moment(server=self.now, own=self.now)

    def _described(self, alerting: Alerting) -> tuple[Any, ...]:
        receivers = {each.receiver: [each] for each in self._receivers}
        return routing_tree(alerting.route), receivers, lambda _: "", mute_policy(alerting)


@asynccontextmanager
async def open_desk(
    directory: Path, alerting: Mapping[str, Any], *, clock: ManualClock | None = None, **inbox: Any
) -> AsyncIterator[Desk]:
    """Yield a desk with an inbox, of these properties, for each receiver of the configuration."""
    clock = clock or ManualClock(START)
    inboxes = [Inbox(clock=clock, receiver=receiver["name"], **inbox) for receiver in alerting["receivers"]]
    desk = Desk.of(directory, alerting, inboxes, clock)
    await desk.start()
    try:
        yield desk
    finally:
        await desk.stop()
