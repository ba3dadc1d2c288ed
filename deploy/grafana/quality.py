"""The dashboard *Quality*: what users and staff think of the answers, and how long they wait for them."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.frame import framed
from deploy.grafana.panels import BAD, GOOD, WARN, Panel, graph, heatmap, number, table
from deploy.grafana.promql import (
    APP,
    ENOUGH,
    PROJECT,
    happened,
    part_of,
    quantile,
    share,
    since_start_of_range,
    within,
    zero,
)

__all__ = ["quality"]

_CHANGES = f"alli_ratings_total{{{APP}}}"
_RATED = f'alli_ratings_total{{{APP},value!="none"}}'
_NEGATIVE = f'alli_ratings_total{{{APP},value="negative"}}'
_REPLY = "alli_reply_latency_seconds"
_DELAY = "alli_monitor_detection_delay_seconds"
_OF_RATINGS = f'{PROJECT},kind="rating"'
_BY_APP = "project, app"


def quality() -> Dashboard:
    """Return the dashboard."""
    return framed(
        "alli-monitor-quality",
        "alli-monitor: Quality",
        "Ratings by app and by whom, shares with the number behind them, how late ratings are found, reply latency.",
        {"Now": _now(), "Ratings": _ratings(), "Replies": _replies(), "Late ratings and conversations": _late()},
        since="now-7d",
    )


def _now() -> list[Panel]:
    return [
        number(
            "Negative share in this time range",
            f"Of the ratings given, how many are negative, and how many there are. From {ENOUGH} on; a share of few "
            "says nothing. What was taken back is not counted. Which answers: the console lists the newest, with "
            "links.",
            (share(since_start_of_range(_RATED), since_start_of_range(_NEGATIVE)), "negative"),
            (f"sum({since_start_of_range(_RATED)}) or {zero()}", "rated"),
            unit="percentunit",
            steps={0.2: WARN, 0.4: BAD},
            base=GOOD,
            units={"rated": "short"},
            empty=f"fewer than {ENOUGH} rated",
            width=6,
        ),
        number(
            "Replies within 10 s",
            "Share of the first replies to a user's message that came within ten seconds, in this time range, and how "
            "many replies there were. By app further down.",
            (
                share(
                    since_start_of_range(f"{_REPLY}_count{{{APP}}}"),
                    since_start_of_range(f'{_REPLY}_bucket{{{APP},le="10.0"}}'),
                ),
                "within 10 s",
            ),
            (f"sum({since_start_of_range(f'{_REPLY}_count{{{APP}}}')}) or {zero()}", "replies"),
            unit="percentunit",
            steps={0.8: WARN, 0.95: GOOD},
            base=BAD,
            units={"replies": "short"},
            empty=f"fewer than {ENOUGH} replies",
            width=6,
        ),
        number(
            "Ratings found within 6 min",
            "How soon a rating is found is decided by polling.ratings: six minutes is what the first tier takes, later "
            "tiers take 35 minutes and 6.5 hours. A low share with the defaults means votes on old answers.",
            (within(360, "rating", "$__range"), "within 6 min"),
            unit="percentunit",
            empty="no rating yet",
        ),
        number(
            "Conversations on the last day",
            "What Alli counted on the last finished day of the project's time zone. Nothing stands here while the "
            "day is not known, or where the server refuses to count.",
            (f"sum(alli_daily_conversations{{{PROJECT}}})", "conversations"),
            unit="short",
            empty="not known",
        ),
        number(
            "Baselines recorded",
            "Alerts BaselineRecorded that are open: ratings from before the monitor's first look at a project were "
            "recorded and not told. Expected once for each project and database, and then gone.",
            (f'sum(alli_monitor_alerts{{alertname="BaselineRecorded"}}) or {zero()}', "open"),
            unit="short",
            empty="not known",
        ),
    ]


def _ratings() -> list[Panel]:
    return [
        graph(
            "Changes of ratings, by value",
            "Every change that was found; none is a rating taken back. A burst of negative ones on one app most often "
            "follows a release: prompt, model, knowledge base.",
            (f"sum by (value) ({happened(_CHANGES)})", "{{value}}"),
            unit="short",
            events=True,
            empty="no rating",
        ),
        graph(
            "Negative ratings, by app",
            "Where they come from. The alert NegativeRatingBurst needs five of three users within half an hour.",
            (f"sum by ({_BY_APP}) ({happened(_NEGATIVE)})", "{{project}} {{app}}"),
            unit="short",
            events=True,
            empty="no negative rating",
        ),
        graph(
            "Changes of ratings, by whom",
            "Staff rate on purpose and know what is right: a negative rating of an agent weighs more than a user's.",
            (f"sum by (by, value) ({happened(_CHANGES)})", "{{by}}: {{value}}"),
            unit="short",
            events=True,
            empty="no rating",
        ),
        graph(
            "Negative share over a day, by project",
            f"At each moment, of the ratings given in the 24 hours before. A gap is a day of fewer than {ENOUGH}. A "
            "step that stays is a change of quality; a spike is one bad day.",
            (share(happened(_RATED, "1d"), happened(_NEGATIVE, "1d"), "project"), "{{project}}"),
            unit="percentunit",
            most=1,
            empty=f"fewer than {ENOUGH} rated",
            width=12,
        ),
        table(
            "Ratings, by app and by whom, in this time range",
            f"Sample size beside the share, which is shown from {ENOUGH} ratings on. What to do about an app: read its "
            "negative answers in the console.",
            (
                part_of(since_start_of_range(_RATED), since_start_of_range(_NEGATIVE), f"{_BY_APP}, by"),
                "negative",
            ),
            (f"sum by ({_BY_APP}, by) ({since_start_of_range(_RATED)})", "rated"),
            (
                share(since_start_of_range(_RATED), since_start_of_range(_NEGATIVE), f"{_BY_APP}, by"),
                "negative share",
            ),
            units={"negative share": "percentunit"},
            empty="",
        ),
    ]


def _replies() -> list[Panel]:
    counted = f"{_REPLY}_count{{{APP}}}"
    return [
        graph(
            "Reply latency, by app",
            "Time from a user's message to the first reply: 19 of 20 of an app come within p95, half of all within the "
            "median, both read from buckets. If all apps climb at once, the platform is slow; if one does, the app is.",
            (quantile(0.5, _REPLY, APP, ""), "all: median"),
            (quantile(0.95, _REPLY, APP, _BY_APP), "{{project}} {{app}} p95"),
            unit="s",
            empty="no reply",
        ),
        heatmap(
            "Reply latency",
            "Each column is a time, each row a bucket of latencies, and the darker, the more replies.",
            f"sum by (le) (increase({_REPLY}_bucket{{{APP}}}[$__rate_interval]))",
            unit="s",
            width=8,
        ),
        graph(
            "Replies, by app",
            "How many first replies there were: the sample behind the latencies.",
            (f"sum by ({_BY_APP}) ({happened(counted)})", "{{project}} {{app}}"),
            unit="short",
            events=True,
            empty="no reply",
        ),
    ]


def _late() -> list[Panel]:
    return [
        graph(
            "How late ratings are found",
            "The most that may have passed between a rating and its detection: what the tiers of polling.ratings cost. "
            "For votes on old answers hours are normal; on new ones shorten the first tier.",
            (quantile(0.5, _DELAY, _OF_RATINGS, "project"), "{{project}} median"),
            (quantile(0.95, _DELAY, _OF_RATINGS, "project"), "{{project}} p95"),
            unit="s",
            empty="no rating",
        ),
        graph(
            "Conversations a day, by project",
            "What Alli counted on the last finished day: a step at the time when a day becomes known. A day that falls "
            "out of line explains a share that does.",
            (f"max by (project) (alli_daily_conversations{{{PROJECT}}})", "{{project}}"),
            unit="short",
            empty="not known",
        ),
        graph(
            "Active conversations, by app",
            "Conversations that have not ended and had a chat within the youngest rating tier: those whose ratings are "
            "looked at most often.",
            (f"sum by ({_BY_APP}) (alli_conversations_active{{{APP}}})", "{{project}} {{app}}"),
            unit="short",
            stacked=True,
        ),
    ]
