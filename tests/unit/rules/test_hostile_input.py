"""Whatever text comes, loading ends quickly, in rules or in ConfigErrors."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import ConfigErrors
from monitor.rules.cel import Environment, InvalidExpression
from monitor.rules.files import load
from monitor.rules.template import parse_template
from monitor.rules.variables import Subject, environment

ENVIRONMENT: Environment = environment(Subject.RUN)
CEL_WORDS = (
    "run.age run.limit run.chats app.name count x duration humanize exists all filter map has matches size int true "
    'null ( ) [ ] { } {{ }} , . .. : ? ! == != > < + - * / && || in "7d" "1h30m" \'a\' """ r" // 1 2.5 '
    "99999999999999999999 $ ` \\ \n \t 가 😀 \ud800 \0"
)
YAML_WORDS = (
    "groups: rules: alert: on: expr: for: by: labels: actions: stop: name: R run rating run.age>run.limit 5m - [ ] { } "
    ", & * &a *a ! !! !!str | > |- >- # ' \" % --- ... ? : << ~ null @ \\ \t \u0085 \ufeff \x01 \ud800 %YAML 1.1 \n"
)


def texts(words: str) -> st.SearchStrategy[str]:
    """Return texts of any characters, and texts made of `words` with and without blanks between them."""
    word = st.sampled_from([*words.split(" "), "\n  "])
    joined = [st.lists(word, max_size=30).map(between.join) for between in ("", " ")]
    return st.one_of(st.text(max_size=80), *joined)


HOSTILE = {
    "parentheses": "(" * 1500 + "true" + ")" * 1500,
    "brackets": "[" * 2000 + "]" * 2000 + " == []",
    "negations": "!" * 4000 + "true",
    "sum": "1" + "+1" * 1500 + " == 1",
    "conditions": "true ? true : " * 280 + "true",
    "fields": "run" + ".a" * 1900,
    "calls": "size(" * 600 + "'a'" + ")" * 600 + " == 1",
    "nested macros": "[1, 2].all(a, " * 30 + "true" + ")" * 30,
    "doubling": '["aaaaaaaaaa"]' + ".map(x, x + x + x + x)" * 30 + "[0] == ''",
    "pattern": 'app.name.matches("(a+)+$") && app.name.matches("(.*){1,32}{1,32}{1,32}")',
    "quotes": '"""' * 1300,
    "backslashes": "'" + "\\" * 4000,
    "long": "true && " * 1000 + "true",
}


@given(texts(CEL_WORDS))
@settings(max_examples=400, deadline=None)
def test_any_source_is_compiled_or_refused(source: str) -> None:
    """Any text is an expression or an InvalidExpression whose places lie within it; what compiles never raises."""
    for condition in (True, False):
        try:
            expression = ENVIRONMENT.compile(source, condition=condition)
        except InvalidExpression as refused:
            places = [problem.index for problem in refused.problems if problem.message]
            assert max(places) <= len(source)
            assert min(places) >= 0
        else:
            expression.evaluate(ENVIRONMENT.activation({}))
            expression.text(ENVIRONMENT.activation({"app.name": "x", "run.chats": 0}))


@given(texts(CEL_WORDS))
@settings(max_examples=200, deadline=None)
def test_any_template_is_rendered_or_refused(text: str) -> None:
    """Any text is a template or an InvalidExpression; what is one renders to text."""
    try:
        template = parse_template(text, ENVIRONMENT)
    except InvalidExpression:
        return
    assert isinstance(template.render(ENVIRONMENT.activation({})), str)


@given(text=texts(YAML_WORDS))
@settings(max_examples=400, deadline=None)
def test_any_file_is_loaded_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Any bytes make rules or ConfigErrors, and nothing else."""
    file = tmp_path_factory.getbasetemp() / "any.yml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    refuse_or_load(file)


@given(
    text=texts(CEL_WORDS),
    key=st.sampled_from(["expr", "where", "within", "by", "labels", "annotations", "actions", "alert"]),
)
@settings(max_examples=300, deadline=None)
def test_any_value_is_taken_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str, key: str) -> None:
    """Any text as the value of any key makes rules or ConfigErrors, and nothing else."""
    file = tmp_path_factory.getbasetemp() / "value.yml"
    body = (
        f"groups:\n- name: g\n  rules:\n  - alert: R\n    on: run\n    expr: run.age > run.limit\n    {key}: {text}\n"
    )
    file.write_bytes(body.replace("    expr: run.age > run.limit\n", "", int(key == "expr")).encode("utf-8", "replace"))
    refuse_or_load(file)


def refuse_or_load(file: Path) -> None:
    """Load `file`; where that fails, every error says where it is."""
    try:
        load([file])
    except ConfigErrors as refused:
        assert {error.file for error in refused.errors} == {file}  # noqa: PT017 - a refusal is allowed, not demanded


@pytest.mark.timeout(5)
@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_expressions_end_quickly(source: str) -> None:
    """Sources made to exhaust stack, memory or time are refused, or evaluated within the limits."""
    try:
        expression = ENVIRONMENT.compile(source, condition=True)
    except InvalidExpression:
        return
    expression.evaluate(ENVIRONMENT.activation({"app.name": "a" * 50_000}))


@pytest.mark.timeout(5)
def test_a_pattern_on_a_long_name_is_linear() -> None:
    """A pattern that other engines take for ever on is evaluated at once."""
    expression = ENVIRONMENT.compile('app.name.matches("^(a+)+$")', condition=True)
    assert expression.evaluate(ENVIRONMENT.activation({"app.name": "a" * 50_000 + "!"})).truth == "false"
