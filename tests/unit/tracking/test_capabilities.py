from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from monitor.model.capabilities import Capabilities, ChatOrder, Proof
from monitor.model.evidence import ChatsSeen, Evidence, FilterSeen, PageSeen, RowSeen, Stamp
from monitor.tracking.capabilities import FIELDS, judge, remember
from monitor.tracking.capability_report import changes, degradations, holds_stops, report

START = 1_800_000_000.0
EMPTY = PageSeen(rows=())


def stamp(at: float, *, unit: str = "ms", made_at: float | None = None) -> Stamp:
    """Return a time, by default one that no id tells anything about."""
    return Stamp(unit=unit, at=at, made_at=made_at)


def row(number: int = 0, *, chats: int = 2, off: float = 0.0, **fields: Any) -> RowSeen:
    """Return a row with all its chats, one a second; `off` is by how much times differ from their ids."""
    at = START + 60 * number
    times = [at + second for second in range(chats)]
    values: dict[str, Any] = {
        "id": f"c{number}",
        "created": stamp(at + off, made_at=at),
        "last_chat": stamp(times[-1] + off) if times else None,
        "chat_count": chats,
        "chats": tuple(stamp(time + off, made_at=time) for time in times),
    }
    return RowSeen(**{**values, **fields})


def page(*rows: RowSeen) -> PageSeen:
    """Return the page with these rows."""
    return PageSeen(rows=rows)


def selection(**fields: Any) -> FilterSeen:
    """Return what a list answers that honours filters in milliseconds."""
    values: dict[str, Any] = {
        "unit": "ms",
        "since": START + 60,
        "wanted": frozenset({"c1"}),
        "future": EMPTY,
        "recent": page(row(1)),
    }
    return FilterSeen(**{**values, **fields})


def evidence(**fields: Any) -> Evidence:
    """Return what a server shows that does all as documented."""
    values: dict[str, Any] = {
        "probed_at": START + 600,
        "page": page(row(0), row(1)),
        "filters": (selection(),),
        "running": page(row(1)),
        "idle": page(row(0)),
        "running_row": True,
        "idle_row": False,
        "chats": ChatsSeen(chat_count=2, last_chat_at=START + 1, total=2, shown=2, newest_at=START + 1),
        "missing": "404 Not Found",
        "daily_count": True,
        "clock_offset": 0.25,
    }
    return Evidence(**{**values, **fields})


def verdicts(found: Capabilities) -> dict[str, Proof]:
    """Return the verdicts of the report."""
    return {line.name: line.verdict for line in report(found)}


# Judging


def test_a_server_that_does_as_documented_can_do_everything() -> None:
    """Every line of the report says works, nothing degrades the monitor, and stops may be sent."""
    found = judge(evidence())
    assert set(verdicts(found).values()) == {Proof.WORKS}
    assert (found.time_unit, found.filter_unit, found.embeds, found.chat_order) == ("ms", "ms", 2, "oldest_first")
    assert degradations(found) == {}
    assert not holds_stops(found)


def test_an_empty_project_proves_nothing_and_is_no_failure() -> None:
    """Without a conversation, what only one could show is unproven, and the monitor is not degraded."""
    found = judge(Evidence(probed_at=START, page=EMPTY, running=EMPTY, idle=EMPTY, clock_offset=0.0))
    assert verdicts(found) == dict.fromkeys(FIELDS, Proof.UNPROVEN) | {"clock": Proof.WORKS}
    assert degradations(found) == {}


def test_times_that_contradict_their_ids_hold_stops() -> None:
    """A day between a time and the second in its id fails the unit, degrades the monitor and holds every stop."""
    found = judge(evidence(page=page(row(0, off=-86400.0), row(1, off=-86400.0))))
    assert found.unit_agrees is Proof.FAILS
    assert holds_stops(found)
    assert "set time_unit" in degradations(found)["time_unit"]


def test_one_odd_row_does_not_fail_the_unit() -> None:
    """A wrong unit makes every time wrong; an imported conversation makes one, whose row is set aside by itself."""
    found = judge(evidence(page=page(row(0), row(1), row(2, off=-86400.0))))
    assert found.unit_agrees is Proof.WORKS
    assert found.remarks["time unit"] == "ms, 6 of 9 times agree with their ids"


