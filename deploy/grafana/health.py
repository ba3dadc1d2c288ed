"""The dashboard *Monitor health*: whether the monitor sees, decides and tells, and how late."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.frame import framed
from deploy.grafana.objective import COVERAGE_OBJECTIVE, noticed_in_time
from deploy.grafana.panels import BAD, GOOD, WARN, Panel, graph, number, table
from deploy.grafana.promql import PROJECT, happened, quantile, since_start_of_range, zero

__all__ = ["health"]

_JOB = 'job="alli-monitor"'
_BLIND = f"alli_monitor_blind_seconds_total{{{PROJECT}}}"
_LAST_LOOK = f"alli_monitor_poll_last_success_timestamp_seconds{{{PROJECT}}}"
_INTERVAL = f"alli_monitor_poll_interval_seconds{{{PROJECT}}}"
_POLL = "alli_monitor_poll_duration_seconds"
_REQUESTS = f"alli_monitor_api_requests_total{{{PROJECT}}}"
_FAILED_REQUESTS = f'alli_monitor_api_requests_total{{{PROJECT},code!~"2.."}}'
_REQUEST = "alli_monitor_api_request_duration_seconds"
_DRIFT = f"alli_monitor_schema_drift_total{{{PROJECT}}}"
_TOLD = "alli_monitor_notifications_total"
_WAITING = "time() - (alli_monitor_outbox_oldest_timestamp_seconds > 0)"


def health() -> Dashboard:
    """Return the dashboard."""
    return framed(
        "alli-monitor-health",
        "alli-monitor: Monitor health",
        "Coverage, polls, Alli's API, deliveries, rules, and how soon limits are noticed.",
        {
            "Now": _now(),
            "Noticed in time": noticed_in_time(),
            "Coverage and polls": _polls(),
            "Alli's API": _api(),
            "Deliveries": _deliveries(),
            "Rules and alerts": _rules(),
            "Process": _process(),
        },
        since="now-24h",
    )


def _now() -> list[Panel]:
    return [
        number(
            "Daemon",
            "Whether Prometheus reaches the monitor's /metrics: 1 or 0. With 0, nothing else here is about now. The "
            "monitor cannot tell its own death, so let Prometheus alert on this.",
            (f"min(up{{{_JOB}}})", "scraped"),
            unit="none",
            steps={1: GOOD},
            base=BAD,
            empty="no target",
            width=3,
        ),
        number(
            "Version",
            "The version that runs. Two at once mean two daemons, of which one is too many for a database file.",
            ("max by (version) (alli_monitor_build_info)", "{{version}}"),
            unit="none",
            shows_name=True,
            empty="not known",
            width=3,
        ),
        number(
            "Projects acted for",
            "Projects for which this daemon finds, tells and stops.",
            (f"sum(alli_monitor_leader{{{PROJECT}}})", "projects"),
            unit="short",
            steps={1: GOOD},
            base=BAD,
            empty="none",
            width=3,
        ),
        number(
            "Configuration",
            "Whether the last attempt to load the configuration succeeded: 1 or 0. With 0 the former one holds; the "
            "log and `alli-monitor check` say what is wrong.",
            ("min(alli_monitor_config_last_reload_successful)", "loaded"),
            unit="none",
            steps={1: GOOD},
            base=BAD,
            empty="not known",
            width=3,
        ),
        number(
            "Configuration is from",
            "Time since it was last loaded successfully.",
            ("time() - max(alli_monitor_config_last_reload_success_timestamp_seconds)", "ago"),
            unit="s",
            empty="not known",
            width=3,
        ),
        number(
            "Coverage",
            "The share of this time range in which the runs of a project were observed, the worst project. What "
            "happened in the rest was found later or never. Below 99.5%, the objective, look at Blind time and at "
            "Alli's API.",
            (f"clamp_min(1 - max({since_start_of_range(_BLIND)} or {zero('project')}) / $__range_s, 0)", "observed"),
            unit="percentunit",
            steps={0.98: WARN, COVERAGE_OBJECTIVE: GOOD},
            base=BAD,
            empty="not known",
            width=3,
        ),
        number(
            "Waiting for receivers",
            "Transitions that some receiver was not told yet, and how long the oldest has waited. A few for seconds "
            "are normal. See Deliveries.",
            (f"max({_WAITING}) or {zero()}", "oldest"),
            ("sum(alli_monitor_outbox_pending)", "transitions"),
            unit="s",
            steps={60: WARN, 900: BAD},
            base=GOOD,
            units={"transitions": "short"},
            empty="no receiver",
            width=6,
        ),
    ]


def _polls() -> list[Panel]:
    by = "project, poll"
    return [
        graph(
            "Blind time",
            "Seconds of each step in which the runs of a project were not observed: an outage of Alli or of the "
            "network, a refused credential, or a stopped daemon. Ages go on through it, stops wait for a fresh look.",
            (f"sum by (project) ({happened(_BLIND)} or {zero('project')})", "{{project}}"),
            unit="s",
            events=True,
            empty="not known",
        ),
        graph(
            "Intervals since the last complete pass",
            "Age of the newest complete pass in intervals of its poll. Around 1 is healthy; from 3 on, a project is "
            "blind (runs) or finds ratings late (the others).",
            (f"max by ({by}) ((time() - {_LAST_LOOK}) / {_INTERVAL})", "{{project}} {{poll}}"),
            unit="none",
            limits={3: BAD},
            empty="no pass yet",
        ),
        graph(
            "How long polls take, p95",
            "Duration of 19 of 20 passes. Where it comes near the interval, a pass is hardly over when the next is "
            "due.",
            (quantile(0.95, _POLL, PROJECT, by), "{{project}} {{poll}} p95"),
            unit="s",
            empty="no pass yet",
        ),
        table(
            "Polls",
            "Every poll: when it was last complete, and the interval that is kept, which is longer than configured "
            "where requests_per_minute wants it. Intervals twice as long as configured call for more requests.",
            (f"max by ({by}) (time() - {_LAST_LOOK})", "last complete"),
            (f"max by ({by}) ({_INTERVAL})", "interval"),
            units={"last complete": "s", "interval": "s"},
            empty="",
        ),
        graph(
            "Interval that is kept, by poll",
            "A step up: the request budget was short, and the polls were spread out; a line of the log says so.",
            (f"max by ({by}) ({_INTERVAL})", "{{project}} {{poll}}"),
            unit="s",
            empty="no pass yet",
            width=12,
        ),
    ]


def _api() -> list[Panel]:
    every, failed = (f"sum by (project) (rate({name}[$__rate_interval]))" for name in (_REQUESTS, _FAILED_REQUESTS))
    return [
        graph(
            "Requests, by code",
            "Requests to Alli each second by HTTP status, error (no answer) or timeout. 401: the credential. 429: "
            "lower requests_per_minute. 5xx: Alli.",
            (f"sum by (code) (rate({_REQUESTS}[$__rate_interval]))", "{{code}}"),
            unit="reqps",
            stacked=True,
        ),
        graph(
            "Failed requests, by project",
            "Share of requests with another answer than 2xx. Single ones are tried again and do no harm.",
            (f"({failed} or 0 * {every}) / ({every} > 0)", "{{project}}"),
            unit="percentunit",
            limits={0.05: BAD},
            most=0.1,
        ),
        graph(
            "Latency, p95 by operation",
            "19 of 20 requests were answered within this time. Near the timeout of a project, passes become "
            "incomplete.",
            (quantile(0.95, _REQUEST, PROJECT, "operation"), "{{operation}} p95"),
            unit="s",
        ),
        graph(
            "Schema drift, by kind",
            "Answers or rows that did not fit what is known of the API, and were left out or read around. New kinds "
            "after an update of Alli: report them, with the capability report.",
            (f"sum by (project, kind) ({happened(_DRIFT)})", "{{project}} {{kind}}"),
            unit="short",
            events=True,
            empty="all answers fit",
            width=12,
        ),
        graph(
            "Clock offset, by project",
            "Alli's clock minus ours. It is reckoned with, so a constant offset does no harm; a drifting one is a "
            "clock without time synchronisation, most often ours.",
            (f"max by (project) (alli_monitor_clock_offset_seconds{{{PROJECT}}})", "{{project}}"),
            unit="s",
            empty="not measured",
            width=12,
        ),
    ]


def _deliveries() -> list[Panel]:
    return [
        graph(
            "Waiting for each receiver",
            "Transitions that it was not told yet. What waits is not lost: it is told once the receiver takes it.",
            ("max by (receiver) (alli_monitor_outbox_pending)", "{{receiver}}"),
            unit="short",
            empty="no receiver",
        ),
        graph(
            "Oldest that waits, by receiver",
            "How long the oldest of them has waited. A line that climbs is a receiver that takes nothing: try it with "
            "`alli-monitor notify test`.",
            (f"max by (receiver) ({_WAITING})", "{{receiver}}"),
            unit="s",
            limits={900: BAD},
            empty="nothing waits",
        ),
        graph(
            "Attempts to deliver, by receiver and outcome",
            "delivered, retried (a passing trouble) and failed (refused for good). The console says what a receiver "
            "answered last.",
            (
                f"sum by (receiver, integration, outcome) ({happened(_TOLD)})",
                "{{receiver}} {{integration}} {{outcome}}",
            ),
            unit="short",
            events=True,
            empty="nothing to tell",
        ),
    ]


def _rules() -> list[Panel]:
    return [
        graph(
            "Evaluations, by rule",
            "Evaluations each second. A rule that stands at zero while others do not has nothing to look at.",
            ("sum by (rule) (rate(alli_monitor_rule_evaluations_total[$__rate_interval]))", "{{rule}}"),
            unit="cps",
            stacked=True,
        ),
        graph(
            "Failed evaluations, by rule",
            "An expression that fails decides nothing. The alert RuleFailing has the reason; mend the rule, run "
            "`alli-monitor check`, reload.",
            (f"sum by (rule) ({happened('alli_monitor_rule_evaluation_failures_total')})", "{{rule}}"),
            unit="short",
            events=True,
            empty="none failed",
        ),
        graph(
            "Alerts, by state",
            "pending waits for its `for`, firing is told. One firing alert is the Watchdog: zero means that it is "
            "broken.",
            ("sum by (state) (alli_monitor_alerts)", "{{state}}"),
            unit="short",
            stacked=True,
            empty="none: not even the Watchdog",
        ),
    ]


def _process() -> list[Panel]:
    return [
        graph(
            "Memory",
            "Resident memory of the daemon. A line that climbs for days is a leak: report it.",
            (f"process_resident_memory_bytes{{{_JOB}}}", "{{instance}}"),
            unit="bytes",
        ),
        graph(
            "Processor",
            "Cores used. Near 1, evaluations and looks queue up, and limits are noticed late.",
            (f"rate(process_cpu_seconds_total{{{_JOB}}}[$__rate_interval])", "{{instance}}"),
            unit="none",
        ),
        graph(
            "Time since the start",
            "It falls to 0 with each restart. What happened while no daemon ran is in Blind time.",
            (f"time() - process_start_time_seconds{{{_JOB}}}", "{{instance}}"),
            unit="s",
        ),
    ]
