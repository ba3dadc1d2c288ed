"""Which day is over where the project is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from monitor.tracking.days import last_finished_day


@pytest.mark.parametrize(
    ("now", "zone", "day"),
    [
        ("2026-11-22T12:00Z", "UTC", date(2026, 11, 21)),
        ("2026-11-22T01:59Z", "UTC", date(2026, 11, 20)),
        ("2026-11-22T02:00Z", "UTC", date(2026, 11, 21)),
        ("2026-11-22T16:59Z", "Asia/Seoul", date(2026, 11, 21)),
        ("2026-11-22T17:00Z", "Asia/Seoul", date(2026, 11, 22)),
        ("2026-11-01T08:00Z", "America/New_York", date(2026, 10, 31)),  # the night that has an hour twice
    ],
)
def test_a_day_is_over_two_hours_after_midnight_where_the_project_is(now: str, zone: str, day: date) -> None:
    """The last finished day follows the project's zone, and waits for late counts."""
    assert last_finished_day(datetime.fromisoformat(now).astimezone(UTC).timestamp(), ZoneInfo(zone)) == day
