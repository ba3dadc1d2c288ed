"""What the cycles of one project share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

from monitor.alerting.lifecycle import Terms
from monitor.alli.client import Client
from monitor.clock import Clock
from monitor.commit import Commits, Moment
from monitor.metrics import Metrics
from monitor.model.blind import Blind
from monitor.model.capabilities import Capabilities
from monitor.model.conversation import App
from monitor.model.facts import Facts
from monitor.model.run import Run
from monitor.model.stop import StopMode
from monitor.rules.evaluate import Evaluation
from monitor.rules.files import RuleSet
from monitor.rules.humanize import not_observed
from monitor.rules.rule import Rule
from monitor.settings import Polling, Settings
from monitor.tracking.facts import of_run

__all__ = ["Project"]


class Project:
    """
    One watched project.

    `rules` may be replaced by a reload between two cycles. `failing_rules` holds, by name, why a rule's newest
    evaluation failed. `capabilities` is what is known of what its server can do; by default, nothing.
    """

    def __init__(
        self, name: str, *, client: Client, settings: Settings, rules: RuleSet, commits: Commits, clock: Clock
    ) -> None:
        self.name = name
        self.client = client
        self.settings = settings
        self.rules = rules
        self.commits = commits
        self.clock = clock
        self.failing_rules: dict[str, str] = {}
        self.capabilities = Capabilities()

    @property
    def metrics(self) -> Metrics:
        """The metrics of the daemon."""
        return self.commits.metrics

    @property
    def polling(self) -> Polling:
        """How often what is asked."""
        return self.settings.polling_of(self.name)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of its days, and of times in messages."""
        return self.settings.projects[self.name].zone

    def moment(self) -> Moment:
        """Return now, on both clocks."""
        return Moment(server=self.client.server_time.now(), own=self.clock.now())

    def terms(self, rule: Rule, *, gap: float, stop_mode: StopMode = StopMode.OFF) -> Terms:
        """Return the timing of a rule's alerts; `gap` is the longest time between two looks that counts as observed."""
        waits = rule.stops and stop_mode is not StopMode.OFF
        return Terms(
            for_=rule.for_,
            keep_firing_for=rule.keep_firing_for,
            resolve_after=rule.resolve_after,
            announce_within=self.settings.auto_stop.verify_within if waits else None,
            gap=gap,
        )

    def labels(self, rule: Rule, app: App | None, subject: Mapping[str, str]) -> dict[str, str]:
        """Return the labels of an alert: the app's own, the rule's own, and those that nobody may override."""
        fixed = {"alertname": rule.name, "project": self.name}
        of_app = {"app": app.name, "app_id": app.id} if app else {}
        return {**self.settings.app_policy(app, self.name).labels, **rule.labels, **subject, **of_app, **fixed}

    def app_labels(self, app: App | None) -> dict[str, str]:
        """Return the labels of a built-in alert about a conversation of this app."""
        of_app = {"app": app.name, "app_id": app.id} if app else {}
        return {**self.settings.app_policy(app, self.name).labels, **of_app}

    def annotations(self, evaluation: Evaluation, app: App | None, blind: Blind | None = None) -> dict[str, str]:
        """
        Return the annotations of an alert: what its rule says, and the app's runbook unless the rule has its own.

        `blind` is the time that was not observed before it, where that matters.
        """
        runbook = self.settings.app_policy(app, self.name).runbook_url if app else None
        coverage = {"coverage": not_observed(blind, self.zone)} if blind else {}
        return {**({"runbook_url": runbook} if runbook else {}), **evaluation.annotations, **coverage}

    def facts(self, blind: Blind | None = None) -> Facts:
        """Return what messages say of anything in the project; `blind` is the time not observed right before it."""
        return Facts(timezone=self.zone.key, blind_before=blind.seconds if blind is not None else 0.0)

    def facts_about(self, run: Run, moment: Moment, blind: Blind | None = None) -> Facts:
        """Return what messages say of a run at `moment`; `blind` is the time not observed right before an alert."""
        limit = self.settings.app_policy(run.app, self.name).run_limit
        return of_run(replace(self.facts(blind), limit=limit), run, now=moment.server)

    def note(self, evaluation: Evaluation) -> None:
        """Count an evaluation, and remember whether its rule fails."""
        name = evaluation.rule.name
        self.metrics.rule_evaluations.labels(name).inc()
        if evaluation.failure is None:
            self.failing_rules.pop(name, None)
        else:
            self.metrics.rule_failures.labels(name).inc()
            self.failing_rules[name] = evaluation.failure
