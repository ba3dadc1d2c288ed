"""The cycles of ratings: the incremental poll of changed conversations and the look-back sweep."""

from __future__ import annotations

from collections import Counter

import structlog

from monitor.alli.listing import Listing
from monitor.alli.pacing import Priority
from monitor.cycle.baseline import Baseline
from monitor.cycle.caught_up import is_held
from monitor.cycle.coverage import Coverage
from monitor.cycle.project import Project
from monitor.cycle.rating_looks import RatingLooks
from monitor.cycle.rating_rules import RatingRules
from monitor.durations import format_duration
from monitor.errors import ApiAuthError, ApiNotFound, ApiRefused
from monitor.model.alert import Alert, AlertState, Resolution
from monitor.model.conversation import Conversation
from monitor.settings import RatingTier
from monitor.store.observations import Pass
from monitor.tracking.sweep_budget import Demand, Measured, stretch
from monitor.watch import conversations as watch

__all__ = ["CONVERSATIONS", "RatingCycle", "sweep_name"]

log = structlog.get_logger()

CONVERSATIONS = "conversations"
_OVERLAP = 120.0  # seconds: late writes and equal timestamps at the boundary of two passes


def sweep_name(tier: RatingTier) -> str:
    """Return the name of a tier's poll."""
    return f"ratings_{round(tier.younger_than)}s"


class RatingCycle:
    """
    Keeps the ratings of one project and acts on their changes; `coverage` tells what of it was not observed.

    `incomplete` tells by poll why its newest pass did not get through, of those that did not.
    """

    def __init__(self, project: Project, coverage: Coverage) -> None:
        self._project = project
        self._rules = RatingRules(project, coverage)
        self._looks = RatingLooks(project, self._rules)
        self._baseline = Baseline(project, self._looks, poll=CONVERSATIONS, overlap=_OVERLAP)
        self._measured: dict[str, Measured] = {}
        self._pages_left: dict[str, float] = {}
        self._stretched: set[str] = set()
        self.incomplete: dict[str, str] = {}

    def demand(self) -> dict[str, Demand]:
        """Return what each tier of the look-back takes, by the name of its poll, as its newest sweep measured it."""
        names = [sweep_name(tier) for tier in self._project.polling.ratings]
        measured = {name: self._measured[name] for name in names if name in self._measured}
        requests_per_minute = self._project.settings.projects[self._project.name].requests_per_minute
        return stretch(measured, requests_per_minute=requests_per_minute)

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
            self._note(CONVERSATIONS, await self._baseline.take())
            return
        asked_at = self._project.client.server_time.now()
        since = previous.watermark if previous and previous.watermark is not None else baseline_at
        listing = watch.changed(self._project.client, since=since)
        answered_at = asked_at
        async for page in listing:
            answered_at = page.answered_at
            await self._looks.look(page.conversations, seen_at=page.answered_at)
        self._note(CONVERSATIONS, listing)
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
        tiers = self._project.polling.ratings
        name = sweep_name(tiers[index])
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
        self._note(name, listing)
        self._measured[name] = Measured(
            every=tiers[index].every,
            conversations=len(seen),
            list_requests=listing.pages,
            chat_pages=sum(map(watch.pages_of, beyond)),
        )
        demand = self.demand()[name]
        self._note_stretch(name, demand)
        pages = self._pages_left.get(name, 0.0) + demand.pages_per_sweep
        self._pages_left[name] = await self._looks.look_beyond(beyond, pages=pages)
        if listing.complete:
            await self._record_pass(name, now, answered_at)
            is_last = index == len(tiers) - 1
            await self._look_for_gone(seen, oldest=now - tiers[index].younger_than, newest=newest, is_last=is_last)
            if index == 0:
                self._show_active(active)

    async def evaluate(self) -> None:
        """Do what only the passing of time brings: windows empty, events wait and expire. Raises StorageError."""
        async with self._project.commits.begin() as commit:
            moment = self._project.moment()
            alerts = list((await commit.tx.alerts.open(self._project.name)).values())
            await self._rules.tell_held(commit, alerts, moment)
            await commit.end_alerts([a for a in alerts if _is_over(a, moment.server)], Resolution.EXPIRED, moment)
            done = await commit.tx.observations.newest_pass(self._project.name, CONVERSATIONS)
            gap = 3 * self._project.polling.conversations
            if done is not None and moment.server - done.completed_at <= max(gap, 60.0):
                await self._rules.evaluate_windows(commit, moment)

    async def _look_for_gone(self, seen: set[str], *, oldest: float, newest: float | None, is_last: bool) -> None:
        """
        Ask about conversations that have alerts about ratings and are missing from the band they belong to.

        Where the server does not tell when their last chat was, that is the last one.
        """
        name = self._project.name
        rules = self._rules.event_names()
        async with self._project.commits.store.snapshot() as tx:
            alerts = await tx.alerts.open(name, rules=rules)
            ids = {dict(alert.identity.subject)["conversation_id"] for alert in alerts.values()} - seen
            looks = await tx.ratings.looks(name, sorted(ids))
        for look in looks.values():
            at = look.last_chat_at
            belongs = is_last if at is None else oldest <= at <= (newest or float("inf"))
            if belongs and await self._is_gone(look.id):
                about = [a for a in alerts.values() if dict(a.identity.subject)["conversation_id"] == look.id]
                async with self._project.commits.begin() as commit:
                    await commit.end_alerts(about, Resolution.GONE, self._project.moment())

    async def _is_gone(self, conversation_id: str) -> bool:
        try:
            await self._project.client.conversation(conversation_id, priority=Priority.SWEEP)
        except ApiAuthError:
            raise
        except ApiRefused as error:
            return isinstance(error, ApiNotFound)
        return False

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

    def _note(self, poll: str, listing: Listing) -> None:
        """Say once why passes of a poll do not get through."""
        why = listing.incomplete_because
        if why is not None and self.incomplete.get(poll) != why:
            log.warning("pass is incomplete", project=self._project.name, poll=poll, because=why)
        self.incomplete = {name: text for name, text in self.incomplete.items() if name != poll}
        if why is not None:
            self.incomplete[poll] = why

    def _note_stretch(self, poll: str, demand: Demand) -> None:
        """Say once that a tier takes longer than it should, and once that it does not any more."""
        stretched = demand.stretched_every > demand.every
        if stretched is (poll in self._stretched):
            return
        self._stretched ^= {poll}
        log.warning(
            "look-back takes longer than it should" if stretched else "look-back is in time again",
            project=self._project.name,
            poll=poll,
            every=format_duration(round(demand.every)),
            detection_delay=format_duration(round(demand.detection_delay)),
        )

    def _show_active(self, active: Counter[str]) -> None:
        metrics = self._project.metrics
        metrics.set_by_app(metrics.conversations_active, self._project.name, active)


def _is_over(alert: Alert, now: float) -> bool:
    """Return whether an event expired; one that waits for others to be told with it still waits."""
    expired = alert.expires_at is not None and alert.expires_at <= now
    return alert.state is AlertState.FIRING and expired and not is_held(alert)
