"""
The stop protocol: look, write down, ask, look again.

Each call does one step of one stop and says when the next is due. The state of the stop is on disk before the step
that depends on it, so a crash anywhere is followed by a look and never by a blind second request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from monitor.alerting import guard
from monitor.alerting.guard import Decision, Next, Recheck, Standing
from monitor.alli.client import Client
from monitor.alli.pacing import Priority
from monitor.clock import Clock
from monitor.commit import Commit, Commits, Moment
from monitor.durations import format_duration
from monitor.errors import ApiNotFound, ApiRefused, ApiUnavailable, RetryableError
from monitor.handling import Done, Handled, Later
from monitor.model.alert import AlertState
from monitor.model.conversation import Conversation
from monitor.model.intent import Intent
from monitor.model.run import Outcome, Run
from monitor.model.stop import Answered, Stop, StopResult, StopState
from monitor.store.stops import Brake
from monitor.tracking import absence, runs
from monitor.tracking.absence import Absence
from monitor.tracking.capability_report import holds_stops

__all__ = ["StopHandler", "StopTerms"]

_HOUR = 3600.0
_FRESH = 5.0  # seconds for which a re-check holds
_RETRY_SOON = 2.0
_RETRY_UNCLEAR = 10.0
_RETRY_AUTH = 60.0
_LONGEST_RETRY = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTerms:
    """
    What the configuration says about stops; seconds.

    `gap` is, for a project, the longest time since the ledger saw a run that still counts as observed. `permits` tells
    whether a stop is still wanted: the mode is enforce and the app is on the list. `holds` tells whether a brake holds
    it back.
    """

    verify_within: float
    per_hour: int
    per_app_per_hour: int
    gap: Callable[[str], float]
    permits: Callable[[Stop], bool]
    holds: Callable[[Brake, Stop], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What Alli says about a conversation now; `at` is the server time of the older of two questions."""

    running: bool
    conversation: Conversation
    at: float


