"""Looking at the chats of conversations, and recording what a look shows of their ratings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import structlog

from monitor.commit import Commit
from monitor.cycle.project import Project
from monitor.cycle.rating_rules import RatingRules
from monitor.errors import ApiNotFound
from monitor.model.conversation import Chat, Conversation, Sender
from monitor.model.rating import Rating, RatingChange
from monitor.store.ratings import Look
from monitor.tracking.ratings import RatingKey, compare
from monitor.watch import conversations as watch

__all__ = ["RatingLooks", "look_at"]

log = structlog.get_logger()

_PAGE_SHARE = 0.3  # of the request budget between two sweeps goes to chats that the list does not embed


class RatingLooks:
    """Compares what is seen of the conversations of one project with what is known, and records the difference."""

    def __init__(self, project: Project, rules: RatingRules) -> None:
        self._project = project
        self._rules = rules

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
            recorded = [look_at(c, newer.get(c.id), seen_at) for c in moved if c.id not in outdated]
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
        """Compare the embedded chats with the last look at them, and those between, which nobody has looked at yet."""
        embedded = {chat.id for chat in conversation.chats}
        older = [chat for chat in more if chat.id not in embedded]
        name, looked_at = self._project.name, look.looked_at if look else None
        return [
            *compare(states, conversation, older, project=name, seen_at=seen_at, looked_at=None),
            *compare(states, conversation, conversation.chats, project=name, seen_at=seen_at, looked_at=looked_at),
        ]

    async def more_chats(self, conversation: Conversation, look: Look | None) -> list[Chat]:
        """Return the chats since the last look that the list does not embed."""
        known = look.chat_count if look else 0
        if conversation.chat_count - known <= len(conversation.chats):
            return []
        page = max(min(known, conversation.chat_count) // watch.CHATS_PER_PAGE, 0) + 1
        try:
            return [c async for chats in watch.chats_from(self._project.client, conversation, page=page) for c in chats]
        except ApiNotFound:
            return []

    async def look_beyond(self, conversations: Iterable[Conversation], *, every: float) -> None:
        """Read all chats of long conversations, those unread for longest first, as far as the request budget goes."""
        name = self._project.name
        by_id = {c.id: c for c in conversations}
        async with self._project.commits.store.snapshot() as tx:
            looks = await tx.ratings.looks(name, list(by_id))
        budget = self._project.settings.projects[name].requests_per_minute * every / 60 * _PAGE_SHARE
        for conversation in sorted(by_id.values(), key=lambda c: _paged_at(looks.get(c.id))):
            budget -= watch.pages_of(conversation)
            if budget < 0:
                return
            await self._read_all(conversation, looks.get(conversation.id))

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
        try:
            chats = [c async for page in watch.chats_from(self._project.client, conversation) for c in page]
        except ApiNotFound:
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


def look_at(conversation: Conversation, before: Look | None, at: float) -> Look:
    """Return the look at a conversation at `at`, server time, after the look `before`."""
    return Look(
        id=conversation.id,
        chat_count=conversation.chat_count,
        last_chat_at=conversation.last_chat_at,
        looked_at=at,
        paged_at=before.paged_at if before else None,
        digest=watch.digest(conversation),
    )


def _paged_at(look: Look | None) -> float:
    return look.paged_at if look is not None and look.paged_at is not None else 0.0
