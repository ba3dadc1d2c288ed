from __future__ import annotations

from datetime import UTC

import pytest

from monitor.messages.english import ENGLISH
from monitor.messages.japanese import JAPANESE
from monitor.messages.korean import KOREAN
from monitor.messages.times import ago, clock_time, duration, duration_between, zone_of

NOW = 1_795_370_590.0  # 2026-11-22 18:03:10 UTC


@pytest.mark.parametrize(
    ("seconds", "english", "korean", "japanese"),
    [
        (-5, "0 s", "0초", "0秒"),
        (59.9, "59 s", "59초", "59秒"),
        (60, "1 min", "1분", "1分"),
        (570, "9 min 30 s", "9분 30초", "9分30秒"),
        (1859, "30 min", "30분", "30分"),
        (3600, "1 h", "1시간", "1時間"),
        (3959, "1 h 5 min", "1시간 5분", "1時間5分"),
        (183_600, "2 d 3 h", "2일 3시간", "2日3時間"),
    ],
)
def test_durations(seconds: float, english: str, korean: str, japanese: str) -> None:
    """A duration has at most two units, none of which is finer than it matters, in every language."""
    assert [duration(seconds, words) for words in (ENGLISH, KOREAN, JAPANESE)] == [english, korean, japanese]


@pytest.mark.parametrize(
    ("least", "most", "shown"),
    [
        (1862, 1950, "31-33 min"),
        (30, 45.5, "30-45 s"),
        (1800, 1801, "30-31 min"),
        (45, 70, "45 s-1 min 10 s"),
        (3590, 3700, "59 min-1 h 2 min"),
        (1800, 1800, "30 min"),
        (1800, 900, "30 min"),
        (-3, -1, "0 s"),
    ],
)
def test_durations_between_bounds(least: float, most: float, shown: str) -> None:
    """Bounds are rounded away from each other, and share their unit where they have the same."""
    assert duration_between(least, most, ENGLISH) == shown.replace("-", "\N{EN DASH}")


@pytest.mark.parametrize(
    ("at", "zone", "shown"),
    [
        (NOW - 90, "Asia/Seoul", "03:01:40 KST"),
        (NOW - 90, "Asia/Tokyo", "03:01:40 JST"),
        (NOW - 90, "America/Los_Angeles", "10:01:40 PST"),
        (NOW - 4 * 3600, "Asia/Seoul", "2026-11-22 23:03:10 KST"),
        (NOW + 86400, "UTC", "2026-11-23 18:03:10 UTC"),
        (NOW, "America/Sao_Paulo", "15:03:10 UTC-03"),
        (NOW, "Asia/Kathmandu", "23:48:10 UTC+05:45"),
    ],
)
def test_moments(at: float, zone: str, shown: str) -> None:
    """A moment has the zone's name, or its offset where it has none, and its day when that is not today there."""
    assert clock_time(at, now=NOW, zone=zone_of(zone)) == shown


@pytest.mark.parametrize("name", ["Nowhere/Else", "", "../../etc/passwd", "\x00"])
def test_unknown_zones(name: str) -> None:
    """A zone that is not known here is UTC, and no file but one of a zone is read for it."""
    assert zone_of(name) is UTC


def test_ago() -> None:
    """What is now, or ahead by a skewed clock, is just now."""
    assert ago(90, ENGLISH) == "1 min 30 s ago"
    assert ago(90, KOREAN) == "1분 30초 전"
    assert ago(0.9, JAPANESE) == ago(-100, JAPANESE) == "たった今"
