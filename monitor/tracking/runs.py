"""
The run ledger: turns sightings of running conversations into runs with honest ages.

The API has no run object, no run id and no start time. All that can be seen is that a conversation stands in the
list of running ones, or does not. Everything here is in server time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from monitor.model.conversation import Chat, Conversation, Sender, Step
from monitor.model.run import Break, Outcome, Progress, Run, run_id

__all__ = ["Followed", "Ledger", "Sighting", "begin", "blind_after", "end", "follow", "reconcile"]

_SHORTEST_BLIND_GAP = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """
    A conversation that a list of running ones showed; `at` is when that list was answered.

    `detail` is its incomplete chat with intermediate steps, where that was asked for.
    """

    conversation: Conversation
    at: float
    detail: Chat | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What one sighting made of a run: `run` goes on (or is the next one), `ended` is the run before it."""

    run: Run
    because: Break | None = None
    ended: Run | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What one pass over the running list made of the open runs."""

    begun: tuple[Run, ...] = ()
    followed: tuple[Followed, ...] = ()
    missing: tuple[Run, ...] = ()  # absent from a complete pass: their end wants confirming


def blind_after(interval: float) -> float:
    """Return the longest gap between two sightings, in seconds, that still counts as continuous observation."""
    return max(3 * interval, _SHORTEST_BLIND_GAP)


def reconcile(
    open_runs: Mapping[str, Run],
    sightings: Iterable[Sighting],
    *,
    project: str,
    complete: bool,
    unreadable: Collection[str],
    asked_at: float,
    not_running_at: float | None,
    gap: float,
) -> Ledger:
    """
    Compare the open runs, by conversation id, with what one pass over the running list showed.

    `not_running_at` is when the previous complete pass was asked for: whatever begins now was not running then.
    Only a `complete` pass tells that a run is missing; conversations whose rows were `unreadable` are unknown.
    """
    begun: list[Run] = []
    followed: list[Followed] = []
    seen: set[str] = set()
    for sighting in sightings:
        conversation_id = sighting.conversation.id
        seen.add(conversation_id)
        run = open_runs.get(conversation_id)
        if run is None:
            begun.append(begin(project, sighting, not_running_at=not_running_at))
        else:
            followed.append(follow(run, sighting, gap=gap))
    missing = [
        run if run.absent_since is not None else replace(run, absent_since=asked_at)
        for conversation_id, run in open_runs.items()
        if complete and conversation_id not in seen and conversation_id not in unreadable
    ]
    return Ledger(begun=tuple(begun), followed=tuple(followed), missing=tuple(missing))


def begin(project: str, sighting: Sighting, *, not_running_at: float | None) -> Run:
    """Return the run that is seen for the first time."""
    conversation, at = sighting.conversation, sighting.at
    incomplete = conversation.incomplete_chat
    user_chat = conversation.newest_user_chat
    return Run(
        id=run_id(project, conversation.id, at),
        project=project,
        conversation_id=conversation.id,
        app=conversation.app,
        user_id=conversation.user_id,
        began_at=at,
        age_since=at,
        estimate_since=_estimate(sighting, not_before=not_running_at),
        busy_since=at,
        idle_since=at,
        not_running_at=not_running_at,
        seen_at=at,
        incomplete_chat_id=incomplete.id if incomplete else None,
        former_chat_id=incomplete.id if incomplete else None,
        user_chat_id=user_chat.id if user_chat else None,
        user_chat_at=user_chat.at if user_chat else None,
        chat_count=conversation.chat_count,
        progress=_progress(Progress(), sighting),
        last_step=_last_step(sighting),
    )


def follow(run: Run, sighting: Sighting, *, gap: float) -> Followed:
    """Return what a further sighting makes of an open run: a break restarts its age, the next run replaces it."""
    user_chat_came = _user_chat_came(run, sighting.conversation)
    replaced = _chat_replaced(run, sighting.conversation)
    if replaced and (user_chat_came or run.user_chat_pending):
        following = replace(begin(run.project, sighting, not_running_at=None), follows_at_once=True)
        return Followed(run=following, ended=end(run, Outcome.FINISHED, at=sighting.at))
    because = _break(run, sighting, gap=gap, user_chat_came=user_chat_came, replaced=replaced)
    return Followed(run=_continue(run, sighting, because, user_chat_came=user_chat_came), because=because)


def end(run: Run, outcome: Outcome, *, at: float) -> Run:
    """Return `run` as ended; never before it was last seen."""
    return replace(run, ended_at=max(at, run.seen_at), outcome=outcome, absent_since=None)


def _user_chat_came(run: Run, conversation: Conversation) -> bool:
    """Whether a user wrote since the age began to count: the message that began the run is older than that."""
    chat = conversation.newest_user_chat
    return chat is not None and chat.id != run.user_chat_id and chat.at > run.age_since


def _chat_replaced(run: Run, conversation: Conversation) -> bool:
    chat = conversation.incomplete_chat
    return chat is not None and run.former_chat_id not in {None, chat.id} and not _was_left(run, conversation)


def _was_left(run: Run, conversation: Conversation) -> bool:
    """Whether the chat that is not completed is older than one that `run` wrote: it was never completed."""
    chat = conversation.incomplete_chat
    former = next((each for each in conversation.chats if each.id == run.former_chat_id), None)
    return chat is not None and former is not None and chat.at < former.at


def _break(run: Run, sighting: Sighting, *, gap: float, user_chat_came: bool, replaced: bool) -> Break | None:
    """Return why the age begins again, or None when the run was observed without a break."""
    if run.absent_since is not None:
        return Break.REAPPEARED
    incomplete = sighting.conversation.incomplete_chat
    stands_on_both_sides = incomplete is not None and incomplete.id == run.incomplete_chat_id == run.former_chat_id
    if sighting.at - run.seen_at > gap and not stands_on_both_sides:
        return Break.BLIND_GAP
    if replaced:
        return Break.CHAT_REPLACED
    if user_chat_came:
        return Break.USER_CHAT
    return None


def _continue(run: Run, sighting: Sighting, because: Break | None, *, user_chat_came: bool) -> Run:
    conversation, at = sighting.conversation, sighting.at
    incomplete, user_chat = conversation.incomplete_chat, conversation.newest_user_chat
    knows_chats = bool(conversation.chats) or conversation.chat_count == 0
    progress = _progress(run.progress, sighting)
    moved = _moved(run.progress, progress) or conversation.chat_count != run.chat_count
    age_since = at if because else run.age_since
    interrupted = because in {Break.BLIND_GAP, Break.REAPPEARED}
    return replace(
        run,
        app=conversation.app or run.app,
        user_id=conversation.user_id or run.user_id,
        age_since=age_since,
        estimate_since=_estimate_after(run, sighting, because),
        busy_since=at if interrupted else run.busy_since,
        idle_since=at if moved or interrupted else run.idle_since,
        seen_at=at,
        incomplete_chat_id=(incomplete.id if incomplete else None) if knows_chats else run.incomplete_chat_id,
        former_chat_id=incomplete.id if incomplete and not _was_left(run, conversation) else run.former_chat_id,
        user_chat_id=user_chat.id if user_chat else run.user_chat_id,
        user_chat_at=user_chat.at if user_chat else run.user_chat_at,
        user_chat_pending=user_chat_came or run.user_chat_pending,
        follows_at_once=run.follows_at_once and because is not Break.REAPPEARED,
        chat_count=conversation.chat_count if knows_chats else run.chat_count,
        progress=progress,
        last_step=_last_step(sighting) or run.last_step,
        absent_since=None,
        not_running_at=run.absent_since if because is Break.REAPPEARED else run.not_running_at,
    )


def _estimate_after(run: Run, sighting: Sighting, because: Break | None) -> float:
    """Keep the earliest estimate while the same work goes on: a later message of the user does not rejuvenate it."""
    if because is Break.REAPPEARED:
        return _estimate(sighting, not_before=run.absent_since)
    if because in {Break.BLIND_GAP, Break.CHAT_REPLACED}:
        return _estimate(sighting, not_before=None)
    return min(run.estimate_since, _estimate(sighting, not_before=run.not_running_at))


def _estimate(sighting: Sighting, *, not_before: float | None) -> float:
    """Return the start that the chats give evidence of, no later than the sighting, no earlier than `not_before`."""
    evidence = list(_evidence(sighting))
    if not evidence:
        return sighting.at
    start = max(evidence)
    if not_before is not None:
        start = max(start, not_before)
    return min(start, sighting.at)


def _evidence(sighting: Sighting) -> Iterable[float]:
    chats = sighting.conversation.chats
    incomplete = sighting.conversation.incomplete_chat
    if incomplete is not None:
        yield incomplete.at
    # A message that was answered already says nothing about the run that goes on now.
    if chats and chats[-1].sender is Sender.USER:
        yield chats[-1].at
    if sighting.detail is not None:
        started = [step.created_at for step in sighting.detail.steps if step.created_at is not None]
        if started:
            yield min(started)


def _progress(before: Progress, sighting: Sighting) -> Progress:
    """Return the newest signs of life; steps stay as they were where no detail was asked for."""
    chat = sighting.detail or sighting.conversation.incomplete_chat
    if chat is None:
        return before
    same = chat.id == before.chat_id
    if sighting.detail is None:
        steps, completed = (before.steps, before.steps_completed) if same else (None, None)
    else:
        steps, completed = len(chat.steps), sum(step.completed for step in chat.steps)
    return Progress(chat_id=chat.id, steps=steps, steps_completed=completed, length=chat.length)


def _last_step(sighting: Sighting) -> Step | None:
    """Return the newest step of the chat being written, None where they were not read; the last of equal times."""
    steps = sighting.detail.steps if sighting.detail is not None else ()
    return max(reversed(steps), key=lambda step: step.created_at or 0.0, default=None)


def _moved(before: Progress, after: Progress) -> bool:
    """Whether there is a sign of life: steps that are read for the first time were not seen to come."""
    if after.chat_id == before.chat_id and before.steps is None:
        return after.length != before.length
    return after != before
