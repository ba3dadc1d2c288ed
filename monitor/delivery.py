"""Delivering notifications: with backoff, errors sorted, and a record of how each destination fares."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

import structlog

from monitor.announcer import Announcer
from monitor.clock import Clock
from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.handling import Divide, Done, Handled, Later, Note, Part, SetAside
from monitor.messages.cutting import cut
from monitor.metrics import Metrics
from monitor.model.intent import Intent, IntentKind
from monitor.model.notification import Notification
from monitor.notify.receiver import Receiver
from monitor.store import Store
from monitor.store.outbox import Health
from monitor.store.rows import decode, encode

__all__ = ["DeliveryHandler"]

log = structlog.get_logger()

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 300.0
_REFUSED_WAIT = 300.0  # seconds until a receiver that refuses everything is asked again
_BROKEN_AFTER = 20  # refusals in a row, whatever stood in them: then it is the receiver that is broken
_SHORT = 200  # characters of an annotation that are left where a receiver does not take more


class DeliveryHandler:
    """
    Hands notifications to integrations; the courier calls it for one notification of a destination at a time.

    After a failure the whole destination rests for a while (its Retry-After, or an exponential backoff with jitter):
    a circuit breaker, so that a receiver that is down is not asked once for every group. One that refuses whatever it
    is sent rests longer, and what is meant for it waits. Where it refuses only what stands in a notification, that is
    cut in halves until the one alert is found that it does not take; this one is shortened, and then set aside.
    """

    def __init__(
        self, *, store: Store, announcer: Announcer, clock: Clock, metrics: Metrics, jitter: random.Random
    ) -> None:
        self.announcer = announcer
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._jitter = jitter
        self._rests: dict[str, float] = {}
        self._health: dict[str, Health] = {}

    def resting(self) -> Mapping[str, float]:
        """Return the destinations that are left alone now, and until when, in own time."""
        now = self._clock.now()
        self._rests = {name: until for name, until in self._rests.items() if now < until}
        return self._rests

    async def forget(self) -> None:
        """Ask every destination at once, since its configuration may have changed. Raises StorageError."""
        self._rests.clear()
        async with self._store.transaction() as tx:
            await tx.outbox.hurry(IntentKind.NOTIFY, at=self._clock.now())

    async def handle(self, intent: Intent) -> Handled:
        """Send one notification."""
        integration = self.announcer.integrations.get(intent.destination)
        if integration is None:
            return SetAside("its receiver is not configured any more")
        notification = decode(intent.payload, Notification)
        health = await self._known_health(integration.name)
        try:
            await integration.send(notification)
        except DeliveryDelayed as error:
            return self._delayed(integration, health, error)
        except DeliveryRefused as error:
            if error.scope == "receiver" or health.attempts >= _BROKEN_AFTER:
                return self._refused(integration, health, error)
            return await self._not_taken(integration, health, error, intent, notification)
        self._count(integration, "delivered")
        log.info("notified", integration=integration.name, reason=notification.reason, alerts=len(notification.entries))
        now = self._clock.now()
        if integration.pace:
            self._rests[integration.name] = now + integration.pace
        fares = Health(destination=integration.name, delivered_at=now, set_aside_at=health.set_aside_at)
        return Done(note=self._noted(fares))

    def _delayed(self, integration: Receiver, health: Health, error: DeliveryDelayed) -> Handled:
        now = self._clock.now()
        backoff = min(_FIRST_WAIT * 2.0 ** min(health.attempts, 16), _LONGEST_WAIT) * self._jitter.uniform(0.8, 1.2)
        until = now + (error.retry_after if error.retry_after is not None else backoff)
        self._rests[integration.name] = until
        self._count(integration, "retried")
        return Later(until, str(error), note=self._noted(_failing(health, now, str(error), permanent=False)))

    def _refused(self, integration: Receiver, health: Health, error: DeliveryRefused) -> Handled:
        """Let all that is meant for a receiver that takes nothing wait until somebody has mended it."""
        now = self._clock.now()
        until = now + _REFUSED_WAIT
        self._rests[integration.name] = until
        self._count(integration, "failed")
        if not health.permanent:
            log.error("receiver set aside", integration=integration.name, reason=error.reason, error=str(error))
        return Later(until, str(error), note=self._noted(_failing(health, now, str(error), permanent=True)))

    async def _not_taken(
        self, integration: Receiver, health: Health, error: DeliveryRefused, intent: Intent, notification: Notification
    ) -> Handled:
        """Part what can be delivered from what the receiver does not take."""
        now = self._clock.now()
        self._count(integration, "failed")
        failing = replace(health, attempts=health.attempts + 1, error=str(error))
        if len(notification.entries) == 1 and notification.shortened:
            log.error(
                "notification set aside",
                integration=integration.name,
                reason=error.reason,
                fingerprint=notification.entries[0].fingerprint,
                error=str(error),
            )
            return SetAside(str(error), note=self._noted(replace(failing, set_aside_at=now)))
        async with self._store.snapshot() as tx:
            carried = await tx.outbox.carries(intent.id)
        parts = (
            _halves(notification, carried) if len(notification.entries) > 1 else [(_shortened(notification), carried)]
        )
        divided = tuple(Part(encode(part), carries) for part, carries in parts)
        return Divide(divided, note=self._noted(failing))

    async def _known_health(self, destination: str) -> Health:
        if destination not in self._health:
            async with self._store.snapshot() as tx:
                known = (await tx.outbox.health()).get(destination)
            self._health[destination] = known or Health(destination=destination)
        return self._health[destination]

    def _noted(self, health: Health) -> Note:
        """Remember how a destination fares, and return what writes it down."""
        self._health[health.destination] = health
        return lambda tx: tx.outbox.record_health(health)

    def _count(self, integration: Receiver, outcome: str) -> None:
        self._metrics.notifications.labels(integration.receiver, integration.integration, outcome).inc()


def _failing(health: Health, now: float, error: str, *, permanent: bool) -> Health:
    return replace(
        health,
        failing_since=health.failing_since if health.failing_since is not None else now,
        attempts=health.attempts + 1,
        error=error,
        permanent=permanent or health.permanent,
    )


def _halves(notification: Notification, carried: int) -> list[tuple[Notification, int]]:
    """Return the two halves of a notification, and how many new transitions each has: they come last in the whole."""
    entries = notification.entries
    middle = len(entries) // 2
    known = len(entries) - carried
    parts = (entries[:middle], max(middle - known, 0)), (entries[middle:], len(entries) - max(middle, known))
    return [
        (replace(notification, key=f"{notification.key}.{number}", entries=part), carries)
        for number, (part, carries) in enumerate(parts, 1)
    ]


def _shortened(notification: Notification) -> Notification:
    """Return a notification of one alert without what could be too much of it."""
    [entry] = notification.entries
    annotations = {name: cut(text, _SHORT) for name, text in entry.annotations.items()}
    short = replace(entry, annotations=annotations, facts=replace(entry.facts, excerpt="", last_step=""))
    return replace(notification, key=f"{notification.key}.s", entries=(short,), shortened=True)
