"""What the outbox knows about a receiver, whatever its kind."""

from __future__ import annotations

from typing import Protocol

from monitor.model.notification import Notification

__all__ = ["Receiver"]


class Receiver(Protocol):
    """One integration of one receiver of the configuration: it takes notifications, whole or not at all."""

    @property
    def name(self) -> str:
        """Which integration this is, for logs and the outbox: ``oncall/webhook[0]``."""

    @property
    def integration(self) -> str:
        """The kind, for metrics: ``webhook``."""

    @property
    def receiver(self) -> str:
        """The name of the receiver in the configuration: ``oncall``."""

    @property
    def keeps_state(self) -> bool:
        """Whether it shows alerts until they are resolved, so that it has to be told of expired events as well."""

    @property
    def send_resolved(self) -> bool:
        """Whether it wants to be told of resolves."""

    @property
    def groups(self) -> bool:
        """Whether we group and repeat for it; False where it does that itself and wants transitions at once."""

    @property
    def acknowledges(self) -> bool:
        """Whether it keeps acknowledgements itself, so that it has to be told of ours."""

    @property
    def pace(self) -> float:
        """How many seconds at least have to pass between two sends to it; 0 where that does not matter."""

    async def send(self, notification: Notification) -> None:
        """
        Hand `notification` over; returning means that every entry was accepted.

        Raises DeliveryDelayed when trying again later may help, with `retry_after` if the receiver said so, and
        DeliveryRefused when the receiver will not take it: what it would take of it was delivered all the same.
        """
