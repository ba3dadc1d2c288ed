"""The cycles of ratings: the incremental poll of changed conversations and the look-back sweep."""

from __future__ import annotations

from collections import Counter

from monitor.alli.pacing import Priority
from monitor.commit import Commit, Moment
from monitor.cycle.baseline import Baseline
from monitor.cycle.project import Project
from monitor.cycle.rating_looks import RatingLooks
from monitor.cycle.rating_rules import RatingRules
from monitor.errors import ApiNotFound
from monitor.model.alert import Alert, AlertState, Resolution
from monitor.model.conversation import Conversation
from monitor.settings import RatingTier
from monitor.store.observations import Pass
from monitor.watch import conversations as watch

__all__ = ["CONVERSATIONS", "RatingCycle", "sweep_name"]

CONVERSATIONS = "conversations"
_OVERLAP = 120.0  # seconds: late writes and equal timestamps at the boundary of two passes


def sweep_name(tier: RatingTier) -> str:
    """Return the name of a tier's poll."""
    return f"ratings_{round(tier.younger_than)}s"


class RatingCycle:
    """Keeps the ratings of one project and acts on their changes."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._rules = RatingRules(project)
        self._looks = RatingLooks(project, self._rules)
        self._baseline = Baseline(project, self._looks, poll=CONVERSATIONS, overlap=_OVERLAP)

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
            await self._baseline.take()
            return
        asked_at = self._project.client.server_time.now()
        since = previous.watermark if previous and previous.watermark is not None else baseline_at
        listing = watch.changed(self._project.client, since=since)
        answered_at = asked_at
        async for page in listing:
            answered_at = page.answered_at
            await self._looks.look(page.conversations, seen_at=page.answered_at)
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
            await self._looks.look(page.conversations, seen_at=page.answered_at)
            beyond += [c for c in page.conversations if c.chat_count > len(c.chats)]
            seen.update(c.id for c in page.conversations)
            active.update(
                self._project.metrics.app(self._project.name, c.app) for c in page.conversations if not c.is_end
            )
        await self._looks.look_beyond(beyond, every=tiers[index].every)
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

    def _show_active(self, active: Counter[str]) -> None:
        metrics = self._project.metrics
        metrics.set_by_app(metrics.conversations_active, self._project.name, active)


def _is_over(alert: Alert, now: float) -> bool:
    return alert.state is AlertState.FIRING and alert.expires_at is not None and alert.expires_at <= now
