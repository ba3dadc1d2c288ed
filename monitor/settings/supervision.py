"""What the service manager that started the process put into its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.errors import ConfigError

__all__ = ["Supervision", "supervision"]

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """
    Where a service manager wants to be told how the daemon is, and how often.

    `notify_socket` is the address of a datagram socket, a path or an abstract name that begins with @; None when
    nobody listens. `watchdog` is after how many seconds of silence the process is taken for dead, None for never.
    """

    notify_socket: str | None = None
    watchdog: float | None = None


def supervision(environ: Mapping[str, str] | None = None) -> Supervision:
    """
    Read systemd's variables, by default from the process's own environment: sd_notify(3), sd_watchdog_enabled(3).

    Raises ConfigError when they cannot be used.
    """
    variables = os.environ if environ is None else environ  # noqa: TID251 - settings read the environment
    address = variables.get("NOTIFY_SOCKET") or None
    if address is not None and not address.startswith(("/", "@")):
        raise ConfigError("NOTIFY_SOCKET: should be a path, or a name that begins with @")
    return Supervision(notify_socket=address, watchdog=_watchdog(variables))


def _watchdog(variables: Mapping[str, str]) -> float | None:
    """Return the seconds of the watchdog if it is for this process, which WATCHDOG_PID tells where it is set."""
    text = variables.get("WATCHDOG_USEC")
    if not text or variables.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        seconds = int(text) / _MICROSECONDS
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise ConfigError("WATCHDOG_USEC: should be a number of microseconds above 0")
    return seconds
