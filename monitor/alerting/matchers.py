"""
Conditions on labels: the matchers of routes, silences and inhibition rules, as Alertmanager reads and writes them.

The grammar is Alertmanager's classic one (its package `pkg/labels`), and, for what that refuses, the newer one that has
names in UTF-8 (`matcher/parse`): where both take a text, the classic meaning counts, as in Alertmanager itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import re2

__all__ = ["Matcher", "Operator", "all_match", "format_matchers", "parse_matcher", "parse_matchers", "quote"]

_SPACE = "\t\n\f\r "
_OPERATOR = "=~|!~|!=|="

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_CLASSIC = re.compile(
    rf"[{_SPACE}]*(?P<name>{_NAME.pattern})[{_SPACE}]*(?P<operator>{_OPERATOR})[{_SPACE}]*(?P<value>.*)", re.DOTALL
)
_QUOTED = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE = re.compile(r'(?P<text>(?!")(?:[^"\\]|\\.)*\\?)', re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\n])')

_WORD = r'"(?:[^"\\\n]|\\.)*"|[^\s{}!=~,\\"\'`]+'
_UTF8 = re.compile(rf"\s*(?P<name>{_WORD})\s*(?P<operator>{_OPERATOR})\s*(?P<value>{_WORD})\s*")
_GO_ESCAPE = re.compile(r"\\(?:u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|(?P<single>.))")
_GO_SINGLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}


class Operator(StrEnum):
    """How a matcher compares, as it is written; in the order in which Alertmanager sorts them."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


_RANK = {operator: rank for rank, operator in enumerate(Operator)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """
    A condition on one label; a label that is absent has the value "".

    Regular expressions are RE2's and match the whole value. ValueError is raised when `value` is not one, and when
    `name` is empty.
    """

    name: str
    operator: Operator
    value: str
    _regex: Any = field(init=False, repr=False, compare=False)  # re2 has no types; None where it is not needed
    _wanted: bool = field(init=False, repr=False, compare=False)  # whether the value has to be so, or must not be

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a matcher needs the name of a label before its operator and value")
        regex = _compile(self.value) if self.operator in (Operator.REGEX, Operator.NOT_REGEX) else None
        object.__setattr__(self, "_regex", regex)
        object.__setattr__(self, "_wanted", self.operator in (Operator.EQUAL, Operator.REGEX))

    def __str__(self) -> str:
        name = self.name if _NAME.fullmatch(self.name) else quote(self.name)
        return f"{name}{self.operator}{quote(self.value)}"

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether an alert with these labels satisfies this condition."""
        actual = labels.get(self.name, "")
        equal = actual == self.value if self._regex is None else self._regex.fullmatch(actual) is not None
        return equal is self._wanted


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    r"""
    Return the matchers of `text`: ``severity="info"``, ``app!=Billing,team=~b.*`` or ``{"label.name"="x"}``.

    Commas separate them, and braces around all of them may stand or not; an empty text is no matcher. In a value,
    ``\"``, ``\\`` and ``\n`` are escapes and any other backslash stands for itself, so most regular expressions need
    no doubling. A bare value is everything up to the comma, but for white space around it. ValueError is raised, with
    the way to write it, for anything else.
    """
    try:
        return _classic(text)
    except ValueError as error:
        reason = error
    try:
        return _utf8(text)
    except ValueError:
        raise reason from None  # names in UTF-8 are rare: most people meant the classic form


def parse_matcher(text: str) -> Matcher:
    """Return the one matcher that `text` stands for; raise ValueError when it is none, or several."""
    matchers = parse_matchers(text)
    if len(matchers) != 1:
        raise ValueError(f"{_shown(text)} is not one matcher, but {len(matchers)}; put its value into double quotes")
    return matchers[0]


def all_match(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Return whether an alert with these labels satisfies all conditions; without any, every alert does."""
    return all(matcher.matches(labels) for matcher in matchers)


def format_matchers(matchers: Iterable[Matcher]) -> str:
    """Return matchers as Alertmanager writes them in the key of a route: ``{a="1",b!="2"}``, sorted."""
    ordered = sorted(matchers, key=lambda each: (each.name, each.value, _RANK[each.operator]))
    return f"{{{','.join(map(str, ordered))}}}"


def quote(value: str) -> str:
    """Return `value` in double quotes, on one line, as Alertmanager writes the value of a label."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _classic(text: str) -> tuple[Matcher, ...]:
    *parts, last = _split(text.removeprefix("{").removesuffix("}"))
    if last := last.strip():  # a comma may stand at the end
        parts.append(last)
    return tuple(_classic_matcher(part, text) for part in parts)


def _split(text: str) -> list[str]:
    """Return what stands between the commas that are outside of double quotes."""
    parts, start, quoted, escaped = [], 0, False, False
    for index, char in enumerate(text):
        if char == ",":
            if not quoted:
                parts.append(text[start:index])
                start = index + 1
        elif char == '"':
            quoted ^= not escaped
            escaped = False
        else:
            escaped = char == "\\" and not escaped
    return [*parts, text[start:]]


def _classic_matcher(part: str, text: str) -> Matcher:
    match = _CLASSIC.fullmatch(part)
    if match is None:
        raise ValueError(f'{_shown(text)} is not a matcher; write it as name="value", with one of = != =~ !~')
    raw = match["value"].rstrip(_SPACE)
    value = _QUOTED.fullmatch(raw) or _BARE.fullmatch(raw)
    if value is None:
        raise ValueError(
            f"{_shown(text)} is not a matcher: its value has a double quote too few or too many; "
            "put a backslash before each that belongs to the value"
        )
    unescaped = _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], value["text"])
    return Matcher(name=match["name"], operator=Operator(match["operator"]), value=unescaped)


def _utf8(text: str) -> tuple[Matcher, ...]:
    inner = text.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1]
    matchers: list[Matcher] = []
    position = 0
    while inner[position:].strip():
        match = _UTF8.match(inner, position)
        if match is None or inner[match.end() : match.end() + 1] not in ("", ","):
            raise ValueError(f"{_shown(text)} is not a list of matchers")
        name, value = _go_unquoted(match["name"]), _go_unquoted(match["value"])
        matchers.append(Matcher(name=name, operator=Operator(match["operator"]), value=value))
        position = match.end() + 1
    return tuple(matchers)


def _go_unquoted(word: str) -> str:
    """Return what a word means: as it stands, or, in double quotes, a string of the language Go."""
    if not word.startswith('"'):
        return word
    return _GO_ESCAPE.sub(_go_character, word[1:-1])


def _go_character(found: re.Match[str]) -> str:
    if number := found["short"] or found["long"]:
        character = chr(int(number, 16))
        character.encode()  # a half of a surrogate pair is no character
        return character
    if found["single"] not in _GO_SINGLE:
        raise ValueError(f"there is no escape \\{found['single']}")
    return _GO_SINGLE[found["single"]]


def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False  # the error is raised; RE2 would print it as well
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        raise ValueError(f"{_shown(pattern)} is not a regular expression as RE2 knows it: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    detail = error.args[0] if error.args else ""
    return detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)


_LONGEST_SHOWN = 120  # characters


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}...")
