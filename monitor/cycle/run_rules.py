"""What rules make of open runs: alerts, stops, and how late it was noticed that a limit had passed."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace

from monitor.alerting import lifecycle
from monitor.commit import Commit, Moment
from monitor.cycle.excerpts import Questions
from monitor.cycle.project import Project
from monitor.cycle.stops import want_stop
from monitor.model.alert import Alert, AlertState, Identity, fingerprint
from monitor.model.blind import Blind
from monitor.model.facts import Facts
from monitor.model.run import Run
from monitor.rules.cel import Truth
from monitor.rules.evaluate import evaluate
from monitor.rules.rule import Rule, Subject
from monitor.rules.variables import age_since, run_variables
from monitor.tracking.coverage import may_hide
from monitor.tracking.runs import blind_after

__all__ = ["RunRules"]


class RunRules:
    """Asks the rules of one project about its runs."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.questions = Questions()
        self._asked_at: dict[str, float] = {}

    async def evaluate(self, commit: Commit, known: Iterable[Run], moment: Moment) -> None:
        """Ask every rule about these runs, of which the newest state is known."""
        open_alerts = await commit.tx.alerts.open(self._project.name)
        for run in known:
            await self._evaluate_run(commit, run, open_alerts, moment)
            self._asked_at[run.id] = moment.server

    def next_threshold(self, run: Run, now: float) -> float | None:
        """Return when, after `now`, the passing of time next makes a comparison of an age true; server time."""
        rules = self._project.rules.by_subject(Subject.RUN)
        return min((at for rule in rules for at in self._thresholds(rule, run) if at > now), default=None)

    def keep(self, open_ids: Container[str]) -> None:
        """Forget when runs other than these were asked about."""
        self._asked_at = {id_: at for id_, at in self._asked_at.items() if id_ in open_ids}

    async def _evaluate_run(self, commit: Commit, run: Run, open_alerts: Mapping[str, Alert], moment: Moment) -> None:
        policy = self._project.settings.app_policy(run.app, run.project)
        data = run_variables(run, limit=policy.run_limit, now=moment.server)
        subject = {"conversation_id": run.conversation_id, "run_id": run.id}
        for evaluation in evaluate(self._project.rules.by_subject(Subject.RUN), data):
            self._project.note(evaluation)
            if evaluation.truth is Truth.UNKNOWN:
                continue
            rule = evaluation.rule
            identity = Identity(project=run.project, rule=rule.name, subject=tuple(sorted(subject.items())))
            before = open_alerts.get(fingerprint(identity))
            if before is None and evaluation.truth is Truth.FALSE:
                continue
            blind = self._hidden_by(run, before, moment)
            step = lifecycle.advance(
                before,
                identity,
                true=evaluation.truth is Truth.TRUE,
                now=moment.server,
                terms=self._project.terms(rule, gap=blind_after(self._interval), stop_mode=policy.stop_mode),
                labels=self._project.labels(rule, run.app, subject),
                annotations=self._project.annotations(evaluation, run.app, blind),
                facts=self._facts(run, before, blind, moment),
            )
            alert = await commit.settle(before, step, moment)
            if before is None and alert is not None:
                self._measure_delay(commit, rule, run, moment)
            fires = alert is not None and alert.state is AlertState.FIRING and evaluation.truth is Truth.TRUE
            if alert is not None and fires and rule.stops:
                await want_stop(self._project, commit, run, alert, moment)

    def _facts(self, run: Run, before: Alert | None, blind: Blind | None, moment: Moment) -> Facts:
        """Return what messages say of the run; once an alert quotes its question it goes on to do so."""
        facts = self._project.facts_about(run, moment, blind)
        if before is not None and before.facts.excerpt:
            return facts
        return replace(facts, excerpt=self.questions.excerpt(run.conversation_id, self._project.settings))

    def _hidden_by(self, run: Run, before: Alert | None, moment: Moment) -> Blind | None:
        """Return the time without observation in which what the alert says may have happened, None where none did."""
        true_since = before.pending_since if before is not None else moment.server
        return run.blind if may_hide(run, true_since=true_since, interval=self._interval) else None

    def _measure_delay(self, commit: Commit, rule: Rule, run: Run, moment: Moment) -> None:
        """Count how late the rule was found true, if it was an age that made it true since it was asked last."""
        asked_at = max(self._asked_at.get(run.id, run.began_at), run.began_at)
        passed = [at for at in self._thresholds(rule, run) if asked_at < at <= moment.server]
        if passed:
            delay = moment.server - max(passed)
            histogram = self._project.metrics.detection_delay.labels(run.project, "deadline")
            commit.after(lambda: histogram.observe(delay))

    def _thresholds(self, rule: Rule, run: Run) -> list[float]:
        limit = self._project.settings.app_policy(run.app, run.project).run_limit
        return [
            threshold.moment(since, limit)
            for threshold in rule.thresholds
            if (since := age_since(run, threshold.age)) is not None
        ]

    @property
    def _interval(self) -> float:
        return self._project.polling.runs
