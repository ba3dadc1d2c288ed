"""Every metric the product exports, with its labels, in one place. Names and meanings are promised to users."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from monitor import __version__
from monitor.model.conversation import App

__all__ = ["NO_APP", "Metrics"]

NO_APP = ""
"""The `app` label where a conversation has no LLM app."""

_MOST_APPS = 100
_OTHER = "other"
_RUN_SECONDS = (1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_REPLY_SECONDS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
_REQUEST_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
_POLL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)
# What is found each 10 s, 30 s, 5 min, 30 min and 6 h, with the time that asking takes, has a boundary of its own.
_DELAY_SECONDS = (1, 2, 5, 10, 15, 30, 45, 60, 120, 300, 360, 900, 2100, 7200, 23400, 86400)
_DELAYED = ("run", "deadline", "rating")


class Metrics:
    """The metrics of one daemon, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = r = CollectorRegistry()
        self._apps: dict[str, dict[str, str]] = {}
        self._shown: dict[tuple[int, str], set[str]] = {}
        self._alerts: set[tuple[str, str]] = set()
        ProcessCollector(registry=r)

        self.conversations_active = Gauge(
            "alli_conversations_active",
            "Conversations that have not ended and had a chat within the youngest rating tier.",
            ["project", "app"],
            registry=r,
        )
        self.runs_running = Gauge("alli_runs_running", "Background runs going on.", ["project", "app"], registry=r)
        self.run_oldest_start = Gauge(
            "alli_run_oldest_start_timestamp_seconds",
            "When the oldest run going on began to be observed; 0 when none is.",
            ["project"],
            registry=r,
        )
        self.run_duration = Histogram(
            "alli_run_duration_seconds",
            "How long runs were observed, by how they ended.",
            ["project", "app", "outcome"],
            buckets=_RUN_SECONDS,
            registry=r,
        )
        self.run_stops = Counter(
            "alli_run_stops", "Stops that rules asked for, by result.", ["project", "app", "result"], registry=r
        )
        self.shadow_verdicts = Counter(
            "alli_run_shadow_verdicts",
            "Shadow stops by verdict: regretted (the run ended by itself within one more limit) or justified.",
            ["project", "app", "verdict"],
            registry=r,
        )
        self.ratings = Counter(
            "alli_ratings",
            "Changes of ratings, by who rated and the new value.",
            ["project", "app", "by", "value"],
            registry=r,
        )
        self.daily_conversations = Gauge(
            "alli_daily_conversations",
            "Conversations that Alli counted on the last finished day of the project's time zone.",
            ["project"],
            registry=r,
        )
        self.reply_latency = Histogram(
            "alli_reply_latency_seconds",
            "Time from a user's message to the first reply.",
            ["project", "app"],
            buckets=_REPLY_SECONDS,
            registry=r,
        )

        self.build_info = Gauge("alli_monitor_build_info", "Always 1; the version is a label.", ["version"], registry=r)
        self.build_info.labels(version=__version__).set(1)
        self.api_requests = Counter(
            "alli_monitor_api_requests",
            "Requests to the Alli API, by operation and HTTP status (or error, timeout).",
            ["project", "operation", "code"],
            registry=r,
        )
        self.api_request_duration = Histogram(
            "alli_monitor_api_request_duration_seconds",
            "Duration of requests to the Alli API.",
            ["project", "operation"],
            buckets=_REQUEST_SECONDS,
            registry=r,
        )
        self.poll_last_success = Gauge(
            "alli_monitor_poll_last_success_timestamp_seconds",
            "When the newest complete pass of a poll ended.",
            ["project", "poll"],
            registry=r,
        )
        self.poll_duration = Histogram(
            "alli_monitor_poll_duration_seconds",
            "Duration of polls.",
            ["project", "poll"],
            buckets=_POLL_SECONDS,
            registry=r,
        )
        self.poll_interval = Gauge(
            "alli_monitor_poll_interval_seconds",
            "Time that is kept between two passes of a poll; longer than configured where the request budget wants it.",
            ["project", "poll"],
            registry=r,
        )
        self.blind_seconds = Counter(
            "alli_monitor_blind_seconds",
            "Time for which the runs of a project were not observed.",
            ["project"],
            registry=r,
        )
        self.detection_delay = Histogram(
            "alli_monitor_detection_delay_seconds",
            "The most that may have passed between an event (rating, run, deadline) and its detection.",
            ["project", "kind"],
            buckets=_DELAY_SECONDS,
            registry=r,
        )
        self.schema_drift = Counter(
            "alli_monitor_schema_drift",
            "Answers or rows that did not fit what is known of the API, by kind.",
            ["project", "kind"],
            registry=r,
        )
        self.clock_offset = Gauge(
            "alli_monitor_clock_offset_seconds",
            "Server time minus own time.",
            ["project"],
            registry=r,
        )
        self.rule_evaluations = Counter("alli_monitor_rule_evaluations", "Evaluations of rules.", ["rule"], registry=r)
        self.rule_failures = Counter(
            "alli_monitor_rule_evaluation_failures", "Evaluations of rules that failed.", ["rule"], registry=r
        )
        self.alerts = Gauge("alli_monitor_alerts", "Alerts by state.", ["alertname", "state"], registry=r)
        self.notifications = Counter(
            "alli_monitor_notifications",
            "Attempts to deliver, by outcome: delivered, retried, failed.",
            ["receiver", "integration", "outcome"],
            registry=r,
        )
        self.outbox_pending = Gauge(
            "alli_monitor_outbox_pending", "Transitions that a receiver was not told yet.", ["receiver"], registry=r
        )
        self.outbox_oldest = Gauge(
            "alli_monitor_outbox_oldest_timestamp_seconds",
            "When the oldest of them happened; 0 when there is none.",
            ["receiver"],
            registry=r,
        )
        self.reload_successful = Gauge(
            "alli_monitor_config_last_reload_successful",
            "Whether the last attempt to load the configuration succeeded.",
            registry=r,
        )
        self.reload_timestamp = Gauge(
            "alli_monitor_config_last_reload_success_timestamp_seconds",
            "When the configuration was last loaded successfully.",
            registry=r,
        )
        self.leader = Gauge("alli_monitor_leader", "Whether this daemon acts for the project.", ["project"], registry=r)

    def app(self, project: str, app: App | None) -> str:
        """Return the `app` label: the app's name, for at most 100 apps of a project, the rest is `other`."""
        if app is None:
            return NO_APP
        names = self._apps.setdefault(project, {})
        if app.id not in names:
            name = app.name or app.id
            names[app.id] = name if len(names) < _MOST_APPS else _OTHER
        return names[app.id]

    def set_by_app(self, gauge: Gauge, project: str, counts: Mapping[str, int]) -> None:
        """Set a gauge with the labels project and app: apps it was set for earlier and that have no count get 0."""
        shown = self._shown.setdefault((id(gauge), project), set())
        shown.update(counts)
        for app in shown:
            gauge.labels(project, app).set(counts.get(app, 0))

    def set_alerts(self, counts: Mapping[tuple[str, str], int]) -> None:
        """
        Show how many alerts there are, by name and state, and no name or state that is not in `counts`.

        There is no moment without those that stay: a scrape comes from another thread.
        """
        for name_and_state, count in counts.items():
            self.alerts.labels(*name_and_state).set(count)
        for gone in self._alerts - counts.keys():
            self.alerts.remove(*gone)
        self._alerts = set(counts)

    def watch(self, project: str) -> None:
        """
        Show that this daemon acts for a project from now on.

        What objectives are reckoned from begins at 0: a counter that first appears with what happened meanwhile, such
        as the time without a daemon, has not increased in Prometheus's eyes.
        """
        self.leader.labels(project).set(1)
        self.blind_seconds.labels(project)
        for kind in _DELAYED:
            self.detection_delay.labels(project, kind)

    def forget(self, project: str) -> None:
        """Show nothing more of a project that is watched no more: what would stand still there looks like a fault."""
        for metric in vars(self).values():
            if isinstance(metric, Counter | Gauge | Histogram) and "project" in metric._labelnames:  # noqa: SLF001 - it has no public name
                metric.remove_by_labels({"project": project})
        self._apps.pop(project, None)
        self._shown = {key: apps for key, apps in self._shown.items() if key[1] != project}

    def requested(self, project: str, operation: str, code: str, seconds: float) -> None:
        """Count one request to the Alli API."""
        self.api_requests.labels(project, operation, code).inc()
        self.api_request_duration.labels(project, operation).observe(seconds)

    def drifted(self, project: str, kind: str) -> None:
        """Count something in an answer that does not fit."""
        self.schema_drift.labels(project, kind).inc()
