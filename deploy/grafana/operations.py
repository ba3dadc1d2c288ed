"""The dashboard *Operations*: what runs, how old it is, what was stopped, and whether that was right."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.frame import framed
from deploy.grafana.panels import BAD, GOOD, WARN, Panel, graph, heatmap, number, table
from deploy.grafana.promql import APP, ENOUGH, PROJECT, happened, part_of, quantile, share, since_start_of_range, zero

__all__ = ["operations"]

_RUNNING = f"alli_runs_running{{{APP}}}"
_OLDEST_AGE = f"time() - (alli_run_oldest_start_timestamp_seconds{{{PROJECT}}} > 0)"
_DURATION = "alli_run_duration_seconds"
_STOPS = f"alli_run_stops_total{{{APP}}}"
_HELD_BACK = f'alli_run_stops_total{{{APP},result="refused"}}'
_IN_VAIN = f'alli_run_stops_total{{{APP},result=~"ineffective|error"}}'
_VERDICTS = f"alli_run_shadow_verdicts_total{{{APP}}}"
_REGRETTED = f'alli_run_shadow_verdicts_total{{{APP},verdict="regretted"}}'
_FIRING = 'alli_monitor_alerts{state="firing",alertname!="Watchdog"}'
_LIMIT = ("vector($limit)", "limit")


def operations() -> Dashboard:
    """Return the dashboard."""
    return framed(
        "alli-monitor-operations",
        "alli-monitor: Operations",
        "Background runs now, their ages against a limit, stops, and how often a stop would have been wrong.",
        {"Now": _now(), "Runs": _runs(), "Stops": _stops(), "Alerts and conversations": _alerts()},
        since="now-6h",
        limit=True,
    )


def _now() -> list[Panel]:
    return [
        number(
            "Runs going on",
            "Background runs that the newest complete look showed. It stands still while the monitor is blind: see "
            "Last complete look. The console lists them, oldest first.",
            (f"sum({_RUNNING}) or {zero()}", "runs"),
            unit="short",
            empty="not known",
        ),
        number(
            "Oldest run",
            "How long the oldest run has been observed. Stops go by this age. Look at the run in the console: it has a "
            "link to its conversation.",
            (f"max({_OLDEST_AGE})", "age"),
            unit="s",
            empty="no run",
        ),
        number(
            "Oldest run, of the limit",
            "The same age as a share of the run limit typed above. Beyond 100% a rule should have acted: look at "
            "Stops.",
            (f"max({_OLDEST_AGE}) / $limit", "of the limit"),
            unit="percentunit",
            steps={0.75: WARN, 1.0: BAD},
            base=GOOD,
            empty="no run",
        ),
        number(
            "Last complete look",
            "Seconds since the runs of a project were last seen completely, the worst project. What stands here about "
            "runs is as old as this. Beyond a minute go to Monitor health.",
            (f'max(time() - alli_monitor_poll_last_success_timestamp_seconds{{{PROJECT},poll="runs"}})', "ago"),
            unit="s",
            steps={60: WARN, 120: BAD},
            base=GOOD,
            empty="never",
        ),
        number(
            "Alerts firing",
            "Alerts of the monitor that fire, of all projects, without the Watchdog, which always does. The console "
            "lists them by urgency.",
            (f"sum({_FIRING}) or {zero()}", "alerts"),
            unit="short",
            steps={1: WARN},
            base=GOOD,
            empty="not known",
        ),
        number(
            "Stop budget spent",
            "Alerts that say: overdue runs go on because the stops of this hour are used up. Either much is wrong at"
            " once, and this is the guard doing its work, or auto_stop.budget is too small. How much of a budget is "
            "left no metric tells.",
            (f'sum(alli_monitor_alerts{{state="firing",alertname="StopBudgetSpent"}}) or {zero()}', "budgets"),
            unit="short",
            steps={1: BAD},
            base=GOOD,
            empty="not known",
        ),
    ]


def _runs() -> list[Panel]:
    buckets = f"{_DURATION}_bucket{{{APP}}}"
    return [
        graph(
            "Runs going on, by app",
            "How many background runs each app has. A number that only grows means that runs hang or are begun faster "
            "than they end.",
            (f"sum by (project, app) ({_RUNNING})", "{{project}} {{app}}"),
            unit="short",
            stacked=True,
        ),
        graph(
            "Age of the oldest run, against the limit",
            "A line that climbs steadily is one run. Where it passes the limit and goes on, the run was not stopped: "
            "shadow mode, a protected conversation, a spent budget, or a server that does not obey.",
            (f"max by (project) ({_OLDEST_AGE})", "{{project}}"),
            _LIMIT,
            unit="s",
            dashed="limit",
            empty="no run",
        ),
        graph(
            "How long runs took, against the limit",
            "19 of 20 runs of an app that ended took at most p95, half of all of them the median; both are read from "
            "buckets. If p95 comes near the limit, the limit stops runs that would have finished.",
            (quantile(0.5, _DURATION, APP, ""), "all: median"),
            (quantile(0.95, _DURATION, APP, "project, app"), "{{project}} {{app}} p95"),
            _LIMIT,
            unit="s",
            dashed="limit",
            empty="no run ended",
        ),
        heatmap(
            "How long runs took",
            "Each column is a time, each row a bucket of durations, and the darker, the more runs. Two bands mean two "
            "kinds of runs: give them limits of their own.",
            f"sum by (le) (increase({buckets}[$__rate_interval]))",
            unit="s",
        ),
        graph(
            "Runs that ended, by how",
            "finished: by themselves. stopped: because a stop was asked for. gone: with their conversation. Many of "
            "the last say that somebody deletes conversations.",
            (f"sum by (outcome) ({happened(f'{_DURATION}_count{{{APP}}}')})", "{{outcome}}"),
            unit="short",
            events=True,
            empty="no run ended",
            width=12,
        ),
    ]


def _stops() -> list[Panel]:
    return [
        number(
            "Stops in this time range",
            "All that rules asked for, in shadow or in earnest. Held back: by the app list, a protection, a pause, "
            "the cooldown or the budget. In vain: Alli refused, or the run went on; each of these has an alert, and "
            "a person must act.",
            (f"sum({since_start_of_range(_STOPS)}) or {zero()}", "all"),
            (f"sum({since_start_of_range(_HELD_BACK)}) or {zero()}", "held back"),
            (f"sum({since_start_of_range(_IN_VAIN)}) or {zero()}", "in vain"),
            unit="short",
            steps={1: BAD},
            base=GOOD,
            units={"all": "short", "held back": "short"},
            empty="not known",
            width=12,
        ),
        number(
            "Regret rate in this time range",
            f"Of the shadow stops judged, how many would have hit a run that soon ended by itself. From {ENOUGH} "
            "judged on; before that only their number stands here. Above a few percent raise the limit before you "
            "enforce.",
            (share(since_start_of_range(_VERDICTS), since_start_of_range(_REGRETTED)), "regretted"),
            (f"sum({since_start_of_range(_VERDICTS)}) or {zero()}", "judged"),
            unit="percentunit",
            steps={0.02: WARN, 0.1: BAD},
            base=GOOD,
            units={"judged": "short"},
            empty=f"fewer than {ENOUGH} judged",
            width=12,
        ),
        graph(
            "Stops, by result",
            "stopped: verified. shadow: would have been stopped. already_finished and changed: the last look before "
            "the stop spared the run. refused: held back. ineffective and error: in vain; look at the audit in the "
            "console.",
            (f"sum by (result) ({happened(_STOPS)})", "{{result}}"),
            unit="short",
            events=True,
            empty="no stop was needed",
            width=12,
        ),
        graph(
            "Shadow stops, by verdict",
            "justified: the run was still going on one more limit later. regretted: it ended by itself, so a stop "
            "would have destroyed work.",
            (f"sum by (verdict) ({happened(_VERDICTS)})", "{{verdict}}"),
            unit="short",
            events=True,
            empty="none judged",
            width=12,
        ),
        table(
            "Regret, by app, in this time range",
            f"The apps whose limit is too short have a high rate. It is shown from {ENOUGH} judged on: a share of few "
            "says nothing. Give such an app a run_limit of its own.",
            (
                part_of(since_start_of_range(_VERDICTS), since_start_of_range(_REGRETTED), "project, app"),
                "regretted",
            ),
            (f"sum by (project, app) ({since_start_of_range(_VERDICTS)})", "judged"),
            (share(since_start_of_range(_VERDICTS), since_start_of_range(_REGRETTED), "project, app"), "regret rate"),
            units={"regret rate": "percentunit"},
            empty="",
        ),
        table(
            "Stops, by app and result, in this time range",
            "Which app needs stopping most. The console shows the newest of them with their conversations.",
            (f"sum by (project, app, result) ({since_start_of_range(_STOPS)})", "stops"),
            units={"stops": "short"},
        ),
    ]


def _alerts() -> list[Panel]:
    return [
        graph(
            "Alerts firing, by name",
            "Of all projects, without the Watchdog. The runbook has a section for each built-in and shipped alert.",
            (f"sum by (alertname) ({_FIRING})", "{{alertname}}"),
            unit="short",
            stacked=True,
            empty="nothing fires",
            width=12,
        ),
        graph(
            "Active conversations, by app",
            "Conversations that have not ended and had a chat within the youngest rating tier: how much is going on at "
            "all. Runs without active conversations are a sign of automation, or of trouble.",
            (f"sum by (project, app) (alli_conversations_active{{{APP}}})", "{{project}} {{app}}"),
            unit="short",
            stacked=True,
            width=12,
        ),
    ]
