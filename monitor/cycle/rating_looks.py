"""Looking at the chats of conversations, and recording what a look shows of their ratings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import structlog

from monitor.commit import Commit
from monitor.cycle.project import Project
from monitor.cycle.rating_rules import RatingRules
from monitor.errors import ApiAuthError, ApiNotFound, ApiRefused
from monitor.model.conversation import Chat, Conversation, Sender
from monitor.model.rating import Rating, RatingChange
from monitor.store.ratings import Look
from monitor.tracking.ratings import RatingKey, compare
from monitor.watch import conversations as watch

__all__ = ["RatingLooks", "look_at"]

log = structlog.get_logger()

_ROUNDING = 1e-6  # pages
_CLOCK_ERROR = 1.0  # seconds between the time of the newest chat and what a row says of it: rounding


class RatingLooks:
    """Compares what is seen of the conversations of one project with what is known, and records the difference."""

    def __init__(self, project: Project, rules: RatingRules) -> None:
        self._project = project
        self._rules = rules
        self._refused: set[str] = set()

    async def look(self, conversations: Sequence[Conversation], *, seen_at: float) -> None:
        """Compare conversations with what is known of them, and read what the list does not embed of new chats."""
        name = self._project.name
        async with self._project.commits.store.snapshot() as tx:
            looks = await tx.ratings.looks(name, [c.id for c in conversations])
        moved = [c for c in conversations if c.id not in looks or looks[c.id].digest != watch.digest(c)]
        more = [await self.more_chats(c, looks.get(c.id)) for c in moved]
        async with self._project.commits.begin() as commit:
            known = await commit.tx.ratings.known(name, [c.id for c in moved])
            # Another pass may have looked later and committed earlier than this one.
            newer = await commit.tx.ratings.looks(name, [c.id for c in conversations])
            outdated = {id_ for id_, look in newer.items() if look.looked_at > seen_at}
            changes: list[RatingChange] = []
            for conversation, chats in zip(moved, more, strict=True):
                if conversation.id in outdated:
                    continue
                look = looks.get(conversation.id)
                states = known.get(conversation.id, {})
                changes += self._compare(conversation, chats, look, states, seen_at=seen_at)
                self._count_replies(commit, conversation, since=look.looked_at if look else None)
            await self.record(commit, changes)
            recorded = [
                look_at(c, newer.get(c.id), seen_at, read=chats)
                for c, chats in zip(moved, more, strict=True)
                if c.id not in outdated
            ]
            await commit.tx.ratings.record_looks(name, recorded)
            unchanged = {c.id for c in conversations} - {c.id for c in moved} - outdated
            if unchanged:
                await commit.tx.ratings.touch(name, sorted(unchanged), at=seen_at)

    def _compare(
        self,
        conversation: Conversation,
        more: Sequence[Chat],
        look: Look | None,
        states: Mapping[RatingKey, Rating],
        *,
        seen_at: float,
    ) -> list[RatingChange]:
        """Compare the embedded chats with the last look at them, and others with when all chats were last read."""
        embedded = {chat.id for chat in conversation.chats}
        others = [chat for chat in more if chat.id not in embedded]
        name, looked_at, paged_at = self._project.name, None, None
        if look is not None:
            looked_at, paged_at = look.looked_at, look.paged_at
        return [
            *compare(states, conversation, others, project=name, seen_at=seen_at, looked_at=paged_at),
            *compare(states, conversation, conversation.chats, project=name, seen_at=seen_at, looked_at=looked_at),
        ]

    async def more_chats(self, conversation: Conversation, look: Look | None) -> list[Chat]:
        """
        Return chats that the list does not embed: those since the last look.

        Where the last chat is another one though there are not more, or is not new though its time is, the newest page
        is read: on some servers a rating moves that time.
        """
        known = look.chat_count if look else 0
        unseen = conversation.chat_count > len(conversation.chats)
        grown = conversation.chat_count - known > len(conversation.chats)
        moved = look is not None and conversation.chat_count <= known and conversation.last_chat_at != look.last_chat_at
        if not unseen or not (grown or moved):
            return []
        return await self._chats_from(conversation, min(known, conversation.chat_count - 1) // watch.CHATS_PER_PAGE + 1)

    async def _chats_from(self, conversation: Conversation, first: int) -> list[Chat]:
        """Read the pages from `first` on; there is nothing to see of a conversation that is gone or not for us."""
        try:
            chats = await self._pages_from(conversation, first)
        except ApiAuthError:
            raise
        except ApiRefused as error:
            if not isinstance(error, ApiNotFound) and conversation.id not in self._refused:
                self._refused.add(conversation.id)
                log.warning("chats refused", project=self._project.name, conversation=conversation.id, error=str(error))
            return []
        self._refused.discard(conversation.id)
        return chats

    async def _pages_from(self, conversation: Conversation, first: int) -> list[Chat]:
        """Read the pages from `first` on, and those before if the newest chat is not there: some show it first."""
        client, last_chat_at = self._project.client, conversation.last_chat_at
        chats = [c async for page in watch.chats_from(client, conversation, page=first) for c in page]
        newest = max((chat.at for chat in chats), default=0.0)
        if first > 1 and last_chat_at is not None and newest < last_chat_at - _CLOCK_ERROR:
            chats += [c async for page in watch.chats_from(client, conversation, until=first - 1) for c in page]
        return chats

    async def look_beyond(self, conversations: Iterable[Conversation], *, pages: float) -> float:
        """
        Read all chats of conversations, those unread for longest first, as far as so many pages go.

        What is left of them when the next conversation is too long is returned, to be added the next time.
        """
        name = self._project.name
        by_id = {c.id: c for c in conversations}
        async with self._project.commits.store.snapshot() as tx:
            looks = await tx.ratings.looks(name, list(by_id))
        for conversation in sorted(by_id.values(), key=lambda c: _paged_at(looks.get(c.id))):
            needed = watch.pages_of(conversation)
            if needed > pages + _ROUNDING:
                return pages
            pages -= needed
            await self._read_all(conversation, looks.get(conversation.id))
        return 0.0

    async def record(self, commit: Commit, changes: Sequence[RatingChange]) -> None:
        """Write changes of ratings, and what the rules make of them."""
        if not changes:
            return
        moment = self._project.moment()
        await commit.tx.ratings.put([change.rating for change in changes])
        await commit.tx.ratings.record_changes(changes)
        await self._rules.evaluate_events(commit, changes, moment)
        await self._rules.evaluate_windows(commit, moment)
        for change in changes:
            commit.after(lambda change=change: self._show(change))  # type: ignore[misc]

    async def _read_all(self, conversation: Conversation, look: Look | None) -> None:
        name = self._project.name
        seen_at = self._project.client.server_time.now()
        chats = await self._chats_from(conversation, 1)
        if not chats:
            return
        async with self._project.commits.begin() as commit:
            known = (await commit.tx.ratings.known(name, [conversation.id])).get(conversation.id, {})
            looked_at = look.paged_at if look else None
            await self.record(
                commit, compare(known, conversation, chats, project=name, seen_at=seen_at, looked_at=looked_at)
            )
            newest = (await commit.tx.ratings.looks(name, [conversation.id])).get(conversation.id)
            if newest is not None:
                await commit.tx.ratings.record_looks(name, [replace(newest, paged_at=seen_at)])

    def _show(self, change: RatingChange) -> None:
        rating, metrics = change.rating, self._project.metrics
        app = metrics.app(rating.project, change.app)
        metrics.ratings.labels(rating.project, app, rating.by.value, rating.vote.value).inc()
        metrics.detection_delay.labels(rating.project, "rating").observe(rating.seen_at - rating.not_before)
        log.info(
            "rating",
            project=rating.project,
            conversation=rating.conversation_id,
            chat=rating.chat_id,
            by=rating.by.value,
            previous=change.previous.value,
            value=rating.vote.value,
        )

    def _count_replies(self, commit: Commit, conversation: Conversation, *, since: float | None) -> None:
        """Count how long users waited for replies that came since the last look."""
        if since is None:
            return
        app = self._project.metrics.app(self._project.name, conversation.app)
        histogram = self._project.metrics.reply_latency.labels(self._project.name, app)
        for asked, reply in zip(conversation.chats, conversation.chats[1:], strict=False):
            if asked.sender is Sender.USER and reply.sender is Sender.BOT and reply.at > since:
                commit.after(lambda waited=reply.at - asked.at: histogram.observe(waited))  # type: ignore[misc]


def look_at(conversation: Conversation, before: Look | None, at: float, *, read: Sequence[Chat] = ()) -> Look:
    """Return the look at a conversation at `at`, server time, after `before`; `read` are chats from its pages."""
    paged_at = before.paged_at if before else None
    if read and len({chat.id for chat in read}) >= conversation.chat_count:
        paged_at = max(at, paged_at or at)
    return Look(
        id=conversation.id,
        chat_count=conversation.chat_count,
        last_chat_at=conversation.last_chat_at,
        looked_at=at,
        paged_at=paged_at,
        digest=watch.digest(conversation),
    )


def _paged_at(look: Look | None) -> float:
    return look.paged_at if look is not None and look.paged_at is not None else 0.0
