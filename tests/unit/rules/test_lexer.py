from __future__ import annotations

import pytest

from monitor.rules.lexer import fold_durations, refused_calls, tokens, variables_in

DECLARED = ("run.age", "run.age_estimate", "run.limit", "app.name", "count")


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("run.age > run.limit", {"run.age", "run.limit"}),
        ("run.age_estimate > run.limit", {"run.age_estimate", "run.limit"}),
        ("app.name.startsWith('run.age')", {"app.name"}),
        ("run . age // run.limit\n > count", {"run.age", "count"}),
        ('r"\\" == app.name', {"app.name"}),
        ('"""run.age"" """ == app.name', {"app.name"}),
        ("'\\'run.age' == app.name", {"app.name"}),
        ("discount > recount", set()),
        ("", set()),
    ],
)
def test_variables_are_found_outside_strings_and_comments(source: str, names: set[str]) -> None:
    """Declared names are found as whole dotted names, and only where they are code."""
    assert variables_in(source, DECLARED) == names


@pytest.mark.parametrize(
    ("source", "text", "durations"),
    [
        ('duration("7d")', 'duration("604800.000s")', (604800.0,)),
        ("duration( '1h30m' )", 'duration( "5400.000s" )', (5400.0,)),
        ('duration(r"250ms")', 'duration("0.250s")', (0.25,)),
        ('"duration(\\"7d\\")"', '"duration(\\"7d\\")"', ()),
        ('duration("1h" + "2m")', 'duration("1h" + "2m")', ()),
        ("duration(app.name)", "duration(app.name)", ()),
    ],
)
def test_duration_literals_become_seconds(source: str, text: str, durations: tuple[float, ...]) -> None:
    """Each duration that is one literal is rewritten to seconds; what is computed stays as it is."""
    folded = fold_durations(source)
    assert (folded.text, folded.durations, folded.problems) == (text, durations, ())


def test_places_in_the_rewritten_source_lead_back() -> None:
    """What stands behind a rewritten literal is found where the user wrote it."""
    source = 'a > duration("7d") && b > duration("1m") && c'
    folded = fold_durations(source)
    for name in ("a >", "b >", "c"):
        assert folded.source_index(folded.text.rindex(name)) == source.rindex(name)
    assert folded.source_index(folded.text.index("604800")) == source.index('"7d"')


@pytest.mark.parametrize("literal", ['"10 min"', '"1.5h"', '"-1h"', '""', 'b"1h"', '"99999y"'])
def test_wrong_duration_literals_are_problems(literal: str) -> None:
    """A literal that is no duration, or longer than the engine can hold, is reported where it stands."""
    [problem] = fold_durations(f"run.age > duration({literal})").problems
    assert problem.index == 19


@pytest.mark.parametrize(
    ("source", "indexes"),
    [
        ("has(run.age)", [0]),
        ('"has(run.age)" == app.name', []),
        ('["a"].map(x, x + x)', [6]),
        ('["a"].exists(x, ["b"].all(y, x == y))', [22]),
        ('(["a"].exists(x, x == "")) && ["b"].all(y, y == "")', []),
        ('["a"].filter(x, x != "").exists(x, x == "b")', []),
    ],
)
def test_dangerous_calls_are_refused(source: str, indexes: list[int]) -> None:
    """What misleads (has) or can fill the memory (map, macros within macros) is refused, the rest is not."""
    assert [problem.index for problem in refused_calls(source)] == indexes


def test_tokens_cover_any_text() -> None:
    """Every character that is no blank or comment belongs to exactly one token."""
    source = "a.b(1.5e3) // c\n + 'x\\'y' $ \"open"
    assert "".join(token.text for token in tokens(source)) == "a.b(1.5e3)+'x\\'y'$\"open"
