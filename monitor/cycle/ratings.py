"""The cycles of ratings: the baseline, the incremental poll of changed conversations, and the look-back sweep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import structlog

from monitor.alerting import lifecycle
from monitor.alerting.lifecycle import Terms
from monitor.alli.listing import Listing
from monitor.alli.pacing import Priority
from monitor.commit import Commit, Moment
from monitor.cycle.project import Project
from monitor.cycle.rating_rules import RatingRules
from monitor.errors import ApiNotFound
from monitor.model.alert import Alert, AlertState, Identity, Resolution
from monitor.model.builtin import SEVERITIES, Builtin
from monitor.model.conversation import Chat, Conversation, Sender, Vote
from monitor.model.rating import RatingChange
from monitor.settings import RatingTier
from monitor.store.observations import Pass
from monitor.store.ratings import Look
from monitor.tracking.ratings import compare
from monitor.watch import conversations as watch

__all__ = ["CONVERSATIONS", "RatingCycle", "sweep_name"]

log = structlog.get_logger()

CONVERSATIONS = "conversations"
_OVERLAP = 120.0  # seconds: late writes and equal timestamps at the boundary of two passes
_PAGE_SHARE = 0.3  # of the request budget between two sweeps goes to chats that the list does not embed
_EVENT_TERMS = Terms(resolve_after=86400.0)


def sweep_name(tier: RatingTier) -> str:
    """Return the name of a tier's poll."""
    return f"ratings_{round(tier.younger_than)}s"


@dataclass(slots=True, kw_only=True)
class _Collected:
    """What a pass over a project without a baseline found."""

    looks: list[Look] = field(default_factory=list)
    changes: list[RatingChange] = field(default_factory=list)


