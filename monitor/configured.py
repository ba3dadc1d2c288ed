"""From the settings to what they describe: rules, routes, credentials."""

from __future__ import annotations

from monitor.alerting.routing import Route, RoutingTree, parse_matcher
from monitor.alli.credentials import ApiKey, Bearer, Credential
from monitor.errors import ConfigError, ConfigErrors
from monitor.rules import files
from monitor.rules.files import RuleSet
from monitor.settings import ChildRoute, Project, RootRoute, Settings

__all__ = ["credential", "load_rules", "routing_tree"]


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
    """Return the routes of the configuration; raise ConfigError for a matcher or a pair of routes that cannot be."""
    try:
        return RoutingTree(_route(root), [_route(child) for child in root.routes])
    except ValueError as error:
        raise ConfigError(f"alerting.route: {error}") from error


def credential(project: Project) -> Credential:
    """Return what a project proves itself with."""
    if project.api_key is not None:
        return ApiKey(project.api_key.get_secret_value())
    if project.token is not None:
        return Bearer(project.token.get_secret_value())
    raise ConfigError("a project needs an API key or a token")


def _route(route: RootRoute | ChildRoute) -> Route:
    child = route if isinstance(route, ChildRoute) else None
    return Route(
        receiver=route.receiver,
        group_by=route.group_by,
        group_wait=route.group_wait,
        group_interval=route.group_interval,
        repeat_interval=route.repeat_interval,
        matchers=tuple(parse_matcher(text) for text in child.matchers) if child else (),
        continue_=child.continue_ if child else False,
    )
