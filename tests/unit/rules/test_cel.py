from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from monitor.rules.cel import MAX_SOURCE_BYTES, Environment, InvalidExpression, Kind, Truth, Value

ENVIRONMENT = Environment(
    {
        "run.age": Kind.DURATION,
        "run.age_at_most": Kind.DURATION,
        "run.limit": Kind.DURATION,
        "run.chats": Kind.INT,
        "app.name": Kind.STRING,
    }
)
DATA: dict[str, Value] = {
    "run.age": timedelta(hours=2),
    "run.limit": timedelta(hours=1),
    "run.chats": 4,
    "app.name": "Report writer",
}


KNOWN = "; there are app.name, run.age, run.age_at_most, run.chats, run.limit"
LONG_LOOP = f"[{','.join('1' * 1000)}]{'.filter(x, x > 0)' * 12} == []"


def truth_of(source: str) -> Truth:
    """Return what a condition comes to on DATA."""
    return ENVIRONMENT.compile(source, condition=True).evaluate(ENVIRONMENT.activation(DATA)).truth


@pytest.mark.parametrize(
    ("source", "truth"),
    [
        ("run.age > run.limit", Truth.TRUE),
        ("run.age < run.limit", Truth.FALSE),
        ('run.age > duration("1h59m59s") && run.age < duration("1d")', Truth.TRUE),
        ('run.age == run.limit + duration("1h")', Truth.TRUE),
        ('app.name.matches("^Report") && run.chats in [3, 4]', Truth.TRUE),
        ('["x", "Report"].exists(prefix, app.name.startsWith(prefix))', Truth.TRUE),
        ("run.age_at_most > run.limit", Truth.UNKNOWN),
        ("!(run.age_at_most > run.limit)", Truth.UNKNOWN),
        ("run.age_at_most > run.limit || run.age > run.limit", Truth.TRUE),
        ("run.age_at_most > run.limit && run.age < run.limit", Truth.FALSE),
        ("run.age_at_most > run.limit && run.age > run.limit", Truth.UNKNOWN),
    ],
)
def test_conditions_have_three_values(source: str, truth: Truth) -> None:
    """A condition is true or false where its variables decide it, and unknown where an absent one is needed."""
    assert truth_of(source) is truth


@pytest.mark.parametrize(
    ("source", "failure"),
    [
        ("run.chats / (run.chats - 4) > 1", "INVALID_ARGUMENT: divide by zero"),
        ("int(app.name) > 1", "INVALID_ARGUMENT: cannot convert string to int"),
        ('app.name == "Report writer" && int(run.age) > 60', "UNKNOWN: No matching overloads found : int(duration)"),
        (f'app.name == "Report writer" && {LONG_LOOP}', "INTERNAL: Iteration budget exceeded [INTERNAL]"),
    ],
)
def test_failures_are_values(source: str, failure: str) -> None:
    """What fails at run time is unknown and tells why; it neither raises nor counts as true."""
    verdict = ENVIRONMENT.compile(source, condition=True).evaluate(ENVIRONMENT.activation(DATA))
    assert (verdict.truth, verdict.failure) == (Truth.UNKNOWN, failure)


def test_text_about_failures_is_no_failure() -> None:
    """A text that reads like one of the engine's failures is a text."""
    text = "invalid regular expression"
    assert ENVIRONMENT.compile(f"'{text}'").text(ENVIRONMENT.activation({})) == text


@pytest.mark.parametrize("value", [3, None, timedelta.max, "1h"])
def test_data_of_a_wrong_type_is_a_failure(value: Any) -> None:
    """A value of another type than declared makes the evaluation fail; it is never converted or taken as true."""
    verdict = ENVIRONMENT.compile("run.age > run.limit").evaluate(ENVIRONMENT.activation({**DATA, "run.age": value}))
    assert verdict.truth is Truth.UNKNOWN
    assert verdict.failure is not None


@pytest.mark.parametrize(
    ("source", "index", "message"),
    [
        ("run.agee > run.limit", 0, "unknown variable run.agee; did you mean run.age?"),
        ("true && runn.age > run.limit", 8, "unknown variable runn.age; did you mean run.age?"),
        ("app.name.lenght > 3", 0, "unknown variable app.name.lenght; did you mean app.name?"),
        ("'가😀' == app.name && app.nam == ''", 20, "unknown variable app.nam; did you mean app.name?"),
        ('run.age > duration("7d") &&\n  run.limt > run.age', 30, "unknown variable run.limt; did you mean run.limit?"),
        ("app.name.startWith('a')", 9, "unknown function startWith; did you mean startsWith?"),
        ("app.name.size(1) > 1", 9, "size() does not take what it is given here"),
        ("run.chats > 2.5", 10, "> cannot be used with an int and a double"),
        ("!run.chats", 0, "! cannot be used with an int"),
        ("app.name in run.chats", 9, "in cannot be used with a string and an int"),
        ("app.name.startsWith(1)", 9, "startsWith() cannot be used with a string and an int"),
        ("true ? 1 : 'a'", 5, "both results of a ? : must have one type, these are an int and a string"),
        ("run.age + run.limit", 0, "must be a boolean, this one is a duration"),
        ("[run.age]", 0, "must be a boolean, this one is a list"),
        ("dyn(true)", 0, "must be a boolean, this one is a value of unknown type"),
        ("  ", 0, "the expression is empty"),
        ("app.name == 'recursion' && foo == 1", 27, f"unknown variable foo{KNOWN}"),
        ("app.name == 'ERROR: <input>:1:1: x' && foo == 1", 39, f"unknown variable foo{KNOWN}"),
        ("run.age >", 9, "syntax error: unexpected input the end"),
        ("'\ud800' == app.name", 1, "this holds half a surrogate pair"),
        (LONG_LOOP, 0, "this iterates more often than the 10,000 times allowed"),
        ("int(run.age) > 60", 0, "a function is used with a type it does not take: int(duration)"),
    ],
)
def test_refusals_say_what_and_where(source: str, index: int, message: str) -> None:
    """A source that cannot be used is refused in plain words, at the character where the trouble begins."""
    with pytest.raises(InvalidExpression) as refused:
        ENVIRONMENT.compile(source, condition=True)
    [problem] = refused.value.problems
    assert (problem.index, problem.message) == (index, message)


def test_every_unknown_name_is_reported() -> None:
    """Several wrong names in one source are several problems, in order."""
    with pytest.raises(InvalidExpression) as refused:
        ENVIRONMENT.compile('run.agee > duration("1x") && app.nam == ""', condition=True)
    assert [problem.index for problem in refused.value.problems] == [0, 20, 29]


def test_length_is_limited_in_bytes() -> None:
    """A source may have 4 KiB, counted as UTF-8."""
    fitting = f"app.name == '{'a' * (MAX_SOURCE_BYTES - 14)}'"
    ENVIRONMENT.compile(fitting)
    with pytest.raises(InvalidExpression, match="4097 bytes"):
        ENVIRONMENT.compile(fitting + " ")
    with pytest.raises(InvalidExpression, match="bytes"):
        ENVIRONMENT.compile(f"app.name == '{'가' * 1400}'")


def test_an_expression_tells_what_it_names() -> None:
    """Variables, durations and sums of a source are known without evaluating it."""
    expression = ENVIRONMENT.compile('run.age > run.limit - duration("10m") || run.chats > 100')
    assert expression.variables == {"run.age", "run.limit", "run.chats"}
    assert expression.durations == (600.0,)
    assert expression.has_sum
    assert not ENVIRONMENT.compile('app.name == "a-b+c"').has_sum
