"""The baseline: what is rated before the monitor knows a project is recorded, not alerted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from monitor.alli.listing import Listing
from monitor.commit import Commit, Moment
from monitor.cycle.project import Project
from monitor.cycle.rating_looks import RatingLooks, look_at
from monitor.model.builtin import Builtin
from monitor.model.capabilities import Proof
from monitor.model.conversation import Chat, Conversation, Vote
from monitor.model.rating import RatingChange
from monitor.store.observations import Pass
from monitor.store.ratings import Look
from monitor.tracking.ratings import compare
from monitor.watch import conversations as watch

__all__ = ["Baseline"]

_LOOK_BACK = 7 * 86400.0  # seconds, where no sweep says how far to look back


@dataclass(slots=True, kw_only=True)
class _Collected:
    """What a pass over a project without a baseline found."""

    looks: list[Look] = field(default_factory=list)
    changes: list[RatingChange] = field(default_factory=list)


class Baseline:
    """Takes the baseline of one project; `poll` is the incremental poll that goes on from it."""

    def __init__(self, project: Project, looks: RatingLooks, *, poll: str, overlap: float) -> None:
        self._project = project
        self._looks = looks
        self._poll = poll
        self._overlap = overlap
        self._read: dict[str, tuple[float, list[Chat]]] = {}

    async def take(self) -> Listing:
        """
        Record what is rated at the very first start, all of it or nothing, tell one summary, and return the pass.

        Chats beyond the embedded ones are read as well: whatever is found rated later is news. Raises what the client
        raises, and StorageError; then, as after an incomplete pass, nothing was recorded.
        """
        asked_at = self._project.client.server_time.now()
        tiers = self._project.polling.ratings
        # A filter in a unit that the server does not mean would find nothing, and that would be recorded for ever.
        unproven = self._project.capabilities.time_filter is Proof.UNPROVEN
        oldest = None if unproven else asked_at - (tiers[-1].younger_than if tiers else _LOOK_BACK)
        listing = watch.band(self._project.client, oldest=oldest, newest=None)
        collected = await self._collect(listing)
        if not listing.complete:
            return listing
        moment = self._project.moment()
        tell_since = self._project.settings.projects[self._project.name].baseline.tell_since
        told = [
            c for c in collected.changes if c.rating.vote is Vote.NEGATIVE and c.chat_at > moment.server - tell_since
        ]
        name = self._project.name
        async with self._project.commits.begin() as commit:
            await commit.tx.ratings.put([change.rating for change in collected.changes])
            await commit.tx.ratings.record_looks(name, collected.looks)
            await commit.tx.observations.record_baseline(name, asked_at)
            done = Pass(
                asked_at=asked_at,
                completed_at=moment.server,
                own_at=moment.own,
                watermark=asked_at - self._overlap,
            )
            await commit.tx.observations.record_pass(name, self._poll, done)
            await self._looks.record(commit, told)
            await self._tell(commit, collected, moment)
        self._read.clear()
        return listing

    async def _collect(self, listing: Listing) -> _Collected:
        found = _Collected()
        async for page in listing:
            for conversation in page.conversations:
                read_at, read = await self._pages_of(conversation, page.answered_at)
                chats = {chat.id: chat for chat in (*read, *conversation.chats)}.values()
                found.changes += compare(
                    {}, conversation, chats, project=self._project.name, seen_at=page.answered_at, looked_at=None
                )
                look = look_at(conversation, None, page.answered_at)
                found.looks.append(replace(look, paged_at=read_at if read else None))
        return found

    async def _pages_of(self, conversation: Conversation, at: float) -> tuple[float, list[Chat]]:
        """
        Return the chats of a conversation that the list does not embed in full, and when they were read, `at` if now.

        Where the list embeds none that is a request for each conversation. A failure among thousands must not mean to
        begin again, so what was read is kept until the baseline is recorded, as long as no chat is added.
        """
        if conversation.chat_count <= len(conversation.chats):
            return at, []
        read_at, chats = self._read.get(conversation.id, (at, []))
        if len(chats) != conversation.chat_count:
            read_at, chats = at, await self._looks.more_chats(conversation, None)
            self._read[conversation.id] = read_at, chats
        return read_at, chats

    async def _tell(self, commit: Commit, collected: _Collected, moment: Moment) -> None:
        votes = Counter(change.rating.vote for change in collected.changes)
        summary = (
            f"First look at project {self._project.name}: {len(collected.looks)} conversations, "
            f"{votes[Vote.NEGATIVE]} negative and {votes[Vote.POSITIVE]} positive ratings recorded without alerts. "
            "From now on every change is told."
        )
        await commit.fire_builtin(
            Builtin.BASELINE_RECORDED,
            project=self._project.name,
            subject={},
            labels={},
            summary=summary,
            moment=moment,
            facts=self._project.facts(),
        )
