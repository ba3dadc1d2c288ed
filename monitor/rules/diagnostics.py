"""What the CEL engine says about a source that it refuses, in plain words and at the right place."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches

from monitor.rules.lexer import Folded, Problem

__all__ = ["describe_type", "did_you_mean", "explain"]

FUNCTIONS = frozenset(
    {
        *("bool", "bytes", "double", "int", "string", "duration", "timestamp", "humanize"),
        *("all", "exists", "exists_one", "filter", "size"),
        *("contains", "startsWith", "endsWith", "matches"),
        *("getFullYear", "getMonth", "getDayOfMonth", "getDayOfWeek"),
        *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
    }
)
"""What can be called: the standard functions and macros of CEL, and ours."""

MAX_MESSAGE = 200

# each error is followed by the line of the source that it is about, behind " | ": what is quoted there is no error
_ERROR = re.compile(r"^(?:[A-Z_]+: )?ERROR: <input>:(-?\d+):(-?\d+): (.*)", re.MULTILINE)
_TOO_DEEP = re.compile(
    r"CANCELLED: Expression recursion|INVALID_ARGUMENT: ERROR: <input>:-1:-1: Exceeded max recursion"
)
_UNDECLARED = re.compile(r"undeclared reference to '(.*)' \(in container")
_OVERLOAD = re.compile(r"found no matching overload for '(.*)' applied to '\((.*)\)'")
_SYNTAX = re.compile(r"Syntax error: (.*)")
_TYPE_WORDS = {
    "google.protobuf.Duration": "duration",
    "google.protobuf.Timestamp": "timestamp",
    "null_type": "null",
    "bool": "boolean",
    "dyn": "value of unknown type",
}


def explain(refusal: str, source: str, folded: Folded, variables: Collection[str]) -> list[Problem]:
    """Return the problems that the engine's `refusal` of the folded `source` tells about, in the order of places."""
    if _TOO_DEEP.match(refusal):
        return [Problem("this is nested too deeply, or too long a chain of operators; 32 levels are allowed", 0)]
    problems = []
    for line, column, message in _ERROR.findall(refusal):
        index = folded.source_index(_index(folded.text, int(line), int(column)))
        problems.append(_problem(message, index, source, variables))
        if message.startswith("Syntax error"):
            break  # the parser stumbles on: what follows are consequences
    if not problems:
        return [Problem(f"the expression cannot be used: {refusal.splitlines()[0]}", 0)]
    unique = {problem.index: problem for problem in reversed(problems)}
    return sorted(unique.values(), key=lambda problem: problem.index)


def describe_type(name: str) -> str:
    """Return the engine's type `name` with its article: ``a duration``, ``an int``."""
    plain = name if name in _TYPE_WORDS else re.sub(r"[<(].*", "", name.lower())
    word = _TYPE_WORDS.get(plain, plain)
    return f"an {word}" if word[:1] in "aeiou" else f"a {word}"


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return ``; did you mean ...?`` with the nearest of the `known` words, or what there is when none is near."""
    near = get_close_matches(word, sorted(known), n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; there are {', '.join(sorted(known))}"


def _index(text: str, line: int, column: int) -> int:
    """Return the index of a place that counts lines and characters from 1; of the start when there is none."""
    if line < 1:
        return 0
    lines = text.split("\n")
    return sum(len(before) + 1 for before in lines[: line - 1]) + column - 1


def _problem(message: str, index: int, source: str, variables: Collection[str]) -> Problem:
    if match := _UNDECLARED.match(message):
        return _unknown_name(match[1], index, source, variables)
    if match := _OVERLOAD.match(message):
        return _wrong_operands(match[1], match[2], index, source)
    if "operand of a select operation" in message:
        return _wrong_field(index, source, variables)
    if match := _SYNTAX.match(message):
        return Problem(_syntax(match[1]), index)
    return Problem(message[:MAX_MESSAGE], index)


def _unknown_name(name: str, index: int, source: str, variables: Collection[str]) -> Problem:
    # the engine points at the last dot of a name, or at the parenthesis of a call
    start = source.rfind(name, 0, index + len(name))
    is_call = re.match(r"\s*\(", source[index:]) is not None
    if is_call and name in FUNCTIONS:
        return Problem(f"{name}() does not take what it is given here", max(start, 0))
    if is_call:
        return Problem(f"unknown function {name}{did_you_mean(name, FUNCTIONS)}", max(start, 0))
    return Problem(f"unknown variable {name}{did_you_mean(name, variables)}", index if start < 0 else start, name)


def _wrong_field(index: int, source: str, variables: Collection[str]) -> Problem:
    start = index - len(_trailing_name(source[:index]))
    path = re.match(r"[\w.]*", source[start:], re.ASCII)
    name = path.group() if path else ""
    if "." not in name.strip("."):
        return Problem("this value has no fields", index)
    return Problem(f"unknown variable {name}{did_you_mean(name, variables)}", start, name)


def _wrong_operands(function: str, types: str, index: int, source: str) -> Problem:
    operands = list(_split_types(types))
    described = " and ".join(describe_type(operand) for operand in operands)
    operator = function.replace("_", "").replace("@in", "in")
    if function == "_?_:_":
        return Problem(f"both results of a ? : must have one type, these are {described.split(' and ', 1)[1]}", index)
    if function[:1] in "_-!@" or function == "@in":
        hint = '; a duration is written duration("15m")' if _is_duration_with_number(operands) else ""
        return Problem(f"{operator} cannot be used with {described}{hint}", index)
    start = index - len(_trailing_name(source[:index]).rpartition(".")[2])
    return Problem(f"{function}() cannot be used with {described or 'nothing'}", start)


def _is_duration_with_number(operands: list[str]) -> bool:
    return "google.protobuf.Duration" in operands and not {"int", "double", "uint", "string"}.isdisjoint(operands)


def _split_types(types: str) -> Iterator[str]:
    """Yield the types of a comma-separated list whose members may hold commas themselves: ``int, map(string, int)``."""
    depth = start = 0
    for position, character in enumerate(types):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            yield types[start:position]
            start = position + 2
    if types:
        yield types[start:]


def _trailing_name(text: str) -> str:
    match = re.search(r"[\w.]*$", text, re.ASCII)
    return match.group() if match else ""


def _syntax(message: str) -> str:
    message = re.sub(r" expecting \{.*", "", message)  # a list of every token there is helps nobody
    message = message.replace("'<EOF>'", "the end").replace("<EOF>", "the end").replace("mismatched", "unexpected")
    message = message.replace("extraneous", "unexpected").replace("token recognition error at:", "cannot read")
    hint = "; equality is written ==" if "'= '" in message else ""
    return f"syntax error: {message[:MAX_MESSAGE]}{hint}"