class StopHandler:
    """Carries stops out; `clients` are by project."""

    def __init__(
        self,
        *,
        commits: Commits,
        clients: Mapping[str, Client],
        clock: Clock,
        terms: StopTerms,
    ) -> None:
        self._commits = commits
        self._clock = clock
        self._observing_since: dict[str, float] = {}
        self.adopt(clients, terms)

    def adopt(self, clients: Mapping[str, Client], terms: StopTerms) -> None:
        """Stop for these projects, by these terms, from now on."""
        self._clients = clients
        self._terms = terms
        known = self._observing_since
        self._observing_since = {name: known.get(name, c.server_time.now()) for name, c in clients.items()}

    async def handle(self, intent: Intent) -> Handled:
        """Do the next step of the stop whose id is the payload."""
        async with self._commits.store.snapshot() as tx:
            stop = await tx.stops.get(int(intent.payload))
            run = await tx.runs.get(stop.run_id) if stop else None
        if stop is None or run is None or stop.state is StopState.DONE:
            return Done()
        client = self._clients.get(stop.project)
        if client is None:
            return Later(self._clock.now() + _RETRY_AUTH, "its project is not configured any more")
        try:
            return await self._step(client, stop, run)
        except ApiNotFound:
            return await self._gone(stop, run)
        except ApiRefused as error:  # the credential, or a question about the run: unknown
            return Later(self._clock.now() + _RETRY_AUTH, str(error))
        except RetryableError as error:
            wait = error.retry_after if error.retry_after is not None else _backoff(intent.attempts)
            return Later(self._clock.now() + wait, str(error))

    async def _step(self, client: Client, stop: Stop, run: Run) -> Handled:
        moment = self._moment(stop.project)
        step = guard.next_step(stop, now=moment.server, verify_within=self._terms.verify_within)
        if run.ended_at is not None:
            return await self._ended(stop, moment)
        if step is Next.ASK:
            return await self._ask(client, stop, run)
        if step is Next.LOOK:
            return await self._verify(client, stop, run)
        if step is Next.GIVE_UP:
            return await self._conclude(stop, StopResult.INEFFECTIVE, f"{stop.requests} requests had no effect")
        return self._next_check(stop)

    # Asking

    async def _ask(self, client: Client, stop: Stop, run: Run) -> Handled:
        if (refusal := await self._no_longer_wanted(stop, run)) is not None:
            return refusal
        look = await self._look(client, stop)
        recheck = guard.recheck(run, look.conversation, running=look.running)
        if recheck is Recheck.NOT_RUNNING:
            return await self._not_running(_perhaps_asked(stop), run, look)
        if recheck is Recheck.CHATS_UNKNOWN:
            return Later(self._clock.now() + _RETRY_SOON, "the chats of the conversation could not be seen")
        if recheck is not Recheck.SAME_RUN:
            return await self._conclude(stop, StopResult.CHANGED, _RECHECK_TEXT[recheck])
        ready = await self._about_to_request(stop)
        return await self._request(client, ready, run, look) if isinstance(ready, Stop) else ready

    async def _about_to_request(self, stop: Stop) -> Stop | Handled:
        """
        Write down that a request leaves now; one that a crash left pending turned out to be without effect.

        What is returned instead of the stop says that none may leave: it was concluded, or the budget is spent.
        """
        moment = self._moment(stop.project)
        async with self._commits.begin() as commit:
            if (current := await _still_open(commit, stop)) is None:
                return Done()
            if current.requests and not current.is_manual and await self._budget_spent(commit, current, moment):
                return Later(moment.own + _LONGEST_RETRY, "the stop budget of this hour is spent")
            if stop.state is StopState.REQUESTING:
                await commit.tx.stops.answer(stop.id, Answered.WITHOUT_EFFECT)
            stop = replace(
                current, state=StopState.REQUESTING, requested_at=moment.server, answered_at=None, looked_at=None
            )
            await commit.tx.stops.put(stop)
            await commit.tx.stops.add_request(stop, at=moment.server, answer=Answered.PENDING)
            await commit.note(stop, "requesting", "the same run still goes on", moment)
        return stop

    async def _request(self, client: Client, stop: Stop, run: Run, look: _Look) -> Handled:
        left = _FRESH - (self._moment(stop.project).server - look.at)
        try:
            if left <= 0:
                raise ApiUnavailable("the look before this stop became too old; it is looked again", sent=False)  # noqa: TRY301 - as if Alli had not been reached
            await client.stop(stop.conversation_id, within=left)
        except ApiUnavailable as error:
            if error.sent:
                return await self._requested(stop, Answered.UNANSWERED, "Alli did not answer")
            return await self._not_taken(stop, error)
        except ApiRefused as error:
            return await self._refused(client, stop, run, error)
        return await self._requested(stop, Answered.ACCEPTED, "Alli accepted it")

    async def _requested(self, stop: Stop, answer: Answered, detail: str) -> Handled:
        moment = self._moment(stop.project)
        async with self._commits.begin() as commit:
            if (current := await _still_open(commit, stop)) is None:
                return Done()
            requests = stop.requests + 1
            stop = replace(current, state=StopState.REQUESTED, requests=requests, answered_at=moment.server)
            await commit.tx.stops.put(stop)
            await commit.tx.stops.answer(stop.id, answer)
            await commit.note(stop, "requested", detail, moment)
        return self._next_check(stop)

    async def _not_taken(self, stop: Stop, error: ApiUnavailable) -> Handled:
        """Take the request back: it counts for nothing, and a fresh look comes before the next."""
        moment = self._moment(stop.project)
        async with self._commits.begin() as commit:
            if (current := await _still_open(commit, stop)) is None:
                return Done()
            stop = replace(current, state=StopState.INTENDED, requested_at=None, answered_at=None)
            await commit.tx.stops.put(stop)
            await commit.tx.stops.answer(stop.id, Answered.REFUSED)
            await commit.note(stop, "not_taken", str(error), moment)
        wait = error.retry_after if error.retry_after is not None else _RETRY_SOON
        return Later(moment.own + wait, str(error))

    async def _refused(self, client: Client, stop: Stop, run: Run, error: ApiRefused) -> Handled:
        """Alli said no (400, 404, 409): fine if nothing runs, otherwise a person must act."""
        async with self._commits.begin() as commit:
            await commit.tx.stops.answer(stop.id, Answered.REFUSED)
        look = await self._look(client, stop)
        if not look.running:
            return await self._not_running(stop, run, look)
        return await self._conclude(stop, StopResult.ERROR, str(error))

    # Looking

    async def _verify(self, client: Client, stop: Stop, run: Run) -> Handled:
        look = await self._look(client, stop)
        if not look.running:
            return await self._not_running(_perhaps_asked(stop), run, look)
        if _next_run_goes_on(stop, run, look):
            return await self._conclude(stop, StopResult.STOPPED, "the next run goes on now; the stop may have hit it")
        return await self._still_running(replace(stop, looked_at=self._moment(stop.project).server))

    async def _still_running(self, stop: Stop) -> Handled:
        moment = self._moment(stop.project)
        check_at = guard.next_check_at(stop, verify_within=self._terms.verify_within)
        async with self._commits.begin() as commit:
            if (current := await _still_open(commit, stop)) is None:
                return Done()
            await commit.tx.stops.put(current)
            await commit.note(current, "still_running", "", moment)
            if check_at is None and stop.requests and stop.result is None:
                reason = f"still running after {format_duration(self._terms.verify_within)}"
                await commit.conclude(current, StopResult.INEFFECTIVE, reason, moment, done=False)
        return self._next_check(stop) if check_at is not None else Later(moment.own)

    async def _not_running(self, stop: Stop, run: Run, look: _Look) -> Handled:
        if absence.meaning(run, at=look.at) is Absence.MAY_BE_FORMER:
            return Later(self._clock.now() + _RETRY_UNCLEAR, "that nothing runs may still be about the run before")
        asked = stop.requests > 0
        ended = runs.end(run, Outcome.STOPPED if asked else Outcome.FINISHED, at=look.at)
        reason = "it does not run any more" if asked else "it ended by itself before it was stopped"
        return await self._conclude(stop, StopResult.STOPPED if asked else StopResult.ALREADY_FINISHED, reason, ended)

    async def _gone(self, stop: Stop, run: Run) -> Handled:
        ended = runs.end(run, Outcome.GONE, at=self._moment(stop.project).server)
        stop = _perhaps_asked(stop)
        result = StopResult.STOPPED if stop.requests else StopResult.ALREADY_FINISHED
        return await self._conclude(stop, result, "its conversation was deleted", ended)

    async def _ended(self, stop: Stop, moment: Moment) -> Handled:
        """Conclude a stop whose run the ledger saw end meanwhile."""
        async with self._commits.begin() as commit:
            if (current := await _still_open(commit, stop)) is not None:
                await conclude_ended(commit, current, moment)
        return Done()

    # Helpers

    async def _look(self, client: Client, stop: Stop) -> _Look:
        conversation = await client.conversation(stop.conversation_id, priority=Priority.STOP)
        running = await client.is_running(stop.conversation_id, priority=Priority.STOP)
        return _Look(
            running=running.value,
            conversation=conversation.value,
            at=min(conversation.asked_at, running.asked_at),
        )

    async def _no_longer_wanted(self, stop: Stop, run: Run) -> Handled | None:
        """
        Conclude or postpone a stop that does not hold any more, or that the brake holds back.

        One that a person asks for needs neither rule nor configuration, and no brake holds it back.
        """
        moment = self._moment(stop.project)
        async with self._commits.store.snapshot() as tx:
            brakes = await tx.stops.brakes(now=moment.own)
            alert = await tx.alerts.get(stop.fingerprint)
        standing = guard.standing(
            stop,
            run,
            permitted=stop.is_manual or self._terms.permits(stop),
            rule_fires=stop.is_manual or (alert is not None and alert.state is AlertState.FIRING),
            observing_since=self._observing_since[stop.project],
            now=moment.server,
            gap=self._terms.gap(stop.project),
        )
        if standing is Standing.NOT_SEEN:
            return Later(moment.own + _RETRY_SOON, "the run was not seen lately")
        if holds_stops(self._clients[stop.project].capabilities) and not stop.is_manual:
            return await self._conclude(stop, StopResult.REFUSED, Decision.CONTRADICTED.value)
        if standing is Standing.NOT_PERMITTED:
            return await self._conclude(stop, StopResult.REFUSED, Decision.APP_NOT_ALLOWED.value)
        if standing is Standing.CONTRADICTED:
            return await self._conclude(stop, StopResult.REFUSED, Decision.CONTRADICTED.value)
        if standing is not Standing.HOLDS:
            return await self._conclude(stop, StopResult.CHANGED, _STANDING_TEXT[standing])
        held = None if stop.is_manual else self._held(brakes, stop)
        return await self._conclude(stop, StopResult.REFUSED, _BRAKE_DECISIONS[held].value) if held else None

    def _held(self, brakes: Iterable[Brake], stop: Stop) -> str | None:
        return next((brake.kind for brake in brakes if self._terms.holds(brake, stop)), None)

    async def _budget_spent(self, commit: Commit, stop: Stop, moment: Moment) -> bool:
        """Whether another request is beyond the budget: the first one was reserved when the stop was decided."""
        spent = await commit.tx.stops.spent(stop, since=moment.server - _HOUR)
        return spent.total >= self._terms.per_hour or spent.by_app >= self._terms.per_app_per_hour

    async def _conclude(self, stop: Stop, result: StopResult, reason: str, ended: Run | None = None) -> Handled:
        moment = self._moment(stop.project)
        async with self._commits.begin() as commit:
            if (current := await _still_open(commit, stop)) is None:
                return Done()
            if result in _TURNED_DOWN and current.is_manual and not stop.is_manual:
                return Later(moment.own, "a person asked for it meanwhile")
            if result is StopResult.STOPPED:
                await commit.tx.stops.answer(stop.id, Answered.ACCEPTED)
            await commit.conclude(current, result, reason, moment)
            if ended is not None:
                await commit.end_run(ended, moment)
        return Done()

    def _next_check(self, stop: Stop) -> Later:
        moment = self._moment(stop.project)
        at = guard.next_check_at(stop, verify_within=self._terms.verify_within)
        return Later(at - moment.offset if at is not None else moment.own)

    def _moment(self, project: str) -> Moment:
        return Moment(server=self._clients[project].server_time.now(), own=self._clock.now())


