"""Annotations: text with `{{ CEL }}` in it, checked when it is loaded and never failing when it is rendered."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from monitor.rules.cel import Activation, Environment, Expression, InvalidExpression
from monitor.rules.lexer import Problem, tokens

__all__ = ["MAX_RENDERED", "Template", "parse_template"]

MAX_RENDERED = 2000
"""The most characters of a rendered text; receivers have limits of this order."""

MAX_TEMPLATE = 8192
_UNKNOWN = "<unknown>"
_JOINER = "\N{ZERO WIDTH JOINER}"


@dataclass(frozen=True, slots=True)
class Template:
    """A checked text: `parts` are literal text and expressions, in order."""

    source: str
    parts: tuple[str | Expression, ...]

    def render(self, activation: Activation) -> str:
        """Return the text; a piece that is unknown or fails reads ``<unknown>``, and what is too long is cut."""
        return _shorten("".join(_rendered(part, activation) for part in self.parts))


def parse_template(text: str, environment: Environment) -> Template:
    """Return the checked template; raise InvalidExpression with the problems of all its pieces."""
    if len(text) > MAX_TEMPLATE:
        raise InvalidExpression([Problem(f"this is {len(text)} characters long; {MAX_TEMPLATE} are allowed", 0)])
    parts: list[str | Expression] = []
    problems: list[Problem] = []
    for piece in _pieces(text):
        if isinstance(piece, str):
            parts.append(piece)
            continue
        start, end = piece
        try:
            parts.append(environment.compile(text[start:end]))
        except InvalidExpression as error:
            problems += [replace(problem, index=start + problem.index) for problem in error.problems]
    if problems:
        raise InvalidExpression(problems)
    return Template(text, tuple(parts))


def _pieces(text: str) -> Iterator[str | tuple[int, int]]:
    """Yield literal text, and for each expression where it begins and ends."""
    position = 0
    while (opening := text.find("{{", position)) >= 0:
        if opening > position:
            yield text[position:opening]
        closing = _closing(text, opening + 2)
        if closing is None:
            raise InvalidExpression([Problem("{{ is never closed with }}", opening)])
        yield opening + 2, closing
        position = closing + 2
    if position < len(text):
        yield text[position:]


def _closing(text: str, start: int) -> int | None:
    """Return where the `}}` of the expression that begins at `start` stands: braces of maps and strings are not it."""
    depth = 0
    for token in tokens(text, start):
        if token.text == "{":
            depth += 1
        elif token.text == "}" and depth:
            depth -= 1
        elif token.text == "}" and text.startswith("}}", token.start):
            return token.start
    return None


def _rendered(part: str | Expression, activation: Activation) -> str:
    if isinstance(part, str):
        return part
    text = part.text(activation)
    return _UNKNOWN if text is None else text


def _shorten(text: str) -> str:
    """Cut `text` to the most allowed, not within what is read as one character."""
    if len(text) <= MAX_RENDERED:
        return text
    end = MAX_RENDERED - 1
    while end and (unicodedata.combining(text[end]) or _JOINER in text[end - 1 : end + 1]):
        end -= 1
    return text[:end] + "…"
