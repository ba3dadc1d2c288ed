"""Looking at background runs: the list of running conversations, and what became of those missing from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from monitor.alli.client import Client
from monitor.alli.listing import ConversationQuery
from monitor.alli.pacing import Priority
from monitor.errors import ApiNotFound, ApiRefused, RetryableError
from monitor.model.conversation import Chat
from monitor.model.run import Run
from monitor.tracking.runs import Sighting

__all__ = ["Fate", "RunsSeen", "confirm", "look"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsSeen:
    """
    What one pass over the list of running conversations showed; times are server time.

    `nameless` is the number of rows that showed not even an id: any run that is missing may be behind one of them.
    """

    sightings: tuple[Sighting, ...]
    unreadable: frozenset[str]
    nameless: int = 0
    complete: bool
    asked_at: float
    completed_at: float


async def look(client: Client, open_runs: Mapping[str, Run], wants_detail: Callable[[Run], bool]) -> RunsSeen:
    """
    Pass over the list of running conversations.

    A conversation whose chats the list does not embed is read by itself when its run is new or its chats changed. The
    steps of the chat being written are read for runs of which `wants_detail` says so. Raises what the client raises.
    """
    listing = client.conversations(ConversationQuery(background_running=True), priority=Priority.RUNS)
    sightings: list[Sighting] = []
    unreadable: set[str] = set()
    nameless = 0
    asked_at = completed_at = client.server_time.now()
    async for page in listing:
        unreadable.update(page.unreadable)
        nameless += page.set_aside - len(page.unreadable)
        completed_at = page.answered_at
        sightings += [Sighting(conversation=conversation, at=page.answered_at) for conversation in page.conversations]
    seen = [await _complete(client, sighting, open_runs.get(sighting.conversation.id)) for sighting in sightings]
    return RunsSeen(
        sightings=tuple([await _detailed(client, s, open_runs.get(s.conversation.id), wants_detail) for s in seen]),
        unreadable=frozenset(unreadable),
        nameless=nameless,
        complete=listing.complete,
        asked_at=asked_at,
        completed_at=completed_at,
    )


class Fate(StrEnum):
    """What became of a conversation that a complete list of running ones did not show."""

    FINISHED = "finished"
    GONE = "gone"
    STILL_RUNNING = "still_running"  # the list and /running contradict each other: unknown
    UNKNOWN = "unknown"


async def confirm(client: Client, missing: Iterable[Run]) -> dict[str, Fate]:
    """Ask what became of missing runs, by run id. Raises ApiAuthError."""
    return {run.id: await _fate(client, run) for run in missing}


async def _fate(client: Client, run: Run) -> Fate:
    try:
        running = await client.is_running(run.conversation_id, priority=Priority.RUNS)
    except ApiNotFound:
        return Fate.GONE
    except RetryableError:
        return Fate.UNKNOWN
    return Fate.STILL_RUNNING if running.value else Fate.FINISHED


async def _complete(client: Client, sighting: Sighting, run: Run | None) -> Sighting:
    """Read the chats that the list did not embed, if there is anything new about them."""
    conversation = sighting.conversation
    if conversation.chats or not conversation.chat_count:
        return sighting
    if run is not None and run.chat_count == conversation.chat_count and run.incomplete_chat_id is not None:
        return sighting
    try:
        answer = await client.conversation(conversation.id, priority=Priority.RUNS)
    except (RetryableError, ApiNotFound):
        return sighting
    return replace(sighting, conversation=answer.value)


async def _detailed(
    client: Client, sighting: Sighting, run: Run | None, wants_detail: Callable[[Run], bool]
) -> Sighting:
    chat = sighting.conversation.incomplete_chat
    if run is None or chat is None or not wants_detail(run):
        return sighting
    detail = await _steps(client, sighting.conversation.id, chat)
    return replace(sighting, detail=detail) if detail is not None else sighting


async def _steps(client: Client, conversation_id: str, chat: Chat) -> Chat | None:
    try:
        return (await client.chat(conversation_id, chat.id, priority=Priority.RUNS)).value
    except (RetryableError, ApiRefused):
        return None
