"""Telling Alertmanager again and again what fires: it forgets what it is not told."""

from __future__ import annotations

from dataclasses import replace

import structlog

from monitor.announcer import Announcer
from monitor.clock import Clock
from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.model.alert import AlertState
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
        async with self._store.snapshot() as tx:
            told = await tx.outbox.told_firing()
            resolved = await tx.outbox.told_resolved(since=now - _RESOLVED_FOR)
            firing = {f: a for f, a in (await tx.alerts.open()).items() if a.state is AlertState.FIRING}
        for name, integration in self.announcer.integrations.items():
            if not isinstance(integration, Alertmanager):
                continue
            alive = [
                replace(entry, annotations=firing[entry.fingerprint].annotations)
                for entry in told.get((name, ""), ())
                if entry.fingerprint in firing
            ]
            again = [entry for entry in resolved.get((name, ""), ()) if entry.fingerprint not in firing]
            if not alive and not again:
                continue
            try:
                await integration.resend([*alive, *again], now)
            except (DeliveryDelayed, DeliveryRefused) as error:
                log.warning("resend failed", integration=name, error=str(error))
