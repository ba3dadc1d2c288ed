"""
Which receivers are told about an alert, and which alerts are told together.

The routing tree and the group key have the words and the meaning of Alertmanager's configuration, and the group key has
its form, so what groups by it downstream keeps working.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from monitor.alerting.matchers import Matcher, all_match, format_matchers, quote

__all__ = ["Route", "RoutingTree"]

ALL_LABELS = "..."
"""As the one element of `Route.group_by`: group by all labels, so that each label set is a group of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """
    Where alerts go that satisfy all `matchers` and that none of `routes` takes, and in which rhythm (seconds).

    `group_by` names the labels whose values make a group; ``("...",)`` means all labels, ``()`` means one group. Each
    repeat comes `repeat_backoff` times later than the one before, but never later than `repeat_max`. Nothing new is
    told in the `mute_time_intervals`, nor, when there are any, outside of the `active_time_intervals`. With `continue_`
    the routes after this one are tried as well.

    `key` is the stable name of the route, as Alertmanager's: ``{}`` for the root, ``{}/{severity="info"}`` for a child.
    It is given by the tree that the route is put into.
    """

    receiver: str
    group_by: tuple[str, ...]
    group_wait: float
    group_interval: float
    repeat_interval: float
    repeat_backoff: float = 1.0
    repeat_max: float | None = None
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    matchers: tuple[Matcher, ...] = ()
    continue_: bool = False
    routes: tuple[Route, ...] = ()
    key: str = "{}"

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether an alert with these labels satisfies all matchers."""
        return all_match(self.matchers, labels)


class RoutingTree:
    """
    A root route, which takes what no other takes, with all that is below it.

    Every route has a key of its own: of several with one parent and the same matchers, the second has the key of the
    first with ``#2`` at its end. ValueError is raised when the root has matchers or time intervals.
    """

    def __init__(self, root: Route) -> None:
        if root.matchers or root.mute_time_intervals or root.active_time_intervals:
            raise ValueError("the root route takes every alert at any time: it can have no matchers and no intervals")
        self.root = _with_keys(root, "{}")
        self._paths = {path[-1].key: path for path in _paths(self.root, ())}

    def match(self, labels: Mapping[str, str]) -> list[Route]:
        """Return the routes an alert with these labels takes, in the order of the tree: at least one."""
        return _match(self.root, labels)

    def routes(self) -> Iterator[Route]:
        """Yield every route, each before those below it."""
        return (path[-1] for path in self._paths.values())

    def by_key(self, key: str) -> Route | None:
        """Return the route with this key, None when there is none."""
        return path[-1] if (path := self._paths.get(key)) else None

    def path(self, route: Route) -> tuple[Route, ...]:
        """Return the way from the root to a route of this tree, both included."""
        return self._paths[route.key]

    def group_labels(self, route: Route, labels: Mapping[str, str]) -> dict[str, str]:
        """Return the labels an alert with these labels shares with its whole group on this route, sorted by name."""
        names = labels.keys() if route.group_by == (ALL_LABELS,) else labels.keys() & set(route.group_by)
        return {name: labels[name] for name in sorted(names)}

    def group_key(self, route: Route, labels: Mapping[str, str]) -> str:
        """Return the stable key of its group on this route: ``{}/{severity="info"}:{alertname="X", project="p"}``."""
        pairs = (f"{name}={quote(value)}" for name, value in self.group_labels(route, labels).items())
        return f"{route.key}:{{{', '.join(pairs)}}}"


def _with_keys(route: Route, key: str) -> Route:
    seen: Counter[str] = Counter()
    children = []
    for child in route.routes:
        below = f"{key}/{format_matchers(child.matchers)}"
        seen[below] += 1
        number = f"#{seen[below]}" if seen[below] > 1 else ""
        children.append(_with_keys(child, below + number))
    return replace(route, key=key, routes=tuple(children))


def _paths(route: Route, above: tuple[Route, ...]) -> Iterator[tuple[Route, ...]]:
    path = (*above, route)
    yield path
    for child in route.routes:
        yield from _paths(child, path)


def _match(route: Route, labels: Mapping[str, str]) -> list[Route]:
    """Return the routes from this one down that an alert takes: those below it first, itself when none of them does."""
    taken: list[Route] = []
    for child in route.routes:
        if child.matches(labels):
            taken += _match(child, labels)
            if not child.continue_:
                break
    return taken or [route]
