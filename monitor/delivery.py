"""Delivering notifications: with backoff, and a record of how each destination fares."""

from __future__ import annotations

import random
from dataclasses import replace

import structlog

from monitor.announcer import Announcer
from monitor.clock import Clock
from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.handling import Done, Handled, Later, SetAside
from monitor.metrics import Metrics
from monitor.model.intent import Intent
from monitor.model.notification import Notification
from monitor.notify.receiver import Receiver
from monitor.store import Store
from monitor.store.database import StorageError
from monitor.store.outbox import Health
from monitor.store.rows import decode

__all__ = ["DeliveryHandler"]

log = structlog.get_logger()

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 300.0


class DeliveryHandler:
    """
    Hands notifications to integrations; the courier calls it for one notification of a destination at a time.

    After a failure the whole destination is left alone for a while (its Retry-After, or an exponential backoff with
    jitter), so that a receiver that is down is not asked once for every group.
    """

    def __init__(
        self, *, store: Store, announcer: Announcer, clock: Clock, metrics: Metrics, jitter: random.Random
    ) -> None:
        self.announcer = announcer
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._jitter = jitter
        self._not_before: dict[str, float] = {}

    async def handle(self, intent: Intent) -> Handled:
        """Send one notification."""
        integration = self.announcer.integrations.get(intent.destination)
        if integration is None:
            return SetAside("its receiver is not configured any more")
        until = self._not_before.get(integration.name, 0.0)
        if self._clock.now() < until:
            return Later(until, "the receiver is left alone for a while")
        return await self._send(integration, decode(intent.payload, Notification))

    async def _send(self, integration: Receiver, notification: Notification) -> Handled:
        async with self._store.snapshot() as tx:
            known = (await tx.outbox.health()).get(integration.name)
        health = known or Health(destination=integration.name)
        try:
            await integration.send(notification)
        except DeliveryDelayed as error:
            return await self._delayed(integration, health, error)
        except DeliveryRefused as error:
            return await self._refused(integration, health, error)
        self._count(integration, "delivered")
        now = self._clock.now()
        log.info("notified", integration=integration.name, reason=notification.reason, alerts=len(notification.entries))
        await self._record(Health(destination=integration.name, delivered_at=now))
        return Done()

    async def _delayed(self, integration: Receiver, health: Health, error: DeliveryDelayed) -> Handled:
        now = self._clock.now()
        backoff = min(_FIRST_WAIT * 2.0 ** min(health.attempts, 16), _LONGEST_WAIT) * self._jitter.uniform(0.8, 1.2)
        until = now + (error.retry_after if error.retry_after is not None else backoff)
        self._not_before[integration.name] = until
        self._count(integration, "retried")
        await self._record(_failing(health, now, str(error), permanent=False))
        return Later(until, str(error))

    async def _refused(self, integration: Receiver, health: Health, error: DeliveryRefused) -> Handled:
        self._count(integration, "failed")
        log.error("notification set aside", integration=integration.name, reason=error.reason, error=str(error))
        await self._record(_failing(health, self._clock.now(), str(error), permanent=True))
        return SetAside(str(error))

    async def _record(self, health: Health) -> None:
        """Write down how a destination fares; that it cannot be written does not undo a delivery."""
        try:
            async with self._store.transaction() as tx:
                await tx.outbox.record_health(health)
        except StorageError as error:
            log.error("health not recorded", integration=health.destination, error=str(error))  # noqa: TRY400 - the message says it all

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