def test_a_configured_unit_overrules_the_ids() -> None:
    """Where the operator named the unit, ids that say otherwise prove nothing, and do not degrade the monitor."""
    found = judge(evidence(page=page(row(0, off=-86400.0))), configured_unit="s")
    assert (found.time_unit, found.unit_agrees) == ("s", Proof.UNPROVEN)
    assert degradations(found) == {}


def test_ids_without_a_time_leave_the_unit_unproven() -> None:
    """The unit is known from the size of the values, but nothing confirms it."""
    bare = RowSeen(id="7", created=stamp(START), last_chat=stamp(START), chat_count=0)
    found = judge(evidence(page=page(bare)))
    assert (found.time_unit, found.unit_agrees) == ("ms", Proof.UNPROVEN)


def test_the_filter_unit_is_the_one_that_selects() -> None:
    """A list that finds nothing recent in milliseconds but does in seconds has filters in seconds."""
    found = judge(evidence(filters=(selection(recent=EMPTY), selection(unit="s"))))
    assert (found.filter_unit, found.time_filter) == ("s", Proof.WORKS)


@pytest.mark.parametrize(
    "seen",
    [
        selection(future=page(row(0), row(1)), recent=page(row(0), row(1))),
        selection(recent=EMPTY),
        selection(recent=page(row(0), row(1))),
    ],
    ids=["shows the future", "shows nothing", "shows the past as well"],
)
def test_a_filter_that_does_not_select_fails(seen: FilterSeen) -> None:
    """A list whose filters do not select in any unit degrades the monitor, and no unit is taken for theirs."""
    found = judge(evidence(filters=(seen,)))
    assert (found.time_filter, found.filter_unit) == (Proof.FAILS, None)
    assert "time filters" in degradations(found)["time_filters"]


def test_a_filter_that_was_not_answered_is_unproven() -> None:
    """An outage in the middle of the probe is no verdict about the filter, and the report says why."""
    seen = selection(future=None, recent=None)
    found = judge(evidence(filters=(seen,), failures={"time filters": "Alli answered 503"}))
    assert found.time_filter is Proof.UNPROVEN
    assert found.remarks["time filters"] == "Alli answered 503"


def test_a_row_that_is_gone_meanwhile_does_not_fail_the_filter() -> None:
    """A conversation that was deleted between two requests is no sign against the filter."""
    assert selection(wanted=frozenset({"c1", "c2", "c3"}), recent=page(row(1), row(2))).selects


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"running": page(row(0), row(1)), "idle": page(row(0), row(1))}, Proof.FAILS),
        ({"running": page(row(0)), "idle": page(row(0))}, Proof.FAILS),
        ({"running": page(row(0), row(1)), "idle": page(row(1), row(2))}, Proof.WORKS),
        ({"running": EMPTY, "running_row": None}, Proof.UNPROVEN),
        ({"running_row": False}, Proof.UNPROVEN),
        ({"idle_row": True}, Proof.UNPROVEN),
        ({"running": None, "running_row": None}, Proof.UNPROVEN),
        ({"idle": EMPTY, "idle_row": None}, Proof.WORKS),
    ],
    ids=["ignored", "ignored, one row", "began between", "nothing runs", "stale", "missed", "no answer", "all run"],
)
def test_the_running_filter(fields: dict[str, Any], expected: Proof) -> None:
    """The filter is ignored when both pages are the same, and works when they differ and /running agrees."""
    assert judge(evidence(**fields)).running_filter is expected


@pytest.mark.parametrize(
    ("chats", "count", "expected"),
    [(2, 2, Proof.WORKS), (20, 500, Proof.WORKS), (1, 2, Proof.FAILS), (0, 2, Proof.FAILS), (0, 0, Proof.UNPROVEN)],
)
def test_embedding(chats: int, count: int, expected: Proof) -> None:
    """Rows embed all when each holds its newest twenty chats, or all that it has."""
    found = judge(evidence(page=page(row(chats=chats, chat_count=count))))
    assert found.embeds_all is expected
    assert found.embeds == (chats if count else None)


