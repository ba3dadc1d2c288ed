"""
The settings: one YAML file, overridden by the environment, checked as a whole.

This package and `monitor.clock` are the only places that look at the process they run in. Values are immutable and
never show their secrets; where a key has a twin `*_file`, the property named after the key has the secret of either.
"""

from monitor.settings.alerting import Alerting, ChildRoute, RootRoute
from monitor.settings.daemon import DeadMan, Log, Storage, Web
from monitor.settings.http import HttpConfig, TlsConfig
from monitor.settings.load import load
from monitor.settings.model import AppPolicy, Settings
from monitor.settings.projects import AppRule, AutoStop, Polling, Project, RatingTier
from monitor.settings.receivers import AlertmanagerConfig, Receiver, WebhookConfig
from monitor.settings.rule_files import shipped_rules

__all__ = [
    "Alerting",
    "AlertmanagerConfig",
    "AppPolicy",
    "AppRule",
    "AutoStop",
    "ChildRoute",
    "DeadMan",
    "HttpConfig",
    "Log",
    "Polling",
    "Project",
    "RatingTier",
    "Receiver",
    "RootRoute",
    "Settings",
    "Storage",
    "TlsConfig",
    "Web",
    "WebhookConfig",
    "load",
    "shipped_rules",
]
