"""Looking at background runs: which conversations run, and what became of those missing from the answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from monitor.alli.client import Answer, Client
from monitor.alli.listing import ConversationQuery, Order
from monitor.alli.pacing import Priority
from monitor.errors import ApiAuthError, ApiNotFound, ApiRefused, RetryableError
from monitor.model.capabilities import Proof
from monitor.model.conversation import Chat, Conversation
from monitor.model.run import Run
from monitor.tracking.runs import Sighting

__all__ = ["Fate", "Reach", "RunsSeen", "confirm", "look"]

_EMBEDDED = 20  # chats that the API promises with a conversation
_DENIED = 3  # conversations listed as running that are not, none that is: then the list does not tell what runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """
    How far to look where the list does not tell, or was not seen to tell, which conversations run.

    Only conversations whose last chat is at most `window` seconds old are asked, the newest first, and at most `most`
    in one pass, beside the runs that are known.
    """

    window: float
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsSeen:
    """
    What one pass over the running conversations showed; times are server time.

    `nameless` is the number of rows that showed not even an id: any run that is missing may be behind one of them.
    `since` is None when the list told which conversations run. Otherwise each was asked by itself, and a run that is
    not known yet was seen only if the last chat of its conversation is not older than `since`.
    """

    sightings: tuple[Sighting, ...]
    unreadable: frozenset[str]
    nameless: int = 0
    complete: bool
    asked_at: float
    completed_at: float
    since: float | None = None


@dataclass(slots=True, kw_only=True)
class _Found:
    """What a pass has found so far."""

    asked_at: float
    completed_at: float
    sightings: list[Sighting] = field(default_factory=list)
    unreadable: set[str] = field(default_factory=set)
    nameless: int = 0
    complete: bool = False
    since: float | None = None


async def look(
    client: Client,
    open_runs: Mapping[str, Run],
    wants_detail: Callable[[Run], bool],
    reach: Reach,
    just_ended: Collection[str] = (),
) -> RunsSeen:
    """
    Pass over the running conversations; `open_runs` are by conversation id.

    Where `backgroundRunning` is known not to work, recent conversations are asked one by one. Where it is not known to
    work, a run begins only if `/running` agrees with the list. So it does in the conversations in which a run has
    `just_ended`, which a list that is out of date goes on to show.

    A conversation whose chats the list does not show is read by itself when its run is new or its chats changed. The
    steps of the chat being written are read for runs of which `wants_detail` says so. Raises what the client raises.
    """
    proof = client.capabilities.running_filter
    found = await (_asked_for_each(client, open_runs, reach) if proof is Proof.FAILS else _listed(client))
    if proof is not Proof.FAILS:
        new = [each for each in found.sightings if each.conversation.id not in open_runs]
        doubtful = [each for each in new if proof is Proof.UNPROVEN or each.conversation.id in just_ended]
        await _agree_on(client, found, doubtful, reach.most)
    seen = [await _read(client, each, open_runs.get(each.conversation.id), wants_detail) for each in found.sightings]
    return RunsSeen(
        sightings=tuple(seen),
        unreadable=frozenset(found.unreadable),
        nameless=found.nameless,
        complete=found.complete,
        asked_at=found.asked_at,
        completed_at=found.completed_at,
        since=found.since,
    )


class Fate(StrEnum):
    """What became of a conversation that a complete pass did not show to be running."""

    FINISHED = "finished"
    GONE = "gone"
    STILL_RUNNING = "still_running"  # the list and /running contradict each other: unknown
    UNKNOWN = "unknown"


async def confirm(client: Client, missing: Iterable[Run]) -> dict[str, Fate]:
    """Ask what became of missing runs, by run id. Raises ApiAuthError."""
    return {run.id: await _fate(client, run.conversation_id) for run in missing}


async def _fate(client: Client, conversation_id: str) -> Fate:
    try:
        running = await _running(client, conversation_id)
    except ApiNotFound:
        return Fate.GONE
    if running is None:
        return Fate.UNKNOWN
    return Fate.STILL_RUNNING if running.value else Fate.FINISHED


async def _running(client: Client, conversation_id: str) -> Answer[bool] | None:
    """Return what `/running` answers, None when it does not. Raises ApiNotFound and ApiAuthError."""
    try:
        return await client.is_running(conversation_id, priority=Priority.RUNS)
    except (ApiNotFound, ApiAuthError):
        raise
    except (RetryableError, ApiRefused):
        return None


# Which conversations run


async def _listed(client: Client) -> _Found:
    """Return those that the list shows."""
    listing = client.conversations(ConversationQuery(background_running=True), priority=Priority.RUNS)
    now = client.server_time.now()
    found = _Found(asked_at=now, completed_at=now)
    async for page in listing:
        found.unreadable.update(page.unreadable)
        found.nameless += page.set_aside - len(page.unreadable)
        found.completed_at = page.answered_at
        found.sightings += [Sighting(conversation=row, at=page.answered_at) for row in page.conversations]
    found.complete = listing.complete
    return found


async def _agree_on(client: Client, found: _Found, new: list[Sighting], most: int) -> None:
    """Leave out of what the list shows for the first time what `/running` denies; the newest are asked about first."""
    new.sort(key=lambda each: each.conversation.last_chat_at or each.conversation.created_at, reverse=True)
    fates = {each.conversation.id: await _fate(client, each.conversation.id) for each in new[:most]}
    left_out = {each.conversation.id for each in new if fates.get(each.conversation.id) is not Fate.STILL_RUNNING}
    found.sightings = [each for each in found.sightings if each.conversation.id not in left_out]
    found.complete = found.complete and len(new) <= most and Fate.UNKNOWN not in fates.values()
    denied = list(fates.values()).count(Fate.FINISHED)
    tells_nothing = denied >= _DENIED and Fate.STILL_RUNNING not in fates.values()
    if tells_nothing and client.capabilities.running_filter is Proof.UNPROVEN:
        client.drifted("filter_ignored")


async def _asked_for_each(client: Client, open_runs: Mapping[str, Run], reach: Reach) -> _Found:
    """Return those of the open runs, and of the conversations with a recent chat, that say themselves that they run."""
    now = client.server_time.now()
    found = _Found(asked_at=now, completed_at=now, since=now - reach.window)
    rows = await _recent(client, found, open_runs, most=max(reach.most - len(open_runs), 1))
    for conversation_id in [*open_runs, *(id_ for id_ in rows if id_ not in open_runs)]:
        await _ask(client, conversation_id, rows.get(conversation_id), found)
    return found


async def _recent(client: Client, found: _Found, open_runs: Mapping[str, Run], *, most: int) -> dict[str, Conversation]:
    """Return the conversations with the newest chats, at most `most` not known to run, and note how far it got."""
    query = ConversationQuery(last_chat_from=found.since, order=Order.LAST_CHAT_NEWEST_FIRST)
    listing = client.conversations(query, priority=Priority.RUNS)
    rows: dict[str, Conversation] = {}
    async for page in listing:
        found.completed_at = page.answered_at
        for row in page.conversations:
            if len(rows.keys() - open_runs.keys()) == most:
                # The budget ends here: this is how far back the pass reaches, and for that it is complete.
                *_, last = rows.values()
                found.since = last.last_chat_at or found.since
                found.complete = True
                return rows
            rows[row.id] = row
    found.complete = listing.complete
    return rows


async def _ask(client: Client, conversation_id: str, row: Conversation | None, found: _Found) -> None:
    """Ask one conversation whether it runs, and read it where it runs and no list showed it."""
    try:
        running = await _running(client, conversation_id)
        if running is not None and running.value and row is None:
            row = (await client.conversation(conversation_id, priority=Priority.RUNS)).value
    except ApiAuthError:
        raise
    except ApiNotFound:
        return
    except (RetryableError, ApiRefused):
        running = None
    if running is None:
        found.complete = False
        found.unreadable.add(conversation_id)
        return
    found.completed_at = running.answered_at
    if running.value and row is not None:
        found.sightings.append(Sighting(conversation=row, at=running.answered_at))


# What the list does not show of them


async def _read(client: Client, sighting: Sighting, run: Run | None, wants_detail: Callable[[Run], bool]) -> Sighting:
    """Return the sighting with the chats and the steps that the list did not show, as far as they are wanted."""
    lacks_chats = _lacks_chats(sighting.conversation)
    shows_work = lacks_chats or sighting.conversation.incomplete_chat is not None
    wanted = run is not None and shows_work and wants_detail(run)
    if lacks_chats:
        news = run is None or wanted or _shows_news(sighting.conversation, run)
        conversation = await _whole(client, sighting.conversation) if news else None
        sighting = replace(sighting, conversation=conversation or _as_known(sighting.conversation, run))
    chat = sighting.conversation.incomplete_chat
    detail = await _steps(client, sighting.conversation.id, chat) if wanted and chat is not None else None
    return replace(sighting, detail=detail)


def _lacks_chats(conversation: Conversation) -> bool:
    return len(conversation.chats) < min(conversation.chat_count, _EMBEDDED)


def _shows_news(row: Conversation, run: Run) -> bool:
    """Whether a row that lacks chats shows that those of the run changed, or nothing is known of them yet."""
    chat, user_chat = row.incomplete_chat, row.newest_user_chat
    return (
        row.chat_count != run.chat_count
        or (run.incomplete_chat_id is None and run.user_chat_id is None)
        or (chat is not None and chat.id != run.incomplete_chat_id)
        or (user_chat is not None and user_chat.id != run.user_chat_id)
        or any(each.id == run.incomplete_chat_id and each.completed for each in row.chats)
    )


def _as_known(row: Conversation, run: Run | None) -> Conversation:
    """Return a row without the chats that tell less than is known: behind them others may stand that it lacks."""
    return row if run is None or (row.incomplete_chat and not _shows_news(row, run)) else replace(row, chats=())


async def _whole(client: Client, row: Conversation) -> Conversation | None:
    try:
        return (await client.conversation(row.id, priority=Priority.RUNS)).value
    except ApiAuthError:
        raise
    except (RetryableError, ApiRefused):
        return None


async def _steps(client: Client, conversation_id: str, chat: Chat) -> Chat | None:
    try:
        return (await client.chat(conversation_id, chat.id, priority=Priority.RUNS)).value
    except (RetryableError, ApiRefused):
        return None