_TURNED_DOWN = {StopResult.REFUSED, StopResult.CHANGED}

_BRAKE_DECISIONS = {"pause": Decision.PAUSED, "protect": Decision.PROTECTED}

_STANDING_TEXT = {
    Standing.AGE_RESTARTED: "its age began to count again",
    Standing.RULE_CLEARED: "its rule does not hold any more",
}

_RECHECK_TEXT = {
    Recheck.USER_WROTE: "the user wrote since its age began to count",
    Recheck.OTHER_CHAT: "another chat is being written than the one that became overdue",
}


def _perhaps_asked(stop: Stop) -> Stop:
    """Return the stop with a request that a crash left without an answer counted: it may have had an effect."""
    return replace(stop, requests=max(stop.requests, 1)) if stop.state is StopState.REQUESTING else stop


async def _still_open(commit: Commit, stop: Stop) -> Stop | None:
    """
    Return the stop with what a person changed in it who asked for it while Alli was being asked.

    None when the ledger saw the run end meanwhile, and concluded its stop.
    """
    current = await commit.tx.stops.get(stop.id)
    if current is None or current.state is StopState.DONE:
        return None
    return replace(stop, asked_by=current.asked_by, age_since=current.age_since)


async def conclude_ended(commit: Commit, stop: Stop, moment: Moment) -> Stop:
    """Conclude a stop whose run the ledger saw end, by us if anything was asked, else by itself, and return it."""
    asked = stop.requests > 0 or stop.state is StopState.REQUESTING
    result = StopResult.STOPPED if asked else StopResult.ALREADY_FINISHED
    await commit.tx.stops.answer(stop.id, Answered.ACCEPTED)
    return await commit.conclude(stop, result, "the run is no longer listed", moment)


def _next_run_goes_on(stop: Stop, run: Run, look: _Look) -> bool:
    """Whether a user wrote after the request and another chat is being written: the run that was stopped is over."""
    chat = look.conversation.newest_user_chat
    incomplete = look.conversation.incomplete_chat
    wrote_since = chat is not None and stop.requested_at is not None and chat.at > stop.requested_at
    return wrote_since and incomplete is not None and incomplete.id != run.incomplete_chat_id


def _backoff(attempts: int) -> float:
    return min(_RETRY_SOON * 2.0 ** min(attempts, 10), _LONGEST_RETRY)
