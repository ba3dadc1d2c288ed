"""
The words of a CEL source: enough to see which variables and durations it names, and to say where.

The engine compiles and checks; it keeps its syntax tree to itself, so what else must be known about a source is read
from its tokens. Source of the syntax: the CEL language definition, section "Syntax".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from monitor.durations import parse_duration

__all__ = ["Folded", "Problem", "Token", "fold_durations", "refused_calls", "tokens", "variables_in"]

MAX_DURATION = 315_576_000_000.0
"""The longest duration CEL can hold, in seconds: 10,000 years."""

_TOKEN = re.compile(
    r"""
    (?P<blank>\s+|//[^\n]*)
  | (?P<string>
        (?:[rR][bB]?|[bB][rR])(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*')
      | [bB]?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    )
  | (?P<name>[A-Za-z_]\w*)
  | (?P<number>\d[\w.]*)
  | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_MACROS = frozenset({"all", "exists", "exists_one", "existsOne", "filter"})
_QUOTED = re.compile(r"[rR]?(\"{3}|'{3}|[\"'])(?P<text>.*)\1", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a source, the index of the character where, and the name that is unknown if that is it."""

    message: str
    index: int
    unknown: str = ""


class Token(NamedTuple):
    """One word of a source; `kind` is string, name, number or mark (one character of punctuation)."""

    kind: str
    text: str
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """A source as the engine takes it, the durations it names in seconds, and what is wrong with them."""

    text: str
    durations: tuple[float, ...]
    problems: tuple[Problem, ...]
    edits: tuple[tuple[int, int, int], ...]  # start in the source, length there, length in `text`

    def source_index(self, index: int) -> int:
        """Return where the character at `index` of `text` stands in the source."""
        for start, before, after in self.edits:
            if index < start:
                break
            if index < start + after:
                return start
            index += before - after
        return index


def tokens(source: str, start: int = 0) -> Iterator[Token]:
    """Yield the words of `source` from `start` on, without blanks and comments."""
    for match in _TOKEN.finditer(source, start):
        if match.lastgroup != "blank":
            yield Token(str(match.lastgroup), match.group(), match.start())


def refused_calls(source: str) -> Iterator[Problem]:
    """
    Yield a problem for each call that the engine would take, but should not.

    `has()` means something else to it than to people. `map()`, and macros within macros, bind a new value to a name:
    thirty of them, each doubling a text, fill any memory before the engine's limit on iterations is reached.
    """
    enclosing: list[bool] = []  # for each open parenthesis: whether it is a macro's
    for name, mark in pairwise(tokens(source)):
        if mark.text == ")" and enclosing:
            enclosing.pop()
        if mark.text != "(":
            continue
        if name.text == "has":
            yield Problem("has() is not for variables: where one is unknown, so is the rule", name.start)
        elif name.text == "map":
            yield Problem("map() is not in this version; lists can be asked with exists() and all()", name.start)
        elif name.text in _MACROS and any(enclosing):
            yield Problem(f"{name.text}() may not stand within another such call", name.start)
        enclosing.append(name.text in _MACROS)


def variables_in(source: str, declared: Iterable[str]) -> frozenset[str]:
    """Return which of the `declared` dotted names `source` names."""
    known = frozenset(declared)
    found: set[str] = set()
    for parts in _dotted_names(source):
        prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        found.update(name for name in prefixes if name in known)
    return frozenset(found)


def fold_durations(source: str) -> Folded:
    """
    Rewrite each `duration("7d")` into seconds.

    CEL itself knows no days and weeks, and finds a wrong literal only when it evaluates it; here one syntax holds for
    all durations of a rule file, and a wrong one is a problem of the source.
    """
    pieces, edits, durations, problems = [], [], [], []
    end = 0
    for literal in _duration_literals(source):
        try:
            seconds = _seconds(literal.text)
        except ValueError as error:
            problems.append(Problem(str(error), literal.start))
            continue
        text = f'"{seconds:.3f}s"'
        pieces += [source[end : literal.start], text]
        end = literal.start + len(literal.text)
        edits.append((literal.start, len(literal.text), len(text)))
        durations.append(seconds)
    folded = "".join([*pieces, source[end:]])
    return Folded(text=folded, durations=tuple(durations), problems=tuple(problems), edits=tuple(edits))


def _duration_literals(source: str) -> Iterator[Token]:
    before: tuple[str, ...] = ("", "", "")
    for token, after in pairwise(tokens(source)):
        before = (*before[1:], token.text)
        if token.kind == "string" and before[:2] == ("duration", "(") and after.text == ")":
            yield token


def _seconds(literal: str) -> float:
    quoted = _QUOTED.fullmatch(literal)
    seconds = parse_duration(quoted["text"] if quoted else literal)
    if seconds > MAX_DURATION:
        raise ValueError(f"{literal} is longer than the 10,000 years a duration can hold")
    return seconds


def _dotted_names(source: str) -> Iterator[list[str]]:
    parts: list[str] = []
    dotted = False
    for token in tokens(source):
        if token.kind == "name" and dotted:
            parts.append(token.text)
        elif parts and token.text == "." and not dotted:
            dotted = True
            continue
        else:
            if parts:
                yield parts
            parts = [token.text] if token.kind == "name" else []
        dotted = False
    if parts:
        yield parts
