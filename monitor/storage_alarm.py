"""The one alert that cannot go through the database: that the database fails."""

from __future__ import annotations

from dataclasses import replace

import structlog

from monitor.announcer import Announcer
from monitor.clock import Clock
from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.model.alert import Identity, Transition, fingerprint
from monitor.model.builtin import SEVERITIES, Builtin
from monitor.model.notification import Entry, Notification
from monitor.store.database import StorageError

__all__ = ["StorageAlarm"]

log = structlog.get_logger()

_REPEAT = 300.0
_GROUP_KEY = "{}:{StorageFailing}"


class StorageAlarm:
    """
    Tells receivers directly that the storage fails, again every five minutes, and that it works again.

    It keeps nothing on disk, for that is what fails: a restart forgets that it was told.
    """

    def __init__(self, announcer: Announcer, clock: Clock) -> None:
        self.announcer = announcer
        self._clock = clock
        self._entry: Entry | None = None
        self._told_at: float | None = None

    async def failed(self, error: StorageError) -> None:
        """Note that the storage failed, and tell unless that was done within the last five minutes."""
        now = self._clock.now()
        if self._entry is None:
            self._entry = self._new_entry(now)
        self._entry = replace(self._entry, annotations={"summary": f"The monitor cannot keep its state: {error}"})
        if self._told_at is None or now - self._told_at >= _REPEAT:
            self._told_at = now
            log.error("storage fails", error=str(error))
            await self._tell(self._entry, now)

    async def recovered(self) -> None:
        """Note that the storage works, and tell if it did not before."""
        if self._entry is None:
            return
        now = self._clock.now()
        ended = replace(self._entry, status=Transition.RESOLVED, ends_at=now)
        self._entry = self._told_at = None
        log.info("storage works again")
        await self._tell(ended, now)

    def _new_entry(self, now: float) -> Entry:
        name = Builtin.STORAGE_FAILING
        return Entry(
            fingerprint=fingerprint(Identity(project="", rule=name.value)),
            status=Transition.FIRING,
            labels={"alertname": name.value, "severity": SEVERITIES[name]},
            annotations={},
            starts_at=now,
        )

    async def _tell(self, entry: Entry, now: float) -> None:
        for _, integration in self.announcer.targets(entry.labels):
            notification = Notification(
                key=f"{entry.fingerprint}-{entry.status.value}-{now:.3f}",
                receiver=integration.receiver,
                group_key=_GROUP_KEY,
                group_labels={"alertname": Builtin.STORAGE_FAILING.value},
                entries=(entry,),
            )
            try:
                await integration.send(notification)
            except (DeliveryDelayed, DeliveryRefused) as error:
                log.error("storage alarm not delivered", integration=integration.name, error=str(error))  # noqa: TRY400 - the message says it all
