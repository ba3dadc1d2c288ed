"""
Apprise: one target of any of the services it knows.

Apprise is synchronous and says no more than yes or no. It is called in a thread of its own, which nothing can end: one
that is still at it after the time-out is waited for before anything else is sent, so that at most one thread hangs for
each target. Why it said no is read from its warnings, where most of its services write the HTTP status as
``error=404``; without one the target is taken for unavailable. Its warnings go nowhere else, since they may quote
addresses: see `monitor.settings.services`.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import ClassVar

from apprise import LOGGER_NAME, NotifyBase, NotifyFormat, NotifyType, OverflowMode

from monitor.clock import Clock
from monitor.errors import DeliveryDelayed
from monitor.messages.compose import Composer
from monitor.messages.cutting import UTF16, cut
from monitor.messages.message import AlertText, Line, Message
from monitor.model.alert import Transition
from monitor.model.notification import Notification
from monitor.notify.http import Answer
from monitor.notify.plain import fit

__all__ = ["Apprise", "plain"]

_STATUS = re.compile(r"\berror=([1-5]\d\d)\b")
_TITLE = 200
_ROOM_OF_A_TITLE = 20  # what Apprise may put around a title that stands in the body
_GRAVE = frozenset({"critical", "error"})
_TAKEN_FOR_MARKUP = str.maketrans({"@": "＠", "<": "‹", ">": "›", "[": "［", "]": "］"})  # noqa: RUF001 - they look the same
"""
What would mention people or make links where a service that says it takes plain text has a markup all the same, as
Discord does. For services that say they have one Apprise escapes the rest.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """Whether the service took it, the last HTTP status that Apprise warned of, and what a plugin raised."""

    accepted: bool = False
    status: int | None = None
    raised: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apprise:
    """One `apprise_configs` item: `service` is its one target, `timeout` the seconds it may take for a notification."""

    name: str
    receiver: str
    service: NotifyBase = field(repr=False)
    timeout: float
    clock: Clock
    composer: Composer
    send_resolved: bool = True
    integration: ClassVar[str] = "apprise"
    keeps_state: ClassVar[bool] = False
    groups: ClassVar[bool] = True
    acknowledges: ClassVar[bool] = False
    _late: dict[str, Future[_Outcome]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def pace(self) -> float:
        """The pause that Apprise knows the service to need, which it would spend within the next call."""
        return float(self.service.request_rate_per_sec)

    async def send(self, notification: Notification) -> None:
        """
        Send `notification` as one message.

        Raises as `Receiver.send`. A call that outlasts the time-out goes on: its outcome counts when the same
        notification is sent again, and until it ended nothing else is sent.
        """
        service = str(self.service.service_name)
        call = self._late.pop(notification.key, None)
        if call is None:
            if not all(late.done() for late in self._late.values()):
                raise DeliveryDelayed(f"{service} has not ended an earlier call yet")
            self._late.clear()
            call = self._begin(notification)
        try:
            async with asyncio.timeout(self.timeout):
                outcome = await asyncio.wrap_future(call)
        except TimeoutError:
            self._late[notification.key] = call
            raise DeliveryDelayed(f"{service} did not take a notification within {self.timeout:g} s") from None
        if outcome.accepted:
            return
        if outcome.status is not None:
            Answer(server=service, status=outcome.status).check()
        raise DeliveryDelayed(f"{service} did not take a notification{outcome.raised and f': {outcome.raised}'}")

    def _begin(self, notification: Notification) -> Future[_Outcome]:
        """Call the service in a thread that does not keep the process from ending."""
        message = self.composer.compose(notification, now=self.clock.now())
        outcome: Future[_Outcome] = Future()
        outcome.set_running_or_notify_cancel()
        threading.Thread(
            target=lambda: outcome.set_result(_call(self.service, message)), name=self.name, daemon=True
        ).start()
        return outcome


def _call(service: NotifyBase, message: Message) -> _Outcome:
    title, body = plain(message, service)
    warnings = _Warnings()
    logger = logging.getLogger(LOGGER_NAME)
    logger.addHandler(warnings)
    try:
        accepted = service.notify(
            title=title,
            body=body,
            body_format=NotifyFormat.TEXT,
            notify_type=_type(message),
            overflow=OverflowMode.SPLIT,  # what grew beyond the limit when Apprise gave it a markup is not lost
        )
    except Exception as error:  # noqa: BLE001 - what a plugin raises is its own
        return _Outcome(raised=type(error).__name__)
    finally:
        logger.removeHandler(warnings)
    return _Outcome(accepted=bool(accepted), status=warnings.status)


class _Warnings(logging.Handler):
    """Reads Apprise's warnings in the thread that made it: `status` is the last HTTP status in them."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.status: int | None = None
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        found = _STATUS.search(record.getMessage()) if record.thread == self._thread else None
        if found:
            self.status = int(found[1])


def plain(message: Message, service: NotifyBase) -> tuple[str, str]:
    """
    Return title and body for `service`, in plain text.

    They are within its limits, counted as UTF-16 code units: that is what many services count, and never less than
    the characters that others do.
    """
    message = _harmless(message)
    longest = service.title_maxlen or service.body_maxlen // 2
    title = cut(message.title, min(longest, _TITLE), unit=UTF16)
    stands_in_body = service.overflow_amalgamate_title or not service.title_maxlen
    room = service.body_maxlen - (UTF16(title) + _ROOM_OF_A_TITLE if stands_in_body else 0)
    return title, fit(message, room, unit=UTF16)


def _harmless(message: Message) -> Message:
    """Return `message` with nothing in its texts that a service may take for markup; addresses of links stay."""

    def text(of: str) -> str:
        return of.translate(_TAKEN_FOR_MARKUP)

    def alert(of: AlertText) -> AlertText:
        lines = tuple(Line(label=text(line.label), text=text(line.text)) for line in of.lines)
        return replace(of, title=text(of.title), summary=text(of.summary), excerpt=text(of.excerpt), lines=lines)

    return replace(message, title=text(message.title), alerts=tuple(map(alert, message.alerts)))


def _type(message: Message) -> NotifyType:
    """Return the kind of message: what fires is never told as mere information, which some services close by."""
    if message.status is Transition.RESOLVED:
        return NotifyType.SUCCESS
    is_grave = any(alert.severity in _GRAVE for alert in message.alerts if alert.status is Transition.FIRING)
    return NotifyType.FAILURE if is_grave else NotifyType.WARNING