class RatingCycle:
    """Keeps the ratings of one project and acts on their changes."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._rules = RatingRules(project)

    # Polls

    async def poll(self) -> None:
        """
        Look at the conversations that changed since the last complete pass; before all, record the baseline.

        Raises what the client raises, and StorageError: what was not looked at then is looked at by the next pass.
        """
        name = self._project.name
        async with self._project.commits.store.snapshot() as tx:
            baseline_at = await tx.observations.baseline_at(name)
            previous = await tx.observations.newest_pass(name, CONVERSATIONS)
        await watch.learn_time_unit(self._project.client)
        if baseline_at is None:
            await self._baseline()
            return
        asked_at = self._project.client.server_time.now()
        since = previous.watermark if previous and previous.watermark is not None else baseline_at
        listing = watch.changed(self._project.client, since=since)
        answered_at = asked_at
        async for page in listing:
            answered_at = page.answered_at
            await self._look(page.conversations, seen_at=page.answered_at)
        if listing.complete:
            await self._record_pass(CONVERSATIONS, asked_at, answered_at, watermark=asked_at - _OVERLAP)

    async def sweep(self, index: int) -> None:
        """
        Look at every chat of the conversations in the band of one tier of the look-back.

        Raises what the client raises, and StorageError.
        """
        async with self._project.commits.store.snapshot() as tx:
            if await tx.observations.baseline_at(self._project.name) is None:
                return
        tiers = self._project.settings.polling.ratings
        now = self._project.client.server_time.now()
        newest = now - tiers[index - 1].younger_than if index else None
        listing = watch.band(self._project.client, oldest=now - tiers[index].younger_than, newest=newest)
        beyond: list[Conversation] = []
        active: Counter[str] = Counter()
        seen: set[str] = set()
        answered_at = now
        async for page in listing:
            answered_at = page.answered_at
            await self._look(page.conversations, seen_at=page.answered_at)
            beyond += [c for c in page.conversations if c.chat_count > len(c.chats)]
            seen.update(c.id for c in page.conversations)
            active.update(
                self._project.metrics.app(self._project.name, c.app) for c in page.conversations if not c.is_end
            )
        await self._look_beyond(beyond, every=tiers[index].every)
        if listing.complete:
            await self._record_pass(sweep_name(tiers[index]), now, answered_at)
            await self._look_for_gone(seen, oldest=now - tiers[index].younger_than, newest=newest)
            if index == 0:
                self._show_active(active)

    async def evaluate(self) -> None:
        """Do what only the passing of time brings: windows empty, events expire. Raises StorageError."""
        async with self._project.commits.begin() as commit:
            moment = self._project.moment()
            await self._expire(commit, moment)
            done = await commit.tx.observations.newest_pass(self._project.name, CONVERSATIONS)
            gap = 3 * self._project.settings.polling.conversations
            if done is not None and moment.server - done.completed_at <= max(gap, 60.0):
                await self._rules.evaluate_windows(commit, moment)

    # Looking

    async def _look(self, conversations: Sequence[Conversation], *, seen_at: float) -> None:
        """Compare conversations with what is known of them, and read what the list does not embed of new chats."""
        name = self._project.name
        async with self._project.commits.store.snapshot() as tx:
            looks = await tx.ratings.looks(name, [c.id for c in conversations])
        moved = [c for c in conversations if c.id not in looks or looks[c.id].digest != watch.digest(c)]
        more = [await self._more_chats(c, looks.get(c.id)) for c in moved]
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
                embedded = {chat.id for chat in conversation.chats}
                older = [chat for chat in chats if chat.id not in embedded]
                states = known.get(conversation.id, {})
                changes += compare(states, conversation, older, project=name, seen_at=seen_at, looked_at=None)
                looked_at = look.looked_at if look else None
                changes += compare(
                    states, conversation, conversation.chats, project=name, seen_at=seen_at, looked_at=looked_at
                )
                self._count_replies(commit, conversation, since=looked_at)
            await self._record(commit, changes)
            recorded = [_look_at(c, newer.get(c.id), seen_at) for c in moved if c.id not in outdated]
            await commit.tx.ratings.record_looks(name, recorded)
            unchanged = {c.id for c in conversations} - {c.id for c in moved} - outdated
            if unchanged:
                await commit.tx.ratings.touch(name, sorted(unchanged), at=seen_at)

    async def _more_chats(self, conversation: Conversation, look: Look | None) -> list[Chat]:
        """Return the chats since the last look that the list does not embed."""
        known = look.chat_count if look else 0
        if conversation.chat_count - known <= len(conversation.chats):
            return []
        page = max(min(known, conversation.chat_count) // watch.CHATS_PER_PAGE, 0) + 1
        try:
            return [c async for chats in watch.chats_from(self._project.client, conversation, page=page) for c in chats]
        except ApiNotFound:
            return []

    async def _look_beyond(self, conversations: Iterable[Conversation], *, every: float) -> None:
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
            await self._record(
                commit, compare(known, conversation, chats, project=name, seen_at=seen_at, looked_at=looked_at)
            )
            newest = (await commit.tx.ratings.looks(name, [conversation.id])).get(conversation.id)
            if newest is not None:
                await commit.tx.ratings.record_looks(name, [replace(newest, paged_at=seen_at)])

    async def _look_for_gone(self, seen: set[str], *, oldest: float, newest: float | None) -> None:
        """Ask about conversations that have alerts about ratings and are missing from the band they belong to."""
        name = self._project.name
        rules = self._rules.event_names()
        async with self._project.commits.store.snapshot() as tx:
            alerts = await tx.alerts.open(name, rules=rules)
            ids = {dict(alert.identity.subject)["conversation_id"] for alert in alerts.values()} - seen
            looks = await tx.ratings.looks(name, sorted(ids))
        for look in looks.values():
            belongs = look.last_chat_at is not None and oldest <= look.last_chat_at <= (newest or float("inf"))
            if not belongs:
                continue
            try:
                await self._project.client.conversation(look.id, priority=Priority.SWEEP)
            except ApiNotFound:
                about = [a for a in alerts.values() if dict(a.identity.subject)["conversation_id"] == look.id]
                async with self._project.commits.begin() as commit:
                    await commit.end_alerts(about, Resolution.GONE, self._project.moment())

    # The baseline

    async def _baseline(self) -> None:
        """
        Record what is rated at the very first start, all of it or nothing, and tell one summary.

        Chats beyond the embedded ones are read as well: whatever is found rated later is news.
        """
        asked_at = self._project.client.server_time.now()
        oldest = asked_at - self._project.settings.polling.ratings[-1].younger_than
        listing = watch.band(self._project.client, oldest=oldest, newest=None)
        collected = await self._collect(listing)
        if not listing.complete:
            return
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
                watermark=asked_at - _OVERLAP,
            )
            await commit.tx.observations.record_pass(name, CONVERSATIONS, done)
            await self._record(commit, told)
            await self._tell_baseline(commit, collected, moment)

    async def _collect(self, listing: Listing) -> _Collected:
        found = _Collected()
        async for page in listing:
            for conversation in page.conversations:
                chats: list[Chat] = list(conversation.chats)
                paged_at = None
                if conversation.chat_count > len(chats):
                    chats = await self._more_chats(conversation, None)
                    paged_at = page.answered_at
                found.changes += compare(
                    {}, conversation, chats, project=self._project.name, seen_at=page.answered_at, looked_at=None
                )
                look = _look_at(conversation, None, page.answered_at)
                found.looks.append(replace(look, paged_at=paged_at))
        return found

    async def _tell_baseline(self, commit: Commit, collected: _Collected, moment: Moment) -> None:
        votes = Counter(change.rating.vote for change in collected.changes)
        summary = (
            f"First look at project {self._project.name}: {len(collected.looks)} conversations, "
            f"{votes[Vote.NEGATIVE]} negative and {votes[Vote.POSITIVE]} positive ratings recorded without alerts. "
            "From now on every change is told."
        )
        labels = {
            "alertname": Builtin.BASELINE_RECORDED.value,
            "project": self._project.name,
            "severity": SEVERITIES[Builtin.BASELINE_RECORDED],
        }
        identity = Identity(project=self._project.name, rule=Builtin.BASELINE_RECORDED.value)
        step = lifecycle.fire_event(
            identity, now=moment.server, terms=_EVENT_TERMS, labels=labels, annotations={"summary": summary}
        )
        await commit.settle(None, step, moment)

    # Recording

    async def _record(self, commit: Commit, changes: Sequence[RatingChange]) -> None:
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

    async def _record_pass(
        self, poll: str, asked_at: float, answered_at: float, *, watermark: float | None = None
    ) -> None:
        done = Pass(
            asked_at=asked_at,
            completed_at=answered_at,
            own_at=self._project.clock.now(),
            watermark=watermark,
        )
        async with self._project.commits.store.transaction() as tx:
            await tx.observations.record_pass(self._project.name, poll, done)

    async def _expire(self, commit: Commit, moment: Moment) -> None:
        """Resolve events whose resolve_after passed."""
        over = [a for a in (await commit.tx.alerts.open(self._project.name)).values() if _is_over(a, moment.server)]
        await commit.end_alerts(over, Resolution.EXPIRED, moment)

    # Showing

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

    def _show_active(self, active: Counter[str]) -> None:
        metrics = self._project.metrics
        metrics.set_by_app(metrics.conversations_active, self._project.name, active)

    def _count_replies(self, commit: Commit, conversation: Conversation, *, since: float | None) -> None:
        """Count how long users waited for replies that came since the last look."""
        if since is None:
            return
        app = self._project.metrics.app(self._project.name, conversation.app)
        histogram = self._project.metrics.reply_latency.labels(self._project.name, app)
        for asked, reply in zip(conversation.chats, conversation.chats[1:], strict=False):
            if asked.sender is Sender.USER and reply.sender is Sender.BOT and reply.at > since:
                commit.after(lambda waited=reply.at - asked.at: histogram.observe(waited))  # type: ignore[misc]


def _look_at(conversation: Conversation, before: Look | None, at: float) -> Look:
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


def _is_over(alert: Alert, now: float) -> bool:
    return alert.state is AlertState.FIRING and alert.expires_at is not None and alert.expires_at <= now
