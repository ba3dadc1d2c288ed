"""`alli-monitor routes show` and `routes test`: the routing tree, and where an alert would go, in amtool's words."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from monitor.alerting.matchers import format_matchers
from monitor.alerting.muting import MutePolicy, interval_mute
from monitor.alerting.routing import Route, RoutingTree
from monitor.cli.look import Format, Output
from monitor.cli.options import Config, parse_labels
from monitor.cli.text import encodable, plain
from monitor.clock import SystemClock
from monitor.configured import mute_policy, routing_tree
from monitor.durations import format_duration
from monitor.settings import load

__all__ = ["routes"]

routes = typer.Typer(help="The routing tree, and where an alert would go.", no_args_is_help=True)


@routes.command()
def show(config: Config = None, output: Format = Output.TABLE) -> None:
    """Print the routing tree: each route below the one it belongs to, with what it inherits."""
    encodable()
    tree, _ = _load(config)
    if output is Output.JSON:
        print(json.dumps(_node(tree.root), indent=2))
    else:
        print("\n".join(_outline(tree.root, {}, 0)))


@routes.command("test")
def where(
    labels: Annotated[list[str] | None, typer.Argument(help="Labels of the alert, such as severity=critical.")] = None,
    *,
    config: Config = None,
    verify_receivers: Annotated[
        str,
        typer.Option(
            "--verify-receivers",
            help="The names of the receivers that should be found, separated by commas; exit code 1 if it is others.",
            show_default=False,
        ),
    ] = "",
    output: Format = Output.TABLE,
) -> None:
    """
    Print the receivers that an alert with these labels goes to, and the way to each through the routing tree.

    Nothing is sent. An alert has more labels than its rule says: alertname, project, and those of its app.
    """
    encodable()
    alert = parse_labels(labels or (), "labels")
    tree, policy = _load(config)
    now = SystemClock().now()
    taken = [_Taken.of(route, tree, policy, alert, now) for route in tree.match(alert)]
    receivers = list(dict.fromkeys(each.route.receiver for each in taken))
    if output is Output.JSON:
        print(json.dumps({"receivers": receivers, "routes": [each.data() for each in taken]}, indent=2))
    else:
        print(plain(f"receivers: {', '.join(receivers)}"))
        for each in taken:
            print("\n" + "\n".join(map(plain, each.lines())))
    expected = [name.strip() for name in verify_receivers.split(",") if name.strip()]
    if expected and sorted(set(expected)) != sorted(receivers):
        print(plain(f"error: this should go to {', '.join(expected)}"), file=sys.stderr)
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """A route that an alert takes, the way to it, and the group in which it is told."""

    route: Route
    path: Sequence[Route]
    group_key: str
    muted_by: str | None

    @classmethod
    def of(cls, route: Route, tree: RoutingTree, policy: MutePolicy, alert: Mapping[str, str], now: float) -> _Taken:
        mute = interval_mute(route, policy.intervals, now)
        return cls(
            route=route,
            path=tree.path(route),
            group_key=tree.group_key(route, alert),
            muted_by=mute.by if mute else None,
        )

    def data(self) -> dict[str, Any]:
        return {
            "receiver": self.route.receiver,
            "path": [_name(route) for route in self.path],
            "group_key": self.group_key,
            **_rhythm(self.route),
            "muted_now_by": self.muted_by,
        }

    def lines(self) -> Iterator[str]:
        yield f"receiver: {self.route.receiver}"
        yield f"path: {' > '.join(map(_name, self.path))}"
        yield f"group: {self.group_key}"
        yield f"rhythm: {_written(_rhythm(self.route))}"
        if self.muted_by is not None:
            yield f"muted now by: {self.muted_by}"


def _load(config: Config) -> tuple[RoutingTree, MutePolicy]:
    alerting = load(config).alerting
    return routing_tree(alerting.route), mute_policy(alerting)


def _name(route: Route) -> str:
    return "default route" if route.key == "{}" else format_matchers(route.matchers)


def _rhythm(route: Route) -> dict[str, Any]:
    """Return how a route groups and when it tells, in seconds; what says nothing is left out."""
    optional = {
        "repeat_backoff": route.repeat_backoff if route.repeat_backoff != 1 else None,
        "repeat_max": route.repeat_max,
        "mute_time_intervals": list(route.mute_time_intervals) or None,
        "active_time_intervals": list(route.active_time_intervals) or None,
    }
    return {
        "group_by": list(route.group_by),
        "group_wait": route.group_wait,
        "group_interval": route.group_interval,
        "repeat_interval": route.repeat_interval,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _written(rhythm: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_value(name, value)}" for name, value in rhythm.items())


def _value(name: str, value: Any) -> str:
    if isinstance(value, list):
        return f"[{' '.join(value)}]"
    return f"{value:g}" if name == "repeat_backoff" else format_duration(value)


def _node(route: Route) -> dict[str, Any]:
    return {
        "key": route.key,
        "matchers": [str(matcher) for matcher in route.matchers],
        "receiver": route.receiver,
        "continue": route.continue_,
        **_rhythm(route),
        "routes": [_node(child) for child in route.routes],
    }


def _outline(route: Route, inherited: Mapping[str, Any], depth: int) -> Iterator[str]:
    """Yield the lines of a route and of those below it; of its rhythm what the route above has otherwise."""
    indent = "    " * depth
    yield f"{indent}{plain(_name(route))} -> {plain(route.receiver)}{', continue' if route.continue_ else ''}"
    rhythm = _rhythm(route)
    if own := {name: value for name, value in rhythm.items() if inherited.get(name) != value}:
        yield f"{indent}  {plain(_written(own))}"
    for child in route.routes:
        yield from _outline(child, rhythm, depth + 1)
