from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.rules.humanize import humanize


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "0.25s"),
        (1, "1s"),
        (59.9, "59s"),
        (60, "1m"),
        (750, "12m 30s"),
        (3600, "1h"),
        (3605, "1h"),
        (93600, "1d 2h"),
        (864000, "10d"),
        (-90, "-1m 30s"),
    ],
)
def test_durations_have_at_most_two_units(seconds: float, text: str) -> None:
    """A duration reads as its two largest neighbouring units."""
    assert humanize(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (950, "950"),
        (1234, "1.234k"),
        (-2_500_000, "-2.5M"),
        (3e9, "3G"),
        (7e12, "7T"),
        (0.123456, "0.1235"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
    ],
)
def test_numbers_have_prefixes(value: float, text: str) -> None:
    """A number reads with four digits and the prefix of its thousands."""
    assert humanize(value) == text
