"""
Where the list of running conversations, `/running` and the chats disagree about one run.

After a begin or an end one source may lag behind another for some seconds. So a disagreement is told only once it was
seen in several polls and over a time; but from the first sight of it on, the run is not stopped. What a source did not
say neither makes a disagreement nor ends one. Times are server time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from monitor.model.conversation import Conversation
from monitor.model.run import Clash, Contradiction, Run
from monitor.tracking.runs import Ledger, Sighting, blind_after

__all__ = ["chat_completed", "check_due", "is_hidden", "is_urgent", "listed", "stands", "weigh"]

_CHECK_AFTER = 0.25  # of the limit: younger runs are only asked about where their chats contradict the list
_CHECK_EVERY = 300.0
_TOLD_CHECK_EVERY = 60.0
_FEWEST_POLLS = 3
_COMPLETED_FOR = 300.0  # a run may pause for long between one answer and the next; the other two sources may not


def chat_completed(run: Run, conversation: Conversation) -> bool | None:
    """
    Return whether the chat that `run` was last seen writing is completed and it writes no other.

    None when the chats do not tell: it never wrote one, or the answer does not show it.
    """
    if conversation.incomplete_chat is not None:
        return False
    former = next((chat for chat in conversation.chats if chat.id == run.former_chat_id), None)
    return True if former is not None and former.completed else None


def listed(run: Run, *, running: bool | None, completed: bool | None, at: float) -> Run:
    """Return a run that the list shows, with what `/running` and its chats say; None where they do not."""
    clash = run.contradiction.clash if run.contradiction is not None else None
    if running is False:
        return _clashing(run, Clash.NOT_RUNNING, at)
    if running is None and clash is Clash.NOT_RUNNING:
        return run
    if completed is True:
        return _clashing(run, Clash.CHAT_COMPLETED, at)
    if completed is None and clash is Clash.CHAT_COMPLETED:
        return run
    return replace(run, contradiction=None)


def weigh(ledger: Ledger, sightings: Iterable[Sighting], running: Mapping[str, bool], *, at: float) -> Ledger:
    """
    Return the ledger with what the sources disagree about.

    `running` is what `/running` said, by conversation id, and `at` when that was. A run that has just begun was seen
    only once, and nothing is known against it.
    """
    shown = {sighting.conversation.id: sighting.conversation for sighting in sightings}
    followed = []
    for each in ledger.followed:
        id_ = each.run.conversation_id
        completed = chat_completed(each.run, shown[id_])
        followed.append(replace(each, run=listed(each.run, running=running.get(id_), completed=completed, at=at)))
    return replace(ledger, followed=tuple(followed))


def stands(contradiction: Contradiction, *, interval: float) -> bool:
    """Return whether a disagreement lasts too long for a begin or an end; `interval` is that of polls, in seconds."""
    patience = _COMPLETED_FOR if contradiction.clash is Clash.CHAT_COMPLETED else blind_after(interval)
    lasted = contradiction.until - contradiction.since
    return contradiction.polls >= _FEWEST_POLLS and lasted >= patience


def is_hidden(run: Run, *, interval: float, now: float) -> bool:
    """Return whether a run has been missing from complete lists for long and `/running` did not say that it ended."""
    return run.absent_since is not None and now - run.absent_since > blind_after(interval)


def is_urgent(run: Run, *, interval: float) -> bool:
    """Return whether something speaks against a run and it is not clear yet what to make of it."""
    return run.contradiction is not None and not stands(run.contradiction, interval=interval)


def check_due(run: Run, *, asked_at: float | None, limit: float, interval: float, now: float) -> bool:
    """
    Return whether to ask `/running` about a run that the list shows; `asked_at` is when that was done last.

    It is asked every five minutes from a quarter of its limit on, at each poll while something speaks against it,
    and once a minute after that was told.
    """
    if is_urgent(run, interval=interval):
        return True
    if asked_at is None:
        return run.contradiction is not None or now - run.estimate_since >= _CHECK_AFTER * limit
    return now - asked_at >= (_CHECK_EVERY if run.contradiction is None else _TOLD_CHECK_EVERY)


def _clashing(run: Run, clash: Clash, at: float) -> Run:
    """Count one more poll: both clashes say that the list is out of date, so one goes on where the other began."""
    before = run.contradiction
    if before is None:
        return replace(run, contradiction=Contradiction(clash=clash, since=at, until=at))
    return replace(run, contradiction=replace(before, clash=clash, until=at, polls=before.polls + 1))
