"""From what a probe saw to what can be relied on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from monitor.model.capabilities import Capabilities, ChatOrder, Proof
from monitor.model.evidence import ChatsSeen, Evidence, FilterSeen, RowSeen, Stamp

__all__ = ["FIELDS", "judge", "remember"]

_DAY = 86400.0  # seconds by which a time and the second in its id may differ
_EMBEDDED = 20
"""The most chats that a conversation shows, as the API description says of a conversation read by itself."""
_LATE = 60.0  # seconds by which `lastChatTime` may be ahead of the newest embedded chat

FIELDS: Mapping[str, tuple[str, ...]] = {
    "time unit": ("unit_agrees", "time_unit"),
    "time filters": ("time_filter", "filter_unit"),
    "running filter": ("running_filter",),
    "embedded chats": ("embeds_all", "embeds"),
    "chat order": ("chat_order",),
    "chat pages": ("page_total",),
    "missing id": ("missing",),
    "daily count": ("daily_count",),
    "clock": ("clock_offset",),
}
"""The open questions, by their names in the report, and the fields that answer them, the verdict first."""

_Verdict = tuple[Proof, str]


def judge(evidence: Evidence, *, configured_unit: str = "auto") -> Capabilities:
    """
    Return what the evidence proves; an empty project proves nothing, and that is no failure.

    `configured_unit` is the unit that the operator says times are in, ``auto`` where nobody said: what ids tell against
    it proves nothing.
    """
    stamps = list(_stamps(evidence.page.rows))
    unit, unit_seen = _time_unit(stamps)
    unit_agrees, agreement_seen = _agreement(stamps, configured_unit)
    time_filter, filter_seen = _time_filter(evidence)
    running_filter, running_seen = _running_filter(evidence)
    embeds_all, embeds_seen = _embedding(evidence.page.rows)
    order = _chat_order(evidence.page.rows)
    page_total, pages_seen = _pages(evidence)
    offset = evidence.clock_offset
    return Capabilities(
        probed_at=evidence.probed_at,
        time_unit=unit if configured_unit == "auto" else configured_unit,
        filter_unit=next((seen.unit for seen in evidence.filters if seen.selects), None),
        unit_agrees=unit_agrees,
        time_filter=time_filter,
        running_filter=running_filter,
        embeds=max((len(row.chats) for row in evidence.page.rows if row.chat_count), default=None),
        embeds_all=embeds_all,
        chat_order=order,
        page_total=page_total,
        missing=evidence.missing,
        daily_count=_daily_count(evidence),
        clock_offset=offset,
        remarks={
            "time unit": f"{unit_seen}, {agreement_seen}" if stamps else "no time was seen",
            "time filters": filter_seen,
            "running filter": running_seen,
            "embedded chats": embeds_seen,
            "chat order": order.value.replace("_", " ") if order else "no row with two embedded chats",
            "chat pages": pages_seen,
            "missing id": evidence.missing or evidence.failures.get("missing id", "not asked"),
            "daily count": "answers" if evidence.daily_count else evidence.failures.get("daily count", "not asked"),
            "clock": f"{round(offset, 1) + 0.0:+.1f} s from own time" if offset is not None else "no Date header",
        },
    )


def remember(found: Capabilities, before: Capabilities) -> Capabilities:
    """
    Return what was found, and what an earlier probe had found where this one could not tell.

    That nothing runs just now, for example, takes nothing back. Only the clock is as it was seen last.
    """
    kept: dict[str, Any] = {}
    remarks = dict(found.remarks)
    for name, (verdict, *others) in FIELDS.items():
        is_open = getattr(found, verdict) in {None, Proof.UNPROVEN}
        if name != "clock" and is_open and getattr(before, verdict) not in {None, Proof.UNPROVEN}:
            kept |= {field: getattr(before, field) for field in (verdict, *others)}
            remarks[name] = before.remarks.get(name, "seen by an earlier probe")
    return replace(found, remarks=remarks, **kept)


# Times


def _stamps(rows: Iterable[RowSeen]) -> Iterable[Stamp]:
    for row in rows:
        yield from (stamp for stamp in (row.created, row.last_chat, *row.chats) if stamp is not None)


def _time_unit(stamps: list[Stamp]) -> tuple[str | None, str]:
    """Return the unit of most times; each value is read by its own size, so that a mixture is odd, but no harm."""
    counts = Counter(stamp.unit for stamp in stamps).most_common()
    return (counts[0][0] if counts else None), " and ".join(unit for unit, _ in counts)


def _agreement(stamps: list[Stamp], configured_unit: str) -> _Verdict:
    compared = [stamp for stamp in stamps if stamp.made_at is not None]
    wrong = [stamp for stamp in compared if abs(stamp.at - (stamp.made_at or 0.0)) >= _DAY]
    if configured_unit != "auto" and (wrong or any(stamp.unit != configured_unit for stamp in stamps)):
        return Proof.UNPROVEN, f"read as {configured_unit} because time_unit says so"
    if not compared:
        return Proof.UNPROVEN, "ids tell no time"
    if 2 * len(wrong) >= len(compared):  # fewer are odd rows, such as imported ones: a wrong unit makes all wrong
        return Proof.FAILS, f"{len(wrong)} of {len(compared)} differ from the second in their id"
    agree = len(compared) - len(wrong)
    return Proof.WORKS, f"{f'{agree} of ' if wrong else ''}{len(compared)} times agree with their ids"


def _time_filter(evidence: Evidence) -> _Verdict:
    seen = evidence.filters
    if not seen:
        return Proof.UNPROVEN, "no conversation with a chat to ask for"
    if (working := next((each for each in seen if each.selects), None)) is not None:
        return Proof.WORKS, f"in {working.unit}: {len(working.wanted)} of {len(evidence.page.rows)} rows selected"
    if why := evidence.failures.get("time filters"):
        return Proof.UNPROVEN, why
    return Proof.FAILS, "; ".join(map(_misbehaviour, seen))


def _misbehaviour(seen: FilterSeen) -> str:
    future = len(seen.future.rows) if seen.future else 0
    recent = len(seen.wanted & seen.recent.ids) if seen.recent else 0
    if future:
        return f"in {seen.unit}: {future} rows of the future"
    return f"in {seen.unit}: {recent} of {len(seen.wanted)} recent rows"


# Runs


def _running_filter(evidence: Evidence) -> _Verdict:
    running, idle = evidence.running, evidence.idle
    if running is None or idle is None:
        return Proof.UNPROVEN, evidence.failures.get("running filter", "not asked")
    both = running.ids & idle.ids
    if len(both) > 1 or (both and len(running.ids | idle.ids) == 1):  # a single one may have begun or ended between
        return Proof.FAILS, f"{len(both)} rows are listed as running and as not running"
    if not running.rows:
        return Proof.UNPROVEN, "nothing runs" if idle.rows else "no conversation"
    if evidence.running_row is not True or evidence.idle_row is True:
        disagree = f"/running contradicts the list; {len(running.rows)} rows listed as running"
        return Proof.UNPROVEN, evidence.failures.get("running filter", disagree)
    return Proof.WORKS, f"{len(running.rows)} running, {len(idle.rows)} not, confirmed by /running"


# Chats


def _embedding(rows: tuple[RowSeen, ...]) -> _Verdict:
    wants = [row for row in rows if row.chat_count]
    if not wants:
        return Proof.UNPROVEN, "no conversation with chats"
    most = max(len(row.chats) for row in wants)
    if not most:
        return Proof.FAILS, "no row holds chats"
    full = [row for row in wants if len(row.chats) >= min(row.chat_count or 0, _EMBEDDED) and _has_newest(row)]
    if len(full) == len(wants):
        return Proof.WORKS, f"up to {most}, the newest, in {len(wants)} rows"
    return Proof.FAILS, f"up to {most}; {len(wants) - len(full)} of {len(wants)} rows lack some of their newest"


def _has_newest(row: RowSeen) -> bool:
    """Whether the embedded chats are the newest ones, as far as the row tells."""
    times = [stamp.at for stamp in row.chats if stamp is not None]
    return row.last_chat is None or not times or row.last_chat.at - max(times) <= _LATE


def _chat_order(rows: tuple[RowSeen, ...]) -> ChatOrder | None:
    for row in rows:
        times = [stamp.at for stamp in row.chats if stamp is not None]
        if len(times) > 1 and times[0] != times[-1]:
            return ChatOrder.OLDEST_FIRST if times[0] < times[-1] else ChatOrder.NEWEST_FIRST
    return None


def _pages(evidence: Evidence) -> _Verdict:
    seen = evidence.chats
    if seen is None:
        return Proof.UNPROVEN, evidence.failures.get("chat pages", "no conversation with chats")
    what = f"chatCount {seen.chat_count}, totalCount {seen.total}, {seen.shown} on the first page"
    if seen.total < seen.chat_count or not seen.shown:
        return Proof.FAILS, what
    if seen.shown < seen.total and _begins_with_newest(seen):
        return Proof.FAILS, f"{what}, which holds the newest"
    return Proof.WORKS, what


def _begins_with_newest(seen: ChatsSeen) -> bool:
    if seen.newest_at is None or seen.last_chat_at is None:
        return False
    return seen.newest_at >= seen.last_chat_at - 1.0


def _daily_count(evidence: Evidence) -> Proof:
    if evidence.daily_count is None:
        return Proof.UNPROVEN
    return Proof.WORKS if evidence.daily_count else Proof.FAILS
