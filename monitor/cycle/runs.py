"""The cycle of background runs: poll, reconcile with the ledger, ask the rules, decide about stops, commit."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

import structlog

from monitor.alerting import lifecycle
from monitor.commit import Commit, Moment
from monitor.cycle.coverage import POLL, Coverage
from monitor.cycle.cross_checks import CrossChecks
from monitor.cycle.left_chats import LeftChats
from monitor.cycle.project import Project
from monitor.cycle.run_rules import RunRules
from monitor.cycle.stops import end_run, judge
from monitor.durations import format_duration
from monitor.model.alert import Resolution
from monitor.model.run import Outcome, Run
from monitor.model.stop import Stop, StopMode, StopState
from monitor.rules.rule import Subject
from monitor.store.observations import Pass
from monitor.tracking import absence, contradictions, coverage, runs
from monitor.tracking.absence import MOST_LAG, Absence
from monitor.tracking.runs import Ledger
from monitor.watch import runs as watch
from monitor.watch.runs import Fate, Reach, RunsSeen

__all__ = ["RunCycle"]

log = structlog.get_logger()

_DETAIL_AFTER = 0.25  # of the limit: from this age on, the steps of a run are read
_DETAIL_EVERY = 60.0  # seconds between two readings of the steps of one run
_LOOK_FIRST = 5.0  # seconds for which an announcement waits for the last look at a stop
_FOREVER_AGO = float("-inf")
_REACH = 2  # times the longest limit: how old the last chat of a run may be where the list does not tell what runs
_ASKING_SHARE = 0.5  # of the requests between two polls may go into asking conversations whether they run
_FEWEST_ASKED = 5


class RunCycle:
    """Keeps the run ledger of one project and acts on it; `coverage` is told of every complete pass."""

    def __init__(self, project: Project, coverage: Coverage) -> None:
        self._project = project
        self._rules = RunRules(project)
        self._coverage = coverage
        self._cross_checks = CrossChecks(project)
        self._left_chats = LeftChats(project)
        self._detailed_at: dict[str, float] = {}
        self._list_tells = True
        self._between_passes = asyncio.Event()
        self._between_passes.set()
        self.incomplete: dict[str, str] = {}

    @property
    def interval(self) -> float:
        """Seconds between two polls."""
        return self._project.polling.runs

    async def poll(self) -> None:
        """Do one whole cycle. Raises what the client raises, and StorageError; then nothing was changed."""
        self._between_passes.clear()
        try:
            await self._pass()
        finally:
            self._between_passes.set()
        await self._left_chats.look()

    async def _pass(self) -> None:
        name = self._project.name
        async with self._project.commits.store.snapshot() as tx:
            open_runs = await tx.runs.open(name)
            previous = await tx.observations.newest_pass(name, POLL)
            just_ended = await tx.runs.ended_since(name, self._project.moment().server - MOST_LAG)
        seen = await watch.look(self._project.client, open_runs, self._wants_detail, self._reach(), just_ended)
        missing = self._reconcile(open_runs, seen, previous).missing
        fates = await watch.confirm(self._project.client, missing)
        self._rules.questions.saw(sighting.conversation for sighting in seen.sightings)
        running = await self._cross_checks.ask(open_runs, seen)
        async with self._project.commits.begin() as commit:
            # The ledger may have moved while we were asking: a stop may have ended a run that the list still showed,
            # and whether what it showed is the next run was not asked.
            asked_about, open_runs = open_runs, await commit.tx.runs.open(name)
            ended = asked_about.keys() - open_runs.keys()
            current = [sighting for sighting in seen.sightings if sighting.conversation.id not in ended]
            moment = self._project.moment()
            ledger = self._reconcile(open_runs, replace(seen, sightings=tuple(current)), previous)
            ledger = contradictions.weigh(ledger, current, running, at=moment.server)
            if (blind := self._coverage.blind(previous, moment)) is not None:
                ledger = coverage.mark(ledger, blind, open_runs)
            await self._write(commit, ledger, fates, moment, certain=not seen.nameless)
            await self._coverage.account(commit, previous, moment)
            if seen.complete:
                await self._record_pass(commit, seen, moment)
            going_on = [*ledger.begun, *(followed.run for followed in ledger.followed)]
            await self._cross_checks.tell(commit, going_on, moment)
            await self._rules.evaluate(commit, going_on, moment)
            still_open = (await commit.tx.runs.open(name)).values()
        self.incomplete = {} if seen.complete else {POLL: "the list of running conversations did not come to its end"}
        self._show(still_open)
        self._show_reach(seen)

    async def evaluate(self) -> None:
        """
        Do what only the passing of time brings: overdue runs, `for`, the announcement of stops, verdicts of shadow.

        Runs that were not seen for three intervals are unknown, and left alone. Raises StorageError.
        """
        await self._pass_over()
        async with self._project.commits.begin() as commit:
            moment = self._project.moment()
            newest = await commit.tx.observations.newest_pass(self._project.name, POLL)
            await self._coverage.account(commit, newest, moment)
            open_runs = (await commit.tx.runs.open(self._project.name)).values()
            known = [run for run in open_runs if self._is_known(run, moment)]
            await self._rules.evaluate(commit, known, moment)
            await self._announce_overdue(commit, moment)
            await judge(self._project, commit, moment)

    async def deadlines(self) -> dict[str, float]:
        """Return when each open run, and each alert about one, is to be looked at again, by key, in own time."""
        moment = self._project.moment()
        async with self._project.commits.store.snapshot() as tx:
            open_runs = await tx.runs.open(self._project.name)
            open_alerts = await tx.alerts.open(self._project.name)
            unjudged = await tx.stops.unjudged(self._project.name)
        dues = {f"run {run.id}": self._rules.next_threshold(run, moment.server) for run in open_runs.values()}
        rules = {rule.name: rule for rule in self._project.rules.by_subject(Subject.RUN)}
        for alert in open_alerts.values():
            if rule := rules.get(alert.identity.rule):
                terms = self._project.terms(rule, gap=runs.blind_after(self.interval))
                dues[f"alert {alert.fingerprint}"] = lifecycle.due_at(alert, terms)
        dues |= {f"shadow {stop.id}": stop.decided_at + stop.limit for stop in unjudged}
        return {key: at - moment.offset for key, at in dues.items() if at is not None and at > moment.server}

    # The ledger

    def _reconcile(self, open_runs: Mapping[str, Run], seen: RunsSeen, previous: Pass | None) -> Ledger:
        return runs.reconcile(
            open_runs,
            seen.sightings,
            project=self._project.name,
            complete=seen.complete,
            unreadable=seen.unreadable,
            asked_at=seen.asked_at,
            not_running_at=previous.asked_at if previous else None,
            gap=runs.blind_after(self.interval),
        )

    async def _write(
        self, commit: Commit, ledger: Ledger, fates: Mapping[str, Fate], moment: Moment, *, certain: bool
    ) -> None:
        """Write what a pass showed; unless it is `certain`, a run that is missing may stand in a row without id."""
        await commit.tx.runs.put([*ledger.begun, *(followed.run for followed in ledger.followed)])
        for run in ledger.begun:
            commit.after(lambda run=run: self._show_begun(run))  # type: ignore[misc]
        for followed in ledger.followed:
            if followed.ended is not None:
                await end_run(commit, followed.ended, Outcome.FINISHED, followed.run.began_at, moment)
            if followed.because is not None:
                because, run_id = followed.because.value, followed.run.id
                commit.after(lambda why=because, id_=run_id: log.info("age restarted", run=id_, because=why))  # type: ignore[misc]
        for run in ledger.missing:
            fate = fates.get(run.id, Fate.UNKNOWN)
            if certain or fate in {Fate.FINISHED, Fate.GONE}:
                await self._write_missing(commit, run, fate, moment)

    async def _write_missing(self, commit: Commit, run: Run, fate: Fate, moment: Moment) -> None:
        """End a run that is missing from a complete list, once /running agrees about it; until then it is unknown."""
        at = run.absent_since if run.absent_since is not None else moment.server
        if fate is Fate.FINISHED and absence.meaning(run, at=moment.server) is Absence.ENDED:
            await end_run(commit, run, Outcome.FINISHED, at, moment)
        elif fate is Fate.GONE:
            await end_run(commit, run, Outcome.GONE, at, moment)
            about = await commit.tx.alerts.open(run.project, conversation_id=run.conversation_id)
            await commit.end_alerts(about.values(), Resolution.GONE, moment)
        else:
            await commit.tx.runs.put([run])

    async def _record_pass(self, commit: Commit, seen: RunsSeen, moment: Moment) -> None:
        done = Pass(asked_at=seen.asked_at, completed_at=seen.completed_at, own_at=moment.own)
        await commit.tx.observations.record_pass(self._project.name, POLL, done)
        commit.after(self._coverage.seen)

    # Stops

    async def _announce_overdue(self, commit: Commit, moment: Moment) -> None:
        """Announce alerts whose stop has no outcome yet after `verify_within`."""
        for alert in (await commit.tx.alerts.open(self._project.name)).values():
            if alert.is_event or alert.announced_at is not None:
                continue
            if alert.announce_by is None or alert.announce_by > moment.server:
                continue
            run_id = dict(alert.identity.subject).get("run_id", "")
            stop = await commit.tx.stops.of_run(run_id, StopMode.ENFORCE)
            if stop is not None and self._is_about_to_be_known(stop, alert.announce_by, moment):
                continue
            asked = stop is not None and (stop.requests > 0 or stop.state is StopState.REQUESTING)
            action = "ineffective" if asked else "refused"
            note = "The run still goes on; the stop is being tried." if asked else "Alli has not taken the stop yet."
            step = lifecycle.announce(alert, now=moment.server, action=action, note=note)
            await commit.settle(alert, step, moment)

    def _is_about_to_be_known(self, stop: Stop, announce_by: float, moment: Moment) -> bool:
        """Whether the last look at a stop's effect, which is due moments after the announcement, comes first."""
        if stop.state is not StopState.REQUESTED or stop.requested_at is None:
            return False
        last_look = stop.requested_at + self._project.settings.auto_stop.verify_within
        return last_look - announce_by <= _LOOK_FIRST and moment.server < last_look + _LOOK_FIRST

    # Helpers

    async def _pass_over(self) -> None:
        """
        Wait until no pass is under way, for at most an interval: it may show that a run ended before its limit.

        The age of a run counts from the answer to a pass, so that a limit of whole intervals is over during a pass.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._project.clock.real_seconds(self.interval)):
                await self._between_passes.wait()

    def _is_known(self, run: Run, moment: Moment) -> bool:
        return run.absent_since is None and moment.server - run.seen_at <= max(3 * self.interval, 1.0)

    def _wants_detail(self, run: Run) -> bool:
        """Whether the steps of a run are worth a request: it is past a quarter of its limit, at most once a minute."""
        now = self._project.client.server_time.now()
        limit = self._project.settings.app_policy(run.app, run.project).run_limit
        if now - run.estimate_since < _DETAIL_AFTER * limit:
            return False
        if now - self._detailed_at.get(run.id, _FOREVER_AGO) < _DETAIL_EVERY:
            return False
        self._detailed_at[run.id] = now
        return True

    def _reach(self) -> Reach:
        """Return how far to look for runs where the list does not tell them."""
        settings, name = self._project.settings, self._project.name
        limits = [settings.app_policy(None, name).run_limit, *(rule.run_limit for rule in settings.apps)]
        requests = settings.projects[name].requests_per_minute * self.interval / 60
        return Reach(window=_REACH * max(limits), most=max(round(requests * _ASKING_SHARE), _FEWEST_ASKED))

    def _show_reach(self, seen: RunsSeen) -> None:
        """Say once that the list does not tell what runs, and once that it does again."""
        if (seen.since is None) is self._list_tells:
            return
        self._list_tells = seen.since is None
        if seen.since is None:
            log.info("runs are listed again", project=self._project.name)
        else:
            log.warning(
                "runs are not listed; only conversations with a recent chat are asked whether they run",
                project=self._project.name,
                recent=format_duration(round(seen.asked_at - seen.since)),
            )

    def _show(self, open_runs: Collection[Run]) -> None:
        """Export what goes on, and forget when what was asked about runs that ended."""
        name, metrics = self._project.name, self._project.metrics
        counts = Counter(metrics.app(name, run.app) for run in open_runs)
        metrics.set_by_app(metrics.runs_running, name, counts)
        metrics.run_oldest_start.labels(name).set(min((run.began_at for run in open_runs), default=0.0))
        ids = {run.id for run in open_runs}
        self._detailed_at = {id_: at for id_, at in self._detailed_at.items() if id_ in ids}
        self._rules.keep(ids)
        self._rules.questions.keep({run.conversation_id for run in open_runs})

    def _show_begun(self, run: Run) -> None:
        app = run.app.name if run.app else None
        log.info("run", project=run.project, run=run.id, conversation=run.conversation_id, app=app, what="begun")
        if run.not_running_at is not None:
            delay = run.began_at - run.not_running_at
            self._project.metrics.detection_delay.labels(run.project, "run").observe(delay)
