"""The row *Noticed in time* of the dashboard *Monitor health*: what is promised, and whether it is kept."""

from __future__ import annotations

from deploy.grafana.panels import BAD, GOOD, WARN, Panel, graph, heatmap, number
from deploy.grafana.promql import PROJECT, quantile, within

__all__ = ["COVERAGE_OBJECTIVE", "noticed_in_time"]

COVERAGE_OBJECTIVE = 0.995
"""The share of time, 0 to 1, in which the runs of a project are to be observed."""

_OBJECTIVE = 0.99  # the share of limits that is to be noticed within a second, and of runs within 15
_WINDOWS = ("1h", "6h", "3d", "30d")
_PAGING = ("5m", "30m", "1h", "6h")  # as the alerts that page have them: 1h with 5m, 6h with 30m
_FAST, _SLOW = 14.4, 6.0
_DELAY = "alli_monitor_detection_delay_seconds"
_BLIND = f"alli_monitor_blind_seconds_total{{{PROJECT}}}"


def noticed_in_time() -> list[Panel]:
    """Return the panels."""
    return [
        _kept(
            "Limits noticed within 1 s",
            f"Share of limits that were noticed within a second of being passed; {_OBJECTIVE:.0%} is the objective. "
            "It is counted where a limit was passed. Missing it means a busy machine, or looks at the runs that take "
            "long.",
            seconds=1,
            kind="deadline",
        ),
        _kept(
            "Runs found within 15 s",
            f"Share of runs found within 15 seconds of their begin, as polling.runs of ten seconds promises; "
            f"{_OBJECTIVE:.0%} is the objective. With a longer interval, a lower share is what was asked for.",
            seconds=15,
            kind="run",
        ),
        _burning("Burn rate: limits", {each: _late(1, "deadline", each) for each in _PAGING}, "no limit passed"),
        _burning("Burn rate: runs", {each: _late(15, "run", each) for each in _PAGING}, "no run"),
        _burning(
            "Burn rate: coverage",
            {each: f"max(rate({_BLIND}[{each}])) / {1 - COVERAGE_OBJECTIVE:.3f}" for each in _PAGING},
            "not known",
        ),
        graph(
            "Detection delay, p99 by kind",
            "run: between the last look without it and the first with it. deadline: from a limit to its rule. "
            "rating: by the tiers of the look-back, up to hours. An outage is in it.",
            (quantile(0.99, _DELAY, PROJECT, "kind"), "{{kind}}"),
            unit="s",
            empty="nothing detected",
            width=12,
        ),
        heatmap(
            "Detection delay of limits",
            "All of it belongs into the lowest row, which ends at one second.",
            f'sum by (le) (increase({_DELAY}_bucket{{{PROJECT},kind="deadline"}}[$__rate_interval]))',
            unit="s",
        ),
    ]


def _kept(title: str, says: str, *, seconds: float, kind: str) -> Panel:
    return number(
        title,
        says,
        *((within(seconds, kind, window), window) for window in _WINDOWS),
        unit="percentunit",
        steps={0.95: WARN, _OBJECTIVE: GOOD},
        base=BAD,
        empty="nothing counted",
        width=12,
    )


def _late(seconds: float, kind: str, window: str) -> str:
    return f"(1 - ({within(seconds, kind, window)})) / {1 - _OBJECTIVE:.2f}"


def _burning(title: str, rates: dict[str, str], empty: str) -> Panel:
    return graph(
        title,
        f"How many times as fast as allowed the objective's errors are used up. Above {_FAST} in 1h and 5m, or above "
        f"{_SLOW:.0f} in 6h and 30m, a month's allowance is gone within days: act now. Above 1 for long, the objective "
        "will be missed.",
        *((rate, window) for window, rate in rates.items()),
        unit="none",
        limits={_SLOW: WARN, _FAST: BAD},
        empty=empty,
    )
