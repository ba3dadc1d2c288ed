"""
Durations as Prometheus writes them: ``90s``, ``1h30m``, ``7d``.

Source of the syntax: the Prometheus configuration page, `<duration>`: units ``y w d h m s ms`` from large to small,
each at most once, or a bare ``0``. All values here are seconds.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

__all__ = ["Duration", "format_duration", "parse_duration", "parse_moment"]

_UNITS = {"y": 365 * 86400, "w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
_PATTERN = re.compile(
    r"(?:(?P<y>\d{1,6})y)?(?:(?P<w>\d{1,6})w)?(?:(?P<d>\d{1,6})d)?(?:(?P<h>\d{1,6})h)?"
    r"(?:(?P<m>\d{1,6})m(?!s))?(?:(?P<s>\d{1,9})s)?(?:(?P<ms>\d{1,9})ms)?",
    re.ASCII,
)


def parse_duration(text: str) -> float:
    """Return the seconds that `text` stands for; raise ValueError when it is not a duration."""
    if text == "0":
        return 0.0
    match = _PATTERN.fullmatch(text)
    if not text or match is None:
        raise ValueError(f"{text!r} is not a duration; write it as 90s, 1h30m or 7d")
    return float(sum(int(count) * _UNITS[unit] for unit, count in match.groupdict(default="0").items()))


def parse_moment(text: str, now: float) -> float:
    """
    Return the time after `now` that `text` means: a duration from now (``2h``), or a time (``2027-01-31T09:00Z``).

    Both are UTC seconds since the epoch, and so is a time that names no zone. ValueError is raised for what is neither
    or has passed.
    """
    try:
        at = now + parse_duration(text)
    except ValueError:
        at = _parse_time(text)
    if at <= now:
        raise ValueError(f"{text!r} is not in the future")
    return at


def format_duration(seconds: float) -> str:
    """Return the shortest exact text of `seconds`, to the millisecond: ``1h30m``."""
    rest = round(seconds * 1000)
    sign, rest = ("-", -rest) if rest < 0 else ("", rest)
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        size = round(_UNITS[unit] * 1000)
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return sign + "".join(parts) if parts else "0s"


def _parse_time(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is neither a duration (2h) nor a time (2027-01-31T09:00Z)") from None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def _validate(value: Any) -> float:
    if not isinstance(value, str):
        raise ValueError("a duration is text with a unit, such as 90s, 1h30m or 7d")  # noqa: TRY004 - pydantic's way
    return parse_duration(value)


Duration = Annotated[float, BeforeValidator(_validate), PlainSerializer(format_duration, return_type=str)]
"""A field of a settings or rule model: written as text with a unit, held as seconds."""
