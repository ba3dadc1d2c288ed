"""
What systemd is told of the daemon: that it is ready, reloads or stops, and that it is alive.

The protocol is that of sd_notify(3): datagrams of NAME=VALUE lines to the socket that the environment names. Other
service managers and container engines speak it as well. Where nobody listens, nothing is sent.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from monitor.clock import Clock
from monitor.settings.supervision import Supervision

__all__ = ["ServiceManager"]

log = structlog.get_logger()

_MICROSECONDS = 1_000_000
_EXTEND_EVERY = 10.0
_EXTEND_BY = 60.0  # seconds, more than a busy disk lets the next message wait
_STATUS_EVERY = 10.0  # seconds, where no watchdog wants to hear sooner
_TAKES_AT_MOST = 5.0  # seconds for handing over one message; a manager that hangs is no reason to hang


class ServiceManager:
    """Whoever started this process and wants to know how it is, as `supervision` says."""

    def __init__(self, supervision: Supervision, clock: Clock) -> None:
        self._address = _address(supervision.notify_socket or "")
        self._watched = supervision.watchdog is not None
        self._every = _STATUS_EVERY if supervision.watchdog is None else min(_STATUS_EVERY, supervision.watchdog / 2)
        self._clock = clock
        self._reloading = asyncio.Lock()
        self._status = ""
        self._deaf = False

    @asynccontextmanager
    async def patience(self, status: str) -> AsyncIterator[None]:
        """Ask for more time to start, again and again, as long as the block takes."""
        asking = asyncio.create_task(self._ask_for_time(status), name="patience")
        try:
            yield
        finally:
            asking.cancel()

    async def ready(self) -> None:
        """Tell that the daemon has started."""
        await self._tell("READY=1")

    @asynccontextmanager
    async def reload(self) -> AsyncIterator[None]:
        """Tell that the configuration is loaded again, and, after the block, that this is over; one after the other."""
        async with self._reloading:
            await self._tell("RELOADING=1", f"MONOTONIC_USEC={self._clock.monotonic() * _MICROSECONDS:.0f}")
            try:
                yield
            finally:
                await self._tell("READY=1")

    async def stopping(self) -> None:
        """Tell that the daemon ends now because it was asked to."""
        await self._tell("STOPPING=1", *self._news("stopping"))

    async def watch(self, unhealthy: Callable[[], str | None], status: Callable[[], str]) -> None:
        """
        Tell for ever that the daemon lives, at half of the watchdog's time or sooner, and what it does.

        While `unhealthy` gives a reason the watchdog hears nothing, and so ends the process when its time is over.
        """
        while True:
            await self.beat(unhealthy(), status())
            await self._clock.sleep(self._every)

    async def beat(self, unhealthy: str | None, status: str) -> None:
        """Tell once that the daemon lives, unless it is `unhealthy`, and its `status` if that is news."""
        alive = ["WATCHDOG=1"] if self._watched and unhealthy is None else []
        await self._tell(*alive, *self._news(f"stuck: {unhealthy}" if unhealthy else status))

    async def _ask_for_time(self, status: str) -> None:
        while True:
            await self._tell(f"EXTEND_TIMEOUT_USEC={_EXTEND_BY * _MICROSECONDS:.0f}", *self._news(status))
            await self._clock.sleep(_EXTEND_EVERY)

    def _news(self, status: str) -> list[str]:
        """Return the line that tells this status, none when it was told before."""
        if status == self._status:
            return []
        self._status = status
        return [f"STATUS={status}"]

    async def _tell(self, *lines: str) -> None:
        if not self._address or not lines:
            return
        try:
            async with asyncio.timeout(_TAKES_AT_MOST):
                await self._send("\n".join(lines).encode())
        except (OSError, TimeoutError) as error:
            if not self._deaf:
                log.warning("the service manager cannot be told", error=str(error) or type(error).__name__)
            self._deaf = True
        else:
            self._deaf = False

    async def _send(self, message: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)
            await asyncio.get_running_loop().sock_sendto(sender, message, self._address)


def _address(notify_socket: str) -> str:
    """Return the address as the kernel knows it: an abstract name begins with a zero byte."""
    return f"\0{notify_socket[1:]}" if notify_socket.startswith("@") else notify_socket
