"""From the settings to what they describe: rules, routes, credentials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from monitor.alerting.inhibition import InhibitRule
from monitor.alerting.muting import MutePolicy
from monitor.alerting.routing import Route, RoutingTree
from monitor.alli.credentials import ApiKey, Bearer, Credential
from monitor.errors import ConfigError, ConfigErrors
from monitor.rules import files
from monitor.rules.files import RuleSet
from monitor.settings import Alerting, ChildRoute, Project, RootRoute, Settings

__all__ = ["credential", "load_rules", "mute_policy", "routing_tree"]

_INHERITED = (
    "receiver",
    "group_by",
    "group_wait",
    "group_interval",
    "repeat_interval",
    "repeat_backoff",
    "repeat_max",
)
"""What a route has of the one above it where it does not say it itself."""


def load_rules(settings: Settings) -> RuleSet:
    """Return the rules of the configuration; raise ConfigErrors with all that is wrong with them."""
    rules = files.load(settings.rule_files)
    if errors := files.check_windows(rules.rules, _slowest_look(settings)):
        raise ConfigErrors(errors)
    return rules


def _slowest_look(settings: Settings) -> float:
    """Return the seconds between two looks at the newest ratings, of the project that is looked at least often."""
    tiers = (settings.polling_of(name).ratings for name in settings.projects)
    return max(min((tier.every for tier in each), default=0.0) for each in tiers)


def routing_tree(root: RootRoute) -> RoutingTree:
    """Return the routes of the configuration, each with what it inherits."""
    route = Route(**{name: getattr(root, name) for name in _INHERITED})
    return RoutingTree(_with_children(route, root.routes))


def mute_policy(alerting: Alerting) -> MutePolicy:
    """Return the inhibition rules and the time intervals of the configuration."""
    return MutePolicy(
        inhibit_rules=[
            InhibitRule(sources=rule.sources, targets=rule.targets, equal=rule.equal) for rule in alerting.inhibit_rules
        ],
        intervals={each.name: [spec.interval for spec in each.time_intervals] for each in alerting.intervals},
    )


def credential(project: Project) -> Credential:
    """Return what a project proves itself with."""
    if project.api_key is not None:
        return ApiKey(project.api_key.get_secret_value())
    if project.token is not None:
        return Bearer(project.token.get_secret_value())
    raise ConfigError("a project needs an API key or a token")


def _with_children(route: Route, children: Sequence[ChildRoute]) -> Route:
    return replace(route, routes=tuple(_child(child, route) for child in children))


def _child(child: ChildRoute, above: Route) -> Route:
    said = {name: value for name in _INHERITED if (value := getattr(child, name)) not in (None, "", ())}
    route = replace(
        above,
        **said,
        matchers=child.conditions,
        continue_=child.continue_,
        mute_time_intervals=child.mute_time_intervals,
        active_time_intervals=child.active_time_intervals,
    )
    return _with_children(route, child.routes)
