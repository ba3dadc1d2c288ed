"""The alerts that need no rule file: what the monitor says about itself and its stops. Their names are fixed."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["SEVERITIES", "Builtin"]


class Builtin(StrEnum):
    """Names of built-in alerts; no rule may take one."""

    MONITOR_API_AUTH = "MonitorApiAuth"
    MONITOR_BLIND = "MonitorBlind"
    MONITOR_DEGRADED = "MonitorDegraded"
    RECEIVER_FAILING = "ReceiverFailing"
    RULE_FAILING = "RuleFailing"
    GHOST_RUN = "GhostRun"
    ZOMBIE_CHAT = "ZombieChat"
    STOP_INEFFECTIVE = "StopIneffective"
    STOP_BUDGET_SPENT = "StopBudgetSpent"
    STORAGE_FAILING = "StorageFailing"
    WATCHDOG = "Watchdog"
    BASELINE_RECORDED = "BaselineRecorded"
    RATINGS_CAUGHT_UP = "RatingsCaughtUp"
    DRILL = "Drill"


SEVERITIES = {
    Builtin.MONITOR_API_AUTH: "critical",
    Builtin.MONITOR_BLIND: "critical",
    Builtin.MONITOR_DEGRADED: "warning",
    Builtin.RECEIVER_FAILING: "critical",
    Builtin.RULE_FAILING: "warning",
    Builtin.GHOST_RUN: "warning",
    Builtin.ZOMBIE_CHAT: "warning",
    Builtin.STOP_INEFFECTIVE: "critical",
    Builtin.STOP_BUDGET_SPENT: "warning",
    Builtin.STORAGE_FAILING: "critical",
    Builtin.WATCHDOG: "none",
    Builtin.BASELINE_RECORDED: "info",
    Builtin.RATINGS_CAUGHT_UP: "info",
    Builtin.DRILL: "info",
}
"""The `severity` label of each."""
