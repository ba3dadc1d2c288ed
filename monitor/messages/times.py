"""Moments and durations as people read them, in their zone and their language."""

from __future__ import annotations

import math
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from monitor.messages.words import Words

__all__ = ["ago", "clock_time", "duration", "duration_between", "zone_of"]

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_ROUGH = 600  # seconds from which single ones do not matter


def zone_of(name: str) -> tzinfo:
    """Return the zone with this IANA name; UTC where it is not known here."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def clock_time(at: float, *, now: float, zone: tzinfo) -> str:
    """Return a moment in `zone`, with the day unless it is today's: ``2026-11-22 14:03:05 KST``."""
    local = datetime.fromtimestamp(at, UTC).astimezone(zone)
    today = datetime.fromtimestamp(now, UTC).astimezone(zone).date()
    name = local.tzname() or ""
    if not name.isalpha():
        offset = f"{local:%z}"
        name = f"UTC{offset[:3]}" + (f":{offset[3:5]}" if offset[3:5] != "00" else "")
    day = "" if local.date() == today else f"{local:%Y-%m-%d} "
    return f"{day}{local:%H:%M:%S} {name}"


def duration(seconds: float, words: Words) -> str:
    """Return the full units of a duration: ``45 s``, ``9 min 30 s``, ``31 min``, ``1 h 5 min``, ``2 d 3 h``."""
    rest = max(int(seconds), 0)
    units = words.units
    if rest < _MINUTE:
        return f"{rest}{units.second}"
    if rest < _HOUR:
        large, small = (_MINUTE, units.minute), (1, units.second)
    elif rest < _DAY:
        large, small = (_HOUR, units.hour), (_MINUTE, units.minute)
    else:
        large, small = (_DAY, units.day), (_HOUR, units.hour)
    count, rest = divmod(rest, large[0])
    parts = [f"{count}{large[1]}"]
    if rest // small[0] and not _ROUGH <= count * large[0] < _HOUR:
        parts.append(f"{rest // small[0]}{small[1]}")
    return units.between.join(parts)


def duration_between(least: float, most: float, words: Words) -> str:
    """Return a duration of which only the bounds are known: ``31-33 min``, with an en dash."""
    least = max(least, 0.0)
    low = duration(least, words)
    # never less than what it may be: rounded up to what is shown
    high = duration(most if most < _ROUGH else math.ceil(most / _MINUTE) * _MINUTE, words)
    if low == high or most <= least:
        return low
    number, other = _number(low), _number(high)
    if low[len(number) :] == high[len(other) :]:
        low = number
    return f"{low}\N{EN DASH}{high}"


def _number(text: str) -> str:
    """Return the digits that a duration begins with."""
    return text[: next(place for place, character in enumerate(text) if not character.isdigit())]


def ago(seconds: float, words: Words) -> str:
    """Return how long ago something was; less than a second and what a skewed clock puts ahead is just now."""
    if seconds < 1:
        return words.just_now
    return words.ago.format(duration=duration(seconds, words))
