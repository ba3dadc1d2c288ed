from __future__ import annotations

from monitor.metrics import Metrics


def test_what_objectives_are_reckoned_from_begins_at_zero() -> None:
    """A project that is watched shows its counters of errors and detections before anything was counted."""
    metrics = Metrics()
    metrics.watch("support")
    project = {"project": "support"}
    assert metrics.registry.get_sample_value("alli_monitor_leader", project) == 1
    assert metrics.registry.get_sample_value("alli_monitor_blind_seconds_total", project) == 0
    for kind in ("run", "deadline", "rating"):
        counted = {**project, "kind": kind}
        assert metrics.registry.get_sample_value("alli_monitor_detection_delay_seconds_count", counted) == 0


def test_a_project_that_is_watched_no_more_is_not_shown() -> None:
    """What began with the watching of a project ends with it; other projects go on."""
    metrics = Metrics()
    metrics.watch("support")
    metrics.watch("sales")
    metrics.forget("support")
    assert metrics.registry.get_sample_value("alli_monitor_blind_seconds_total", {"project": "support"}) is None
    assert metrics.registry.get_sample_value("alli_monitor_blind_seconds_total", {"project": "sales"}) == 0


def test_restarts_can_be_seen() -> None:
    """The start of the process is exported, as the rule about restarts needs it."""
    assert (Metrics().registry.get_sample_value("process_start_time_seconds") or 0.0) > 0


def test_alerts_that_stay_are_always_shown() -> None:
    """A scrape at any moment finds what goes on firing, and nothing that ended."""
    metrics = Metrics()
    metrics.set_alerts({("Watchdog", "firing"): 1, ("RunStuck", "firing"): 2})
    watchdog = metrics.alerts.labels("Watchdog", "firing")
    metrics.set_alerts({("Watchdog", "firing"): 1})
    assert metrics.alerts.labels("Watchdog", "firing") is watchdog
    gone = {"alertname": "RunStuck", "state": "firing"}
    assert metrics.registry.get_sample_value("alli_monitor_alerts", gone) is None
