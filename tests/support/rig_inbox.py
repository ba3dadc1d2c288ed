"""A receiver that keeps what it is told, and fails when it is told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from monitor.clock import Clock
from monitor.errors import DeliveryRefused
from monitor.model.alert import Resolution, Transition
from monitor.model.notification import Entry, Notification

__all__ = ["Crash", "Inbox", "Told"]


class Crash(BaseException):
    """The daemon dies here; nothing of ours catches it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One alert in one accepted notification; `at` is own time."""

    at: float
    entry: Entry
    notification: Notification

    @property
    def rule(self) -> str:
        """The name of its rule."""
        return self.entry.labels["alertname"]

    @property
    def status(self) -> Transition:
        """Whether it fires."""
        return self.entry.status

    @property
    def action(self) -> str | None:
        """What came of the stop, where its rule wants one."""
        return self.entry.labels.get("action")

    @property
    def resolution(self) -> Resolution | None:
        """Why it was resolved."""
        return self.entry.resolution


@dataclass(slots=True, kw_only=True)
class Inbox:
    """
    An integration of a receiver, as `monitor.notify.receiver.Receiver`.

    While `error` is set, every attempt raises it; `attempts` holds the own time and key of each. What holds an entry
    that it `refuses` is not taken. With
    `dies_after_accepting`, the daemon dies once right after a notification was accepted.
    """

    clock: Clock
    receiver: str = "oncall"
    keeps_state: bool = True
    send_resolved: bool = True
    groups: bool = True
    acknowledges: bool = False
    pace: float = 0.0
    integration: str = "webhook"
    error: Exception | None = None
    refuses: Callable[[Entry], bool] = lambda _: False
    dies_after_accepting: bool = False
    accepted: list[Notification] = field(default_factory=list)
    accepted_at: list[float] = field(default_factory=list)
    attempts: list[tuple[float, str]] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Which integration this is."""
        return f"{self.receiver}/{self.integration}[0]"

    async def send(self, notification: Notification) -> None:
        """Keep `notification`, or raise what is set."""
        now = self.clock.now()
        self.attempts.append((now, notification.key))
        if self.error is not None:
            raise self.error
        if any(map(self.refuses, notification.entries)):
            raise DeliveryRefused("there is something in it", reason="client_error", scope="payload")
        self.accepted.append(notification)
        self.accepted_at.append(now)
        self.told += [Told(at=now, entry=entry, notification=notification) for entry in notification.entries]
        if self.dies_after_accepting:
            self.dies_after_accepting = False
            raise Crash

    def about(self, *rules: str) -> list[Told]:
        """Return what was told about alerts of these rules, in order."""
        return [told for told in self.told if told.rule in rules]

    def transitions(self, *rules: str) -> Sequence[str]:
        """Return ``firing`` and ``resolved`` in the order in which they were told about alerts of these rules."""
        return [told.status.value for told in self.about(*rules)]