def test_rows_that_embed_the_oldest_chats_do_not_embed_all() -> None:
    """Twenty chats of which none is new would hide every new rating, so they do not count as embedded."""
    stale = row(chats=20, chat_count=500, last_chat=stamp(START + 3600))
    assert judge(evidence(page=page(stale))).embeds_all is Proof.FAILS


def test_the_order_of_chats() -> None:
    """The order is that of the answer."""
    backwards = replace(row(), chats=tuple(reversed(row().chats)))
    assert judge(evidence(page=page(backwards))).chat_order is ChatOrder.NEWEST_FIRST


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"total": 3, "shown": 3}, Proof.WORKS),
        ({"total": 1}, Proof.FAILS),
        ({"shown": 0}, Proof.FAILS),
        ({"chat_count": 300, "total": 300, "shown": 100, "newest_at": START - 500}, Proof.WORKS),
        ({"chat_count": 300, "total": 300, "shown": 100}, Proof.FAILS),
    ],
    ids=["grew", "too few", "empty page", "oldest first", "newest first"],
)
def test_chat_pages(fields: dict[str, Any], expected: Proof) -> None:
    """Pages are as described when none is missing in the total and the first of many is not the newest."""
    seen = evidence().chats
    assert seen is not None
    assert judge(evidence(chats=replace(seen, **fields))).page_total is expected


def test_without_a_date_header_the_clock_fails_in_the_report_only() -> None:
    """That own time stands in for Alli's is said, but nobody is woken up."""
    found = judge(evidence(clock_offset=None))
    assert verdicts(found)["clock"] is Proof.FAILS
    assert degradations(found) == {}


def test_a_refused_daily_count_fails_alone() -> None:
    """A 403 for the daily count disables it and says nothing about anything else."""
    found = judge(evidence(daily_count=False))
    assert [name for name, verdict in verdicts(found).items() if verdict is not Proof.WORKS] == ["daily count"]
    assert degradations(found) == {}


# Remembering


def test_what_cannot_be_told_now_is_remembered() -> None:
    """A probe at a moment when nothing runs takes nothing back from an earlier one, what was seen then included."""
    before = judge(evidence())
    found = remember(judge(evidence(running=EMPTY, running_row=None, filters=(), clock_offset=None)), before)
    assert (found.running_filter, found.time_filter, found.filter_unit) == (Proof.WORKS, Proof.WORKS, "ms")
    assert found.remarks["running filter"] == before.remarks["running filter"]
    assert found.clock_offset is None


def test_what_is_seen_now_counts() -> None:
    """A filter that worked and is ignored now fails, whatever was remembered."""
    ignored = evidence(running=page(row(0), row(1)), idle=page(row(0), row(1)))
    assert remember(judge(ignored), judge(evidence())).running_filter is Proof.FAILS
    assert remember(judge(evidence()), judge(ignored)).running_filter is Proof.WORKS


# Reporting


def test_before_the_first_probe_everything_is_unproven() -> None:
    """A report of nothing names every question and says that it was not asked."""
    lines = report(Capabilities())
    assert [line.name for line in lines] == list(FIELDS)
    assert {(line.verdict, line.seen) for line in lines} == {(Proof.UNPROVEN, "not asked yet")}


@pytest.mark.parametrize("verdict", list(Proof))
def test_every_line_says_what_the_monitor_does(verdict: Proof) -> None:
    """Whatever the verdict, each line has a text about what follows."""
    found = Capabilities(
        probed_at=START,
        unit_agrees=verdict,
        time_filter=verdict,
        running_filter=verdict,
        embeds_all=verdict,
        page_total=verdict,
        daily_count=verdict,
    )
    assert all(line.does for line in report(found))


def test_changes_are_verdicts_and_words_but_not_numbers() -> None:
    """Another number of rows is no news; another answer about a missing id is; at first, everything is."""
    found = judge(evidence())
    assert len(changes(Capabilities(), found)) == len(FIELDS)
    assert changes(found, judge(evidence(page=page(row(0), row(1, chats=9)), clock_offset=1.5))) == []
    [line] = changes(found, judge(evidence(missing="400 gone")))
    assert (line.name, line.seen) == ("missing id", "400 gone")
