"""Telling Alertmanager again and again what fires: it forgets what it is not told."""

from __future__ import annotations

import structlog

from monitor.announcer import UNGROUPED, Announcer, as_it_is_now
from monitor.clock import Clock
from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.model.alert import AlertState
from monitor.model.notification import Entry
from monitor.notify.alertmanager import Alertmanager
from monitor.store import Store

__all__ = ["Resender"]

log = structlog.get_logger()

_RESOLVED_FOR = 900.0  # seconds for which resolves are sent again, as Prometheus does


class Resender:
    """
    Sends every Alertmanager what it was told of and still fires, and what resolved in the last 15 minutes.

    Transitions themselves go through the outbox; this only keeps them alive, so a failure here is not retried before
    the next round.
    """

    def __init__(self, store: Store, announcer: Announcer, clock: Clock) -> None:
        self.announcer = announcer
        self._store = store
        self._clock = clock

    async def resend(self) -> None:
        """Send one round. Raises StorageError."""
        now = self._clock.now()
        for name, integration in self.announcer.integrations.items():
            if isinstance(integration, Alertmanager) and (entries := await self._entries(name, now)):
                try:
                    await integration.resend(entries, now)
                except (DeliveryDelayed, DeliveryRefused) as error:
                    log.warning("resend failed", integration=name, error=str(error))

    async def _entries(self, name: str, now: float) -> list[Entry]:
        """Return what an integration is to be kept aware of."""
        async with self._store.snapshot() as tx:
            told = await tx.groups.told_firing(name, UNGROUPED)
            resolved = await tx.groups.told_resolved(name, UNGROUPED, since=now - _RESOLVED_FOR)
            firing = {f: a for f, a in (await tx.alerts.open()).items() if a.state is AlertState.FIRING}
        alive = [as_it_is_now(entry, firing[entry.fingerprint]) for entry in told if entry.fingerprint in firing]
        return [*alive, *(entry for entry in resolved if entry.fingerprint not in firing)]
