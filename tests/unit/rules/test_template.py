from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.rules.cel import Environment, InvalidExpression, Kind, Value
from monitor.rules.template import MAX_RENDERED, parse_template

ENVIRONMENT = Environment(
    {"run.age": Kind.DURATION, "run.age_at_most": Kind.DURATION, "run.chats": Kind.INT, "app.name": Kind.STRING}
)
DATA: dict[str, Value] = {"run.age": timedelta(seconds=750), "run.chats": 1500, "app.name": "Report"}


def render(text: str, **changes: Value) -> str:
    """Return `text` rendered for DATA, with the app's name changed if given."""
    data = {**DATA, **{name.replace("_", "."): value for name, value in changes.items()}}
    return parse_template(text, ENVIRONMENT).render(ENVIRONMENT.activation(data))


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("plain text, } and { and }}", "plain text, } and { and }}"),
        ("{{ app.name }}: {{ humanize(run.age) }} old", "Report: 12m 30s old"),
        ("{{run.age}}{{run.chats}}", "12m 30s1500"),
        ("{{ humanize(run.chats) }}", "1.5k"),
        ("{{ humanize(2500000.0) }}", "2.5M"),
        ("{{ run.chats > 3 }}", "true"),
        ("{{ 1.0 / 3.0 }}", "0.333333"),
        ("{{ null }}", ""),
        ("{{ ['a', 'b'] }}, {{ [run.age] }}", "a, b, 12m 30s"),
        ("{{ timestamp('2024-01-02T03:04:05Z') }}", "2024-01-02T03:04:05+00:00"),
        ("{{ {'a': {'b': 'deep'}}.a.b }}", "deep"),
        ("{{ '{{ }}' }}", "{{ }}"),
        ('{{ app.name == "" ? "no app" : app.name }}', "Report"),
        ("{{ run.age < duration('1h') ? 'young' : 'old' }}", "young"),
        ("가 {{ app.name }} 나", "가 Report 나"),
    ],
)
def test_pieces_of_any_type_become_text(text: str, rendered: str) -> None:
    """What stands in braces is replaced by its value as people read it; everything else stays."""
    assert render(text) == rendered


@pytest.mark.parametrize("piece", ["run.age_at_most", "1 / (run.chats - 1500)", "int(app.name)"])
def test_a_failing_piece_reads_unknown(piece: str) -> None:
    """A piece that is unknown or fails does not take the rest of the text with it."""
    assert render(f"{{{{ app.name }}}} {{{{ {piece} }}}}!") == "Report <unknown>!"


def test_values_are_not_templates() -> None:
    """Braces in a value are text: nobody can smuggle an expression in through the name of an app."""
    assert render("{{ app.name }}", app_name="{{ run.age }}") == "{{ run.age }}"


def test_long_text_is_cut() -> None:
    """A rendered text has at most MAX_RENDERED characters and shows that it was cut."""
    text = render("{{ app.name }}", app_name="a" * 5000)
    assert len(text) == MAX_RENDERED
    assert text.endswith("a…")


@pytest.mark.parametrize("character", ["e\u0301", "👩\u200d👧"])
def test_text_is_cut_between_what_is_read_as_characters(character: str) -> None:
    """A letter keeps its accents and a joined emoji its parts, or goes altogether."""
    for padding in range(4):
        text = render("{{ app.name }}", app_name="a" * padding + character * MAX_RENDERED)
        assert len(text) <= MAX_RENDERED
        assert text.removesuffix("…").removeprefix("a" * padding).replace(character, "") == ""


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("x {{ run.agee }}", [(5, "unknown variable run.agee; did you mean run.age?")]),
        ("{{ 'a }}", [(3, "syntax error: cannot read ''a '")]),
        ("ok {{ run.age ", [(3, "{{ is never closed with }}")]),
        ("{{ }}", [(2, "the expression is empty")]),
        ("{{ $labels.app }}", [(3, "syntax error: cannot read '$'")]),
        (
            "{{ humanize(app.name) }} {{ foo }}",
            [
                (3, "humanize() cannot be used with a string"),
                (28, "unknown variable foo; there are app.name, run.age, run.age_at_most, run.chats"),
            ],
        ),
        ("a" * 9000, [(0, "this is 9000 characters long; 8192 are allowed")]),
    ],
)
def test_wrong_pieces_are_found_when_loading(text: str, problems: list[tuple[int, str]]) -> None:
    """Every wrong piece is a problem at its place in the whole text."""
    with pytest.raises(InvalidExpression) as refused:
        parse_template(text, ENVIRONMENT)
    assert [(problem.index, problem.message) for problem in refused.value.problems] == problems
