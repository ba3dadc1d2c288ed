"""Categories and daily counts out of JSON."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from monitor.alli.records import DailyCount, read_categories, read_category, read_daily_counts
from monitor.alli.wire import UnclearBody

START, END = date(2026, 3, 1), date(2026, 3, 3)


def days(*rows: Any) -> bytes:
    """Return a daily count with these rows."""
    return json.dumps({"dailyTotalCount": rows, "state": "success", "campaignCount": 0}).encode()


def day(text: str, count: Any = 1) -> dict[str, Any]:
    """Return one row of the daily count."""
    return {"date": text, "activeCount": count}


def test_days_come_oldest_first_and_may_be_missing() -> None:
    """What the server does not tell is not made up."""
    counts = read_daily_counts(days(day("2026-03-03", 0), day("2026-03-01", 7)), START, END)
    assert counts == (
        DailyCount(day=date(2026, 3, 1), conversations=7),
        DailyCount(day=date(2026, 3, 3), conversations=0),
    )
    assert read_daily_counts(days(), START, END) == ()


@pytest.mark.parametrize(
    "text",
    [
        days(day("2026-02-28")),
        days(day("2026-03-04")),
        days(day("2026-03-01"), day("2026-03-01")),
        days(day("yesterday")),
        days(day("2026-03-01", -1)),
        days(day("2026-03-01", 1.5)),
        days(day("2026-03-01", 2**40)),
        days(day("2026-03-01", None)),
        days({"activeCount": 1}),
        days(None),
        b'{"dailyTotalCount": null}',
        b"{}",
        b"",
    ],
)
def test_a_count_that_contradicts_the_question_is_unclear(text: bytes) -> None:
    """A server that never got the dates answers about others: that is no count of these days."""
    with pytest.raises(UnclearBody):
        read_daily_counts(text, START, END)


@pytest.mark.parametrize("id_", ["", "..", "a\nb", "x" * 600])
def test_a_category_has_an_id(id_: str) -> None:
    """What cannot be an id could not be deleted again."""
    row = {"categoryId": id_, "name": "billing"}
    with pytest.raises(UnclearBody):
        read_category(json.dumps(row).encode())
    with pytest.raises(UnclearBody):
        read_categories(json.dumps({"categories": [row]}).encode())
