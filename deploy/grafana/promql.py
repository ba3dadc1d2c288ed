"""
The PromQL that the panels share.

Counters of rare events appear in Prometheus with their first event, which ``increase()`` alone never counts: before it
there was no sample to start from. What counts events here counts the first one too. A scrape that failed is no new
beginning: the last value of the hour before counts.
"""

from __future__ import annotations

__all__ = [
    "APP",
    "ENOUGH",
    "PROJECT",
    "happened",
    "part_of",
    "quantile",
    "share",
    "since_start_of_range",
    "within",
    "zero",
]

PROJECT = 'project=~"$project"'
"""Selects the projects chosen at the top of the dashboard."""

APP = f'{PROJECT},app=~"$app"'
"""Selects the projects and apps chosen there."""

ENOUGH = 10
"""Events from which on a share of them means something; the console counts from the same number on."""


def happened(counter: str, window: str = "$__interval") -> str:
    """Return how much a counter grew in a window, by default each step of a graph, without extrapolation."""
    return f"(({counter} - {_before(counter, window)}) >= 0 or {counter})"


def since_start_of_range(counter: str) -> str:
    """Return how much a counter grew in the dashboard's time range, over restarts."""
    return f"(increase({counter}[$__range]) and {_before(counter, '$__range')} or {counter})"


def quantile(rank: float, histogram: str, selector: str, by: str) -> str:
    """Return a quantile of what a histogram saw in each step, for each value of the labels `by`."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({rank}, sum by ({labels}) (rate({histogram}_bucket{{{selector}}}[$__rate_interval])))"


def part_of(whole: str, part: str, by: str = "") -> str:
    """Return the sum of `part` for each value of the labels `by`; 0 where there is only `whole`."""
    grouped = f"sum by ({by})" if by else "sum"
    return f"({grouped} ({part}) or 0 * {grouped} ({whole}))"


def share(whole: str, part: str, by: str = "") -> str:
    """Return what share of `whole` is `part`, 0 to 1; nothing where there are fewer than `ENOUGH`."""
    grouped = f"sum by ({by})" if by else "sum"
    return f"{part_of(whole, part, by)} / ({grouped} ({whole}) >= {ENOUGH})"


def within(seconds: float, kind: str, window: str, by: str = "") -> str:
    """Return what share of the events of a kind was noticed within so many seconds, 0 to 1, over a window."""
    name, selector = "alli_monitor_detection_delay_seconds", f'{PROJECT},kind="{kind}"'
    grouped = f"sum by ({by})" if by else "sum"
    noticed = f'increase({name}_bucket{{{selector},le="{seconds:.1f}"}}[{window}])'
    return f"{grouped} ({noticed}) / ({grouped} (increase({name}_count{{{selector}}}[{window}])) > 0)"


def zero(by: str = "") -> str:
    """Return 0, for each project if `by` is that, as long as the monitor is scraped: without it nothing is known."""
    if by:
        return f"0 * max by ({by}) (alli_monitor_leader{{{PROJECT}}})"
    return "0 * max(alli_monitor_build_info)"


def _before(counter: str, window: str) -> str:
    return f"last_over_time({counter}[1h] offset {window})"
