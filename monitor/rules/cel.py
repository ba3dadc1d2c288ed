"""
CEL, the language of conditions and texts. The only module that knows which engine evaluates it.

The engine (cel-expr-python, Google's C++ runtime) checks names and types against declared variables when it compiles,
matches regular expressions in linear time, and refuses to iterate more than 10,000 times in one evaluation. Three of
its habits are dealt with here: a failed evaluation is a *value* of type ERROR (sometimes an exception), a variable
without a value is such an error too, and some type errors show only in an evaluation, so each source is tried once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, NewType

from cel_expr_python import cel  # type: ignore[import-untyped]  # ships a stub, but no py.typed marker

from monitor.errors import MonitorError
from monitor.rules.diagnostics import describe_type, explain
from monitor.rules.humanize import humanize
from monitor.rules.lexer import Folded, Problem, fold_durations, refused_calls, tokens, variables_in

__all__ = [
    "MAX_SOURCE_BYTES",
    "Activation",
    "Environment",
    "Expression",
    "InvalidExpression",
    "Kind",
    "Truth",
    "Value",
    "Verdict",
]

Activation = NewType("Activation", object)
"""The values of variables, converted once for any number of evaluations."""

Value = str | int | timedelta
"""What a variable may hold, by its `Kind`."""

MAX_SOURCE_BYTES = 4096


class Kind(Enum):
    """The type of a variable."""

    STRING = "string"
    INT = "int"
    DURATION = "duration"


class Truth(StrEnum):
    """What a condition came to. Unknown neither fires nor resolves."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one evaluation; a `failure` (why it failed) always comes with `Truth.UNKNOWN`."""

    truth: Truth
    failure: str | None = None


class InvalidExpression(MonitorError):
    """A source cannot be used; `problems` are in the order of their places."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = tuple(problems)


_TRUE, _FALSE, _UNKNOWN = Verdict(Truth.TRUE), Verdict(Truth.FALSE), Verdict(Truth.UNKNOWN)
_TYPES = {Kind.STRING: cel.Type.STRING, Kind.INT: cel.Type.INT, Kind.DURATION: cel.Type.DURATION}
_SAMPLES: Mapping[Kind, Value] = {Kind.STRING: "x", Kind.INT: 7, Kind.DURATION: timedelta(hours=1)}
_NO_VALUE = 'UNKNOWN: No value with name "'
_PERMANENT = {
    "No matching overloads found": "a function is used with a type it does not take",
    "invalid regular expression": "invalid regular expression",
    "Iteration budget exceeded": "this iterates more often than the 10,000 times allowed",
}
_HUMANIZE = cel.FunctionDecl(
    "humanize",
    [
        cel.Overload(f"humanize_{kind.name().lower()}", cel.Type.STRING, [kind], False, humanize)
        for kind in (cel.Type.DURATION, cel.Type.INT, cel.Type.DOUBLE)
    ],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """
    A checked source.

    `variables` are the declared names in it and `durations` the seconds of its duration literals; `has_sum` tells
    whether anything is added or subtracted in it.
    """

    source: str
    environment: Environment = field(repr=False, compare=False)
    variables: frozenset[str]
    durations: tuple[float, ...]
    has_sum: bool
    program: Any = field(repr=False, compare=False)

    def evaluate(self, activation: Activation) -> Verdict:
        """Return what this condition comes to; never raise."""
        value, failure = self._run(activation)
        if failure is None:
            return _TRUE if value is True else _FALSE
        return _UNKNOWN if failure.startswith(_NO_VALUE) else Verdict(Truth.UNKNOWN, failure)

    def text(self, activation: Activation) -> str | None:
        """Return the value as text for people, or None when it is unknown or its evaluation fails."""
        value, failure = self._run(activation)
        return _text(value) if failure is None else None

    def failure_on(self, activation: Activation) -> str | None:
        """Return why the evaluation fails, if it does; an unknown variable is a failure here too."""
        return self._run(activation)[1]

    def _run(self, activation: Activation) -> tuple[Any, str | None]:
        try:
            value = self.program.eval(activation)
            if value.type() != cel.Type.ERROR:
                return value.plain_value(), None
            return None, _one_line(value.plain_value())
        except (RuntimeError, ValueError, OverflowError) as error:  # raised where an ERROR value would be expected
            return None, _one_line(str(error))


class Environment:
    """The variables a source may name, by dotted name."""

    def __init__(self, variables: Mapping[str, Kind]) -> None:
        self.variables = dict(variables)
        types = {name: _TYPES[kind] for name, kind in variables.items()}
        self._engine = cel.NewEnv(variables=types, functions=[_HUMANIZE])

    def activation(self, data: Mapping[str, Value]) -> Activation:
        """Return `data` made ready for expressions of this environment; a variable left out is unknown."""
        return Activation(self._engine.Activation(data))

    def compile(self, source: str, *, condition: bool = False) -> Expression:
        """Return the checked `source`, which must be a boolean if it is a `condition`; raise InvalidExpression."""
        _check_text(source)
        folded = fold_durations(source)
        program = self._compile(source, folded)
        if folded.problems:
            raise InvalidExpression(list(folded.problems))
        result = program.return_type()
        if condition and result != cel.Type.BOOL:
            raise InvalidExpression([Problem(f"must be a boolean, this one is {describe_type(result.name())}", 0)])
        expression = Expression(
            source=source,
            environment=self,
            variables=variables_in(source, self.variables),
            durations=folded.durations,
            has_sum=any(token.text in {"+", "-"} for token in tokens(source)),
            program=program,
        )
        self._try(expression)
        return expression

    def _compile(self, source: str, folded: Folded) -> Any:
        try:
            return self._engine.compile(folded.text)
        except RuntimeError as error:
            problems = [*explain(str(error), source, folded, self.variables), *folded.problems]
            raise InvalidExpression(sorted(problems, key=lambda problem: problem.index)) from None

    def _try(self, expression: Expression) -> None:
        """Refuse what fails on any data: type errors that the engine's checker does not see, wrong patterns, loops."""
        samples = {name: _SAMPLES[kind] for name, kind in self.variables.items()}
        failure = expression.failure_on(self.activation(samples)) or ""
        for sign, message in _PERMANENT.items():
            if sign in failure:
                detail = failure.partition(sign)[2].removesuffix("[INTERNAL]").strip(" :")
                raise InvalidExpression([Problem(f"{message}: {detail}" if detail else message, 0)])


def _check_text(source: str) -> None:
    try:
        size = len(source.encode())
    except UnicodeEncodeError as error:
        raise InvalidExpression([Problem("this holds half a surrogate pair", error.start)]) from None
    if size > MAX_SOURCE_BYTES:
        raise InvalidExpression([Problem(f"this is {size} bytes long; {MAX_SOURCE_BYTES} are allowed", 0)])
    if not source.strip():
        raise InvalidExpression([Problem("the expression is empty", 0)])
    if problems := list(refused_calls(source)):
        raise InvalidExpression(problems)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return humanize(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return "" if value is None else str(value)


def _one_line(message: str) -> str:
    return " ".join(message.split())[:300]
