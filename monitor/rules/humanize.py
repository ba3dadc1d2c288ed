"""Durations, numbers and blind times as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.model.blind import Blind

__all__ = ["humanize", "not_observed"]

_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def humanize(value: timedelta | float) -> str:
    """
    Return `value` in at most two units or four digits.

    ``12m 30s``, ``1d 2h``, ``0.3s``, ``950``, ``1.234k``, ``-2.5M``.
    """
    return _duration(value.total_seconds()) if isinstance(value, timedelta) else _number(value)


def _duration(seconds: float) -> str:
    if seconds < 0:
        return "-" + _duration(-seconds)
    if seconds < 1:
        return f"{round(seconds, 3):g}s"
    rest = int(seconds)
    parts: list[tuple[int, str]] = []
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append((count, unit))
    return " ".join(f"{count}{unit}" for count, unit in parts[:2] if count)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    for size, prefix in _PREFIXES:
        if abs(value) >= size:
            return f"{value / size:.4g}{prefix}"
    return f"{value:.4g}"


def not_observed(blind: Blind, zone: ZoneInfo) -> str:
    """Return the annotation `coverage` of an alert whose fact may have happened in a blind time."""
    begin, end = (datetime.fromtimestamp(at, UTC).astimezone(zone) for at in (blind.began_at, blind.ended_at))
    times = f"{begin:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S} {end:%Z}"
    return f"not observed from {times}, for {humanize(timedelta(seconds=blind.seconds))} before this"
