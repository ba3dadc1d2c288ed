"""
Which receivers are told about an alert, and which alerts are told together.

Matchers, the routing tree and the group key have the words and the meaning of Alertmanager's configuration, and the
group key has its form, so what groups by it downstream keeps working.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import re2

__all__ = ["Matcher", "Operator", "Route", "RoutingTree", "parse_matcher"]

ALL_LABELS = "..."
"""As the one element of `Route.group_by`: group by all labels, so that each label set is a group of its own."""

_MATCHER = re.compile(r"\s*(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*(?P<operator>=~|!~|!=|=)\s*(?P<value>.*?)\s*", re.DOTALL)
_QUOTED = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE = re.compile(r"""[^{},"'`=~!][^{},"'`]*|""", re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\n])')


class Operator(StrEnum):
    """How a matcher compares, as it is written."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """
    A condition on one label; a label that is absent has the value "".

    Regular expressions are RE2's and match the whole value. ValueError is raised when `value` is not one.
    """

    name: str
    operator: Operator
    value: str
    _regex: Any = field(init=False, repr=False, compare=False)  # re2 has no types; None where it is not needed

    def __post_init__(self) -> None:
        regex = _compile(self.value) if self.operator in (Operator.REGEX, Operator.NOT_REGEX) else None
        object.__setattr__(self, "_regex", regex)

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{_quote(self.value)}"

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether an alert with these labels satisfies this condition."""
        actual = labels.get(self.name, "")
        equal = actual == self.value if self._regex is None else self._regex.fullmatch(actual) is not None
        return equal is (self.operator in (Operator.EQUAL, Operator.REGEX))


def parse_matcher(text: str) -> Matcher:
    r"""
    Return the matcher that `text` stands for, such as ``severity="info"``, ``app!=Billing`` or ``app=~"Report.*"``.

    In a value, ``\"``, ``\\`` and ``\n`` are escapes, and any other backslash stands for itself, so most regular
    expressions need no doubling. ValueError is raised for anything else, and for values that could be meant in two
    ways unless they are quoted.
    """
    match = _MATCHER.fullmatch(text)
    if match is None:
        raise ValueError(f'{text!r} is not a matcher; write it as name="value", with one of = != =~ !~')
    value = match["value"]
    quoted = _QUOTED.fullmatch(value)
    if quoted is None and _BARE.fullmatch(value) is None:
        raise ValueError(
            f"{text!r} is not one matcher: put its value into double quotes, with a backslash before each inside, "
            "and write several matchers as several list items"
        )
    unescaped = _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], quoted["text"] if quoted else value)
    return Matcher(name=match["name"], operator=Operator(match["operator"]), value=unescaped)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """
    Where alerts go that satisfy all `matchers`, and in which rhythm (seconds).

    `group_by` names the labels whose values make a group; ``("...",)`` means all labels, ``()`` means one group.
    With `continue_` the routes after this one are tried as well.
    """

    receiver: str
    group_by: tuple[str, ...]
    group_wait: float
    group_interval: float
    repeat_interval: float
    matchers: tuple[Matcher, ...] = ()
    continue_: bool = False

    @property
    def key(self) -> str:
        """The stable name of this route: ``{}`` for the root, ``{}/{severity="info"}`` for a child."""
        if not self.matchers:
            return "{}"
        return "{}/{" + ",".join(sorted(str(matcher) for matcher in self.matchers)) + "}"

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether an alert with these labels satisfies all matchers."""
        return all(matcher.matches(labels) for matcher in self.matchers)


class RoutingTree:
    """
    A root route, which takes what no other takes, and its children, in the order in which they are tried.

    A group is known by its key and its receiver, so ValueError is raised when two children have both in common, and
    when the root has matchers.
    """

    def __init__(self, root: Route, children: Sequence[Route] = ()) -> None:
        if root.matchers:
            raise ValueError("the root route takes every alert: it can have no matchers")
        seen: set[tuple[str, str]] = set()
        for child in children:
            if (child.key, child.receiver) in seen:
                raise ValueError(f"two routes to {child.receiver!r} have the same matchers, {child.key}")
            seen.add((child.key, child.receiver))
        self.root = root
        self.children = tuple(children)

    def match(self, labels: Mapping[str, str]) -> list[Route]:
        """Return the routes an alert with these labels takes: at least one."""
        taken = []
        for child in self.children:
            if child.matches(labels):
                taken.append(child)
                if not child.continue_:
                    break
        return taken or [self.root]

    def group_labels(self, route: Route, labels: Mapping[str, str]) -> dict[str, str]:
        """Return the labels an alert with these labels shares with its whole group on this route, sorted by name."""
        names = labels.keys() if route.group_by == (ALL_LABELS,) else labels.keys() & set(route.group_by)
        return {name: labels[name] for name in sorted(names)}

    def group_key(self, route: Route, labels: Mapping[str, str]) -> str:
        """Return the stable key of its group on this route: ``{}/{severity="info"}:{alertname="X", project="p"}``."""
        pairs = (f"{name}={_quote(value)}" for name, value in self.group_labels(route, labels).items())
        return f"{route.key}:{{{', '.join(pairs)}}}"


def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False  # the error is raised; RE2 would print it as well
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression as RE2 knows it: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    detail = error.args[0] if error.args else ""
    return detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
