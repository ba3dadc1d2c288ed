"""The capability report: what is known of each open question, and what the monitor does about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.model.capabilities import Capabilities, Proof
from monitor.tracking.capabilities import FIELDS

__all__ = ["Line", "changes", "degradations", "holds_stops", "report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the report: the open question, the verdict, what was seen, and what the monitor does."""

    name: str
    verdict: Proof
    seen: str
    does: str


_DOES: Mapping[str, Mapping[Proof, str]] = {
    "time unit": {
        Proof.WORKS: "reads times in this unit",
        Proof.FAILS: "sets contradicting rows aside and stops nothing; set time_unit of the project",
        Proof.UNPROVEN: "reads each time by its size and checks it against its id where that tells one",
    },
    "time filters": {
        Proof.WORKS: "asks for what changed since the last look",
        Proof.FAILS: "reads the list, newest first, until it is older than asked for: more requests",
        Proof.UNPROVEN: "asks in the unit of the answers and drops rows that do not fit",
    },
    "running filter": {
        Proof.WORKS: "asks for the running ones",
        Proof.FAILS: "asks /running of the youngest conversations only; others are not seen",
        Proof.UNPROVEN: "asks for the running ones; /running decides before a run ends or is stopped",
    },
    "embedded chats": {
        Proof.WORKS: "takes ratings and progress from the list",
        Proof.FAILS: "reads conversations one by one; sweeps take longer",
        Proof.UNPROVEN: "reads a conversation by itself where its row holds no chats",
    },
    "chat order": {
        Proof.WORKS: "sorts chats by their time",
        Proof.UNPROVEN: "sorts chats by their time",
    },
    "chat pages": {
        Proof.WORKS: "reads chats that are not embedded page by page",
        Proof.FAILS: "may miss ratings of chats that are not embedded",
        Proof.UNPROVEN: "reads chats that are not embedded page by page",
    },
    "missing id": {
        Proof.WORKS: "takes this answer for a conversation that is gone",
        Proof.UNPROVEN: "takes 404, 410 and texts such as not found for a conversation that is gone",
    },
    "daily count": {
        Proof.WORKS: "exports alli_daily_conversations",
        Proof.FAILS: "exports no daily count",
        Proof.UNPROVEN: "tries again",
    },
    "clock": {
        Proof.WORKS: "reckons ages in Alli's time",
        Proof.FAILS: "takes own time for Alli's; keep this machine's clock right",
        Proof.UNPROVEN: "takes own time for Alli's until an answer tells it",
    },
}

_DEGRADES: Mapping[str, str] = {
    "time unit": (
        "times and ids disagree, so that ages may be wrong and no run is stopped: compare a time of the API with the "
        "real one and set time_unit of the project"
    ),
    "time filters": (
        "the list ignores its time filters, so that each look at what changed costs more requests: raise "
        "requests_per_minute or polling.conversations, and ask Alli"
    ),
    "running filter": (
        "the list ignores backgroundRunning, so that only runs in the youngest conversations are seen: ask Alli, and "
        "do not rely on this monitor for runs in older ones"
    ),
    "chat pages": (
        "pages of chats are not as described, so that ratings of chats that the list does not embed may be missed: "
        "ask Alli"
    ),
}


def report(capabilities: Capabilities) -> list[Line]:
    """Return the capability report, a line for each open question."""
    return [_line(name, capabilities) for name in FIELDS]


def degradations(capabilities: Capabilities) -> dict[str, str]:
    """Return why the monitor is degraded and what to do, by cause; nothing that is merely unproven degrades it."""
    return {
        name.replace(" ", "_"): f"{text} ({capabilities.remarks.get(name, 'no details')})"
        for name, text in _DEGRADES.items()
        if _verdict(name, capabilities) is Proof.FAILS
    }


def holds_stops(capabilities: Capabilities) -> bool:
    """Return whether no run may be stopped: what says how old one is contradicts itself."""
    return capabilities.unit_agrees is Proof.FAILS


def changes(before: Capabilities, found: Capabilities) -> list[Line]:
    """Return the lines of the report on `found` that say something else than those on `before`: all, at first."""
    if not before.probed_at:
        return report(found)
    return [line for line in report(found) if _facts(line.name, before) != _facts(line.name, found)]


def _line(name: str, capabilities: Capabilities) -> Line:
    verdict = _verdict(name, capabilities)
    does = _DOES[name]
    return Line(
        name=name,
        verdict=verdict,
        seen=capabilities.remarks.get(name, "not asked yet"),
        does=does[verdict],
    )


def _verdict(name: str, capabilities: Capabilities) -> Proof:
    answer = getattr(capabilities, FIELDS[name][0])
    if isinstance(answer, Proof):
        return answer
    if answer is not None:
        return Proof.WORKS
    return Proof.FAILS if name == "clock" and capabilities.probed_at else Proof.UNPROVEN


def _facts(name: str, capabilities: Capabilities) -> tuple[str, ...]:
    """Return what a change of is news: verdicts and words, not numbers, which are never twice the same."""
    answers = (getattr(capabilities, field) for field in FIELDS[name])
    return _verdict(name, capabilities), *(answer for answer in answers if isinstance(answer, str))
