"""Which days of a project's calendar are over."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

__all__ = ["last_finished_day"]

_SETTLES_WITHIN = timedelta(hours=2)  # after midnight: counts of the day before may still be made


def last_finished_day(now: float, zone: ZoneInfo) -> date:
    """Return the last day that has been over for two hours in `zone`; `now` is in UTC seconds."""
    return (datetime.fromtimestamp(now, UTC) - _SETTLES_WITHIN).astimezone(zone).date() - timedelta(days=1)
